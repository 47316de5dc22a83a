"""Slow provisioning: databases, caches and streams take their time to be created, changed and deleted.

MiniStack has everything available at once. With ``slow_provisioning`` a created object is ``creating`` first; an RDS
instance is then ``available`` for a moment, ``backing-up``, and ``available`` for good (RDS User Guide, "Viewing DB
instance status"): ready means stable. A changed object is ``modifying``, and what takes an instance time is pending
until it is done; after a change of its storage it works, but is ``storage-optimization`` for a while. A deleted object
is still described as ``deleting``, and whatever it depends on cannot be deleted meanwhile.
"""

from __future__ import annotations

import asyncio
import copy
import re
import time
from dataclasses import dataclass, field

from ministack.services import elasticache, kinesis, rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.faults import Faults
from outrigger_local.hooks import ANY, Hooks, answer_of

_INSTANCE = re.compile(rb"<DBInstance>.*?</DBInstance>", re.DOTALL)
_GROUP = re.compile(rb"<ReplicationGroup>.*?</ReplicationGroup>", re.DOTALL)
_ENDPOINTS = re.compile(rb"<((?:Primary|Reader)?Endpoint)>.*?</\1>", re.DOTALL)
_STATUS = re.compile(rb"<(DBInstanceStatus|CacheClusterStatus|Status)>available</")

# For each store its status field; for each operation that changes an object, the store and the parameter that names it.
_MODULES = {"rds": rds, "elasticache": elasticache, "kinesis": kinesis}
_STORES = {
    "rds": {"_instances": "DBInstanceStatus", "_clusters": "Status", "_snapshots": "Status"},
    "elasticache": {"_replication_groups": "Status", "_clusters": "CacheClusterStatus"},
    "kinesis": {"_streams": "StreamStatus"},
}
_CHANGES = {
    "rds": {
        "ModifyDBInstance": ("_instances", "DBInstanceIdentifier"),
        "RebootDBInstance": ("_instances", "DBInstanceIdentifier"),
        "ModifyDBCluster": ("_clusters", "DBClusterIdentifier"),
    },
    "elasticache": {
        "ModifyReplicationGroup": ("_replication_groups", "ReplicationGroupId"),
        "IncreaseReplicaCount": ("_replication_groups", "ReplicationGroupId"),
        "DecreaseReplicaCount": ("_replication_groups", "ReplicationGroupId"),
        "ModifyCacheCluster": ("_clusters", "CacheClusterId"),
    },
    "kinesis": dict.fromkeys(
        (
            "EnableEnhancedMonitoring", "DisableEnhancedMonitoring", "UpdateShardCount", "StartStreamEncryption",
            "StopStreamEncryption", "IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod", "SplitShard",
            "MergeShards",
        ),
        ("_streams", "StreamName"),
    ),
}  # fmt: skip
# What an object that is not settled refuses, and with which error.
_REFUSALS = {
    "ModifyDBInstance": ("InvalidDBInstanceState", "Database instance is not in available state."),
    "RebootDBInstance": ("InvalidDBInstanceState", "Database instance is not in available state."),
    "ModifyDBCluster": ("InvalidDBClusterStateFault", "The DB cluster is not in available state."),
    "ModifyReplicationGroup": ("InvalidReplicationGroupState", "Replication group must be in available state."),
    "IncreaseReplicaCount": ("InvalidReplicationGroupState", "Replication group must be in available state."),
    "DecreaseReplicaCount": ("InvalidReplicationGroupState", "Replication group must be in available state."),
    "DeleteReplicationGroup": ("InvalidReplicationGroupState", "Replication group must be in available state."),
    "ModifyCacheCluster": ("InvalidCacheClusterState", "Cache cluster must be in available state."),
}
# What a change shows at its end only.
_SHOWN_LATE = {
    "ModifyDBInstance": (
        "AllocatedStorage", "DBInstanceClass", "EngineVersion", "Iops", "MultiAZ", "StorageThroughput", "StorageType",
    ),
    "RebootDBInstance": ("DBParameterGroups",),
}  # fmt: skip
_STORAGE = ("AllocatedStorage", "StorageType", "Iops", "StorageThroughput")
_OPTIMIZING = "storage-optimization"
# A stream can be written to while it is changed (Kinesis API Reference, UpdateShardCount); MiniStack refuses.
_WRITES = dict.fromkeys(("PutRecord", "PutRecords"), ("_streams", "StreamName"))
_NAMES = {"DeleteReplicationGroup": ("_replication_groups", "ReplicationGroupId")}
_WORDS = {
    "rds": ("creating", "modifying", "deleting"),
    "elasticache": ("creating", "modifying", "deleting"),
    "kinesis": ("CREATING", "UPDATING", "DELETING"),
}


