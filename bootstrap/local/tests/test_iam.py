"""The enforcement of policies, and the patches of it."""

from __future__ import annotations

import json
import unittest
import urllib.request

import cbor2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support import GapTest, Server, code, invoke, local, make_function, unique
from test_data_services import instance


def allow(*actions: str, **condition) -> dict:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **condition}


def called(server: Server, function: str, service: str, operation: str, **arguments) -> object:
    """What a function gets when it calls AWS: ``ok`` or an error code."""
    return invoke(server, function, service=service, operation=operation, arguments=arguments)


class RolesTest(unittest.TestCase):
    def test_a_function_may_do_what_its_role_allows(self) -> None:
        server, name = local(), unique("table")
        function = make_function(server, allow("dynamodb:ListTables"))
        self.assertEqual("ok", called(server, function, "dynamodb", "list_tables"))
        denied = called(server, function, "dynamodb", "put_item", TableName=name, Item={"k": {"S": "a"}})
        self.assertEqual("AccessDeniedException", denied)
        principal = (
            server.client("lambda").get_function(FunctionName=function)["Configuration"]["Role"].rpartition("/")[2]
        )
        entries = [entry for entry in server.calls("PutItem") if entry["principal"] == principal]
        self.assertEqual(["AccessDeniedException"], [entry["error"] for entry in entries])


    def test_service_quotas_need_a_permission_too(self) -> None:
        server = local()
        function = make_function(server, allow("servicequotas:GetServiceQuota"))
        vpcs = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
        self.assertEqual("ok", called(server, function, "service-quotas", "get_service_quota", **vpcs))
        denied = called(server, function, "service-quotas", "list_services")
        self.assertEqual("AccessDeniedException", denied)


class SecureTransportTest(GapTest):
    def test_the_loopback_counts_as_tls(self) -> None:
        def observe(server: Server) -> object:
            function = make_function(
                server, allow("dynamodb:ListTables", Condition={"Bool": {"aws:SecureTransport": "true"}})
            )
            return called(server, function, "dynamodb", "list_tables")

        self.check(observe, "ok")


class CborTest(unittest.TestCase):
    def test_a_call_in_cbor_is_authorised_like_any_other(self) -> None:
        """As the Rust SDK sends it: a map of indefinite length, which is no UTF-8."""
        server, name = local(), unique("alarm")
        request = urllib.request.Request(
            f"{server.endpoint}/service/GraniteServiceVersion20100801/operation/DescribeAlarms",
            b"\xbf" + cbor2.dumps("AlarmNames") + cbor2.dumps([name]) + b"\xff",
            {
                "content-type": "application/cbor",
                "accept": "application/cbor",
                "smithy-protocol": "rpc-v2-cbor",
                "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
            },
        )
        signed = AWSRequest("POST", request.full_url, data=request.data, headers=dict(request.header_items()))
        SigV4Auth(Credentials("test", "test"), "monitoring", "us-east-1").add_auth(signed)
        with urllib.request.urlopen(
            urllib.request.Request(request.full_url, request.data, dict(signed.headers.items()))
        ) as answer:
            self.assertEqual(200, answer.status)


