"""A peering of two VPCs takes its time, shows late in the other region, is refused where it cannot be, and has options.

AWS (VPC Peering Guide, "VPC peering connection lifecycle"; EC2 API Reference, Create-, Accept- and
DeleteVpcPeeringConnection, ModifyVpcPeeringConnectionOptions): a request is ``initiating-request`` before it is ``pending-acceptance``, an accepted one
``provisioning`` before it is ``active``, a deleted one ``deleting`` before it is ``deleted``; one between overlapping
ranges, or to a VPC that is not there, is ``failed``. One between two regions is accepted in the accepter's, and has
tags of its own in each. What does not fit a state is InvalidStateTransition; a second one between the same VPCs
VpcPeeringConnectionAlreadyExists; an unknown id is not found. Of an active one the address ranges are shown, and each
side's options can be changed in its region. MiniStack does all of it at once, wherever it is asked, between whatever
VPCs, has no options, and forgets the peering that a route is replaced with.
"""

from __future__ import annotations

import copy
import ipaddress
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members

_STEP_SECONDS = 0.2
_NAMED = "VpcPeeringConnectionId"
_OPTION = "AllowDnsResolutionFromRemoteVpc"
_SIDES = ("Requester", "Accepter")
_LIVE = ("initiating-request", "pending-acceptance", "provisioning", "active")
_MESSAGES = {
    "initiating-request": "Initiating Request to {}",
    "pending-acceptance": "Pending Acceptance by {}",
    "provisioning": "Provisioning",
    "active": "Active",
    "deleting": "Deleting",
    "deleted": "Deleted by {}",
    "failed": "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range",
}


@dataclass
class _Turn:
    """The next state of a peering, and when it has it."""

    due: float
    record: dict
    state: str


_turns: list[_Turn] = []


def install(hooks: Hooks) -> None:
    """Puts the states around the calls, and answers the one that is missing."""
    hooks.around("ec2", "CreateVpcPeeringConnection")(_create)
    hooks.around("ec2", "AcceptVpcPeeringConnection")(_accept)
    hooks.around("ec2", "DeleteVpcPeeringConnection")(_delete)
    hooks.around("ec2", "DescribeVpcPeeringConnections", "DescribeRouteTables")(_described)
    hooks.around("ec2", "CreateRoute", "ReplaceRoute")(_route)
    hooks.around("ec2", "ModifyVpcPeeringConnectionOptions")(_options_modified)


def _advance() -> None:
    now = time.monotonic()
    for turn in [turn for turn in _turns if turn.due <= now]:
        _turns.remove(turn)
        if turn.state == "pending-acceptance":
            account, region = _side(turn.record, "Accepter")
            ec2._vpc_peering.set_scoped(account, region, turn.record[_NAMED], copy.deepcopy(turn.record))
        _set(turn.record, turn.state)


def _set(record: dict, state: str) -> None:
    message = _MESSAGES[state].format(get_account_id())
    ec2._set_vpc_peering_status(record, state, message)
    # It may not be shown yet.
    record["Status"] = {"Code": state, "Message": message}


def _turn(record: dict, now: str, then: str) -> None:
    """Gives a peering a state, and another one in a while."""
    _set(record, now)
    _turns.append(_Turn(time.monotonic() + _STEP_SECONDS, record, then))


def _side(record: dict, side: str) -> tuple[str, str]:
    return record[f"{side}VpcInfo"]["OwnerId"], record[f"{side}VpcInfo"]["Region"]


def _missing(call: Call, identifier: str) -> Answer | None:
    if identifier in ec2._vpc_peering:
        return None
    message = f"The vpcPeeringConnection ID '{identifier}' does not exist"
    return error(call, "InvalidVpcPeeringConnectionID.NotFound", message, 400)


async def _create(call: Call, proceed: Proceed) -> Answer:
    _advance()
    vpc, peer = call.parameters.get("VpcId", ""), call.parameters.get("PeerVpcId", "")
    account, region = get_account_id(), call.parameters.get("PeerRegion") or get_region()
    if vpc not in ec2._vpcs:
        return error(call, "InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist", 400)
    before = set(ec2._vpc_peering.keys())
    for record in ec2._vpc_peering.values():
        vpcs = {record["RequesterVpcInfo"]["VpcId"], record["AccepterVpcInfo"]["VpcId"]}
        if vpcs == {vpc, peer} and record["Status"]["Code"] in _LIVE:
            message = f"A VPC peering connection between {vpc} and {peer} already exists"
            return error(call, "VpcPeeringConnectionAlreadyExists", message, 400)
    answer = await proceed(call)
    if answer.status < 300:
        (made,) = set(ec2._vpc_peering.keys()) - before
        record = ec2._vpc_peering[made]
        other = ec2._vpcs.get_scoped(account, region, peer)
        if (account, region) != _side(record, "Requester"):
            ec2._vpc_peering.pop_scoped(account, region, made, None)
        if other is None or _overlap(ec2._vpcs[vpc], other):
            _turn(record, "initiating-request", "failed")
        else:
            _turn(record, "initiating-request", "pending-acceptance")
        answer.body = answer.body.replace(b"pending-acceptance", b"initiating-request")
    return answer


def _overlap(one: dict, other: dict) -> bool:
    ranges = [ipaddress.ip_network(vpc["CidrBlock"], strict=False) for vpc in (one, other)]
    return ranges[0].overlaps(ranges[1])


