"""The patches of CloudFormation, and the template of a control plane in small."""

from __future__ import annotations

import json
import unittest

from support import GapTest, Server, code, function_zip, local, make_function, unique

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def deploy(server: Server, resources: dict, region: str = "us-east-1") -> dict[str, str]:
    """The physical ids of the resources of a new stack."""
    formation, name = server.client("cloudformation", region), unique("stack")
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    formation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    described = formation.describe_stack_resources(StackName=name)["StackResources"]
    return {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in described}


class TemplatePropertiesTest(GapTest):
    def test_boundary_and_recovery(self) -> None:
        def observe(server: Server) -> list[object]:
            made = deploy(
                server,
                {
                    "Boundary": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": POLICY}},
                    "Role": {
                        "Type": "AWS::IAM::Role",
                        "Properties": {"AssumeRolePolicyDocument": TRUST, "PermissionsBoundary": {"Ref": "Boundary"}},
                    },
                    "Table": {
                        "Type": "AWS::DynamoDB::Table",
                        "Properties": {
                            "BillingMode": "PAY_PER_REQUEST",
                            "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
                            "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
                            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                        },
                    },
                },
            )
            role = server.client("iam").get_role(RoleName=made["Role"])["Role"]
            backups = server.client("dynamodb").describe_continuous_backups(TableName=made["Table"])
            recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
            boundary = (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
            return [boundary == made["Boundary"], recovery["PointInTimeRecoveryStatus"]]

        self.check(observe, [True, "ENABLED"])


class ConditionParametersTest(GapTest):
    def test_the_region_is_known(self) -> None:
        def observe(server: Server) -> list[str]:
            formation, name = server.client("cloudformation", "eu-west-3"), unique("stack")
            template = {
                "Conditions": {
                    "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-3"]},
                    "Elsewhere": {"Fn::Not": [{"Condition": "Here"}]},
                },
                "Resources": {
                    "Here": {"Type": "AWS::SQS::Queue", "Condition": "Here"},
                    "Elsewhere": {"Type": "AWS::SQS::Queue", "Condition": "Elsewhere"},
                    "Always": {"Type": "AWS::SQS::Queue"},
                },
            }
            formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
            waiter = formation.get_waiter("stack_create_complete")
            waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
            described = formation.describe_stack_resources(StackName=name)["StackResources"]
            return sorted(entry["LogicalResourceId"] for entry in described)

        self.check(observe, ["Always", "Here"])


class PhysicalNamesTest(GapTest):
    def test_stacks_of_one_name_in_two_regions(self) -> None:
        def observe(server: Server) -> bool:
            role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
            name, names = unique("stack"), []
            for region in ("us-east-2", "us-west-2"):
                formation = server.client("cloudformation", region)
                template = json.dumps({"Resources": {"Role": role}})
                formation.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
                waiter = formation.get_waiter("stack_create_complete")
                waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
                described = formation.describe_stack_resources(StackName=name)["StackResources"]
                names.append(described[0]["PhysicalResourceId"])
            return names[0] != names[1]

        self.check(observe, True)


