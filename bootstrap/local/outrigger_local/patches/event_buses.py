"""What EventBridge refuses of buses, targets and endpoints over buses.

AWS (EventBridge API Reference, DeleteEventBus, ListTargetsByRule, CreateEndpoint, UpdateEndpoint; User Guide, "Making
applications Regional-fault tolerant with global endpoints"): a bus that has rules is not deleted; the targets of a rule that
does not exist are not listed; an endpoint is over two buses of one name, the first in its own region and the second in that of
the secondary, with a health check of Route 53, and has an id of its own. MiniStack deletes the rules with the bus, lists
nothing, and takes every endpoint, whose id is its name.
"""

from __future__ import annotations

import hashlib
import json

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks


def install(hooks: Hooks) -> None:
    """Puts the checks around the calls."""
    hooks.around("events", "DeleteEventBus")(_deleted)
    hooks.around("events", "ListTargetsByRule")(_listed)
    hooks.around("events", "CreateEndpoint", "UpdateEndpoint")(_put)
    hooks.around("events", "DescribeEndpoint")(_described)


async def _deleted(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("Name", "")
    if any(rule.get("EventBusName") == name for rule in eventbridge._rules.values()):
        return error(call, "ValidationException", f"Event bus {name} has rules.", 400)
    return await proceed(call)


async def _listed(call: Call, proceed: Proceed) -> Answer:
    name, bus = call.parameters.get("Rule", ""), call.parameters.get("EventBusName", "default")
    if eventbridge._rule_key(name, bus) not in eventbridge._rules:
        return error(call, "ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.", 400)
    return await proceed(call)


async def _put(call: Call, proceed: Proceed) -> Answer:
    wrong = _wrong(call.parameters)
    if wrong:
        return error(call, "ValidationException", wrong, 400)
    return await proceed(call)


async def _described(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    if answer.status != 200:
        return answer
    content = json.loads(answer.body)
    named = f"{get_account_id()} {get_region()} {content['Name']}"
    content["EndpointId"] = f"{hashlib.sha256(named.encode()).hexdigest()[:10]}.veo"
    content["EndpointUrl"] = f"https://{content['EndpointId']}.endpoint.events.amazonaws.com"
    return Answer(200, answer.headers, json.dumps(content).encode())


def _wrong(given: dict) -> str | None:
    failover = (given.get("RoutingConfig") or {}).get("FailoverConfig") or {}
    check = (failover.get("Primary") or {}).get("HealthCheck", "")
    secondary = (failover.get("Secondary") or {}).get("Route", "")
    try:
        buses = [parse_arn(bus.get("EventBusArn", "")) for bus in given.get("EventBuses") or []]
    except ArnParseError:
        return "Parameter EventBuses is not valid. Reason: Provided Arn is not in correct format."
    if len(buses) != 2 or buses[0].resource != buses[1].resource:
        return "An endpoint needs two event buses of the same name."
    if [bus.region for bus in buses] != [get_region(), secondary]:
        return "The event buses must be in the primary and the secondary Region."
    if not check.startswith("arn:aws:route53:::healthcheck/"):
        return "Parameter HealthCheck is not valid."
    name = buses[0].resource.partition("/")[2]
    stored = eventbridge._event_buses
    missing = [bus for bus in buses if not stored.contains_scoped(bus.account_id, bus.region, name)]
    if missing:
        return f"Event bus {name} does not exist in {missing[0].region}."
    is_replicated = (given.get("ReplicationConfig") or {}).get("State", "ENABLED") == "ENABLED"
    if is_replicated and not given.get("RoleArn"):
        return "RoleArn is required for event replication."
    return None
