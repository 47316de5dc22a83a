"""Topics of one name are one only with the same tags, and whoever is subscribed by mail has to confirm.

AWS (SNS API Reference, CreateTopic, Subscribe, ListSubscriptionsByTopic): a topic's name that is taken by one with other
tags is InvalidParameter; a subscription by mail is "pending confirmation" until its link is followed, is listed with
PendingConfirmation in place of an ARN, and cannot be taken back before that. MiniStack answers with the topic that is
there, whatever its tags, and confirms subscriptions by mail at once.
"""

from __future__ import annotations

import re

from ministack.services import sns

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks

_OTHER_TAGS = "Invalid parameter: Tags Reason: Topic already exists with different tags"
_ARN = re.compile(rb"<SubscriptionArn>([^<]*)</SubscriptionArn>")


def install(hooks: Hooks) -> None:
    """Puts it around the calls."""
    hooks.around("sns", "CreateTopic")(_created)
    hooks.around("sns", "Subscribe")(_subscribed)
    hooks.around("sns", "ListSubscriptionsByTopic")(_listed)


def _topic(name: str) -> dict | None:
    return next((topic for topic in sns._topics.values() if topic["name"] == name), None)


def _tags(call: Call) -> dict[str, str]:
    tags = {}
    number = 1
    while f"Tags.member.{number}.Key" in call.parameters:
        tags[call.parameters[f"Tags.member.{number}.Key"]] = call.parameters.get(f"Tags.member.{number}.Value", "")
        number += 1
    return tags


async def _created(call: Call, proceed: Proceed) -> Answer:
    there, tags = _topic(call.parameters.get("Name", "")), _tags(call)
    if there is not None and tags and dict(there.get("tags") or {}) != tags:
        return error(call, "InvalidParameter", _OTHER_TAGS, 400)
    return await proceed(call)


def _find(call: Call) -> dict | None:
    topic = sns._topics.get(call.parameters.get("TopicArn", "")) or {}
    wanted = (call.parameters.get("Protocol"), call.parameters.get("Endpoint"))
    held = (it for it in topic.get("subscriptions", []) if (it["protocol"], it["endpoint"]) == wanted)
    return next(held, None)


async def _subscribed(call: Call, proceed: Proceed) -> Answer:
    known = _find(call) is not None
    answer = await proceed(call)
    subscription = _find(call)
    if subscription is not None and call.parameters.get("Protocol") in ("email", "email-json"):
        if not known:
            subscription["confirmed"] = False
            subscription["attributes"]["PendingConfirmation"] = "true"
            subscription["token"] = subscription["arn"].rpartition(":")[2]
        if not subscription["confirmed"]:
            answer.body = _ARN.sub(b"<SubscriptionArn>pending confirmation</SubscriptionArn>", answer.body)
    return answer


async def _listed(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    topic = sns._topics.get(call.parameters.get("TopicArn", "")) or {}
    pending = {it["arn"].encode() for it in topic.get("subscriptions", []) if not it["confirmed"]}

    def shown(found: re.Match) -> bytes:
        return b"<SubscriptionArn>PendingConfirmation</SubscriptionArn>" if found[1] in pending else found[0]

    answer.body = _ARN.sub(shown, answer.body)
    return answer
