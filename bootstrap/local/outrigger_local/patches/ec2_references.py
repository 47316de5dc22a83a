"""EC2 calls that name an object which does not exist are refused.

AWS (EC2 API Reference, "Error codes"): each kind has its NotFound error. MiniStack checks the object that a call is
about but seldom the others it names: a subnet can be made in a VPC that does not exist, an absent gateway be
detached.
"""

from __future__ import annotations

from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, members

_VPC = ("VpcId", "_vpcs", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist")
_SUBNET = ("SubnetId", "_subnets", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist")
_TABLE = ("RouteTableId", "_route_tables", "InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist")
_INTERNET_GATEWAY = (
    "InternetGatewayId",
    "_internet_gateways",
    "InvalidInternetGatewayID.NotFound",
    "The internetGateway ID '{}' does not exist",
)
_GROUP = ("GroupId", "_security_groups", "InvalidGroup.NotFound", "The security group '{}' does not exist")
_NAMED = {
    "CreateSubnet": (_VPC,),
    "CreateSecurityGroup": (_VPC,),
    "CreateRouteTable": (_VPC,),
    "AttachInternetGateway": (_INTERNET_GATEWAY, _VPC),
    "DetachInternetGateway": (_INTERNET_GATEWAY, _VPC),
    "AssociateRouteTable": (_TABLE, _SUBNET),
    "ReplaceRouteTableAssociation": (_TABLE,),
    "CreateRoute": (_TABLE,),
    "CreateNatGateway": (
        _SUBNET,
        (
            "AllocationId",
            "_addresses",
            "InvalidElasticIpID.NotFound",
            "The elastic-ip ID '{}' does not exist",
        ),
    ),
    "CreateNetworkInterface": (_SUBNET,),
}
# The kind of an object by the prefix of its id, for calls that take any.
_BY_PREFIX = {
    "vpc": _VPC,
    "subnet": _SUBNET,
    "rtb": _TABLE,
    "igw": _INTERNET_GATEWAY,
    "sg": _GROUP,
    "nat": ("", "_nat_gateways", "NatGatewayNotFound", "The Nat Gateway {} was not found"),
    "eipalloc": ("", "_addresses", "InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    "vpce": ("", "_vpc_endpoints", "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{}' does not exist"),
    "pcx": (
        "",
        "_vpc_peering",
        "InvalidVpcPeeringConnectionID.NotFound",
        "The vpcPeeringConnection ID '{}' does not exist",
    ),
}


def install(hooks: Hooks) -> None:
    """Puts the checks around the calls."""
    hooks.around("ec2", *_NAMED)(_named_objects)
    hooks.around("ec2", "CreateTags", "DeleteTags")(_tagged_objects)
    hooks.around("ec2", "DescribeRouteTables")(_described_tables)
    hooks.around("ec2", "DetachInternetGateway")(_attached)
    hooks.around("ec2", "DisassociateRouteTable")(_associated)
    hooks.around("ec2", "CreateRoute", "ReplaceRoute", "DeleteRoute")(_route)
    hooks.around("ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")(_referenced_groups)


def _missing(call: Call, kind: tuple[str, str, str, str], identifier: str) -> Answer | None:
    _, store, code, message = kind
    if identifier in getattr(ec2, store):
        return None
    return error(call, code, message.format(identifier), 400)


async def _named_objects(call: Call, proceed: Proceed) -> Answer:
    for kind in _NAMED[call.operation]:
        identifier = call.parameters.get(kind[0])
        missing = _missing(call, kind, identifier) if identifier else None
        if missing:
            return missing
    return await proceed(call)


async def _tagged_objects(call: Call, proceed: Proceed) -> Answer:
    for identifier in members(call.parameters, "ResourceId"):
        kind = _BY_PREFIX.get(identifier.partition("-")[0])
        missing = _missing(call, kind, identifier) if kind else None
        if missing:
            return missing
    return await proceed(call)


async def _described_tables(call: Call, proceed: Proceed) -> Answer:
    for identifier in members(call.parameters, "RouteTableId"):
        missing = _missing(call, _TABLE, identifier)
        if missing:
            return missing
    return await proceed(call)


async def _attached(call: Call, proceed: Proceed) -> Answer:
    gateway, vpc = call.parameters.get("InternetGatewayId", ""), call.parameters.get("VpcId", "")
    attachments = ec2._internet_gateways[gateway]["Attachments"]
    if not any(attachment["VpcId"] == vpc for attachment in attachments):
        return error(call, "Gateway.NotAttached", f"resource {gateway} is not attached to network {vpc}", 400)
    return await proceed(call)


async def _associated(call: Call, proceed: Proceed) -> Answer:
    wanted = call.parameters.get("AssociationId", "")
    associations = [
        association for table in ec2._route_tables.values() for association in table.get("Associations", [])
    ]
    found = next((a for a in associations if a["RouteTableAssociationId"] == wanted), None)
    if found is None:
        return error(call, "InvalidAssociationID.NotFound", f"The association ID '{wanted}' does not exist", 400)
    if found.get("Main"):
        return error(
            call, "InvalidParameterValue", f"cannot disassociate the main route table association {wanted}", 400
        )
    return await proceed(call)


async def _route(call: Call, proceed: Proceed) -> Answer:
    identifier, destination = call.parameters.get("RouteTableId", ""), call.parameters.get("DestinationCidrBlock")
    table = ec2._route_tables.get(identifier)
    if table is None:
        return await proceed(call)
    gateway = call.parameters.get("GatewayId", "")
    if call.operation != "DeleteRoute" and gateway.startswith("igw-"):
        if gateway not in ec2._internet_gateways:
            return error(call, "InvalidGatewayID.NotFound", f"The gateway ID '{gateway}' does not exist", 400)
        attachments = ec2._internet_gateways[gateway]["Attachments"]
        if not any(attachment["VpcId"] == table["VpcId"] for attachment in attachments):
            message = f"route table {identifier} and network gateway {gateway} belong to different networks"
            return error(call, "InvalidParameterValue", message, 400)
    nat = call.parameters.get("NatGatewayId", "")
    if call.operation != "DeleteRoute" and nat and nat not in ec2._nat_gateways:
        return error(call, "InvalidNatGatewayID.NotFound", f"The NatGateway ID '{nat}' does not exist", 400)
    known = any(route.get("DestinationCidrBlock") == destination for route in table["Routes"])
    if call.operation == "DeleteRoute" and destination and not known:
        message = f"no route with destination-cidr-block {destination} in route table {identifier}"
        return error(call, "InvalidRoute.NotFound", message, 400)
    if call.operation == "ReplaceRoute" and destination and not known:
        message = f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
        return error(call, "InvalidParameterValue", message, 400)
    return await proceed(call)


async def _referenced_groups(call: Call, proceed: Proceed) -> Answer:
    for name, identifier in call.parameters.items():
        if name.startswith("IpPermissions.") and name.endswith(".GroupId"):
            missing = _missing(call, _GROUP, identifier)
            if missing:
                return missing
    return await proceed(call)
