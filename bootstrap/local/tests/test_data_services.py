"""The patches of RDS, ElastiCache, Kinesis, Secrets Manager and CloudWatch."""

from __future__ import annotations

import json
import time
import unittest

from botocore.exceptions import ClientError
from support import GapTest, Server, code, local, unique
from test_ec2 import group, network

PASSWORD = "a-long-password"


def subnets(server: Server) -> dict:
    """A network with subnets in two zones."""
    made = network(server)
    other = made["ec2"].create_subnet(VpcId=made["vpc"], CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1b")
    return {**made, "subnets": [made["subnet"], other["Subnet"]["SubnetId"]]}


def instance(name: str, **given) -> dict:
    """What CreateDBInstance needs."""
    return {
        "DBInstanceIdentifier": name,
        "DBInstanceClass": "db.t3.micro",
        "Engine": "postgres",
        "AllocatedStorage": 20,
        "MasterUsername": "owner",
        "MasterUserPassword": PASSWORD,
    } | given


def replication_group(name: str, **given) -> dict:
    """What CreateReplicationGroup needs."""
    return {"ReplicationGroupId": name, "ReplicationGroupDescription": "d", "NumCacheClusters": 2} | given


class LowerCaseIdentifiersTest(GapTest):
    def test_identifiers(self) -> None:
        def observe(server: Server) -> list[object]:
            rds, cache, name = server.client("rds"), server.client("elasticache"), unique("Name")
            made = rds.create_db_instance(**instance(name))["DBInstance"]["DBInstanceIdentifier"]
            cached = cache.create_replication_group(**replication_group(name))["ReplicationGroup"]
            return [
                made == name.lower(),
                code(rds.create_db_instance, **instance(name.lower())),
                code(rds.describe_db_instances, DBInstanceIdentifier=name.upper()),
                cached["ReplicationGroupId"] == name.lower(),
            ]

        self.check(observe, [True, "DBInstanceAlreadyExists", "ok", True])


class RdsEngineVersionsTest(GapTest):
    def test_minors_of_a_major(self) -> None:
        def observe(server: Server) -> list[tuple[str, str]]:
            found = server.client("rds").describe_db_engine_versions(Engine="postgres", EngineVersion="15")
            return [(entry["EngineVersion"], entry["DBParameterGroupFamily"]) for entry in found["DBEngineVersions"]]

        minors = ("15.7", "15.8", "15.10", "15.12", "15.13", "15.14", "15.15")
        self.check(observe, [(minor, "postgres15") for minor in minors])

    def test_a_retired_version_is_refused_and_a_major_resolved(self) -> None:
        def observe(server: Server) -> list[str]:
            rds = server.client("rds")
            made = rds.create_db_instance(**instance(unique("d"), EngineVersion="15"))
            return [
                code(rds.create_db_instance, **instance(unique("d"), EngineVersion="15.4")),
                made["DBInstance"]["EngineVersion"],
            ]

        self.check(observe, ["InvalidParameterCombination", "15.15"])


class RdsInstancesTest(GapTest):
    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            made, rds, name = subnets(server), server.client("rds"), unique("d")
            of_groups = {"DBSubnetGroupDescription": "d", "SubnetIds": made["subnets"]}
            rds.create_db_subnet_group(DBSubnetGroupName=name, **of_groups)
            rds.create_db_instance(**instance(name))
            create, delete = rds.create_db_instance, rds.delete_db_instance
            return [
                code(rds.create_db_subnet_group, DBSubnetGroupName=name, **of_groups),
                code(
                    rds.create_db_subnet_group,
                    DBSubnetGroupName=unique("g"),
                    DBSubnetGroupDescription="d",
                    SubnetIds=made["subnets"][:1],
                ),
                code(create, **instance(unique("d"), DBSubnetGroupName="absent")),
                code(create, **instance(unique("d"), VpcSecurityGroupIds=["sg-0"])),
                code(create, **instance(unique("d"), MasterUserPassword="short")),
                code(delete, DBInstanceIdentifier=name),
                code(delete, DBInstanceIdentifier=name, SkipFinalSnapshot=False, FinalDBSnapshotIdentifier=f"{name}-f"),
            ]

        self.check(
            observe,
            [
                "DBSubnetGroupAlreadyExists",
                "DBSubnetGroupDoesNotCoverEnoughAZs",
                "DBSubnetGroupNotFoundFault",
                "InvalidParameterValue",
                "InvalidParameterValue",
                "InvalidParameterCombination",
                "ok",
            ],
        )

    def test_a_final_snapshot_needs_a_free_name(self) -> None:
        def observe(server: Server) -> list[str]:
            rds, name = server.client("rds"), unique("d")
            final = {"DBInstanceIdentifier": name, "FinalDBSnapshotIdentifier": f"{name}-final"}
            rds.create_db_instance(**instance(name))
            first = code(rds.delete_db_instance, **final)
            rds.create_db_instance(**instance(name))
            return [first, code(rds.delete_db_instance, **final)]

        self.check(observe, ["ok", "DBSnapshotAlreadyExists"])

    def test_what_is_described(self) -> None:
        def observe(server: Server) -> list[object]:
            made, rds, name = subnets(server), server.client("rds"), unique("d")
            rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=made["subnets"])
            rds.create_db_instance(
                **instance(
                    name,
                    DBSubnetGroupName=name,
                    MultiAZ=True,
                    StorageEncrypted=True,
                    PreferredBackupWindow="02:10-03:10",
                    EnableCloudwatchLogsExports=["postgresql"],
                )
            )
            found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
            return [
                found["PreferredBackupWindow"],
                found["AvailabilityZone"],
                found.get("SecondaryAvailabilityZone"),
                found.get("EnabledCloudwatchLogsExports"),
                found["KmsKeyId"].startswith("arn:aws:kms:us-east-1:"),
                len(found["VpcSecurityGroups"]),
            ]

        self.check(observe, ["02:10-03:10", "us-east-1a", "us-east-1b", ["postgresql"], True, 1])

    def test_pending_changes(self) -> None:
        def observe(server: Server) -> list[object]:
            rds, name = server.client("rds"), unique("d")
            rds.create_db_instance(**instance(name))

            def modify(**changes) -> dict:
                changed = rds.modify_db_instance(DBInstanceIdentifier=name, **changes)["DBInstance"]
                return {**changed["PendingModifiedValues"], "size": changed["AllocatedStorage"]}

            return [
                modify(AllocatedStorage=30, ApplyImmediately=False),
                modify(AllocatedStorage=20, ApplyImmediately=False),
                modify(AllocatedStorage=40, ApplyImmediately=False),
                modify(ApplyImmediately=True),
            ]

        self.check(
            observe,
            [{"AllocatedStorage": 30, "size": 20}, {"size": 20}, {"AllocatedStorage": 40, "size": 20}, {"size": 40}],
        )


