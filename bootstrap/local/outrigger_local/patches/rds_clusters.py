"""Aurora clusters and their instances as in AWS.

AWS (RDS API Reference, CreateDBCluster, ModifyDBCluster, DeleteDBCluster, EnableHttpEndpoint; Aurora User Guide): what a
cluster refers to must exist; its storage is in three zones; backups are kept for 1 to 35 days; capacity goes by halves; a
version waits for the maintenance window unless ApplyImmediately is given, and is never lowered; logs are exported; the
endpoints stay as they are at creation, one to write and one to read; deleting needs a final snapshot's free name, or
leave to go without. An instance takes subnet group, security groups, port and encryption from its cluster, whose status
is its own. ModifyDBCluster leaves the Data API of Serverless v2 alone. MiniStack has none of these.

The endpoint is ``localhost``, where a real PostgreSQL may listen, and the one for reading ``127.0.0.1``, to be told apart.
"""

from __future__ import annotations

from ministack.core.responses import get_region
from ministack.services import cloudwatch_logs, rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members, with_parameters
from outrigger_local.patches import rds_instances

_ENDPOINT, _READER_ENDPOINT = "localhost", "127.0.0.1"
_ZONES = 3
_LOG_TYPES = {"postgresql", "instance", "iam-db-auth-error"}
_CAPACITY = "ServerlessV2ScalingConfiguration."
_HANDLED_HERE = ("EngineVersion", "EnableHttpEndpoint", "AllowMajorVersionUpgrade")


def install(hooks: Hooks) -> None:
    """Puts the checks and the corrections around the calls, and three fields into the description of a cluster."""
    hooks.around("rds", "CreateDBCluster")(_created)
    hooks.around("rds", "ModifyDBCluster")(_modified)
    hooks.around("rds", "DeleteDBCluster")(_deleted)
    hooks.around("rds", "CreateDBInstance")(_created_instance)
    hooks.around("rds", "ModifyDBInstance")(_modified_instance)
    describe, synchronize = rds._cluster_xml, rds._sync_cluster_endpoints

    def cluster_xml(cluster: dict) -> str:
        exports = "".join(f"<member>{name}</member>" for name in cluster.get("EnabledCloudwatchLogsExports", []))
        minor_upgrades = str(cluster.get("AutoMinorVersionUpgrade", True)).lower()
        pending = "".join(f"<{name}>{value}</{name}>" for name, value in cluster.get("PendingModifiedValues", {}).items())
        described = describe(cluster) + f"<AutoMinorVersionUpgrade>{minor_upgrades}</AutoMinorVersionUpgrade>"
        if exports:
            described += f"<EnabledCloudwatchLogsExports>{exports}</EnabledCloudwatchLogsExports>"
        return described + (f"<PendingModifiedValues>{pending}</PendingModifiedValues>" if pending else "")

    def synchronize_endpoints(cluster: dict) -> None:
        synchronize(cluster)
        if "AutoMinorVersionUpgrade" in cluster:
            cluster["Endpoint"], cluster["ReaderEndpoint"] = _ENDPOINT, _READER_ENDPOINT

    rds._cluster_xml = cluster_xml
    rds._sync_cluster_endpoints = synchronize_endpoints
    # It makes a cluster one that is being created whenever one of its instances is.
    rds._refresh_cluster_status = lambda _cluster: None


def _described(operation: str, cluster: dict) -> Answer:
    """The answer to that operation with the cluster as it is now."""
    body = f"<{operation}Result><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></{operation}Result>"
    return answer_of(rds._xml(200, f"{operation}Response", body))


def _cluster(call: Call) -> dict | None:
    return rds._clusters.get(call.parameters.get("DBClusterIdentifier", ""))


async def _created(call: Call, proceed: Proceed) -> Answer:
    if _cluster(call) is not None or call.parameters.get("Engine") != "aurora-postgresql":
        return await proceed(call)
    exports = sorted(members(call.parameters, "EnableCloudwatchLogsExports"))
    refused = (
        rds_instances.refused_password(call)
        or rds_instances.refused_groups(call)
        or _refused_settings(call)
        or _refused_logs(call, exports)
    )
    if refused:
        return refused
    group = call.parameters.get("DBSubnetGroupName")
    if group and group not in rds._subnet_groups:
        return error(call, "DBSubnetGroupNotFoundFault", f"DB subnet group '{group}' does not exist.", 404)
    answer = await proceed(call)
    cluster = _cluster(call)
    if answer.status >= 300 or cluster is None:
        return answer
    zones = members(call.parameters, "AvailabilityZones")
    more = (f"{get_region()}{letter}" for letter in "abcdef")
    cluster["AvailabilityZones"] = [*zones, *(zone for zone in more if zone not in zones)][:_ZONES]
    cluster["AutoMinorVersionUpgrade"] = call.parameters.get("AutoMinorVersionUpgrade") != "false"
    cluster["EnabledCloudwatchLogsExports"] = exports
    cluster["Endpoint"], cluster["ReaderEndpoint"] = _ENDPOINT, _READER_ENDPOINT
    cluster["PendingModifiedValues"] = {}
    if not call.parameters.get("DBClusterParameterGroupName"):
        cluster["DBClusterParameterGroup"] = _default_parameters(cluster["EngineVersion"])
    if cluster["StorageEncrypted"] and not cluster["KmsKeyId"]:
        cluster["KmsKeyId"] = rds_instances.default_key()
    _make_log_groups(cluster)
    return _described("CreateDBCluster", cluster)


