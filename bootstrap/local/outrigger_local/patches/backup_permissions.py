"""Policies know the objects of AWS Backup's calls, and their tags.

AWS (Service Authorization Reference, "Actions, resources, and condition keys for AWS Backup"): a call is about the
vault, the plan or the recovery point that its path names; tags at creation need ``backup:TagResource`` as well.
MiniStack takes nearly every call to be about ``*``, and reads no tags of vaults and plans from a request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import unquote

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import backup, tagging

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import ANY, Hooks, answer_of

_CREATED = ("BackupVaultTags", "BackupPlanTags")


def install(hooks: Hooks) -> None:
    """Extends the evaluator's context, and puts the check of the permission to tag around the creations."""
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    iam_actions.request_tag_context = _request_tags(iam_actions.request_tag_context)
    tagging.resource_tags = _resource_tags(tagging.resource_tags)
    hooks.around("backup", ANY)(_may_tag)


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        if service != "backup":
            return find(service, method, path, headers, body, parameters, region, account)
        return _named(method, path, f"arn:aws:backup:{region}:{account}:")

    return extract_resource_arn


def _named(method: str, path: str, prefix: str) -> str:
    parts = [unquote(part) for part in path.strip("/").split("/") if part]
    if len(parts) > 1 and parts[0] in ("tags", "untag"):
        return "/".join(parts[1:])
    if len(parts) > 1 and parts[0] == "backup-vaults":
        if len(parts) > 3 and parts[2] == "recovery-points":
            return "/".join(parts[3:])
        return f"{prefix}backup-vault:{parts[1]}"
    if parts[:2] == ["backup", "plans"]:
        if len(parts) > 2:
            return f"{prefix}backup-plan:{parts[2]}"
        return f"{prefix}backup-plan:*" if method == "PUT" else "*"
    return "*"


def _request_tags(read: Callable) -> Callable:
    def request_tag_context(service: str, action: str, body: bytes, parameters: dict) -> dict:
        context = read(service, action, body, parameters)
        if service != "backup":
            return context
        tags, keys = _tags_of(body)
        if tags or keys:
            context = context | {f"aws:RequestTag/{key}".lower(): value for key, value in tags.items()}
            context["aws:TagKeys"] = [*tags, *keys]
        return context

    return request_tag_context


def _tags_of(body: bytes) -> tuple[dict, list]:
    try:
        content = json.loads(body) if body else {}
    except ValueError:
        content = {}
    content = content if isinstance(content, dict) else {}
    tags = next((content[key] for key in ("Tags", *_CREATED) if content.get(key)), {})
    return tags, content.get("TagKeyList") or []


def _resource_tags(find: Callable) -> Callable:
    def resource_tags(arn: str) -> dict[str, str] | None:
        kind, _, name = arn.rpartition(":backup-")[2].partition(":")
        if kind == "vault":
            return dict((backup._vaults.get(name) or {}).get("BackupVaultTags") or {})
        if kind == "plan":
            return dict((backup._plans.get(name) or {}).get("Tags") or {})
        return find(arn)

    return resource_tags


async def _may_tag(call: Call, proceed: Proceed) -> Answer:
    from ministack.app import AUTH
    from ministack.core.iam_evaluator import AuthError, enforce
    from ministack.core.router import extract_access_key_id

    key = extract_access_key_id(call.headers, call.query)
    if not AUTH or not key or not any(call.parameters.get(name) for name in _CREATED):
        return await proceed(call)
    resource = _named(call.method, call.path, f"arn:aws:backup:{get_region()}:{get_account_id()}:")
    context = iam_actions.request_tag_context("backup", "backup:TagResource", call.body, {})
    action = "backup:TagResource"
    denied = enforce(key, action, "backup", get_region(), resource_arn=resource, service_context=context)
    if denied is None or isinstance(denied, AuthError):
        return await proceed(call)
    return answer_of(
        iam_actions.access_denied_response("backup", action, denied.principal_arn, "", resource_arn=resource)
    )
