"""A state machine may do only what its role's policies allow.

AWS (Step Functions Developer Guide, "Creating an IAM role for your state machine"): every task is called with the
permissions of the state machine's role. MiniStack calls them in its own process without a check. With IAM enforced, a
Lambda function, a state machine and a table are checked by their ARNs, any other integration by its action alone.
"""

from __future__ import annotations

import contextvars

from ministack.core.iam_evaluator import EvalContext, _gather_role_policies, _permissions_boundary, evaluate
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, lambda_svc, stepfunctions

_role_arn: contextvars.ContextVar[str] = contextvars.ContextVar("outrigger_state_machine_role", default="")


def install() -> None:
    """Wraps the run of an execution, to know the role, and the dispatch of a task."""
    run, invoke, call = stepfunctions._run_execution, stepfunctions._invoke_resource, stepfunctions._call_lambda

    def run_execution(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
        _role_arn.set(machine["roleArn"] if machine else "")
        run(arn)

    def call_lambda(reference: str, event: object):
        _, config, name = lambda_svc._get_func_record_for_ref(reference)
        arn = (config or {}).get("FunctionArn") or f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"
        _require("lambda:InvokeFunction", arn, "Lambda.AWSLambdaException")
        return call(reference, event)

    def invoke_resource(resource: str, given: object):
        parts = resource.split(":::", 1)
        if len(parts) == 2 and not parts[1].startswith("lambda:"):
            words = parts[1].removeprefix("aws-sdk:").split(":")
            action = words[1].partition(".")[0]
            service = {"sfn": "states", "cloudwatchlogs": "logs"}.get(words[0], words[0])
            _require(
                f"{service}:{action[:1].upper()}{action[1:]}",
                _resource_of(service, given),
                f"{words[0].capitalize()}.AccessDeniedException",
            )
        return invoke(resource, given)

    stepfunctions._run_execution = run_execution
    stepfunctions._call_lambda = call_lambda
    stepfunctions._invoke_resource = invoke_resource


def _resource_of(service: str, given: object) -> str:
    """The ARN of what the task is about, where the arguments name it."""
    arguments = given if isinstance(given, dict) else {}
    if service == "states":
        return arguments.get("StateMachineArn") or ""
    table = arguments.get("TableName") if service == "dynamodb" else None
    if not table:
        return ""
    arn = table if table.startswith("arn:") else f"arn:aws:dynamodb:{get_region()}:{get_account_id()}:table/{table}"
    return f"{arn}/index/{arguments['IndexName']}" if arguments.get("IndexName") else arn


def _require(action: str, resource: str, error: str) -> None:
    """Raises the task's error unless the role allows the action, on any resource where none is given."""
    from ministack.app import AUTH

    role_arn = _role_arn.get()
    if not AUTH or not role_arn:
        return
    name, account = role_arn.rpartition("/")[2], get_account_id()
    policies = _gather_role_policies(name, account)
    limits = _permissions_boundary(iam._roles, name, account)
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/states"
    candidates = [resource] if resource else _resources(policies)
    for candidate in candidates:
        context = EvalContext(
            principal_arn=principal, principal_type="AssumedRole", principal_account=account, action=action,
            resource_arn=candidate, region=get_region(), service_context={}, principal_keys={},
        )  # fmt: skip
        if evaluate(context, policies, *limits).decision == "Allow":
            return
    on = f" on resource: {resource}" if resource else ""
    raise stepfunctions._ExecutionError(
        error,
        f"User: {principal} is not authorized to perform: {action}{on} because no identity-based policy allows the "
        f"{action} action (Status Code: 403; Error Code: AccessDeniedException)",
    )


def _resources(policies: list) -> list[str]:
    """One resource that each statement is for: an action without a known resource is allowed by any of them."""
    return [
        pattern.replace("*", "x").replace("?", "x")
        for statements in policies
        for statement in statements
        for pattern in statement.resources
    ]
