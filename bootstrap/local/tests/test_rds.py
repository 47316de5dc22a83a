"""The patches of RDS for instances that live: changes, parameter groups, snapshots, quotas."""

from __future__ import annotations

import json
import unittest

from support import GapTest, Server, code, eventually, local, unique
from test_data_services import instance, subnets
from test_ec2 import group


def make(server: Server, **given) -> tuple:
    """A client and the name of a new instance."""
    rds, name = server.client("rds"), unique("d")
    rds.create_db_instance(**instance(name, **given))
    return rds, name


def described(rds, name: str) -> dict:
    """The instance as it is now."""
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def monitoring_role(server: Server) -> str:
    """The ARN of a role that RDS may monitor with."""
    principal = {"Service": "monitoring.rds.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = server.client("iam").create_role(RoleName=unique("monitoring"), AssumeRolePolicyDocument=policy)
    return made["Role"]["Arn"]


class ModificationsTest(GapTest):
    def test_what_waits(self) -> None:
        def observe(server: Server) -> list[object]:
            rds, name = make(server, EngineVersion="15.14", BackupRetentionPeriod=0)
            changes = {
                "DBInstanceClass": "db.t3.small",
                "AllocatedStorage": 40,
                "StorageType": "gp3",
                "MultiAZ": True,
                "EngineVersion": "15.15",
                "BackupRetentionPeriod": 7,
            }
            rds.modify_db_instance(DBInstanceIdentifier=name, **changes)
            rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=True)
            waiting = described(rds, name)
            rds.modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True, AllocatedStorage=50)
            done = described(rds, name)
            return [
                waiting["PendingModifiedValues"] == changes,
                waiting["EngineVersion"],
                done["PendingModifiedValues"],
                {key: done[key] for key in changes} == changes | {"AllocatedStorage": 50},
            ]

        self.check(observe, [True, "15.14", {}, True])

    def test_what_is_applied_at_once(self) -> None:
        def observe(server: Server) -> list[object]:
            made = subnets(server)
            rds, name = make(server, BackupRetentionPeriod=1)
            role, of_database = monitoring_role(server), group(made)
            changes = {
                "PreferredBackupWindow": "01:00-02:00",
                "PreferredMaintenanceWindow": "mon:03:00-mon:04:00",
                "BackupRetentionPeriod": 3,
                "AutoMinorVersionUpgrade": False,
                "DeletionProtection": True,
                "CopyTagsToSnapshot": True,
                "MonitoringInterval": 15,
                "MonitoringRoleArn": role,
                "MaxAllocatedStorage": 100,
            }
            rds.modify_db_instance(
                DBInstanceIdentifier=name,
                CloudwatchLogsExportConfiguration={"EnableLogTypes": ["upgrade", "postgresql"]},
                VpcSecurityGroupIds=[of_database],
                DBPortNumber=6543,
                **changes,
            )
            now = described(rds, name)
            exports = {"DisableLogTypes": ["upgrade"]}
            rds.modify_db_instance(DBInstanceIdentifier=name, CloudwatchLogsExportConfiguration=exports)
            groups = server.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/rds/instance/{name}/")
            return [
                {key: now[key] for key in changes} == changes,
                now["PendingModifiedValues"],
                now["EnabledCloudwatchLogsExports"],
                described(rds, name).get("EnabledCloudwatchLogsExports"),
                [entry["logGroupName"].rpartition("/")[2] for entry in groups["logGroups"]],
                now["VpcSecurityGroups"][0]["VpcSecurityGroupId"] == of_database,
                now["Endpoint"]["Port"],
                now["EnhancedMonitoringResourceArn"].endswith(f"RDSOSMetrics:log-stream:{now['DbiResourceId']}"),
            ]

        logs = ["postgresql", "upgrade"]
        self.check(observe, [True, {}, logs, ["postgresql"], logs, True, 6543, True])

    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            rds, name = make(server, AllocatedStorage=100, EngineVersion="15.14")

            def modify(**changes) -> str:
                return code(rds.modify_db_instance, DBInstanceIdentifier=name, **changes)

            return [
                modify(AllocatedStorage=90),
                modify(AllocatedStorage=109),
                modify(AllocatedStorage=110),
                modify(MaxAllocatedStorage=50),
                modify(MaxAllocatedStorage=105),
                modify(MaxAllocatedStorage=100),
                modify(StorageType="gp3", Iops=4000),
                modify(EngineVersion="15.13"),
                modify(EngineVersion="16.11"),
                modify(EngineVersion="16.11", AllowMajorVersionUpgrade=True),
                modify(MonitoringInterval=60),
                modify(MonitoringInterval=7),
                modify(MonitoringInterval=60, MonitoringRoleArn="arn:aws:iam::000000000000:role/absent"),
                modify(CloudwatchLogsExportConfiguration={"EnableLogTypes": ["audit"]}),
                modify(DBParameterGroupName="absent"),
            ]

        combination, value = "InvalidParameterCombination", "InvalidParameterValue"
        storage = [combination, combination, "ok", combination, combination, "ok", combination]
        others = [combination, combination, "ok", combination, value, value, combination, "DBParameterGroupNotFound"]
        self.check(observe, [*storage, *others])

    def test_a_new_instance(self) -> None:
        def observe(server: Server) -> list[object]:
            role = monitoring_role(server)
            given = {
                "MaxAllocatedStorage": 60,
                "MonitoringInterval": 30,
                "MonitoringRoleArn": role,
                "CopyTagsToSnapshot": True,
                "PreferredMaintenanceWindow": "tue:03:00-tue:04:00",
            }
            rds, name = make(server, EngineVersion="15.15", EnableCloudwatchLogsExports=["postgresql"], **given)
            made = described(rds, name)
            groups = server.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/rds/instance/{name}/")
            return [
                {key: made[key] for key in given} == given,
                made["DBParameterGroups"],
                made["DbiResourceId"].startswith("db-"),
                len(groups["logGroups"]),
                code(rds.create_db_instance, **instance(unique("d"), MonitoringInterval=30)),
                code(rds.create_db_instance, **instance(unique("d"), MaxAllocatedStorage=20)),
            ]

        groups = [{"DBParameterGroupName": "default.postgres15", "ParameterApplyStatus": "in-sync"}]
        self.check(observe, [True, groups, True, 1, *["InvalidParameterCombination"] * 2])


