"""The log of calls: what it says, and what it must never say."""

from __future__ import annotations

import unittest

from support import local, unique
from test_data_services import instance

from outrigger_local.call import Call
from outrigger_local.call_log import is_mutating
from outrigger_local.redaction import REDACTED, redacted_parameters

SECRET = "hunter2-is-no-good-password"


def call(service: str, path: str = "/", **parameters) -> Call:
    return Call("POST", path, {}, {}, b"", service, "Operation", "us-east-1", "test", parameters)


class EntryTest(unittest.TestCase):
    def test_its_fields(self) -> None:
        server = local()
        server.client("ec2", "eu-north-1").create_vpc(CidrBlock="10.44.0.0/16")
        entry = server.calls("CreateVpc")[-1]
        self.assertIsInstance(entry.pop("time_ms"), int)
        self.assertRegex(entry.pop("request_id"), "^[0-9a-f-]{36}$")
        self.assertEqual(
            {
                "service": "ec2",
                "operation": "CreateVpc",
                "region": "eu-north-1",
                "principal": "root",
                "mutating": True,
                "status": 200,
                "error": None,
                "fault": None,
                "capacity_units": None,
                "parameters": {"CidrBlock": "10.44.0.0/16"},
            },
            entry,
        )

    def test_every_protocol_is_read(self) -> None:
        server, name = local(), unique("n")
        server.client("cloudwatch").put_metric_alarm(
            AlarmName=name, EvaluationPeriods=1, ComparisonOperator="LessThanThreshold",
            MetricName="m", Namespace="n", Period=60, Threshold=1.0, Statistic="Sum",
        )  # fmt: skip
        server.client("kinesis").create_stream(StreamName=name, ShardCount=1)
        server.client("s3").create_bucket(Bucket=name)
        server.client("s3").put_object(Bucket=name, Key="a/b", Body=SECRET)
        server.client("dynamodb").list_tables(Limit=7)
        server.client("apigateway").create_rest_api(name=name)
        for service, operation, parameter, value in (
            ("cloudwatch", "PutMetricAlarm", "AlarmName", name),
            ("kinesis", "CreateStream", "StreamName", name),
            ("s3", "PutObject", "Key", "a/b"),
            ("dynamodb", "ListTables", "Limit", 7),
            ("apigateway", "CreateRestApi", "name", name),
        ):
            with self.subTest(service):
                entry = server.calls(operation)[-1]
                self.assertEqual((service, value), (entry["service"], entry["parameters"][parameter]))

    def test_what_changes_something(self) -> None:
        for operation, expected in (
            ("CreateVpc", True), ("PutLogEvents", True), ("StartExecution", True), ("Invoke", True),
            ("DescribeVpcs", False), ("GetItem", False), ("BatchGetItem", False), ("ListTables", False),
            ("Scan", False),
            ("HeadObject", False), ("Query", False), ("TestState", False), ("GetRandomPassword", False),
            ("FilterLogEvents", False), ("AssumeRole", False), ("GET /absent", False),
        ):  # fmt: skip
            with self.subTest(operation):
                self.assertEqual(expected, is_mutating(operation))


