"""Policies hold for load balancers, target groups, listeners and rules by their ARNs and tags.

AWS (Service Authorization Reference, "Actions, resources, and condition keys for AWS Elastic Load Balancing V2"): what
is created, tagged or changed is named by its ARN, what is only described by ``*``; ``aws:ResourceTag`` is what the
object has. MiniStack takes creations, rules and tagging for ``*``, and finds no tags.
"""

from __future__ import annotations

from collections.abc import Callable

from ministack.core import iam_actions
from ministack.services import alb, tagging

_SERVICE = "elasticloadbalancing"
_NAMED = ("RuleArn", "ResourceArns.member.1", "RulePriorities.member.1.RuleArn")


def install() -> None:
    """Extends what MiniStack's evaluator of policies knows, and what the tagging API lists."""
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    tagging.resource_tags = _resource_tags(tagging.resource_tags)
    tagging._COLLECTORS[_SERVICE] = lambda: iter(alb._tags.items())


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        found = find(service, method, path, headers, body, parameters, region, account)
        if service != _SERVICE:
            return found
        operation = iam_actions._query_param(parameters, "Action") or ""
        if operation.startswith("Describe"):
            return "*"
        if operation == "CreateRule":
            # a rule is made in its listener
            return iam_actions._query_param(parameters, "ListenerArn") or found
        prefix = f"arn:aws:{_SERVICE}:{region}:{account}:"
        name = iam_actions._query_param(parameters, "Name")
        if operation == "CreateLoadBalancer":
            kind = "net" if iam_actions._query_param(parameters, "Type") == "network" else "app"
            return f"{prefix}loadbalancer/{kind}/{name}/*"
        if operation == "CreateTargetGroup":
            return f"{prefix}targetgroup/{name}/*"
        named = (iam_actions._query_param(parameters, parameter) for parameter in _NAMED)
        return next((arn for arn in named if arn), found)

    return extract_resource_arn


def _resource_tags(find: Callable) -> Callable:
    def resource_tags(arn: str) -> dict[str, str] | None:
        if arn.startswith(f"arn:aws:{_SERVICE}:"):
            return {tag["Key"]: tag["Value"] for tag in alb._tags.get(arn) or []}
        return find(arn)

    return resource_tags
