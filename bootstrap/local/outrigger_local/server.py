"""Serves the application with hypercorn, and says in ``endpoint.json`` when it answers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from datetime import datetime, timezone
from pathlib import Path

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from hypercorn.protocol.http_stream import HTTPStream

from outrigger_local import MINISTACK_VERSION, environment, patches, processes
from outrigger_local.application import CUT, Application
from outrigger_local.call_log import CallLog
from outrigger_local.faults import Faults
from outrigger_local.files import write_atomically


def serve(listener: socket.socket, directory: Path, parent: int | None) -> None:
    """Serves on ``listener`` until SIGTERM, SIGINT or, where given, the end of the process ``parent``.

    The loop is not closed, and ``asyncio.run`` not used: both would wait for MiniStack's worker threads.
    """
    asyncio.new_event_loop().run_until_complete(_serve(listener, directory, parent))


async def _serve(listener: socket.socket, directory: Path, parent: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    processes.record_lambda_runtimes()
    faults = Faults.load(directory / "faults.json")
    patches.install(faults)
    _close_cut_connections()
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.3
    config.shutdown_timeout = 2
    config.loglevel = "WARNING"
    port = listener.getsockname()[1]
    background = [loop.create_task(_announce(directory, port))]
    if parent is not None:
        background.append(loop.create_task(processes.watch_parent(parent, stop.set)))
    with CallLog(directory / "calls.jsonl") as log:
        try:
            await hypercorn_serve(Application(faults, log), config, shutdown_trigger=stop.wait)
        finally:
            (directory / "endpoint.json").unlink(missing_ok=True)
            for task in background:
                task.cancel()


async def _announce(directory: Path, port: int) -> None:
    """Writes ``endpoint.json`` as soon as the health check answers."""
    while not await _healthy(port):
        await asyncio.sleep(0.02)
    write_atomically(
        directory / "endpoint.json",
        json.dumps(
            {
                "endpoint": f"http://127.0.0.1:{port}",
                "pid": os.getpid(),
                "started_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                "version": MINISTACK_VERSION,
                "region": environment.DEFAULT_REGION,
                "access_key_id": environment.ACCESS_KEY_ID,
                "secret_access_key": environment.SECRET_ACCESS_KEY,
            }
        ),
    )


async def _healthy(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /_outrigger/health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        await writer.drain()
        return (await reader.readline()).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
    finally:
        writer.close()


def _close_cut_connections() -> None:
    """Lets an application that answers nothing close the connection: hypercorn would answer 500 for it."""
    answer_error = HTTPStream._send_error_response

    async def send_error_response(stream: HTTPStream, status_code: int) -> None:
        if not stream.scope.get(CUT):
            await answer_error(stream, status_code)

    HTTPStream._send_error_response = send_error_response
