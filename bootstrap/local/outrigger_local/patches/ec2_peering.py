"""VPC peering connections: what joins what, on which side, and with which options.

AWS (EC2 API Reference, CreateVpcPeeringConnection, AcceptVpcPeeringConnection, DeleteVpcPeeringConnection,
ModifyVpcPeeringConnectionOptions, VpcPeeringConnection; VPC Peering Guide, "VPC peering connection lifecycle"): it is
``initiating-request`` first, and ``failed`` where the other VPC does not exist or has addresses of this one's; it is
accepted in the region of the accepter, and ``provisioning`` before it is ``active``; then the CIDR blocks are shown,
and each side's options can be changed in its region. MiniStack asks for none of that, and has no options.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of

_OPTION = "AllowDnsResolutionFromRemoteVpc"
_SIDES = {"Requester": "RequesterVpcInfo", "Accepter": "AccepterVpcInfo"}
_FAILED = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
_ENDED = ("failed", "deleted", "rejected", "expired")


def install(hooks: Hooks) -> None:
    """Puts the checks around the calls, and answers the one that is missing."""
    hooks.around("ec2", "CreateVpcPeeringConnection")(_created)
    hooks.around("ec2", "AcceptVpcPeeringConnection")(_accepted)
    hooks.around("ec2", "DeleteVpcPeeringConnection")(_deleted)
    hooks.around("ec2", "DescribeVpcPeeringConnections")(_described)
    hooks.around("ec2", "ModifyVpcPeeringConnectionOptions")(_options_modified)


def _held(identifier: str) -> dict | None:
    return ec2._vpc_peering.get(identifier)


def _records(held: dict) -> Iterator[dict]:
    """The connection as each of its two regions has it."""
    for account, region in ec2._vpc_peering_scopes(held):
        record = ec2._vpc_peering.get_scoped(account, region, held["VpcPeeringConnectionId"])
        if record is not None:
            yield record


def _vpc(side: dict) -> dict | None:
    return ec2._vpcs.get_scoped(side["OwnerId"], side["Region"], side["VpcId"])


def _absent(call: Call, identifier: str) -> Answer:
    message = f"The vpcPeeringConnection ID '{identifier}' does not exist"
    return error(call, "InvalidVpcPeeringConnectionID.NotFound", message, 400)


async def _created(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    vpc, peer = given.get("VpcId", ""), given.get("PeerVpcId", "")
    if vpc and vpc not in ec2._vpcs:
        return error(call, "InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist", 400)
    for held in ec2._vpc_peering.values():
        joined = {held[side]["VpcId"] for side in _SIDES.values()}
        if joined == {vpc, peer} and held["Status"]["Code"] not in _ENDED:
            message = f"A VPC peering connection between {vpc} and {peer} already exists"
            return error(call, "VpcPeeringConnectionAlreadyExists", message, 400)
    before = set(ec2._vpc_peering)
    answer = await proceed(call)
    if answer.status >= 300:
        return answer
    (made,) = set(ec2._vpc_peering) - before
    held = ec2._vpc_peering[made]
    if not _fits(held):
        ec2._set_vpc_peering_status(held, "failed", _FAILED)
    return _answer(call, held, "initiating-request", f"Initiating Request to {held['AccepterVpcInfo']['OwnerId']}")


def _fits(held: dict) -> bool:
    """Whether both VPCs exist and share no addresses; that of another account is taken for one."""
    accepter = held["AccepterVpcInfo"]
    if accepter["OwnerId"] != get_account_id():
        return True
    first, second = _vpc(held["RequesterVpcInfo"]), _vpc(accepter)
    if first is None or second is None:
        return False
    networks = (ipaddress.ip_network(vpc["CidrBlock"]) for vpc in (first, second))
    return not next(networks).overlaps(next(networks))


async def _accepted(call: Call, proceed: Proceed) -> Answer:
    identifier = call.parameters.get("VpcPeeringConnectionId", "")
    held = _held(identifier)
    if held is None:
        return _absent(call, identifier)
    region = held["AccepterVpcInfo"]["Region"]
    if region != get_region():
        message = (
            f"Incorrect region ({get_region()}) specified for this request. VPC peering connection {identifier} must "
            f"be accepted in region {region}"
        )
        return error(call, "OperationNotPermitted", message, 400)
    refused = _refused_transition(call, held, ("pending-acceptance",), "provisioning")
    if refused:
        return refused
    await proceed(call)
    return _answer(call, held, "provisioning", "Provisioning")


def _refused_transition(call: Call, held: dict, allowed: tuple[str, ...], to: str) -> Answer | None:
    state = held["Status"]["Code"]
    if state in allowed:
        return None
    identifier = held["VpcPeeringConnectionId"]
    message = f"Invalid state transition for {identifier}, attempted to transition from {state} to {to}"
    return error(call, "InvalidStateTransition", message, 400)


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    identifier = call.parameters.get("VpcPeeringConnectionId", "")
    held = _held(identifier)
    if held is None:
        return _absent(call, identifier)
    return _refused_transition(call, held, ("active", "pending-acceptance"), "deleting") or await proceed(call)


async def _described(call: Call, proceed: Proceed) -> Answer:
    for name, identifier in call.parameters.items():
        if name.startswith("VpcPeeringConnectionId.") and _held(identifier) is None:
            return _absent(call, identifier)
    answer = await proceed(call)
    body = answer.body.decode()
    for held in ec2._vpc_peering.values():
        identifier = f"<vpcPeeringConnectionId>{held['VpcPeeringConnectionId']}</vpcPeeringConnectionId>"
        start = body.find(identifier)
        if start >= 0:
            end = body.index("</accepterVpcInfo>", start) + len("</accepterVpcInfo>")
            body = body[:start] + identifier + _sides(held) + body[end:]
    answer.body = body.encode()
    return answer


def _sides(held: dict) -> str:
    return "".join(_side(held, side) for side in _SIDES)


def _side(held: dict, side: str) -> str:
    info = held[_SIDES[side]]
    vpc = _vpc(info) if held["Status"]["Code"] == "active" else None
    block = (
        f"<cidrBlock>{vpc['CidrBlock']}</cidrBlock>"
        f"<cidrBlockSet><item><cidrBlock>{vpc['CidrBlock']}</cidrBlock></item></cidrBlockSet>"
        f"<peeringOptions>{_option(info)}</peeringOptions>"
        if vpc
        else ""
    )
    name = f"{side.lower()}VpcInfo"
    return (
        f"<{name}><vpcId>{info['VpcId']}</vpcId><ownerId>{info['OwnerId']}</ownerId>"
        f"<region>{info['Region']}</region>{block}</{name}>"
    )


def _option(info: dict) -> str:
    value = str(info.get(_OPTION, False)).lower()
    return f"<allowDnsResolutionFromRemoteVpc>{value}</allowDnsResolutionFromRemoteVpc>"


def _answer(call: Call, held: dict, code: str, text: str) -> Answer:
    content = (
        f"<vpcPeeringConnection><vpcPeeringConnectionId>{held['VpcPeeringConnectionId']}</vpcPeeringConnectionId>"
        f"{_sides(held)}<status><code>{code}</code><message>{text}</message></status>"
        f"{ec2._tag_set_xml(held['VpcPeeringConnectionId'])}</vpcPeeringConnection>"
    )
    return answer_of(ec2._xml(200, f"{call.operation}Response", content))


async def _options_modified(call: Call, proceed: Proceed) -> Answer:
    identifier = call.parameters.get("VpcPeeringConnectionId", "")
    held = _held(identifier)
    if held is None:
        return _absent(call, identifier)
    if held["Status"]["Code"] != "active":
        message = f"Peering {identifier} is not active. Peering options can be added only to active peerings."
        return error(call, "OperationNotPermitted", message, 400)
    asked = {
        side: value == "true"
        for side in _SIDES
        if (value := call.parameters.get(f"{side}PeeringConnectionOptions.{_OPTION}")) is not None
    }
    if not asked:
        return error(call, "MissingParameter", "The request must contain options for one of the sides", 400)
    for side in asked:
        info = held[_SIDES[side]]
        if (info["OwnerId"], info["Region"]) != (get_account_id(), get_region()):
            message = f"The {side.lower()} options of {identifier} must be changed in region {info['Region']}"
            return error(call, "OperationNotPermitted", message, 400)
    for record in _records(held):
        for side, value in asked.items():
            record[_SIDES[side]][_OPTION] = value
    names = {side: f"{side.lower()}PeeringConnectionOptions" for side in asked}
    content = "".join(f"<{name}>{_option(held[_SIDES[side]])}</{name}>" for side, name in names.items())
    return answer_of(ec2._xml(200, "ModifyVpcPeeringConnectionOptionsResponse", content))
