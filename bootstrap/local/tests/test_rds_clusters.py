"""The patch of RDS for Aurora clusters."""

from __future__ import annotations

import unittest

from support import GapTest, Server, code, unique
from test_data_services import PASSWORD, subnets
from test_ec2 import group


def make(server: Server, **given) -> tuple:
    """A client and the name of a new cluster."""
    rds, name = server.client("rds"), unique("c")
    rds.create_db_cluster(**cluster(name, **given))
    return rds, name


def cluster(name: str, **given) -> dict:
    """What CreateDBCluster needs."""
    return {
        "DBClusterIdentifier": name,
        "Engine": "aurora-postgresql",
        "EngineVersion": "15.10",
        "MasterUsername": "owner",
        "MasterUserPassword": PASSWORD,
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 1.0},
    } | given


def described(rds, name: str) -> dict:
    """The cluster as it is now."""
    return rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]


def add(rds, name: str, number: int, zone: str = "us-east-1a") -> dict:
    """A new instance of a cluster, as it is described."""
    given = {"DBClusterIdentifier": name, "DBInstanceClass": "db.serverless", "Engine": "aurora-postgresql"}
    return rds.create_db_instance(DBInstanceIdentifier=f"{name}-{number}", AvailabilityZone=zone, **given)["DBInstance"]


