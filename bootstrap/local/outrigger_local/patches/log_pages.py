"""FilterLogEvents answers in pages.

AWS (CloudWatch Logs API Reference, FilterLogEvents): ``limit`` is the most events of one answer, 10,000 if none is given, and
where there are more, ``nextToken`` goes on behind them. MiniStack answers the first page and no token.
"""

from __future__ import annotations

import json

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks

_PAGE = 10_000


def install(hooks: Hooks) -> None:
    """Puts it around the reading."""
    hooks.around("logs", "FilterLogEvents")(_filtered)


async def _filtered(call: Call, proceed: Proceed) -> Answer:
    asked = dict(call.parameters)
    limit = min(int(asked.get("limit") or _PAGE), _PAGE)
    start, skip = asked.get("startTime"), 0
    token = asked.pop("nextToken", None)
    if token is not None:
        try:
            start, skip = (int(part) for part in token.split(":"))
        except ValueError:
            return error(call, "InvalidParameterException", "The specified nextToken is invalid.", 400)
    # One more than is answered tells whether there are more; MiniStack itself gives 10,000 at most.
    asked["limit"] = min(limit + skip + 1, _PAGE)
    if start is not None:
        asked["startTime"] = start
    call.body = json.dumps(asked).encode()
    answer = await proceed(call)
    if answer.status >= 300:
        return answer
    shown = json.loads(answer.body)
    found = shown["events"]
    page = found[skip : skip + limit]
    shown["events"] = page
    if page and (len(found) > skip + limit or len(found) == _PAGE):
        last = page[-1]["timestamp"]
        behind = sum(event["timestamp"] == last for event in found[: skip + len(page)])
        shown["nextToken"] = f"{last}:{behind}"
    answer.body = json.dumps(shown).encode()
    return answer
