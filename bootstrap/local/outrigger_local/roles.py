"""What a role's policies allow a service that has taken it on."""

from __future__ import annotations

from ministack.core.iam_evaluator import EvalContext, _gather_role_policies, _permissions_boundary, evaluate
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, tagging


def allows(role_arn: str, session: str, action: str, resource: str) -> bool:
    """Whether the role may do ``action`` to ``resource``, within its boundary; a role that is not there may nothing."""
    name, account = role_arn.rpartition("/")[2], get_account_id()
    if name not in iam._roles:
        return False
    tags = tagging.resource_tags(resource) or {}
    context = EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session}", principal_type="AssumedRole",
        principal_account=account, action=action, resource_arn=resource, region=get_region(),
        service_context={f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}, principal_keys={},
    )  # fmt: skip
    policies = _gather_role_policies(name, account)
    limits = _permissions_boundary(iam._roles, name, account)
    return evaluate(context, policies, *limits).decision == "Allow"