class ClustersTest(GapTest):
    def test_creation(self) -> None:
        def observe(server: Server) -> list[object]:
            made = subnets(server)
            rds, name = server.client("rds"), unique("c")
            rds.create_db_subnet_group(
                DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=made["subnets"]
            )
            of_cluster = group(made)
            exports = {"EnableCloudwatchLogsExports": ["postgresql"]}
            network = {"DBSubnetGroupName": name, "VpcSecurityGroupIds": [of_cluster]}
            zones = {"AvailabilityZones": ["us-east-1a", "us-east-1b"]}
            rds.create_db_cluster(
                **cluster(name, StorageEncrypted=True, AutoMinorVersionUpgrade=False, **network, **exports, **zones)
            )
            before = described(rds, name)
            instance = add(rds, name, 1, "us-east-1b")
            there = described(rds, name)
            groups = server.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/rds/cluster/{name}/")
            return [
                there["AvailabilityZones"],
                there.get("EnabledCloudwatchLogsExports"),
                [entry["logGroupName"].rpartition("/")[2] for entry in groups["logGroups"]],
                there.get("AutoMinorVersionUpgrade"),
                there["DBClusterParameterGroup"],
                "/aws" in there["KmsKeyId"] or ":key/" in there["KmsKeyId"],
                before["Endpoint"] == there["Endpoint"] != there["ReaderEndpoint"] == before["ReaderEndpoint"],
                instance["DBSubnetGroup"]["DBSubnetGroupName"] == name,
                [entry["VpcSecurityGroupId"] for entry in instance["VpcSecurityGroups"]] == [of_cluster],
                (instance["StorageEncrypted"], instance["AvailabilityZone"], there["Status"]),
            ]

        zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
        logs = ["postgresql"]
        everything = (True, "us-east-1b", "available")
        expected = [zones, logs, logs, False, "default.aurora-postgresql15", True, True, True, True, everything]
        self.check(observe, expected)

    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            rds, name = make(server, EngineVersion="15.12")

            def create(**given) -> str:
                return code(rds.create_db_cluster, **cluster(unique("c"), **given))

            def modify(**changes) -> str:
                return code(rds.modify_db_cluster, DBClusterIdentifier=name, **changes)

            def capacity(least: float, most: float) -> dict:
                return {"ServerlessV2ScalingConfiguration": {"MinCapacity": least, "MaxCapacity": most}}

            provisioned = unique("c")
            rds.create_db_cluster(**cluster(provisioned) | {"ServerlessV2ScalingConfiguration": {}})
            return [
                create(MasterUserPassword="short"),
                create(DBSubnetGroupName="absent"),
                create(VpcSecurityGroupIds=["sg-0"]),
                create(BackupRetentionPeriod=36),
                create(**capacity(0.7, 1)),
                create(EnableCloudwatchLogsExports=["upgrade"]),
                modify(**capacity(2, 1)),
                modify(EngineVersion="15.10"),
                modify(EngineVersion="16.8"),
                code(add, rds, provisioned, 1),
                code(add, rds, "absent", 1),
                code(add, rds, name, 1, "us-east-1f"),
            ]

        value, combination = "InvalidParameterValue", "InvalidParameterCombination"
        expected = [value, "DBSubnetGroupNotFoundFault", value, value, value, combination, value]
        expected += [combination, combination, combination, "DBClusterNotFoundFault", combination]
        self.check(observe, expected)

    def test_changes(self) -> None:
        def observe(server: Server) -> list[object]:
            rds, name = make(server)
            add(rds, name, 1)
            rds.modify_db_cluster(
                DBClusterIdentifier=name,
                EngineVersion="15.12",
                EnableHttpEndpoint=True,
                AutoMinorVersionUpgrade=False,
                Port=6543,
                CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]},
            )
            waiting = described(rds, name)
            rds.modify_db_cluster(DBClusterIdentifier=name, ApplyImmediately=True, BackupRetentionPeriod=3)
            done = described(rds, name)
            rds.modify_db_instance(
                DBInstanceIdentifier=f"{name}-1",
                AutoMinorVersionUpgrade=False,
                PreferredMaintenanceWindow="mon:03:00-mon:04:00",
            )
            instance = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-1")["DBInstances"][0]
            rds.enable_http_endpoint(ResourceArn=done["DBClusterArn"])
            return [
                (waiting["EngineVersion"], waiting.get("PendingModifiedValues")),
                (waiting["HttpEndpointEnabled"], waiting.get("AutoMinorVersionUpgrade"), waiting["Port"]),
                waiting.get("EnabledCloudwatchLogsExports"),
                (done["EngineVersion"], done.get("PendingModifiedValues"), done["BackupRetentionPeriod"]),
                (instance["EngineVersion"], instance["Endpoint"]["Port"], instance["AutoMinorVersionUpgrade"]),
                instance["PreferredMaintenanceWindow"],
                described(rds, name)["HttpEndpointEnabled"],
            ]

        pending = {"EngineVersion": "15.12"}
        expected = [("15.10", pending), (False, False, 6543), ["postgresql"], ("15.12", None, 3)]
        expected += [("15.12", 6543, False), "mon:03:00-mon:04:00", True]
        self.check(observe, expected)

    def test_deletion(self) -> None:
        def observe(server: Server) -> list[object]:
            rds, name = make(server, CopyTagsToSnapshot=True, Tags=[{"Key": "a", "Value": "b"}])
            add(rds, name, 1)

            def delete(**given) -> str:
                return code(rds.delete_db_cluster, DBClusterIdentifier=name, **given)

            with_instances = delete(SkipFinalSnapshot=True)
            rds.delete_db_instance(DBInstanceIdentifier=f"{name}-1", SkipFinalSnapshot=True)
            codes = [with_instances, delete(), delete(FinalDBSnapshotIdentifier=f"{name}-final")]
            rds.create_db_cluster(**cluster(name))
            codes.append(delete(FinalDBSnapshotIdentifier=f"{name}-final"))
            snapshots = rds.describe_db_cluster_snapshots(DBClusterIdentifier=name)["DBClusterSnapshots"]
            listed = [entry["DBClusterSnapshotIdentifier"] == f"{name}-final" for entry in snapshots]
            return [codes, listed, snapshots[0]["TagList"] if snapshots else None]

        codes = ["InvalidDBClusterStateFault", "InvalidParameterCombination", "ok"]
        codes.append("DBClusterSnapshotAlreadyExistsFault")
        self.check(observe, [codes, [True], [{"Key": "a", "Value": "b"}]])


if __name__ == "__main__":
    unittest.main()
