"""Snapshots of RDS instances have the tags that they should have.

AWS (RDS API Reference, CreateDBInstance, CopyTagsToSnapshot): a snapshot, the final one too, has the instance's tags
only with CopyTagsToSnapshot, and they can be listed by its ARN. MiniStack always shows them in the description and
never in the list. It also names a VPC that does not exist.
"""

from __future__ import annotations

from ministack.services import rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import Hooks, answer_of


def install(hooks: Hooks) -> None:
    """Puts the correction around what makes snapshots."""
    hooks.around("rds", "CreateDBSnapshot", "DeleteDBInstance")(_made)


async def _made(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    instance = rds._instances.get(given.get("DBInstanceIdentifier", ""))
    final = call.operation == "DeleteDBInstance"
    name = given.get("FinalDBSnapshotIdentifier" if final else "DBSnapshotIdentifier", "")
    known = rds._snapshots.get(name)
    # The deletion of the instance takes its tags away.
    copied = list(rds._tags.get(instance["DBInstanceArn"], [])) if instance and instance["CopyTagsToSnapshot"] else []
    answer = await proceed(call)
    snapshot = rds._snapshots.get(name)
    if answer.status >= 300 or instance is None or snapshot is None or snapshot is known:
        return answer
    own = rds._tags.get(snapshot["DBSnapshotArn"], [])
    keys = {tag["Key"] for tag in own}
    tags = [*own, *(tag for tag in copied if tag["Key"] not in keys)]
    snapshot["TagList"] = rds._tags[snapshot["DBSnapshotArn"]] = tags
    snapshot["VpcId"] = (instance.get("DBSubnetGroup") or {}).get("VpcId", snapshot["VpcId"])
    if final:
        return answer
    described = f"<DBSnapshot>{rds._snapshot_xml(snapshot)}</DBSnapshot>"
    body = f"<CreateDBSnapshotResult>{described}</CreateDBSnapshotResult>"
    return answer_of(rds._xml(200, "CreateDBSnapshotResponse", body))