class ParameterGroupsTest(GapTest):
    def test_values(self) -> None:
        def observe(server: Server) -> list[object]:
            rds, name = server.client("rds"), unique("g")
            made = rds.create_db_parameter_group(
                DBParameterGroupName=name,
                DBParameterGroupFamily="postgres16",
                Description="d",
                Tags=[{"Key": "a", "Value": "b"}],
            )["DBParameterGroup"]

            def modify(parameter: str, value: str, method: str = "pending-reboot") -> str:
                change = {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": method}
                return code(rds.modify_db_parameter_group, DBParameterGroupName=name, Parameters=[change])

            outcomes = [
                modify("log_statement", "ddl", "immediate"),
                modify("shared_preload_libraries", "pg_stat_statements,pg_cron"),
                modify("max_connections", "LEAST({DBInstanceClassMemory/9531392},100)"),
                modify("max_connections", "5"),
                modify("max_connections", "100", "immediate"),
                modify("log_statement", "some", "immediate"),
                modify("shared_preload_libraries", "absent"),
                modify("absent", "1"),
                modify("wal_level", "logical"),
            ]
            user = rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
            rds.reset_db_parameter_group(
                DBParameterGroupName=name,
                Parameters=[{"ParameterName": "max_connections", "ApplyMethod": "pending-reboot"}],
            )
            left = rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
            rds.reset_db_parameter_group(DBParameterGroupName=name, ResetAllParameters=True)
            none = rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
            return [
                *outcomes,
                {entry["ParameterName"]: (entry["ParameterValue"], entry["ApplyType"]) for entry in user},
                [entry["ParameterName"] for entry in left],
                none,
                rds.list_tags_for_resource(ResourceName=made["DBParameterGroupArn"])["TagList"],
                code(
                    rds.modify_db_parameter_group,
                    DBParameterGroupName="default.postgres16",
                    Parameters=[{"ParameterName": "jit", "ParameterValue": "1", "ApplyMethod": "immediate"}],
                ),
                code(rds.describe_db_parameter_groups, DBParameterGroupName="default.postgres16"),
                code(rds.describe_db_parameters, DBParameterGroupName="default.postgres12"),
            ]

        value, combination = "InvalidParameterValue", "InvalidParameterCombination"
        user = {
            "log_statement": ("ddl", "dynamic"),
            "shared_preload_libraries": ("pg_stat_statements,pg_cron", "static"),
            "max_connections": ("LEAST({DBInstanceClassMemory/9531392},100)", "static"),
        }
        left, tags = ["log_statement", "shared_preload_libraries"], [{"Key": "a", "Value": "b"}]
        outcomes = ["ok", "ok", "ok", value, combination, value, value, value, value]
        self.check(observe, [*outcomes, user, left, [], tags, value, "ok", "DBParameterGroupNotFound"])

    def test_instances(self) -> None:
        def observe(server: Server) -> list[object]:
            rds, name, other = server.client("rds"), unique("g"), unique("g")
            for made, family in ((name, "postgres15"), (other, "postgres16")):
                rds.create_db_parameter_group(
                    DBParameterGroupName=made, DBParameterGroupFamily=family, Description="d"
                )
            _, database = make(server, EngineVersion="15.15")
            wrong = instance(unique("d"), EngineVersion="15.15", DBParameterGroupName=other)

            def status() -> str:
                return described(rds, database)["DBParameterGroups"][0]["ParameterApplyStatus"]

            def change(parameter: str, value: str, method: str) -> str:
                changed = {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": method}
                rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=[changed])
                return status()

            def reboot() -> str:
                rds.reboot_db_instance(DBInstanceIdentifier=database)
                eventually(lambda: described(rds, database)["DBInstanceStatus"], lambda seen: seen == "available")
                return status()

            statuses = [status()]
            rds.modify_db_instance(DBInstanceIdentifier=database, DBParameterGroupName=name, ApplyImmediately=True)
            statuses += [status(), reboot(), change("log_statement", "ddl", "immediate")]
            statuses += [change("max_connections", "100", "pending-reboot"), reboot()]
            return [
                *statuses,
                code(rds.create_db_instance, **wrong),
                code(rds.delete_db_parameter_group, DBParameterGroupName=name),
                code(rds.delete_db_parameter_group, DBParameterGroupName=other),
                code(rds.create_db_instance, **wrong),
            ]

        waits, held = "pending-reboot", "InvalidDBParameterGroupState"
        statuses = ["in-sync", waits, "in-sync", "in-sync", waits, "in-sync"]
        self.check(observe, [*statuses, "InvalidParameterCombination", held, "ok", "DBParameterGroupNotFound"])

    def test_engine_defaults(self) -> None:
        def observe(server: Server) -> object:
            rds = server.client("rds")
            try:
                pages = [
                    page["EngineDefaults"]["Parameters"]
                    for page in rds.get_paginator("describe_engine_default_parameters").paginate(
                        DBParameterGroupFamily="postgres17", PaginationConfig={"PageSize": 20}
                    )
                ]
            except rds.exceptions.ClientError as error:
                return error.response["Error"]["Code"]
            found = {entry["ParameterName"]: entry for page in pages for entry in page}
            asked = ("ApplyType", "DataType", "AllowedValues", "IsModifiable")
            return [
                len(pages) > 2,
                [found["log_statement"][name] for name in asked],
                [found["max_connections"][name] for name in asked],
                found["shared_preload_libraries"]["DataType"],
                found["rds.force_ssl"]["ParameterValue"],
            ]

        statement = ["dynamic", "string", "none,ddl,mod,all", True]
        self.check(observe, [True, statement, ["static", "integer", "6-262143", True], "list", "1"])


class SnapshotsTest(GapTest):
    def test_the_final_one(self) -> None:
        def observe(server: Server) -> list[object]:
            outcomes: list[object] = []
            for copies in (True, False):
                tags = [{"Key": "a", "Value": "b"}]
                rds, name = make(server, Tags=tags, CopyTagsToSnapshot=copies)
                resource = described(rds, name)["DbiResourceId"]
                rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=f"{name}-final")
                found = rds.describe_db_snapshots(DBInstanceIdentifier=name, SnapshotType="manual")["DBSnapshots"]
                by_id = rds.describe_db_snapshots(DBSnapshotIdentifier=f"{name}-final")["DBSnapshots"]
                outcomes += [
                    found == by_id,
                    "SnapshotCreateTime" in found[0],
                    found[0]["DbiResourceId"] == resource,
                    found[0]["TagList"],
                    rds.list_tags_for_resource(ResourceName=found[0]["DBSnapshotArn"])["TagList"],
                    code(rds.delete_db_snapshot, DBSnapshotIdentifier=f"{name}-final"),
                    code(rds.describe_db_snapshots, DBSnapshotIdentifier=f"{name}-final"),
                ]
            return outcomes

        tags = [{"Key": "a", "Value": "b"}]
        gone = ["ok", "DBSnapshotNotFound"]
        self.check(observe, [True, True, True, tags, tags, *gone, True, True, True, [], [], *gone])


