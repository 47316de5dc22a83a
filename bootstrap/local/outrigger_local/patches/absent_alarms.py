"""Deleting an alarm that does not exist is ResourceNotFound.

AWS (CloudWatch API Reference, DeleteAlarms): "if you specify any incorrect alarm names, the alarms you specify with
correct names are still deleted", and the error for an absent one is ResourceNotFound. MiniStack answers success.
"""

from __future__ import annotations

from ministack.services import cloudwatch

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, members


def install(hooks: Hooks) -> None:
    """Puts it around the deletion."""
    hooks.around("monitoring", "DeleteAlarms")(_deleted)


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    names = call.parameters.get("AlarmNames") or members(call.parameters, "AlarmNames")
    absent = [name for name in names if name not in cloudwatch._alarms and name not in cloudwatch._composite_alarms]
    answer = await proceed(call)
    if absent and answer.status < 300:
        return error(call, "ResourceNotFound", f"Unknown alarms: {', '.join(absent)}", 404)
    return answer
