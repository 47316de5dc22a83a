"""Dashboards have tags, are one account's in every region, and their bodies are JSON.

AWS (CloudWatch API Reference, PutDashboard, ListTagsForResource; Service Authorization Reference, "Actions, resources,
and condition keys for Amazon CloudWatch"): "all dashboards in your account are global, not region-specific"; the tags of
a PutDashboard count when it creates, and are ignored when it updates; a body that is no JSON is
DashboardInvalidInputError; policies name a dashboard by its ARN, which has no region. MiniStack keeps dashboards by
region, forgets their tags, takes any body, and knows no ARN of theirs in policies.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ministack.core import iam_actions
from ministack.core.responses import AccountScopedDict, get_account_id
from ministack.services import cloudwatch

from outrigger_local.call import Answer, Call, Proceed, content_of
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, members

_KIND = ":dashboard/"


def install(hooks: Hooks) -> None:
    """Puts it around the put, and lets tags and policies know dashboards."""
    cloudwatch._dashboards = AccountScopedDict()
    cloudwatch._validate_alarm_tag_arn = _validated(cloudwatch._validate_alarm_tag_arn)
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    hooks.around("monitoring", "PutDashboard")(_put)


def _arn(name: str) -> str:
    return f"arn:aws:cloudwatch::{get_account_id()}{_KIND}{name}"


def _validated(validate: Callable) -> Callable:
    def validate_tag_arn(arn: str, **protocol):
        name = arn.rpartition(_KIND)[2]
        if _KIND in arn and name in cloudwatch._dashboards and arn == _arn(name):
            return None
        return validate(arn, **protocol)

    return validate_tag_arn


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        if service == "monitoring":
            given = content_of(body, "json" if body[:1] == b"{" else "cbor") or parameters
            names = [given.get("DashboardName"), *(given.get("DashboardNames") or [])]
            names += members(parameters, "DashboardNames")
            named = next((name for name in names if isinstance(name, str) and name), None)
            if named:
                return f"arn:aws:cloudwatch::{account}{_KIND}{named}"
            tagged = given.get("ResourceARN")
            if isinstance(tagged, str) and _KIND in tagged:
                return tagged
        return find(service, method, path, headers, body, parameters, region, account)

    return extract_resource_arn


async def _put(call: Call, proceed: Proceed) -> Answer:
    name, body = (call.parameters.get(key) or "" for key in ("DashboardName", "DashboardBody"))
    try:
        is_body = isinstance(json.loads(body), dict)
    except ValueError:
        is_body = False
    if not is_body:
        return error(call, "DashboardInvalidInputError", "The field DashboardBody must be a valid JSON object", 400)
    is_new = name not in cloudwatch._dashboards
    answer = await proceed(call)
    if is_new and answer.status < 300:
        cloudwatch._resource_tags[_arn(name)] = _tags(call)
    return answer


def _tags(call: Call) -> dict[str, str]:
    listed = call.parameters.get("Tags") or []
    tags = {tag["Key"]: tag.get("Value", "") for tag in listed if isinstance(tag, dict)}
    number = 1
    while f"Tags.member.{number}.Key" in call.parameters:
        tags[call.parameters[f"Tags.member.{number}.Key"]] = call.parameters.get(f"Tags.member.{number}.Value", "")
        number += 1
    return tags
