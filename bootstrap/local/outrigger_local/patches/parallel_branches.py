"""Branches of Parallel and iterations of Map: own variables, an end when the state or the execution ends, JSONata.

AWS (Step Functions Developer Guide, "Passing data between states with variables", "Parallel workflow state"): a
branch reads the variables of the scope around it and has its own beside them; when one branch fails the state fails
at once and the others are stopped; Arguments, Output and Assign of a Parallel state work as for a Task. MiniStack
shares the variables among the branches, waits for all of them, lets them run on after StopExecution, ignores the
three JSONata fields on Parallel, and records no event for the states in a branch.
"""

from __future__ import annotations

import contextvars
import copy
import json
import queue
import threading

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

_HANDLERS = {
    "Pass": "_execute_pass",
    "Task": "_execute_task",
    "Choice": "_execute_choice",
    "Wait": "_execute_wait",
    "Parallel": "_execute_parallel",
    "Map": "_execute_map",
}
_WITH_EXECUTION = ("Task", "Parallel", "Map")
# Set when the Parallel state that a branch belongs to has failed, outermost first.
_stops: contextvars.ContextVar[tuple[threading.Event, ...]] = contextvars.ContextVar("outrigger_stops", default=())


def install() -> None:
    """Replaces how branches are run."""
    stepfunctions._run_parallel_branches = _run_parallel_branches
    stepfunctions._run_sub_machine = _run_branch


def _run_parallel_branches(state: dict, given: object, execution: dict, ctx: dict):
    is_jsonata = stepfunctions._state_query_language(state, ctx) == "JSONata"
    if is_jsonata:
        effective = stepfunctions._apply_jsonata_arguments(state, given, ctx)
    else:
        effective = stepfunctions._apply_parameters(state, stepfunctions._apply_input_path(state, given, ctx), ctx)
    results = _results(state.get("Branches", []), effective, execution, ctx)
    following = stepfunctions._next_or_end(state)
    if is_jsonata:
        output = stepfunctions._apply_jsonata_output(state, given, ctx, result=results, default=results)
        stepfunctions._apply_state_assign(state, given, ctx, result=results)
        return output, following
    output = stepfunctions._apply_result_path(state, given, stepfunctions._apply_result_selector(state, results))
    return stepfunctions._apply_output_path(state, output, ctx), following


def _results(branches: list[dict], effective: object, execution: dict, ctx: dict) -> list:
    """What the branches return, in their order; the first error of any of them ends the others."""
    stop = threading.Event()
    token = _stops.set((*_stops.get(), stop))
    ended: queue.Queue = queue.Queue()

    def run(index: int, branch: dict) -> None:
        try:
            states, start_at = branch.get("States", {}), branch.get("StartAt")
            ended.put((index, _run_branch(states, start_at, effective, execution, ctx), None))
        except Exception as error:
            ended.put((index, None, error))

    try:
        for index, branch in enumerate(branches):
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(run, index, branch), daemon=True).start()
    finally:
        _stops.reset(token)
    results: list = [None] * len(branches)
    for _ in branches:
        index, result, error = ended.get()
        if error is not None:
            stop.set()
            if isinstance(error, stepfunctions._ExecutionError):
                raise error
            raise stepfunctions._ExecutionError("States.BranchFailed", str(error))
        results[index] = result
    return results


def _run_branch(states: dict, start_at: str, given: object, execution: dict, ctx: dict):
    """Walks one branch or iteration in a scope of its own."""
    ctx = copy.deepcopy(ctx)
    name: str | None = start_at
    current = copy.deepcopy(given)
    while name:
        if execution["status"] != "RUNNING" or any(stop.is_set() for stop in _stops.get()):
            raise stepfunctions._ExecutionError("States.Runtime", "the execution or the state around it has ended")
        state = states.get(name)
        if state is None:
            raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found")
        ctx["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        kind = state.get("Type")
        _record(execution, f"{kind}StateEntered", "stateEnteredEventDetails", {"name": name, "input": current})
        if kind == "Succeed":
            if stepfunctions._state_query_language(state, ctx) == "JSONata":
                output = stepfunctions._apply_jsonata_output(state, current, ctx, default=current)
            else:
                output = stepfunctions._apply_output_path(
                    state, stepfunctions._apply_input_path(state, current, ctx), ctx
                )
            _record(execution, "SucceedStateExited", "stateExitedEventDetails", {"name": name, "output": output})
            return output
        if kind == "Fail":
            raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, current, ctx))
        if kind not in _HANDLERS:
            raise stepfunctions._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
        handle = getattr(stepfunctions, _HANDLERS[kind])
        arguments = (execution, ctx) if kind in _WITH_EXECUTION else (ctx,)
        left = name
        current, name = handle(state, current, *arguments)
        _record(execution, f"{kind}StateExited", "stateExitedEventDetails", {"name": left, "output": current})
    return current


def _record(execution: dict, event: str, details: str, content: dict) -> None:
    texts = {key: value if key == "name" else json.dumps(value) for key, value in content.items()}
    stepfunctions._add_event(execution, event, {details: texts})
