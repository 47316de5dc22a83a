"""GetResources lists what the other services have tagged, page by page.

AWS (Resource Groups Tagging API Reference, GetResources; "Services that support the Resource Groups Tagging API"): the
tagged resources of the region of the call, by ARN, at most ResourcesPerPage of them with a token for the rest.
MiniStack leaves out EC2, RDS, Kinesis, secrets, alarms, log groups and state machines, lists caches of other regions,
and answers everything at once.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs, ec2, kinesis, rds, stepfunctions, tagging

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, with_parameters

# The kind in an ARN by the prefix of the id.
_EC2_KINDS = {
    "vpc": "vpc", "subnet": "subnet", "rtb": "route-table", "igw": "internet-gateway", "sg": "security-group",
    "sgr": "security-group-rule", "eipalloc": "elastic-ip", "nat": "natgateway", "eni": "network-interface",
    "pcx": "vpc-peering-connection", "acl": "network-acl", "vpce": "vpc-endpoint", "i": "instance", "vol": "volume",
    "dopt": "dhcp-options", "lt": "launch-template",
}  # fmt: skip
_PAGE, _LARGEST_PAGE = 50, 100
_Tagged = Iterator[tuple[str, list[dict]]]


def install(hooks: Hooks) -> None:
    """Adds the services to those that MiniStack collects from, and puts the pages around the call."""
    tagging._COLLECTORS.update(
        {
            "ec2": _ec2,
            "rds": lambda: iter(rds._tags.items()),
            "kinesis": _kinesis,
            "secretsmanager": tagging._collect_secretsmanager,
            "cloudwatch": lambda: _listed(cloudwatch._resource_tags),
            "logs": _logs,
            "states": lambda: _listed(stepfunctions._tags),
            "ssm": tagging._collect_ssm,
        }
    )
    hooks.around("tagging", "GetResources")(_paged)


def _listed(store) -> _Tagged:
    """The tags by ARN of a store that has them as a list, or as a dictionary."""
    for arn, tags in store.items():
        yield arn, tagging._normalise_flat(tags) if isinstance(tags, dict) else [_standard(tag) for tag in tags]


def _standard(tag: dict) -> dict:
    return {"Key": tag.get("Key", tag.get("key")), "Value": tag.get("Value", tag.get("value"))}


def _ec2() -> _Tagged:
    for identifier, tags in ec2._tags.items():
        kind = _EC2_KINDS.get(identifier.partition("-")[0])
        if kind:
            yield f"arn:aws:ec2:{get_region()}:{get_account_id()}:{kind}/{identifier}", tags


def _kinesis() -> _Tagged:
    for stream in kinesis._streams.values():
        yield stream["StreamARN"], tagging._normalise_flat(stream.get("tags"))


def _logs() -> _Tagged:
    for group in cloudwatch_logs._log_groups.values():
        yield group["arn"].removesuffix(":*"), tagging._normalise_flat(group.get("tags"))


async def _paged(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    size, token = given.get("ResourcesPerPage", _PAGE), given.get("PaginationToken") or ""
    if not isinstance(size, int) or not 0 < size <= _LARGEST_PAGE:
        message = "ResourcesPerPage must be between 1 and 100"
        return error(call, "InvalidParameterException", message, 400)
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except ValueError:
        return error(call, "InvalidParameterException", "The PaginationToken is not valid", 400)
    listing = given.get("ResourceARNList")
    answer = await proceed(call if listing else with_parameters(call, PaginationToken=None, ResourcesPerPage=None))
    if answer.status >= 300:
        return answer
    found = [resource for resource in json.loads(answer.body)["ResourceTagMappingList"] if _is_listed(resource)]
    found.sort(key=lambda resource: resource["ResourceARN"])
    more = base64.b64encode(str(start + size).encode()).decode() if start + size < len(found) else ""
    content = {"ResourceTagMappingList": found[start : start + size], "PaginationToken": more}
    answer.body = json.dumps(content).encode()
    return answer


def _is_listed(resource: dict) -> bool:
    """Whether it is of the region, or of none, and has tags."""
    return bool(resource["Tags"]) and resource["ResourceARN"].split(":")[3] in ("", get_region())
