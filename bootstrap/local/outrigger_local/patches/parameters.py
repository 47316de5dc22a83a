"""Parameters keep their type and stay within their tier, and what is not there has no tags.

AWS (Systems Manager API Reference, PutParameter, AddTagsToResource, ListTagsForResource; User Guide, "Managing
parameter tiers"): a value of the tier Standard has 1 to 4096 characters and no reference to another parameter; one of
another type is HierarchyTypeMismatchException; tags of a parameter that is not there are InvalidResourceId. MiniStack
takes every value and every type, and answers with no tags, or keeps them for nobody.
"""

from __future__ import annotations

from ministack.services import ssm

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks

_STANDARD_MAX = 4096
_TOO_LONG = (
    "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter "
    "value, upgrade the parameter to use the advanced-parameter tier."
)
_EMPTY = (
    "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater "
    "than or equal to 1"
)
_NESTED = "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value."
_OTHER_TYPE = (
    "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't change a "
    "parameter from a String type to a SecureString type. You must create a new, unique parameter."
)


def install(hooks: Hooks) -> None:
    """Puts it around the calls."""
    hooks.around("ssm", "PutParameter")(_put)
    hooks.around("ssm", "AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource")(_tags)


async def _put(call: Call, proceed: Proceed) -> Answer:
    value, tier = call.parameters.get("Value", ""), call.parameters.get("Tier") or "Standard"
    there = ssm._parameters.get(call.parameters.get("Name", "")) or {}
    if not value:
        return error(call, "ValidationException", _EMPTY, 400)
    if "{{" in value:
        return error(call, "ValidationException", _NESTED, 400)
    if len(value) > _STANDARD_MAX and tier == "Standard" and there.get("Tier") != "Advanced":
        return error(call, "ValidationException", _TOO_LONG, 400)
    if call.parameters.get("Overwrite") and there and call.parameters.get("Type", there["Type"]) != there["Type"]:
        return error(call, "HierarchyTypeMismatchException", _OTHER_TYPE, 400)
    return await proceed(call)


async def _tags(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("ResourceId", "")
    is_parameter = call.parameters.get("ResourceType") == "Parameter"
    if is_parameter and ssm._lookup_parameter(name, flexible_name=True)[1] is None:
        return error(call, "InvalidResourceId", f"The resource ID {name} is not valid.", 400)
    return await proceed(call)
