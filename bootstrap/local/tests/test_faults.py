"""The faults: each does what it says, in each wire protocol, and an invalid configuration is refused."""

from __future__ import annotations

import os
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

from botocore.exceptions import ConnectionClosedError
from support import Server, code, eventually, invoke, local, make_function, make_role, unique
from test_data_services import instance, replication_group
from test_ec2 import network
from test_step_functions import machine, run


class FaultTest(unittest.TestCase):
    """Ends with no faults in force."""

    def setUp(self) -> None:
        self.server: Server = local()
        self.addCleanup(self.server.faults)

    def log(self, operation: str) -> dict:
        """The last line of the log for an operation."""
        return self.server.calls(operation)[-1]


class ConfigurationTest(FaultTest):
    def test_it_is_answered_and_checked(self) -> None:
        hold = [{"service": "sts", "operation": "*", "seconds": 1}]
        self.assertEqual({"hold": hold}, self.server.faults(hold=hold))
        for wrong, place in (
            ({"holds": []}, "holds"),
            ({"hold": {}}, "hold must be a list"),
            ({"hold": [{"service": "sts", "operation": "*"}]}, "hold[0] needs seconds"),
            ({"lose_answers": [{"service": "a", "operation": "b", "every": 1}]}, "lose_answers[0]: unknown key every"),
            ({"throttle": [{"service": "a", "operation": "b", "times": "1"}]}, "throttle[0].times"),
            ({"late_visibility": {"seconds": 1, "services": ["s3"]}}, "late_visibility.services"),
            ({"slow_provisioning": {}}, "slow_provisioning needs seconds"),
            ({"kill": [{"service": "a", "operation": "b", "when": "now"}]}, "kill[0].when"),
            ({"dead_regions": "us-east-1"}, "dead_regions must be a list"),
            ({"stopped_replication": ["kinesis"]}, "stopped_replication must be a list out of dynamodb, rds, s3"),
        ):
            with self.subTest(place):
                answer = self.server.faults(**wrong)
                self.assertEqual(400, answer["status"])
                self.assertIn(place, answer["error"])


