"""Stopped replication: what is written in one region stays there, until replication goes on.

AWS (DynamoDB Developer Guide, "How DynamoDB global tables work"; S3 User Guide, "Getting replication status
information"; RDS API Reference, GlobalClusterMember, SwitchoverGlobalCluster): replicas of an eventually consistent
table take over what was written meanwhile, of two writes of an item the later one; an object that is still to be copied
is ``PENDING``; the members of a global cluster that do not write are ``pending-resync``, and only what loses data
makes one of them the writer. MiniStack replicates before a write is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import dynamodb, rds, s3

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.faults import Faults
from outrigger_local.hooks import Hooks


# What is to be replicated as soon as replication goes on; of the writes of one item the last.
_items: dict[tuple, Callable[[], None]] = {}
_objects: list[Callable[[], None]] = []
_lock = Lock()


def install(hooks: Hooks, faults: Faults) -> None:
    """Wraps what replicates, and puts the state of global clusters into their description."""
    write, copy, mark = dynamodb._replicate_write, s3._maybe_replicate, s3._maybe_replicate_delete_marker
    describe = rds._global_cluster_xml

    def replicate_write(table: dict, event_name: str, old_item: dict | None, new_item: dict | None) -> None:
        if "dynamodb" not in faults.stopped_replication or _is_strong(table):
            write(table, event_name, old_item, new_item)
            return
        item = new_item if new_item is not None else old_item
        values = (str(item.get(table[name])) for name in ("pk_name", "sk_name"))
        key = (get_account_id(), table["TableName"], *values)
        with _lock:
            _items.pop(key, None)
            _items[key] = _later(lambda: write(table, event_name, old_item, new_item))

    def maybe_replicate(bucket: str, key: str, made: dict, data: object, tags: dict | None = None) -> None:
        rule, _ = s3._replication_rule_for(bucket, key, tags)
        if rule is None or "s3" not in faults.stopped_replication:
            copy(bucket, key, made, data, tags)
            return
        made["replication_status"] = "PENDING"
        with _lock:
            _objects.append(_later(lambda: _copy(copy, bucket, key, made, data, tags)))

    def maybe_replicate_delete_marker(bucket: str, key: str) -> None:
        if "s3" not in faults.stopped_replication:
            mark(bucket, key)
            return
        with _lock:
            _objects.append(_later(lambda: mark(bucket, key)))

    def describe_with_synchronization(held: dict) -> str:
        members = held["GlobalClusterMembers"]
        if "rds" in faults.stopped_replication:
            behind = {"SynchronizationStatus": "pending-resync"}
            members = [member if member["IsWriter"] else member | behind for member in members]
        return describe(held | {"GlobalClusterMembers": members})

    async def switched(call: Call, proceed: Proceed) -> Answer:
        """Nobody switches over to what lags behind."""
        identifier, loses = call.parameters.get("GlobalClusterIdentifier", ""), call.parameters.get("AllowDataLoss")
        if identifier in rds._global_clusters and loses != "true" and "rds" in faults.stopped_replication:
            message = f"Global cluster {identifier} has secondary DB clusters that are not synchronized."
            return error(call, "InvalidGlobalClusterStateFault", message, 400)
        return await proceed(call)

    dynamodb._replicate_write = replicate_write
    s3._maybe_replicate = maybe_replicate
    s3._maybe_replicate_delete_marker = maybe_replicate_delete_marker
    rds._global_cluster_xml = describe_with_synchronization
    hooks.around("rds", "FailoverGlobalCluster", "SwitchoverGlobalCluster")(switched)


def go_on(faults: Faults) -> None:
    """Replicates what was written meanwhile, of the services whose replication is not stopped any more."""
    todo = []
    with _lock:
        if "dynamodb" not in faults.stopped_replication:
            todo += _items.values()
            _items.clear()
        if "s3" not in faults.stopped_replication:
            todo += _objects
            _objects.clear()
    for replicate in todo:
        replicate()


def _is_strong(table: dict) -> bool:
    return dynamodb._table_description(table["TableName"]).get("MultiRegionConsistency") == "STRONG"


def _later(replicate: Callable[[], None]) -> Callable[[], None]:
    """The same in the account and region of now."""
    account, region = get_account_id(), get_region()

    def replicate_there() -> None:
        with request_scope(account, region):
            replicate()

    return replicate_there


def _copy(copy: Callable, bucket: str, key: str, made: dict, data: object, tags: dict | None) -> None:
    """Copies a version of an object, where that is still there."""
    versions = s3._object_versions.get((bucket, key), [])
    version = next((held for held in versions if held["version_id"] == made.get("version_id")), None)
    if version is None:
        return
    copy(bucket, key, made, data, tags)
    # What is current may be another record by now.
    current = s3._buckets[bucket]["objects"].get(key, {})
    for record in (version, current):
        if record.get("version_id") == version["version_id"]:
            record["replication_status"] = made["replication_status"]
    replica = made.get("_replica")
    if tags and replica:
        name, replica_version, account = replica
        with s3._in_account(account):
            s3._object_tags[(name, key, replica_version)] = dict(tags)
