"""Where the patches take hold: around the operations of MiniStack's services.

A hook runs behind MiniStack's authentication, with its request scope (account, region) set, and also for calls that
MiniStack makes itself by way of its service handlers (Step Functions' AWS SDK integrations). It is a middleware: it
may answer itself, change the call before it proceeds, or change the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from outrigger_local.call import Answer, Call, Middleware, chain, content_of

ANY = "*"


class Hooks:
    """The hooks of every service, by MiniStack's name of it; the first that is added is the outermost."""

    def __init__(self) -> None:
        self._hooks: dict[str, list[tuple[frozenset[str], Middleware]]] = {}

    def around(self, service: str, *operations: str) -> Callable[[Middleware], Middleware]:
        """A decorator: puts a middleware around those operations of a service."""

        def add(hook: Middleware) -> Middleware:
            self._hooks.setdefault(service, []).append((frozenset(operations), hook))
            return hook

        return add

    def install(self) -> None:
        """Wraps MiniStack's handlers of the services that have hooks."""
        from ministack.app import SERVICE_HANDLERS

        for service, hooks in self._hooks.items():
            SERVICE_HANDLERS[service] = _wrapped(service, SERVICE_HANDLERS[service], hooks)


def _wrapped(service: str, handle: Callable, hooks: list[tuple[frozenset[str], Middleware]]) -> Callable:
    async def handle_request(method: str, path: str, headers: dict, body: bytes, query_params: dict):
        call = call_of(service, method, path, headers, body, query_params)
        chosen = [hook for operations, hook in hooks if call.operation in operations or ANY in operations]
        if not chosen:
            return await handle(method, path, headers, body, query_params)

        async def execute(call: Call) -> Answer:
            return answer_of(await handle(call.method, call.path, call.headers, call.body, call.query))

        answer = await chain(chosen, execute)(call)
        answer_headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
        answer_headers.pop("x-amzn-requestid", None)
        return answer.status, answer_headers, answer.body

    return handle_request


def call_of(service: str, method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Call:
    """The call that MiniStack hands to the handler of a service."""
    if isinstance(body, str):
        body = body.encode()
    body = body or b""
    parameters: dict = {name: value[0] if isinstance(value, list) else value for name, value in query_params.items()}
    target = headers.get("x-amz-target", "")
    content_type = headers.get("content-type", "")
    smithy = path.rpartition("/operation/")[2] if "/operation/" in path else ""
    if "x-www-form-urlencoded" in content_type:
        parameters |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    else:
        parameters |= content_of(body, content_type)
    operation = smithy or (target.rpartition(".")[2] if target else parameters.get("Action", ""))
    return Call(
        method=method,
        path=path,
        headers=headers,
        query=query_params,
        body=body,
        service=service,
        operation=operation,
        region="",
        access_key_id="",
        parameters=parameters,
    )


def answer_of(answered: tuple[int, dict, str | bytes]) -> Answer:
    """What one of MiniStack's handlers answered: status, headers, body."""
    status, headers, body = answered
    pairs = [(name.encode(), str(value).encode("latin-1", "replace")) for name, value in headers.items()]
    return Answer(status, pairs, body.encode() if isinstance(body, str) else body)


def with_parameters(call: Call, **changes: str) -> Call:
    """The same call of a query protocol or of JSON with some parameters set, or, where ``None``, left out."""
    parameters = {name: value for name, value in (call.parameters | changes).items() if value is not None}
    if call.headers.get("x-amz-target"):
        body = json.dumps(parameters).encode()
    else:
        body = urlencode(parameters).encode()
    query = {name: value for name, value in call.query.items() if name not in changes}
    return Call(call.method, call.path, call.headers, query, body, call.service, call.operation, "", "", parameters)


def members(parameters: dict, prefix: str) -> list[str]:
    """The values of a query protocol's list: ``prefix.1``, ``prefix.member.1``, ``prefix.<Name>.1``, in order."""
    found: list[tuple[int, str]] = []
    for name, value in parameters.items():
        if name.startswith(prefix + "."):
            words = name[len(prefix) + 1 :].split(".")
            if words[-1].isdigit() and len(words) <= 2:
                found.append((int(words[-1]), value))
    return [value for _, value in sorted(found)]