class TagsTest(GapTest):
    def test_of_the_request(self) -> None:
        def observe(server: Server) -> list[object]:
            condition = {"Condition": {"StringEquals": {"aws:RequestTag/stack": "ours"}}}
            function = make_function(
                server,
                allow(
                    "ec2:CreateVpc",
                    "ec2:CreateTags",
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:TagResource",
                    **condition,
                ),
            )

            def create(stack: str) -> list[object]:
                tags = [{"Key": "stack", "Value": stack}]
                specification = [{"ResourceType": "vpc", "Tags": tags}]
                alarm = {
                    "AlarmName": unique("a"), "EvaluationPeriods": 1, "ComparisonOperator": "LessThanThreshold",
                    "Tags": tags, "MetricName": "m", "Namespace": "n", "Period": 60, "Threshold": 1.0,
                    "Statistic": "Sum",
                }  # fmt: skip
                return [
                    called(
                        server, function, "ec2", "create_vpc", CidrBlock="10.0.0.0/16", TagSpecifications=specification
                    ),
                    called(server, function, "cloudwatch", "put_metric_alarm", **alarm),
                ]

            return [*create("ours"), *create("theirs")]

        self.check(observe, ["ok", "ok", "UnauthorizedOperation", "AccessDeniedException"])

    def test_of_the_resource(self) -> None:
        def observe(server: Server) -> list[object]:
            condition = {"Condition": {"StringEquals": {"aws:ResourceTag/stack": "ours"}}}
            actions = (
                "ec2:DeleteVpc",
                "kinesis:DeleteStream",
                "cloudwatch:DeleteAlarms",
                "elasticache:DeleteCacheSubnetGroup",
                "rds:AddTagsToResource",
            )
            function = make_function(server, allow(*actions, **condition))

            def delete(stack: str) -> list[object]:
                tags = [{"Key": "stack", "Value": stack}]
                ec2, name = server.client("ec2"), unique("n")
                vpc = ec2.create_vpc(
                    CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
                )["Vpc"]["VpcId"]
                server.client("kinesis").create_stream(StreamName=name, ShardCount=1)
                server.client("kinesis").add_tags_to_stream(StreamName=name, Tags={"stack": stack})
                server.client("cloudwatch").put_metric_alarm(
                    AlarmName=name, EvaluationPeriods=1, ComparisonOperator="LessThanThreshold", Tags=tags,
                    MetricName="m", Namespace="n", Period=60, Threshold=1.0, Statistic="Sum",
                )  # fmt: skip
                subnets = server.client("ec2").describe_subnets()["Subnets"]
                group = server.client("rds").create_db_subnet_group(
                    DBSubnetGroupName=name, DBSubnetGroupDescription="d", Tags=tags,
                    SubnetIds=[subnet["SubnetId"] for subnet in subnets[:2]],
                )["DBSubnetGroup"]["DBSubnetGroupArn"]  # fmt: skip
                more = [{"Key": "more", "Value": "1"}]
                return [
                    called(server, function, "rds", "add_tags_to_resource", ResourceName=group, Tags=more),
                    called(server, function, "ec2", "delete_vpc", VpcId=vpc),
                    called(server, function, "kinesis", "delete_stream", StreamName=name),
                    called(server, function, "cloudwatch", "delete_alarms", AlarmNames=[name]),
                ]

            return [delete("ours"), delete("theirs")]

        denied = "AccessDeniedException"
        self.check(observe, [["ok"] * 4, ["AccessDenied", "UnauthorizedOperation", denied, denied]])

    def test_of_tables_functions_and_target_groups(self) -> None:
        def observe(server: Server) -> list[object]:
            own = {"Condition": {"StringEquals": {"aws:ResourceTag/stack": "ours"}}}
            made = {"Condition": {"StringEquals": {"aws:RequestTag/stack": "ours"}}}
            tag = allow("elasticloadbalancing:AddTags")
            tag["Condition"] = {"StringEquals": {"elasticloadbalancing:CreateAction": "CreateTargetGroup"}}
            create = allow("lambda:CreateFunction") | {"Resource": "arn:aws:lambda:*:*:function:ours-*"}
            function = make_function(
                server, allow("dynamodb:TagResource", **own), create, allow("elasticloadbalancing:CreateTargetGroup", **made), tag
            )
            vpc = server.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

            def observed(stack: str) -> list[object]:
                tags = [{"Key": "stack", "Value": stack}]
                table = server.client("dynamodb").create_table(
                    TableName=unique("table"), BillingMode="PAY_PER_REQUEST", Tags=tags,
                    AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                    KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                )["TableDescription"]["TableArn"]  # fmt: skip
                more = [{"Key": "more", "Value": "1"}]
                # Whoever may create it is told that its role is none.
                function_of = {"FunctionName": unique(stack), "Role": "none", "Code": {"S3Bucket": "none", "S3Key": "none"}}
                answers = [
                    called(server, function, "dynamodb", "tag_resource", ResourceArn=table, Tags=more),
                    called(server, function, "lambda", "create_function", **function_of),
                    called(
                        server, function, "elbv2", "create_target_group", Name=unique("group"), Protocol="TCP", Port=80,
                        VpcId=vpc, Tags=tags,
                    ),
                ]  # fmt: skip
                return [answer in ("AccessDenied", "AccessDeniedException") for answer in answers]

            return [observed("ours"), observed("theirs")]

        self.check(observe, [[False] * 3, [True] * 3])

    def test_of_health_checks_whose_tags_are_listed(self) -> None:
        def observe(server: Server) -> list[object]:
            client = server.client("route53")
            settings = {"Type": "HTTP", "FullyQualifiedDomainName": "example.com"}
            held = [
                client.create_health_check(CallerReference=unique("check"), HealthCheckConfig=settings)["HealthCheck"]["Id"]
                for _ in range(2)
            ]
            own = {"Resource": f"arn:aws:route53:::healthcheck/{held[0]}"}
            function = make_function(server, allow("route53:ListTagsForResources") | own)

            def listed(identifier: str) -> object:
                given = {"ResourceType": "healthcheck", "ResourceIds": [identifier]}
                return called(server, function, "route53", "list_tags_for_resources", **given)

            return [listed(identifier) for identifier in held]

        self.check(observe, ["ok", "AccessDenied"])

    def test_of_a_boundary(self) -> None:
        def observe(server: Server) -> list[object]:
            iam, kinesis = server.client("iam"), server.client("kinesis")
            function = make_function(server, allow("kinesis:DeleteStream"))
            role = server.client("lambda").get_function(FunctionName=function)["Configuration"]["Role"].rpartition("/")[2]
            own = allow("kinesis:DeleteStream", Condition={"StringEquals": {"aws:ResourceTag/stack": "ours"}})
            boundary = iam.create_policy(
                PolicyName=unique("boundary"),
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [own]}),
            )["Policy"]["Arn"]
            iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)

            def deleted(stack: str) -> object:
                name = unique("stream")
                kinesis.create_stream(StreamName=name, ShardCount=1)
                kinesis.add_tags_to_stream(StreamName=name, Tags={"stack": stack})
                return called(server, function, "kinesis", "delete_stream", StreamName=name)

            return [deleted("ours"), deleted("theirs")]

        self.check(observe, ["ok", "AccessDeniedException"])

    def test_of_the_keys_that_are_taken_off(self) -> None:
        def observe(server: Server) -> list[object]:
            conditions = {
                "Null": {"aws:ResourceTag/own:stack": "false"},
                "ForAllValues:StringNotLike": {"aws:TagKeys": ["own:*"]},
            }
            function = make_function(
                server,
                allow(
                    "ec2:DeleteTags", "rds:RemoveTagsFromResource", "elasticache:RemoveTagsFromResource",
                    "kinesis:RemoveTagsFromStream", "secretsmanager:UntagResource", "cloudwatch:UntagResource",
                    "logs:UntagResource", "iam:UntagRole", Condition=conditions,
                ),
            )  # fmt: skip

            def untag(held: str, key: str) -> list[object]:
                name, tags = unique("n"), [{"Key": held, "Value": "a"}]
                ec2, rds, elasticache = (server.client(service) for service in ("ec2", "rds", "elasticache"))
                vpc = ec2.create_vpc(
                    CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
                )["Vpc"]["VpcId"]
                subnets = [
                    ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{third}.0/24", AvailabilityZone=f"us-east-1{zone}")
                    for third, zone in enumerate("ab")
                ]
                subnets = [made["Subnet"]["SubnetId"] for made in subnets]
                database = rds.create_db_subnet_group(
                    DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=subnets, Tags=tags
                )["DBSubnetGroup"]["DBSubnetGroupArn"]
                cache = elasticache.create_cache_subnet_group(
                    CacheSubnetGroupName=name, CacheSubnetGroupDescription="d", SubnetIds=subnets, Tags=tags
                )["CacheSubnetGroup"]["ARN"]
                kinesis = server.client("kinesis")
                kinesis.create_stream(StreamName=name, ShardCount=1)
                kinesis.add_tags_to_stream(StreamName=name, Tags={held: "a"})
                server.client("secretsmanager").create_secret(Name=name, SecretString="1", Tags=tags)
                server.client("cloudwatch").put_metric_alarm(
                    AlarmName=name, EvaluationPeriods=1, ComparisonOperator="LessThanThreshold", Tags=tags,
                    MetricName="m", Namespace="n", Period=60, Threshold=1.0, Statistic="Sum",
                )  # fmt: skip
                server.client("logs").create_log_group(logGroupName=name, tags={held: "a"})
                server.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=tags)
                alarm, logs = (
                    f"arn:aws:{kind}:{name}"
                    for kind in ("cloudwatch:us-east-1:000000000000:alarm", "logs:us-east-1:000000000000:log-group")
                )
                calls = (
                    ("ec2", "delete_tags", {"Resources": [vpc], "Tags": [{"Key": key}]}),
                    ("rds", "remove_tags_from_resource", {"ResourceName": database, "TagKeys": [key]}),
                    ("elasticache", "remove_tags_from_resource", {"ResourceName": cache, "TagKeys": [key]}),
                    ("kinesis", "remove_tags_from_stream", {"StreamName": name, "TagKeys": [key]}),
                    ("secretsmanager", "untag_resource", {"SecretId": name, "TagKeys": [key]}),
                    ("cloudwatch", "untag_resource", {"ResourceARN": alarm, "TagKeys": [key]}),
                    ("logs", "untag_resource", {"resourceArn": logs, "tagKeys": [key]}),
                    ("iam", "untag_role", {"RoleName": name, "TagKeys": [key]}),
                )
                return [called(server, function, service, call, **given) == "ok" for service, call, given in calls]

            return [untag("own:stack", "a"), untag("own:stack", "own:stack"), untag("theirs", "a")]

        self.check(observe, [[True] * 8, [False] * 8, [False] * 8])

    def test_the_permission_to_tag(self) -> None:
        def observe(server: Server) -> list[object]:
            function = make_function(server, allow("ec2:CreateVpc", "secretsmanager:CreateSecret"))
            tags = [{"Key": "a", "Value": "b"}]
            specification = [{"ResourceType": "vpc", "Tags": tags}]
            return [
                called(server, function, "ec2", "create_vpc", CidrBlock="10.0.0.0/16"),
                called(server, function, "ec2", "create_vpc", CidrBlock="10.0.0.0/16", TagSpecifications=specification),
                called(
                    server, function, "secretsmanager", "create_secret", Name=unique("s"), SecretString="1", Tags=tags
                ),
            ]

        self.check(observe, ["ok", "UnauthorizedOperation", "AccessDeniedException"])


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "monitoring.rds.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def policy(server: Server) -> str:
    """The ARN of a new policy that allows everything."""
    document = {"Version": "2012-10-17", "Statement": [allow("*")]}
    made = server.client("iam").create_policy(PolicyName=unique("p"), PolicyDocument=json.dumps(document))
    return made["Policy"]["Arn"]