class ElastiCacheGroupsTest(GapTest):
    def test_members(self) -> None:
        def observe(server: Server) -> list[object]:
            made, cache, name = subnets(server), server.client("elasticache"), unique("c")
            cache.create_cache_subnet_group(
                CacheSubnetGroupName=name, CacheSubnetGroupDescription="d", SubnetIds=made["subnets"]
            )
            of_cache = group(made)
            cache.create_replication_group(
                **replication_group(
                    name,
                    EngineVersion="7.0",
                    CacheSubnetGroupName=name,
                    SecurityGroupIds=[of_cache],
                    AutomaticFailoverEnabled=True,
                    MultiAZEnabled=True,
                    Tags=[{"Key": "a", "Value": "b"}],
                )
            )
            described = cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
            clusters = [
                cache.describe_cache_clusters(CacheClusterId=member)["CacheClusters"][0]
                for member in described["MemberClusters"]
            ]
            return [
                [member.removeprefix(name) for member in described["MemberClusters"]],
                [cluster["PreferredAvailabilityZone"] for cluster in clusters],
                {cluster["EngineVersion"] for cluster in clusters},
                {cluster["CacheSubnetGroupName"] == name for cluster in clusters},
                {cluster["SecurityGroups"][0]["SecurityGroupId"] == of_cache for cluster in clusters},
                cache.list_tags_for_resource(ResourceName=clusters[0]["ARN"])["TagList"],
            ]

        zones = ["us-east-1a", "us-east-1b"]
        self.check(observe, [["-001", "-002"], zones, {"7.0.7"}, {True}, {True}, [{"Key": "a", "Value": "b"}]])

    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            create = server.client("elasticache").create_replication_group
            return [
                code(create, **replication_group(unique("c"), CacheSubnetGroupName="absent")),
                code(create, **replication_group(unique("c"), Engine="redis", EngineVersion="7.9")),
                code(create, **replication_group(unique("c"), NumCacheClusters=1, AutomaticFailoverEnabled=True)),
                code(create, **replication_group(unique("c"), MultiAZEnabled=True)),
            ]

        combination = "InvalidParameterCombination"
        self.check(observe, ["CacheSubnetGroupNotFoundFault", combination, combination, combination])

    def test_versions(self) -> None:
        def observe(server: Server) -> list[tuple[str, str]]:
            cache = server.client("elasticache")
            found = cache.describe_cache_engine_versions(Engine="redis", EngineVersion="7.0")["CacheEngineVersions"]
            return [(entry["EngineVersion"], entry["CacheParameterGroupFamily"]) for entry in found]

        self.check(observe, [("7.0", "redis7")])