@dataclass
class _Change:
    """Statuses with the times until which they hold; afterwards ``settled``, or gone where that is ``None``."""

    service: str
    store: str
    key: tuple
    phases: list[tuple[float, str]]
    settled: str | None
    record: dict | list
    late: dict = field(default_factory=dict)


class SlowProvisioning:
    """The changes that are under way."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._changes: dict[tuple, _Change] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def middleware(self, call: Call, proceed: Proceed) -> Answer:
        """Shows the statuses of the moment, and begins the change that the call makes."""
        service = call.service
        slow = self._faults.slow_seconds if service in self._faults.slow_kinds else 0.0
        if not slow and not self._changes:
            return await proceed(call)
        # One at a time: no other call may see what a create has made before its status is set.
        async with self._locks.setdefault(service, asyncio.Lock()):
            self._advance(service)
            refused = self._refusal(call)
            if refused:
                return refused
            before = _contents(service)
            written = self._named(call, _WRITES) if service == "kinesis" else None
            if written and written[2]["StreamStatus"] == "UPDATING":
                written[2]["StreamStatus"] = "ACTIVE"
            named = self._named(call, _CHANGES[service])
            unchanged = copy.deepcopy(named[2]) if named else {}
            answer = await proceed(call)
            if slow and answer.status < 300:
                answer = self._begin(call, answer, before, unchanged, slow)
            self._advance(service)
        if service != "kinesis":
            for described in (_INSTANCE, _GROUP):
                answer.body = described.sub(_without_early_endpoints, answer.body)
        return answer

    def is_under_way(self, record: dict) -> bool:
        """Whether a change of that record has not ended."""
        return any(change.record is record for change in self._changes.values())

    def _begin(self, call: Call, answer: Answer, before: dict[str, dict], unchanged: dict, slow: float) -> Answer:
        service, now = call.service, time.monotonic()
        creating, modifying, deleting = _WORDS[service]
        word = None
        after = _contents(service)
        for store in _STORES[service]:
            settled = "ACTIVE" if service == "kinesis" else "available"
            for key in after[store].keys() - before[store].keys():
                word = creating
                phases = [(now + slow, creating)]
                if store == "_instances":
                    phases = [(now + slow * 0.5, creating), (now + slow * 0.65, settled), (now + slow, "backing-up")]
                self._put(_Change(service, store, key, phases, settled, after[store][key]))
            for key in before[store].keys() - after[store].keys():
                word = deleting
                record = before[store][key]
                _store(service, store)._data[key] = record
                self._put(_Change(service, store, key, [(now + slow, deleting)], None, record))
        for key in before["_tags"].keys() - after["_tags"].keys():
            if word == deleting:
                _store(service, "_tags")._data[key] = before["_tags"][key]
                self._put(_Change(service, "_tags", key, [(now + slow, "")], None, before["_tags"][key]))
        changed = self._named(call, _CHANGES[service])
        if changed and not (call.operation.startswith("Modify") and _only_waits(unchanged, changed[2])):
            store, key, record = changed
            word = "rebooting" if call.operation.startswith("Reboot") else modifying
            settled = "ACTIVE" if service == "kinesis" else "available"
            late = _hold_back(call, unchanged, record)
            phases = [(now + slow, word)]
            if late.keys() & set(_STORAGE):
                phases = [(now + slow * 0.7, word), (now + slow, _OPTIMIZING)]
            self._put(_Change(service, store, key, phases, settled, record, late))
            if call.operation == "ModifyDBInstance":
                response = rds._single_instance_response("ModifyDBInstanceResponse", "ModifyDBInstanceResult", record)
                answer = answer_of(response)
        if word:
            answer.body = _STATUS.sub(lambda found: b"<%s>%s</" % (found[1], word.encode()), answer.body)
        return answer

    def _put(self, change: _Change) -> None:
        self._changes[(change.service, change.store, change.key)] = change

    def _advance(self, service: str) -> None:
        # Switched off, whatever is under way ends.
        now = time.monotonic() if self._faults.slow_seconds else float("inf")
        for place, change in list(self._changes.items()):
            if change.service != service:
                continue
            data = _store(service, change.store)._data
            status = next((word for until, word in change.phases if now < until), change.settled)
            if data.get(change.key) is not change.record:
                del self._changes[place]
            elif status is None:
                del data[change.key], self._changes[place]
            elif change.store != "_tags":
                change.record[_STORES[service][change.store]] = status
                if now >= change.phases[0][0]:
                    _show_late(change)
                if now >= change.phases[-1][0]:
                    del self._changes[place]

    def _refusal(self, call: Call) -> Answer | None:
        named = self._named(call, _CHANGES[call.service] | _NAMES)
        change = self._changes.get((call.service, named[0], named[1])) if named else None
        if change is None or change.record[_STORES[call.service][named[0]]] == change.settled:
            return None
        if change.record[_STORES[call.service][named[0]]] == _OPTIMIZING:
            return _refused_storage(call, change.record)
        if call.service == "kinesis":
            status = change.record["StreamStatus"]
            message = f"Stream {call.parameters.get('StreamName')} not ACTIVE, instead in state {status}"
            return error(call, "ResourceInUseException", message, 400)
        return error(call, *_REFUSALS[call.operation], 400)

    @staticmethod
    def _named(call: Call, names: dict[str, tuple[str, str]]) -> tuple[str, tuple, dict] | None:
        if call.operation not in names:
            return None
        store, parameter = names[call.operation]
        name = call.parameters.get(parameter) or str(call.parameters.get("StreamARN", "")).rpartition("/")[2]
        scoped = _store(call.service, store)
        key = scoped._scoped(name)
        return (store, key, scoped._data[key]) if key in scoped._data else None


def _only_waits(before: dict, after: dict) -> bool:
    """Whether nothing but what is pending is different: then nothing is under way."""
    return all(
        before.get(name) == after.get(name) for name in before.keys() | after.keys() if name != "PendingModifiedValues"
    )


def _hold_back(call: Call, before: dict, record: dict) -> dict:
    """Gives the record its old values again, and returns the new ones that it is to show at the end."""
    names = [name for name in _SHOWN_LATE.get(call.operation, ()) if before.get(name) != record.get(name)]
    late = {name: record[name] for name in names}
    record.update({name: before.get(name) for name in names})
    if call.operation == "ModifyDBInstance":
        record["PendingModifiedValues"] = record["PendingModifiedValues"] | late
    return late


def _show_late(change: _Change) -> None:
    if change.late:
        change.record.update(change.late)
        pending = change.record["PendingModifiedValues"]
        change.record["PendingModifiedValues"] = {k: v for k, v in pending.items() if k not in change.late}
        change.late = {}


def _refused_storage(call: Call, record: dict) -> Answer | None:
    """While storage is optimized, everything but storage can be changed."""
    if all(call.parameters.get(name, str(record.get(name))) == str(record.get(name)) for name in _STORAGE):
        return None
    message = (
        "You can't currently modify the storage of this DB instance because the previous storage change is being "
        "optimized."
    )
    return error(call, "InvalidParameterCombination", message, 400)


def _store(service: str, store: str):
    return getattr(_MODULES[service], store)


def _contents(service: str) -> dict[str, dict]:
    names = [*_STORES[service], "_tags"]
    return {name: dict(_store(service, name)._data) if hasattr(_MODULES[service], name) else {} for name in names}


def _without_early_endpoints(found: re.Match[bytes]) -> bytes:
    """What is being created has no endpoint yet."""
    is_creating = b"Status>creating<" in found[0]
    return _ENDPOINTS.sub(b"", found[0]) if is_creating else found[0]


def install(hooks: Hooks, faults: Faults) -> None:
    """Puts it around the services that it is for."""
    slow = SlowProvisioning(faults)
    make_active = kinesis._ensure_active

    def make_active_unless_slow(stream: dict) -> None:
        if not slow.is_under_way(stream):
            make_active(stream)

    # It turns a stream that is being created into an active one whenever it is described.
    kinesis._ensure_active = make_active_unless_slow
    for service in _STORES:
        hooks.around(service, ANY)(slow.middleware)
