"""NAT gateways take their time, have an address, and can fail.

AWS (VPC User Guide, "Work with NAT gateways", "Troubleshoot NAT gateways"): one is ``pending`` at first, and ``failed``
with a code and a message where its VPC has no internet gateway or its address is in use; it holds its address until it
is ``deleted``, which it is after a while as ``deleting``, and shows for about an hour then; while one is there, its
VPC's internet gateway cannot be detached. With MiniStack one is available or deleted at once, and has no address.
"""

from __future__ import annotations

import time

from ministack.core.responses import new_uuid
from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import ANY, Hooks, answer_of, members

_SECONDS = 0.2
_NEXT = {"pending": "available", "deleting": "deleted"}
_FILTERS = {"state": "State", "vpc-id": "VpcId", "subnet-id": "SubnetId", "nat-gateway-id": "NatGatewayId"}


def install(hooks: Hooks) -> None:
    """Brings the states up to date before every call, and puts it around the calls that are about NAT gateways."""
    hooks.around("ec2", ANY)(_advanced)
    hooks.around("ec2", "CreateNatGateway")(_created)
    hooks.around("ec2", "DescribeNatGateways")(_described)
    hooks.around("ec2", "DeleteNatGateway")(_deleted)
    hooks.around("ec2", "DetachInternetGateway")(_detached)


async def _advanced(call: Call, proceed: Proceed) -> Answer:
    for gateway in ec2._nat_gateways.values():
        if gateway["State"] in _NEXT and time.monotonic() >= gateway.get("Due", 0):
            gateway["State"] = _NEXT[gateway["State"]]
            if gateway["State"] == "deleted":
                _let_go(gateway)
    return await proceed(call)


def _let_go(gateway: dict) -> None:
    address = ec2._addresses.get(gateway["AllocationId"])
    if address and address.get("AssociationId") == gateway.get("AssociationId"):
        address.update(AssociationId=None, NetworkInterfaceId=None, PrivateIpAddress=None)
    gateway["Tags"] = ec2._tags.pop(gateway["NatGatewayId"], gateway.get("Tags") or [])


async def _created(call: Call, proceed: Proceed) -> Answer:
    subnet, allocation = call.parameters.get("SubnetId", ""), call.parameters.get("AllocationId", "")
    before = set(ec2._nat_gateways)
    answer = await proceed(call)
    if answer.status >= 300:
        return answer
    (identifier,) = set(ec2._nat_gateways) - before
    gateway, vpc = ec2._nat_gateways[identifier], ec2._subnets[subnet]["VpcId"]
    gateway.update(State="pending", Due=time.monotonic() + _SECONDS, PrivateIp=ec2._random_ip("10.0."))
    address = ec2._addresses.get(allocation)
    attachments = [held for internet in ec2._internet_gateways.values() for held in internet["Attachments"]]
    if gateway["ConnectivityType"] == "public":
        if not any(attachment["VpcId"] == vpc for attachment in attachments):
            message = f"Network {vpc} has no Internet gateway attached"
            gateway.update(State="failed", FailureCode="Gateway.NotAttached", FailureMessage=message)
        elif address.get("AssociationId"):
            message = f"Elastic IP address {allocation} is already associated"
            gateway.update(State="failed", FailureCode="Resource.AlreadyAssociated", FailureMessage=message)
        else:
            gateway["AssociationId"] = f"eipassoc-{new_uuid().replace('-', '')[:17]}"
            gateway["NetworkInterfaceId"] = f"eni-{new_uuid().replace('-', '')[:17]}"
            gateway["PublicIp"] = address["PublicIp"]
            for name in ("AssociationId", "NetworkInterfaceId"):
                address[name] = gateway[name]
            address["PrivateIpAddress"] = gateway["PrivateIp"]
    token = call.parameters.get("ClientToken", "")
    body = f"{_shown(gateway, 'natGateway')}<clientToken>{token}</clientToken>"
    return answer_of(ec2._xml(200, "CreateNatGatewayResponse", body))


