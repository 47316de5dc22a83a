"""Held answers: the call is executed at once, its answer comes late."""

from __future__ import annotations

import asyncio

from outrigger_local.call import Answer, Call, Middleware, Proceed
from outrigger_local.faults import Faults


def middleware(faults: Faults) -> Middleware:
    """Delays the answers to the calls that the rules of ``hold`` hit."""

    async def hold(call: Call, proceed: Proceed) -> Answer:
        rule = faults.rule_for("hold", call)
        answer = await proceed(call)
        if rule is not None:
            call.fault = "held"
            await asyncio.sleep(rule.seconds)
        return answer

    return hold
