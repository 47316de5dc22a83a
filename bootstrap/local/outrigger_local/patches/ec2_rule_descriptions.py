"""The descriptions of a security group's rules can be changed.

AWS (EC2 API Reference, UpdateSecurityGroupRuleDescriptionsIngress and Egress): the rules are named by their contents or
by their ids, one that is left without a description loses it, and one that does not exist is
InvalidPermission.NotFound. MiniStack does not know the operations.
"""

from __future__ import annotations

from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of
from outrigger_local.patches.ec2_duplicates import peers

_SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")


def install(hooks: Hooks) -> None:
    """Answers the operations."""
    for direction in ("Ingress", "Egress"):
        hooks.around("ec2", f"UpdateSecurityGroupRuleDescriptions{direction}")(_described)


async def _described(call: Call, _: Proceed) -> Answer:
    identifier, egress = call.parameters.get("GroupId", ""), call.operation.endswith("Egress")
    group = ec2._security_groups.get(identifier)
    if group is None:
        return error(call, "InvalidGroup.NotFound", f"The security group '{identifier}' does not exist", 400)
    held = group["IpPermissionsEgress" if egress else "IpPermissions"]
    parameters = {name: [value] for name, value in call.parameters.items()}
    changes = [
        (entry, given)
        for rule in ec2._parse_ip_permissions(parameters, "IpPermissions")
        for peer, given in _entries(rule)
        for entry in [_entry_with(peer, held)]
    ]
    number = 1
    while rule_id := call.parameters.get(f"SecurityGroupRuleDescription.{number}.SecurityGroupRuleId"):
        text = call.parameters.get(f"SecurityGroupRuleDescription.{number}.Description", "")
        rules = [rule for rule in held if ec2._sg_rule_id(identifier, egress, rule) == rule_id]
        entries = [entry for rule in rules for _, entry in _entries(rule)] or [None]
        changes += [(entry, {"Description": text}) for entry in entries]
        number += 1
    if not changes:
        return error(call, "MissingParameter", "The request must contain rules or descriptions of rules.", 400)
    if any(entry is None for entry, _ in changes):
        message = "The specified rule does not exist in this security group."
        return error(call, "InvalidPermission.NotFound", message, 400)
    for entry, given in changes:
        entry.pop("Description", None)
        if given.get("Description"):
            entry["Description"] = given["Description"]
    for rule in held:
        # MiniStack's own copy of it, for a rule by its id.
        rule.pop("Description", None)
    return answer_of(ec2._xml(200, f"{call.operation}Response", "<return>true</return>"))


def _entries(rule: dict) -> list[tuple[tuple, dict]]:
    """What AWS counts as a rule, and where its description is held."""
    return list(zip(peers(rule), (entry for source in _SOURCES for entry in rule.get(source, [])), strict=True))


def _entry_with(peer: tuple, held: list[dict]) -> dict | None:
    return next((entry for rule in held for found, entry in _entries(rule) if found == peer), None)
