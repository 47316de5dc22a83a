"""VPC endpoints take their time, are found by filters, and have network interfaces.

AWS (EC2 API Reference, CreateVpcEndpoint, ModifyVpcEndpoint, DeleteVpcEndpoints; PrivateLink Guide, "Access AWS
services"): an interface endpoint is ``pending`` at first and ``deleting`` at last, with a network interface in each of
its subnets, which are in different zones, and security groups; a service's private name leads to one endpoint of a VPC;
a route table has one gateway endpoint of a service; what does not exist is refused, by DeleteVpcEndpoints for each id.
With MiniStack one is there or gone at once, and has neither groups, interfaces, names nor filters.
"""

from __future__ import annotations

import time

from ministack.core.responses import get_region, new_uuid
from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import ANY, Hooks, answer_of, members

_SECONDS = 0.2
_FILTERS = {
    "vpc-id": "VpcId",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-state": "State",
    "vpc-endpoint-type": "VpcEndpointType",
    "service-name": "ServiceName",
}
_NAMED = (
    ("SubnetId", "_subnets", "InvalidSubnetId.NotFound", "The Subnet ID '{}' does not exist"),
    ("RouteTableId", "_route_tables", "InvalidRouteTableId.NotFound", "The Route Table ID '{}' does not exist"),
    ("SecurityGroupId", "_security_groups", "InvalidGroup.NotFound", "The security group '{}' does not exist"),
)


def install(hooks: Hooks) -> None:
    """Brings the states up to date before every call, and puts it around the calls that are about endpoints."""
    hooks.around("ec2", ANY)(_advanced)
    hooks.around("ec2", "CreateVpcEndpoint")(_created)
    hooks.around("ec2", "DescribeVpcEndpoints")(_described)
    hooks.around("ec2", "ModifyVpcEndpoint")(_modified)
    hooks.around("ec2", "DeleteVpcEndpoints")(_deleted)


async def _advanced(call: Call, proceed: Proceed) -> Answer:
    for identifier, endpoint in list(ec2._vpc_endpoints.items()):
        if time.monotonic() < endpoint.get("Due", 0):
            continue
        if endpoint["State"] == "pending":
            endpoint["State"] = "available"
        elif endpoint["State"] == "deleting":
            for interface in endpoint["Interfaces"].values():
                ec2._network_interfaces.pop(interface, None)
            ec2._vpc_endpoints.pop(identifier)
            ec2._tags.pop(identifier, None)
    return await proceed(call)


def _absent(call: Call, prefix: str) -> Answer | None:
    for name, store, code, message in _NAMED:
        for identifier in members(call.parameters, prefix + name):
            if identifier not in getattr(ec2, store):
                return error(call, code, message.format(identifier), 400)
    return None


def _in_one_zone(call: Call, subnets: list[str]) -> Answer | None:
    zones = [ec2._subnets[subnet]["AvailabilityZone"] for subnet in subnets]
    for subnet, zone in zip(subnets, zones, strict=True):
        if zones.count(zone) > 1:
            message = f"Found another VPC endpoint subnet in the availability zone of {subnet}."
            return error(call, "DuplicateSubnetsInSameZone", message, 400)
    return None


def _others(vpc: str, service: str, but: str = "") -> list[dict]:
    endpoints = ec2._vpc_endpoints.items()
    same = (held for identifier, held in endpoints if identifier != but and held["ServiceName"] == service)
    return [held for held in same if held["VpcId"] == vpc]


def _with_routes(call: Call, vpc: str, service: str, tables: list[str]) -> Answer | None:
    for other in _others(vpc, service):
        for table in tables:
            if table in other["RouteTableIds"]:
                message = f"route table {table} already has a route for {service}"
                return error(call, "RouteAlreadyExists", message, 400)
    return None


def _with_names(call: Call, vpc: str, service: str, but: str = "") -> Answer | None:
    if any(other.get("PrivateDnsEnabled") for other in _others(vpc, service, but)):
        name = f"{service.rpartition('.')[2]}.{get_region()}.amazonaws.com"
        message = (
            f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {name} in the VPC "
            f"{vpc}"
        )
        return error(call, "InvalidParameter", message, 400)
    return None


