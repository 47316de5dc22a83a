"""Conditions on the source and type of the events that a call puts.

AWS (EventBridge User Guide, "Using IAM policy conditions"): a permission for PutEvents may depend on ``events:source`` and
``events:detail-type``, of which a call has as many values as entries. MiniStack knows neither, so that such a permission
allows nothing.
"""

from __future__ import annotations

import json

from ministack.core import iam_actions

_FIELDS = {"events:source": "Source", "events:detail-type": "DetailType"}


def install() -> None:
    """Wraps what is known of a request beside its tags."""
    known = iam_actions.request_tag_context

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict) -> dict:
        context = known(service, iam_action, body, params)
        return {**context, **_of_entries(body)} if iam_action == "events:PutEvents" else context

    iam_actions.request_tag_context = request_tag_context


def _of_entries(body: bytes) -> dict[str, list[str]]:
    try:
        entries = json.loads(body).get("Entries")
    except (ValueError, AttributeError):
        return {}
    values = {key: [entry[field] for entry in entries or [] if field in entry] for key, field in _FIELDS.items()}
    return {key: those for key, those in values.items() if those}
