"""Held answers: the call is executed at once, its answer comes late, or as soon as other faults are asked for."""

from __future__ import annotations

import asyncio
import contextlib

from outrigger_local.call import Answer, Call, Middleware, Proceed
from outrigger_local.faults import Faults


def middleware(faults: Faults) -> Middleware:
    """Delays the answers to the calls that the rules of ``hold`` hit."""

    async def hold(call: Call, proceed: Proceed) -> Answer:
        rule, released = faults.rule_for("hold", call), faults.replaced
        answer = await proceed(call)
        if rule is not None:
            call.fault = "held"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(released.wait(), rule.seconds)
        return answer

    return hold