def _default_parameters(version: str) -> str:
    return f"default.aurora-postgresql{version.partition('.')[0]}"


def _refused_settings(call: Call) -> Answer | None:
    given = call.parameters
    days = int(given.get("BackupRetentionPeriod") or 1)
    if not 1 <= days <= 35:
        message = f"Invalid backup retention period: {days}. Retention period must be between 1 and 35."
        return error(call, "InvalidParameterValue", message, 400)
    least, most = given.get(f"{_CAPACITY}MinCapacity"), given.get(f"{_CAPACITY}MaxCapacity")
    if least is None and most is None:
        return None
    least, most = float(least or 0.5), float(most or 1)
    if least * 2 % 1 or most * 2 % 1 or not 0 <= least <= most <= 256 or most < 1:
        message = f"Serverless v2 capacity {least} to {most} isn't valid."
        return error(call, "InvalidParameterValue", message, 400)
    return None


def _refused_logs(call: Call, exports: list[str]) -> Answer | None:
    unknown = sorted(set(exports) - _LOG_TYPES)
    if not unknown:
        return None
    message = (
        f"You cannot use the log types '{', '.join(unknown)}' with engine aurora-postgresql. "
        "For supported log types, see the documentation."
    )
    return error(call, "InvalidParameterCombination", message, 400)


def _make_log_groups(cluster: dict) -> None:
    """RDS makes the group of each log that it exports, where there is none."""
    for log in cluster["EnabledCloudwatchLogsExports"]:
        group = f"/aws/rds/cluster/{cluster['DBClusterIdentifier']}/{log}"
        if group not in cloudwatch_logs._log_groups:
            cloudwatch_logs._create_log_group({"logGroupName": group})


async def _modified(call: Call, proceed: Proceed) -> Answer:
    cluster, given = _cluster(call), call.parameters
    if cluster is None or cluster["Engine"] != "aurora-postgresql":
        return await proceed(call)
    exports = set(cluster.get("EnabledCloudwatchLogsExports", []))
    exports |= set(members(given, "CloudwatchLogsExportConfiguration.EnableLogTypes"))
    exports -= set(members(given, "CloudwatchLogsExportConfiguration.DisableLogTypes"))
    refused = (
        rds_instances.refused_password(call)
        or rds_instances.refused_groups(call)
        or _refused_settings(call)
        or _refused_version(call, cluster)
        or _refused_logs(call, sorted(exports))
    )
    if refused:
        return refused
    answer = await proceed(with_parameters(call, **dict.fromkeys(_HANDLED_HERE)))
    if answer.status >= 300:
        return answer
    cluster["EnabledCloudwatchLogsExports"] = sorted(exports)
    _make_log_groups(cluster)
    if given.get("AutoMinorVersionUpgrade"):
        cluster["AutoMinorVersionUpgrade"] = given["AutoMinorVersionUpgrade"] == "true"
    pending = cluster.get("PendingModifiedValues", {})
    if given.get("EngineVersion") and given["EngineVersion"] != cluster["EngineVersion"]:
        pending = {"EngineVersion": given["EngineVersion"]}
    elif given.get("EngineVersion"):
        pending = {}
    if given.get("ApplyImmediately") == "true" and pending:
        _upgrade(cluster, pending["EngineVersion"])
        pending = {}
    cluster["PendingModifiedValues"] = pending
    instances = [rds._instances.get(member["DBInstanceIdentifier"]) for member in cluster["DBClusterMembers"]]
    for instance in filter(None, instances):
        instance["EngineVersion"] = cluster["EngineVersion"]
        instance["VpcSecurityGroups"] = list(cluster["VpcSecurityGroups"])
        instance["Endpoint"]["Port"] = cluster["Port"]
    if cluster.get("_shared_endpoint"):
        cluster["_shared_endpoint"]["Port"] = cluster["Port"]
    return _described("ModifyDBCluster", cluster)


