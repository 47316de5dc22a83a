"""What EventBridge refuses of rules.

AWS (EventBridge User Guide, "Schedule expressions"; API Reference, DeleteRule): ``rate(1 minute)`` is singular,
``rate(5 minutes)`` plural, and a rule that has targets cannot be deleted. MiniStack takes and deletes them.
"""

from __future__ import annotations

import re

from ministack.services import eventbridge

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks

_RATE = re.compile(r"^rate\(\s*(\d+)\s+(minute|hour|day)(s?)\s*\)$")


def install(hooks: Hooks) -> None:
    """Puts the checks around the calls."""
    hooks.around("events", "PutRule")(_put)
    hooks.around("events", "DeleteRule")(_deleted)


async def _put(call: Call, proceed: Proceed) -> Answer:
    schedule = call.parameters.get("ScheduleExpression") or ""
    rate = _RATE.match(schedule)
    wrong = rate and (int(rate[1]) == 0 or (int(rate[1]) == 1) == bool(rate[3]))
    if wrong or (schedule.startswith("rate(") and not rate):
        return error(call, "ValidationException", "Parameter ScheduleExpression is not valid.", 400)
    return await proceed(call)


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    name, bus = call.parameters.get("Name", ""), call.parameters.get("EventBusName", "default")
    if eventbridge._targets.get(eventbridge._rule_key(name, bus)):
        message = "Rule can't be deleted since it has targets."
        return error(call, "ValidationException", message, 400)
    return await proceed(call)
