"""Changing replication groups as in AWS: their nodes follow, what waits is pending, replicas come and go.

AWS (ElastiCache API Reference, ModifyReplicationGroup, IncreaseReplicaCount, DecreaseReplicaCount): the node type, the
version and the security groups are those of the nodes; without ApplyImmediately the type, the version and the failover
wait, and show as pending; there is no way back to an older version; failover and multi-AZ need a replica. MiniStack
changes the group alone and at once, drops security groups, and adds and removes replicas that are no clusters.
"""

from __future__ import annotations

import time

from ministack.services import ec2, elasticache

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members, with_parameters
from outrigger_local.patches.elasticache_groups import VERSIONS, zones_of

_MOST_REPLICAS = 5
_PREFERRED_ZONES = "ReplicaConfiguration.ConfigureShard.1.PreferredAvailabilityZones"
_HANDLED_HERE = ("CacheNodeType", "EngineVersion", "Engine", "AutomaticFailoverEnabled", "MultiAZEnabled")


def install(hooks: Hooks) -> None:
    """Puts the corrections around the calls, and what is pending into the descriptions."""
    hooks.around("elasticache", "ModifyReplicationGroup")(_modified)
    hooks.around("elasticache", "IncreaseReplicaCount", "DecreaseReplicaCount")(_counted)
    describe_group, describe_cluster = elasticache._rg_xml, elasticache._cluster_xml_inner
    elasticache._rg_xml = lambda group: describe_group(group) + _pending_xml(group)
    elasticache._cluster_xml_inner = lambda cluster: describe_cluster(cluster) + _pending_xml(cluster)


def _pending_xml(record: dict) -> str:
    pending = record.get("PendingModifiedValues", {})
    shown = "".join(f"<{name}>{value}</{name}>" for name, value in pending.items() if not name.startswith("_"))
    return f"<PendingModifiedValues>{shown}</PendingModifiedValues>"


def _described(call: Call, group: dict) -> Answer:
    described = f"<ReplicationGroup>{elasticache._rg_xml(group)}</ReplicationGroup>"
    body = f"<{call.operation}Result>{described}</{call.operation}Result>"
    return answer_of(elasticache._xml(200, f"{call.operation}Response", body))


def _combination(call: Call, message: str) -> Answer:
    return error(call, "InvalidParameterCombination", message, 400)


def _switch(call: Call, name: str, current: str) -> bool:
    """A setting as it is to be: as given, else as it is."""
    return call.parameters.get(name, str(current == "enabled").lower()) == "true"


async def _modified(call: Call, proceed: Proceed) -> Answer:
    group = elasticache._replication_groups.get(call.parameters.get("ReplicationGroupId", ""))
    if group is None:
        return await proceed(call)
    refused = _refused_version(call, group) or _refused_failover(call, group) or _refused_security_groups(call)
    if refused:
        return refused
    answer = await proceed(with_parameters(call, **dict.fromkeys(_HANDLED_HERE)))
    if answer.status >= 300:
        return answer
    clusters = [elasticache._clusters[member] for member in group["MemberClusters"]]
    _apply_at_once(call, group, clusters)
    _apply_or_defer(call, group, clusters)
    return _described(call, group)


def _apply_at_once(call: Call, group: dict, clusters: list[dict]) -> None:
    identifiers = members(call.parameters, "SecurityGroupIds")
    for record in (group, *clusters):
        if identifiers:
            record["SecurityGroups"] = [{"SecurityGroupId": held, "Status": "active"} for held in identifiers]
        for name in ("PreferredMaintenanceWindow", "SnapshotWindow"):
            if call.parameters.get(name):
                record[name] = call.parameters[name]
        if call.parameters.get("AutoMinorVersionUpgrade"):
            record["AutoMinorVersionUpgrade"] = call.parameters["AutoMinorVersionUpgrade"] == "true"


