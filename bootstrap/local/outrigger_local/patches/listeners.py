"""Listeners and rules: what they refuse, and what they answer twice.

AWS (Elastic Load Balancing API Reference, version 2015-12-01, CreateListener, ModifyListener, DeleteListener,
CreateRule, ModifyRule, SetRulePriorities; User Guide for Network Load Balancers, "Listeners"): each type of load
balancer has its protocols, and forwards to groups of such protocols only; the groups exist, and have one load balancer
only; a port has one listener, and the same call again is answered with it; a secure listener has one certificate. A
priority is from 1 to 50000, and used once. A listener that a registered load balancer is reached by stays. MiniStack
checks none of these, has ARNs of application load balancers only, and lists what is absent as nothing.
"""

from __future__ import annotations

import re

from ministack.services import alb

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, members, with_parameters
from outrigger_local.patches.load_balancers import KIND, paged
from outrigger_local.patches.target_groups import balancers_of, forwarded_to

_PROTOCOLS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "TLS", "UDP", "TCP_UDP")}
_SECURE = ("HTTPS", "TLS")
_PRIORITY = re.compile(r"^RulePriorities\.member\.(\d+)\.RuleArn$")
_FORWARDED = re.compile(r"Actions\.member\.(\d+)\.ForwardConfig\.TargetGroups\.member\.1\.TargetGroupArn$")
_VALIDATION = "ValidationError"
_CONFIGURATION = "InvalidConfigurationRequest"


def install(hooks: Hooks) -> None:
    """Puts the corrections around the calls, and how it forwards into the description of an action."""
    describe = alb._action_xml
    alb._action_xml = lambda action: _with_forward_config(describe(action), action)
    hooks.around(KIND, "CreateListener", "ModifyListener", "CreateRule", "ModifyRule")(_forwarding)
    hooks.around(KIND, "CreateListener")(_listener_created)
    hooks.around(KIND, "ModifyListener")(_listener_modified)
    hooks.around(KIND, "DeleteListener")(_listener_deleted)
    hooks.around(KIND, "DescribeListeners")(_listeners_listed)
    hooks.around(KIND, "CreateRule")(_rule_created)
    hooks.around(KIND, "DeleteRule")(_rule_deleted)
    hooks.around(KIND, "DescribeRules")(_rules_listed)
    hooks.around(KIND, "SetRulePriorities")(_priorities_set)


async def _forwarding(call: Call, proceed: Proceed) -> Answer:
    """Reads a ForwardConfig of one group as that group, as which AWS also shows it."""
    for name, value in list(call.parameters.items()):
        matched = _FORWARDED.search(name)
        if matched:
            simple = name[: name.index(".ForwardConfig")] + ".TargetGroupArn"
            call = with_parameters(call, **{simple: value})
    return await proceed(call)


def _with_forward_config(described: str, action: dict) -> str:
    group = action.get("TargetGroupArn")
    if not group:
        return described
    groups = f"<TargetGroups><member><TargetGroupArn>{group}</TargetGroupArn><Weight>1</Weight></member></TargetGroups>"
    stickiness = "<TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig>"
    return described.removesuffix("</member>") + f"<ForwardConfig>{groups}{stickiness}</ForwardConfig></member>"


def _actions(call: Call, prefix: str) -> list[dict]:
    return alb._parse_actions(call.parameters, prefix)


def _refused_actions(call: Call, balancer: dict, actions: list[dict]) -> Answer | None:
    for group_arn in forwarded_to(actions):
        group = alb._tgs.get(group_arn)
        if group is None:
            return error(call, "TargetGroupNotFound", f"Target groups '{group_arn}' not found", 400)
        others = [held for held in balancers_of(group_arn) if held != balancer["LoadBalancerArn"]]
        if others:
            message = (
                f"The following target groups cannot be associated with more than one load balancer: {group_arn}"
            )
            return error(call, "TargetGroupAssociationLimit", message, 400)
        kind, protocol = group["TargetType"], group["Protocol"]
        fits = kind == "lambda" or protocol in ("HTTP", "HTTPS")
        if balancer["Type"] == "network":
            fits = protocol in _PROTOCOLS["network"]
        if not fits:
            message = f"The target group '{group_arn}' cannot be used with a load balancer of type '{balancer['Type']}'"
            return error(call, _CONFIGURATION, message, 400)
        if kind != "lambda" and group["VpcId"] != balancer["VpcId"]:
            message = f"The target group '{group_arn}' is not in the VPC of the load balancer"
            return error(call, _CONFIGURATION, message, 400)
    if balancer["Type"] == "network" and any(action["Type"] != "forward" for action in actions):
        message = "A listener of a network load balancer can only forward"
        return error(call, "InvalidLoadBalancerAction", message, 400)
    return None


