"""What an account may have of RDS, and what it has.

AWS (RDS API Reference, DescribeAccountAttributes, AccountQuota): quotas with the account's use of them in this region;
default parameter groups do not count. The limits are those of Service Quotas where that has them. MiniStack does not
know the operation.
"""

from __future__ import annotations

from ministack.services import rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import Hooks, answer_of
from outrigger_local.patches.service_quotas import value_of

# Those that Service Quotas tells, by its codes, and those that it does not.
_CODES = {
    "DBInstances": "L-7B6409FD",
    "AllocatedStorage": "L-7ADDB58A",
    "DBParameterGroups": "L-DE55804A",
    "DBSubnetGroups": "L-48C6BF61",
    "ManualSnapshots": "L-272F1212",
    "DBClusters": "L-952B80B8",
}
_OTHERS = {
    "ReservedDBInstances": 40, "DBSecurityGroups": 25, "AuthorizationsPerDBSecurityGroup": 20, "EventSubscriptions": 20,
    "OptionGroups": 20, "SubnetsPerDBSubnetGroup": 20, "ReadReplicasPerMaster": 15, "DBClusterParameterGroups": 50,
    "DBClusterRoles": 5, "ManualClusterSnapshots": 100, "DBInstanceRoles": 5, "CustomEndpointsPerDBCluster": 5,
}  # fmt: skip


def install(hooks: Hooks) -> None:
    """Answers the operation."""
    hooks.around("rds", "DescribeAccountAttributes")(_described)


def _used() -> dict[str, int]:
    instances = list(rds._instances.values())
    return {
        "DBInstances": len(instances),
        "AllocatedStorage": sum(int(instance["AllocatedStorage"]) for instance in instances),
        "DBParameterGroups": len(list(rds._param_groups.values())),
        "DBSubnetGroups": len(list(rds._subnet_groups.values())),
        "ManualSnapshots": sum(snapshot["SnapshotType"] == "manual" for snapshot in rds._snapshots.values()),
        "DBClusters": len(list(rds._clusters.values())),
        "SubnetsPerDBSubnetGroup": max((len(group["Subnets"]) for group in rds._subnet_groups.values()), default=0),
        "DBClusterParameterGroups": len(list(rds._db_cluster_param_groups.values())),
        "ManualClusterSnapshots": len(list(rds._db_cluster_snapshots.values())),
    }


async def _described(_: Call, __: Proceed) -> Answer:
    limits = {name: int(value_of("rds", code)) for name, code in _CODES.items()} | _OTHERS
    used = _used()
    quotas = "".join(
        f"<AccountQuota><AccountQuotaName>{name}</AccountQuotaName><Used>{used.get(name, 0)}</Used><Max>{most}</Max>"
        "</AccountQuota>"
        for name, most in limits.items()
    )
    result = "DescribeAccountAttributesResult"
    body = f"<{result}><AccountQuotas>{quotas}</AccountQuotas></{result}>"
    return answer_of(rds._xml(200, "DescribeAccountAttributesResponse", body))
