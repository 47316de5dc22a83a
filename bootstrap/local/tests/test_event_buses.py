"""The patches of EventBridge's buses and endpoints, and of the domain names of APIs."""

from __future__ import annotations

from support import GapTest, Server, code, invoke, make_function, unique

SECOND = "us-east-2"
ROLE = "arn:aws:iam::000000000000:role/outrigger/endpoint"


def endpoint(name: str, buses: list[str], **other) -> dict:
    """What an endpoint over these buses is made with."""
    failover = {
        "Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/abc"},
        "Secondary": {"Route": SECOND},
    }
    return {
        "Name": name,
        "RoutingConfig": {"FailoverConfig": failover},
        "ReplicationConfig": {"State": "ENABLED"},
        "EventBuses": [{"EventBusArn": bus} for bus in buses],
        "RoleArn": ROLE,
    } | other


class BusesTest(GapTest):
    def test_a_bus_waits_for_its_rules_and_a_rule_that_is_not_there_has_no_targets(self) -> None:
        def observe(server: Server) -> object:
            client, name = server.client("events"), unique("bus")
            client.create_event_bus(Name=name)
            client.put_rule(Name="r", EventBusName=name, EventPattern='{"source": ["a"]}')
            refused = code(client.delete_event_bus, Name=name)
            client.delete_rule(Name="r", EventBusName=name)
            listed = code(client.list_targets_by_rule, Rule="r", EventBusName=name)
            return refused, listed, code(client.delete_event_bus, Name=name)

        self.check(observe, ("ValidationException", "ResourceNotFoundException", "ok"))

    def test_an_endpoint_is_over_two_buses_of_one_name_and_has_an_id(self) -> None:
        def observe(server: Server) -> object:
            here, there, name = server.client("events"), server.client("events", SECOND), unique("bus")
            arns = [client.create_event_bus(Name=name)["EventBusArn"] for client in (here, there)]
            other = here.create_event_bus(Name=unique("other"))["EventBusArn"]
            wrong = [
                endpoint(name, arns[:1]),
                endpoint(name, [other, arns[1]]),
                endpoint(name, arns[::-1]),
                endpoint(name, arns, RoleArn=""),
                endpoint(name, [arn + "-gone" for arn in arns]),
            ]
            codes = [code(here.create_endpoint, **given) for given in wrong]
            codes.append(code(here.create_endpoint, **endpoint(name, arns)))
            shown = here.describe_endpoint(Name=name)
            return codes, shown["EndpointId"].endswith(".veo"), shown["EndpointId"] in shown["EndpointUrl"]

        self.check(observe, (["ValidationException"] * 5 + ["ok"], True, True))


class PoliciesTest(GapTest):
    def test_names_and_tags_decide(self) -> None:
        def observe(server: Server) -> object:
            client, buses = server.client("events"), [unique("bus"), unique("bus")]
            for bus, value in zip(buses, ("mine", "other"), strict=True):
                tags = [{"Key": "stack", "Value": value}]
                client.create_event_bus(Name=bus, Tags=tags)
                client.put_rule(Name="r", EventBusName=bus, EventPattern='{"source": ["a"]}', Tags=tags)
            mine = {"Condition": {"StringEquals": {"aws:ResourceTag/stack": "mine"}}}
            events = "arn:aws:events:us-east-1:000000000000:"
            may_bus = {"Effect": "Allow", "Action": "events:UpdateEventBus", "Resource": events + "event-bus/*"} | mine
            may_rule = {"Effect": "Allow", "Action": "events:PutTargets", "Resource": events + "rule/*/*"} | mine
            function = make_function(server, may_bus, may_rule)
            targets = [{"Id": "t", "Arn": "arn:aws:lambda:us-east-1:000000000000:function:f"}]

            def call(operation: str, **arguments) -> object:
                return invoke(server, function, service="events", operation=operation, arguments=arguments)

            updated = [call("update_event_bus", Name=bus, Description="x") for bus in buses]
            put = [call("put_targets", Rule="r", EventBusName=bus, Targets=targets) for bus in buses]
            return updated, put

        self.check(observe, (["ok", "AccessDeniedException"], ["ok", "AccessDeniedException"]))


def certificate(region: str = "us-east-1") -> str:
    """The ARN of a certificate."""
    return f"arn:aws:acm:{region}:000000000000:certificate/one"


class DomainsTest(GapTest):
    def test_domain_names_are_taken_once_changed_and_tagged(self) -> None:
        def observe(server: Server) -> object:
            client, name = server.client("apigateway"), unique("api") + ".example.com"
            own = {"domainName": name, "tags": {"own": "yes"}}
            seen = [
                code(client.create_domain_name, **own, regionalCertificateArn=certificate(SECOND)),
                code(client.create_domain_name, **own, regionalCertificateArn=certificate()),
                code(client.create_domain_name, **own, regionalCertificateArn=certificate()),
            ]
            operation = {"op": "replace", "path": "/regionalCertificateArn", "value": certificate() + "-2"}
            seen.append(code(client.update_domain_name, domainName=name, patchOperations=[operation]))
            arn = f"arn:aws:apigateway:us-east-1::/domainnames/{name}"
            client.tag_resource(resourceArn=arn, tags={"later": "yes"})
            there = client.get_domain_name(domainName=name)
            return seen, there["regionalCertificateArn"], there["tags"], there.get("domainNameStatus")

        codes = ["BadRequestException", "ok", "BadRequestException", "ok"]
        self.check(observe, (codes, certificate() + "-2", {"own": "yes", "later": "yes"}, "AVAILABLE"))

    def test_a_base_path_is_mapped_once_to_a_stage_and_moved(self) -> None:
        def observe(server: Server) -> object:
            client, name = server.client("apigateway"), unique("api") + ".example.com"
            client.create_domain_name(domainName=name, regionalCertificateArn=certificate())
            api = client.create_rest_api(name="a")["id"]
            at = {"restApiId": api, "resourceId": client.get_resources(restApiId=api)["items"][0]["id"]}
            client.put_method(**at, httpMethod="GET", authorizationType="NONE")
            client.put_integration(**at, httpMethod="GET", type="MOCK")
            deployment = client.create_deployment(restApiId=api)["id"]
            for stage in ("blue", "green"):
                client.create_stage(restApiId=api, stageName=stage, deploymentId=deployment)
            at = {"domainName": name, "basePath": "v1"}
            seen = [
                code(client.create_base_path_mapping, **at, restApiId=api, stage="red"),
                code(client.create_base_path_mapping, **at, restApiId=api, stage="blue"),
                code(client.create_base_path_mapping, **at, restApiId=api, stage="green"),
            ]
            operations = [
                {"op": "replace", "path": "/restapiId", "value": api},
                {"op": "replace", "path": "/stage", "value": "green"},
            ]
            seen.append(code(client.update_base_path_mapping, **at, patchOperations=operations))
            there = client.get_base_path_mapping(**at)
            seen += [code(client.delete_base_path_mapping, **at), code(client.delete_base_path_mapping, **at)]
            return seen, there["stage"], there["restApiId"] == api

        self.check(observe, (["BadRequestException", "ok", "ConflictException", "ok", "ok", "NotFoundException"], "green", True))
