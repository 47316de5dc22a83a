"""Errors on request: the call is not executed and the error that the rule names is answered."""

from __future__ import annotations

from outrigger_local.call import Answer, Call, Middleware, Proceed
from outrigger_local.errors import error
from outrigger_local.faults import Faults


def middleware(faults: Faults) -> Middleware:
    """Answers errors to the calls that the rules of ``fail`` hit."""

    async def fail(call: Call, proceed: Proceed) -> Answer:
        rule = faults.rule_for("fail", call)
        if rule is None:
            return await proceed(call)
        call.fault, call.executed = "failed", False
        return error(call, rule.code, rule.message or rule.code, rule.status)

    return fail
