"""ModifyDBInstance as in AWS: what is applied at once, what waits, and what is refused.

AWS (RDS API Reference, ModifyDBInstance, PendingModifiedValues; RDS User Guide, "Settings for DB instances"): the
class, storage, zones, version and the like wait for the maintenance window and show as pending, unless ApplyImmediately
is given, which applies whatever is pending too; windows, monitoring, logs, groups, the port and protection never wait.
Storage grows by a tenth at least. MiniStack drops several settings, loses older pending ones, and takes anything.
"""

from __future__ import annotations

from ministack.services import cloudwatch_logs, ec2, iam, rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members, with_parameters
from outrigger_local.patches import rds_parameter_groups

# The field of the record and its type, by the parameter of the call.
_AT_ONCE: dict[str, tuple[str, type]] = {
    "AutoMinorVersionUpgrade": ("AutoMinorVersionUpgrade", bool),
    "CopyTagsToSnapshot": ("CopyTagsToSnapshot", bool),
    "DeletionProtection": ("DeletionProtection", bool),
    "EnablePerformanceInsights": ("PerformanceInsightsEnabled", bool),
    "MaxAllocatedStorage": ("MaxAllocatedStorage", int),
    "MonitoringInterval": ("MonitoringInterval", int),
    "MonitoringRoleArn": ("MonitoringRoleArn", str),
    "PerformanceInsightsRetentionPeriod": ("PerformanceInsightsRetentionPeriod", int),
    "PreferredBackupWindow": ("PreferredBackupWindow", str),
    "PreferredMaintenanceWindow": ("PreferredMaintenanceWindow", str),
    "PubliclyAccessible": ("PubliclyAccessible", bool),
}
_DEFERRED: dict[str, tuple[str, type]] = {
    "AllocatedStorage": ("AllocatedStorage", int),
    "BackupRetentionPeriod": ("BackupRetentionPeriod", int),
    "CACertificateIdentifier": ("CACertificateIdentifier", str),
    "DBInstanceClass": ("DBInstanceClass", str),
    "EnableIAMDatabaseAuthentication": ("IAMDatabaseAuthenticationEnabled", bool),
    "EngineVersion": ("EngineVersion", str),
    "Iops": ("Iops", int),
    "LicenseModel": ("LicenseModel", str),
    "MultiAZ": ("MultiAZ", bool),
    "StorageThroughput": ("StorageThroughput", int),
    "StorageType": ("StorageType", str),
}
_HANDLED_HERE = (*_AT_ONCE, *_DEFERRED, "DBParameterGroupName", "DBPortNumber")
_MONITORING_INTERVALS = (0, 1, 5, 10, 15, 30, 60)
# From this size on gp3 storage is striped, and its speed can be chosen.
_STRIPED_GIB = 400
_LOG_TYPES = {"postgresql", "upgrade", "iam-db-auth-error"}


def install(hooks: Hooks) -> None:
    """Puts the corrections around the modification, and those of monitoring and logs around the creation too."""
    hooks.around("rds", "CreateDBInstance")(_created)
    hooks.around("rds", "ModifyDBInstance")(_modified)


