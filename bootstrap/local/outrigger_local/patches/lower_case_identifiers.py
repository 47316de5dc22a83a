"""Identifiers of RDS and ElastiCache are kept in lower case.

AWS (RDS API Reference, CreateDBInstance: "this parameter is stored as a lowercase string"; ElastiCache API Reference,
CreateReplicationGroup): they are stored in lower case and compared so. MiniStack keeps two objects apart that differ
in case only.
"""

from __future__ import annotations

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import ANY, Hooks, with_parameters

_IDENTIFIERS = frozenset(
    {
        "DBInstanceIdentifier", "NewDBInstanceIdentifier", "SourceDBInstanceIdentifier", "DBSubnetGroupName",
        "DBParameterGroupName", "DBClusterIdentifier", "DBClusterParameterGroupName", "DBSnapshotIdentifier",
        "FinalDBSnapshotIdentifier", "DBClusterSnapshotIdentifier", "GlobalClusterIdentifier", "ReplicationGroupId",
        "CacheClusterId", "CacheSubnetGroupName", "CacheParameterGroupName",
    }
)  # fmt: skip


def install(hooks: Hooks) -> None:
    """Puts it around all of both services, before any other patch looks at the identifiers."""
    for service in ("rds", "elasticache"):
        hooks.around(service, ANY)(_lowered)


async def _lowered(call: Call, proceed: Proceed) -> Answer:
    lowered = {
        name: value.lower()
        for name, value in call.parameters.items()
        if name in _IDENTIFIERS and value != value.lower() and not value.startswith("arn:")
    }
    return await proceed(with_parameters(call, **lowered) if lowered else call)