class GlobalTablesTest(GapTest):
    REGIONS = ("eu-west-1", "eu-west-2", "eu-central-1")

    def table(self, *regions: str) -> dict:
        replica = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
        return {
            "Type": "AWS::DynamoDB::GlobalTable",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
                "MultiRegionConsistency": "STRONG",
                "Replicas": [{"Region": region, **replica} for region in regions],
            },
        }

    def test_replicas_are_strongly_consistent(self) -> None:
        home, *others = self.REGIONS

        def observe(server: Server) -> list[object]:
            name = deploy(server, {"Table": self.table(*self.REGIONS)}, home)["Table"]
            seen: list[object] = []
            for region in self.REGIONS:
                dynamodb = server.client("dynamodb", region)
                try:
                    shown = dynamodb.describe_table(TableName=name)["Table"]
                except dynamodb.exceptions.ResourceNotFoundException:
                    return seen
                backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
                replicas = sorted(replica["RegionName"] for replica in shown.get("Replicas", []))
                recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
                seen.append([shown.get("MultiRegionConsistency"), len(replicas), recovery])
            # A condition holds in one region against what another has written, at once.
            absent = {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": "key"}}
            item = {"key": {"S": "a"}}
            writers = [server.client("dynamodb", region) for region in others]
            seen += [code(writer.put_item, TableName=name, Item=item, **absent) for writer in writers]
            read = server.client("dynamodb", home).get_item(TableName=name, Key=item, ConsistentRead=True)
            writers[0].delete_item(TableName=name, Key=item)
            gone = writers[1].get_item(TableName=name, Key=item, ConsistentRead=True)
            return [*seen, "Item" in read, "Item" in gone]

        shown = ["STRONG", 2, "ENABLED"]
        self.check(observe, [shown, shown, shown, "ok", "ConditionalCheckFailedException", True, False])

    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            name = deploy(server, {"Table": self.table(*self.REGIONS)}, self.REGIONS[0])["Table"]
            dynamodb = server.client("dynamodb", self.REGIONS[0])
            item = {"key": {"S": "a"}}
            filled = unique("table")
            dynamodb.create_table(
                TableName=filled,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            )
            dynamodb.put_item(TableName=filled, Item=item)
            updates = [{"Create": {"RegionName": region}} for region in self.REGIONS[1:]]
            expiry = {"Enabled": True, "AttributeName": "expires"}
            return [
                code(dynamodb.transact_write_items, TransactItems=[{"Put": {"TableName": name, "Item": item}}]),
                code(dynamodb.update_time_to_live, TableName=name, TimeToLiveSpecification=expiry),
                code(dynamodb.update_table, TableName=filled, ReplicaUpdates=updates, MultiRegionConsistency="STRONG"),
            ]

        self.check(observe, ["ValidationException"] * 3)


class WhatMiniStackDoesTest(unittest.TestCase):
    """What the product relies on, and MiniStack does without help."""

    def test_a_serverless_function_and_state_machine(self) -> None:
        server, bucket = local(), unique("code")
        store = server.client("s3")
        store.create_bucket(Bucket=bucket)
        store.put_object(Bucket=bucket, Key="function.zip", Body=function_zip())
        made = deploy(
            server,
            {
                "Function": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": {
                        "CodeUri": {"Bucket": bucket, "Key": "function.zip"},
                        "Runtime": "provided.al2023",
                        "Handler": "bootstrap",
                        "Timeout": 10,
                    },
                },
                "Machine": {
                    "Type": "AWS::Serverless::StateMachine",
                    "Properties": {
                        "Definition": {
                            "QueryLanguage": "JSONata",
                            "StartAt": "Call",
                            "States": {
                                "Call": {
                                    "Type": "Task",
                                    "Resource": "arn:aws:states:::lambda:invoke",
                                    "Arguments": {"FunctionName": "${Function}", "Payload": "{% $states.input %}"},
                                    "Output": "{% $states.result.Payload %}",
                                    "End": True,
                                }
                            },
                        },
                        "DefinitionSubstitutions": {"Function": {"Fn::GetAtt": ["Function", "Arn"]}},
                        "Policies": [{"LambdaInvokePolicy": {"FunctionName": {"Ref": "Function"}}}],
                    },
                },
            },
        )
        from test_step_functions import run

        ended = run(server, made["Machine"], {"hello": "there"})
        self.assertEqual({"hello": "there"}, json.loads(ended.get("output", "null")), ended)

    def test_a_definition_keeps_the_version_that_it_names(self) -> None:
        from test_step_functions import integration, machine, run

        server = local()
        functions, target = server.client("lambda"), make_function(server)
        published = functions.publish_version(FunctionName=target)["FunctionArn"]
        functions.update_function_configuration(FunctionName=target, Timeout=21)
        functions.update_function_code(FunctionName=target, ZipFile=function_zip("echo nothing of this kind; exit 1"))
        for function, wanted in ((published, "SUCCEEDED"), (target, "FAILED")):
            call = integration("lambda:invoke", {"FunctionName": function, "Payload": {"hello": "there"}}, End=True)
            self.assertEqual(wanted, run(server, machine(server, {"Call": call}))["status"], function)
