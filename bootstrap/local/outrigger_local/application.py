"""The ASGI application: MiniStack's, with the middleware around every AWS API call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from ministack.app import app as ministack
from ministack.core.sigv4 import decode_header_value

from outrigger_local.call import Answer, Call, Middleware, chain, parse
from outrigger_local.call_log import CallLog
from outrigger_local.faults import Faults, FaultsError
from outrigger_local.middleware import (
    dead_regions,
    failures,
    held_answers,
    kills,
    lost_answers,
    stopped_replication,
    throttling,
)
from outrigger_local.patches import global_accelerator, load_balancer_requests

# Set in the scope of a request whose connection is to be closed without an answer.
CUT = "outrigger.cut"

Receive = Callable[[], Awaitable[dict]]
Send = Callable[[dict], Awaitable[None]]


class Application:
    """Logs each call, does the faults asked for, and hands the rest to MiniStack."""

    def __init__(self, faults: Faults, log: CallLog) -> None:
        self._faults = faults
        self._middleware: list[Middleware] = [
            log.middleware,
            dead_regions.middleware(faults),
            kills.middleware(faults),
            throttling.middleware(faults),
            failures.middleware(faults),
            lost_answers.middleware(faults),
            held_answers.middleware(faults),
        ]

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await ministack(scope, receive, send)
        elif scope["path"].startswith("/_outrigger/"):
            await self._control(scope, receive, send)
        else:
            await self._call(scope, receive, send)

    async def _control(self, scope: dict, receive: Receive, send: Send) -> None:
        status, content = 404, {"error": f"no {scope['method']} {scope['path']}"}
        if scope["path"] == "/_outrigger/health":
            status, content = 200, {"status": "ok"}
        elif scope["path"] == "/_outrigger/faults":
            if scope["method"] == "PUT":
                try:
                    self._faults.replace(json.loads(await _body(receive) or b"{}"))
                    await asyncio.to_thread(dead_regions.kill_functions, self._faults)
                    stopped_replication.go_on(self._faults)
                    status, content = 200, self._faults.configuration
                except (ValueError, FaultsError) as error:
                    status, content = 400, {"error": str(error)}
            else:
                status, content = 200, self._faults.configuration
        await _send_answer(send, Answer(status, [(b"content-type", b"application/json")], json.dumps(content).encode()))

    async def _call(self, scope: dict, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        host = headers.get("host", "")
        if load_balancer_requests.is_balancer(host) or global_accelerator.is_accelerator(host):
            # traffic, no call of the AWS API
            await ministack(scope, receive, send)
            return
        body = await _body(receive)
        call = parse(scope["method"], scope["path"], headers, _query(scope), body)
        if call is None:
            await ministack(scope, _replay(body, receive), send)
            return
        call.client_port = (scope.get("client") or ("", 0))[1]

        async def execute(_: Call) -> Answer:
            collected = _Collected()
            await ministack(scope, _replay(body, receive), collected)
            return Answer(collected.status, collected.headers, b"".join(collected.chunks))

        answer = await chain(self._middleware, execute)(call)
        if answer.cut:
            scope[CUT] = True
        else:
            await _send_answer(send, answer)


class _Collected:
    """An ASGI ``send`` that keeps the answer."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []

    async def __call__(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.chunks.append(message.get("body", b""))


async def _body(receive: Receive) -> bytes:
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """An ASGI ``receive`` that gives the body again, whole, and after it what the connection has to say."""
    sent = False

    async def replay() -> dict:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _headers(scope: dict) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = decode_header_value(value)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _query(scope: dict) -> dict[str, list[str]]:
    return parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)


async def _send_answer(send: Send, answer: Answer) -> None:
    headers = [(name, value) for name, value in answer.headers if name.lower() not in (b"transfer-encoding",)]
    if not any(name.lower() == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
