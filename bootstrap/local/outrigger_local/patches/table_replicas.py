"""A replica's tags go with it.

AWS (DynamoDB Developer Guide, "Tagging resources in DynamoDB"; API Reference, UpdateTable): tags belong to one replica, and
are gone when it is. MiniStack keeps the tags of a replica that is taken away, and the next one of the name has them.
"""

from __future__ import annotations

from ministack.core.responses import get_account_id, request_scope
from ministack.services import dynamodb

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import Hooks


def install(hooks: Hooks) -> None:
    """Puts it around the call."""
    hooks.around("dynamodb", "UpdateTable")(_updated)


async def _updated(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    updates = call.parameters.get("ReplicaUpdates") or []
    for update in updates if answer.status == 200 else []:
        region = (update.get("Delete") or {}).get("RegionName")
        if region:
            account, name = get_account_id(), call.parameters.get("TableName", "")
            with request_scope(account, region):
                dynamodb._tags.pop(f"arn:aws:dynamodb:{region}:{account}:table/{name}", None)
    return answer
