"""Lost answers and lost requests: the connection is closed, after the call was executed or before.

To the client both look the same, which is the point: it cannot know whether the call was executed.
"""

from __future__ import annotations

from outrigger_local.call import Answer, Call, Middleware, Proceed
from outrigger_local.faults import Faults


def middleware(faults: Faults) -> Middleware:
    """Cuts the connections of the calls that the rules of ``lose_requests`` and ``lose_answers`` hit."""

    async def lose(call: Call, proceed: Proceed) -> Answer:
        if faults.rule_for("lose_requests", call) is not None:
            call.fault, call.executed = "lost request", False
            return Answer(0, [], b"", cut=True)
        lost = faults.rule_for("lose_answers", call) is not None
        answer = await proceed(call)
        if lost:
            call.fault = "lost answer"
            answer.cut = True
        return answer

    return lose