def _refused_protocol(call: Call, balancer: dict, protocol: str, certificates: list) -> Answer | None:
    known = _PROTOCOLS[balancer["Type"]]
    if protocol not in known:
        message = f"Listener protocol '{protocol}' must be one of '{', '.join(known)}'"
        return error(call, _VALIDATION, message, 400)
    if protocol in _SECURE and not certificates:
        message = f"A certificate must be specified for {protocol} listeners"
        return error(call, _VALIDATION, message, 400)
    return None


def _certificates(call: Call) -> list[str]:
    return [arn for name, arn in call.parameters.items() if name.startswith("Certificates.member.")]


async def _listener_created(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    balancer = alb._lbs.get(given.get("LoadBalancerArn", ""))
    if balancer is None:
        return await proceed(call)
    arn, port, protocol = balancer["LoadBalancerArn"], given.get("Port", ""), given.get("Protocol", "")
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        return error(call, _VALIDATION, f"Listener port '{port}' must be between 1 and 65535", 400)
    actions = _actions(call, "DefaultActions")
    if not actions:
        return error(call, _VALIDATION, "A listener must have default actions", 400)
    refused = _refused_protocol(call, balancer, protocol, _certificates(call))
    refused = refused or _refused_actions(call, balancer, actions)
    if refused:
        return refused
    held = (listener for listener in alb._listeners.values() if listener["LoadBalancerArn"] == arn)
    existing = next((listener for listener in held if listener["Port"] == int(port)), None)
    if existing:
        tags = {tag["Key"]: tag["Value"] for tag in alb._tags.get(existing["ListenerArn"], [])}
        asked = {tag["Key"]: tag["Value"] for tag in alb._parse_tags(given)}
        is_same = existing["Protocol"] == protocol and existing["DefaultActions"] == actions and tags == asked
        if not is_same:
            message = f"A listener already exists on this port for this load balancer '{arn}'"
            return error(call, "DuplicateListener", message, 400)
        return answer_of(alb._xml(200, call.operation, f"<Listeners>{alb._listener_xml(existing)}</Listeners>"))
    before = set(alb._listeners)
    answer = await proceed(call)
    if balancer["Type"] == "network" and answer.status < 300:
        (made,) = set(alb._listeners) - before
        answer.body = _rename(made, answer.body)
    return answer


def _rename(before: str, body: bytes) -> bytes:
    """Gives a listener and its default rule the ARNs of a network load balancer."""
    after = before.replace(":listener/app/", ":listener/net/")
    listener = alb._listeners[after] = alb._listeners.pop(before)
    listener["ListenerArn"] = after
    for store in (alb._listener_attrs, alb._tags):
        store[after] = store.pop(before)
    alb._listener_attrs[after] = [{"Key": "tcp.idle_timeout.seconds", "Value": "350"}]
    for rule in [held for held in alb._rules.values() if held["ListenerArn"] == before]:
        del alb._rules[rule["RuleArn"]]
        rule["RuleArn"] = rule["RuleArn"].replace(":listener-rule/app/", ":listener-rule/net/")
        rule["ListenerArn"] = after
        alb._rules[rule["RuleArn"]] = rule
    return body.replace(before.encode(), after.encode())


async def _listener_modified(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    listener = alb._listeners.get(given.get("ListenerArn", ""))
    if listener is None:
        return await proceed(call)
    balancer = alb._lbs[listener["LoadBalancerArn"]]
    port = int(given.get("Port") or listener["Port"])
    held = [other for other in alb._listeners.values() if other["LoadBalancerArn"] == balancer["LoadBalancerArn"]]
    if any(other["Port"] == port and other is not listener for other in held):
        message = f"A listener already exists on this port for this load balancer '{balancer['LoadBalancerArn']}'"
        return error(call, "DuplicateListener", message, 400)
    certificates = _certificates(call) or listener.get("Certificates") or []
    refused = _refused_protocol(call, balancer, given.get("Protocol") or listener["Protocol"], certificates)
    refused = refused or _refused_actions(call, balancer, _actions(call, "DefaultActions"))
    if port != listener["Port"]:
        refused = refused or _refused_as_target(call, listener)
    return refused or await proceed(call)


def _refused_as_target(call: Call, listener: dict) -> Answer | None:
    """A listener by which a network load balancer reaches its target cannot go."""
    balancer, port = listener["LoadBalancerArn"], listener["Port"]
    registered = (held for targets in alb._targets.values() for held in targets)
    if any(held["Id"] == balancer and held.get("Port") == port for held in registered):
        message = f"Listener port '{port}' is in use by registered target '{balancer}' and cannot be removed."
        return error(call, "ResourceInUse", message, 400)
    return None


async def _listener_deleted(call: Call, proceed: Proceed) -> Answer:
    listener = alb._listeners.get(call.parameters.get("ListenerArn", ""))
    refused = _refused_as_target(call, listener) if listener else None
    return refused or await proceed(call)


async def _listeners_listed(call: Call, proceed: Proceed) -> Answer:
    balancer, arns = call.parameters.get("LoadBalancerArn"), members(call.parameters, "ListenerArns")
    if not balancer and not arns:
        message = "You must specify either listener ARNs or a load balancer ARN"
        return error(call, _VALIDATION, message, 400)
    if balancer and balancer not in alb._lbs:
        return error(call, "LoadBalancerNotFound", f"Load balancer '{balancer}' not found", 400)
    missing = [arn for arn in arns if arn not in alb._listeners]
    if missing:
        return error(call, "ListenerNotFound", f"Listeners '{', '.join(missing)}' not found", 400)
    if arns:
        return await proceed(call)
    held = [listener for listener in alb._listeners.values() if listener["LoadBalancerArn"] == balancer]
    return paged(call, "Listeners", [alb._listener_xml(listener) for listener in held])


def _refused_priority(call: Call, listener: str, priority: str, besides: set[str]) -> Answer | None:
    if not priority.isdigit() or not 1 <= int(priority) <= 50000:
        message = f"Priority '{priority}' must be a number from 1 to 50000"
        return error(call, _VALIDATION, message, 400)
    used = {
        str(rule["Priority"])
        for rule in alb._rules.values()
        if rule["ListenerArn"] == listener and rule["RuleArn"] not in besides
    }
    if priority in used:
        return error(call, "PriorityInUse", f"Priority '{priority}' is currently in use", 400)
    return None


async def _rule_created(call: Call, proceed: Proceed) -> Answer:
    given = call.parameters
    listener = alb._listeners.get(given.get("ListenerArn", ""))
    if listener is None:
        return await proceed(call)
    balancer = alb._lbs[listener["LoadBalancerArn"]]
    if balancer["Type"] == "network":
        message = "Rules are not supported for this listener"
        return error(call, _CONFIGURATION, message, 400)
    actions = _actions(call, "Actions")
    if not actions or not alb._parse_conditions(given):
        return error(call, _VALIDATION, "A rule must have conditions and actions", 400)
    refused = _refused_priority(call, listener["ListenerArn"], given.get("Priority", ""), set())
    return refused or _refused_actions(call, balancer, actions) or await proceed(call)


async def _rule_deleted(call: Call, proceed: Proceed) -> Answer:
    arn = call.parameters.get("RuleArn", "")
    if arn not in alb._rules:
        return error(call, "RuleNotFound", f"One or more rules not found: '{arn}'", 400)
    return await proceed(call)


async def _rules_listed(call: Call, proceed: Proceed) -> Answer:
    listener, arns = call.parameters.get("ListenerArn"), members(call.parameters, "RuleArns")
    if not listener and not arns:
        return error(call, _VALIDATION, "You must specify either listener rule ARNs or a listener ARN", 400)
    if listener and listener not in alb._listeners:
        return error(call, "ListenerNotFound", f"Listener '{listener}' not found", 400)
    missing = [arn for arn in arns if arn not in alb._rules]
    if missing:
        return error(call, "RuleNotFound", f"Rules '{', '.join(missing)}' not found", 400)
    if arns:
        return await proceed(call)
    held = [rule for rule in alb._rules.values() if rule["ListenerArn"] == listener]
    return paged(call, "Rules", [alb._rule_xml(rule) for rule in sorted(held, key=alb._rule_sort_key)])


async def _priorities_set(call: Call, proceed: Proceed) -> Answer:
    named = {}
    for name, arn in call.parameters.items():
        matched = _PRIORITY.match(name)
        if matched:
            named[arn] = call.parameters.get(f"RulePriorities.member.{matched[1]}.Priority", "")
    for arn, priority in named.items():
        rule = alb._rules.get(arn)
        if rule is None:
            return error(call, "RuleNotFound", f"One or more rules not found: '{arn}'", 400)
        if rule["IsDefault"]:
            return error(call, "OperationNotPermitted", "The priority of a default rule cannot be changed", 400)
        refused = _refused_priority(call, rule["ListenerArn"], priority, set(named))
        if refused:
            return refused
    if len(set(named.values())) < len(named):
        return error(call, "PriorityInUse", "A priority was given more than once", 400)
    return await proceed(call)
