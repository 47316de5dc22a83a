"""Dead regions: calls to one get no answer, and its functions, schedules and executions stop.

Which region a call is to is in the scope of its signature's credential. Services that are one for the whole partition are
signed for a region too (IAM for us-east-1), and are gone with it, as AWS's control planes are. A function that is at work
is killed, what a schedule or an event would start is lost, and an execution stands still where it is: when the region
answers again, it goes on.
"""

from __future__ import annotations

import time

from ministack.core import lambda_runtime
from ministack.core.responses import get_region
from ministack.services import eventbridge, lambda_svc, stepfunctions

from outrigger_local.call import Answer, Call, Middleware, Proceed
from outrigger_local.faults import Faults
from outrigger_local.middleware import kills

_POLL_SECONDS = 0.05


def middleware(faults: Faults) -> Middleware:
    """Cuts the connections of all calls to dead regions."""

    async def vanish(call: Call, proceed: Proceed) -> Answer:
        if call.region not in faults.dead_regions:
            answer = await proceed(call)
            # It may have died meanwhile.
            if call.region not in faults.dead_regions:
                return answer
        call.fault, call.executed = "dead region", False
        return Answer(0, [], b"", cut=True)

    return vanish


def install(faults: Faults) -> None:
    """Wraps what runs by itself: invocations, the steps of executions, the targets of rules and schedules."""
    execute, invoke_target = lambda_svc._execute_function, eventbridge._invoke_target
    add_event, call_lambda = stepfunctions._add_event, stepfunctions._call_lambda

    def wait_for(region: str) -> None:
        while region in faults.dead_regions:
            time.sleep(_POLL_SECONDS)

    def execute_function(function: dict, event: dict) -> dict:
        wait_for(_region_of((function.get("config") or function).get("FunctionArn", "")))
        return execute(function, event)

    def add_event_unless_dead(execution: dict, *arguments, **options):
        wait_for(_region_of(execution.get("executionArn", "")))
        return add_event(execution, *arguments, **options)

    def call_lambda_unless_dead(reference: str, event: object):
        region = get_region()
        wait_for(region)
        try:
            return call_lambda(reference, event)
        finally:
            # Nobody learns how it ended before the region answers again.
            wait_for(region)

    def invoke_target_unless_dead(*arguments, **options):
        if get_region() in faults.dead_regions:
            return None
        return invoke_target(*arguments, **options)

    lambda_svc._execute_function = execute_function
    stepfunctions._add_event = add_event_unless_dead
    stepfunctions._call_lambda = call_lambda_unless_dead
    eventbridge._invoke_target = invoke_target_unless_dead


def kill_functions(faults: Faults) -> None:
    """Kills the functions of the regions that are dead."""
    with lambda_runtime._lock:
        workers = [
            worker
            for key, entries in lambda_runtime._workers.items()
            if key.split(":")[1] in faults.dead_regions
            for worker in entries
        ]
    kills.end(process for worker in workers if (process := worker._proc))


def _region_of(arn: str) -> str:
    return (arn.split(":") + [""] * 4)[3]