def _apply_or_defer(call: Call, group: dict, clusters: list[dict]) -> None:
    given = call.parameters
    of_nodes = {name: given[name] for name in ("CacheNodeType", "EngineVersion", "Engine") if given.get(name)}
    of_group = {}
    if given.get("AutomaticFailoverEnabled"):
        of_group["AutomaticFailoverStatus"] = "enabled" if given["AutomaticFailoverEnabled"] == "true" else "disabled"
    if given.get("MultiAZEnabled"):
        # AWS has no word for it among what is pending
        of_group["_MultiAZ"] = "enabled" if given["MultiAZEnabled"] == "true" else "disabled"
    for record, wanted in ((group, of_group), *((cluster, of_nodes) for cluster in clusters)):
        record["PendingModifiedValues"] = record.get("PendingModifiedValues", {}) | wanted
    if given.get("ApplyImmediately") == "true":
        _apply_pending(group, clusters)
    else:
        _forget_unchanged(group, clusters)


def _running(record: dict, wanted: dict) -> str:
    """The version that runs when a version is asked for."""
    engine, version = wanted.get("Engine", record["Engine"]), wanted.get("EngineVersion", record["EngineVersion"])
    return next((runs for name, offered, _, runs in VERSIONS if (name, offered) == (engine, version)), version)


def _apply_pending(group: dict, clusters: list[dict]) -> None:
    for cluster in clusters:
        wanted = cluster.pop("PendingModifiedValues")
        cluster["EngineVersion"] = _running(cluster, wanted)
        cluster.update({name: value for name, value in wanted.items() if name != "EngineVersion"})
        group.update(wanted)
    wanted = group.pop("PendingModifiedValues")
    group["AutomaticFailover"] = wanted.get("AutomaticFailoverStatus", group["AutomaticFailover"])
    group["MultiAZ"] = wanted.get("_MultiAZ", group["MultiAZ"])


def _forget_unchanged(group: dict, clusters: list[dict]) -> None:
    """What is asked for again as it is, is not pending."""
    current = {"AutomaticFailoverStatus": group["AutomaticFailover"], "_MultiAZ": group["MultiAZ"]}
    for record in (group, *clusters):
        known = current if record is group else record
        pending = record["PendingModifiedValues"]
        kept = {name: value for name, value in pending.items() if known.get(name) != value}
        if record is not group and _running(record, pending) == record["EngineVersion"]:
            kept.pop("EngineVersion", None)
        record["PendingModifiedValues"] = kept


def _rank(engine: str, version: str) -> tuple[bool, list[int]]:
    """Valkey stands behind Redis: a group can go there, and not back."""
    return engine == "valkey", [int(part) for part in version.split(".")[:2]]


def _refused_version(call: Call, group: dict) -> Answer | None:
    engine = call.parameters.get("Engine") or group["Engine"]
    version = call.parameters.get("EngineVersion")
    if not version and engine == group["Engine"]:
        return None
    if (engine, version) not in [(name, offered) for name, offered, _, _ in VERSIONS]:
        return _combination(call, f"Cannot find version {version} for {engine}")
    current = elasticache._clusters[group["MemberClusters"][0]]
    if _rank(engine, version) < _rank(current["Engine"], current["EngineVersion"]):
        before = f"{current['Engine']} {current['EngineVersion']}"
        return _combination(call, f"Downgrading from {before} to {engine} {version} is not allowed.")
    return None


def _refused_failover(call: Call, group: dict) -> Answer | None:
    failover = _switch(call, "AutomaticFailoverEnabled", group["AutomaticFailover"])
    zones = _switch(call, "MultiAZEnabled", group["MultiAZ"])
    if not (call.parameters.get("AutomaticFailoverEnabled") or call.parameters.get("MultiAZEnabled")):
        return None
    if failover and len(group["MemberClusters"]) < 2:
        message = "When using automatic failover, there must be at least 2 cache clusters in the replication group."
        return _combination(call, message)
    if zones and not failover:
        return _combination(call, "Must have automatic failover enabled to have multi-AZ enabled.")
    return None


def _refused_security_groups(call: Call) -> Answer | None:
    absent = [held for held in members(call.parameters, "SecurityGroupIds") if held not in ec2._security_groups]
    if absent:
        return error(call, "InvalidParameterValue", f"Invalid security groups: {', '.join(absent)}", 400)
    return None