class CapacityTest(unittest.TestCase):
    def test_what_dynamodb_bills(self) -> None:
        server, name = local(), unique("t")
        table = server.client("dynamodb")
        table.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": it, "AttributeType": "S"} for it in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )  # fmt: skip

        def units(operation: str, **parameters) -> float:
            try:
                answer = getattr(table, operation)(TableName=name, **parameters)
                self.assertNotIn("x-outrigger-capacity-units", answer["ResponseMetadata"]["HTTPHeaders"])
            except table.exceptions.ConditionalCheckFailedException:
                pass
            wanted = operation.title().replace("_", "")
            return [it for it in server.calls(wanted) if it["parameters"]["TableName"] == name][-1]["capacity_units"]

        def key(sort: str) -> dict:
            return {"Key": {"pk": {"S": "p"}, "sk": {"S": sort}}}

        def body(size: int, **more) -> dict:
            value = {":body": {"B": b"x" * size}}
            return {"UpdateExpression": "SET body = :body", "ExpressionAttributeValues": value, **more}

        query = {
            "KeyConditionExpression": "#pk = :pk AND #sk > :sk", "ProjectionExpression": "#sk",
            "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
            "ExpressionAttributeValues": {":pk": {"S": "p"}, ":sk": {"S": "0"}},
        }  # fmt: skip
        for what, expected, found in (
            ("read what is not there", 1, units("get_item", **key("a"), ConsistentRead=True)),
            ("an item of less than a KB", 1, units("update_item", **key("a"), **body(100))),
            ("a larger one in its place", 9, units("update_item", **key("a"), **body(9000))),
            ("a smaller one in its place", 9, units("update_item", **key("a"), **body(5000))),
            ("one that is refused", 5, units("update_item", **key("a"), **body(1, ConditionExpression="body = pk"))),
            ("read it", 2, units("get_item", **key("a"), ConsistentRead=True)),
            ("read it as it may have been", 1, units("get_item", **key("a"))),
            ("another", 4, units("update_item", **key("b"), **body(4000))),
            ("read both, of which only the keys are shown", 3, units("query", **query, ConsistentRead=True)),
            ("delete it", 5, units("delete_item", **key("a"))),
            ("delete it again", 1, units("delete_item", **key("a"))),
        ):  # fmt: skip
            with self.subTest(what):
                self.assertEqual(expected, found)


class RedactionTest(unittest.TestCase):
    def test_secrets_never_touch_the_disk(self) -> None:
        server, name = local(), unique("n")
        secrets, rds = server.client("secretsmanager"), server.client("rds")
        secrets.create_secret(Name=name, SecretString=f'{{"password": "{SECRET}"}}')
        secrets.put_secret_value(SecretId=name, SecretBinary=SECRET.encode())
        secrets.get_secret_value(SecretId=name)
        rds.create_db_instance(**instance(name, MasterUserPassword=SECRET))
        rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword=SECRET + "!")
        server.client("elasticache").create_replication_group(
            ReplicationGroupId=name, ReplicationGroupDescription="d", AuthToken=SECRET, TransitEncryptionEnabled=True
        )
        server.client("ssm").put_parameter(Name=f"/{name}", Value=SECRET, Type="SecureString")
        holding = [
            path for path in server.directory.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
        ]
        self.assertEqual([], holding)

    def test_by_name(self) -> None:
        for given, expected in (
            (call("secretsmanager", SecretId="n", SecretString="v"), {"SecretId": "n", "SecretString": REDACTED}),
            (call("ec2", ClientToken="t", NextToken="n"), {"ClientToken": "t", "NextToken": "n"}),
            (call("secretsmanager", ClientRequestToken="t"), {"ClientRequestToken": "t"}),
            (call("rds", **{"Tags.member.1.Value": "v"}), {"Tags.member.1.Value": "v"}),
            (call("iam", OldPassword="v", userPassword="w"), {"OldPassword": REDACTED, "userPassword": REDACTED}),
            (
                call("ssm", Name="n", Value="v", Type="SecureString"),
                {"Name": "n", "Value": REDACTED, "Type": "SecureString"},
            ),
            (call("ssm", Name="n", Value="v", Type="String"), {"Name": "n", "Value": "v", "Type": "String"}),
            (call("ssm", Name="n", Value="v"), {"Name": "n", "Value": REDACTED}),
            (call("lambda", Code={"ZipFile": "v", "S3Key": "k"}), {"Code": {"ZipFile": REDACTED, "S3Key": "k"}}),
            (call("dynamodb", Item={"token": {"N": "7"}}), {"Item": {"token": {"N": "7"}}}),
            (call("dynamodb", Item={"token": {"S": "v"}}), {"Item": {"token": REDACTED}}),
            (call("apigateway", "/apikeys", name="n", value="v"), {"name": "n", "value": REDACTED}),
            (call("rds-data", sql="alter role a password 'v'"), {"sql": REDACTED}),
            (call("dynamodb", Item={"body": b"12345"}), {"Item": {"body": REDACTED}}),
            (call("dynamodb", Item={"plan": b"12345"}), {"Item": {"plan": "<5 bytes>"}}),
        ):
            with self.subTest(given.parameters):
                self.assertEqual(expected, redacted_parameters(given))
