"""An AWS API call as it is on the wire: which service, which operation, whose, with which parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

# MiniStack knows some services by their endpoint's name; the log uses the names of the IAM actions.
_SMITHY_PATH = re.compile(r"^/service/(?P<service>[^/]+)/operation/(?P<operation>[^/]+)$")
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<scope>[^/,\s]+)/")
# IAM's names of actions that differ from the operation's.
_OPERATIONS = {("lambda", "InvokeFunction"): "Invoke"}


@dataclass
class Answer:
    """A whole HTTP answer; ``cut`` means that the connection is closed and the client sees none of it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    cut: bool = False

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == wanted), None)


@dataclass
class Call:
    """One request, whole, and what could be read from it."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, list[str]]
    body: bytes
    service: str
    operation: str
    region: str
    access_key_id: str
    parameters: dict = field(default_factory=dict)
    # of the connection that it came by, 0 where it came by none
    client_port: int = 0
    # what was done to it, for the log
    fault: str | None = None
    executed: bool = True

    @property
    def protocol(self) -> str:
        """The wire protocol its errors must be in: ec2, query, cbor, json, rest-xml or rest-json."""
        content_type = self.headers.get("content-type", "")
        if "cbor" in content_type or "cbor" in self.headers.get("smithy-protocol", ""):
            return "cbor"
        if self.headers.get("x-amz-target"):
            return "json"
        if self.service in ("s3", "route53", "cloudfront"):
            return "rest-xml"
        if "x-www-form-urlencoded" in content_type or "Action" in self.query:
            return "ec2" if self.service == "ec2" else "query"
        return "rest-json"


Proceed = Callable[[Call], Awaitable[Answer]]
Middleware = Callable[[Call, Proceed], Awaitable[Answer]]


def parse(method: str, path: str, headers: dict[str, str], query: dict[str, list[str]], body: bytes) -> Call | None:
    """Reads a call, or ``None`` where the request is not one of the AWS API."""
    from ministack.app import _routing_params
    from ministack.core.iam_actions import SERVICE_TO_IAM_NAMESPACE, _match_rest_action, extract_iam_action
    from ministack.core.router import detect_service

    if path.startswith(("/_", "/health")):
        return None
    authorization = headers.get("authorization", "") or "Credential=" + (query.get("X-Amz-Credential") or [""])[0]
    credential = _CREDENTIAL.search(authorization)
    routing = _routing_params(method, path, headers, body, query)
    name = detect_service(method, path, headers, routing)
    service = SERVICE_TO_IAM_NAMESPACE.get(name, name)
    smithy = _SMITHY_PATH.match(path)
    if smithy:
        operation = smithy["operation"]
    elif name == "apigateway":
        # its IAM actions are HTTP methods
        operation = _match_rest_action(name, method, path, query) or f"{method} {path}"
    else:
        action = extract_iam_action(name, method, path, headers, body, routing) or ""
        operation = action.partition(":")[2] or f"{method} {path}"
    operation = _OPERATIONS.get((service, operation), operation)
    return Call(
        method=method,
        path=path,
        headers=headers,
        query=query,
        body=body,
        service=service,
        operation=operation,
        region=credential["region"] if credential else "",
        access_key_id=credential["key"] if credential else "",
        parameters=_parameters(service, path, headers, query, body),
    )


def _parameters(service: str, path: str, headers: dict[str, str], query: dict[str, list[str]], body: bytes) -> dict:
    parameters: dict = {
        name: values[0] if len(values) == 1 else values
        for name, values in query.items()
        if not name.lower().startswith("x-amz-")
    }
    content_type = headers.get("content-type", "")
    if service == "s3":
        bucket, _, key = path.lstrip("/").partition("/")
        parameters |= {name: value for name, value in (("Bucket", bucket), ("Key", key)) if value}
    elif "x-www-form-urlencoded" in content_type:
        parameters |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    elif service == "lambda":
        if not path.endswith(("/invocations", "/invoke-async")):
            parameters |= content_of(body, content_type)
        segments = path.split("/functions/", 1)
        if len(segments) == 2 and segments[1]:
            parameters.setdefault("FunctionName", segments[1].split("/", 1)[0])
    else:
        parameters |= content_of(body, content_type)
    if "x-amz-target" not in headers and service not in ("s3", "ec2") and not parameters.get("Action"):
        parameters.setdefault("path", path)
    parameters.pop("Action", None)
    parameters.pop("Version", None)
    return parameters


def content_of(body: bytes, content_type: str) -> dict:
    """The members of a body in CBOR or JSON; none of one that is neither, or broken, or no object."""
    import cbor2

    try:
        content = cbor2.loads(body) if "cbor" in content_type else json.loads(body)
    except (cbor2.CBORDecodeError, ValueError, EOFError):
        return {}
    return content if isinstance(content, dict) else {}


def chain(middleware: Sequence[Middleware], execute: Proceed) -> Proceed:
    """``execute`` with the middleware around it, the first of it outermost."""
    proceed = execute
    for layer in reversed(middleware):
        proceed = _around(layer, proceed)
    return proceed


def _around(layer: Middleware, proceed: Proceed) -> Proceed:
    async def run(call: Call) -> Answer:
        return await layer(call, proceed)

    return run
