"""The patch of RDS for Aurora global databases."""

from __future__ import annotations

import re
import unittest

from support import GapTest, Server, code, eventually, invoke, local, make_function, unique

_ENDPOINT = re.compile(r"^NAME\.global-[0-9a-z]+\.global\.rds\.amazonaws\.com$")


def global_cluster(server: Server, **of_secondary) -> dict:
    """A global cluster with a member in each of two regions, and the clients of these."""
    first, second = (server.client("rds", region) for region in ("us-east-1", "us-east-2"))
    name = unique("g")
    first.create_global_cluster(GlobalClusterIdentifier=name, Engine="aurora-postgresql")
    password = {"MasterUsername": "u", "MasterUserPassword": "correct horse".replace(" ", "-")}
    given = {"Engine": "aurora-postgresql", "GlobalClusterIdentifier": name}
    arns = [
        client.create_db_cluster(DBClusterIdentifier=unique("c"), **given, **more)["DBCluster"]["DBClusterArn"]
        for client, more in ((first, password), (second, of_secondary))
    ]
    return {"name": name, "first": first, "second": second, "arns": arns}


def described(made: dict, client: str = "second") -> dict:
    """The global cluster as it is now."""
    return made[client].describe_global_clusters(GlobalClusterIdentifier=made["name"])["GlobalClusters"][0]


def writers(made: dict) -> list[bool]:
    """Which of the two members writes."""
    members = {one["DBClusterArn"]: one["IsWriter"] for one in described(made)["GlobalClusterMembers"]}
    return [members[arn] for arn in made["arns"]]


class GlobalClustersTest(GapTest):
    def test_endpoint_and_members(self) -> None:
        def observe(server: Server) -> list[object]:
            made = global_cluster(server, EnableGlobalWriteForwarding=True)
            seen = [
                described(made, client).get("Endpoint", "").replace(made["name"], "NAME")
                for client in ("first", "second")
            ]
            before = [one.get("GlobalWriteForwardingStatus") for one in described(made)["GlobalClusterMembers"]]
            made["first"].failover_global_cluster(
                GlobalClusterIdentifier=made["name"], TargetDbClusterIdentifier=made["arns"][1], AllowDataLoss=True
            )
            after = described(made)
            return [
                [_ENDPOINT.match(endpoint) is not None for endpoint in seen],
                len(set(seen)),
                after.get("Endpoint", "").replace(made["name"], "NAME") == seen[0],
                before,
                writers(made),
                code(made["first"].describe_global_clusters, MaxRecords=5),
            ]

        self.check(observe, [[True, True], 1, True, [None, "enabled"], [False, True], "InvalidParameterValue"])

    def test_the_writer_keeps_its_last_instance(self) -> None:
        def observe(server: Server) -> list[object]:
            made, instances = global_cluster(server), {}
            for client, arn in zip(("first", "second"), made["arns"], strict=True):
                instances[client] = [unique("i"), unique("i")]
                for name in instances[client]:
                    made[client].create_db_instance(
                        DBInstanceIdentifier=name,
                        DBInstanceClass="db.r6g.large",
                        Engine="aurora-postgresql",
                        DBClusterIdentifier=arn.rpartition(":")[2],
                    )

            def deleted(client: str, number: int) -> str:
                name = instances[client][number]
                call = made[client].delete_db_instance
                return code(call, DBInstanceIdentifier=name, SkipFinalSnapshot=True)

            while_attached = [deleted("first", 0), deleted("first", 1), deleted("second", 0), deleted("second", 1)]
            made["second"].remove_from_global_cluster(
                GlobalClusterIdentifier=made["name"], DbClusterIdentifier=made["arns"][1]
            )
            return [*while_attached, deleted("first", 1)]

        self.check(observe, ["ok", "InvalidDBClusterStateFault", "ok", "ok", "ok"])

    def test_policies_hold(self) -> None:
        def observe(server: Server) -> list[object]:
            client, names = server.client("rds"), [unique("g") for _ in range(2)]
            for name in names:
                client.create_global_cluster(GlobalClusterIdentifier=name, Engine="aurora-postgresql")
            resource = f"arn:aws:rds::000000000000:global-cluster:{names[0]}"
            function = make_function(
                server, {"Effect": "Allow", "Action": "rds:DeleteGlobalCluster", "Resource": resource}
            )
            return [
                invoke(
                    server,
                    function,
                    service="rds",
                    operation="delete_global_cluster",
                    arguments={"GlobalClusterIdentifier": name},
                )
                for name in reversed(names)
            ]

        self.check(observe, ["AccessDenied", "ok"])


class SlowGlobalClustersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = local()
        self.made = global_cluster(self.server)
        self.addCleanup(self.server.faults)
        self.server.faults(slow_provisioning={"seconds": 0.6, "kinds": ["rds"]})

    def settled(self) -> dict:
        return eventually(lambda: described(self.made), lambda seen: seen["Status"] == "available")

    def switch(self, operation: str, target: str, **given) -> dict:
        call = getattr(self.made["second"], operation)
        given |= {"GlobalClusterIdentifier": self.made["name"], "TargetDbClusterIdentifier": target}
        return call(**given)["GlobalCluster"]

    def test_a_switchover(self) -> None:
        first, second = self.made["arns"]
        under_way = self.switch("switchover_global_cluster", second)
        state = {"Status": "switching-over", "FromDbClusterArn": first, "ToDbClusterArn": second}
        self.assertEqual(state | {"IsDataLossAllowed": False}, under_way["FailoverState"])
        self.assertEqual([True, False], writers(self.made))
        refused = code(self.switch, "switchover_global_cluster", second)
        self.assertEqual("InvalidGlobalClusterStateFault", refused)
        self.assertNotIn("FailoverState", self.settled())
        self.assertEqual([False, True], writers(self.made))

    def test_a_failover(self) -> None:
        second = self.made["arns"][1]
        under_way = self.switch("failover_global_cluster", second, AllowDataLoss=True)
        self.assertEqual("failing-over", under_way["Status"])

        def synchronization() -> set[str]:
            members = described(self.made)["GlobalClusterMembers"]
            return {one["SynchronizationStatus"] for one in members if not one["IsWriter"]}

        self.settled()
        self.assertEqual({"pending-resync"}, synchronization())
        self.assertEqual([False, True], writers(self.made))
        self.assertEqual({"connected"}, eventually(synchronization, lambda seen: seen == {"connected"}))

    def test_a_removal_and_the_end(self) -> None:
        name, (first, second) = self.made["name"], self.made["arns"]
        client = self.made["first"]
        given = {"GlobalClusterIdentifier": name}
        self.assertEqual("InvalidGlobalClusterStateFault", code(client.delete_global_cluster, **given))
        removed = self.made["second"].remove_from_global_cluster(**given, DbClusterIdentifier=second)["GlobalCluster"]
        self.assertEqual(("modifying", 2), (removed["Status"], len(removed["GlobalClusterMembers"])))
        self.assertEqual(1, len(self.settled()["GlobalClusterMembers"]))
        client.remove_from_global_cluster(**given, DbClusterIdentifier=first)
        self.assertEqual([], self.settled()["GlobalClusterMembers"])
        self.assertEqual("deleting", client.delete_global_cluster(**given)["GlobalCluster"]["Status"])
        ended = eventually(lambda: code(described, self.made), lambda seen: seen != "ok")
        self.assertEqual("GlobalClusterNotFoundFault", ended)


if __name__ == "__main__":
    unittest.main()
