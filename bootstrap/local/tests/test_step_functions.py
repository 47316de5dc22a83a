"""The patches of Step Functions."""

from __future__ import annotations

import json
import time
import unittest
from functools import cache

from support import GapTest, Server, code, eventually, local, make_function, make_role, unique


@cache
def function(server: Server) -> str:
    """One function for all the executions: it returns its event."""
    return make_function(server)


@cache
def invoking_role(server: Server) -> str:
    return make_role(server, "states", {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"})


def machine(server: Server, states: dict, role: str = "", **fields) -> str:
    """The ARN of a new state machine that starts at its first state."""
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **fields}
    return server.client("stepfunctions").create_state_machine(
        name=unique("machine"), roleArn=role or invoking_role(server), definition=json.dumps(definition)
    )["stateMachineArn"]


def run(server: Server, arn: str, given: object = None, seconds: float = 10) -> dict:
    """Starts an execution and describes it when it has ended."""
    states = server.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(given or {}))["executionArn"]
    return eventually(
        lambda: states.describe_execution(executionArn=execution), lambda seen: seen["status"] != "RUNNING", seconds
    )


def task(server: Server, payload: object, **fields) -> dict:
    arguments = {"FunctionName": function(server), "Payload": payload}
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": arguments, **fields}


def branch(states: dict) -> dict:
    return {"StartAt": next(iter(states)), "States": states}


def counting(limit: int) -> dict:
    """A branch that counts in a variable of its own, and says what it sees of the variables around it."""
    return branch(
        {
            "Begin": {"Type": "Pass", "Assign": {"count": 0}, "Next": "Count"},
            "Count": {"Type": "Pass", "Assign": {"count": "{% $count + 1 %}"}, "Next": "Wait"},
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Enough"},
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Condition": f"{{% $count < {limit} %}}", "Next": "Count"}],
                "Default": "End",
            },
            "End": {"Type": "Pass", "Output": {"count": "{% $count %}", "outer": "{% $outer %}"}, "End": True},
        }
    )


class ParallelBranchesTest(GapTest):
    def test_variables_and_json_expressions(self) -> None:
        def observe(server: Server) -> object:
            states = {
                "Outer": {"Type": "Pass", "Assign": {"outer": "o"}, "Next": "Both"},
                "Both": {
                    "Type": "Parallel",
                    "Branches": [counting(2), counting(5)],
                    "Assign": {"results": "{% $states.result %}"},
                    "Output": "{% $states.result.count %}",
                    "Next": "End",
                },
                "End": {
                    "Type": "Pass",
                    "Output": {"counts": "{% $states.input %}", "results": "{% $results %}"},
                    "End": True,
                },
            }
            ended = run(server, machine(server, states))
            return json.loads(ended["output"]) if ended["status"] == "SUCCEEDED" else ended["status"]

        results = [{"count": 2, "outer": "o"}, {"count": 5, "outer": "o"}]
        self.check(observe, {"counts": [2, 5], "results": results})

    def test_a_failed_branch_ends_the_others_at_once(self) -> None:
        def observe(server: Server) -> list[object]:
            failing = branch({"Fail": {"Type": "Fail", "Error": "Wrong", "Cause": "c"}})
            waiting = branch({"Wait": {"Type": "Wait", "Seconds": 300, "End": True}})
            states = {"Both": {"Type": "Parallel", "Branches": [waiting, failing], "End": True}}
            started = time.monotonic()
            ended = run(server, machine(server, states))
            return [ended["status"], ended.get("error"), time.monotonic() - started < 2.5]

        self.check(observe, ["FAILED", "Wrong", True])