class ThrottlingTest(FaultTest):
    def test_each_service_has_its_own_error(self) -> None:
        for name, service, operation, arguments, expected in (
            ("ec2", "ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, "RequestLimitExceeded"),
            ("rds", "rds", "describe_db_instances", {}, "Throttling"),
            ("elasticache", "elasticache", "describe_replication_groups", {}, "Throttling"),
            ("kinesis", "kinesis", "list_streams", {}, "LimitExceededException"),
            ("secretsmanager", "secretsmanager", "list_secrets", {}, "ThrottlingException"),
            ("cloudwatch", "cloudwatch", "describe_alarms", {}, "Throttling"),
            ("dynamodb", "dynamodb", "list_tables", {}, "ThrottlingException"),
            ("dynamodb", "dynamodb", "scan", {"TableName": "abc"}, "ProvisionedThroughputExceededException"),
            ("states", "stepfunctions", "list_state_machines", {}, "ThrottlingException"),
            ("lambda", "lambda", "list_functions", {}, "TooManyRequestsException"),
            ("s3", "s3", "list_buckets", {}, "SlowDown"),
            ("tag", "resourcegroupstaggingapi", "get_resources", {}, "ThrottledException"),
            ("servicequotas", "service-quotas", "list_services", {}, "TooManyRequestsException"),
            ("sts", "sts", "get_caller_identity", {}, "Throttling"),
        ):
            with self.subTest(service):
                self.server.faults(throttle=[{"service": name, "operation": "*", "times": 1}])
                call = getattr(self.server.client(service), operation)
                self.assertEqual(expected, code(call, **arguments))
                self.assertNotEqual(expected, code(call, **arguments))

    def test_a_throttled_call_is_not_executed(self) -> None:
        self.server.faults(throttle=[{"service": "ec2", "operation": "CreateVpc", "every": 2}])
        ec2, region = self.server.client("ec2", "eu-west-1"), "eu-west-1"
        outcomes = [code(ec2.create_vpc, CidrBlock="10.7.0.0/16") for _ in range(4)]
        limited = "RequestLimitExceeded"
        self.assertEqual(["ok", limited, "ok", limited], outcomes)
        filters = [{"Name": "cidr", "Values": ["10.7.0.0/16"]}]
        self.assertEqual(2, len(ec2.describe_vpcs(Filters=filters)["Vpcs"]), region)
        self.assertEqual(("throttled", 503), (self.log("CreateVpc")["fault"], self.log("CreateVpc")["status"]))


class FailuresTest(FaultTest):
    def test_the_error_asked_for(self) -> None:
        rule = {"service": "rds", "operation": "CreateDBInstance", "times": -1, "code": "InstanceQuotaExceeded"}
        self.server.faults(fail=[rule])
        create = self.server.client("rds").create_db_instance
        outcomes = [code(create, **instance(unique("d"))) for _ in range(3)]
        self.assertEqual(["InstanceQuotaExceeded"] * 3, outcomes)
        self.assertEqual(
            ("failed", 400), (self.log("CreateDBInstance")["fault"], self.log("CreateDBInstance")["status"])
        )


class LostAnswersTest(FaultTest):
    def test_the_connection_is_closed(self) -> None:
        for fault, expected, status in (("lose_answers", 1, 200), ("lose_requests", 0, None)):
            with self.subTest(fault):
                region = {"lose_answers": "eu-west-2", "lose_requests": "eu-west-3"}[fault]
                ec2 = self.server.client("ec2", region)
                before = len(ec2.describe_vpcs()["Vpcs"])
                self.server.faults(**{fault: [{"service": "ec2", "operation": "CreateVpc", "times": 1}]})
                with self.assertRaises(ConnectionClosedError):
                    ec2.create_vpc(CidrBlock="10.0.0.0/16")
                self.assertEqual(expected, len(ec2.describe_vpcs()["Vpcs"]) - before)
                self.assertEqual(status, self.log("CreateVpc")["status"])
                self.assertEqual("ok", code(ec2.create_vpc, CidrBlock="10.0.0.0/16"))


class HeldAnswersTest(FaultTest):
    def test_the_answer_comes_late(self) -> None:
        self.server.faults(hold=[{"service": "sts", "operation": "*", "times": 1, "seconds": 0.5}])
        started = time.monotonic()
        self.server.client("sts").get_caller_identity()
        self.assertGreater(time.monotonic() - started, 0.5)

    def test_other_faults_let_it_go(self) -> None:
        self.server.faults(hold=[{"service": "kinesis", "operation": "CreateStream", "times": 1, "seconds": 60}])
        kinesis, name = self.server.client("kinesis"), unique("stream")
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(kinesis.create_stream, StreamName=name, ShardCount=1)
            while name not in kinesis.list_streams()["StreamNames"]:
                time.sleep(0.02)
            self.assertFalse(answer.done())
            self.server.faults()
            answer.result(timeout=30)


class DeadRegionsTest(FaultTest):
    def test_a_dead_region_does_not_answer_and_another_does(self) -> None:
        here, there = (self.server.client("kinesis", region) for region in ("us-east-2", "us-west-2"))
        self.server.faults(dead_regions=["us-east-2"])
        with self.assertRaises(ConnectionClosedError):
            here.create_stream(StreamName="never", ShardCount=1)
        line = self.log("CreateStream")
        self.assertEqual(("dead region", None, "us-east-2"), (line["fault"], line["status"], line["region"]))
        self.assertEqual("ok", code(there.list_streams))
        self.server.faults()
        self.assertNotIn("never", here.list_streams()["StreamNames"])

    def test_a_function_at_work_dies_and_nobody_is_told(self) -> None:
        function = make_function(self.server)
        with ThreadPoolExecutor(1) as pool:
            before = invoke(self.server, function, process=True)
            answer = pool.submit(invoke, self.server, function, sleep=30)
            eventually(lambda: self.at_work(before), bool)
            self.server.faults(dead_regions=["us-east-1"])
            with self.assertRaises(ConnectionClosedError):
                answer.result(timeout=20)
        self.assertFalse(self.at_work(before))
        self.server.faults()
        self.assertNotEqual(before, invoke(self.server, function, process=True))

    def at_work(self, process: int) -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        return True

    def test_an_execution_stands_still_and_goes_on(self) -> None:
        states = self.server.client("stepfunctions")
        arn = machine(
            self.server,
            {"Wait": {"Type": "Wait", "Seconds": 100, "Next": "End"}, "End": {"Type": "Pass", "End": True}},
        )
        execution = states.start_execution(stateMachineArn=arn)["executionArn"]
        events = lambda: [event["type"] for event in states.get_execution_history(executionArn=execution)["events"]]
        eventually(events, lambda seen: "WaitStateEntered" in seen)
        self.server.faults(dead_regions=["us-east-1"])
        # The wait is over after a second; without a region nothing comes after it.
        time.sleep(1.5)
        revived = time.time()
        self.server.faults()
        ended = eventually(
            lambda: states.describe_execution(executionArn=execution), lambda seen: seen["status"] != "RUNNING"
        )
        self.assertEqual("SUCCEEDED", ended["status"])
        self.assertGreaterEqual(ended["stopDate"].timestamp(), revived - 0.01)

    def test_a_schedule_is_silent_and_what_it_missed_is_lost(self) -> None:
        def scheduled(region: str, seconds: float) -> Callable[[], list]:
            sqs, name = self.server.client("sqs", region), unique("schedule")
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            at = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            self.server.client("scheduler", region).create_schedule(
                Name=name,
                ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={"Arn": arn, "RoleArn": make_role(self.server, "scheduler"), "Input": "{}"},
            )
            return lambda: sqs.receive_message(QueueUrl=url).get("Messages", [])

        dead, alive = scheduled("us-west-2", 2), scheduled("us-east-2", 4)
        self.server.faults(dead_regions=["us-west-2"])
        self.assertEqual(1, len(eventually(alive, bool)))
        self.server.faults()
        self.assertEqual([], dead())


class KillsTest(FaultTest):
    ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}

    def calling(self, mark: str) -> dict:
        """An event for a function that creates a VPC with that tag."""
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "mark", "Value": mark}]}]
        arguments = {"CidrBlock": "10.0.0.0/16", "TagSpecifications": tags}
        return {"service": "ec2", "operation": "create_vpc", "arguments": arguments}

    def made(self, mark: str) -> int:
        """How many VPCs have that tag."""
        filters = [{"Name": "tag:mark", "Values": [mark]}]
        return len(self.server.client("ec2").describe_vpcs(Filters=filters)["Vpcs"])

    def test_the_process_dies_and_a_new_one_comes(self) -> None:
        function = make_function(self.server, self.ALL)
        for when, executed, status in (("after", 1, 200), ("before", 0, None)):
            with self.subTest(when):
                mark, process = unique("mark"), invoke(self.server, function, process=True)
                self.server.faults(kill=[{"service": "ec2", "operation": "CreateVpc", "times": 1, "when": when}])
                code(self.server.client("ec2").create_vpc, CidrBlock="10.0.0.0/16")
                answer = invoke(self.server, function, **self.calling(mark))
                self.assertEqual("Runtime.ExitError", answer["errorType"])
                self.assertEqual(executed, self.made(mark))
                logged = [entry for entry in self.server.calls("CreateVpc") if entry["principal"] != "root"][-1]
                self.assertEqual((f"killed {when}", status), (logged["fault"], logged["status"]))
                self.assertNotEqual(process, invoke(self.server, function, process=True))
                self.assertEqual("ok", invoke(self.server, function, **self.calling(mark)))

    def test_only_the_process_that_called_dies(self) -> None:
        function = make_function(self.server, self.ALL)
        with ThreadPoolExecutor() as both:
            waiting = both.submit(invoke, self.server, function, sleep=2, process=True)
            time.sleep(0.5)
            self.server.faults(kill=[{"service": "ec2", "operation": "CreateVpc"}])
            killed = invoke(self.server, function, **self.calling(unique("mark")))
            self.assertEqual("Runtime.ExitError", killed["errorType"])
            self.assertIsInstance(waiting.result(), int)

    def test_a_state_machine_tries_again(self) -> None:
        function, mark = make_function(self.server, self.ALL), unique("mark")
        self.server.faults(kill=[{"service": "ec2", "operation": "CreateVpc"}])
        retry = [{"ErrorEquals": ["Runtime.ExitError"], "IntervalSeconds": 1, "MaxAttempts": 2}]
        call = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": function, "Payload": self.calling(mark)},
            "Retry": retry,
            "End": True,
        }
        ended = run(self.server, machine(self.server, {"Call": call}))
        self.assertEqual(("SUCCEEDED", 2), (ended["status"], self.made(mark)))


