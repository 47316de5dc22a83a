"""The enforcement of policies, and the patches of it."""

from __future__ import annotations

import unittest
import urllib.request

import cbor2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support import GapTest, Server, invoke, local, make_function, unique


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
                return [
                    called(server, function, "ec2", "delete_vpc", VpcId=vpc),
                    called(server, function, "kinesis", "delete_stream", StreamName=name),
                    called(server, function, "cloudwatch", "delete_alarms", AlarmNames=[name]),
                ]

            return [delete("ours"), delete("theirs")]

        denied = "AccessDeniedException"
        self.check(observe, [["ok"] * 3, ["UnauthorizedOperation", denied, denied]])

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
