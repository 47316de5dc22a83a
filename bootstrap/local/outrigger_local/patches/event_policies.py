"""Policies hold for event buses, rules and endpoints by their ARNs and tags.

AWS (Service Authorization Reference, "Actions, resources, and condition keys for Amazon EventBridge"): buses, rules and
endpoints are named by their ARNs, the rules of a custom bus by the bus too, what is only listed by ``*``; ``aws:ResourceTag`` is
what the object has. MiniStack takes buses and endpoints for rules, targets and tagging for something else, and finds no tags.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ministack.core import iam_actions
from ministack.services import eventbridge, tagging


def install() -> None:
    """Extends what MiniStack's evaluator of policies knows."""
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    tagging.resource_tags = _resource_tags(tagging.resource_tags)


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        found = find(service, method, path, headers, body, parameters, region, account)
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if service != "events" or operation == "PutEvents":
            return found
        try:
            given = json.loads(body or b"{}")
        except ValueError:
            return found
        return _named(operation, given, f"arn:aws:events:{region}:{account}:") or found

    return extract_resource_arn


def _named(operation: str, given: dict, prefix: str) -> str | None:
    name, bus, rule = given.get("Name"), given.get("EventBusName") or "default", given.get("Rule")
    if given.get("ResourceARN"):
        return given["ResourceARN"]
    if operation.endswith("EventBus") and name:
        return f"{prefix}event-bus/{name}"
    if operation.endswith("Endpoint") and name:
        return f"{prefix}endpoint/{name}"
    rule = rule or (name if operation.endswith("Rule") else None)
    if rule:
        return f"{prefix}rule/{rule}" if bus == "default" else f"{prefix}rule/{bus}/{rule}"
    return None


def _resource_tags(find: Callable) -> Callable:
    def resource_tags(arn: str) -> dict[str, str] | None:
        if arn.startswith("arn:aws:events:"):
            return dict(eventbridge._tags.get(arn) or {})
        return find(arn)

    return resource_tags
