"""With an object its tags are gone.

AWS (EC2 User Guide, "Tag your Amazon EC2 resources"): "the tags of a deleted resource are deleted". MiniStack keeps
them, and DescribeTags goes on listing them.
"""

from __future__ import annotations

from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import Hooks

_PARAMETERS = {
    "DeleteVpc": "VpcId",
    "DeleteSubnet": "SubnetId",
    "DeleteRouteTable": "RouteTableId",
    "DeleteInternetGateway": "InternetGatewayId",
    "DeleteSecurityGroup": "GroupId",
    "ReleaseAddress": "AllocationId",
    "DeleteVpcPeeringConnection": "VpcPeeringConnectionId",
}


def install(hooks: Hooks) -> None:
    """Puts it around the deletions."""
    hooks.around("ec2", *_PARAMETERS)(_delete)


async def _delete(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    if answer.status < 300:
        ec2._tags.pop(call.parameters.get(_PARAMETERS[call.operation], ""), None)
    return answer
