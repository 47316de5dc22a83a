"""Replication groups show their key and when their AUTH token changed, and take a token only in AWS's order.

AWS (ElastiCache API Reference, ReplicationGroup, ModifyReplicationGroup; User Guide, "Authenticating with the AUTH
command"): KmsKeyId and AuthTokenLastModifiedDate are shown; SET is taken only after ROTATE; DELETE only together with
user groups; a token has 16 to 128 letters, digits and few other characters. MiniStack shows neither, and takes all.
"""

from __future__ import annotations

import re
import time

from ministack.services import elasticache

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, members

_TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")


def install(hooks: Hooks) -> None:
    """Puts the checks around the calls, and what is missing into the descriptions."""
    hooks.around("elasticache", "CreateReplicationGroup", "ModifyReplicationGroup")(_written)
    describe = elasticache._rg_xml
    elasticache._rg_xml = lambda group: describe(group) + _shown(group)


def _shown(group: dict) -> str:
    shown = {name: group.get(name) for name in ("KmsKeyId", "AuthTokenLastModifiedDate")}
    return "".join(f"<{name}>{value}</{name}>" for name, value in shown.items() if value)


async def _written(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    name, token = given.get("ReplicationGroupId", ""), given.get("AuthToken")
    refused = _refused(call, elasticache._replication_groups.get(name) or {})
    if refused:
        return refused
    existed = name in elasticache._replication_groups
    answer = await proceed(call)
    group = elasticache._replication_groups.get(name)
    if answer.status >= 300 or group is None:
        return answer
    if token:
        # Two changes within a second are told apart as well.
        stamp = time.time() if not group.get("_AuthTokenStamp") else max(time.time(), group["_AuthTokenStamp"] + 1)
        group["_AuthTokenStamp"] = stamp
        group["AuthTokenLastModifiedDate"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp))
    if given.get("KmsKeyId") and not existed:
        group["KmsKeyId"] = given["KmsKeyId"]
    return answer


def _refused(call: Call, group: dict) -> Answer | None:
    token, strategy = call.parameters.get("AuthToken"), call.parameters.get("AuthTokenUpdateStrategy")
    if token and not _TOKEN.fullmatch(token):
        return error(call, "InvalidParameterValue", "The AUTH token is not valid.", 400)
    if strategy == "SET" and not (group.get("_auth_optional") or len(group.get("_auth_tokens") or []) > 1):
        message = "The AUTH token update strategy SET is only supported after ROTATE."
        return error(call, "InvalidParameterCombination", message, 400)
    if strategy == "DELETE" and not members(call.parameters, "UserGroupIdsToAdd"):
        message = "The AUTH token update strategy DELETE is only supported when transitioning to RBAC."
        return error(call, "InvalidParameterCombination", message, 400)
    return None
