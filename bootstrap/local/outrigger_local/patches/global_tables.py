"""A global table that a template makes has its replicas, and one that is strongly consistent refuses what AWS's does.

AWS (CloudFormation Template Reference, AWS::DynamoDB::GlobalTable; DynamoDB Developer Guide, "How DynamoDB global tables
work", MRSC): the table is there in every region of ``Replicas``, with the properties of each; DescribeTable tells
MultiRegionConsistency; with STRONG there are three regions of one set and no stream, only an empty table becomes such a
one, and transactions and a time to live are refused. MiniStack ignores ``Replicas`` and the consistency. Its replicas take
over every write before its answer is sent, so that they are strongly consistent by themselves.
"""

from __future__ import annotations

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of

_SETS = (
    {"us-east-1", "us-east-2", "us-west-2"},
    {"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"},
    {"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"},
)
_CONSISTENCY = "_multi_region_consistency"


def install(hooks: Hooks) -> None:
    """Wraps the provisioner and the description of a table, and puts the refusals around the calls."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::GlobalTable"]
    create, describe = handlers["create"], dynamodb._table_description

    def create_with_replicas(logical_id: str, properties: dict, stack_name: str):
        replicas = properties.get("Replicas") or []
        regions = [replica.get("Region") for replica in replicas]
        if get_region() not in regions:
            raise ValueError("The region of the stack must be one of Replicas")
        made = create(logical_id, properties, stack_name)
        name = made[0] if isinstance(made, tuple) else made
        updates = [{"Create": {"RegionName": region}} for region in regions if region != get_region()]
        refused = _replicate(name, updates, properties.get("MultiRegionConsistency"))
        if refused:
            dynamodb._tables.pop(name, None)
            raise ValueError(refused)
        for replica in replicas:
            _configure(name, replica)
        return made

    def describe_with_consistency(name: str) -> dict:
        described, table = describe(name), dynamodb._tables[name]
        if _CONSISTENCY in table:
            described["MultiRegionConsistency"] = table[_CONSISTENCY]
        return described

    handlers["create"] = create_with_replicas
    handlers["delete"] = _delete
    dynamodb._table_description = describe_with_consistency
    hooks.around("dynamodb", "UpdateTable")(_updated)
    hooks.around("dynamodb", "UpdateTimeToLive", "TransactWriteItems", "TransactGetItems")(_not_of_strong)


def _replicate(name: str, updates: list[dict], consistency: str | None) -> str | None:
    """Makes the replicas; why not, where that is refused."""
    table = dynamodb._tables[name]
    regions = {get_region(), *(update["Create"]["RegionName"] for update in updates)}
    if consistency == "STRONG":
        if any(table["items"].values()):
            return "MultiRegionConsistency STRONG is for an empty table"
        if len(regions) != 3 or not any(regions <= known for known in _SETS):
            return "MultiRegionConsistency STRONG is for three regions of one set"
    if updates:
        answered = dynamodb._apply_replica_updates(name, table, updates)
        if answered:
            return answered[2].decode() if isinstance(answered[2], bytes) else str(answered[2])
    for region in regions:
        member = dynamodb._tables.get_scoped(get_account_id(), region, name)
        member[_CONSISTENCY] = consistency or "EVENTUAL"
        if consistency == "STRONG":
            for stream in ("StreamSpecification", "LatestStreamLabel", "LatestStreamArn"):
                member.pop(stream, None)
    return None


def _configure(name: str, replica: dict) -> None:
    """What a template says of one replica."""
    account, region = get_account_id(), replica["Region"]
    with request_scope(account, region):
        table = dynamodb._tables[name]
        table["DeletionProtectionEnabled"] = str(replica.get("DeletionProtectionEnabled")).lower() == "true"
        recovery = (replica.get("PointInTimeRecoverySpecification") or {}).get("PointInTimeRecoveryEnabled")
        dynamodb._pitr_settings[name] = str(recovery).lower() == "true"
        if replica.get("Tags"):
            dynamodb._tags[table["TableArn"]] = replica["Tags"]


def _delete(physical_id: str, properties: dict) -> None:
    for replica in properties.get("Replicas") or []:
        with request_scope(get_account_id(), replica["Region"]):
            dynamodb.drop_stream_records(physical_id, dynamodb._tables.pop(physical_id, None))


async def _updated(call: Call, proceed: Proceed) -> Answer:
    consistency, updates = call.parameters.get("MultiRegionConsistency"), call.parameters.get("ReplicaUpdates") or []
    name = call.parameters.get("TableName", "")
    if consistency != "STRONG" or name not in dynamodb._tables or not all("Create" in update for update in updates):
        return await proceed(call)
    refused = _replicate(name, updates, consistency)
    if refused:
        return error(call, "ValidationException", refused, 400)
    return answer_of(dynamodb.json_response({"TableDescription": dynamodb._table_description(name)}))


async def _not_of_strong(call: Call, proceed: Proceed) -> Answer:
    names = {call.parameters.get("TableName", "")}
    for item in call.parameters.get("TransactItems") or []:
        names |= {action.get("TableName", "") for action in item.values() if isinstance(action, dict)}
    strong = [name for name in names if dynamodb._tables.get(name, {}).get(_CONSISTENCY) == "STRONG"]
    if strong:
        message = f"{call.operation} is not supported for tables with multi-Region strong consistency: {strong[0]}"
        return error(call, "ValidationException", message, 400)
    return await proceed(call)
