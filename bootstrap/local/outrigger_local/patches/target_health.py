"""The health of targets follows the targets.

AWS (Elastic Load Balancing API Reference, version 2015-12-01, DescribeTargetHealth, TargetHealth; User Guide for
Application Load Balancers, "Health checks for your target groups" and "Lambda functions as targets"; User Guide for
Network Load Balancers, "Health checks for your target groups"): a target is ``initial`` until its first check, healthy
after one that succeeds, and changes after as many of the other outcome as the thresholds say; ``unused`` while no
listener forwards to its group, ``unavailable`` where health is not checked. A function is checked by invoking it with
an event of user agent ELB-HealthChecker/2.0, a load balancer by a request through its listener. MiniStack says healthy
of everything.

Here a check is made when somebody looks and the interval has passed, and counts for each interval that has: nothing
runs while nobody looks. Intervals take the share of their time that Wait states do. The health of instances and
addresses is still ``healthy`` where they are used: there is nothing behind them.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from ministack.core.arn import parse_arn
from ministack.core.responses import request_scope
from ministack.services import alb

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.hooks import Hooks, answer_of
from outrigger_local.patches.load_balancers import KIND
from outrigger_local.patches.target_groups import balancers_of, is_named, may_be_invoked, targets_of

_USER_AGENT = "ELB-HealthChecker/2.0"
_NO_LISTENER = "Target group is not configured to receive traffic from the load balancer"


@dataclass(frozen=True)
class Health:
    """The state of a target with the reason for it, where it has one."""

    state: str
    reason: str = ""
    description: str = ""


HEALTHY = Health("healthy")


@dataclass
class _Checked:
    """What is known of a target by its checks."""

    health: Health
    checked_at: float = 0.0
    successes: int = 0
    failures: int = 0


# By the ARN of the group and the id and port of the target; a target that is registered again starts anew.
_checked: dict[tuple[str, str, int], _Checked] = {}


def install(hooks: Hooks) -> None:
    """Puts it around the calls that register targets and describe their health."""
    hooks.around(KIND, "DescribeTargetHealth")(_described)
    hooks.around(KIND, "DeregisterTargets", "DeleteTargetGroup")(_forgotten)


def scaled(seconds: float) -> float:
    """The local time for an interval of AWS: the share that Wait states take of theirs."""
    return seconds * float(os.environ.get("SFN_WAIT_SCALE", "1"))


async def health_of(group: dict, target: dict) -> Health:
    """The health of a target, after a check if it is time for one."""
    arn, kind = group["TargetGroupArn"], group["TargetType"]
    if not balancers_of(arn):
        return Health("unused", "Target.NotInUse", _NO_LISTENER)
    if not group["HealthCheckEnabled"]:
        return Health("unavailable", "Target.HealthCheckDisabled", "Health checks are not enabled for this target")
    if kind not in ("lambda", "alb"):
        return HEALTHY
    known = _checked.setdefault(
        (arn, target["Id"], target.get("Port", 0)),
        _Checked(Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")),
    )
    interval, now = scaled(group["HealthCheckIntervalSeconds"]), time.monotonic()
    if now - known.checked_at < interval:
        return known.health
    passed = int((now - known.checked_at) / interval) if known.checked_at and interval else 1
    known.checked_at = now
    outcome = await (_check_function if kind == "lambda" else _check_balancer)(group, target)
    _count(known, outcome, passed, group)
    return known.health


def _count(known: _Checked, outcome: Health, passed: int, group: dict) -> None:
    if outcome == HEALTHY:
        known.successes, known.failures = known.successes + passed, 0
        if known.health.state == "initial" or known.successes >= group["HealthyThresholdCount"]:
            known.health = outcome
    else:
        known.successes, known.failures = 0, known.failures + passed
        if known.health.state == "unhealthy" or known.failures >= group["UnhealthyThresholdCount"]:
            known.health = outcome


async def balancer_is_healthy(arn: str) -> bool:
    """Whether each group that a load balancer forwards to has a healthy target: for who sends traffic to it."""
    spec = parse_arn(arn)
    with request_scope(spec.account_id, spec.region):
        groups = [group for group in alb._tgs.values() if arn in balancers_of(group["TargetGroupArn"])]
        for group in groups:
            targets = alb._targets.get(group["TargetGroupArn"], [])
            states = [(await health_of(group, target)).state for target in targets]
            # what is not checked gets traffic
            if not {"healthy", "unavailable"} & set(states):
                return False
        return bool(groups)


async def _check_function(group: dict, target: dict) -> Health:
    arn, function = group["TargetGroupArn"], target["Id"]
    if not may_be_invoked(function, arn):
        return Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
    headers = {"user-agent": _USER_AGENT}
    status, _, _ = await alb._invoke_lambda_target(function, arn, "GET", group["HealthCheckPath"], headers, b"", {}, "")
    return _judged(group, status)


async def _check_balancer(group: dict, target: dict) -> Health:
    balancer, port = alb._lbs.get(target["Id"]), target.get("Port", group["Port"])
    listeners = [held for held in alb._listeners.values() if held["LoadBalancerArn"] == target["Id"]]
    listener = next((held for held in listeners if held["Port"] == port), None)
    if balancer is None or listener is None:
        return Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
    protocol = group["HealthCheckProtocol"]
    if protocol == "TCP":
        return HEALTHY
    if protocol != listener["Protocol"]:
        # plain HTTP is refused by a secure listener with a 400, TLS by a plain one with no answer at all
        return _judged(group, 400) if protocol == "HTTP" else Health(
            "unhealthy", "Target.FailedHealthChecks", "Health checks failed"
        )
    headers = {"user-agent": _USER_AGENT, "host": balancer["DNSName"]}
    path = group["HealthCheckPath"]
    status, _, _ = await alb.dispatch_request(balancer, "GET", path, headers, b"", {}, port, raw_query_string="")
    return _judged(group, status)


def _judged(group: dict, status: int) -> Health:
    for part in group["Matcher"]["HttpCode"].split(","):
        least, _, most = part.partition("-")
        if int(least) <= status <= int(most or least):
            return HEALTHY
    return Health("unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


async def _described(call: Call, proceed: Proceed) -> Answer:
    group = alb._tgs.get(call.parameters.get("TargetGroupArn", ""))
    if group is None:
        return await proceed(call)
    held, asked = list(alb._targets.get(group["TargetGroupArn"], [])), targets_of(call.parameters)
    found = [(target, await health_of(group, target)) for target in held if not asked or is_named(target, asked)]
    for target in asked:
        if not any(is_named(registered, [target]) for registered in held):
            message = "Target is not registered to the target group"
            found.append((target, Health("unused", "Target.NotRegistered", message)))
    content = "".join(_member(group, target, health) for target, health in found)
    body = f"<TargetHealthDescriptions>{content}</TargetHealthDescriptions>"
    return answer_of(alb._xml(200, call.operation, body))


def _member(group: dict, target: dict, health: Health) -> str:
    port = f"<Port>{target['Port']}</Port>" if "Port" in target else ""
    checked = group["HealthCheckPort"]
    checked = target.get("Port") if checked == "traffic-port" else checked
    checked_port = f"<HealthCheckPort>{checked}</HealthCheckPort>" if checked and port else ""
    reason = f"<Reason>{health.reason}</Reason>" if health.reason else ""
    description = f"<Description>{health.description}</Description>" if health.description else ""
    return (
        f"<member><Target><Id>{target['Id']}</Id>{port}</Target>{checked_port}"
        f"<TargetHealth><State>{health.state}</State>{reason}{description}</TargetHealth></member>"
    )


async def _forgotten(call: Call, proceed: Proceed) -> Answer:
    answer = await proceed(call)
    arn = call.parameters.get("TargetGroupArn", "")
    held = {(target["Id"], target.get("Port", 0)) for target in alb._targets.get(arn, [])}
    for key in [key for key in _checked if key[0] == arn and key[1:] not in held]:
        del _checked[key]
    return answer