class RoleConditionsTest(GapTest):
    def test_of_the_boundary_and_the_path(self) -> None:
        def observe(server: Server) -> list[object]:
            boundary, other = policy(server), policy(server)
            condition = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary}}}
            ours = "arn:aws:iam::*:role/outrigger/*"
            function = make_function(
                server,
                allow("iam:CreateRole", "iam:AttachRolePolicy", **condition) | {"Resource": ours},
                allow("iam:DeleteRole") | {"Resource": ours},
            )

            def create(**given) -> tuple:
                name = unique("role")
                arguments = {"RoleName": name, "AssumeRolePolicyDocument": TRUST, "Path": "/outrigger/"} | given
                return name, called(server, function, "iam", "create_role", **arguments)

            made, outcome = create(PermissionsBoundary=boundary)
            bare = unique("role")
            iam = server.client("iam")
            iam.create_role(RoleName=bare, AssumeRolePolicyDocument=TRUST, Path="/outrigger/")
            if outcome != "ok":
                return [outcome]
            managed = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
            outcomes = [
                outcome,
                create()[1],
                create(PermissionsBoundary=other)[1],
                create(PermissionsBoundary=boundary, Path="/")[1],
                called(server, function, "iam", "attach_role_policy", RoleName=made, PolicyArn=managed),
                called(server, function, "iam", "attach_role_policy", RoleName=bare, PolicyArn=managed),
                called(server, function, "iam", "delete_role", RoleName=bare),
            ]
            held = iam.get_role(RoleName=made)["Role"]["PermissionsBoundary"]
            return [*outcomes, held["PermissionsBoundaryArn"] == boundary]

        denied = "AccessDenied"
        self.check(observe, ["ok", denied, denied, denied, "ok", denied, "ok", True])

    def test_of_tags(self) -> None:
        def observe(server: Server) -> list[object]:
            tag = {"Key": "stack", "Value": "ours"}
            request = {"Condition": {"StringEquals": {"aws:RequestTag/stack": "ours"}}}
            resource = {"Condition": {"StringEquals": {"aws:ResourceTag/stack": "ours"}}}
            function = make_function(
                server, allow("iam:CreateRole", "iam:TagRole", **request), allow("iam:DeleteRole", **resource)
            )
            untagging = make_function(server, allow("iam:CreateRole"))

            def create(by: str, *tags: dict) -> object:
                arguments = {"RoleName": unique("role"), "AssumeRolePolicyDocument": TRUST, "Path": "/outrigger/"}
                return called(server, by, "iam", "create_role", **arguments, Tags=list(tags))

            iam, names = server.client("iam"), [unique("role"), unique("role")]
            for name, tags in zip(names, ([tag], []), strict=True):
                iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Path="/outrigger/", Tags=tags)
            return [
                create(function, tag),
                create(function, {"Key": "stack", "Value": "theirs"}),
                create(untagging, tag),
                *(called(server, function, "iam", "delete_role", RoleName=name) for name in names),
            ]

        denied = "AccessDenied"
        self.check(observe, ["ok", denied, denied, "ok", denied])

    def test_passing(self) -> None:
        def observe(server: Server) -> list[object]:
            iam, role = server.client("iam"), {}
            for path in ("/outrigger/", "/other/"):
                made = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=TRUST, Path=path)
                role[path] = made["Role"]["Arn"]

            def create(passed_to: str, path: str) -> object:
                condition = {"Condition": {"StringEquals": {"iam:PassedToService": passed_to}}}
                passing = allow("iam:PassRole", **condition) | {"Resource": "arn:aws:iam::*:role/outrigger/*"}
                function = make_function(server, allow("rds:CreateDBInstance"), passing)
                given = instance(unique("d"), MonitoringInterval=60, MonitoringRoleArn=role[path])
                return called(server, function, "rds", "create_db_instance", **given)

            monitoring = "monitoring.rds.amazonaws.com"
            return [
                create(monitoring, "/outrigger/"),
                create(monitoring, "/other/"),
                create("ec2.amazonaws.com", "/outrigger/"),
            ]

        self.check(observe, ["ok", "AccessDenied", "AccessDenied"])


