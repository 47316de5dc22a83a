"""A route whose target is gone is a black hole.

AWS (EC2 API Reference, Route): the state is ``blackhole`` when the target is not available, for instance because the
gateway is not attached to the VPC, or was deleted. MiniStack says ``active`` for ever.
"""

from __future__ import annotations

from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import Hooks


def install(hooks: Hooks) -> None:
    """Brings the states up to date before they are described."""
    hooks.around("ec2", "DescribeRouteTables")(_described)


async def _described(call: Call, proceed: Proceed) -> Answer:
    for table in ec2._route_tables.values():
        for route in table["Routes"]:
            route["State"] = "active" if _has_target(route, table["VpcId"]) else "blackhole"
    return await proceed(call)


def _has_target(route: dict, vpc: str) -> bool:
    gateway, nat = route.get("GatewayId") or "", route.get("NatGatewayId")
    peering, interface = route.get("VpcPeeringConnectionId"), route.get("NetworkInterfaceId")
    if gateway.startswith("igw-"):
        attachments = (ec2._internet_gateways.get(gateway) or {}).get("Attachments", [])
        return any(attachment["VpcId"] == vpc for attachment in attachments)
    if nat:
        return (ec2._nat_gateways.get(nat) or {}).get("State", "deleted") not in ("deleted", "deleting", "failed")
    if peering:
        return (ec2._vpc_peering.get(peering) or {}).get("Status", {}).get("Code") == "active"
    return not interface or interface in ec2._network_interfaces