class AccountAttributesTest(GapTest):
    def test_use(self) -> None:
        def observe(server: Server) -> object:
            region = "eu-south-1"
            rds = server.client("rds", region)
            if code(rds.describe_account_attributes) != "ok":
                return "unknown"
            rds.create_db_instance(**instance(unique("d"), AllocatedStorage=30))
            family = {"DBParameterGroupFamily": "postgres16", "Description": "d"}
            rds.create_db_parameter_group(DBParameterGroupName=unique("g"), **family)
            quotas = rds.describe_account_attributes()["AccountQuotas"]
            found = {quota["AccountQuotaName"]: (quota["Used"], quota["Max"]) for quota in quotas}
            asked = ("DBInstances", "AllocatedStorage", "DBParameterGroups", "DBSubnetGroups", "ManualSnapshots")
            return [found[name] for name in asked]

        self.check(observe, [(1, 40), (30, 100000), (1, 50), (0, 50), (0, 100)])


class ServiceQuotasTest(GapTest):
    def test_values(self) -> None:
        def observe(server: Server) -> object:
            quotas = server.client("service-quotas", "eu-south-1")
            vpcs = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
            if code(quotas.get_service_quota, **vpcs) != "ok":
                return "unknown"

            def value(service: str, quota: str) -> float:
                return quotas.get_service_quota(ServiceCode=service, QuotaCode=quota)["Quota"]["Value"]

            values = [value("vpc", "L-F678F1CE"), value("vpc", "L-E79EC296"), value("ec2", "L-0263D0A3")]
            values += [value("elasticache", "L-DFE45DF3")]
            default = quotas.get_aws_default_service_quota(**vpcs)["Quota"]["Value"]
            changed = quotas.request_service_quota_increase(**vpcs, DesiredValue=120)["RequestedQuota"]["Status"]
            pages = quotas.get_paginator("list_service_quotas").paginate(
                ServiceCode="vpc", PaginationConfig={"PageSize": 2}
            )
            return [
                *values,
                default,
                changed,
                value("vpc", "L-F678F1CE"),
                server.client("service-quotas").get_service_quota(**vpcs)["Quota"]["Value"],
                "L-407747CB" in [quota["QuotaCode"] for page in pages for quota in page["Quotas"]],
                code(quotas.get_service_quota, ServiceCode="vpc", QuotaCode="L-0"),
                code(quotas.list_service_quotas, ServiceCode="absent"),
            ]

        absent = "NoSuchResourceException"
        self.check(observe, [100, 2500, 5, 300, 5, "APPROVED", 120, 100, True, absent, absent])


