"""The patches of Route 53."""

from __future__ import annotations

import unittest

from gates import chain, set_status
from support import GapTest, Server, code, eventually, invoke, make_function, unique


def health_check(client, **given) -> dict:
    """A new health check of a name, or what is given."""
    reference = given.pop("CallerReference", None) or unique("check")
    settings = {"Type": "HTTP", "FullyQualifiedDomainName": "example.com", "Port": 443, "ResourcePath": "/active"}
    made = client.create_health_check(CallerReference=reference, HealthCheckConfig=settings | given)
    return made["HealthCheck"]


class HealthChecksTest(GapTest):
    def test_caller_references(self) -> None:
        defaults = {"RequestInterval": 30, "FailureThreshold": 3, "Disabled": False}

        def observe(server: Server) -> list[object]:
            client, reference = server.client("route53"), unique("check")
            first = health_check(client, CallerReference=reference)
            seen = [
                code(health_check, client, CallerReference=reference),
                code(health_check, client, CallerReference=reference, Port=80),
            ]
            client.delete_health_check(HealthCheckId=first["Id"])
            return [
                *seen,
                code(health_check, client, CallerReference=reference),
                {name: first["HealthCheckConfig"].get(name) for name in defaults},
                code(client.delete_health_check, HealthCheckId=first["Id"]),
            ]

        exists = "HealthCheckAlreadyExists"
        self.check(observe, ["ok", exists, exists, defaults, "NoSuchHealthCheck"])

    def test_xml_as_the_service_writes_it(self) -> None:
        def observe(server: Server) -> list[object]:
            client, bodies = server.client("route53"), []

            def keep(response_dict: dict, **_) -> None:
                bodies.append(response_dict["body"])

            health_check(client, Inverted=False)
            client.meta.events.register("before-parse.route53", keep)
            client.list_health_checks()
            code(client.delete_health_check, HealthCheckId="absent")
            client.meta.events.unregister("before-parse.route53", keep)
            return [b"<Inverted>false</Inverted>" in bodies[0], b"<ErrorResponse" in bodies[1]]

        self.check(observe, [True, True])

    def test_updates_and_tags(self) -> None:
        def observe(server: Server) -> list[object]:
            client = server.client("route53")
            identifier = health_check(client)["Id"]

            def update(version: int, **changes) -> str:
                return code(client.update_health_check, HealthCheckId=identifier, HealthCheckVersion=version, **changes)

            def tags() -> object:
                try:
                    listed = client.list_tags_for_resources(ResourceType="healthcheck", ResourceIds=[identifier])
                except client.exceptions.ClientError as error:
                    return error.response["Error"]["Code"]
                return listed["ResourceTagSets"][0]["Tags"]

            client.change_tags_for_resource(
                ResourceType="healthcheck", ResourceId=identifier, AddTags=[{"Key": "a", "Value": "b"}]
            )
            seen = [
                update(1, ResourcePath="/b"),
                update(1, ResourcePath="/c"),
                update(2, FailureThreshold=11),
                update(2, ResetElements=["ResourcePath"]),
            ]
            held = client.get_health_check(HealthCheckId=identifier)["HealthCheck"]
            return [*seen, held["HealthCheckVersion"], held["HealthCheckConfig"].get("ResourcePath"), tags()]

        self.check(
            observe,
            ["ok", "HealthCheckVersionMismatch", "InvalidInput", "ok", 3, None, [{"Key": "a", "Value": "b"}]],
        )

    def test_policies_hold(self) -> None:
        def observe(server: Server) -> list[object]:
            client = server.client("route53")
            mine, other = (health_check(client)["Id"] for _ in range(2))
            resource = f"arn:aws:route53:::healthcheck/{mine}"
            function = make_function(
                server, {"Effect": "Allow", "Action": "route53:DeleteHealthCheck", "Resource": resource}
            )

            def delete(identifier: str) -> object:
                arguments = {"HealthCheckId": identifier}
                return invoke(server, function, service="route53", operation="delete_health_check", arguments=arguments)

            return [delete(other), delete(mine)]

        self.check(observe, ["AccessDenied", "ok"])

    def test_they_follow_what_is_behind_the_name(self) -> None:
        def observe(server: Server) -> list[object]:
            client, gate = server.client("route53"), chain(server, "us-east-2")
            inside = gate["application"]["DNSName"]
            names = (gate["network"]["DNSName"], inside, f"x{gate['network']['DNSName']}", "example.com")
            checks = [health_check(client, FullyQualifiedDomainName=name)["Id"] for name in names]
            checks.append(health_check(client, FullyQualifiedDomainName=names[0], Type="HTTPS")["Id"])

            def status(identifier: str) -> str:
                try:
                    seen = client.get_health_check_status(HealthCheckId=identifier)["HealthCheckObservations"]
                except client.exceptions.ClientError as error:
                    return error.response["Error"]["Code"]
                return f"{len(seen)} {seen[0]['StatusReport']['Status'].partition(',')[0]}"

            before = [status(identifier).partition(":")[0] for identifier in checks]
            set_status(server, gate["function"], 503)
            expected = "8 Failure: HTTP Status Code 503"
            after = eventually(lambda: status(checks[0]), lambda seen: seen == expected, seconds=5)
            return [before, after, code(client.get_health_check_status, HealthCheckId="absent")]

        self.check(
            observe,
            [["8 Success", *["8 Failure"] * 4], "8 Failure: HTTP Status Code 503", "NoSuchHealthCheck"],
        )


if __name__ == "__main__":
    unittest.main()
