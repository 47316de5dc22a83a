"""Plans and selections are made once for a token, plans go after their selections, and roles must be Backup's.

AWS (Backup API Reference, CreateBackupPlan, CreateBackupSelection, DeleteBackupPlan): a CreatorRequestId that made
something answers with it; a plan with selections is InvalidRequestException; a role that AWS Backup cannot take on, or
that may not list what is tagged, is InvalidParameterValueException. MiniStack makes another one for each call, deletes
every plan, and takes every role.
"""

from __future__ import annotations

import json

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import backup, iam

from outrigger_local import roles

# MiniStack knows the names of AWS's own policies, and not what is in them.
_POLICY = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
_plans = AccountRegionScopedDict()


def install() -> None:
    """Replaces the creations, and the deletion of a plan."""
    create_plan, create_selection, delete_plan = backup._create_plan, backup._create_selection, backup._delete_plan

    def plan(body: dict):
        token = body.get("CreatorRequestId")
        known = _plans.get(token) if token else None
        if known in backup._plans:
            there = backup._plans[known]
            keys = ("BackupPlanId", "BackupPlanArn", "CreationDate", "VersionId")
            return backup._ok({key: there[key] for key in keys})
        answer = create_plan(body)
        if token and answer[0] == 200:
            _plans[token] = json.loads(answer[2])["BackupPlanId"]
        return answer

    def selection(plan_id: str, body: dict):
        token = body.get("CreatorRequestId")
        for one in backup._selections.values():
            if token and one["CreatorRequestId"] == token and one["BackupPlanId"] == plan_id:
                return backup._ok({key: one[key] for key in ("SelectionId", "BackupPlanId", "CreationDate")})
        return _wrong_role(body) or create_selection(plan_id, body)

    def delete(plan_id: str):
        if any(one["BackupPlanId"] == plan_id for one in backup._selections.values()):
            message = "Related backup plan selections must be deleted prior to backup plan deletion"
            return backup._err("InvalidRequestException", message, 400)
        return delete_plan(plan_id)

    backup._create_plan, backup._create_selection, backup._delete_plan = plan, selection, delete


def _wrong_role(body: dict):
    role = (body.get("BackupSelection") or {}).get("IamRoleArn", "")
    held = iam._roles.get(role.rpartition("/")[2])
    if held is None or not _trusts_backup(held):
        message = f"IAM Role {role} cannot be assumed by AWS Backup"
    elif _POLICY not in held["AttachedPolicies"] and not roles.allows(role, "AWSBackup", "tag:GetResources", "*"):
        message = f"IAM Role {role} is not authorized to call tag:GetResources"
    else:
        return None
    return backup._err("InvalidParameterValueException", message, 400)


def _trusts_backup(role: dict) -> bool:
    document = role.get("AssumeRolePolicyDocument") or "{}"
    document = json.loads(document) if isinstance(document, str) else document
    services = (statement.get("Principal", {}).get("Service") for statement in document.get("Statement", []))
    names = ([service] if isinstance(service, str) else service or [] for service in services)
    return any("backup.amazonaws.com" in of for of in names)


