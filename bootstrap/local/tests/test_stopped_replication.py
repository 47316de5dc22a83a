"""The switch that stops replication between regions: nothing is lost, and what came last holds."""

from __future__ import annotations

import unittest

from botocore.exceptions import ClientError
from support import code
from test_faults import FaultTest
from test_global_clusters import described, global_cluster, writers
from test_storage import HERE, THERE, replicated_buckets, table


class StoppedReplicationTest(FaultTest):
    def test_tables_take_over_what_came_last(self) -> None:
        here, there = (self.server.client("dynamodb", region) for region in (HERE, THERE))
        name, _ = table(self.server)
        here.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": THERE}}])

        def put(client, identifier: str, value: str) -> None:
            client.put_item(TableName=name, Item={"id": {"S": identifier}, "value": {"S": value}})

        def items(client) -> dict[str, str]:
            return {item["id"]["S"]: item["value"]["S"] for item in client.scan(TableName=name)["Items"]}

        put(here, "gone", "here")
        self.server.faults(stopped_replication=["dynamodb"])
        here.delete_item(TableName=name, Key={"id": {"S": "gone"}})
        put(here, "kept", "here")
        put(here, "both", "here, first")
        put(there, "both", "there, last")
        put(there, "same", "there, first")
        put(here, "same", "here, last")
        # Another fault changes nothing of it.
        self.server.faults(stopped_replication=["dynamodb", "s3"])
        self.assertEqual({"kept": "here", "both": "here, first", "same": "here, last"}, items(here))
        self.assertEqual({"gone": "here", "both": "there, last", "same": "there, first"}, items(there))
        self.server.faults()
        expected = {"kept": "here", "both": "there, last", "same": "here, last"}
        self.assertEqual([expected, expected], [items(here), items(there)])
        put(there, "kept", "there")
        self.assertEqual("there", items(here)["kept"])

    def test_objects_are_pending(self) -> None:
        here, there = (self.server.client("s3", region) for region in (HERE, THERE))
        source, destination = replicated_buckets(self.server, "s3:ReplicateObject", "s3:ReplicateDelete")

        def status(**of_version) -> str:
            return here.head_object(Bucket=source, Key="k", **of_version)["ReplicationStatus"]

        def replica() -> bytes | str:
            try:
                return there.get_object(Bucket=destination, Key="k")["Body"].read()
            except ClientError as refused:
                return refused.response["Error"]["Code"]

        self.server.faults(stopped_replication=["s3"])
        versions = [here.put_object(Bucket=source, Key="k", Body=body)["VersionId"] for body in (b"1", b"2", b"3")]
        here.delete_object(Bucket=source, Key="k", VersionId=versions[0])
        self.assertEqual(["PENDING", "PENDING"], [status(), status(VersionId=versions[1])])
        self.assertEqual("NoSuchKey", replica())
        self.server.faults()
        self.assertEqual(["COMPLETED", "COMPLETED"], [status(), status(VersionId=versions[1])])
        self.assertEqual(b"3", replica())
        copied = there.list_object_versions(Bucket=destination)["Versions"]
        self.assertEqual(2, len(copied))

        self.server.faults(stopped_replication=["s3"])
        here.delete_object(Bucket=source, Key="k")
        self.assertEqual(b"3", replica())
        self.server.faults()
        self.assertEqual("NoSuchKey", replica())

    def test_global_clusters_are_switched_only_with_loss(self) -> None:
        made = global_cluster(self.server)
        given = {"GlobalClusterIdentifier": made["name"], "TargetDbClusterIdentifier": made["arns"][1]}

        def states() -> list[str]:
            members = {one["DBClusterArn"]: one for one in described(made)["GlobalClusterMembers"]}
            return [members[arn]["SynchronizationStatus"] for arn in made["arns"]]

        self.server.faults(stopped_replication=["rds"])
        self.assertEqual(["connected", "pending-resync"], states())
        refused = "InvalidGlobalClusterStateFault"
        self.assertEqual(refused, code(made["first"].switchover_global_cluster, **given))
        self.assertEqual(refused, code(made["second"].failover_global_cluster, **given))
        self.assertEqual([True, False], writers(made))
        self.assertEqual("ok", code(made["second"].failover_global_cluster, AllowDataLoss=True, **given))
        self.assertEqual([False, True], writers(made))
        self.assertEqual(["pending-resync", "connected"], states())
        self.server.faults()
        self.assertEqual(["connected", "connected"], states())


if __name__ == "__main__":
    unittest.main()
