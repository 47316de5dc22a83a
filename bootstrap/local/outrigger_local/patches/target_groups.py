"""Target groups of each type, and what may be registered in them.

AWS (Elastic Load Balancing API Reference, version 2015-12-01, CreateTargetGroup, ModifyTargetGroup, DeleteTargetGroup,
RegisterTargets, DeregisterTargets, TargetGroupAttribute; User Guide for Application Load Balancers, "Lambda functions
as targets"; User Guide for Network Load Balancers, "Application Load Balancers as targets"): a group of type ``lambda``
has no protocol, port or VPC, and checks health only if asked to; each type has its defaults. The same call again is
answered with the same group, one with other settings is DuplicateTargetGroupName; a group that a listener or a rule
forwards to is ResourceInUse. A function must let Elastic Load Balancing invoke it for the group, and is alone in it; so
is an application load balancer, which needs a listener on the group's port. MiniStack knows none of this.
"""

from __future__ import annotations

import re

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import alb, ec2, lambda_svc

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members
from outrigger_local.patches.load_balancers import KIND, paged

_NAME = re.compile(r"^(?!-)[A-Za-z0-9-]{1,32}(?<!-)$")
_TARGET = re.compile(r"^Targets\.member\.(\d+)\.(Id|Port)$")
_ATTRIBUTE = re.compile(r"^Attributes\.member\.(\d+)\.Key$")
_VALIDATION = "ValidationError"
_TYPES = ("instance", "ip", "lambda", "alb")
_OF_APPLICATIONS, _OF_NETWORKS = ("HTTP", "HTTPS"), ("TCP", "TLS", "UDP", "TCP_UDP")
# What the parameters are called in a group, with what reads them.
_SETTINGS = {
    "HealthCheckProtocol": str, "HealthCheckPort": str, "HealthCheckPath": str,
    "HealthCheckEnabled": lambda text: text == "true", "HealthCheckIntervalSeconds": int,
    "HealthCheckTimeoutSeconds": int, "HealthyThresholdCount": int, "UnhealthyThresholdCount": int,
}  # fmt: skip
_RANGES = {
    "HealthCheckIntervalSeconds": (5, 300), "HealthCheckTimeoutSeconds": (2, 120),
    "HealthyThresholdCount": (2, 10), "UnhealthyThresholdCount": (2, 10),
}  # fmt: skip
_GROUP_HEALTH = {
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}
_LAMBDA_ATTRIBUTES = {"lambda.multi_value_headers.enabled": "false"}
_APPLICATION_ATTRIBUTES = _GROUP_HEALTH | {
    "deregistration_delay.timeout_seconds": "300",
    "stickiness.enabled": "false",
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "slow_start.duration_seconds": "0",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
}
_NETWORK_ATTRIBUTES = _GROUP_HEALTH | {
    "deregistration_delay.timeout_seconds": "300",
    "deregistration_delay.connection_termination.enabled": "false",
    "stickiness.enabled": "false",
    "stickiness.type": "source_ip",
    "preserve_client_ip.enabled": "true",
    "proxy_protocol_v2.enabled": "false",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "target_health_state.unhealthy.connection_termination.enabled": "true",
    "target_health_state.unhealthy.draining_interval_seconds": "0",
}


def install(hooks: Hooks) -> None:
    """Puts the corrections around the calls, and what a group is into its description."""
    alb._tg_xml = _described
    hooks.around(KIND, "CreateTargetGroup")(_created)
    hooks.around(KIND, "ModifyTargetGroup")(_modified)
    hooks.around(KIND, "DescribeTargetGroups")(_listed)
    hooks.around(KIND, "DeleteTargetGroup")(_deleted)
    hooks.around(KIND, "ModifyTargetGroupAttributes")(_attributes_modified)
    hooks.around(KIND, "RegisterTargets")(_registered)
    hooks.around(KIND, "DeregisterTargets")(_deregistered)


