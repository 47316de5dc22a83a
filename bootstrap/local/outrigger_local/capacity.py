"""What DynamoDB bills a call for, in the log of calls.

AWS (DynamoDB Developer Guide, "DynamoDB on-demand capacity mode"): a strongly consistent read is one read request unit
for each 4 KB, another half of that; a write is one write request unit for each KB of the item, before or after it,
whichever is larger. What is not there is read, and what a condition refuses is written, for one unit at least. A query
is billed for whole items, whatever it projects. MiniStack takes every read for one unit, and tells nothing of a write
that was refused; so the items themselves are measured, the same way for a client that asked and for one that did not.
"""

from __future__ import annotations

import json

from ministack.services import dynamodb

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import Hooks, with_parameters

# The header of an answer that takes the units to the log, which takes it out again.
HEADER = "x-outrigger-capacity-units"

_READ_BYTES = 4096
_WRITE_BYTES = 1024


def install(hooks: Hooks) -> None:
    """Puts it around the calls that are measured: those on one item, and queries."""
    hooks.around("dynamodb", "GetItem")(_read)
    hooks.around("dynamodb", "Query")(_queried)
    hooks.around("dynamodb", "UpdateItem", "DeleteItem")(_written)


async def _read(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    return _with_units(answer, _read_units(call, _bytes_of(call)))


async def _queried(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    whole = await proceed(with_parameters(call, ProjectionExpression=None))
    if whole.status != 200:
        return answer
    items = json.loads(whole.body).get("Items", [])
    return _with_units(answer, _read_units(call, sum(map(dynamodb._item_size_bytes, items))))


async def _written(call: Call, proceed: Proceed) -> Answer:
    before = _bytes_of(call)
    answer = await proceed(call)
    return _with_units(answer, _units(max(before, _bytes_of(call)), _WRITE_BYTES))


def _bytes_of(call: Call) -> int:
    table = dynamodb._tables.get(call.parameters.get("TableName"))
    key = call.parameters.get("Key")
    if table is None or not isinstance(key, dict):
        return 0
    return dynamodb._item_size_bytes(dynamodb._get_item_by_key(table, key))


def _read_units(call: Call, size: int) -> float:
    units = _units(size, _READ_BYTES)
    return units if call.parameters.get("ConsistentRead") else units / 2


def _units(size: int, unit: int) -> int:
    return max(1, -(-size // unit))


def _with_units(answer: Answer, units: float) -> Answer:
    is_refused_write = b"ConditionalCheckFailed" in answer.body
    if answer.status == 200 or is_refused_write:
        answer.headers.append((HEADER.encode(), str(units).encode()))
    return answer
