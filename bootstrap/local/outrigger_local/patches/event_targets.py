"""A rule invokes a function only with its permission, and asynchronously.

AWS (EventBridge User Guide, "Using resource-based policies"; Lambda Developer Guide, "Asynchronous invocation"): the
function's policy must allow events.amazonaws.com to invoke it, else the event is lost; an invocation that fails is
repeated twice; a version or alias has permissions and repetitions of its own. MiniStack asks for no permission, invokes
once, and does not look at what is configured for an alias.
"""

from __future__ import annotations

import json
import logging

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, lambda_svc

_logger = logging.getLogger(__name__)


def install() -> None:
    """Wraps the delivery to a target, and replaces the one to a function."""
    invoke = eventbridge._invoke_target

    def invoke_target(target: dict, event: dict, rule: dict, view: object = None) -> None:
        if _may_invoke(target.get("Arn", ""), rule.get("Arn", "")):
            invoke(target, event, rule, view)
        else:
            _logger.warning("rule %s may not invoke %s: an event is lost", rule.get("Arn"), target.get("Arn"))

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_lambda = _dispatch_to_lambda


def _may_invoke(function: str, rule: str) -> bool:
    from ministack.app import AUTH

    if not AUTH or ":lambda:" not in function:
        return True
    # The statements of versions and aliases are kept with the function; each names what it is for.
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    if not record:
        return True
    context = EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=get_account_id(),
        action="lambda:InvokeFunction",
        resource_arn=function,
        region=get_region(),
        service_context={"aws:sourcearn": rule, "aws:sourceaccount": get_account_id()},
    )
    policy = record.get("policy") or {}
    return evaluate_resource_policy(policy, context, "events.amazonaws.com").decision == "Allow"


def _dispatch_to_lambda(function: str, payload: str) -> None:
    record, config, name = lambda_svc._get_func_record_for_ref(function)
    if not record or not config:
        _logger.warning("the target %s of a rule does not exist", name)
        return
    invoked = lambda_svc._execution_record_for_config(record, config)
    base, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    _, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(function)
    if qualifier:
        invoked["event_invoke_config"] = (base.get("event_invoke_configs") or {}).get(qualifier)
    lambda_svc.invoke_async_with_retry(invoked, json.loads(payload))