class SubnetGroupsTest(GapTest):
    def test_other_subnets_must_cover_two_zones(self) -> None:
        def observe(server: Server) -> list[str]:
            made = subnets(server)
            rds, name = server.client("rds"), unique("g")
            of_group = {"DBSubnetGroupName": name, "SubnetIds": made["subnets"]}
            rds.create_db_subnet_group(**of_group, DBSubnetGroupDescription="d")
            modify = rds.modify_db_subnet_group
            return [code(modify, **of_group), code(modify, **of_group | {"SubnetIds": made["subnets"][:1]})]

        self.check(observe, ["ok", "DBSubnetGroupDoesNotCoverEnoughAZs"])


class WhatMiniStackDoesTest(unittest.TestCase):
    """What the product relies on, and MiniStack does without help."""

    def test_a_subnet_group_takes_other_subnets(self) -> None:
        made = subnets(local())
        rds, name = local().client("rds"), unique("g")
        rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=made["subnets"])
        third = made["ec2"].create_subnet(VpcId=made["vpc"], CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1c")
        wanted = [made["subnet"], third["Subnet"]["SubnetId"]]
        rds.modify_db_subnet_group(DBSubnetGroupName=name, SubnetIds=wanted)
        found = rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]["Subnets"]
        self.assertEqual(wanted, [subnet["SubnetIdentifier"] for subnet in found])
