"""CloudFormation applies the permissions boundary of a role and the point-in-time recovery of a table.

AWS (CloudFormation Template Reference, AWS::IAM::Role PermissionsBoundary, AWS::DynamoDB::Table
PointInTimeRecoverySpecification): MiniStack's provisioners leave both out without a word, so that a role made by a
template could do more here than in AWS.
"""

from __future__ import annotations

from collections.abc import Callable

from ministack.services import dynamodb, iam
from ministack.services.cloudformation import provisioners


def _boundary(physical_id: str, properties: dict) -> None:
    role = iam._roles.get(physical_id)
    if role is not None:
        role["PermissionsBoundary"] = properties.get("PermissionsBoundary") or None


def _recovery(physical_id: str, properties: dict) -> None:
    wanted = (properties.get("PointInTimeRecoverySpecification") or {}).get("PointInTimeRecoveryEnabled")
    dynamodb._pitr_settings[physical_id] = str(wanted).lower() == "true"


def install() -> None:
    """Wraps the provisioners' create and update."""
    for kind, apply in (("AWS::IAM::Role", _boundary), ("AWS::DynamoDB::Table", _recovery)):
        handlers = provisioners._RESOURCE_HANDLERS[kind]
        handlers["create"] = _applied(handlers["create"], apply, of=1)
        handlers["update"] = _applied(handlers["update"], apply, of=2)


def _applied(provision: Callable, apply: Callable[[str, dict], None], of: int) -> Callable:
    """``provision``, followed by ``apply`` on what it made; ``of`` is the position of the properties."""

    def provision_and_apply(*arguments, **options):
        made = provision(*arguments, **options)
        apply(made[0] if isinstance(made, tuple) else made, arguments[of])
        return made

    return provision_and_apply
