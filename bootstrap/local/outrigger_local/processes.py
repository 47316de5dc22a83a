"""Leaves no process behind: neither this one when its parent dies, nor its Lambda runtimes when it dies."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable

# Ends with this process: a line on its input means a clean exit, the end of the input without one that this process
# was killed, and then everything in the process group, the Lambda runtimes among it, is killed too.
_GUARD = "trap '' INT TERM HUP; read -r word; [ \"$word\" = done ] || kill -9 0"


class ProcessGroup:
    """This process as the leader of its own group, and a guard that kills the group if it is killed."""

    def __init__(self) -> None:
        if os.getpgrp() != os.getpid():
            os.setpgid(0, 0)
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def dismiss(self) -> None:
        """Ends the guard without killing anything."""
        assert self._guard.stdin is not None
        try:
            self._guard.stdin.write(b"done\n")
            self._guard.stdin.close()
        except BrokenPipeError:
            pass
        self._guard.wait(timeout=1)


_children: list[subprocess.Popen] = []


class _RecordedPopen(subprocess.Popen):
    """A child that is remembered, so that the exit can kill it whatever its state in MiniStack's pools."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        _children[:] = [child for child in _children if child.returncode is None]
        _children.append(self)


class _RecordingSubprocess:
    """Stands in for the ``subprocess`` module in the modules that start Lambda runtimes."""

    Popen = _RecordedPopen

    def __getattr__(self, name: str):
        return getattr(subprocess, name)


def record_lambda_runtimes() -> None:
    """Makes MiniStack's Lambda executors start their children through here."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    lambda_runtime.subprocess = _RecordingSubprocess()
    lambda_svc.subprocess = _RecordingSubprocess()


def kill_lambda_runtimes() -> None:
    """Kills every Lambda runtime that is still running, at once."""
    for child in _children:
        if child.poll() is None:
            child.kill()
    for child in _children:
        try:
            child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            pass


async def watch_parent(parent: int, stop: Callable[[], None]) -> None:
    """Calls ``stop`` once ``parent`` is no longer this process's parent.

    A poll, and not Linux's PR_SET_PDEATHSIG: that fires when the *thread* that started this process ends, which in a
    test suite is long before its process does.
    """
    while os.getppid() == parent:
        await asyncio.sleep(0.2)
    stop()