def balancers_of(group: str) -> list[str]:
    """The ARNs of the load balancers that forward to a target group."""
    listeners = {listener["ListenerArn"]: listener["LoadBalancerArn"] for listener in alb._listeners.values()}
    found = [
        listeners[rule["ListenerArn"]]
        for rule in alb._rules.values()
        if rule["ListenerArn"] in listeners and group in forwarded_to(rule["Actions"])
    ]
    return list(dict.fromkeys(found))


def forwarded_to(actions: list[dict]) -> list[str]:
    """The target groups that actions forward to."""
    return [action["TargetGroupArn"] for action in actions if action.get("TargetGroupArn")]


def may_be_invoked(function: str, group: str) -> bool:
    """Whether the policy of a function lets Elastic Load Balancing invoke it for a target group."""
    spec = parse_arn(group)
    record, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
        function, account_id=spec.account_id, region=spec.region
    )
    if not record or not config:
        return False
    return any(_permits(statement, function, group) for statement in record["policy"]["Statement"])


def _permits(statement: dict, function: str, group: str) -> bool:
    principal = statement.get("Principal")
    service = principal.get("Service") if isinstance(principal, dict) else principal
    if statement.get("Effect") != "Allow" or service != "elasticloadbalancing.amazonaws.com":
        return False
    if statement.get("Action") not in ("lambda:InvokeFunction", "lambda:*", "*"):
        return False
    resource = str(statement.get("Resource", ""))
    if resource and resource not in (function, "*") and ":function:" in function:
        return False
    for operator, conditions in (statement.get("Condition") or {}).items():
        for key, value in conditions.items():
            if key.lower() != "aws:sourcearn":
                continue
            pattern = re.escape(str(value)).replace(r"\*", ".*") if "Like" in operator else re.escape(str(value))
            if not re.fullmatch(pattern, group):
                return False
    return True


def _described(group: dict) -> str:
    arn, kind = group["TargetGroupArn"], group["TargetType"]
    balancers = "".join(f"<member>{balancer}</member>" for balancer in balancers_of(arn))
    fields = [("TargetGroupArn", arn), ("TargetGroupName", group["TargetGroupName"])]
    if kind != "lambda":
        fields += [(name, group[name]) for name in ("Protocol", "Port", "VpcId", "HealthCheckProtocol")]
        fields += [("HealthCheckPort", group["HealthCheckPort"])]
    fields += [("HealthCheckEnabled", str(group["HealthCheckEnabled"]).lower())]
    is_http = group["HealthCheckProtocol"] in _OF_APPLICATIONS
    if is_http:
        fields += [("HealthCheckPath", group["HealthCheckPath"])]
    fields += [(name, group[name]) for name in _RANGES]
    if group.get("ProtocolVersion"):
        fields += [("ProtocolVersion", group["ProtocolVersion"])]
    if kind != "lambda":
        fields += [("IpAddressType", "ipv4")]
    fields += [("TargetType", kind)]
    matcher = f"<Matcher><HttpCode>{group['Matcher']['HttpCode']}</HttpCode></Matcher>" if is_http else ""
    content = "".join(f"<{name}>{value}</{name}>" for name, value in fields)
    return f"<member>{content}{matcher}<LoadBalancerArns>{balancers}</LoadBalancerArns></member>"


def _wanted(given: dict) -> dict:
    kind, protocol = given.get("TargetType") or "instance", given.get("Protocol")
    of_network = protocol in _OF_NETWORKS
    check = given.get("HealthCheckProtocol") or ("TCP" if of_network and kind != "alb" else "HTTP")
    wanted = {
        "TargetType": kind,
        "Protocol": protocol,
        "Port": int(given["Port"]) if given.get("Port", "").isdigit() else 0,
        "VpcId": given.get("VpcId", ""),
        "ProtocolVersion": given.get("ProtocolVersion") or ("HTTP1" if protocol in _OF_APPLICATIONS else ""),
        "HealthCheckProtocol": check,
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/",
        "HealthCheckEnabled": kind != "lambda",
        "HealthCheckIntervalSeconds": 35 if kind == "lambda" else 30,
        "HealthCheckTimeoutSeconds": 30 if kind == "lambda" else 5 if not of_network else 10 if check == "TCP" else 6,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 5 if kind == "lambda" else 2,
        "Matcher": {"HttpCode": given.get("Matcher.HttpCode") or ("200-399" if of_network else "200")},
    }
    return wanted | {name: read(given[name]) for name, read in _SETTINGS.items() if given.get(name)}