class LateVisibilityTest(FaultTest):
    def test_what_is_new_is_not_found_for_a_while(self) -> None:
        self.server.faults(late_visibility={"seconds": 0.5})
        tags = [{"Key": "mark", "Value": unique("mark")}]
        ec2 = self.server.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
        identifier = vpc["Vpc"]["VpcId"]

        def found() -> list[object]:
            filters = [{"Name": "tag:mark", "Values": [tags[0]["Value"]]}]
            return [code(ec2.describe_vpcs, VpcIds=[identifier]), len(ec2.describe_vpcs(Filters=filters)["Vpcs"])]

        self.assertEqual(["InvalidVpcID.NotFound", 0], found())
        subnet = {"VpcId": identifier, "CidrBlock": "10.0.0.0/24"}
        self.assertEqual("InvalidVpcID.NotFound", code(ec2.create_subnet, **subnet))
        self.assertEqual(
            "InvalidVpcID.NotFound", code(ec2.modify_vpc_attribute, VpcId=identifier, EnableDnsSupport={"Value": True})
        )
        self.assertEqual(["ok", 1], eventually(found, lambda seen: seen == ["ok", 1]))
        created = ec2.create_subnet(**subnet)["Subnet"]["SubnetId"]
        self.assertEqual("InvalidSubnetID.NotFound", code(ec2.describe_subnets, SubnetIds=[created]))
        self.assertEqual("InvalidSubnet.Conflict", code(ec2.create_subnet, **subnet))
        seen = eventually(lambda: code(ec2.describe_subnets, SubnetIds=[created]), lambda seen: seen == "ok")
        self.assertEqual("ok", seen)


