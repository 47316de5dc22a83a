"""Replicas of a secret can be taken away, and made secrets of their own.

AWS (Secrets Manager API Reference, RemoveRegionsFromReplication, StopReplicationToReplica; User Guide, "Promote a
replica secret to a standalone secret" and "Delete a secret"): the first is a call to the primary, which deletes the
replicas in those regions; the second one to the replica, in its region, which becomes a primary. A primary with
replicas cannot be deleted, nor a replica. CreateSecret makes replicas, too. MiniStack has neither operation, deletes
both, and creates no replicas.
"""

from __future__ import annotations

import json

from ministack.services import secretsmanager

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of

_SERVICE = "secretsmanager"
_INVALID = "InvalidRequestException"


def install(hooks: Hooks) -> None:
    """Answers the two operations, and puts the corrections around creations and deletions."""
    hooks.around(_SERVICE, "CreateSecret")(_created)
    hooks.around(_SERVICE, "RemoveRegionsFromReplication")(_regions_removed)
    hooks.around(_SERVICE, "StopReplicationToReplica")(_promoted)
    hooks.around(_SERVICE, "DeleteSecret")(_deleted)


def _found(call: Call) -> dict | Answer:
    _, secret = secretsmanager._resolve(call.parameters.get("SecretId") or "")
    if secret is None:
        message = "Secrets Manager can't find the specified secret."
        return error(call, "ResourceNotFoundException", message, 400)
    if secret.get("DeletedDate"):
        message = "You can't perform this operation on the secret because it was marked for deletion."
        return error(call, _INVALID, message, 400)
    return secret


def _answer(content: dict) -> Answer:
    return Answer(200, [(b"content-type", b"application/x-amz-json-1.1")], json.dumps(content).encode())


async def _created(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    regions, name = call.parameters.get("AddReplicaRegions"), call.parameters.get("Name")
    secret = secretsmanager._secrets.get(name or "")
    if answer.status >= 300 or not regions or secret is None or secret.get("ReplicationStatus"):
        return answer
    overwrites = call.parameters.get("ForceOverwriteReplicaSecret", False)
    for region in regions:
        given = {"SecretId": name, "AddReplicaRegions": [region], "ForceOverwriteReplicaSecret": overwrites}
        if answer_of(secretsmanager._replicate_secret_to_regions(given)).status >= 300:
            message = f"Replication failed: Secret name {name} already exists in the target Region."
            failed = {"Region": region.get("Region", ""), "Status": "Failed", "StatusMessage": message}
            secret.setdefault("ReplicationStatus", []).append(failed)
    content = json.loads(answer.body) | {"ReplicationStatus": secret["ReplicationStatus"]}
    return _answer(content)


async def _regions_removed(call: Call, proceed: Proceed) -> Answer:
    secret = _found(call)
    if isinstance(secret, Answer):
        return secret
    regions = call.parameters.get("RemoveReplicaRegions") or []
    if secretsmanager._is_replica(secret):
        return error(call, _INVALID, "You can't perform this operation on a replica secret.", 400)
    statuses = secret.get("ReplicationStatus", [])
    unknown = sorted(set(regions) - {status["Region"] for status in statuses})
    if not regions or unknown:
        message = f"The secret has no replica in the regions '{', '.join(unknown)}', or none are given."
        return error(call, "InvalidParameterException", message, 400)
    secretsmanager._delete_replicas(secret | {"ReplicationStatus": [{"Region": region} for region in regions]})
    secret["ReplicationStatus"] = [status for status in statuses if status["Region"] not in regions]
    return _answer({"ARN": secret["ARN"], "ReplicationStatus": secret["ReplicationStatus"]})


async def _promoted(call: Call, proceed: Proceed) -> Answer:
    secret = _found(call)
    if isinstance(secret, Answer):
        return secret
    if not secretsmanager._is_replica(secret):
        return error(call, _INVALID, "The secret is not a replica secret.", 400)
    secretsmanager._unlink_from_primary(secret)
    for name in ("_PrimarySecretArn", "_PrimaryRegion"):
        secret.pop(name, None)
    return _answer({"ARN": secret["ARN"]})


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    _, secret = secretsmanager._resolve(call.parameters.get("SecretId") or "")
    if secret is not None and secretsmanager._is_replica(secret):
        return error(call, _INVALID, "You can't perform this operation on a replica secret.", 400)
    if secret is not None and secret.get("ReplicationStatus"):
        message = "You can't delete secret that still has replica regions."
        return error(call, _INVALID, message, 400)
    return await proceed(call)
