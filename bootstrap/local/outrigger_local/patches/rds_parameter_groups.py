"""DB parameter groups as in AWS: the engine's parameters, what they allow, and when instances have taken them over.

AWS (RDS API Reference, DescribeEngineDefaultParameters, ModifyDBParameterGroup, ResetDBParameterGroup; RDS User Guide,
"Parameter groups for Amazon RDS"): unknown parameters and values are refused, static ones wait for a reboot, which
ParameterApplyStatus shows; a group of another family cannot be used, one in use cannot be deleted. MiniStack takes any
name and value, knows seven parameters, and never has an instance wait.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, get_region
from ministack.services import rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of
from outrigger_local.patches.postgres_parameters import FAMILIES, Parameter, of_family

_PAGE = 100
_MOST_CHANGES = 20


def install(hooks: Hooks) -> None:
    """Puts the corrections around the calls."""
    hooks.around("rds", "DescribeEngineDefaultParameters")(_described_defaults)
    hooks.around("rds", "DescribeDBParameters")(_described)
    hooks.around("rds", "DescribeDBParameterGroups")(_described_groups)
    hooks.around("rds", "CreateDBParameterGroup")(_created_group)
    hooks.around("rds", "ModifyDBParameterGroup", "ResetDBParameterGroup")(_changed)
    hooks.around("rds", "DeleteDBParameterGroup")(_deleted)
    hooks.around("rds", "CreateDBInstance")(_created_instance)
    hooks.around("rds", "RebootDBInstance")(_rebooted)


def refused_group(call: Call, instance: dict) -> Answer | None:
    """The error for a call that gives an instance a group which is absent or of another family."""
    if instance["Engine"] != "postgres":
        return None
    version = call.parameters.get("EngineVersion") or instance["EngineVersion"]
    current = instance["DBParameterGroups"][0]["DBParameterGroupName"] if instance.get("DBParameterGroups") else ""
    name = call.parameters.get("DBParameterGroupName") or ("" if current.startswith("default.") else current)
    if not name:
        return None
    group, family = _group(name), f"postgres{version.partition('.')[0]}"
    if group is None:
        return _not_found(call, name)
    if group["DBParameterGroupFamily"] == family:
        return None
    message = (
        f"The parameter group {name} with DBParameterGroupFamily {group['DBParameterGroupFamily']} can't be used for "
        f"this instance. Please use a Parameter Group with DBParameterGroupFamily {family}"
    )
    return error(call, "InvalidParameterCombination", message, 400)


def attach(name: str | None, instance: dict) -> None:
    """Gives the instance another group, whose values it has only after a reboot."""
    if name and name != instance["DBParameterGroups"][0]["DBParameterGroupName"]:
        instance["DBParameterGroups"] = [
            {"DBParameterGroupName": name, "ParameterApplyStatus": "pending-reboot"},
        ]


def follow_version(instance: dict) -> None:
    """Puts an instance that has a default group into that of its version."""
    held = instance["DBParameterGroups"][0]
    if instance["Engine"] == "postgres" and held["DBParameterGroupName"].startswith("default."):
        held["DBParameterGroupName"] = f"default.postgres{instance['EngineVersion'].partition('.')[0]}"


def _group(name: str) -> dict | None:
    """A group, the engine's default ones included."""
    family = name.removeprefix("default.")
    if name in rds._param_groups or family == name or family not in FAMILIES:
        return rds._param_groups.get(name)
    return {
        "DBParameterGroupName": name,
        "DBParameterGroupFamily": family,
        "Description": f"Default parameter group for {family}",
        "DBParameterGroupArn": f"arn:aws:rds:{get_region()}:{get_account_id()}:pg:{name}",
        "Parameters": {},
    }


