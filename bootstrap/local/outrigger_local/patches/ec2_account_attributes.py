"""What an account may have of EC2.

AWS (EC2 API Reference, DescribeAccountAttributes): the limits of the account, that of Elastic IP addresses as in
Service Quotas. MiniStack does not know the operation.
"""

from __future__ import annotations

from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members
from outrigger_local.patches.service_quotas import value_of


def install(hooks: Hooks) -> None:
    """Answers the operation."""
    hooks.around("ec2", "DescribeAccountAttributes")(_described)


def _attributes() -> dict[str, str]:
    default = next((vpc["VpcId"] for vpc in ec2._vpcs.values() if vpc.get("IsDefault")), "none")
    return {
        "supported-platforms": "VPC",
        "default-vpc": default,
        "max-instances": "20",
        "max-elastic-ips": "5",
        "vpc-max-elastic-ips": str(int(value_of("ec2", "L-0263D0A3"))),
        "vpc-max-security-groups-per-interface": str(int(value_of("vpc", "L-2AFB9258"))),
    }


async def _described(call: Call, _: Proceed) -> Answer:
    known = _attributes()
    asked = members(call.parameters, "AttributeName") or list(known)
    unknown = [name for name in asked if name not in known]
    if unknown:
        message = f"Value ({unknown[0]}) for parameter attributeName is invalid."
        return error(call, "InvalidParameterValue", message, 400)
    items = "".join(
        f"<item><attributeName>{name}</attributeName><attributeValueSet><item><attributeValue>{known[name]}"
        "</attributeValue></item></attributeValueSet></item>"
        for name in asked
    )
    body = f"<accountAttributeSet>{items}</accountAttributeSet>"
    return answer_of(ec2._xml(200, "DescribeAccountAttributesResponse", body))
