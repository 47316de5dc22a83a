"""Creating and deleting RDS instances as in AWS.

AWS (RDS API Reference, CreateDBInstance, DeleteDBInstance, CreateDBSubnetGroup): a subnet group
must exist and cover two zones, and its name be free; the security groups must exist; a password has 8 to 128
characters; the backup window is the one asked for; an encrypted instance without a key has the account's aws/rds key;
a standby is in another zone; deleting needs a final snapshot's free name, or leave to go without. MiniStack has none
of these.
"""

from __future__ import annotations

import uuid

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2, rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members

_PASSWORD_LENGTHS = range(8, 129)
_NOT_IN_PASSWORDS = set('/@" ')


def install(hooks: Hooks) -> None:
    """Puts the checks and the corrections around the calls, and two fields into the description of an instance."""
    hooks.around("rds", "CreateDBSubnetGroup", "ModifyDBSubnetGroup")(_subnet_group)
    hooks.around("rds", "CreateDBInstance")(_created)
    hooks.around("rds", "ModifyDBInstance")(_modified)
    hooks.around("rds", "DeleteDBInstance")(_deleted)
    describe = rds._instance_xml

    def instance_xml(instance: dict) -> str:
        described = describe(instance)
        exports = "".join(f"<member>{name}</member>" for name in instance.get("EnabledCloudwatchLogsExports", []))
        described = described.replace(
            "<EnabledCloudwatchLogsExports/>", f"<EnabledCloudwatchLogsExports>{exports}</EnabledCloudwatchLogsExports>"
        )
        if instance.get("MultiAZ") and instance.get("SecondaryAvailabilityZone"):
            zone = instance["SecondaryAvailabilityZone"]
            described += f"<SecondaryAvailabilityZone>{zone}</SecondaryAvailabilityZone>"
        return described

    rds._instance_xml = instance_xml


async def _subnet_group(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("DBSubnetGroupName", "")
    if call.operation == "CreateDBSubnetGroup" and name in rds._subnet_groups:
        return error(call, "DBSubnetGroupAlreadyExists", f"DB subnet group {name} already exists.", 400)
    subnets = [ec2._subnets.get(identifier) for identifier in members(call.parameters, "SubnetIds")]
    if subnets and all(subnets) and len({subnet["AvailabilityZone"] for subnet in subnets if subnet}) < 2:
        message = (
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            "Add subnets to cover at least 2 AZs."
        )
        return error(call, "DBSubnetGroupDoesNotCoverEnoughAZs", message, 400)
    return await proceed(call)


def refused_password(call: Call) -> Answer | None:
    """The refusal of a password that RDS does not take."""
    password = call.parameters.get("MasterUserPassword")
    if password is None or (len(password) in _PASSWORD_LENGTHS and not _NOT_IN_PASSWORDS & set(password)):
        return None
    message = (
        "The parameter MasterUserPassword is not a valid password. It must have 8 to 128 printable ASCII characters "
        "besides '/', '@', '\"' and the space."
    )
    return error(call, "InvalidParameterValue", message, 400)


def refused_groups(call: Call) -> Answer | None:
    """The refusal of security groups that do not exist."""
    for group in members(call.parameters, "VpcSecurityGroupIds"):
        if group not in ec2._security_groups:
            message = f"Invalid security group , groupId= {group}, groupName=."
            return error(call, "InvalidParameterValue", message, 400)
    return None


async def _created(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("DBInstanceIdentifier", "")
    if name in rds._instances:
        return await proceed(call)
    refused = refused_password(call) or refused_groups(call)
    if refused:
        return refused
    group = call.parameters.get("DBSubnetGroupName")
    if group and group not in rds._subnet_groups:
        return error(call, "DBSubnetGroupNotFoundFault", f"DB subnet group '{group}' does not exist.", 404)
    answer = await proceed(call)
    instance = rds._instances.get(name)
    if answer.status >= 300 or instance is None:
        return answer
    instance["PreferredBackupWindow"] = (
        call.parameters.get("PreferredBackupWindow") or instance["PreferredBackupWindow"]
    )
    instance["EnabledCloudwatchLogsExports"] = members(call.parameters, "EnableCloudwatchLogsExports")
    if instance["StorageEncrypted"] and not instance["KmsKeyId"]:
        instance["KmsKeyId"] = default_key()
    if not instance["VpcSecurityGroups"]:
        _use_default_group(instance)
    zones = sorted(
        {subnet["SubnetAvailabilityZone"]["Name"] for subnet in instance["DBSubnetGroup"].get("Subnets", [])}
    )
    if zones:
        if not call.parameters.get("AvailabilityZone"):
            instance["AvailabilityZone"] = zones[0]
        others = [zone for zone in zones if zone != instance["AvailabilityZone"]]
        instance["SecondaryAvailabilityZone"] = others[0] if others else ""
    return _described("CreateDBInstance", instance)


def default_key() -> str:
    """The key with the alias aws/rds: one for each account and region."""
    key = uuid.uuid5(uuid.NAMESPACE_URL, f"aws/rds/{get_account_id()}/{get_region()}")
    return f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key}"


def _use_default_group(instance: dict) -> None:
    vpc = instance["DBSubnetGroup"].get("VpcId")
    for identifier, group in ec2._security_groups.items():
        if group["VpcId"] == vpc and group["GroupName"] == "default":
            instance["VpcSecurityGroups"] = [{"VpcSecurityGroupId": identifier, "Status": "active"}]


def _described(operation: str, instance: dict) -> Answer:
    """The answer to that operation with the instance as it is now."""
    return answer_of(rds._single_instance_response(f"{operation}Response", f"{operation}Result", instance))


async def _modified(call: Call, proceed: Proceed) -> Answer:
    return refused_password(call) or refused_groups(call) or await proceed(call)


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    instance = rds._instances.get(call.parameters.get("DBInstanceIdentifier", ""))
    if instance is None or instance.get("DBClusterIdentifier"):
        return await proceed(call)
    if instance.get("DeletionProtection"):
        message = "Cannot delete protected DB Instance, please disable deletion protection and try again."
        return error(call, "InvalidParameterCombination", message, 400)
    skipped = call.parameters.get("SkipFinalSnapshot") == "true"
    snapshot = call.parameters.get("FinalDBSnapshotIdentifier", "")
    if skipped == bool(snapshot):
        message = (
            "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance or with SkipFinalSnapshot"
            if skipped
            else "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        )
        return error(call, "InvalidParameterCombination", message, 400)
    if snapshot in rds._snapshots:
        message = f"Cannot create the snapshot because a snapshot with the identifier {snapshot} already exists."
        return error(call, "DBSnapshotAlreadyExists", message, 400)
    return await proceed(call)