async def _created(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("DBInstanceIdentifier", "")
    exports = members(call.parameters, "EnableCloudwatchLogsExports")
    refused = name not in rds._instances and (
        _refused_monitoring(call, {})
        or _refused_threshold(call, {})
        or _refused_speed(call, {})
        or _refused_logs(call, call.parameters.get("Engine", ""), exports)
    )
    if refused:
        return refused
    answer = await proceed(call)
    if answer.status < 300 and name in rds._instances:
        _watch(rds._instances[name])
        _make_log_groups(rds._instances[name])
        return _described("CreateDBInstance", rds._instances[name])
    return answer


async def _modified(call: Call, proceed: Proceed) -> Answer:
    instance = rds._instances.get(call.parameters.get("DBInstanceIdentifier", ""))
    if instance is None or instance.get("DBClusterIdentifier"):
        return await proceed(call)
    exports = _exports(call, instance)
    refused = (
        _refused_storage(call, instance)
        or _refused_speed(call, instance)
        or _refused_threshold(call, instance)
        or _refused_monitoring(call, instance)
        or _refused_logs(call, instance["Engine"], exports)
        or rds_parameter_groups.refused_group(call, instance)
    )
    if refused:
        return refused
    answer = await proceed(with_parameters(call, **dict.fromkeys(_HANDLED_HERE)))
    if answer.status >= 300:
        return answer
    _apply_at_once(call, instance)
    if exports != instance.get("EnabledCloudwatchLogsExports"):
        instance["EnabledCloudwatchLogsExports"] = exports
        _make_log_groups(instance)
    _apply_or_defer(call, instance)
    rds_parameter_groups.attach(call.parameters.get("DBParameterGroupName"), instance)
    return _described("ModifyDBInstance", instance)


def _described(operation: str, instance: dict) -> Answer:
    return answer_of(rds._single_instance_response(f"{operation}Response", f"{operation}Result", instance))


def _given(call: Call, settings: dict[str, tuple[str, type]]) -> dict[str, object]:
    """The fields that the call sets, with their values."""
    return {
        field: call.parameters[name] == "true" if kind is bool else kind(call.parameters[name])
        for name, (field, kind) in settings.items()
        if call.parameters.get(name)
    }


def _apply_at_once(call: Call, instance: dict) -> None:
    instance.update(_given(call, _AT_ONCE))
    if instance.get("MaxAllocatedStorage") == instance["AllocatedStorage"]:
        # as much as there is means: do not grow by yourself
        del instance["MaxAllocatedStorage"]
    _watch(instance)
    if call.parameters.get("DBPortNumber"):
        instance["Endpoint"] = instance["Endpoint"] | {"Port": int(call.parameters["DBPortNumber"])}


def _apply_or_defer(call: Call, instance: dict) -> None:
    given = _given(call, _DEFERRED)
    retention = given.get("BackupRetentionPeriod")
    if retention and instance["BackupRetentionPeriod"]:
        instance["BackupRetentionPeriod"] = given.pop("BackupRetentionPeriod")
    wanted = instance["PendingModifiedValues"] | given
    changes = {field: value for field, value in wanted.items() if instance.get(field) != value}
    if call.parameters.get("ApplyImmediately") == "true":
        instance.update(changes)
        changes = {}
        rds_parameter_groups.follow_version(instance)
    instance["PendingModifiedValues"] = changes


def _watch(instance: dict) -> None:
    """Enhanced monitoring writes to a log stream of the account's, and a role without an interval is none."""
    stream = ""
    if instance["MonitoringInterval"]:
        stream = f"{cloudwatch_logs._make_group_arn('RDSOSMetrics')}:log-stream:{instance['DbiResourceId']}"
    else:
        instance["MonitoringRoleArn"] = ""
    instance["EnhancedMonitoringResourceArn"] = stream.replace(":*:", ":")


def _exports(call: Call, instance: dict) -> list[str]:
    exports = set(instance.get("EnabledCloudwatchLogsExports", []))
    exports |= set(members(call.parameters, "CloudwatchLogsExportConfiguration.EnableLogTypes"))
    return sorted(exports - set(members(call.parameters, "CloudwatchLogsExportConfiguration.DisableLogTypes")))


def _make_log_groups(instance: dict) -> None:
    """RDS makes the group of each log that it exports, where there is none."""
    for log in instance["EnabledCloudwatchLogsExports"]:
        group = f"/aws/rds/instance/{instance['DBInstanceIdentifier']}/{log}"
        if group not in cloudwatch_logs._log_groups:
            cloudwatch_logs._create_log_group({"logGroupName": group})


def _refused_logs(call: Call, engine: str, exports: list[str]) -> Answer | None:
    unknown = sorted(set(exports) - _LOG_TYPES) if engine == "postgres" else []
    if not unknown:
        return None
    message = (
        f"You cannot use the log types '{', '.join(unknown)}' with engine {engine}. "
        "For supported log types, see the documentation."
    )
    return error(call, "InvalidParameterCombination", message, 400)


def _refused_storage(call: Call, instance: dict) -> Answer | None:
    wanted, current = int(call.parameters.get("AllocatedStorage") or 0), instance["AllocatedStorage"]
    if not wanted or wanted == current or wanted * 10 >= current * 11:
        return None
    message = (
        f"Requested storage size {wanted} GiB cannot be less than the current storage size {current} GiB."
        if wanted < current
        else f"Invalid storage size {wanted} GiB: it must be at least 10 percent more than the current {current} GiB."
    )
    return error(call, "InvalidParameterCombination", message, 400)


def _refused_threshold(call: Call, instance: dict) -> Answer | None:
    highest = int(call.parameters.get("MaxAllocatedStorage") or 0)
    storage = int(call.parameters.get("AllocatedStorage") or instance.get("AllocatedStorage") or 0)
    # As much as there is turns the growth of an instance off, and means nothing for a new one.
    if not highest or highest * 10 >= storage * 11 or (highest == storage and instance):
        return None
    message = (
        "The maximum allocated storage must be increased by at least 10 percent."
        if highest > storage
        else "Max storage size must be greater than storage size"
    )
    return error(call, "InvalidParameterCombination", message, 400)


def _refused_speed(call: Call, instance: dict) -> Answer | None:
    """Small gp3 storage has its speed; storage with a speed of its own is changed together with it."""
    given = call.parameters
    size = int(given.get("AllocatedStorage") or instance.get("AllocatedStorage") or 0)
    kind = given.get("StorageType") or instance.get("StorageType")
    engine = given.get("Engine") or instance.get("Engine")
    message = ""
    if kind == "gp3" and size < _STRIPED_GIB and (given.get("Iops") or given.get("StorageThroughput")):
        message = (
            f"You can't specify IOPS or storage throughput for engine {engine} and a storage size less than "
            f"{_STRIPED_GIB}."
        )
    elif instance.get("Iops") and bool(given.get("AllocatedStorage")) != bool(given.get("Iops")):
        message = (
            "You must specify both the storage size and iops when modifying the storage size or iops on a DB instance "
            "that has iops."
        )
    return error(call, "InvalidParameterCombination", message, 400) if message else None


def _refused_monitoring(call: Call, instance: dict) -> Answer | None:
    given = call.parameters
    if not given.get("MonitoringInterval") and not given.get("MonitoringRoleArn"):
        return None
    interval = int(given.get("MonitoringInterval") or instance.get("MonitoringInterval", 0))
    role = given.get("MonitoringRoleArn") or instance.get("MonitoringRoleArn")
    if interval not in _MONITORING_INTERVALS:
        message = f"Invalid MonitoringInterval {interval}. Valid values are: 0, 1, 5, 10, 15, 30, 60."
        return error(call, "InvalidParameterValue", message, 400)
    if interval and not role:
        message = "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        return error(call, "InvalidParameterCombination", message, 400)
    if given.get("MonitoringRoleArn") and not interval:
        message = "A MonitoringInterval value other than 0 is required if you specify a MonitoringRoleARN value."
        return error(call, "InvalidParameterCombination", message, 400)
    trust = str((iam._roles.get(role.rpartition("/")[2]) or {}).get("AssumeRolePolicyDocument")) if interval else ""
    if interval and "monitoring.rds.amazonaws.com" not in trust:
        message = "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING"
        return error(call, "InvalidParameterValue", message, 400)
    return None
