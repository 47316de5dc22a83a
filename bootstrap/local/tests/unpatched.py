"""``python -m unpatched``: MiniStack with the environment of the local AWS, and nothing of its patches."""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

from outrigger_local import environment

PARENT = os.getppid()
directory = Path(sys.argv[sys.argv.index("--directory") + 1])
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
environment.prepare(directory, port, iam=True)

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

from outrigger_local import processes

config = Config()
config.bind = [f"fd://{listener.fileno()}"]
config.loglevel = "WARNING"
announced = directory / "endpoint.json"
announced.with_suffix(".new").write_text(json.dumps({"endpoint": f"http://127.0.0.1:{port}"}))
announced.with_suffix(".new").rename(announced)


async def main() -> None:
    """Serves until the test run ends."""
    stop = asyncio.Event()
    watch = asyncio.create_task(processes.watch_parent(PARENT, stop.set))
    await serve(app, config, shutdown_trigger=stop.wait)
    watch.cancel()


group = processes.ProcessGroup()
asyncio.run(main())
group.dismiss()
