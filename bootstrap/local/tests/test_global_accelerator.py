"""AWS Global Accelerator, which MiniStack does not have."""

from __future__ import annotations

import unittest
import unittest.mock

from gates import balancer, chain, fetch, network, set_status
from support import GapTest, Server, code, eventually, invoke, local, make_function, unique

REGION = "us-west-2"


def accelerator(server: Server, **given) -> tuple:
    """A client and a new accelerator."""
    client = server.client("globalaccelerator", REGION)
    made = client.create_accelerator(**({"Name": unique("a"), "IdempotencyToken": unique("token")} | given))
    return client, made["Accelerator"]


def listener(client, arn: str, port: int = 443, **given) -> str:
    """The ARN of a new listener on a port."""
    given = {"PortRanges": [{"FromPort": port, "ToPort": port}], "Protocol": "TCP"} | given
    made = client.create_listener(AcceleratorArn=arn, IdempotencyToken=unique("token"), **given)
    return made["Listener"]["ListenerArn"]


def endpoint_group(client, arn: str, region: str, *endpoints: str, **given) -> dict:
    """A new endpoint group with these endpoints."""
    given["EndpointConfigurations"] = [{"EndpointId": endpoint} for endpoint in endpoints]
    made = client.create_endpoint_group(
        ListenerArn=arn, EndpointGroupRegion=region, IdempotencyToken=unique("token"), **given
    )
    return made["EndpointGroup"]


def refusal(observe, server: Server) -> object:
    """What is seen, or the error of a MiniStack that has no such service."""
    try:
        return observe(server)
    except Exception as error:
        if server is local():
            raise
        return type(error).__name__


