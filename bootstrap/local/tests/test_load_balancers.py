"""The patches of Elastic Load Balancing."""

from __future__ import annotations

import json
import unittest

import gates
from gates import balancer, chain, fetch, forward, group, network, set_status, states
from support import GapTest, Server, code, eventually, local, make_function, invoke, unique


class LoadBalancersTest(GapTest):
    def test_names_and_zones(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            seen: list[object] = []
            for kind, scheme in (("network", "internet-facing"), ("application", "internal")):
                one = balancer(made, Type=kind, Scheme=scheme)
                name, identifier = one["LoadBalancerName"], one["LoadBalancerArn"].rpartition("/")[2]
                short = one["LoadBalancerArn"].split(":loadbalancer/")[1].split("/")[0]
                dns = one["DNSName"].replace(name, "name").replace(identifier, "id")
                zones = [(zone["ZoneName"], zone["SubnetId"]) for zone in one["AvailabilityZones"]]
                expected = list(zip(("us-east-1a", "us-east-1b"), made["subnets"], strict=True))
                digits = dns.split("-")[2].split(".")[0] if kind == "application" else ""
                groups = [
                    held["GroupName"] == "default"
                    for held in made["ec2"].describe_security_groups(GroupIds=one["SecurityGroups"])["SecurityGroups"]
                ] if one["SecurityGroups"] else []
                seen.append((short, dns.replace(digits, "N") if digits else dns, zones == expected, groups))
                seen.append((len(identifier), one["CanonicalHostedZoneId"], one["VpcId"] == made["vpc"]))
            return seen

        self.check(
            observe,
            [
                ("net", "name-id.elb.us-east-1.amazonaws.com", True, []),
                (16, "Z26RNL4JYFTOTI", True),
                ("app", "internal-name-N.us-east-1.elb.amazonaws.com", True, [True]),
                (16, "Z35SXDOTRQ7X7K", True),
            ],
        )

    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, elb, one = made["ec2"], made["elb"], made["subnets"][:1]
            same_zone = ec2.create_subnet(VpcId=made["vpc"], CidrBlock="10.0.9.0/24", AvailabilityZone="us-east-1a")
            closed = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
            inside = ec2.create_subnet(VpcId=closed, CidrBlock="10.0.9.0/24", AvailabilityZone="us-east-1a")

            def create(**given) -> str:
                return code(elb.create_load_balancer, **({"Name": unique("b"), "Subnets": made["subnets"]} | given))

            return [
                create(Name="a_b"),
                create(Name="internal-a"),
                create(Subnets=one),
                create(Subnets=["subnet-0"]),
                create(Subnets=[*one, same_zone["Subnet"]["SubnetId"]], Type="network"),
                create(Subnets=[inside["Subnet"]["SubnetId"]], Type="network"),
                create(SecurityGroups=["sg-0"]),
                create(Scheme="public"),
                code(elb.describe_load_balancers, Names=[unique("absent")]),
            ]

        self.check(
            observe,
            [
                *["ValidationError"] * 3,
                "SubnetNotFound",
                "InvalidConfigurationRequest",
                "InvalidSubnet",
                "InvalidSecurityGroup",
                "InvalidScheme",
                "LoadBalancerNotFound",
            ],
        )

    def test_the_same_again(self) -> None:
        def observe(server: Server) -> list[object]:
            made, tags = network(server), [{"Key": "a", "Value": "b"}]
            name = balancer(made, Tags=tags)["LoadBalancerName"]
            return [
                code(balancer, made, Name=name, Tags=tags),
                code(balancer, made, Name=name, Tags=[]),
                code(balancer, made, Name=name, Tags=tags, Scheme="internet-facing"),
            ]

        self.check(observe, ["ok", *["DuplicateLoadBalancerName"] * 2])

    def test_protection_and_listeners(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            elb, one = made["elb"], balancer(made, Type="network")
            arn = one["LoadBalancerArn"]
            listener = elb.create_listener(
                LoadBalancerArn=arn,
                Protocol="TCP",
                Port=443,
                DefaultActions=forward(group(made, Protocol="TCP", Port=1, VpcId=made["vpc"], TargetType="ip")),
            )["Listeners"][0]["ListenerArn"]

            def protect(value: str) -> str:
                attributes = [{"Key": "deletion_protection.enabled", "Value": value}]
                return code(elb.modify_load_balancer_attributes, LoadBalancerArn=arn, Attributes=attributes)

            attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
            unknown = [{"Key": "idle_timeout.timeout_seconds", "Value": "10"}]
            return [
                {held["Key"]: held["Value"] for held in attributes}.get("dns_record.client_routing_policy"),
                code(elb.modify_load_balancer_attributes, LoadBalancerArn=arn, Attributes=unknown),
                protect("true"),
                code(elb.delete_load_balancer, LoadBalancerArn=arn),
                protect("false"),
                code(elb.delete_load_balancer, LoadBalancerArn=arn),
                code(elb.delete_load_balancer, LoadBalancerArn=arn),
                code(elb.describe_listeners, ListenerArns=[listener]),
            ]

        self.check(
            observe,
            [
                "any_availability_zone", "ValidationError", "ok", "OperationNotPermitted", "ok", "ok", "ok",
                "ListenerNotFound",
            ],
        )  # fmt: skip

    def test_it_holds_its_network(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            ec2, elb = made["ec2"], made["elb"]
            first, second = (
                ec2.create_security_group(GroupName=unique("g"), Description="d", VpcId=made["vpc"])["GroupId"]
                for _ in range(2)
            )
            arn = balancer(made, Type="network", SecurityGroups=[first])["LoadBalancerArn"]
            bare = balancer(made, Type="network")["LoadBalancerArn"]
            held = ec2.describe_network_interfaces()["NetworkInterfaces"]
            mine = [one for one in held if one["Description"] == "ELB " + arn.split(":loadbalancer/")[1]]
            seen = [
                sorted(one["SubnetId"] for one in mine) == sorted(made["subnets"]),
                {(one["Status"], one["InterfaceType"]) for one in mine},
                code(ec2.delete_subnet, SubnetId=made["subnets"][0]),
                code(ec2.delete_security_group, GroupId=first),
                code(ec2.delete_network_interface, NetworkInterfaceId=mine[0]["NetworkInterfaceId"]) if mine else "",
                code(elb.set_security_groups, LoadBalancerArn=bare, SecurityGroups=[second]),
                code(elb.set_security_groups, LoadBalancerArn=arn, SecurityGroups=[second]),
                code(ec2.delete_security_group, GroupId=first),
                code(ec2.delete_security_group, GroupId=second),
            ]
            public = balancer(made, Type="network", Scheme="internet-facing")["LoadBalancerArn"]
            gateway = {"InternetGatewayId": made["gateway"], "VpcId": made["vpc"]}
            seen.append(code(ec2.detach_internet_gateway, **gateway))
            for one in (arn, bare, public):
                elb.delete_load_balancer(LoadBalancerArn=one)
            return [
                *seen,
                code(ec2.detach_internet_gateway, **gateway),
                code(ec2.delete_security_group, GroupId=second),
                code(ec2.delete_subnet, SubnetId=made["subnets"][0]),
            ]

        self.check(
            observe,
            [
                True, {("in-use", "network_load_balancer")}, "DependencyViolation", "DependencyViolation",
                "InvalidParameterValue", "InvalidConfigurationRequest", "ok", "ok", "DependencyViolation",
                "DependencyViolation", "ok", "ok", "ok",
            ],
        )  # fmt: skip


class SlowLoadBalancersTest(unittest.TestCase):
    def test_they_take_their_time(self) -> None:
        server = local()
        made = network(server)
        self.addCleanup(server.faults)
        server.faults(slow_provisioning={"seconds": 0.6, "kinds": ["elasticloadbalancing"]})
        elb, ec2 = made["elb"], made["ec2"]
        one = balancer(made)
        self.assertEqual("provisioning", one["State"]["Code"])

        def state() -> str:
            return elb.describe_load_balancers(Names=[one["LoadBalancerName"]])["LoadBalancers"][0]["State"]["Code"]

        self.assertEqual("active", eventually(state, lambda seen: seen == "active"))
        elb.delete_load_balancer(LoadBalancerArn=one["LoadBalancerArn"])
        subnet = made["subnets"][0]
        self.assertEqual("DependencyViolation", code(ec2.delete_subnet, SubnetId=subnet))
        self.assertEqual("ok", eventually(lambda: code(ec2.delete_subnet, SubnetId=subnet), lambda seen: seen == "ok"))


class PoliciesTest(GapTest):
    def test_tags_decide(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            mine, other = (
                made["elb"].create_load_balancer(
                    Name=unique("b"), Subnets=made["subnets"], Type="network", Tags=[{"Key": "stack", "Value": value}]
                )["LoadBalancers"][0]["LoadBalancerArn"]
                for value in ("mine", "other")
            )
            condition = {"StringEquals": {"aws:ResourceTag/stack": "mine"}}
            may_delete = {
                "Effect": "Allow",
                "Action": "elasticloadbalancing:DeleteLoadBalancer",
                "Resource": "*",
                "Condition": condition,
            }
            may_create = {"Effect": "Allow", "Action": "elasticloadbalancing:CreateTargetGroup", "Resource": "*"}
            function = make_function(server, may_delete, may_create)

            def call(operation: str, **arguments) -> object:
                return invoke(server, function, service="elbv2", operation=operation, arguments=arguments)

            tagged = {"TargetType": "lambda", "Tags": [{"Key": "stack", "Value": "mine"}]}
            return [
                call("delete_load_balancer", LoadBalancerArn=other),
                call("delete_load_balancer", LoadBalancerArn=mine),
                call("create_target_group", Name=unique("t"), **tagged),
                call("create_target_group", Name=unique("t"), TargetType="lambda"),
            ]

        self.check(observe, ["AccessDenied", "ok", "AccessDenied", "ok"])


class TargetGroupsTest(GapTest):
    def test_each_type_has_its_defaults(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            elb, seen = made["elb"], []
            for given in (
                {"TargetType": "lambda"},
                {"TargetType": "alb", "Protocol": "TCP", "Port": 443, "VpcId": made["vpc"]},
                {"TargetType": "ip", "Protocol": "HTTP", "Port": 80, "VpcId": made["vpc"]},
            ):
                one = elb.create_target_group(Name=unique("t"), **given)["TargetGroups"][0]
                seen.append(
                    tuple(
                        one.get(name)
                        for name in (
                            "Protocol", "Port", "HealthCheckEnabled", "HealthCheckProtocol",
                            "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds", "UnhealthyThresholdCount",
                        )
                    )
                    + (one["Matcher"]["HttpCode"],)
                )  # fmt: skip
            return seen

        self.check(
            observe,
            [
                (None, None, False, None, 35, 30, 5, "200"),
                ("TCP", 443, True, "HTTP", 30, 6, 2, "200-399"),
                ("HTTP", 80, True, "HTTP", 30, 5, 2, "200"),
            ],
        )

    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            elb, name = made["elb"], unique("t")
            http = {"Protocol": "HTTP", "Port": 80, "VpcId": made["vpc"], "TargetType": "ip"}
            arn = group(made, Name=name, **http)
            one = balancer(made)["LoadBalancerArn"]
            elb.create_listener(LoadBalancerArn=one, Protocol="HTTP", Port=80, DefaultActions=forward(arn))
            return [
                code(group, made, TargetType="lambda", Port=80),
                code(group, made, TargetType="alb", Protocol="HTTP", Port=80, VpcId=made["vpc"]),
                code(group, made, **(http | {"VpcId": "vpc-0"})),
                code(group, made, **http, HealthCheckTimeoutSeconds=60),
                code(elb.modify_target_group, TargetGroupArn=arn, Matcher={"HttpCode": "1-2"}),
                code(group, made, Name=name, **http),
                code(group, made, Name=name, **(http | {"Port": 81})),
                code(elb.delete_target_group, TargetGroupArn=arn),
                [
                    held["LoadBalancerArns"] == [one]
                    for held in elb.describe_target_groups(LoadBalancerArn=one)["TargetGroups"]
                ],
                code(elb.delete_load_balancer, LoadBalancerArn=one),
                code(elb.delete_target_group, TargetGroupArn=arn),
            ]

        self.check(
            observe,
            [*["ValidationError"] * 5, "ok", "DuplicateTargetGroupName", "ResourceInUse", [True], "ok", "ok"],
        )

    def test_who_can_be_a_target(self) -> None:
        def observe(server: Server) -> list[object]:
            made = chain(server)
            elb, function = made["elb"], made["function"]
            plain = group(made, TargetType="lambda")
            application = made["application"]["LoadBalancerArn"]
            on_another = group(made, TargetType="alb", Protocol="TCP", Port=8080, VpcId=made["vpc"])
            listener = elb.describe_listeners(LoadBalancerArn=application)["Listeners"][0]["ListenerArn"]

            def register(target_group: str, target: str) -> str:
                return code(elb.register_targets, TargetGroupArn=target_group, Targets=[{"Id": target}])

            refused = [
                register(plain, function),
                register(plain, "i-0"),
                register(on_another, application),
                register(on_another, made["network"]["LoadBalancerArn"]),
                code(elb.delete_listener, ListenerArn=listener),
                code(elb.delete_load_balancer, LoadBalancerArn=application),
            ]
            gates.let_invoke(server, function, plain)
            return [*refused, register(plain, function)]

        self.check(
            observe,
            [
                "AccessDenied", "ValidationError", "InvalidTarget", "InvalidTarget", "ResourceInUse", "ResourceInUse",
                "ok",
            ],
        )  # fmt: skip


class ListenersTest(GapTest):
    def test_what_is_refused(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            elb, http, tcp = made["elb"], group(made), group(made, Protocol="TCP", Port=1, VpcId=made["vpc"])
            application, outer = (balancer(made, Type=kind)["LoadBalancerArn"] for kind in ("application", "network"))

            def listen(arn: str, protocol: str, target: str, port: int = 80) -> str:
                given = {"Protocol": protocol, "Port": port, "DefaultActions": forward(target)}
                return code(elb.create_listener, LoadBalancerArn=arn, **given)

            return [
                listen(application, "TCP", http),
                listen(application, "HTTP", tcp),
                listen(application, "HTTPS", http),
                listen(application, "HTTP", http.replace("targetgroup/", "targetgroup/x")),
                listen(application, "HTTP", http),
                listen(application, "HTTP", http),
                listen(application, "HTTP", group(made)),
                listen(balancer(made)["LoadBalancerArn"], "HTTP", http),
                listen(outer, "TCP", tcp),
                "/net/" in elb.describe_listeners(LoadBalancerArn=outer)["Listeners"][0]["ListenerArn"],
                code(elb.describe_listeners),
            ]

        self.check(
            observe,
            [
                "ValidationError", "InvalidConfigurationRequest", "ValidationError", "TargetGroupNotFound", "ok", "ok",
                "DuplicateListener", "TargetGroupAssociationLimit", "ok", True, "ValidationError",
            ],
        )  # fmt: skip

    def test_priorities(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            elb, target, one = made["elb"], group(made), balancer(made)["LoadBalancerArn"]
            listener = elb.create_listener(
                LoadBalancerArn=one, Protocol="HTTP", Port=80, DefaultActions=forward(target)
            )["Listeners"][0]["ListenerArn"]
            condition = [{"Field": "path-pattern", "Values": ["/a"]}]

            def rule(priority: int) -> str:
                given = {"Conditions": condition, "Actions": forward(target), "Priority": priority}
                return code(elb.create_rule, ListenerArn=listener, **given)

            made_rules = [rule(20), rule(20), rule(0), rule(10)]
            rules = elb.describe_rules(ListenerArn=listener)["Rules"]
            first = rules[0]["RuleArn"]
            shown = rules[0]["Actions"][0].get("ForwardConfig", {}).get("TargetGroups")
            return [
                made_rules,
                [held["Priority"] for held in rules],
                shown == [{"TargetGroupArn": target, "Weight": 1}],
                code(elb.set_rule_priorities, RulePriorities=[{"RuleArn": first, "Priority": 20}]),
                code(elb.set_rule_priorities, RulePriorities=[{"RuleArn": first, "Priority": 30}]),
                len(elb.describe_rules(ListenerArn=listener, PageSize=2)["Rules"]),
            ]

        self.check(
            observe,
            [["ok", "PriorityInUse", "ValidationError", "ok"], ["10", "20", "default"], True, "PriorityInUse", "ok", 2],
        )


class TargetHealthTest(GapTest):
    def test_it_follows_the_function(self) -> None:
        def observe(server: Server) -> list[object]:
            made = chain(server, status=503)

            def both() -> list[list[str]]:
                return [states(made, "lambda"), states(made, "alb")]

            def settled(wanted: str) -> list[list[str]]:
                return eventually(both, lambda seen: seen == [[wanted], [wanted]], seconds=10)

            seen = [settled("unhealthy")]
            set_status(server, made["function"], 200)
            seen.append(settled("healthy"))
            set_status(server, made["function"], 503)
            return [*seen, settled("unhealthy")]

        self.check(observe, [[["unhealthy"]] * 2, [["healthy"]] * 2, [["unhealthy"]] * 2])

    def test_unused_and_unchecked(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            function, plain = gates.gate(server, "us-east-1", 200), group(made, TargetType="lambda")
            gates.let_invoke(server, function, plain)
            made["elb"].register_targets(TargetGroupArn=plain, Targets=[{"Id": function}])

            def health(**given) -> list:
                described = made["elb"].describe_target_health(TargetGroupArn=plain, **given)
                targets = described["TargetHealthDescriptions"]
                return [(one["TargetHealth"]["State"], one["TargetHealth"].get("Reason")) for one in targets]

            unused = health()
            made["elb"].create_listener(
                LoadBalancerArn=balancer(made)["LoadBalancerArn"],
                Protocol="HTTP",
                Port=80,
                DefaultActions=forward(plain),
            )
            return [unused, health(), health(Targets=[{"Id": "absent"}])]

        self.check(
            observe,
            [
                [("unused", "Target.NotInUse")],
                [("unavailable", "Target.HealthCheckDisabled")],
                [("unused", "Target.NotRegistered")],
            ],
        )


class RequestsTest(GapTest):
    def test_through_both_in_another_region(self) -> None:
        def observe(server: Server) -> list[object]:
            made = chain(server, region="us-east-2", status=503)
            seen: list[object] = []
            for kind in ("application", "network"):
                status, header, body = fetch(server, made[kind]["DNSName"], "/active?a=1%20b")
                event = json.loads(body) if header else {}
                names = ("httpMethod", "path", "queryStringParameters", "body", "isBase64Encoded")
                group_arn = event.get("requestContext", {}).get("elb", {}).get("targetGroupArn")
                is_group = group_arn == made["groups"]["lambda"]
                seen.append((status, header, is_group, *(event.get(name) for name in names)))
            set_status(server, made["function"], 0)
            return [*seen, fetch(server, made["network"]["DNSName"])[0]]

        expected = (503, "here", True, "GET", "/active", {"a": "1%20b"}, "", False)
        self.check(observe, [expected, expected, 502])

    def test_they_are_no_calls(self) -> None:
        server = local()
        made = chain(server)
        before = len(server.calls())
        self.assertEqual(200, fetch(server, made["network"]["DNSName"])[0])
        self.assertEqual(before, len(server.calls()))


if __name__ == "__main__":
    unittest.main()
