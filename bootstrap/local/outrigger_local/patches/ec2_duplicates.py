"""EC2 refuses what is there already.

AWS (EC2 API Reference, "Error codes"): InvalidPermission.Duplicate for a rule of a security group, whatever its
description; RouteAlreadyExists; Resource.AlreadyAssociated for a subnet that has a route table; a VPC has one internet
gateway; revoking a rule that is not there is InvalidPermission.NotFound. MiniStack takes or ignores all of these.
"""

from __future__ import annotations

from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks

_RULES = {
    "AuthorizeSecurityGroupIngress": "IpPermissions",
    "AuthorizeSecurityGroupEgress": "IpPermissionsEgress",
    "RevokeSecurityGroupIngress": "IpPermissions",
    "RevokeSecurityGroupEgress": "IpPermissionsEgress",
}


def install(hooks: Hooks) -> None:
    """Puts the checks around the calls."""
    hooks.around("ec2", *_RULES)(_rules)
    hooks.around("ec2", "CreateRoute")(_route)
    hooks.around("ec2", "AssociateRouteTable")(_association)
    hooks.around("ec2", "AttachInternetGateway")(_attachment)


async def _rules(call: Call, proceed: Proceed) -> Answer:
    group = ec2._security_groups.get(call.parameters.get("GroupId", ""))
    if group is None:
        return await proceed(call)
    held = {peer for rule in group[_RULES[call.operation]] for peer in peers(rule)}
    parameters = {name: [value] for name, value in call.parameters.items()}
    given = [peer for rule in ec2._parse_ip_permissions(parameters, "IpPermissions") for peer in peers(rule)]
    revoke = call.operation.startswith("Revoke")
    for peer in given:
        if revoke and peer not in held:
            return error(
                call, "InvalidPermission.NotFound", "The specified rule does not exist in this security group.", 400
            )
        if not revoke and (peer in held or given.count(peer) > 1):
            _, protocol, first, last, source = peer
            message = (
                f'the specified rule "peer: {source}, {"ALL" if protocol == "-1" else protocol.upper()}, '
                f'from port: {first}, to port: {last}, ALLOW" already exists'
            )
            return error(call, "InvalidPermission.Duplicate", message, 400)
    return await proceed(call)


def peers(rule: dict) -> list[tuple]:
    """One tuple for each range or group of a rule: that is what AWS counts as a rule."""
    protocol = str(rule.get("IpProtocol"))
    ports = ("-", "-") if protocol == "-1" else (str(rule.get("FromPort")), str(rule.get("ToPort")))
    sources = [("range", entry.get("CidrIp")) for entry in rule.get("IpRanges", [])]
    sources += [("range6", entry.get("CidrIpv6")) for entry in rule.get("Ipv6Ranges", [])]
    sources += [("list", entry.get("PrefixListId")) for entry in rule.get("PrefixListIds", [])]
    sources += [("group", entry.get("GroupId")) for entry in rule.get("UserIdGroupPairs", [])]
    return [(kind, protocol, *ports, source) for kind, source in sources]


async def _route(call: Call, proceed: Proceed) -> Answer:
    table = ec2._route_tables.get(call.parameters.get("RouteTableId", ""), {})
    destination = call.parameters.get("DestinationCidrBlock")
    if any(route.get("DestinationCidrBlock") == destination for route in table.get("Routes", [])):
        return error(call, "RouteAlreadyExists", f"The route identified by {destination} already exists.", 400)
    return await proceed(call)


async def _association(call: Call, proceed: Proceed) -> Answer:
    table, subnet = call.parameters.get("RouteTableId"), call.parameters.get("SubnetId")
    for other in ec2._route_tables.values():
        if subnet and any(association.get("SubnetId") == subnet for association in other.get("Associations", [])):
            message = f"the specified association for route table {table} conflicts with an existing association"
            return error(call, "Resource.AlreadyAssociated", message, 400)
    return await proceed(call)


async def _attachment(call: Call, proceed: Proceed) -> Answer:
    gateway, vpc = call.parameters.get("InternetGatewayId"), call.parameters.get("VpcId")
    for identifier, other in ec2._internet_gateways.items():
        if any(attachment["VpcId"] == vpc for attachment in other.get("Attachments", [])):
            if identifier == gateway:
                message = f"resource {gateway} is already attached to network {vpc}"
                return error(call, "Resource.AlreadyAssociated", message, 400)
            message = f"Network {vpc} already has an internet gateway attached"
            return error(call, "InvalidParameterValue", message, 400)
    return await proceed(call)
