"""StartExecution is idempotent for standard workflows.

AWS (Step Functions API Reference, StartExecution): called with the same name and input as a running execution, "the
call succeeds and returns the same response as the original request"; with other input, or once the execution is
closed, it answers ExecutionAlreadyExists. MiniStack answers ExecutionAlreadyExists always.
"""

from __future__ import annotations

from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import stepfunctions


def install() -> None:
    """Wraps the function itself, so that nested executions behave the same."""
    start = stepfunctions._start_execution

    def start_execution(data: dict):
        state_machine = stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", "").partition("#")[0])
        if state_machine and data.get("name"):
            name = stepfunctions._state_machines[state_machine]["name"]
            arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{name}:{data['name']}"
            running = stepfunctions._executions.get(arn)
            if running and running["status"] == "RUNNING" and running["input"] == data.get("input", "{}"):
                return json_response({"executionArn": arn, "startDate": running["startDate"]})
        return start(data)

    stepfunctions._start_execution = start_execution
