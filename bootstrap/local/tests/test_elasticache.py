"""The patch of ElastiCache for replication groups that live."""

from __future__ import annotations

import unittest

from support import GapTest, Server, code, local, unique
from test_data_services import replication_group, subnets
from test_ec2 import group


def make(server: Server, **given) -> tuple:
    """A client and the name of a new replication group."""
    cache, name = server.client("elasticache"), unique("c")
    cache.create_replication_group(**replication_group(name, **given))
    return cache, name


def described(cache, name: str) -> dict:
    """The group as it is now."""
    return cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]


def nodes(cache, name: str) -> list[dict]:
    """The cache clusters of the group."""
    listed = cache.describe_cache_clusters()["CacheClusters"]
    return [cluster for cluster in listed if cluster.get("ReplicationGroupId") == name]


class ChangesTest(GapTest):
    def test_what_waits(self) -> None:
        def observe(server: Server) -> list[object]:
            cache, name = make(server, Engine="redis", EngineVersion="7.0", CacheNodeType="cache.t3.micro")
            cache.modify_replication_group(
                ReplicationGroupId=name,
                CacheNodeType="cache.t3.small",
                EngineVersion="7.1",
                AutomaticFailoverEnabled=True,
                ReplicationGroupDescription="another",
            )
            waiting, waiting_nodes = described(cache, name), nodes(cache, name)
            cache.modify_replication_group(ReplicationGroupId=name, ApplyImmediately=True)
            done, done_nodes = described(cache, name), nodes(cache, name)
            return [
                waiting["Description"],
                (waiting["AutomaticFailover"], waiting.get("PendingModifiedValues")),
                [(node["EngineVersion"], node.get("PendingModifiedValues")) for node in waiting_nodes],
                (done["AutomaticFailover"], done["CacheNodeType"], done.get("PendingModifiedValues")),
                [(node["EngineVersion"], node["CacheNodeType"]) for node in done_nodes],
            ]

        pending = {"CacheNodeType": "cache.t3.small", "EngineVersion": "7.1"}
        self.check(
            observe,
            [
                "another",
                ("disabled", {"AutomaticFailoverStatus": "enabled"}),
                [("7.0.7", pending)] * 2,
                ("enabled", "cache.t3.small", {}),
                [("7.1.0", "cache.t3.small")] * 2,
            ],
        )

    def test_security_groups_and_zones(self) -> None:
        def observe(server: Server) -> list[object]:
            of_cache = group(subnets(server))
            cache, name = make(server)
            cache.modify_replication_group(
                ReplicationGroupId=name,
                AutomaticFailoverEnabled=True,
                MultiAZEnabled=True,
                SecurityGroupIds=[of_cache],
                ApplyImmediately=True,
            )
            now, held = described(cache, name), [node["SecurityGroups"] for node in nodes(cache, name)]
            return [
                (now["AutomaticFailover"], now["MultiAZ"]),
                [[entry["SecurityGroupId"] for entry in groups] == [of_cache] for groups in held],
                code(
                    cache.modify_replication_group,
                    ReplicationGroupId=name,
                    AutomaticFailoverEnabled=False,
                    ApplyImmediately=True,
                ),
            ]

        self.check(observe, [("enabled", "enabled"), [True, True], "InvalidParameterCombination"])

    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            cache, name = make(server, EngineVersion="7.0", Engine="redis", NumCacheClusters=1)

            def modify(**changes) -> str:
                return code(cache.modify_replication_group, ReplicationGroupId=name, ApplyImmediately=True, **changes)

            return [
                modify(EngineVersion="6.2"),
                modify(EngineVersion="7.9"),
                modify(AutomaticFailoverEnabled=True),
                modify(MultiAZEnabled=True),
                modify(SecurityGroupIds=["sg-0"]),
                modify(Engine="valkey", EngineVersion="8.0"),
                modify(Engine="redis", EngineVersion="7.1"),
            ]

        combination = "InvalidParameterCombination"
        self.check(observe, [*[combination] * 4, "InvalidParameterValue", "ok", combination])


class ReplicasTest(GapTest):
    def test_they_come_and_go(self) -> None:
        def observe(server: Server) -> list[object]:
            made, group_name = subnets(server), unique("g")
            cache = server.client("elasticache")
            cache.create_cache_subnet_group(
                CacheSubnetGroupName=group_name, CacheSubnetGroupDescription="d", SubnetIds=made["subnets"]
            )
            tags = [{"Key": "a", "Value": "b"}]
            cache, name = make(server, NumCacheClusters=1, CacheSubnetGroupName=group_name, Tags=tags)

            def count(operation, replicas: int, **given) -> list[str]:
                arguments = {"ReplicationGroupId": name, "NewReplicaCount": replicas, "ApplyImmediately": True}
                changed = operation(**arguments, **given)["ReplicationGroup"]
                held = [node["CacheClusterId"] for node in changed["NodeGroups"][0]["NodeGroupMembers"]]
                return [member.removeprefix(name) for member in held if member in changed["MemberClusters"]]

            grown = count(cache.increase_replica_count, 2)
            zones = [node["PreferredAvailabilityZone"] for node in nodes(cache, name)]
            added = nodes(cache, name)[-1]
            return [
                grown,
                zones,
                cache.list_tags_for_resource(ResourceName=added["ARN"])["TagList"],
                count(cache.decrease_replica_count, 1, ReplicasToRemove=[f"{name}-002"]),
                count(cache.increase_replica_count, 2),
                count(cache.decrease_replica_count, 0),
                [node["CacheClusterId"].removeprefix(name) for node in nodes(cache, name)],
            ]

        zones = ["us-east-1a", "us-east-1b", "us-east-1a"]
        three, two = ["-001", "-002", "-003"], ["-001", "-003"]
        tags = [{"Key": "a", "Value": "b"}]
        self.check(observe, [three, zones, tags, two, ["-001", "-003", "-002"], ["-001"], ["-001"]])

    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            cache, name = make(server, AutomaticFailoverEnabled=True, MultiAZEnabled=True)

            def count(operation, replicas: int) -> str:
                arguments = {"NewReplicaCount": replicas, "ApplyImmediately": True}
                return code(operation, ReplicationGroupId=name, **arguments)

            return [
                count(cache.decrease_replica_count, 0),
                count(cache.increase_replica_count, 1),
                count(cache.increase_replica_count, 6),
                code(cache.increase_replica_count, ReplicationGroupId="absent", NewReplicaCount=1),
            ]

        expected = ["InvalidParameterValue", "NoOperationFault", "InvalidParameterValue"]
        self.check(observe, [*expected, "ReplicationGroupNotFoundFault"])


class WhatMiniStackDoesTest(unittest.TestCase):
    """What the product relies on, and MiniStack does without help."""

    def test_a_subnet_group_takes_other_subnets(self) -> None:
        made = subnets(local())
        cache, name = local().client("elasticache"), unique("g")
        cache.create_cache_subnet_group(
            CacheSubnetGroupName=name, CacheSubnetGroupDescription="d", SubnetIds=made["subnets"][:1]
        )
        changed = cache.modify_cache_subnet_group(CacheSubnetGroupName=name, SubnetIds=made["subnets"])
        found = [subnet["SubnetIdentifier"] for subnet in changed["CacheSubnetGroup"]["Subnets"]]
        self.assertEqual(made["subnets"], found)
