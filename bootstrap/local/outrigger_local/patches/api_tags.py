"""Tags of API Gateway are one, however they are set; and they, and those of what an object is a part of, say who may.

AWS (API Gateway API Reference, TagResource; Developer Guide, "API Gateway resources that can be tagged"): what
TagResource sets is what every call shows; for policies with conditions on tags, the children of an API have the tags of
the API, and the keys of a usage plan those of the plan. MiniStack keeps the tags of TagResource apart from those that it
shows, and knows none of them in policies.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import unquote

from ministack.core import iam_actions
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_region
from ministack.services import apigateway_v1 as api
from ministack.services import tagging


def install() -> None:
    """Wraps the operations on tags, and what the evaluator and GetResources know of them."""
    resolve = api._resolve_v1_tag_resource_arn

    def get_tags(arn: str):
        _, wrong = resolve(arn)
        return wrong or api._v1_response({"tags": _tags_of(arn)})

    def tag(arn: str, data: dict):
        _, wrong = resolve(arn)
        if wrong:
            return wrong
        _set(arn, _tags_of(arn) | data.get("tags", {}))
        return 204, {}, b""

    def untag(arn: str, keys: list[str]):
        _, wrong = resolve(arn)
        if wrong:
            return wrong
        _set(arn, {key: value for key, value in _tags_of(arn).items() if key not in keys})
        return 204, {}, b""

    api._get_v1_tags, api._tag_v1_resource, api._untag_v1_resource = get_tags, tag, untag
    tagging.resource_tags = _resource_tags(tagging.resource_tags)
    tagging._COLLECTORS["apigateway"] = _all
    iam_actions.request_tag_context = _request_tags(iam_actions.request_tag_context)


def _object(path: str) -> dict | None:
    """What has tags, or is a part of what has some; the nearest."""
    parts = path.strip("/").split("/")
    if parts[0] == "tags" and len(parts) > 1:
        arn = unquote("/".join(parts[1:]))
        return _object(arn.rpartition("::")[2])
    held = {
        "restapis": api._rest_apis,
        "usageplans": api._usage_plans,
        "apikeys": api._api_keys,
        "domainnames": api._domain_names,
    }.get(parts[0])
    if held is None or len(parts) < 2:
        return None
    if parts[0] == "restapis" and len(parts) > 3 and parts[2] == "stages":
        stage = (api._stages_v1.get(parts[1]) or {}).get(parts[3])
        if stage:
            return stage
    return held.get(parts[1])


def _path_of(arn: str) -> str:
    try:
        return parse_arn(arn).resource
    except ArnParseError:
        return ""


def _tags_of(arn: str) -> dict:
    return dict((_object(_path_of(arn)) or {}).get("tags") or {})


def _set(arn: str, tags: dict) -> None:
    held = _object(_path_of(arn))
    if held is not None:
        held["tags"] = tags


def _resource_tags(find: Callable) -> Callable:
    def resource_tags(arn: str) -> dict[str, str] | None:
        if not arn.startswith("arn:aws:apigateway:"):
            return find(arn)
        path = _path_of(arn)
        tags = {}
        # A stage's own tags go before those of its API.
        if "/stages/" in path:
            tags |= (_object("/".join(path.split("/")[:3])) or {}).get("tags") or {}
        return tags | ((_object(path) or {}).get("tags") or {})

    return resource_tags


def _request_tags(read: Callable) -> Callable:
    def request_tag_context(service: str, action: str, body: bytes, parameters: dict) -> dict:
        context = read(service, action, body, parameters)
        if service != "apigateway":
            return context
        try:
            content = json.loads(body) if body else {}
        except ValueError:
            content = {}
        tags = content.get("tags") if isinstance(content, dict) else None
        tags = tags if isinstance(tags, dict) else {}
        keys = parameters.get("tagKeys") or []
        keys = [keys] if isinstance(keys, str) else list(keys)
        if tags or keys:
            context = context | {f"aws:RequestTag/{key}".lower(): value for key, value in tags.items()}
            context["aws:TagKeys"] = [*tags, *keys]
        return context

    return request_tag_context


def _all():
    """Every ARN with its tags."""
    prefix = f"arn:aws:apigateway:{get_region()}::"
    for name, held in (
        ("restapis", api._rest_apis),
        ("usageplans", api._usage_plans),
        ("apikeys", api._api_keys),
        ("domainnames", api._domain_names),
    ):
        for identifier, one in held.items():
            yield f"{prefix}/{name}/{identifier}", tagging._normalise_flat(one.get("tags"))
    for identifier, stages in api._stages_v1.items():
        for stage in stages.values():
            arn = f"{prefix}/restapis/{identifier}/stages/{stage['stageName']}"
            yield arn, tagging._normalise_flat(stage.get("tags"))
