"""An execution that has ended stays as it ended, and one that takes longer than its TimeoutSeconds times out.

AWS (Step Functions Developer Guide, "State machine structure", TimeoutSeconds; API Reference, StopExecution): a
stopped or timed-out execution enters no further state, also not within branches, retries nothing, and its status is
final. MiniStack ignores TimeoutSeconds at the top level, goes on retrying a task after StopExecution, and an error in
what was still under way turns ABORTED into FAILED. (That branches end too is in ``parallel_branches``.)
"""

from __future__ import annotations

import contextvars
import json
import threading

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

# The execution that the current thread works for.
_execution: contextvars.ContextVar[dict | None] = contextvars.ContextVar("outrigger_execution", default=None)


def install() -> None:
    """Wraps the run of an execution, the way it fails, and the choice of a retry."""
    run, fail = stepfunctions._run_execution, stepfunctions._fail_execution
    find_retrier = stepfunctions._find_matching_retrier

    def fail_execution(execution: dict, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    def find_matching_retrier(retriers: list, error: str, counts: dict):
        execution = _execution.get()
        if execution is not None and execution["status"] != "RUNNING":
            return None, None
        return find_retrier(retriers, error, counts)

    def run_execution(arn: str) -> None:
        _execution.set(stepfunctions._executions.get(arn))
        timer = _timer(arn)
        try:
            run(arn)
        finally:
            if timer is not None:
                timer.cancel()

    stepfunctions._fail_execution = fail_execution
    stepfunctions._find_matching_retrier = find_matching_retrier
    stepfunctions._run_execution = run_execution


def _timer(arn: str) -> threading.Timer | None:
    execution = stepfunctions._executions.get(arn)
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
    try:
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    except ValueError:
        seconds = None
    if not seconds:
        return None
    timer = threading.Timer(seconds, contextvars.copy_context().run, (_time_out, execution))
    timer.daemon = True
    timer.start()
    return timer


def _time_out(execution: dict) -> None:
    if execution["status"] != "RUNNING":
        return
    execution["status"] = "TIMED_OUT"
    execution["stopDate"] = now_iso()
    execution["error"] = "States.Timeout"
    stepfunctions._add_event(
        execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
    )
    stepfunctions._emit_execution_status_event(execution)
