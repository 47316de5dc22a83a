"""Who may make, change and pass which roles.

AWS (IAM User Guide, "Granting a user permissions to pass a role to an AWS service", "Permissions boundaries for IAM
entities"; Service Authorization Reference, IAM): the ARN of a role has its path; conditions on iam:PermissionsBoundary
see what a creation sets, else what the role has, those on iam:PolicyARN what is attached; giving a service a role
needs iam:PassRole, with iam:PassedToService; a policy that is no JSON or does not exist is refused. MiniStack does none
of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of

# Which parameter of which calls passes a role, and to whom.
_PASSED = {
    "rds": (("CreateDBInstance", "ModifyDBInstance"), "MonitoringRoleArn", "monitoring.rds.amazonaws.com"),
    "states": (("CreateStateMachine", "UpdateStateMachine"), "roleArn", "states.amazonaws.com"),
    "events": (("PutTargets",), "RoleArn", "events.amazonaws.com"),
    # Hooks see no names of its operations, which are in paths.
    "backup": (("",), "IamRoleArn", "backup.amazonaws.com"),
}
_SETTING_A_BOUNDARY = ("CreateRole", "PutRolePermissionsBoundary")


def install(hooks: Hooks) -> None:
    """Extends the evaluator's context, and puts the checks around the calls."""
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    iam_actions.request_tag_context = _context(iam_actions.request_tag_context)
    hooks.around("iam", "AttachRolePolicy")(_attached)
    hooks.around("iam", "CreateRole", "UpdateAssumeRolePolicy", "PutRolePolicy")(_documented)
    for service, (operations, _, _) in _PASSED.items():
        hooks.around(service, *operations)(_may_pass)


def _role_arn(name: str, path: str = "/") -> str:
    held = iam._roles.get(name)
    return held["Arn"] if held else f"arn:aws:iam::{get_account_id()}:role{path}{name}"


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        name = iam_actions._query_param(parameters, "RoleName") if service == "iam" else ""
        if name:
            return _role_arn(name, iam_actions._query_param(parameters, "Path") or "/")
        return find(service, method, path, headers, body, parameters, region, account)

    return extract_resource_arn


def _context(read: Callable) -> Callable:
    def request_tag_context(service: str, action: str, body: bytes, parameters: dict) -> dict:
        context = read(service, action, body, parameters)
        if service != "iam":
            return context
        role = iam._roles.get(iam_actions._query_param(parameters, "RoleName")) or {}
        boundary = role.get("PermissionsBoundary")
        if action.partition(":")[2] in _SETTING_A_BOUNDARY:
            boundary = iam_actions._query_param(parameters, "PermissionsBoundary")
        policy = iam_actions._query_param(parameters, "PolicyArn")
        known = {"iam:permissionsboundary": boundary, "iam:policyarn": policy}
        return context | {key: value for key, value in known.items() if value}

    return request_tag_context


async def _attached(call: Call, proceed: Proceed) -> Answer:
    policy = call.parameters.get("PolicyArn", "")
    if policy.split(":")[4:5] == [get_account_id()] and policy not in iam._policies:
        message = f"Policy {policy} does not exist or is not attachable."
        return error(call, "NoSuchEntity", message, 404)
    return await proceed(call)


async def _documented(call: Call, proceed: Proceed) -> Answer:
    document = call.parameters.get("AssumeRolePolicyDocument") or call.parameters.get("PolicyDocument", "")
    try:
        valid = "Statement" in json.loads(document)
    except (ValueError, TypeError):
        valid = False
    if not valid:
        return error(call, "MalformedPolicyDocument", "This policy contains invalid Json", 400)
    return await proceed(call)


def _passed_roles(content: object, parameter: str) -> Iterator[str]:
    """The values of the parameter, at whatever depth."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name == parameter and isinstance(value, str):
                yield value
            else:
                yield from _passed_roles(value, parameter)
    elif isinstance(content, list):
        for value in content:
            yield from _passed_roles(value, parameter)


async def _may_pass(call: Call, proceed: Proceed) -> Answer:
    from ministack.app import AUTH
    from ministack.core.iam_evaluator import AuthError, enforce
    from ministack.core.router import extract_access_key_id

    _, parameter, service = _PASSED[call.service]
    key = extract_access_key_id(call.headers, call.query)
    for role in _passed_roles(call.parameters, parameter) if AUTH and key else ():
        context = {"iam:passedtoservice": service}
        denied = enforce(key, "iam:PassRole", "iam", get_region(), resource_arn=role, service_context=context)
        if denied is not None and not isinstance(denied, AuthError):
            return answer_of(
                iam_actions.access_denied_response(
                    call.service, "iam:PassRole", denied.principal_arn, "", headers=call.headers, resource_arn=role
                )
            )
    return await proceed(call)