class ExecutionEndsTest(GapTest):
    def test_the_time_limit(self) -> None:
        def observe(server: Server) -> str:
            states = {"Wait": {"Type": "Wait", "Seconds": 300, "End": True}}
            return run(server, machine(server, states, TimeoutSeconds=1))["status"]

        self.check(observe, "TIMED_OUT")

    def test_a_stopped_execution_enters_no_further_state(self) -> None:
        def observe(server: Server) -> list[object]:
            states, mark = server.client("stepfunctions"), unique("mark")
            endless = branch(
                {
                    "Call": task(server, {"mark": mark}, Next="Wait"),
                    "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Call"},
                }
            )
            arn = machine(server, {"All": {"Type": "Parallel", "Branches": [endless], "End": True}})
            execution = states.start_execution(stateMachineArn=arn)["executionArn"]
            group = "/aws/lambda/" + function(server).rpartition(":")[2]

            def calls() -> int:
                return sum(mark in event["message"] for event in log_events(server, group))

            eventually(calls, lambda seen: seen >= 3)
            states.stop_execution(executionArn=execution)
            time.sleep(0.3)
            before = calls()
            time.sleep(0.4)
            return [calls() == before, states.describe_execution(executionArn=execution)["status"]]

        self.check(observe, [True, "ABORTED"])

    def test_a_stopped_execution_retries_nothing(self) -> None:
        def observe(server: Server) -> int:
            states, mark = server.client("stepfunctions"), unique("mark")
            retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 30, "MaxAttempts": 9, "BackoffRate": 1}]
            arn = machine(server, {"Call": task(server, {"mark": mark, "fail": "Again"}, Retry=retry, End=True)})
            execution = states.start_execution(stateMachineArn=arn)["executionArn"]
            group = "/aws/lambda/" + function(server).rpartition(":")[2]

            def calls() -> int:
                return sum(mark in event["message"] for event in log_events(server, group))

            eventually(calls, lambda seen: seen >= 1)
            states.stop_execution(executionArn=execution)
            time.sleep(0.4)
            before = calls()
            time.sleep(0.8)
            return calls() - before

        self.check(observe, 0)

    def test_a_late_error_does_not_change_how_it_ended(self) -> None:
        def observe(server: Server) -> str:
            states, mark = server.client("stepfunctions"), unique("mark")
            arn = machine(server, {"Call": task(server, {"mark": mark, "sleep": 1, "fail": "Late"}, End=True)})
            execution = states.start_execution(stateMachineArn=arn)["executionArn"]
            group = "/aws/lambda/" + function(server).rpartition(":")[2]

            def scheduled() -> bool:
                events = states.get_execution_history(executionArn=execution)["events"]
                return any(event["type"] == "TaskScheduled" for event in events)

            eventually(scheduled, bool)
            states.stop_execution(executionArn=execution)
            eventually(lambda: [event for event in log_events(server, group) if mark in event["message"]], bool)
            time.sleep(0.5)
            return states.describe_execution(executionArn=execution)["status"]

        self.check(observe, "ABORTED")


class ExecutionNamesTest(GapTest):
    def test_the_same_name(self) -> None:
        def observe(server: Server) -> list[str]:
            states, name = server.client("stepfunctions"), unique("execution")
            arn = machine(server, {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}})

            def start(given: str) -> str:
                return code(states.start_execution, stateMachineArn=arn, name=name, input=given)

            outcomes = [start("{}"), start("{}"), start('{"other": 1}')]
            execution = arn.replace(":stateMachine:", ":execution:") + f":{name}"
            states.stop_execution(executionArn=execution)
            return [*outcomes, start("{}")]

        exists = "ExecutionAlreadyExists"
        self.check(observe, ["ok", "ok", exists, exists])


class AssignmentsTest(GapTest):
    def test_one_field_sees_the_values_before_it(self) -> None:
        def observe(server: Server) -> object:
            states = {
                "First": {"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Swap"},
                "Swap": {"Type": "Pass", "Assign": {"a": "{% $b %}", "b": "{% $a %}"}, "Next": "End"},
                "End": {"Type": "Pass", "Output": "{% [$a, $b] %}", "End": True},
            }
            return json.loads(run(server, machine(server, states))["output"])

        self.check(observe, [2, 1])


