"""The limits of Kinesis: how far and how often a stream scales, how long it keeps, how many shards there may be.

AWS (Kinesis Data Streams API Reference, UpdateShardCount, IncreaseStreamRetentionPeriod, DescribeLimits): a stream at
most doubles or halves its shards at a time, ten times in 24 hours, and keeps its records; a retention period the wrong
way is InvalidArgumentException. MiniStack scales as asked, empties the stream, answers ValidationException, and knows
no limits.
"""

from __future__ import annotations

import time

from ministack.core.responses import get_region
from ministack.services import kinesis

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks
from outrigger_local.patches.kinesis_streams import answer_in, stream_of

_SCALINGS, _SCALING_SECONDS = 10, 24 * 3600
_SHARDS, _SHARDS_ELSEWHERE = 20000, 1000
_LARGE_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
_ON_DEMAND_STREAMS = 50
_SHORTEST_HOURS, _LONGEST_HOURS = 24, 8760


def install(hooks: Hooks) -> None:
    """Puts the checks around the calls."""
    hooks.around("kinesis", "UpdateShardCount")(_scaled)
    hooks.around("kinesis", "IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod")(_retained)
    hooks.around("kinesis", "DescribeLimits")(_limits)


def _is_on_demand(stream: dict) -> bool:
    return (stream.get("StreamModeDetails") or {}).get("StreamMode") == "ON_DEMAND"


def _open_shards() -> int:
    return sum(len(stream["shards"]) for stream in kinesis._streams.values() if not _is_on_demand(stream))


def _shard_limit() -> int:
    return _SHARDS if get_region() in _LARGE_REGIONS else _SHARDS_ELSEWHERE


async def _limits(call: Call, _: Proceed) -> Answer:
    return answer_in(
        call,
        {
            "ShardLimit": _shard_limit(),
            "OpenShardCount": _open_shards(),
            "OnDemandStreamCount": sum(map(_is_on_demand, kinesis._streams.values())),
            "OnDemandStreamCountLimit": _ON_DEMAND_STREAMS,
        },
    )


async def _scaled(call: Call, proceed: Proceed) -> Answer:
    stream, target = stream_of(call), call.parameters.get("TargetShardCount")
    if stream is None or not isinstance(target, int) or target < 1:
        return await proceed(call)
    name, current, now = stream["StreamName"], len(stream["shards"]), time.time()
    if _is_on_demand(stream):
        message = f"Request is invalid. Stream {name} is in the on-demand capacity mode."
        return error(call, "ValidationException", message, 400)
    counts = f"Current open shard count: {current} Target shard count: {target}"
    recent = [moment for moment in stream.get("_scalings", []) if now - moment < _SCALING_SECONDS]
    message = ""
    if target > current * 2:
        message = f"UpdateShardCount cannot scale up over double your current open shard count. {counts}"
    elif target * 2 < current:
        message = f"UpdateShardCount cannot scale down below half your current open shard count. {counts}"
    elif len(recent) >= _SCALINGS:
        message = f"UpdateShardCount has been called {_SCALINGS} times for stream {name} within the last 24 hours."
    elif _open_shards() - current + target > _shard_limit():
        message = f"This request would exceed the shard limit for the account. Limit: {_shard_limit()}."
    if message:
        return error(call, "LimitExceededException", message, 400)
    before = stream["shards"]
    answer = await proceed(call)
    if answer.status < 300:
        stream["_scalings"] = [*recent, now]
        stream["shards"] = kinesis._build_shards(target, kinesis._max_shard_index({"shards": before}) + 1)
        _move_records(before, stream)
    return answer


def _move_records(before: dict, stream: dict) -> None:
    """In AWS the closed shards keep their records until those expire; here there are none, and the new have them."""
    records = [record for shard in before.values() for record in shard["records"]]
    for record in sorted(records, key=lambda record: int(record["SequenceNumber"])):
        shard = kinesis._route_to_shard(kinesis._partition_key_to_hash(record["PartitionKey"]), stream)
        stream["shards"][shard]["records"].append(record)


async def _retained(call: Call, proceed: Proceed) -> Answer:
    stream, hours = stream_of(call), call.parameters.get("RetentionPeriodHours")
    if stream is None or not isinstance(hours, int):
        return await proceed(call)
    current, message = stream["RetentionPeriodHours"], ""
    asked = f"Requested retention period ({hours} hours) for stream {stream['StreamName']}"
    if not _SHORTEST_HOURS <= hours <= _LONGEST_HOURS:
        message = f"{asked} must be between {_SHORTEST_HOURS} and {_LONGEST_HOURS} hours."
    elif call.operation.startswith("Increase") and hours < current:
        message = f"{asked} can not be shorter than existing retention period ({current} hours)."
    elif call.operation.startswith("Decrease") and hours > current:
        message = f"{asked} can not be longer than existing retention period ({current} hours)."
    if message:
        return error(call, "InvalidArgumentException", message, 400)
    # The same again changes nothing.
    return await proceed(call) if hours != current else answer_in(call, {})