async def _accept(call: Call, proceed: Proceed) -> Answer:
    _advance()
    identifier = call.parameters.get(_NAMED, "")
    missing = _missing(call, identifier)
    if missing:
        return missing
    record = ec2._vpc_peering[identifier]
    if (get_account_id(), get_region()) != _side(record, "Accepter"):
        message = f"User {get_account_id()} cannot accept peering {identifier}"
        return error(call, "OperationNotPermitted", message, 400)
    refused = _refused(call, record, ("pending-acceptance",))
    if refused:
        return refused
    answer = await proceed(call)
    _turn(record, "provisioning", "active")
    answer.body = answer.body.replace(b"<code>active<", b"<code>provisioning<")
    return answer


async def _delete(call: Call, proceed: Proceed) -> Answer:
    _advance()
    identifier = call.parameters.get(_NAMED, "")
    missing = _missing(call, identifier)
    if missing:
        return missing
    record = ec2._vpc_peering[identifier]
    refused = _refused(call, record, ("pending-acceptance", "active"))
    if refused:
        return refused
    answer = await proceed(call)
    # With it go its tags on both sides.
    for side in _SIDES:
        ec2._tags.pop_scoped(*_side(record, side), identifier, None)
    _turn(record, "deleting", "deleted")
    return answer


def _refused(call: Call, record: dict, states: tuple[str, ...]) -> Answer | None:
    state = record["Status"]["Code"]
    if state in states:
        return None
    message = f"Invalid state transition for {record[_NAMED]}, attempted to transition from {state}"
    return error(call, "InvalidStateTransition", message, 400)


async def _described(call: Call, proceed: Proceed) -> Answer:
    _advance()
    if call.operation == "DescribeVpcPeeringConnections":
        for identifier in members(call.parameters, _NAMED):
            missing = _missing(call, identifier)
            if missing:
                return missing
    answer = await proceed(call)
    if call.operation == "DescribeVpcPeeringConnections":
        answer.body = _with_sides(answer.body.decode()).encode()
    return answer


def _with_sides(body: str) -> str:
    for record in ec2._vpc_peering.values():
        identifier = f"<vpcPeeringConnectionId>{record[_NAMED]}</vpcPeeringConnectionId>"
        start = body.find(identifier)
        if start >= 0 and record["Status"]["Code"] == "active":
            end = body.index("</accepterVpcInfo>", start) + len("</accepterVpcInfo>")
            body = body[:start] + identifier + "".join(_shown(record, side) for side in _SIDES) + body[end:]
    return body


def _shown(record: dict, side: str) -> str:
    name, info = f"{side.lower()}VpcInfo", record[f"{side}VpcInfo"]
    vpc = ec2._vpcs.get_scoped(info["OwnerId"], info["Region"], info["VpcId"])
    block = f"<cidrBlock>{vpc['CidrBlock']}</cidrBlock>" if vpc else ""
    blocks = f"{block}<cidrBlockSet><item>{block}</item></cidrBlockSet>" if vpc else ""
    return (
        f"<{name}><vpcId>{info['VpcId']}</vpcId><ownerId>{info['OwnerId']}</ownerId>"
        f"<region>{info['Region']}</region>{blocks}<peeringOptions>{_option(info)}</peeringOptions></{name}>"
    )


def _option(info: dict) -> str:
    value = str(info.get(_OPTION, False)).lower()
    return f"<allowDnsResolutionFromRemoteVpc>{value}</allowDnsResolutionFromRemoteVpc>"


def _records(record: dict) -> Iterator[dict]:
    """The peering as each of its two regions has it."""
    for account, region in ec2._vpc_peering_scopes(record):
        of_region = ec2._vpc_peering.get_scoped(account, region, record[_NAMED])
        if of_region is not None:
            yield of_region


async def _options_modified(call: Call, _: Proceed) -> Answer:
    _advance()
    identifier = call.parameters.get(_NAMED, "")
    missing = _missing(call, identifier)
    if missing:
        return missing
    record = ec2._vpc_peering[identifier]
    if record["Status"]["Code"] != "active":
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
        if (get_account_id(), get_region()) != _side(record, side):
            message = f"The {side.lower()} options of {identifier} must be changed in region {_side(record, side)[1]}"
            return error(call, "OperationNotPermitted", message, 400)
    for of_region in _records(record):
        for side, value in asked.items():
            of_region[f"{side}VpcInfo"][_OPTION] = value
    names = {side: f"{side.lower()}PeeringConnectionOptions" for side in asked}
    content = "".join(f"<{name}>{_option(record[f'{side}VpcInfo'])}</{name}>" for side, name in names.items())
    return answer_of(ec2._xml(200, "ModifyVpcPeeringConnectionOptionsResponse", content))


async def _route(call: Call, proceed: Proceed) -> Answer:
    _advance()
    peering, destination = call.parameters.get(_NAMED), call.parameters.get("DestinationCidrBlock")
    missing = _missing(call, peering) if peering else None
    if missing:
        return missing
    answer = await proceed(call)
    if answer.status < 300 and call.operation == "ReplaceRoute":
        for route in ec2._route_tables[call.parameters["RouteTableId"]]["Routes"]:
            if route.get("DestinationCidrBlock") == destination:
                route.pop(_NAMED, None)
                if peering:
                    route.pop("GatewayId", None)
                    route[_NAMED] = peering
    return answer