class SlowProvisioningTest(FaultTest):
    SECONDS = 1.2

    def check_statuses(self, status, *wanted: str) -> None:
        """The statuses come in this order, from the first to the last; a busy machine may miss one in between."""
        seen: list[str] = []
        deadline = time.monotonic() + 30
        settled = time.monotonic() + self.SECONDS
        while time.monotonic() < deadline:
            now = status()
            if seen[-1:] != [now]:
                seen.append(now)
            if now == wanted[-1] and time.monotonic() > settled:
                break
            time.sleep(0.01)
        self.assertEqual((wanted[0], wanted[-1]), (seen[0], seen[-1]), seen)
        remaining = iter(wanted)
        self.assertTrue(all(one in remaining for one in seen), seen)

    def test_a_database(self) -> None:
        self.server.faults(slow_provisioning={"seconds": self.SECONDS})
        rds, made = self.server.client("rds"), network(self.server)
        other = made["ec2"].create_subnet(VpcId=made["vpc"], CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1b")
        name, subnets = unique("d"), [made["subnet"], other["Subnet"]["SubnetId"]]
        rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=subnets)
        created = rds.create_db_instance(**instance(name, DBSubnetGroupName=name, Tags=[{"Key": "a", "Value": "b"}]))
        self.assertEqual(
            ("creating", False), (created["DBInstance"]["DBInstanceStatus"], "Endpoint" in created["DBInstance"])
        )
        modify = {"DBInstanceIdentifier": name, "AllocatedStorage": 30, "ApplyImmediately": True}
        self.assertEqual("InvalidDBInstanceState", code(rds.modify_db_instance, **modify))

        def status() -> str:
            try:
                return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"]
            except rds.exceptions.DBInstanceNotFoundFault:
                return "gone"

        self.check_statuses(status, "creating", "available", "backing-up", "available")
        rds.modify_db_instance(**modify | {"AllocatedStorage": 40, "ApplyImmediately": False})
        self.check_statuses(status, "available")
        changed = rds.modify_db_instance(**modify)["DBInstance"]
        waiting = (changed["AllocatedStorage"], changed["PendingModifiedValues"])
        self.assertEqual((20, {"AllocatedStorage": 30}), waiting)
        eventually(status, lambda seen: seen == "storage-optimization")
        again = modify | {"AllocatedStorage": 50}
        self.assertEqual("InvalidParameterCombination", code(rds.modify_db_instance, **again))
        self.check_statuses(status, "storage-optimization", "available")
        changed = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        self.assertEqual((30, {}), (changed["AllocatedStorage"], changed["PendingModifiedValues"]))
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        self.assertEqual("InvalidDBSubnetGroupStateFault", code(rds.delete_db_subnet_group, DBSubnetGroupName=name))
        self.assertEqual("DBInstanceAlreadyExists", code(rds.create_db_instance, **instance(name)))
        self.check_statuses(status, "deleting", "gone")
        self.assertEqual("ok", code(rds.delete_db_subnet_group, DBSubnetGroupName=name))

    def test_a_cache(self) -> None:
        self.server.faults(slow_provisioning={"seconds": self.SECONDS, "kinds": ["elasticache"]})
        cache, name = self.server.client("elasticache"), unique("c")
        created = cache.create_replication_group(**replication_group(name))["ReplicationGroup"]
        self.assertEqual("creating", created["Status"])
        self.assertNotIn("PrimaryEndpoint", created["NodeGroups"][0])
        self.assertEqual("InvalidReplicationGroupState", code(cache.delete_replication_group, ReplicationGroupId=name))

        def status() -> str:
            try:
                group = cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
            except cache.exceptions.ReplicationGroupNotFoundFault:
                return "gone"
            return group["Status"]

        self.check_statuses(status, "creating", "available")
        increase = {"ReplicationGroupId": name, "NewReplicaCount": 2, "ApplyImmediately": True}
        grown = cache.increase_replica_count(**increase)["ReplicationGroup"]
        self.assertEqual(("modifying", 3), (grown["Status"], len(grown["MemberClusters"])))
        added = cache.describe_cache_clusters(CacheClusterId=f"{name}-003")["CacheClusters"][0]
        self.assertEqual("creating", added["CacheClusterStatus"])
        self.assertEqual("InvalidReplicationGroupState", code(cache.increase_replica_count, **increase))
        self.check_statuses(status, "modifying", "available")
        self.assertEqual("ok", code(cache.delete_replication_group, ReplicationGroupId=name))
        self.check_statuses(status, "deleting", "gone")

    def test_a_stream(self) -> None:
        self.server.faults(slow_provisioning={"seconds": self.SECONDS, "kinds": ["kinesis"]})
        kinesis, name = self.server.client("kinesis"), unique("s")
        kinesis.create_stream(StreamName=name, ShardCount=1)
        enable = {"StreamName": name, "ShardLevelMetrics": ["IncomingBytes"]}
        self.assertEqual("ResourceInUseException", code(kinesis.enable_enhanced_monitoring, **enable))

        def status() -> str:
            try:
                return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"]
            except kinesis.exceptions.ResourceNotFoundException:
                return "GONE"

        self.check_statuses(status, "CREATING", "ACTIVE")
        kinesis.enable_enhanced_monitoring(**enable)
        self.assertEqual("ok", code(kinesis.put_record, StreamName=name, PartitionKey="a", Data=b"a"))
        self.check_statuses(status, "UPDATING", "ACTIVE")
        kinesis.delete_stream(StreamName=name)
        self.check_statuses(status, "DELETING", "GONE")
