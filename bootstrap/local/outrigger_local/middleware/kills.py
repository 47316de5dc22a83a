"""Killed functions: the process that makes a call dies, before the call is carried out or after.

That is what a crash, an end of memory or a lost host looks like: Lambda reports Runtime.ExitError, and the next
invocation starts a new process. Only calls that functions make are counted.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ministack.core import lambda_runtime
from ministack.core.iam_evaluator import resolve_credential
from ministack.core.responses import get_account_id

from outrigger_local.call import Answer, Call, Middleware, Proceed
from outrigger_local.faults import Faults

_DEATH_SECONDS = 2


def middleware(faults: Faults) -> Middleware:
    """Kills the functions that make the calls which the rules of ``kill`` hit."""

    async def kill(call: Call, proceed: Proceed) -> Answer:
        callers = _callers(call) if faults.configuration.get("kill") else []
        rule = faults.rule_for("kill", call) if callers else None
        if rule is None:
            return await proceed(call)
        if rule.when == "before":
            call.fault, call.executed = "killed before", False
            answer = Answer(0, [], b"", cut=True)
        else:
            call.fault = "killed after"
            answer = await proceed(call)
            answer.cut = True
        await asyncio.to_thread(end, callers)
        return answer

    return kill


def _callers(call: Call) -> list[subprocess.Popen]:
    """The process that makes the call; where that cannot be told, those of its function that are at work."""
    with lambda_runtime._lock:
        workers = [worker for entries in lambda_runtime._workers.values() for worker in entries]
    # A worker loses its process at any time.
    working = [(worker, process) for worker in workers if (process := worker._proc)]
    sockets = _sockets(call.client_port)
    for _, process in working if sockets else ():
        if _holds(process, sockets):
            return [process]
    principal = getattr(resolve_credential(call.access_key_id, get_account_id()), "principal_arn", "")
    session = principal.partition(":assumed-role/")[2]
    return [
        process
        for worker, process in working
        if worker.in_use
        and session == f"{worker.config['Role'].rpartition('/')[2]}/{worker.config['FunctionName'][:64]}"
    ]


def _sockets(port: int) -> set[str]:
    """The open connections from that port of this machine, as /proc names them; none where there is no /proc."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _holds(process: subprocess.Popen, sockets: set[str]) -> bool:
    try:
        with os.scandir(f"/proc/{process.pid}/fd") as descriptors:
            return any(os.readlink(descriptor.path) in sockets for descriptor in descriptors)
    except OSError:
        return False


def end(processes: Iterable[subprocess.Popen]) -> None:
    """Kills processes, and waits until they are gone."""
    for process in processes:
        process.kill()
        process.wait(_DEATH_SECONDS)