def _upgrade(cluster: dict, version: str) -> None:
    cluster["EngineVersion"] = version
    if cluster["DBClusterParameterGroup"].startswith("default."):
        cluster["DBClusterParameterGroup"] = _default_parameters(version)


def _refused_version(call: Call, cluster: dict) -> Answer | None:
    version, current = call.parameters.get("EngineVersion"), cluster["EngineVersion"]
    if not version or version == current:
        return None
    if version not in rds.AURORA_POSTGRESQL_ENGINE_VERSION_SET:
        return error(call, "InvalidParameterCombination", f"Cannot find version {version} for aurora-postgresql", 400)
    before, after = (tuple(int(part) for part in text.split("-")[0].split(".")) for text in (current, version))
    if after < before:
        message = f"Cannot upgrade aurora-postgresql from {current} to {version}"
        return error(call, "InvalidParameterCombination", message, 400)
    if after[0] != before[0] and call.parameters.get("AllowMajorVersionUpgrade") != "true":
        message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        return error(call, "InvalidParameterCombination", message, 400)
    return None


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    cluster = _cluster(call)
    if cluster is None or cluster.get("DeletionProtection") or cluster.get("DBClusterMembers"):
        return await proceed(call)
    skipped = call.parameters.get("SkipFinalSnapshot") == "true"
    name = call.parameters.get("FinalDBSnapshotIdentifier", "")
    if skipped == bool(name):
        message = (
            "FinalDBSnapshotIdentifier can not be specified with SkipFinalSnapshot"
            if skipped
            else "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        )
        return error(call, "InvalidParameterCombination", message, 400)
    if name in rds._db_cluster_snapshots:
        message = f"Cannot create the snapshot because a snapshot with the identifier {name} already exists."
        return error(call, "DBClusterSnapshotAlreadyExistsFault", message, 400)
    group = rds._subnet_groups.get(cluster["DBSubnetGroup"]) or {}
    # The deletion of the cluster takes its tags away.
    tags = list(rds._tags.get(cluster["DBClusterArn"], [])) if cluster["CopyTagsToSnapshot"] else []
    answer = await proceed(call)
    if answer.status < 300 and name:
        snapshot = rds._create_cluster_snapshot_internal(name, cluster)
        snapshot["VpcId"] = group.get("VpcId", snapshot["VpcId"])
        snapshot["TagList"] = tags
        if tags:
            rds._tags[snapshot["DBClusterSnapshotArn"]] = tags
    return answer


async def _created_instance(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    name, cluster = given.get("DBInstanceIdentifier", ""), _cluster(call)
    if not given.get("DBClusterIdentifier") or name in rds._instances:
        return await proceed(call)
    if cluster is None:
        message = f"Could not find DB Cluster: {given['DBClusterIdentifier']}"
        return error(call, "DBClusterNotFoundFault", message, 404)
    if given.get("DBInstanceClass") == "db.serverless" and not cluster["ServerlessV2ScalingConfiguration"]:
        message = (
            "Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 DB "
            "instance."
        )
        return error(call, "InvalidParameterCombination", message, 400)
    if given.get("AvailabilityZone", cluster["AvailabilityZones"][0]) not in cluster["AvailabilityZones"]:
        message = f"The zone {given['AvailabilityZone']} is none of the DB cluster's."
        return error(call, "InvalidParameterCombination", message, 400)
    groups = {
        f"VpcSecurityGroupIds.member.{number}": group["VpcSecurityGroupId"]
        for number, group in enumerate(cluster["VpcSecurityGroups"], 1)
    }
    of_cluster = {
        "DBSubnetGroupName": cluster["DBSubnetGroup"] if cluster["DBSubnetGroup"] != "default" else None,
        "StorageEncrypted": str(cluster["StorageEncrypted"]).lower(),
        "StorageType": "aurora",
        "AllocatedStorage": "1",
        **groups,
    }
    return await proceed(with_parameters(call, **of_cluster))


async def _modified_instance(call: Call, proceed: Proceed) -> Answer:
    instance, given = rds._instances.get(call.parameters.get("DBInstanceIdentifier", "")), call.parameters
    answer = await proceed(call)
    if instance is None or not instance.get("DBClusterIdentifier") or answer.status >= 300:
        return answer
    if given.get("AutoMinorVersionUpgrade"):
        instance["AutoMinorVersionUpgrade"] = given["AutoMinorVersionUpgrade"] == "true"
    if given.get("PreferredMaintenanceWindow"):
        instance["PreferredMaintenanceWindow"] = given["PreferredMaintenanceWindow"]
        instance["PendingModifiedValues"].pop("PreferredMaintenanceWindow", None)
    response = rds._single_instance_response("ModifyDBInstanceResponse", "ModifyDBInstanceResult", instance)
    return answer_of(response)