class JsonExpressionsTest(GapTest):
    def test_default_and_time_limit(self) -> None:
        def observe(server: Server) -> object:
            states = {
                "Choose": {
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% false %}", "Next": "Call"}],
                    "Default": "Call",
                    "Output": {"seconds": 7},
                },
                "Call": task(
                    server,
                    {"limit": "{% $states.input.seconds %}"},
                    TimeoutSeconds="{% $states.input.seconds %}",
                    Output="{% $states.result.Payload %}",
                    End=True,
                ),
            }
            return json.loads(run(server, machine(server, states)).get("output", "null"))

        self.check(observe, {"limit": 7})


class StateMachineRolesTest(GapTest):
    def test_a_task_needs_its_permission(self) -> None:
        def observe(server: Server) -> list[str | None]:
            role = make_role(
                server,
                "states",
                {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function(server) + "-other"},
                {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"},
            )
            prefix = "arn:aws:states:::aws-sdk:dynamodb:"
            ends = [
                run(server, machine(server, {"Call": task(server, {}, End=True)}, role)),
                run(
                    server,
                    machine(server, {"A": {"Type": "Task", "Resource": prefix + "listTables", "End": True}}, role),
                ),
                run(
                    server,
                    machine(server, {"A": {"Type": "Task", "Resource": prefix + "listBackups", "End": True}}, role),
                ),
            ]
            return [ended.get("error") for ended in ends]

        self.check(observe, ["Lambda.AWSLambdaException", None, "Dynamodb.AccessDeniedException"])

    def test_a_task_on_another_object_than_allowed(self) -> None:
        def observe(server: Server) -> list[str | None]:
            child = machine(server, {"End": {"Type": "Succeed"}})
            name = table(server)
            start = {"StateMachineArn": child, "Input": {}}
            query = {
                "TableName": name,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": "x"}},
            }

            def ends(*resources: str) -> list[str | None]:
                allowed = ["states:StartExecution", "dynamodb:Query"]
                role = make_role(
                    server, "states", {"Effect": "Allow", "Action": allowed, "Resource": list(resources)}
                )
                tasks = (("states:startExecution", start), ("aws-sdk:dynamodb:query", query))
                return [
                    run(server, machine(server, {"Do": integration(kind, arguments)}, role)).get("error")
                    for kind, arguments in tasks
                ]

            other = ends(f"{child}-other", f"arn:aws:dynamodb:*:*:table/{name}-other")
            return [*ends(child, f"arn:aws:dynamodb:*:*:table/{name}"), *other]

        self.check(observe, [None, None, "States.AccessDeniedException", "Dynamodb.AccessDeniedException"])


def integration(kind: str, arguments: dict, **fields) -> dict:
    """A task of a service integration; the last state unless it names another."""
    end = {} if "Next" in fields else {"End": True}
    return {"Type": "Task", "Resource": f"arn:aws:states:::{kind}", "Arguments": arguments, **end, **fields}


def table(server: Server) -> str:
    """The name of a new table with three items below one key."""
    dynamodb, name = server.client("dynamodb"), unique("table")
    keys = {"pk": "HASH", "sk": "RANGE"}
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    for letter in "abc":
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "x"}, "sk": {"S": letter}})
    return name


class EventRulesTest(GapTest):
    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            events, name = server.client("events"), unique("rule")
            schedules = ("rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(5 minutes)")
            outcomes = [code(events.put_rule, Name=name, ScheduleExpression=schedule) for schedule in schedules]
            events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": function(server)}])
            first = code(events.delete_rule, Name=name)
            events.remove_targets(Rule=name, Ids=["1"])
            return [*outcomes, first, code(events.delete_rule, Name=name)]

        refused = "ValidationException"
        self.check(observe, [refused, refused, refused, "ok", refused, "ok"])


