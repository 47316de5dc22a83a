"""Throttling: the call is not executed and the service's own throttling error is answered."""

from __future__ import annotations

from outrigger_local.call import Answer, Call, Middleware, Proceed
from outrigger_local.errors import error
from outrigger_local.faults import Faults

_RATE = "Rate exceeded"
# Each service's own, from its list of errors in the API references; all others: ThrottlingException, 400.
_ERRORS: dict[str, tuple[str, str, int]] = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "rds": ("Throttling", _RATE, 400),
    "elasticache": ("Throttling", _RATE, 400),
    "elasticloadbalancing": ("Throttling", _RATE, 400),
    "cloudformation": ("Throttling", _RATE, 400),
    "cloudwatch": ("Throttling", _RATE, 400),
    "iam": ("Throttling", _RATE, 400),
    "sns": ("Throttling", _RATE, 400),
    "sts": ("Throttling", _RATE, 400),
    "kinesis": ("LimitExceededException", "Rate exceeded for stream operations.", 400),
    "lambda": ("TooManyRequestsException", "Rate Exceeded.", 429),
    "apigateway": ("TooManyRequestsException", "Too Many Requests", 429),
    "servicequotas": ("TooManyRequestsException", _RATE, 400),
    "tag": ("ThrottledException", _RATE, 400),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
}
_DATA_PLANE = {
    "dynamodb": {
        "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
        "TransactGetItems", "TransactWriteItems",
    },
    "kinesis": {"PutRecord", "PutRecords", "GetRecords", "GetShardIterator"},
}  # fmt: skip
_THROUGHPUT = ("ProvisionedThroughputExceededException", "The throughput that is provisioned is exceeded.", 400)


def middleware(faults: Faults) -> Middleware:
    """Answers throttling errors to the calls that the rules of ``throttle`` hit."""

    async def throttle(call: Call, proceed: Proceed) -> Answer:
        if faults.rule_for("throttle", call) is None:
            return await proceed(call)
        call.fault, call.executed = "throttled", False
        if call.operation in _DATA_PLANE.get(call.service, ()):
            return error(call, *_THROUGHPUT)
        return error(call, *_ERRORS.get(call.service, ("ThrottlingException", _RATE, 400)))

    return throttle
