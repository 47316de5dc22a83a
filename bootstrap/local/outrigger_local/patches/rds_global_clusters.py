"""Aurora global databases have a writer endpoint, and take their time to change.

AWS (RDS API Reference, GlobalCluster, GlobalClusterMember, FailoverState, FailoverGlobalCluster,
SwitchoverGlobalCluster, RemoveFromGlobalCluster, DescribeGlobalClusters; Aurora User Guide, "Using Amazon Aurora Global
Database" and "Write forwarding"): the endpoint of a global cluster is that of its writer, whichever that is. A
switchover is ``switching-over``, a failover with AllowDataLoss ``failing-over``, with a FailoverState; only at the end
is the target the writer, and after a failover the old one is ``pending-resync`` until it is rebuilt. Meanwhile nothing
else changes it. Write forwarding is a matter of secondaries. As long as it has other members, the cluster that writes
keeps its last instance, and cannot be deleted. MiniStack has no endpoint and no pages, switches at once, ignores
EnableGlobalWriteForwarding, shows it of the writer, and deletes the last instance of a writer.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.faults import Faults
from outrigger_local.hooks import ANY, Hooks, answer_of

_WRITER = re.compile(r"(<IsWriter>true</IsWriter>)\s*<GlobalWriteForwardingStatus>[^<]*</GlobalWriteForwardingStatus>")
_SWITCHES = ("FailoverGlobalCluster", "SwitchoverGlobalCluster")
_CHANGES = (*_SWITCHES, "RemoveFromGlobalCluster", "DeleteGlobalCluster", "ModifyGlobalCluster")
_PAGE, _SMALLEST_PAGE = 100, 20


@dataclass
class _Change:
    """What is under way at a global cluster, and what is done when its time has come."""

    due: float
    account: str
    region: str
    global_cluster: dict
    finish: Callable[[], None]


def install(hooks: Hooks, faults: Faults) -> None:
    """Puts the corrections around the calls, and the endpoint into the description."""
    databases = _GlobalClusters(faults)
    hooks.around("rds", ANY)(databases.advanced)
    hooks.around("rds", "CreateGlobalCluster")(databases.created)
    hooks.around("rds", *_CHANGES)(databases.changed)
    hooks.around("rds", "DescribeGlobalClusters")(_listed)
    hooks.around("rds", "CreateDBCluster", "ModifyDBCluster")(_forwarding)
    hooks.around("rds", "DeleteDBInstance")(_last_instance)
    describe = rds._global_cluster_xml
    rds._global_cluster_xml = lambda held: _WRITER.sub(r"\1", describe(held)) + _endpoint(held)
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)


def _endpoint(held: dict) -> str:
    if held["Status"] == "creating":
        return ""
    unique = uuid.uuid5(uuid.NAMESPACE_URL, held["GlobalClusterResourceId"]).hex[:12]
    return f"<Endpoint>{held['GlobalClusterIdentifier']}.global-{unique}.global.rds.amazonaws.com</Endpoint>"


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        found = find(service, method, path, headers, body, parameters, region, account)
        if service != "rds" or found != "*":
            return found
        identifier = iam_actions._query_param(parameters, "GlobalClusterIdentifier")
        return f"arn:aws:rds::{account}:global-cluster:{identifier}" if identifier else found

    return extract_resource_arn


class _GlobalClusters:
    """The global clusters that are being changed."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._changes: list[_Change] = []

    async def advanced(self, call: Call, proceed: Proceed) -> Answer:
        """Ends what is done by now; switched off, whatever is under way ends."""
        now = time.monotonic() if self._faults.slow("rds") else float("inf")
        ended = [change for change in self._changes if change.due <= now]
        self._changes = [change for change in self._changes if change.due > now]
        for change in ended:
            with request_scope(change.account, change.region):
                change.finish()
        return await proceed(call)

    def _begin(self, held: dict, status: str, finish: Callable[[], None]) -> None:
        held["Status"] = status
        due = time.monotonic() + self._faults.slow("rds")
        self._changes.append(_Change(due, get_account_id(), get_region(), held, finish))

    async def created(self, call: Call, proceed: Proceed) -> Answer:
        """A global cluster that was just made is ``creating`` for a while."""
        answer = await proceed(call)
        held = rds._global_clusters.get(call.parameters.get("GlobalClusterIdentifier", ""))
        if answer.status >= 300 or held is None or not self._faults.slow("rds"):
            return answer
        self._begin(held, "creating", lambda: held.update(Status="available"))
        return _answer(call, held)

    async def changed(self, call: Call, proceed: Proceed) -> Answer:
        """Refuses what comes while something is under way, and lets a change take its time."""
        identifier = call.parameters.get("GlobalClusterIdentifier", "")
        held = rds._global_clusters.get(identifier)
        if held is not None and any(change.global_cluster is held for change in self._changes):
            message = f"Global cluster {identifier} is in state {held['Status']}, but must be available."
            return error(call, "InvalidGlobalClusterStateFault", message, 400)
        slow = self._faults.slow("rds")
        if held is None or not slow or call.operation == "ModifyGlobalCluster":
            return await proceed(call)
        before = [dict(member) for member in held["GlobalClusterMembers"]]
        answer = await proceed(call)
        if answer.status >= 300:
            return answer
        if call.operation == "DeleteGlobalCluster":
            rds._global_clusters[identifier] = held
            self._begin(held, "deleting", lambda: rds._global_clusters.pop(identifier, None))
        elif call.operation == "RemoveFromGlobalCluster":
            after, held["GlobalClusterMembers"] = held["GlobalClusterMembers"], before
            self._begin(held, "modifying", lambda: held.update(Status="available", GlobalClusterMembers=after))
        else:
            self._switch(call, held, before)
        return _answer(call, held)

    def _switch(self, call: Call, held: dict, before: list[dict]) -> None:
        after, held["GlobalClusterMembers"] = held["GlobalClusterMembers"], before
        source = next(member["DBClusterArn"] for member in before if member["IsWriter"])
        target = next(member["DBClusterArn"] for member in after if member["IsWriter"])
        loses = call.parameters.get("AllowDataLoss") == "true"
        status = "failing-over" if loses else "switching-over"
        state = {"FromDbClusterArn": source, "ToDbClusterArn": target, "IsDataLossAllowed": loses}
        held["FailoverState"] = {"Status": status} | state

        def resynchronized() -> None:
            for member in held["GlobalClusterMembers"]:
                member["SynchronizationStatus"] = "connected"

        def switched() -> None:
            held.update(Status="available", GlobalClusterMembers=after)
            held.pop("FailoverState", None)
            if loses and self._faults.slow("rds"):
                for member in after:
                    member["SynchronizationStatus"] = "connected" if member["IsWriter"] else "pending-resync"
                self._begin(held, "available", resynchronized)

        self._begin(held, status, switched)