def _refused(call: Call, wanted: dict) -> Answer | None:
    kind, protocol = wanted["TargetType"], wanted["Protocol"]
    if kind not in _TYPES:
        return error(call, _VALIDATION, f"Target type '{kind}' must be one of '{', '.join(_TYPES)}'", 400)
    if kind == "lambda":
        for name in ("Protocol", "Port", "VpcId"):
            if call.parameters.get(name):
                message = f"{name} cannot be specified for target groups with target type 'lambda'"
                return error(call, _VALIDATION, message, 400)
        return _refused_health_check(call, wanted)
    if protocol not in ("TCP",) if kind == "alb" else protocol not in (*_OF_APPLICATIONS, *_OF_NETWORKS):
        return error(call, _VALIDATION, f"Protocol '{protocol}' is not valid for target type '{kind}'", 400)
    if not 1 <= wanted["Port"] <= 65535:
        return error(call, _VALIDATION, "A port between 1 and 65535 must be specified", 400)
    if not wanted["VpcId"]:
        return error(call, _VALIDATION, "A VPC ID must be specified", 400)
    if wanted["VpcId"] not in ec2._vpcs:
        return error(call, _VALIDATION, f"The VPC ID '{wanted['VpcId']}' is not found", 400)
    return _refused_health_check(call, wanted)


def _refused_health_check(call: Call, wanted: dict) -> Answer | None:
    kind, check = wanted["TargetType"], wanted["HealthCheckProtocol"]
    if kind != "lambda" and not wanted["HealthCheckEnabled"]:
        message = f"Health check enabled must be true for target groups with target type '{kind}'"
        return error(call, _VALIDATION, message, 400)
    if check not in ("HTTP", "HTTPS", "TCP") or (check == "TCP" and kind != "lambda" and not _takes_tcp(wanted)):
        return error(call, _VALIDATION, f"Health check protocol '{check}' is not valid for this target group", 400)
    for name, (least, most) in _RANGES.items():
        if not least <= wanted[name] <= most:
            return error(call, _VALIDATION, f"{name} '{wanted[name]}' must be between {least} and {most}", 400)
    if wanted["HealthCheckTimeoutSeconds"] >= wanted["HealthCheckIntervalSeconds"]:
        message = (
            f"Health check timeout '{wanted['HealthCheckTimeoutSeconds']}' must be smaller than the interval "
            f"'{wanted['HealthCheckIntervalSeconds']}'"
        )
        return error(call, _VALIDATION, message, 400)
    if not wanted["HealthCheckPath"].startswith("/"):
        return error(call, _VALIDATION, "Health check path must begin with a '/'", 400)
    if not re.fullmatch(r"[2-5]\d\d(-[2-5]\d\d)?(,[2-5]\d\d(-[2-5]\d\d)?)*", wanted["Matcher"]["HttpCode"]):
        code = wanted["Matcher"]["HttpCode"]
        return error(call, _VALIDATION, f"Health check matcher HTTP code '{code}' is not valid", 400)
    return None


def _takes_tcp(wanted: dict) -> bool:
    return wanted["Protocol"] in _OF_NETWORKS