class KinesisStreamsTest(GapTest):
    def test_tags_and_metrics(self) -> None:
        def observe(server: Server) -> list[object]:
            kinesis, name = server.client("kinesis"), unique("s")
            kinesis.create_stream(StreamName=name, ShardCount=2, Tags={"a": "b"})
            kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["OutgoingBytes", "IncomingBytes"])
            summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
            kinesis.disable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["OutgoingBytes"])
            described = kinesis.describe_stream(StreamName=name)["StreamDescription"]
            return [
                kinesis.list_tags_for_stream(StreamName=name)["Tags"],
                code(kinesis.tag_resource, ResourceARN=summary["StreamARN"], Tags={"c": "d"}),
                code(kinesis.untag_resource, ResourceARN=summary["StreamARN"], TagKeys=["a"]),
                code(kinesis.list_tags_for_resource, ResourceARN=summary["StreamARN"]),
                kinesis.list_tags_for_stream(StreamName=name)["Tags"],
                summary["EnhancedMonitoring"],
                described["EnhancedMonitoring"],
                code(kinesis.create_stream, StreamName=name, ShardCount=2),
            ]

        self.check(
            observe,
            [
                [{"Key": "a", "Value": "b"}],
                *["ok"] * 3,
                [{"Key": "c", "Value": "d"}],
                [{"ShardLevelMetrics": ["IncomingBytes", "OutgoingBytes"]}],
                [{"ShardLevelMetrics": ["IncomingBytes"]}],
                "ResourceInUseException",
            ],
        )