def _answer(call: Call, held: dict) -> Answer:
    body = f"<GlobalCluster>{rds._global_cluster_xml(held)}</GlobalCluster>"
    result = f"<{call.operation}Result>{body}</{call.operation}Result>"
    return answer_of(rds._xml(200, f"{call.operation}Response", result))


async def _listed(call: Call, proceed: Proceed) -> Answer:
    """The global clusters in pages, where no single one is asked for."""
    given = call.parameters
    if given.get("GlobalClusterIdentifier"):
        return await proceed(call)
    size, marker = given.get("MaxRecords", str(_PAGE)), given.get("Marker", "")
    if not size.isdigit() or not _SMALLEST_PAGE <= int(size) <= _PAGE:
        message = f"Invalid value {size} for MaxRecords. Must be between {_SMALLEST_PAGE} and {_PAGE}"
        return error(call, "InvalidParameterValue", message, 400)
    names = sorted(name for name in rds._global_clusters if name > marker)
    shown, more = names[: int(size)], len(names) > int(size)
    content = "".join(
        f"<GlobalClusterMember>{rds._global_cluster_xml(rds._global_clusters[name])}</GlobalClusterMember>"
        for name in shown
    )
    next_page = f"<Marker>{shown[-1]}</Marker>" if more else ""
    body = f"<GlobalClusters>{content}</GlobalClusters>{next_page}"
    result = f"<DescribeGlobalClustersResult>{body}</DescribeGlobalClustersResult>"
    return answer_of(rds._xml(200, "DescribeGlobalClustersResponse", result))


async def _forwarding(call: Call, proceed: Proceed) -> Answer:
    """Write forwarding of a secondary is as asked for."""
    asked = call.parameters.get("EnableGlobalWriteForwarding")
    answer = await proceed(call)
    cluster = rds._clusters.get(call.parameters.get("DBClusterIdentifier", ""))
    if asked is None or answer.status >= 300 or cluster is None or not cluster.get("GlobalClusterIdentifier"):
        return answer
    global_cluster, member = rds._global_cluster_member_for_cluster(cluster)
    if global_cluster and member and not member["IsWriter"]:
        status = "enabled" if asked == "true" else "disabled"
        cluster["GlobalWriteForwardingStatus"] = member["GlobalWriteForwardingStatus"] = status
    return answer


async def _last_instance(call: Call, proceed: Proceed) -> Answer:
    """The last instance of the member that writes stays as long as there are other members."""
    instance = rds._instances.get(call.parameters.get("DBInstanceIdentifier", ""))
    cluster = rds._clusters.get((instance or {}).get("DBClusterIdentifier") or "")
    if cluster is None or len(cluster["DBClusterMembers"]) > 1:
        return await proceed(call)
    global_cluster, member = rds._global_cluster_member_for_cluster(cluster)
    if not global_cluster or not member or not member["IsWriter"] or len(global_cluster["GlobalClusterMembers"]) < 2:
        return await proceed(call)
    message = (
        "Cannot delete the last instance of the master cluster. Delete the replica cluster before deleting the last "
        "master cluster instance."
    )
    return error(call, "InvalidDBClusterStateFault", message, 400)