def _shown(gateway: dict, element: str = "item") -> str:
    def optional(name: str, tag: str) -> str:
        return f"<{tag}>{gateway[name]}</{tag}>" if gateway.get(name) else ""

    address = (
        f"{optional('AllocationId', 'allocationId')}{optional('NetworkInterfaceId', 'networkInterfaceId')}"
        f"{optional('PrivateIp', 'privateIp')}{optional('PublicIp', 'publicIp')}"
        f"{optional('AssociationId', 'associationId')}<isPrimary>true</isPrimary><status>succeeded</status>"
    )
    identifier = gateway["NatGatewayId"]
    if gateway["State"] == "deleted":
        tags = "".join(f"<item><key>{tag['Key']}</key><value>{tag['Value']}</value></item>" for tag in gateway["Tags"])
        tags = f"<tagSet>{tags}</tagSet>"
    else:
        tags = ec2._tag_set_xml(identifier)
    return (
        f"<{element}><natGatewayId>{identifier}</natGatewayId><subnetId>{gateway['SubnetId']}</subnetId>"
        f"<vpcId>{gateway['VpcId']}</vpcId><state>{gateway['State']}</state>"
        f"<connectivityType>{gateway['ConnectivityType']}</connectivityType>"
        f"<createTime>{gateway['CreateTime']}</createTime>"
        f"{optional('FailureCode', 'failureCode')}{optional('FailureMessage', 'failureMessage')}"
        f"<natGatewayAddressSet><item>{address}</item></natGatewayAddressSet>{tags}</{element}>"
    )


async def _described(call: Call, _: Proceed) -> Answer:
    asked = members(call.parameters, "NatGatewayId")
    for identifier in asked:
        if identifier not in ec2._nat_gateways:
            return _not_found(call, identifier)
    filters = ec2._parse_filters({name: [value] for name, value in call.parameters.items()})
    items = ""
    for identifier, gateway in ec2._nat_gateways.items():
        by_value = all(gateway[_FILTERS[name]] in values for name, values in filters.items() if name in _FILTERS)
        tags = {tag["Key"]: tag["Value"] for tag in gateway.get("Tags") or []}
        if gateway["State"] == "deleted":
            wanted = ((name[4:], values) for name, values in filters.items() if name.startswith("tag:"))
            by_tags = all(tags.get(key) in values for key, values in wanted)
        else:
            by_tags = ec2._resource_matches_tag_filters(identifier, filters)
        if by_value and by_tags and (not asked or identifier in asked):
            items += _shown(gateway)
    return answer_of(ec2._xml(200, "DescribeNatGatewaysResponse", f"<natGatewaySet>{items}</natGatewaySet>"))


def _not_found(call: Call, identifier: str) -> Answer:
    return error(call, "NatGatewayNotFound", f"The Nat Gateway {identifier} was not found", 400)


async def _deleted(call: Call, _: Proceed) -> Answer:
    identifier = call.parameters.get("NatGatewayId", "")
    gateway = ec2._nat_gateways.get(identifier)
    if gateway is None or gateway["State"] == "deleted":
        return _not_found(call, identifier)
    if gateway["State"] != "deleting":
        gateway.update(State="deleting", Due=time.monotonic() + _SECONDS)
    body = f"<natGatewayId>{identifier}</natGatewayId>"
    return answer_of(ec2._xml(200, "DeleteNatGatewayResponse", body))


async def _detached(call: Call, proceed: Proceed) -> Answer:
    vpc = call.parameters.get("VpcId", "")
    for gateway in ec2._nat_gateways.values():
        if gateway["VpcId"] == vpc and gateway.get("AssociationId") and gateway["State"] != "deleted":
            message = (
                f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
                "detaching the gateway."
            )
            return error(call, "DependencyViolation", message, 400)
    return await proceed(call)
