"""Vaults hold the recovery points that backup jobs make, go only when they are empty, and can be locked.

AWS (Backup API Reference, StartBackupJob, ListRecoveryPointsByBackupVault, DeleteRecoveryPoint, DeleteBackupVault,
PutBackupVaultLockConfiguration, DescribeRegionSettings, UpdateRegionSettings): a vault with recovery points is not
deleted, those of a locked one are not either; and an account says which services may be backed up. MiniStack counts
recovery points and has none, deletes every vault, and knows neither locks nor settings.
"""

from __future__ import annotations

import copy
from urllib.parse import unquote

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import backup

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import ANY, Hooks, answer_of

# By vault, and then by ARN.
_points = AccountRegionScopedDict()
_settings = AccountRegionScopedDict()


def install(hooks: Hooks) -> None:
    """Replaces what MiniStack has of them, and adds the routes that it lacks."""
    start, delete_vault = backup._start_job, backup._delete_vault

    def start_job(body: dict):
        answer = start(body)
        job = next(reversed(list(backup._jobs.values())), None)
        if answer[0] == 200 and job:
            _keep(body, job)
        return answer

    def delete(name: str):
        if _points.get(name):
            return _refused("Backup vault cannot be deleted because it contains recovery points.")
        return delete_vault(name)

    def listed(name: str, query: dict):
        if name not in backup._vaults:
            return backup._not_found(f"Backup vault '{name}' not found.")
        return backup._paginate(list((_points.get(name) or {}).values()), query, "RecoveryPoints")

    backup._start_job, backup._delete_vault = start_job, delete
    backup._list_recovery_points_by_vault = listed
    backup._describe_region_settings = lambda: backup._ok(copy.deepcopy(_region_settings()))
    hooks.around("backup", ANY)(_routed)


def _refused(message: str):
    return backup._err("InvalidRequestException", message, 400)


def _region_settings() -> dict:
    return _settings.get("settings") or {"ResourceTypeOptInPreference": {}, "ResourceTypeManagementPreference": {}}


def _keep(body: dict, job: dict) -> None:
    name, resource = job["BackupVaultName"], job["ResourceArn"]
    point = {
        "RecoveryPointArn": job["RecoveryPointArn"],
        "BackupVaultName": name,
        "BackupVaultArn": job["BackupVaultArn"],
        "ResourceArn": resource,
        "IamRoleArn": job["IamRoleArn"],
        "Status": "COMPLETED",
        "CreationDate": job["CreationDate"],
        "CompletionDate": job["CreationDate"],
        "Lifecycle": body.get("Lifecycle") or {},
        "IsEncrypted": True,
        "IsParent": False,
    }
    _points[name] = {**(_points.get(name) or {}), point["RecoveryPointArn"]: point}


async def _routed(call: Call, proceed: Proceed) -> Answer:
    parts = [unquote(part) for part in call.path.strip("/").split("/") if part]
    if call.method == "PUT" and parts == ["account-settings"]:
        settings = _region_settings()
        _settings["settings"] = {
            key: {**settings[key], **(call.parameters.get(key) or {})} for key in settings
        }
        return answer_of(backup._no_content())
    if len(parts) >= 3 and parts[0] == "backup-vaults":
        vault = backup._vaults.get(parts[1])
        if parts[2] == "vault-lock" and call.method in ("PUT", "DELETE"):
            if vault is None:
                return answer_of(backup._not_found(f"Backup vault '{parts[1]}' not found."))
            vault["Locked"] = call.method == "PUT"
            return answer_of(backup._no_content())
        if parts[2] == "recovery-points" and len(parts) > 3 and call.method == "DELETE":
            return answer_of(_delete_point(parts[1], "/".join(parts[3:]), vault))
    return await proceed(call)


def _delete_point(name: str, arn: str, vault: dict | None):
    held = _points.get(name) or {}
    if vault is None or arn not in held:
        return backup._not_found(f"Recovery point '{arn}' not found.")
    if vault["Locked"]:
        return _refused(f"Recovery point {arn} cannot be deleted (backup vault is locked).")
    _points[name] = {key: point for key, point in held.items() if key != arn}
    vault["NumberOfRecoveryPoints"] = len(_points[name])
    return backup._no_content()