def permit(server: Server, target: str, rule: str, **options: str) -> None:
    """Lets a rule invoke a function."""
    server.client("lambda").add_permission(
        **options,
        FunctionName=target,
        StatementId=unique("rule"),
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )


class EventTargetsTest(GapTest):
    def test_permission_and_repetition(self) -> None:
        def observe(server: Server) -> list[int]:
            events, targets = server.client("events"), [make_function(server), make_function(server)]
            rule, mark = unique("rule"), unique("mark")
            arn = events.put_rule(Name=rule, EventPattern=json.dumps({"source": [mark]}))["RuleArn"]
            events.put_targets(
                Rule=rule,
                Targets=[
                    {"Id": str(index), "Arn": target, "Input": json.dumps({"mark": mark, "fail": "Ours"})}
                    for index, target in enumerate(targets)
                ],
            )
            permit(server, targets[0], arn)
            permit(server, targets[1], arn + "-other")
            events.put_events(Entries=[{"Source": mark, "DetailType": "d", "Detail": "{}"}])

            def calls() -> list[int]:
                groups = ["/aws/lambda/" + target.rpartition(":")[2] for target in targets]
                return [sum(mark in event["message"] for event in log_events(server, group)) for group in groups]

            return eventually(calls, lambda seen: seen == [3, 0], 12)

        self.check(observe, [3, 0])


    def test_an_alias_has_permissions_and_repetitions_of_its_own(self) -> None:
        def observe(server: Server) -> list[int]:
            events, functions = server.client("events"), server.client("lambda")
            targets, rule, mark = [make_function(server), make_function(server)], unique("rule"), unique("mark")
            arn = events.put_rule(Name=rule, EventPattern=json.dumps({"source": [mark]}))["RuleArn"]
            for index, target in enumerate(targets):
                version = functions.publish_version(FunctionName=target)["Version"]
                alias = functions.create_alias(FunctionName=target, Name="live", FunctionVersion=version)["AliasArn"]
                functions.put_function_event_invoke_config(
                    FunctionName=target, Qualifier="live", MaximumRetryAttempts=1
                )
                given = json.dumps({"mark": mark, "fail": "Ours"})
                events.put_targets(Rule=rule, Targets=[{"Id": str(index), "Arn": alias, "Input": given}])
            permit(server, targets[0], arn, Qualifier="live")
            # A permission for the function is none for its alias.
            permit(server, targets[1], arn)
            events.put_events(Entries=[{"Source": mark, "DetailType": "d", "Detail": "{}"}])

            def calls() -> list[int]:
                groups = ["/aws/lambda/" + target.rpartition(":")[2] for target in targets]
                return [sum(mark in event["message"] for event in log_events(server, group)) for group in groups]

            return eventually(calls, lambda seen: seen == [2, 0], 12)

        self.check(observe, [2, 0])


def log_events(server: Server, group: str) -> list[dict]:
    logs = server.client("logs")
    if code(logs.filter_log_events, logGroupName=group) != "ok":
        return []
    return logs.filter_log_events(logGroupName=group)["events"]