class EventConditionsTest(GapTest):
    def test_of_the_source(self) -> None:
        def observe(server: Server) -> list[object]:
            condition = {
                "ForAllValues:StringEquals": {"events:source": "ours"},
                "Null": {"events:source": "false"},
            }
            put = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*", "Condition": condition}
            target = make_function(server, put)

            def ended(source: str) -> object:
                entries = [{"Source": source, "DetailType": "d", "Detail": "{}"}]
                arguments = {"Entries": entries}
                return invoke(server, target, service="events", operation="put_events", arguments=arguments)

            return [ended("ours"), ended("theirs")]

        self.check(observe, ["ok", "AccessDeniedException"])


class LeadingKeysTest(GapTest):
    def test_of_an_item(self) -> None:
        def observe(server: Server) -> list[object]:
            dynamodb, name = server.client("dynamodb"), unique("table")
            dynamodb.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            )  # fmt: skip
            condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ours"]}}
            function = make_function(server, allow("dynamodb:GetItem", "dynamodb:PutItem", Condition=condition))

            def got(key: str) -> object:
                return called(server, function, "dynamodb", "get_item", TableName=name, Key={"pk": {"S": key}})

            def put(key: str) -> object:
                return called(server, function, "dynamodb", "put_item", TableName=name, Item={"pk": {"S": key}})

            return [got("ours"), put("ours"), got("theirs"), put("theirs")]

        self.check(observe, ["ok", "ok", "AccessDeniedException", "AccessDeniedException"])