def _not_found(call: Call, name: str) -> Answer:
    return error(call, "DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)


def _page(call: Call, parameters: list[str]) -> tuple[str, str]:
    """The part of the list that the call asks for, and the element with the marker of the next."""
    start = int(call.parameters.get("Marker") or 0)
    size = int(call.parameters.get("MaxRecords") or _PAGE)
    marker = f"<Marker>{start + size}</Marker>" if start + size < len(parameters) else ""
    return f"<Parameters>{''.join(parameters[start : start + size])}</Parameters>", marker


def _xml(parameter: Parameter, held: dict | None) -> str:
    value = held["ParameterValue"] if held else parameter.value
    source = "user" if held else "system" if value else "engine-default"
    allowed = f"<AllowedValues>{parameter.allowed}</AllowedValues>" if parameter.allowed else ""
    return (
        f"<Parameter><ParameterName>{parameter.name}</ParameterName>"
        + (f"<ParameterValue>{escape(value)}</ParameterValue>" if value else "")
        + f"<Description>{parameter.name}</Description><Source>{source}</Source>"
        f"<ApplyType>{parameter.apply_type}</ApplyType><DataType>{parameter.data_type}</DataType>{allowed}"
        f"<IsModifiable>{str(parameter.modifiable).lower()}</IsModifiable>"
        f"<ApplyMethod>{held['ApplyMethod'] if held else 'pending-reboot'}</ApplyMethod></Parameter>"
    )


async def _described_defaults(call: Call, _: Proceed) -> Answer:
    family = call.parameters.get("DBParameterGroupFamily", "")
    if family not in FAMILIES:
        return _unknown_family(call, family)
    parameters, marker = _page(call, [_xml(parameter, None) for parameter in of_family(family).values()])
    body = (
        "<DescribeEngineDefaultParametersResult><EngineDefaults>"
        f"<DBParameterGroupFamily>{family}</DBParameterGroupFamily>{parameters}{marker}"
        "</EngineDefaults></DescribeEngineDefaultParametersResult>"
    )
    return answer_of(rds._xml(200, "DescribeEngineDefaultParametersResponse", body))


def _unknown_family(call: Call, family: str) -> Answer:
    message = f"ParameterGroupFamily {family} is not a valid parameter group family"
    return error(call, "InvalidParameterValue", message, 400)


async def _described(call: Call, proceed: Proceed) -> Answer:
    name, source = call.parameters.get("DBParameterGroupName", ""), call.parameters.get("Source")
    group = _group(name)
    if group is None or group["DBParameterGroupFamily"] not in FAMILIES:
        return await proceed(call) if group else _not_found(call, name)
    held = group["Parameters"]
    listed = [_xml(parameter, held.get(key)) for key, parameter in of_family(group["DBParameterGroupFamily"]).items()]
    wanted = [described for described in listed if not source or f"<Source>{source}</Source>" in described]
    parameters, marker = _page(call, wanted)
    body = f"<DescribeDBParametersResult>{parameters}{marker}</DescribeDBParametersResult>"
    return answer_of(rds._xml(200, "DescribeDBParametersResponse", body))


async def _described_groups(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("DBParameterGroupName", "")
    group = _group(name)
    if group is None or name in rds._param_groups:
        return await proceed(call)
    fields = "".join(f"<{field}>{group[field]}</{field}>" for field in group if field != "Parameters")
    result = "DescribeDBParameterGroupsResult"
    listed = f"<DBParameterGroups><DBParameterGroup>{fields}</DBParameterGroup></DBParameterGroups>"
    return answer_of(rds._xml(200, "DescribeDBParameterGroupsResponse", f"<{result}>{listed}</{result}>"))


async def _created_group(call: Call, proceed: Proceed) -> Answer:
    family = call.parameters.get("DBParameterGroupFamily", "")
    if family.startswith("postgres") and family not in FAMILIES:
        return _unknown_family(call, family)
    return await proceed(call)


async def _changed(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("DBParameterGroupName", "")
    group = _group(name)
    if group is None:
        return _not_found(call, name)
    if name not in rds._param_groups:
        return error(call, "InvalidParameterValue", "Cannot modify a default parameter group.", 400)
    if group["DBParameterGroupFamily"] not in FAMILIES:
        return await proceed(call)
    known, changes = of_family(group["DBParameterGroupFamily"]), _changes(call)
    if call.operation.startswith("Reset") and not changes:
        methods = {"static": "pending-reboot", "dynamic": "immediate"}
        changes = [(key, None, methods[known[key].apply_type]) for key in group["Parameters"]]
    refused = _refused_changes(call, known, changes)
    if refused:
        return refused
    before = dict(group["Parameters"])
    answer = await proceed(call)
    if answer.status < 300:
        waiting = [
            key
            for key, _, method in changes
            if method == "pending-reboot" and before.get(key) != group["Parameters"].get(key)
        ]
        for instance in _instances_with(name) if waiting else ():
            instance["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"
    return answer


def _changes(call: Call) -> list[tuple[str, str | None, str]]:
    """Name, value and method of each parameter that the call names."""
    given: dict[str, dict[str, str]] = {}
    for key, value in call.parameters.items():
        words = key.split(".")
        if words[0] == "Parameters" and len(words) == 4:
            given.setdefault(words[2], {})[words[3]] = value
    return [
        (entry.get("ParameterName", ""), entry.get("ParameterValue"), entry.get("ApplyMethod", ""))
        for _, entry in sorted(given.items(), key=lambda item: int(item[0]))
    ]


def _refused_changes(call: Call, known: dict[str, Parameter], changes: list) -> Answer | None:
    if call.operation.startswith("Modify") and not 0 < len(changes) <= _MOST_CHANGES:
        message = f"Between 1 and {_MOST_CHANGES} parameters can be modified in a single request."
        return error(call, "InvalidParameterValue", message, 400)
    for name, value, method in changes:
        parameter = known.get(name)
        if parameter is None:
            return error(call, "InvalidParameterValue", f"Could not find parameter with name: {name}", 400)
        if not parameter.modifiable:
            return error(call, "InvalidParameterValue", f"The parameter {name} cannot be modified.", 400)
        if value is not None and not parameter.allows(value):
            message = f"Invalid parameter value: {value} for: {name} allowed values are: {parameter.allowed}"
            return error(call, "InvalidParameterValue", message, 400)
        if method == "immediate" and parameter.apply_type == "static":
            message = f"cannot use immediate apply method for static parameter {name}"
            return error(call, "InvalidParameterCombination", message, 400)
        if method not in ("immediate", "pending-reboot"):
            message = f"The parameter ApplyMethod of {name} must be immediate or pending-reboot."
            return error(call, "InvalidParameterValue", message, 400)
    return None


def _instances_with(group: str) -> list[dict]:
    return [
        instance
        for instance in rds._instances.values()
        if any(held["DBParameterGroupName"] == group for held in instance.get("DBParameterGroups", []))
    ]


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("DBParameterGroupName", "")
    if _group(name) is None:
        return _not_found(call, name)
    if name not in rds._param_groups:
        message = f"Default DBParameterGroup cannot be deleted: {name}"
        return error(call, "InvalidDBParameterGroupState", message, 400)
    if _instances_with(name):
        message = (
            f"One or more database instances are still members of this parameter group {name}, "
            "so the group cannot be deleted"
        )
        return error(call, "InvalidDBParameterGroupState", message, 400)
    return await proceed(call)


async def _created_instance(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("DBInstanceIdentifier", "")
    engine, version = call.parameters.get("Engine", ""), call.parameters.get("EngineVersion", "")
    if name not in rds._instances and call.parameters.get("DBParameterGroupName"):
        refused = refused_group(call, {"Engine": engine, "EngineVersion": version})
        if refused:
            return refused
    return await proceed(call)


async def _rebooted(call: Call, proceed: Proceed) -> Answer:
    instance = rds._instances.get(call.parameters.get("DBInstanceIdentifier", ""))
    answer = await proceed(call)
    if answer.status < 300 and instance:
        instance["DBParameterGroups"] = [
            held | {"ParameterApplyStatus": "in-sync"} for held in instance["DBParameterGroups"]
        ]
    return answer
