"""The expressions of one Assign field all see the variables as they were before it.

AWS (Step Functions Developer Guide, "Evaluation order in an assign field"): the right-hand sides are evaluated first,
the new values are visible from the next state on. MiniStack assigns one after the other.
"""

from __future__ import annotations

from ministack.services import stepfunctions


def install() -> None:
    """Replaces the assignment of a state's variables."""
    assign_one_by_one = stepfunctions._apply_state_assign

    def apply_state_assign(state: dict, given: object, ctx: dict | None, result=None, error_output=None) -> None:
        if ctx is None or not isinstance(state.get("Assign"), dict):
            return
        variables = ctx.setdefault("variables", {})
        before, assigned = dict(variables), {}
        for name, template in state["Assign"].items():
            scope = {**ctx, "variables": dict(before)}
            assign_one_by_one({**state, "Assign": {name: template}}, given, scope, result, error_output)
            if name in scope["variables"]:
                assigned[name] = scope["variables"][name]
        variables.update(assigned)

    stepfunctions._apply_state_assign = apply_state_assign
