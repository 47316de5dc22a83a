"""Output of a Choice state's default, and TimeoutSeconds as an expression.

AWS (Step Functions Developer Guide, "Choice workflow state", "Task workflow state"): with JSONata, Output of the state
itself is for the Default, and TimeoutSeconds may be an expression. MiniStack ignores the one and fails on the other.
"""

from __future__ import annotations

from ministack.services import stepfunctions

_DEFAULT = "\0default"


def install() -> None:
    """Wraps the two kinds of states."""
    choose, perform = stepfunctions._execute_choice, stepfunctions._execute_task

    def execute_choice(state: dict, given: object, ctx: dict):
        if "Output" not in state or "Default" not in state:
            return choose(state, given, ctx)
        # Assign and Output both see the variables as they are now.
        before = {**ctx, "variables": dict(ctx.get("variables", {}))}
        output, following = choose({**state, "Default": _DEFAULT}, given, ctx)
        if following != _DEFAULT:
            return output, following
        return stepfunctions._apply_jsonata_output(state, given, before), state["Default"]

    def execute_task(state: dict, given: object, execution: dict, ctx: dict):
        if isinstance(state.get("TimeoutSeconds"), str):
            seconds = stepfunctions._jsonata_state_field(state, "TimeoutSeconds", "number", given, ctx)
            state = {**state, "TimeoutSeconds": seconds}
        return perform(state, given, execution, ctx)

    stepfunctions._execute_choice = execute_choice
    stepfunctions._execute_task = execute_task
