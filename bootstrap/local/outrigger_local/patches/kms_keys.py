"""Keys as in AWS: what is encrypted with one that is not there or not usable is refused, and so is changing one that goes.

AWS (KMS Developer Guide, "Key states of AWS KMS keys"; API references of Kinesis, StartStreamEncryption, and of RDS,
CreateDBInstance): a key pending deletion takes no tags, aliases or rotation and is not enabled; one that is disabled is
not rotated; Kinesis and RDS refuse a key that they cannot use. MiniStack takes any key in any state.
"""

from __future__ import annotations

from ministack.services import kms

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks

_NOT_WHILE_LEAVING = (
    "CreateAlias", "DisableKey", "DisableKeyRotation", "EnableKey", "EnableKeyRotation", "ScheduleKeyDeletion",
    "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription",
)  # fmt: skip
_NOT_WHILE_DISABLED = ("DisableKeyRotation", "EnableKeyRotation")


def install(hooks: Hooks) -> None:
    """Puts the checks before the calls."""
    hooks.around("kms", *_NOT_WHILE_LEAVING)(_changed)
    hooks.around("kinesis", "StartStreamEncryption")(_encrypted)
    hooks.around("rds", "CreateDBInstance")(_encrypted)
    hooks.around("elasticache", "CreateReplicationGroup")(_encrypted)


async def _changed(call: Call, proceed: Proceed) -> Answer:
    key = kms._resolve_key(call.parameters.get("TargetKeyId") or call.parameters.get("KeyId", ""))
    if key and key["KeyState"] == "PendingDeletion":
        return error(call, "KMSInvalidStateException", f"{key['Arn']} is pending deletion.", 400)
    if key and key["KeyState"] == "Disabled" and call.operation in _NOT_WHILE_DISABLED:
        return error(call, "DisabledException", f"{key['Arn']} is disabled.", 400)
    return await proceed(call)


async def _encrypted(call: Call, proceed: Proceed) -> Answer:
    named = call.parameters.get("KeyId") or call.parameters.get("KmsKeyId")
    if not named or named.startswith("alias/aws/"):
        return await proceed(call)
    key = kms._resolve_key(named)
    if key is not None and key["KeyState"] == "Enabled":
        return await proceed(call)
    if call.service == "kinesis":
        code = "KMSNotFoundException" if key is None else "KMSInvalidStateException"
        return error(call, code, f"Kinesis cannot use the key {named}.", 400)
    if call.service == "rds":
        message = f"The specified KMS key [{named}] does not exist, is not enabled or you do not have permissions to access it."
        return error(call, "KMSKeyNotAccessibleFault", message, 400)
    return error(call, "InvalidParameterValue", f"The KMS key {named} does not exist or is not usable.", 400)
