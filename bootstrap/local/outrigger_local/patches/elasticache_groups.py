"""ElastiCache replication groups as in AWS: their members' names, zones and versions, and what is refused.

AWS (ElastiCache User Guide, "Creating a replication group"; API Reference, CreateReplicationGroup,
DescribeCacheEngineVersions): the members of a group without cluster mode are ``<group>-001``, ``<group>-002``, spread
over the zones of its subnet group; the subnet group and the version must exist; automatic failover needs two nodes,
multi-AZ needs automatic failover; a version is asked for as 7.0 and runs as 7.0.7. MiniStack names the members as in
cluster mode, and takes anything.
"""

from __future__ import annotations

from ministack.services import elasticache

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members, with_parameters

# Engine, version, parameter group family, what runs.
VERSIONS = (
    ("redis", "5.0.6", "redis5.0", "5.0.6"),
    ("redis", "6.0", "redis6.x", "6.0.5"),
    ("redis", "6.2", "redis6.x", "6.2.6"),
    ("redis", "7.0", "redis7", "7.0.7"),
    ("redis", "7.1", "redis7", "7.1.0"),
    ("valkey", "7.2", "valkey7", "7.2.6"),
    ("valkey", "8.0", "valkey8", "8.0.1"),
    ("valkey", "8.1", "valkey8", "8.1.0"),
)
_DEFAULT_VERSION = "7.1"


def install(hooks: Hooks) -> None:
    """Puts the checks and the corrections around the calls."""
    hooks.around("elasticache", "DescribeCacheEngineVersions")(_described_versions)
    hooks.around("elasticache", "CreateReplicationGroup")(_created)


async def _described_versions(call: Call, proceed: Proceed) -> Answer:
    engine, version = call.parameters.get("Engine"), call.parameters.get("EngineVersion")
    family = call.parameters.get("CacheParameterGroupFamily")
    if engine == "memcached":
        return await proceed(call)
    listed = "".join(
        f"<CacheEngineVersion><Engine>{name}</Engine><EngineVersion>{offered}</EngineVersion>"
        f"<CacheParameterGroupFamily>{of_family}</CacheParameterGroupFamily>"
        f"<CacheEngineDescription>{name.capitalize()}</CacheEngineDescription>"
        f"<CacheEngineVersionDescription>{name} version {running}</CacheEngineVersionDescription></CacheEngineVersion>"
        for name, offered, of_family, running in VERSIONS
        if engine in (None, name) and version in (None, offered) and family in (None, of_family)
    )
    body = (
        f"<DescribeCacheEngineVersionsResult><CacheEngineVersions>{listed}</CacheEngineVersions>"
        "</DescribeCacheEngineVersionsResult>"
    )
    return answer_of(elasticache._xml(200, "DescribeCacheEngineVersionsResponse", body))


def _refused(call: Call) -> Answer | None:
    given = call.parameters
    group, engine, version = given.get("CacheSubnetGroupName"), given.get("Engine", "redis"), given.get("EngineVersion")
    if group and group != "default" and group not in elasticache._subnet_groups:
        return error(call, "CacheSubnetGroupNotFoundFault", f"Cache Subnet Group {group} does not exist.", 400)
    if version and version not in [offered for name, offered, _, _ in VERSIONS if name == engine]:
        return error(call, "InvalidParameterCombination", f"Cannot find version {version} for {engine}", 400)
    failover = given.get("AutomaticFailoverEnabled") == "true"
    shards, nodes = int(given.get("NumNodeGroups", 1)), int(given.get("NumCacheClusters", 1))
    if failover and shards == 1 and max(nodes, int(given.get("ReplicasPerNodeGroup", 0)) + 1) < 2:
        message = "When using automatic failover, there must be at least 2 cache clusters in the replication group."
        return error(call, "InvalidParameterCombination", message, 400)
    if given.get("MultiAZEnabled") == "true" and not failover:
        message = "Must have automatic failover enabled to have multi-AZ enabled."
        return error(call, "InvalidParameterCombination", message, 400)
    return None


async def _created(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("ReplicationGroupId", "")
    if name in elasticache._replication_groups:
        return await proceed(call)
    refused = _refused(call)
    if refused:
        return refused
    given = call.parameters
    if given.get("Engine", "redis") == "redis" and not given.get("EngineVersion"):
        call = with_parameters(call, EngineVersion=_DEFAULT_VERSION)
    answer = await proceed(call)
    group = elasticache._replication_groups.get(name)
    if answer.status >= 300 or group is None:
        return answer
    if not group["ClusterEnabled"]:
        _rename_members(group)
    _spread(group, members(call.parameters, "PreferredCacheClusterAZs"))
    for member in group["MemberClusters"]:
        cluster = elasticache._clusters[member]
        running = [
            r
            for engine, version, _, r in VERSIONS
            if (engine, version) == (cluster["Engine"], cluster["EngineVersion"])
        ]
        cluster["EngineVersion"] = running[0] if running else cluster["EngineVersion"]
    described = f"<ReplicationGroup>{elasticache._rg_xml(group)}</ReplicationGroup>"
    body = f"<CreateReplicationGroupResult>{described}</CreateReplicationGroupResult>"
    return answer_of(elasticache._xml(200, "CreateReplicationGroupResponse", body))


def _rename_members(group: dict) -> None:
    """From ``<group>-0001-001`` to ``<group>-001``, wherever the name is held."""
    prefix = f"{group['ReplicationGroupId']}-"
    names = {old: prefix + old.removeprefix(prefix).rpartition("-")[2] for old in group["MemberClusters"]}
    group["MemberClusters"] = list(names.values())
    for shard in group["NodeGroups"]:
        for member in shard["NodeGroupMembers"]:
            member["CacheClusterId"] = names[member["CacheClusterId"]]
    for old, new in names.items():
        cluster = elasticache._clusters.pop(old)
        tags = elasticache._tags.pop(cluster["CacheClusterArn"], [])
        cluster["CacheClusterId"], cluster["CacheClusterArn"] = new, elasticache._arn_cluster(new)
        elasticache._clusters[new] = cluster
        elasticache._tags[cluster["CacheClusterArn"]] = tags


def zones_of(group: dict) -> list[str]:
    """The zones of the group's subnets."""
    held = elasticache._subnet_groups.get(group["CacheSubnetGroupName"]) or {}
    return sorted({subnet["SubnetAvailabilityZone"]["Name"] for subnet in held.get("Subnets", [])})


def _spread(group: dict, asked: list[str]) -> None:
    """Puts the members into the zones asked for, else in turn into those of the subnet group."""
    zones = asked or zones_of(group)
    for shard in group["NodeGroups"] if zones else ():
        for index, member in enumerate(shard["NodeGroupMembers"]):
            zone = zones[index % len(zones)]
            member["PreferredAvailabilityZone"] = zone
            elasticache._clusters[member["CacheClusterId"]]["PreferredAvailabilityZone"] = zone