class WhatMiniStackDoesTest(unittest.TestCase):
    """What the product relies on, and MiniStack does without help."""

    def test_status_events_reach_a_function_and_its_output_the_logs(self) -> None:
        server = local()
        events, target, rule = server.client("events"), make_function(server), unique("rule")
        pattern = {"source": ["aws.states"], "detail": {"status": ["SUCCEEDED", "TIMED_OUT"]}}
        source = events.put_rule(Name=rule, EventPattern=json.dumps(pattern))["RuleArn"]
        permit(server, target, source)
        events.put_targets(Rule=rule, Targets=[{"Id": "it", "Arn": target}])
        fast = machine(server, {"End": {"Type": "Pass", "End": True}})
        slow = machine(server, {"Wait": {"Type": "Wait", "Seconds": 200, "End": True}}, TimeoutSeconds=1)
        wanted = {
            (run(server, arn)["executionArn"], status) for arn, status in ((fast, "SUCCEEDED"), (slow, "TIMED_OUT"))
        }

        def seen() -> set[tuple[str, str]]:
            lines = [event["message"] for event in log_events(server, "/aws/lambda/" + target.rpartition(":")[2])]
            details = [json.loads(line.removeprefix("event "))["detail"] for line in lines if line.startswith("event ")]
            return {(detail["executionArn"], detail["status"]) for detail in details}

        found = eventually(seen, lambda found: wanted <= found)
        self.assertLessEqual(wanted, found)
        events.remove_targets(Rule=rule, Ids=["it"])
        events.delete_rule(Name=rule)

    def test_a_map_starts_executions_of_what_a_query_finds(self) -> None:
        server = local()
        child, name = machine(server, {"End": {"Type": "Succeed"}}), table(server)
        allowed = {"Effect": "Allow", "Action": ["dynamodb:Query", "states:StartExecution"], "Resource": "*"}
        role = make_role(server, "states", allowed)
        query = {
            "TableName": name,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "x"}},
            "Limit": 2,
        }
        start = {"StateMachineArn": child, "Input": {"id": "{% $states.input.sk.S %}"}}
        caught = [{"ErrorEquals": ["States.ALL"], "Next": "Skipped"}]
        each = branch(
            {
                "Start": integration(
                    "states:startExecution",
                    start,
                    Next="Skipped",
                    Output="{% $exists($states.result.ExecutionArn) %}",
                    Catch=caught,
                ),
                "Skipped": {"Type": "Pass", "End": True},
            }
        )
        states = {
            "Find": integration(
                "aws-sdk:dynamodb:query", query, Next="Each", Assign={"last": "{% $states.result.LastEvaluatedKey %}"}
            ),
            "Each": {
                "Type": "Map",
                "Items": "{% $states.input.Items %}",
                "MaxConcurrency": 1,
                "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **each},
                "Output": {"started": "{% $states.result %}", "last": "{% $last.sk.S %}"},
                "End": True,
            },
        }
        ended = run(server, machine(server, states, role))
        self.assertEqual({"started": [True, True], "last": "b"}, json.loads(ended.get("output", "null")), ended)
        found = server.client("stepfunctions").list_executions(stateMachineArn=child)["executions"]
        self.assertEqual(2, len(found))

    def test_a_map_catches_the_errors_of_functions(self) -> None:
        server = local()
        caught = [{"ErrorEquals": ["Custom.Error"], "Output": "{% $states.errorOutput.Error %}", "Next": "After"}]
        failing = task(server, {"fail": "Custom.Error"}, Next="After")
        inside = branch({"Fail": {**failing, "Catch": caught}, "After": {"Type": "Pass", "End": True}})
        outside = branch({"Fail": failing, "After": {"Type": "Pass", "End": True}})
        states = {
            "Inside": {"Type": "Map", "Items": [1, 2], "ItemProcessor": inside, "Next": "Outside"},
            "Outside": {"Type": "Map", "Items": [1, 2], "ItemProcessor": outside, "Catch": caught, "End": True},
            "After": {"Type": "Pass", "End": True},
        }
        ended = run(server, machine(server, states))
        self.assertEqual('"Custom.Error"', ended.get("output"), ended)

    def test_an_error_of_a_function_is_caught_by_its_type(self) -> None:
        server = local()
        caught = [{"ErrorEquals": ["Ours"], "Next": "Caught", "Assign": {"cause": "{% $states.errorOutput.Cause %}"}}]
        states = {
            "Call": task(server, {"fail": "Ours"}, Catch=caught, End=True),
            "Caught": {"Type": "Pass", "Output": "{% $parse($cause).errorType %}", "End": True},
        }
        self.assertEqual('"Ours"', run(server, machine(server, states))["output"])