async def _created(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    vpc, service = given.get("VpcId", ""), given.get("ServiceName", "")
    kind = given.get("VpcEndpointType") or "Gateway"
    short = service.removeprefix(f"com.amazonaws.{get_region()}.")
    known = ec2._VPCE_GATEWAY_SERVICES if kind == "Gateway" else ec2._VPCE_INTERFACE_SERVICES
    subnets, tables = members(given, "SubnetId"), members(given, "RouteTableId")
    private_dns = kind == "Interface" and given.get("PrivateDnsEnabled") == "true"
    if vpc not in ec2._vpcs:
        return error(call, "InvalidVpcId.NotFound", f"The Vpc Id {vpc} does not exist", 400)
    if short not in known:
        message = f"The Vpc Endpoint Service '{service}' does not exist"
        return error(call, "InvalidServiceName", message, 400)
    refused = _absent(call, "") or _in_one_zone(call, subnets) or _with_routes(call, vpc, service, tables)
    if refused is None and private_dns:
        refused = _with_names(call, vpc, service)
    if refused:
        return refused
    before = set(ec2._vpc_endpoints)
    answer = await proceed(call)
    if answer.status >= 300:
        return answer
    (identifier,) = set(ec2._vpc_endpoints) - before
    endpoint = ec2._vpc_endpoints[identifier]
    endpoint.update(SecurityGroupIds=members(given, "SecurityGroupId"), PrivateDnsEnabled=private_dns, Interfaces={})
    if kind == "Interface":
        endpoint.update(State="pending", Due=time.monotonic() + _SECONDS)
        for subnet in subnets:
            _add_interface(endpoint, subnet)
    return answer_of(ec2._xml(200, "CreateVpcEndpointResponse", _shown(endpoint, "vpcEndpoint")))


def _add_interface(endpoint: dict, subnet: str) -> None:
    identifier = f"eni-{new_uuid().replace('-', '')[:17]}"
    endpoint["Interfaces"][subnet] = identifier
    ec2._network_interfaces[identifier] = {
        "NetworkInterfaceId": identifier,
        "SubnetId": subnet,
        "VpcId": endpoint["VpcId"],
        "AvailabilityZone": ec2._subnets[subnet]["AvailabilityZone"],
        "Description": f"VPC Endpoint Interface {endpoint['VpcEndpointId']}",
        "OwnerId": endpoint["OwnerId"],
        "Status": "in-use",
        "PrivateIpAddress": ec2._random_ip("10.0."),
        "InterfaceType": "vpc_endpoint",
        "SourceDestCheck": True,
        "MacAddress": "02:00:00:00:00:01",
        "Groups": [{"GroupId": group, "GroupName": group} for group in endpoint["SecurityGroupIds"]],
        "Attachment": None,
    }


def _shown(endpoint: dict, element: str = "item") -> str:
    def listed(tag: str, values) -> str:
        return f"<{tag}>{''.join(f'<item>{value}</item>' for value in values)}</{tag}>"

    groups = [f"<groupId>{group}</groupId><groupName>{group}</groupName>" for group in endpoint["SecurityGroupIds"]]
    return (
        f"<{element}><vpcEndpointId>{endpoint['VpcEndpointId']}</vpcEndpointId>"
        f"<vpcEndpointType>{endpoint['VpcEndpointType']}</vpcEndpointType><vpcId>{endpoint['VpcId']}</vpcId>"
        f"<serviceName>{endpoint['ServiceName']}</serviceName><state>{endpoint['State']}</state>"
        f"<ownerId>{endpoint['OwnerId']}</ownerId>"
        f"<privateDnsEnabled>{str(bool(endpoint['PrivateDnsEnabled'])).lower()}</privateDnsEnabled>"
        f"{listed('routeTableIdSet', endpoint['RouteTableIds'])}{listed('subnetIdSet', endpoint['SubnetIds'])}"
        f"{listed('groupSet', groups)}{listed('networkInterfaceIdSet', endpoint['Interfaces'].values())}"
        f"{ec2._tag_set_xml(endpoint['VpcEndpointId'])}</{element}>"
    )


def _not_found(identifier: str) -> tuple[str, str]:
    return "InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{identifier}' does not exist"


async def _described(call: Call, _: Proceed) -> Answer:
    asked = members(call.parameters, "VpcEndpointId")
    for identifier in asked:
        if identifier not in ec2._vpc_endpoints:
            return error(call, *_not_found(identifier), 400)
    filters = ec2._parse_filters({name: [value] for name, value in call.parameters.items()})
    items = ""
    for identifier, endpoint in ec2._vpc_endpoints.items():
        by_value = all(endpoint[_FILTERS[name]] in values for name, values in filters.items() if name in _FILTERS)
        if by_value and (not asked or identifier in asked) and ec2._resource_matches_tag_filters(identifier, filters):
            items += _shown(endpoint)
    return answer_of(ec2._xml(200, "DescribeVpcEndpointsResponse", f"<vpcEndpointSet>{items}</vpcEndpointSet>"))


async def _modified(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    identifier = given.get("VpcEndpointId", "")
    endpoint = ec2._vpc_endpoints.get(identifier)
    if endpoint is None:
        return error(call, *_not_found(identifier), 400)
    if endpoint["State"] == "deleting":
        message = f"The Vpc Endpoint '{identifier}' is in state deleting"
        return error(call, "InvalidVpcEndpointState", message, 400)
    added, removed = members(given, "AddSubnetId"), members(given, "RemoveSubnetId")
    tables, vpc, service = members(given, "AddRouteTableId"), endpoint["VpcId"], endpoint["ServiceName"]
    # One that is there already counts too: AWS does not look at what goes in the same call.
    refused = _absent(call, "Add") or _in_one_zone(call, [*endpoint["SubnetIds"], *added])
    refused = refused or _with_routes(call, vpc, service, tables)
    if refused is None and given.get("PrivateDnsEnabled") == "true":
        refused = _with_names(call, vpc, service, identifier)
    if refused:
        return refused
    answer = await proceed(call)
    if answer.status >= 300:
        return answer
    groups = [*endpoint["SecurityGroupIds"], *members(given, "AddSecurityGroupId")]
    gone = members(given, "RemoveSecurityGroupId")
    endpoint["SecurityGroupIds"] = [group for group in dict.fromkeys(groups) if group not in gone]
    if given.get("PrivateDnsEnabled"):
        endpoint["PrivateDnsEnabled"] = given["PrivateDnsEnabled"] == "true"
    for subnet in removed:
        ec2._network_interfaces.pop(endpoint["Interfaces"].pop(subnet, ""), None)
    for subnet in added:
        _add_interface(endpoint, subnet)
    for interface in endpoint["Interfaces"].values():
        held = ec2._network_interfaces.get(interface)
        if held:
            held["Groups"] = [{"GroupId": group, "GroupName": group} for group in endpoint["SecurityGroupIds"]]
    return answer


async def _deleted(call: Call, _: Proceed) -> Answer:
    unsuccessful = ""
    for identifier in members(call.parameters, "VpcEndpointId"):
        endpoint = ec2._vpc_endpoints.get(identifier)
        if endpoint is None:
            code, message = _not_found(identifier)
            unsuccessful += (
                f"<item><error><code>{code}</code><message>{message}</message></error>"
                f"<resourceId>{identifier}</resourceId></item>"
            )
        elif endpoint["State"] != "deleting":
            seconds = _SECONDS if endpoint["VpcEndpointType"] == "Interface" else 0.0
            endpoint.update(State="deleting", Due=time.monotonic() + seconds)
    body = f"<unsuccessful>{unsuccessful}</unsuccessful>"
    return answer_of(ec2._xml(200, "DeleteVpcEndpointsResponse", body))
