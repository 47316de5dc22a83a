"""The log of every AWS API call: one JSON line each, in ``calls.jsonl``."""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.capacity import HEADER
from outrigger_local.errors import code_of
from outrigger_local.redaction import redacted_parameters

_READING = re.compile(
    r"^(Describe|List|Get|Head|Query|Scan|BatchGet|TransactGet|Lookup|Search|Filter|Select|Simulate|Validate|Estimate"
    r"|TestState|TestMetricFilter|TestEventPattern|AssumeRole|Decrypt|Encrypt|GenerateDataKey|GenerateRandom|Sign|Verify"
    r"|GET |HEAD |OPTIONS )"
)


class CallLog:
    """Appends to the log; each line is on disk before the client has its answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> CallLog:
        self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    async def middleware(self, call: Call, proceed: Proceed) -> Answer:
        """Logs the call with its answer, whatever the middleware below did to it."""
        time_ms = time.time_ns() // 1_000_000
        principal = principal_of(call.access_key_id)
        answer = await proceed(call)
        units = answer.header(HEADER)
        answer.headers = [(name, value) for name, value in answer.headers if name.lower() != HEADER.encode()]
        self._file.write(json.dumps(_entry(call, answer, time_ms, principal, units), ensure_ascii=False) + "\n")
        self._file.flush()
        return answer


def _entry(call: Call, answer: Answer, time_ms: int, principal: str, units: str | None) -> dict:
    return {
        "time_ms": time_ms,
        "service": call.service,
        "operation": call.operation,
        "region": call.region,
        "principal": principal,
        "mutating": is_mutating(call.operation),
        "status": answer.status if call.executed or not answer.cut else None,
        "error": code_of(answer),
        "request_id": answer.header("x-amzn-requestid") or answer.header("x-amz-request-id") or str(uuid.uuid4()),
        "fault": call.fault,
        "capacity_units": None if units is None else float(units),
        "parameters": redacted_parameters(call),
    }


def is_mutating(operation: str) -> bool:
    """Whether an operation of that name changes something; those that answer no change are told by their first word."""
    return _READING.match(operation) is None


def principal_of(access_key_id: str) -> str:
    """The name of the role or user that the key belongs to, ``root``, or ``unknown``."""
    from ministack.core.iam_evaluator import resolve_credential
    from ministack.core.responses import get_account_id

    if not access_key_id:
        return "anonymous"
    found = resolve_credential(access_key_id, get_account_id())
    arn = getattr(found, "principal_arn", "")
    if arn.endswith(":root"):
        return "root"
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind == "assumed-role":
        return name.split("/")[0]
    return name.rpartition("/")[2] or "unknown"
