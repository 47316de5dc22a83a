"""``python -m outrigger_local``: starts the local AWS and serves until it is told to stop."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shutil
import socket
import sys
from pathlib import Path

from outrigger_local import MINISTACK_VERSION, environment, processes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="outrigger_local", description="a local AWS, on loopback only")
    parser.add_argument("--directory", required=True, type=Path, help="for everything that is written; made if absent")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when the process that started this ends, and remove the directory")
    parser.add_argument("--no-iam", action="store_true", help="do not enforce IAM policies")
    return parser.parse_args()


def main() -> int:
    """Prepares the environment, then imports MiniStack and serves it."""
    parent = os.getppid()
    arguments = _arguments()
    installed = importlib.metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        print(f"ministack {installed} is installed, the patches are for {MINISTACK_VERSION}", file=sys.stderr)
        return 2
    directory = arguments.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        listener = socket.create_server(("127.0.0.1", arguments.port), backlog=512)
    except OSError as error:
        print(f"cannot listen on 127.0.0.1:{arguments.port}: {error}", file=sys.stderr)
        return 2
    environment.prepare(directory, listener.getsockname()[1], iam=not arguments.no_iam)
    group = processes.ProcessGroup()

    from outrigger_local.server import serve

    try:
        serve(listener, directory, parent if arguments.exit_with_parent else None)
    finally:
        processes.kill_lambda_runtimes()
        group.dismiss()
        if arguments.exit_with_parent:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Worker threads of MiniStack may still wait for something; nothing they hold outlives the process.
    os._exit(code)
