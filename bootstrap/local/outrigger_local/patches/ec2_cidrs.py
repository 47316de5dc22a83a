"""Address ranges in EC2 are checked, and brought into canonical form.

AWS (EC2 API Reference, CreateVpc, CreateSubnet; "Error codes"): a VPC and a subnet are between /16 and /28, a subnet
lies within its VPC and overlaps no other, "we modify the specified CIDR block to its canonical form". MiniStack takes
what it is given. Zones of a subnet are checked too.
"""

from __future__ import annotations

import ipaddress

from ministack.core.responses import get_region
from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, with_parameters


def install(hooks: Hooks) -> None:
    """Puts the checks around the calls."""
    hooks.around("ec2", "CreateVpc", "CreateSubnet")(_block)
    hooks.around("ec2", "CreateRoute", "ReplaceRoute")(_destination)
    hooks.around("ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")(_rule_ranges)


def _network(text: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _invalid(call: Call, parameter: str, text: str) -> Answer:
    message = f"Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."
    return error(call, "InvalidParameterValue", message, 400)


async def _block(call: Call, proceed: Proceed) -> Answer:
    text = call.parameters.get("CidrBlock", "")
    if not text:
        return await proceed(call)
    network = _network(text)
    if network is None:
        return _invalid(call, "cidrBlock", text)
    range_code = "InvalidVpc.Range" if call.operation == "CreateVpc" else "InvalidSubnet.Range"
    if not 16 <= network.prefixlen <= 28:
        return error(call, range_code, f"The CIDR '{text}' is invalid.", 400)
    if call.operation == "CreateSubnet":
        vpc = ec2._vpcs.get(call.parameters.get("VpcId", ""))
        if vpc and not network.subnet_of(ipaddress.IPv4Network(vpc["CidrBlock"], strict=False)):
            return error(call, range_code, f"The CIDR '{text}' is invalid.", 400)
        for subnet in ec2._subnets.values():
            same_vpc = subnet["VpcId"] == call.parameters.get("VpcId")
            if same_vpc and network.overlaps(ipaddress.IPv4Network(subnet["CidrBlock"], strict=False)):
                return error(call, "InvalidSubnet.Conflict", f"The CIDR '{text}' conflicts with another subnet", 400)
        zone = call.parameters.get("AvailabilityZone", "")
        zones = [f"{get_region()}{letter}" for letter in "abc"]
        if zone and zone not in zones:
            message = (
                f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
                f"the following availability zones: {', '.join(zones)}."
            )
            return error(call, "InvalidParameterValue", message, 400)
    answer = await proceed(with_parameters(call, CidrBlock=str(network)) if str(network) != text else call)
    if call.operation == "CreateSubnet":
        free = str(network.num_addresses - 5).encode()
        answer.body = answer.body.replace(b"<availableIpAddressCount>251<", b"<availableIpAddressCount>%s<" % free)
        for subnet in ec2._subnets.values():
            if subnet["CidrBlock"] == str(network) and subnet["VpcId"] == call.parameters.get("VpcId"):
                subnet["AvailableIpAddressCount"] = network.num_addresses - 5
    return answer


async def _destination(call: Call, proceed: Proceed) -> Answer:
    text = call.parameters.get("DestinationCidrBlock", "")
    if not text:
        return await proceed(call)
    network = _network(text)
    if network is None:
        return _invalid(call, "destinationCidrBlock", text)
    return await proceed(with_parameters(call, DestinationCidrBlock=str(network)) if str(network) != text else call)


async def _rule_ranges(call: Call, proceed: Proceed) -> Answer:
    for name, text in call.parameters.items():
        if name.endswith("CidrIp") and _network(text) is None:
            return error(call, "InvalidParameterValue", f"CIDR block {text} is malformed", 400)
    return await proceed(call)