class AcceleratorTest(GapTest):
    def check(self, observe, expected: object) -> None:
        super().check(lambda server: refusal(observe, server), expected)

    def test_what_one_is(self) -> None:
        def observe(server: Server) -> list[object]:
            token = unique("token")
            given = {"Name": unique("a"), "IdempotencyToken": token, "Tags": [{"Key": "a", "Value": "b"}]}
            client, made = accelerator(server, **given)
            _, again = accelerator(server, **given)
            arn = made["AcceleratorArn"]
            client.tag_resource(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
            client.untag_resource(ResourceArn=arn, TagKeys=["a"])
            return [
                (made["Status"], made["Enabled"], made["IpAddressType"], len(made["IpSets"][0]["IpAddresses"])),
                made["DnsName"].startswith("a") and made["DnsName"].endswith(".awsglobalaccelerator.com"),
                again["AcceleratorArn"] == arn,
                client.list_tags_for_resource(ResourceArn=arn)["Tags"],
                client.describe_accelerator_attributes(AcceleratorArn=arn)["AcceleratorAttributes"],
                code(client.describe_accelerator, AcceleratorArn=arn + "x"),
                code(client.create_accelerator, Name="-a", IdempotencyToken=token),
                code(server.client("globalaccelerator", "us-east-1").list_accelerators),
            ]

        self.check(
            observe,
            [
                ("DEPLOYED", True, "IPV4", 2), True, True, [{"Key": "c", "Value": "d"}], {"FlowLogsEnabled": False},
                "AcceleratorNotFoundException", "InvalidArgumentException", "InvalidSignatureException",
            ],
        )  # fmt: skip

    def test_how_it_ends(self) -> None:
        def observe(server: Server) -> list[object]:
            client, made = accelerator(server)
            arn = made["AcceleratorArn"]
            first = listener(client, arn)
            group = endpoint_group(client, first, "us-east-1")["EndpointGroupArn"]
            enabled = code(client.delete_accelerator, AcceleratorArn=arn)
            client.update_accelerator(AcceleratorArn=arn, Enabled=False)
            return [
                enabled,
                code(client.delete_accelerator, AcceleratorArn=arn),
                code(client.delete_listener, ListenerArn=first),
                code(client.delete_endpoint_group, EndpointGroupArn=group),
                code(client.delete_endpoint_group, EndpointGroupArn=group),
                code(client.delete_listener, ListenerArn=first),
                code(client.delete_listener, ListenerArn=first),
                code(client.delete_accelerator, AcceleratorArn=arn),
                code(client.delete_accelerator, AcceleratorArn=arn),
            ]

        self.check(
            observe,
            [
                "AcceleratorNotDisabledException", "AssociatedListenerFoundException",
                "AssociatedEndpointGroupFoundException", "ok", "EndpointGroupNotFoundException", "ok",
                "ListenerNotFoundException", "ok", "AcceleratorNotFoundException",
            ],
        )  # fmt: skip

    def test_listeners_and_groups(self) -> None:
        def observe(server: Server) -> list[object]:
            client, made = accelerator(server)
            arn = made["AcceleratorArn"]
            first = listener(client, arn)
            for port in range(1000, 1011):
                listener(client, arn, port)
            one = balancer(network(server), Type="network", Scheme="internet-facing")["LoadBalancerArn"]
            group = endpoint_group(client, first, "us-east-1", one)
            group_arn = group["EndpointGroupArn"]
            updated = client.update_endpoint_group(
                EndpointGroupArn=group_arn,
                EndpointConfigurations=[{"EndpointId": one, "Weight": 0}],
                TrafficDialPercentage=0,
                HealthCheckProtocol="HTTPS",
            )["EndpointGroup"]
            pages = [client.list_listeners(AcceleratorArn=arn)]
            pages.append(client.list_listeners(AcceleratorArn=arn, NextToken=pages[0]["NextToken"]))
            checks = ("HealthCheckPort", "HealthCheckProtocol", "HealthCheckIntervalSeconds", "ThresholdCount")
            return [
                [group[name] for name in (*checks, "TrafficDialPercentage")],
                group["EndpointDescriptions"],
                (updated["TrafficDialPercentage"], updated["HealthCheckPath"]),
                updated["EndpointDescriptions"][0]["Weight"],
                [len(page["Listeners"]) for page in pages],
                code(listener, client, arn),
                code(listener, client, arn, PortRanges=[{"FromPort": 9, "ToPort": 8}]),
                code(endpoint_group, client, first, "us-east-1"),
                code(endpoint_group, client, first, "us-east-2", one),
                code(client.update_endpoint_group, EndpointGroupArn=group_arn, HealthCheckIntervalSeconds=20),
                code(client.list_endpoint_groups, ListenerArn=first, NextToken="?"),
            ]

        self.check(
            observe,
            [
                [443, "TCP", 30, 3, 100.0],
                [{"EndpointId": unittest.mock.ANY, "Weight": 128, "HealthState": "UNHEALTHY",
                  "ClientIPPreservationEnabled": False}],
                (0.0, "/"),
                0,
                [10, 2],
                "InvalidPortRangeException", "InvalidPortRangeException", "EndpointGroupAlreadyExistsException",
                "InvalidArgumentException", "InvalidArgumentException", "InvalidNextTokenException",
            ],
        )  # fmt: skip

    def test_policies_hold(self) -> None:
        def observe(server: Server) -> list[object]:
            mine, other = (
                accelerator(server, Tags=[{"Key": "stack", "Value": value}])[1]["AcceleratorArn"]
                for value in ("mine", "other")
            )
            condition = {"StringEquals": {"aws:ResourceTag/stack": "mine"}}
            function = make_function(
                server,
                {"Effect": "Allow", "Action": "globalaccelerator:CreateAccelerator", "Resource": "*"},
                {"Effect": "Allow", "Action": "globalaccelerator:Update*", "Resource": "*", "Condition": condition},
            )

            def call(operation: str, **arguments) -> object:
                return invoke(server, function, service=KIND, operation=operation, arguments=arguments, region=REGION)

            token = unique("token")
            return [
                call("update_accelerator", AcceleratorArn=mine, Name="b"),
                call("update_accelerator", AcceleratorArn=other, Name="b"),
                call("create_accelerator", Name="c", IdempotencyToken=token, Tags=[{"Key": "a", "Value": "b"}]),
                call("create_accelerator", Name="c", IdempotencyToken=token),
            ]

        self.check(observe, ["ok", "AccessDeniedException", "AccessDeniedException", "ok"])


KIND = "globalaccelerator"


class TrafficTest(unittest.TestCase):
    def test_it_follows_the_health_of_the_load_balancers(self) -> None:
        server = local()
        client, made = accelerator(server)
        first = listener(client, made["AcceleratorArn"])
        regions = {"us-east-1": chain(server, "us-east-1"), "us-east-2": chain(server, "us-east-2", status=503)}
        groups = {
            region: endpoint_group(client, first, region, gate["network"]["LoadBalancerArn"])["EndpointGroupArn"]
            for region, gate in regions.items()
        }

        def health() -> list[str]:
            described = (client.describe_endpoint_group(EndpointGroupArn=arn) for arn in groups.values())
            return [one["EndpointGroup"]["EndpointDescriptions"][0]["HealthState"] for one in described]

        def served_in() -> str:
            status, _, body = fetch(server, made["DnsName"])
            return next((region for region in regions if region in body), f"nowhere: {status} {body}")

        self.assertEqual(["HEALTHY", "UNHEALTHY"], eventually(health, lambda seen: seen == ["HEALTHY", "UNHEALTHY"]))
        self.assertEqual("us-east-1", served_in())
        for region, status in (("us-east-1", 503), ("us-east-2", 200)):
            set_status(server, regions[region]["function"], status)
        self.assertEqual(["UNHEALTHY", "HEALTHY"], eventually(health, lambda seen: seen == ["UNHEALTHY", "HEALTHY"]))
        self.assertEqual("us-east-2", served_in())
        # Nobody healthy: it fails open.
        set_status(server, regions["us-east-2"]["function"], 503)
        self.assertEqual(["UNHEALTHY"] * 2, eventually(health, lambda seen: seen == ["UNHEALTHY"] * 2))
        self.assertEqual("us-east-1", served_in())

    def test_deployments_take_their_time(self) -> None:
        server = local()
        self.addCleanup(server.faults)
        server.faults(slow_provisioning={"seconds": 0.6, "kinds": ["globalaccelerator"]})
        client, made = accelerator(server)
        arn = made["AcceleratorArn"]

        def status() -> str:
            return client.describe_accelerator(AcceleratorArn=arn)["Accelerator"]["Status"]

        self.assertEqual("IN_PROGRESS", made["Status"])
        refused = code(client.update_accelerator, AcceleratorArn=arn, Name="b")
        self.assertEqual("TransactionInProgressException", refused)
        self.assertEqual("DEPLOYED", eventually(status, lambda seen: seen == "DEPLOYED"))
        listener(client, arn)
        self.assertEqual("IN_PROGRESS", status())


if __name__ == "__main__":
    unittest.main()