class PoliciesTest(GapTest):
    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            iam, name = server.client("iam"), unique("role")
            absent = f"arn:aws:iam::000000000000:policy/{name}"
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
            return [
                code(iam.attach_role_policy, RoleName=name, PolicyArn=absent),
                code(iam.update_assume_role_policy, RoleName=name, PolicyDocument="{"),
                code(iam.update_assume_role_policy, RoleName=name, PolicyDocument=TRUST),
            ]

        self.check(observe, ["NoSuchEntity", "MalformedPolicyDocument", "ok"])


class WhatMiniStackDoesTest(unittest.TestCase):
    """What the product relies on, and MiniStack does without help."""

    def test_the_life_of_a_role(self) -> None:
        iam, name, boundary = local().client("iam"), unique("role"), policy(local())
        managed = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
        tags = [{"Key": "a", "Value": "b"}]
        create = {"RoleName": name, "AssumeRolePolicyDocument": TRUST, "Path": "/outrigger/"}
        made = iam.create_role(**create, PermissionsBoundary=boundary, Tags=tags)["Role"]
        self.assertTrue(made["Arn"].endswith(f":role/outrigger/{name}"))
        self.assertEqual("EntityAlreadyExists", code(iam.create_role, **create))
        held = iam.get_role(RoleName=name)["Role"]
        self.assertEqual((boundary, tags), (held["PermissionsBoundary"]["PermissionsBoundaryArn"], held["Tags"]))
        iam.attach_role_policy(RoleName=name, PolicyArn=managed)
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        self.assertEqual([managed], [entry["PolicyArn"] for entry in attached])
        self.assertEqual("DeleteConflict", code(iam.delete_role, RoleName=name))
        iam.detach_role_policy(RoleName=name, PolicyArn=managed)
        self.assertEqual("NoSuchEntity", code(iam.detach_role_policy, RoleName=name, PolicyArn=managed))
        iam.tag_role(RoleName=name, Tags=[{"Key": "c", "Value": "d"}])
        iam.untag_role(RoleName=name, TagKeys=["a"])
        self.assertEqual([{"Key": "c", "Value": "d"}], iam.list_role_tags(RoleName=name)["Tags"])
        iam.delete_role(RoleName=name)
        self.assertEqual("NoSuchEntity", code(iam.get_role, RoleName=name))
