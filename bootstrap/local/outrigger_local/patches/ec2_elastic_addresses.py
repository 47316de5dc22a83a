"""Elastic IP addresses are found by filters, and cannot be released while something has them.

AWS (EC2 API Reference, DescribeAddresses, ReleaseAddress): filters by tags; an id that does not exist is
InvalidAllocationID.NotFound; an address that is associated is InvalidIPAddress.InUse, and one that a NAT gateway holds
AuthFailure. MiniStack has no filters, lists nothing for an unknown id, and releases every address.
"""

from __future__ import annotations

from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members

_MEMBERS = {
    "AllocationId": "allocationId",
    "PublicIp": "publicIp",
    "Domain": "domain",
    "AssociationId": "associationId",
    "InstanceId": "instanceId",
    "NetworkInterfaceId": "networkInterfaceId",
    "PrivateIpAddress": "privateIpAddress",
}
_FILTERS = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "public-ip": "PublicIp",
    "network-interface-id": "NetworkInterfaceId",
}


def install(hooks: Hooks) -> None:
    """Puts it around the list and the release."""
    hooks.around("ec2", "DescribeAddresses")(_described)
    hooks.around("ec2", "ReleaseAddress")(_released)


async def _described(call: Call, _: Proceed) -> Answer:
    asked = members(call.parameters, "AllocationId")
    for identifier in asked:
        if identifier not in ec2._addresses:
            message = f"The allocation ID '{identifier}' does not exist"
            return error(call, "InvalidAllocationID.NotFound", message, 400)
    filters = ec2._parse_filters({name: [value] for name, value in call.parameters.items()})
    items = ""
    for identifier, address in ec2._addresses.items():
        by_value = all(address.get(_FILTERS[name]) in values for name, values in filters.items() if name in _FILTERS)
        if asked and identifier not in asked or not by_value:
            continue
        if ec2._resource_matches_tag_filters(identifier, filters):
            shown = ((element, address.get(name)) for name, element in _MEMBERS.items())
            values = "".join(f"<{element}>{value}</{element}>" for element, value in shown if value)
            items += f"<item>{values}{ec2._tag_set_xml(identifier)}</item>"
    return answer_of(ec2._xml(200, "DescribeAddressesResponse", f"<addressesSet>{items}</addressesSet>"))


async def _released(call: Call, proceed: Proceed) -> Answer:
    identifier = call.parameters.get("AllocationId", "")
    address = ec2._addresses.get(identifier)
    if address and address.get("AssociationId"):
        if any(_holds(gateway, identifier) for gateway in ec2._nat_gateways.values()):
            return error(call, "AuthFailure", "You do not have permission to access the specified resource.", 400)
        return error(call, "InvalidIPAddress.InUse", f"Address {address['PublicIp']} is in use.", 400)
    return await proceed(call)


def _holds(gateway: dict, identifier: str) -> bool:
    return gateway["State"] not in ("deleted", "failed") and gateway["AllocationId"] == identifier