class KinesisScalingTest(GapTest):
    def test_shards(self) -> None:
        def observe(server: Server) -> list[object]:
            kinesis, name = server.client("kinesis"), unique("s")
            kinesis.create_stream(StreamName=name, ShardCount=3)

            def scale(target: int) -> str:
                arguments = {"TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"}
                return code(kinesis.update_shard_count, StreamName=name, **arguments)

            outcomes = [scale(7), scale(1), *(scale(count) for count in (6, 3, 2, 4, 2, 4, 2, 4, 2, 4, 2))]
            summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
            return [*outcomes, summary["OpenShardCount"]]

        limit = "LimitExceededException"
        self.check(observe, [limit, limit, *["ok"] * 10, limit, 4])

    def test_the_records_stay(self) -> None:
        def observe(server: Server) -> list[object]:
            kinesis, name = server.client("kinesis"), unique("s")
            kinesis.create_stream(StreamName=name, ShardCount=1)
            for text in "abcd":
                kinesis.put_record(StreamName=name, PartitionKey=text, Data=text.encode())
            kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
            shards = [shard["ShardId"] for shard in kinesis.list_shards(StreamName=name)["Shards"]]
            found = []
            for shard in shards:
                start = {"ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
                iterator = kinesis.get_shard_iterator(StreamName=name, **start)["ShardIterator"]
                found += [record["Data"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]]
            return [[shard[-1] for shard in shards], sorted(found)]

        self.check(observe, [["1", "2"], [b"a", b"b", b"c", b"d"]])

    def test_retention(self) -> None:
        def observe(server: Server) -> list[str]:
            kinesis, name = server.client("kinesis"), unique("s")
            kinesis.create_stream(StreamName=name, ShardCount=1)
            increase, decrease = kinesis.increase_stream_retention_period, kinesis.decrease_stream_retention_period
            return [
                code(operation, StreamName=name, RetentionPeriodHours=hours)
                for operation, hours in (
                    (increase, 48),
                    (increase, 24),
                    (decrease, 72),
                    (decrease, 12),
                    (increase, 9000),
                    (decrease, 48),
                    (decrease, 24),
                )
            ]

        self.check(observe, ["ok", *["InvalidArgumentException"] * 4, "ok", "ok"])

    def test_limits(self) -> None:
        def observe(server: Server) -> object:
            kinesis = server.client("kinesis", "eu-south-2")
            kinesis.create_stream(StreamName=unique("s"), ShardCount=3)
            if code(kinesis.describe_limits) != "ok":
                return "unknown"
            limits = kinesis.describe_limits()
            return [limits["ShardLimit"], limits["OpenShardCount"]]

        self.check(observe, [1000, 3])


class SecretVersionsTest(GapTest):
    def test_tokens(self) -> None:
        def observe(server: Server) -> list[object]:
            secrets, name = server.client("secretsmanager"), unique("s")
            first, second = "a" * 32, "b" * 32

            def create(value: str) -> str:
                return code(secrets.create_secret, Name=name, SecretString=value, ClientRequestToken=first)

            def put(value: str) -> str:
                return code(secrets.put_secret_value, SecretId=name, SecretString=value, ClientRequestToken=second)

            outcomes = [create("1"), create("1"), create("2"), put("2"), put("2"), put("3")]
            return [*outcomes, secrets.describe_secret(SecretId=name)["VersionIdsToStages"]]

        exists, stages = "ResourceExistsException", {"a" * 32: ["AWSPREVIOUS"], "b" * 32: ["AWSCURRENT"]}
        self.check(observe, ["ok", "ok", exists, "ok", "ok", exists, stages])

    def test_names_and_absent_values(self) -> None:
        def observe(server: Server) -> list[str]:
            secrets, name, empty = server.client("secretsmanager"), unique("s"), unique("s")
            secrets.create_secret(Name=name, SecretString="1")
            secrets.delete_secret(SecretId=name)
            secrets.create_secret(Name=empty)
            return [
                code(secrets.create_secret, Name=name, SecretString="1"),
                code(secrets.get_secret_value, SecretId=empty),
                code(secrets.delete_secret, SecretId="absent", ForceDeleteWithoutRecovery=True),
            ]

        self.check(observe, ["InvalidRequestException", "ResourceNotFoundException", "ok"])


class AbsentAlarmsTest(GapTest):
    def test_delete(self) -> None:
        def observe(server: Server) -> str:
            return code(server.client("cloudwatch").delete_alarms, AlarmNames=["absent"])

        self.check(observe, "ResourceNotFound")


class DashboardsTest(GapTest):
    def test_tags_and_regions(self) -> None:
        def observe(server: Server) -> list[object]:
            cloudwatch, name = server.client("cloudwatch"), unique("d")
            body, tags = json.dumps({"widgets": []}), [{"Key": "a", "Value": "1"}]
            cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body, Tags=tags)
            elsewhere = server.client("cloudwatch", "us-east-2")
            found = code(elsewhere.get_dashboard, DashboardName=name)
            arn = cloudwatch.get_dashboard(DashboardName=name)["DashboardArn"]
            cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body, Tags=[{"Key": "b", "Value": "2"}])
            try:
                told = cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]
            except ClientError as refused:
                told = refused.response["Error"]["Code"]
            no_body = code(cloudwatch.put_dashboard, DashboardName=name, DashboardBody="widgets")
            return [found, told, code(cloudwatch.tag_resource, ResourceARN=arn, Tags=tags), no_body]

        self.check(observe, ["ok", [{"Key": "a", "Value": "1"}], "ok", "DashboardInvalidInputError"])


