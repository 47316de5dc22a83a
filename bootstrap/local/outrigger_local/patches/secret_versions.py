"""Versions of a secret are identified by the ClientRequestToken, and never change.

AWS (Secrets Manager API Reference, CreateSecret, PutSecretValue, DeleteSecret): the token is the version's id;
repeated with the same value the request is ignored, with another it is ResourceExistsException. A secret made without
a value has no version. A name that is scheduled for deletion cannot be used, and a forced deletion of an absent
secret succeeds. MiniStack ignores the token of CreateSecret, and PutSecretValue overwrites the version.
"""

from __future__ import annotations

import json
import time
import uuid

from ministack.core.responses import get_account_id, get_region
from ministack.services import secretsmanager

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks

_SCHEDULED = "You can't create this secret because a secret with this name is already scheduled for deletion."
_OTHER_VALUE = "You can't use ClientRequestToken {} because that value is already in use for a version of secret {}."


def install(hooks: Hooks) -> None:
    """Puts the corrections around the calls."""
    hooks.around("secretsmanager", "CreateSecret")(_created)
    hooks.around("secretsmanager", "PutSecretValue")(_put)
    hooks.around("secretsmanager", "DeleteSecret")(_deleted)


def _answer(content: dict) -> Answer:
    return Answer(200, [(b"content-type", b"application/x-amz-json-1.1")], json.dumps(content).encode())


def _has_value(version: dict, call: Call) -> bool:
    return all(version.get(name) == call.parameters.get(name) for name in ("SecretString", "SecretBinary"))


async def _created(call: Call, proceed: Proceed) -> Answer:
    name, token = call.parameters.get("Name", ""), call.parameters.get("ClientRequestToken") or str(uuid.uuid4())
    secret = secretsmanager._secrets.get(name)
    if secret and secret.get("DeletedDate"):
        return error(call, "InvalidRequestException", _SCHEDULED, 400)
    if secret and token in secret["Versions"] and _has_value(secret["Versions"][token], call):
        return _answer({"ARN": secret["ARN"], "Name": name, "VersionId": token})
    answer = await proceed(call)
    if answer.status >= 300:
        return answer
    content = json.loads(answer.body)
    versions = secretsmanager._secrets[name]["Versions"]
    made = versions.pop(content.pop("VersionId"))
    if made["SecretString"] is not None or made["SecretBinary"] is not None:
        versions[token] = made
        content["VersionId"] = token
    answer.body = json.dumps(content).encode()
    return answer


async def _put(call: Call, proceed: Proceed) -> Answer:
    identifier, token = call.parameters.get("SecretId", ""), call.parameters.get("ClientRequestToken")
    _, secret = secretsmanager._resolve(identifier)
    version = secret["Versions"].get(token) if secret and not secret.get("DeletedDate") else None
    if version is None:
        return await proceed(call)
    if not _has_value(version, call):
        return error(call, "ResourceExistsException", _OTHER_VALUE.format(token, secret["ARN"]), 400)
    stages = list(version["Stages"])
    return _answer({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token, "VersionStages": stages})


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    identifier = call.parameters.get("SecretId", "")
    _, secret = secretsmanager._resolve(identifier)
    if secret is None and call.parameters.get("ForceDeleteWithoutRecovery"):
        arn = identifier
        if not arn.startswith("arn:"):
            arn = f"arn:aws:secretsmanager:{get_region()}:{get_account_id()}:secret:{identifier}"
        return _answer({"ARN": arn, "Name": identifier, "DeletionDate": int(time.time())})
    return await proceed(call)
