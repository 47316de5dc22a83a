"""Kinesis keeps the tags of a new stream, and shows the metrics that are on.

AWS (Kinesis Data Streams API Reference, CreateStream, TagResource, DescribeStreamSummary): tags can be given at
creation, and read and changed by the stream's ARN; EnhancedMonitoring lists the shard-level metrics. MiniStack drops
the tags of CreateStream, does not know the three operations by ARN, and always lists no metrics.
"""

from __future__ import annotations

import json

from ministack.services import kinesis

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks

_METRICS = (
    "IncomingBytes", "IncomingRecords", "IteratorAgeMilliseconds", "OutgoingBytes", "OutgoingRecords",
    "ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded",
)  # fmt: skip


def install(hooks: Hooks) -> None:
    """Puts the corrections around the calls."""
    hooks.around("kinesis", "CreateStream")(_created)
    hooks.around("kinesis", "ListTagsForResource", "TagResource", "UntagResource")(_tags)
    hooks.around("kinesis", "DescribeStream", "DescribeStreamSummary")(_described)
    hooks.around("kinesis", "EnableEnhancedMonitoring", "DisableEnhancedMonitoring")(_monitored)


def stream_of(call: Call) -> dict | None:
    """The stream that the call names."""
    given = call.parameters
    arn = given.get("StreamARN") or given.get("ResourceARN", "")
    return kinesis._resolve_stream({"StreamName": given.get("StreamName"), "StreamARN": arn})[1]


def answer_in(call: Call, content: dict) -> Answer:
    """An answer in the protocol of the call."""
    if call.protocol == "cbor":
        import cbor2

        return Answer(200, [(b"content-type", b"application/x-amz-cbor-1.1")], cbor2.dumps(content))
    return Answer(200, [(b"content-type", b"application/x-amz-json-1.1")], json.dumps(content).encode())


async def _created(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    if answer.status < 300:
        kinesis._streams[call.parameters["StreamName"]]["tags"].update(call.parameters.get("Tags") or {})
    return answer


async def _tags(call: Call, _: Proceed) -> Answer:
    stream = stream_of(call)
    if stream is None:
        name = call.parameters.get("ResourceARN", "").rpartition("/")[2]
        return error(call, "ResourceNotFoundException", f"Stream {name} not found.", 400)
    if call.operation == "TagResource":
        stream["tags"].update(call.parameters.get("Tags") or {})
    elif call.operation == "UntagResource":
        for key in call.parameters.get("TagKeys") or []:
            stream["tags"].pop(key, None)
    else:
        tags = [{"Key": key, "Value": value} for key, value in sorted(stream["tags"].items())]
        return answer_in(call, {"Tags": tags})
    return answer_in(call, {})


async def _described(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    stream = stream_of(call)
    if answer.status < 300 and stream:
        content = _content(call, answer)
        description = next(iter(content.values()))
        description["EnhancedMonitoring"] = [{"ShardLevelMetrics": sorted(stream.get("ShardLevelMetrics", []))}]
        answer.body = answer_in(call, content).body
    return answer


async def _monitored(call: Call, proceed: Proceed) -> Answer:
    asked = call.parameters.get("ShardLevelMetrics") or []
    stream = stream_of(call)
    if stream is None or "ALL" not in asked:
        return await proceed(call)
    current = stream.get("ShardLevelMetrics", [])
    stream["ShardLevelMetrics"] = list(_METRICS) if call.operation.startswith("Enable") else []
    return answer_in(
        call,
        {
            "StreamName": stream["StreamName"],
            "StreamARN": stream["StreamARN"],
            "CurrentShardLevelMetrics": current,
            "DesiredShardLevelMetrics": stream["ShardLevelMetrics"],
        },
    )


def _content(call: Call, answer: Answer) -> dict:
    if call.protocol == "cbor":
        import cbor2

        return cbor2.loads(answer.body)
    return json.loads(answer.body)