async def _created(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    name, wanted = given.get("Name", ""), _wanted(given)
    if not _NAME.match(name):
        message = (
            f"Target group name '{name}' is not valid: it can have 32 characters, only letters, digits and hyphens, "
            "and must not begin or end with a hyphen"
        )
        return error(call, _VALIDATION, message, 400)
    refused = _refused(call, wanted)
    if refused:
        return refused
    group = next((held for held in alb._tgs.values() if held["TargetGroupName"] == name), None)
    if group:
        tags = {tag["Key"]: tag["Value"] for tag in alb._tags.get(group["TargetGroupArn"], [])}
        asked = {tag["Key"]: tag["Value"] for tag in alb._parse_tags(given)}
        if tags != asked or any(group[setting] != value for setting, value in wanted.items()):
            message = f"A target group with the same name '{name}' exists, but with different settings"
            return error(call, "DuplicateTargetGroupName", message, 400)
        return _answer(call, group)
    answer = await proceed(call)
    if answer.status >= 300:
        return answer
    group = next(held for held in alb._tgs.values() if held["TargetGroupName"] == name)
    group.update(wanted)
    attributes = [{"Key": key, "Value": value} for key, value in _attributes(group).items()]
    alb._tg_attrs[group["TargetGroupArn"]] = attributes
    return _answer(call, group)


def _attributes(group: dict) -> dict[str, str]:
    if group["TargetType"] == "lambda":
        return _LAMBDA_ATTRIBUTES
    return _NETWORK_ATTRIBUTES if group["Protocol"] in _OF_NETWORKS else _APPLICATION_ATTRIBUTES


def _answer(call: Call, group: dict) -> Answer:
    return answer_of(alb._xml(200, call.operation, f"<TargetGroups>{alb._tg_xml(group)}</TargetGroups>"))


async def _modified(call: Call, proceed: Proceed) -> Answer:
    group = alb._tgs.get(call.parameters.get("TargetGroupArn", ""))
    if group is None:
        return await proceed(call)
    changes = {name: read(call.parameters[name]) for name, read in _SETTINGS.items() if call.parameters.get(name)}
    if call.parameters.get("Matcher.HttpCode"):
        changes["Matcher"] = {"HttpCode": call.parameters["Matcher.HttpCode"]}
    refused = _refused_health_check(call, group | changes)
    if refused:
        return refused
    group.update(changes)
    return _answer(call, group)


async def _listed(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    arns, names, balancer = members(given, "TargetGroupArns"), members(given, "Names"), given.get("LoadBalancerArn")
    if balancer and balancer not in alb._lbs:
        return error(call, "LoadBalancerNotFound", f"Load balancer '{balancer}' not found", 400)
    held = {group["TargetGroupName"] for group in alb._tgs.values()}
    missing = [arn for arn in arns if arn not in alb._tgs] + [name for name in names if name not in held]
    if missing:
        return error(call, "TargetGroupNotFound", f"Target groups '{', '.join(missing)}' not found", 400)
    if arns or names:
        return await proceed(call)
    groups = [group for group in alb._tgs.values() if not balancer or balancer in balancers_of(group["TargetGroupArn"])]
    return paged(call, "TargetGroups", [alb._tg_xml(group) for group in groups])


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    arn = call.parameters.get("TargetGroupArn", "")
    if balancers_of(arn):
        message = f"Target group '{arn}' is currently in use by a listener or a rule"
        return error(call, "ResourceInUse", message, 400)
    return await proceed(call)


async def _attributes_modified(call: Call, proceed: Proceed) -> Answer:
    group = alb._tgs.get(call.parameters.get("TargetGroupArn", ""))
    if group is None:
        return await proceed(call)
    keys = [value for name, value in call.parameters.items() if _ATTRIBUTE.match(name)]
    unknown = [key for key in keys if key not in _attributes(group)]
    if unknown:
        message = f"Target group attribute key '{unknown[0]}' is not supported on this target group"
        return error(call, _VALIDATION, message, 400)
    return await proceed(call)


def targets_of(given: dict) -> list[dict]:
    """The targets that a call names."""
    found: dict[int, dict] = {}
    for name, value in given.items():
        matched = _TARGET.match(name)
        if matched:
            found.setdefault(int(matched[1]), {})[matched[2]] = int(value) if matched[2] == "Port" else value
    return [found[number] for number in sorted(found)]


def is_named(target: dict, named: list[dict]) -> bool:
    """Whether a registered target is one of those that a call names, with its port or without."""
    port = target.get("Port")
    return any(target["Id"] == one["Id"] and one.get("Port", port) == port for one in named)


async def _registered(call: Call, proceed: Proceed) -> Answer:
    arn = call.parameters.get("TargetGroupArn", "")
    group = alb._tgs.get(arn)
    if group is None:
        return await proceed(call)
    targets, kind = targets_of(call.parameters), group["TargetType"]
    if not targets:
        return error(call, _VALIDATION, "At least one target must be specified", 400)
    held = alb._targets.setdefault(arn, [])
    for target in targets:
        refused = _REFUSED[kind](call, group, target)
        if refused:
            return refused
    if kind in ("lambda", "alb") and len({target["Id"] for target in [*held, *targets]}) > 1:
        message = f"Target group '{arn}' can have one target only"
        return error(call, "TooManyTargets", message, 400)
    for target in targets:
        if kind != "lambda":
            target.setdefault("Port", group["Port"])
        if target not in held:
            held.append(target)
    return answer_of(alb._empty("RegisterTargets"))


async def _deregistered(call: Call, proceed: Proceed) -> Answer:
    arn = call.parameters.get("TargetGroupArn", "")
    if arn not in alb._tgs:
        return await proceed(call)
    # With a port only that registration goes, without one all of the target's.
    leaving = targets_of(call.parameters)
    alb._targets[arn] = [held for held in alb._targets.get(arn, []) if not is_named(held, leaving)]
    return answer_of(alb._empty("DeregisterTargets"))


def _refused_function(call: Call, group: dict, target: dict) -> Answer | None:
    arn, function = group["TargetGroupArn"], target["Id"]
    try:
        is_function = parse_arn(function).service == "lambda"
    except ArnParseError:
        is_function = False
    if not is_function:
        return error(call, _VALIDATION, f"'{function}' is not a valid Lambda function ARN", 400)
    if not may_be_invoked(function, arn):
        message = (
            f"elasticloadbalancing principal does not have permission to invoke {function} from target group {arn}"
        )
        return error(call, "AccessDenied", message, 403)
    return None


def _refused_balancer(call: Call, group: dict, target: dict) -> Answer | None:
    balancer, port = alb._lbs.get(target["Id"]), target.get("Port", group["Port"])
    if balancer is None or balancer["Type"] != "application":
        message = f"The specified target '{target['Id']}' is not an Application Load Balancer"
        return error(call, "InvalidTarget", message, 400)
    if balancer["VpcId"] != group["VpcId"]:
        message = f"The target '{target['Id']}' is not in the VPC '{group['VpcId']}' of the target group"
        return error(call, "InvalidTarget", message, 400)
    if port != group["Port"]:
        return error(call, _VALIDATION, f"The port of the target must be that of the group, '{group['Port']}'", 400)
    ports = {held["Port"] for held in alb._listeners.values() if held["LoadBalancerArn"] == target["Id"]}
    if port not in ports:
        message = f"The Application Load Balancer '{target['Id']}' must have a listener on port '{port}'"
        return error(call, "InvalidTarget", message, 400)
    return None


def _refused_address(call: Call, group: dict, target: dict) -> Answer | None:
    parts = target["Id"].split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        return error(call, _VALIDATION, f"The IP address '{target['Id']}' is not a valid IPv4 address", 400)
    return None


def _refused_instance(call: Call, group: dict, target: dict) -> Answer | None:
    if target["Id"] not in ec2._instances:
        return error(call, "InvalidTarget", f"The following targets do not exist: '{target['Id']}'", 400)
    return None


_REFUSED = {
    "lambda": _refused_function, "alb": _refused_balancer, "ip": _refused_address, "instance": _refused_instance,
}  # fmt: skip