class TopicsTest(GapTest):
    def test_a_name_with_other_tags(self) -> None:
        def observe(server: Server) -> list[str]:
            sns, name = server.client("sns"), unique("t")
            tagged = {"Name": name, "Tags": [{"Key": "a", "Value": "1"}]}
            other = {"Name": name, "Tags": [{"Key": "a", "Value": "2"}]}
            return [code(sns.create_topic, **tagged), code(sns.create_topic, **tagged), code(sns.create_topic, **other)]

        self.check(observe, ["ok", "ok", "InvalidParameter"])

    def test_mail_is_confirmed_by_whoever_reads_it(self) -> None:
        def observe(server: Server) -> list[object]:
            sns = server.client("sns")
            arn = sns.create_topic(Name=unique("t"))["TopicArn"]
            mail = {"TopicArn": arn, "Protocol": "email", "Endpoint": "a@example.com"}
            answers = [sns.subscribe(**mail)["SubscriptionArn"] for _ in range(2)]
            queue = "arn:aws:sqs:us-east-1:000000000000:q"
            at_once = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
            listed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
            return [answers, [it["SubscriptionArn"] == at_once or it["SubscriptionArn"] for it in listed]]

        self.check(observe, [["pending confirmation"] * 2, ["PendingConfirmation", True]])


class WhatMiniStackDoesTest(unittest.TestCase):
    """What the product relies on, and MiniStack does without help."""

    def test_an_alarm(self) -> None:
        watch, name = local().client("cloudwatch"), unique("a")
        watch.put_metric_alarm(
            AlarmName=name,
            ComparisonOperator="LessThanThreshold",
            EvaluationPeriods=3,
            Period=300,
            Threshold=1.0,
            Statistic="Sum",
            Namespace="AWS/Kinesis",
            MetricName="IncomingRecords",
            TreatMissingData="breaching",
            Tags=[{"Key": "a", "Value": "b"}],
        )
        found = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        self.assertEqual("breaching", found["TreatMissingData"])
        tags = watch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]
        self.assertEqual([{"Key": "a", "Value": "b"}], tags)
        for switch, enabled in ((watch.disable_alarm_actions, False), (watch.enable_alarm_actions, True)):
            switch(AlarmNames=[name])
            self.assertEqual(enabled, watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["ActionsEnabled"])

    def test_a_log_group(self) -> None:
        logs, name = local().client("logs"), f"/outrigger/{unique('group')}"
        logs.create_log_group(logGroupName=name, tags={"a": "b"})
        self.assertEqual("ResourceAlreadyExistsException", code(logs.create_log_group, logGroupName=name))
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        arn = found[0]["arn"].removesuffix(":*")
        logs.tag_resource(resourceArn=arn, tags={"c": "d"})
        self.assertEqual({"a": "b", "c": "d"}, logs.list_tags_for_resource(resourceArn=arn)["tags"])
        logs.delete_log_group(logGroupName=name)
        self.assertEqual("ResourceNotFoundException", code(logs.delete_log_group, logGroupName=name))
        self.assertEqual("ResourceNotFoundException", code(logs.list_tags_for_resource, resourceArn=arn))

    def test_a_failed_condition_returns_the_item(self) -> None:
        dynamodb, name = local().client("dynamodb"), unique("table")
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        item = {"key": {"S": "a"}, "version": {"N": "1"}}
        dynamodb.put_item(TableName=name, Item=item)
        condition = {
            "TableName": name,
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": {"N": "2"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        for call, arguments in (
            (dynamodb.put_item, {"Item": item}),
            (dynamodb.update_item, {"Key": {"key": {"S": "a"}}, "UpdateExpression": "SET other = :version"}),
            (dynamodb.delete_item, {"Key": {"key": {"S": "a"}}}),
        ):
            with self.assertRaises(dynamodb.exceptions.ConditionalCheckFailedException) as failed:
                call(**condition, **arguments)
            self.assertEqual(item, failed.exception.response["Item"])


class LogPagesTest(GapTest):
    def test_events_are_read_page_by_page(self) -> None:
        def observe(server: Server) -> list[object]:
            logs, group = server.client("logs"), unique("group")
            logs.create_log_group(logGroupName=group)
            now = int(time.time() * 1000)
            for stream, moments in {"one": [0, 1, 1, 2], "two": [1, 1, 3]}.items():
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
                events = [{"timestamp": now + moment, "message": f"{stream} {index}"} for index, moment in enumerate(moments)]
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
            pages = logs.get_paginator("filter_log_events")
            read = [
                [event["message"] for event in page["events"]]
                for page in pages.paginate(logGroupName=group, PaginationConfig={"PageSize": 2})
            ]
            whole = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
            return [
                [len(page) for page in read],
                [message for page in read for message in page] == whole,
                code(logs.filter_log_events, logGroupName=group, nextToken="none of ours"),
            ]

        self.check(observe, [[2, 2, 2, 1], True, "InvalidParameterException"])