async def _counted(call: Call, proceed: Proceed) -> Answer:
    group = elasticache._replication_groups.get(call.parameters.get("ReplicationGroupId", ""))
    if group is None or group["ClusterEnabled"]:
        return await proceed(call)
    if call.parameters.get("ApplyImmediately") != "true":
        return error(call, "InvalidParameterValue", "ApplyImmediately=False is not currently supported.", 400)
    current = len(group["MemberClusters"]) - 1
    grows = call.operation.startswith("Increase")
    removed = members(call.parameters, "ReplicasToRemove")
    wanted = int(call.parameters.get("NewReplicaCount") or current - len(removed))
    refused = _refused_count(call, group, current, wanted, grows)
    if refused:
        return refused
    if grows:
        for _ in range(wanted - current):
            _add_replica(group, members(call.parameters, _PREFERRED_ZONES))
        return _described(call, group)
    replicas = [node["CacheClusterId"] for node in group["NodeGroups"][0]["NodeGroupMembers"] if not _is_primary(node)]
    if not set(removed) <= set(replicas):
        return error(call, "InvalidParameterValue", "ReplicasToRemove must be replicas of the replication group.", 400)
    for name in (removed or replicas[::-1])[: current - wanted]:
        _remove_replica(group, name)
    return _described(call, group)


def _is_primary(node: dict) -> bool:
    return node.get("CurrentRole") == "primary"


def _refused_count(call: Call, group: dict, current: int, wanted: int, grows: bool) -> Answer | None:
    if wanted == current:
        message = "The operation was not performed because no changes were required."
        return error(call, "NoOperationFault", message, 400)
    if (wanted > current) != grows or not 0 <= wanted <= _MOST_REPLICAS:
        message = f"NewReplicaCount {wanted} is not valid: the replication group has {current} of 0 to 5 replicas."
        return error(call, "InvalidParameterValue", message, 400)
    if wanted == 0 and "enabled" in (group["MultiAZ"], group["AutomaticFailover"]):
        message = "Must have at least 1 replica when cluster mode is disabled with auto failover enabled."
        return error(call, "InvalidParameterValue", message, 400)
    return None


def _add_replica(group: dict, preferred: list[str]) -> None:
    """A node like the others, in the zone with the fewest."""
    prefix, nodes = group["ReplicationGroupId"], group["NodeGroups"][0]["NodeGroupMembers"]
    name = next(free for n in range(1, 100) if (free := f"{prefix}-{n:03}") not in group["MemberClusters"])
    used = [node["PreferredAvailabilityZone"] for node in nodes]
    zone = min(preferred or zones_of(group) or used[:1], key=used.count)
    model = elasticache._clusters[group["MemberClusters"][0]]
    arn = elasticache._arn_cluster(name)
    cache_nodes = [node | {"CacheNodeCreateTime": time.time()} for node in model["CacheNodes"]]
    elasticache._clusters[name] = model | {
        "CacheClusterId": name,
        "CacheClusterArn": arn,
        "CacheClusterStatus": "available",
        "CacheClusterCreateTime": time.time(),
        "PreferredAvailabilityZone": zone,
        "CacheNodes": cache_nodes,
    }
    elasticache._tags[arn] = list(elasticache._tags.get(group["ARN"], []))
    nodes.append(
        nodes[0] | {"CacheClusterId": name, "CurrentRole": "replica", "PreferredAvailabilityZone": zone},
    )
    group["MemberClusters"] = [*group["MemberClusters"], name]


def _remove_replica(group: dict, name: str) -> None:
    shard = group["NodeGroups"][0]
    shard["NodeGroupMembers"] = [node for node in shard["NodeGroupMembers"] if node["CacheClusterId"] != name]
    group["MemberClusters"] = [member for member in group["MemberClusters"] if member != name]
    elasticache._tags.pop(elasticache._clusters.pop(name)["CacheClusterArn"], None)
