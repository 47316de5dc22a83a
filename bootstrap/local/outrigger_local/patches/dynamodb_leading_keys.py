"""Conditions on the partition keys of the items that a call names.

AWS (DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control"): ``dynamodb:LeadingKeys`` is
the partition keys of the items that a call reads or writes. MiniStack does not know it, so that a permission with
``ForAllValues`` allows every item.
"""

from __future__ import annotations

import json

from ministack.core import iam_actions
from ministack.services import dynamodb


def install() -> None:
    """Wraps what is known of a request beside its tags."""
    known = iam_actions.request_tag_context

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict) -> dict:
        context = known(service, iam_action, body, params)
        return {**context, **_of_items(body)} if service == "dynamodb" else context

    iam_actions.request_tag_context = request_tag_context


def _of_items(body: bytes) -> dict[str, list[str]]:
    try:
        content = json.loads(body)
        table = dynamodb._tables.get(str(content["TableName"]).rpartition("/")[2])
        [name] = [key["AttributeName"] for key in table["KeySchema"] if key["KeyType"] == "HASH"]
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
    named = (content.get(member) for member in ("Key", "Item"))
    keys = [next(iter(item[name].values())) for item in named if isinstance(item, dict) and item.get(name)]
    return {"dynamodb:LeadingKeys": keys} if keys else {}
