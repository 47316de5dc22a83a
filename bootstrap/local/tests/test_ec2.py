"""The patches of EC2."""

from __future__ import annotations

import time
import unittest

from support import GapTest, Server, code, eventually, function_zip, local, make_role, unique


def network(server: Server, cidr: str = "10.0.0.0/16") -> dict:
    """A VPC with a subnet in it."""
    ec2 = server.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr.replace("/16", "/24"))["Subnet"]["SubnetId"]
    return {"ec2": ec2, "vpc": vpc, "subnet": subnet}


def table(made: dict) -> str:
    return made["ec2"].create_route_table(VpcId=made["vpc"])["RouteTable"]["RouteTableId"]


def group(made: dict) -> str:
    return made["ec2"].create_security_group(GroupName=unique("g"), Description="d", VpcId=made["vpc"])["GroupId"]


def gateway(made: dict) -> str:
    identifier = made["ec2"].create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    made["ec2"].attach_internet_gateway(InternetGatewayId=identifier, VpcId=made["vpc"])
    return identifier


def rule(port: int = 5432, **source) -> list[dict]:
    source = source or {"IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "a"}]}
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}]


class ReferencesTest(GapTest):
    def test_a_subnet_needs_its_vpc(self) -> None:
        self.check(
            lambda server: code(server.client("ec2").create_subnet, VpcId="vpc-0", CidrBlock="10.0.0.0/24"),
            "InvalidVpcID.NotFound",
        )

    def test_a_route_table_and_a_group_need_their_vpc(self) -> None:
        def observe(server: Server) -> list[str]:
            ec2 = server.client("ec2")
            return [
                code(ec2.create_route_table, VpcId="vpc-0"),
                code(ec2.create_security_group, GroupName="g", Description="d", VpcId="vpc-0"),
            ]

        self.check(observe, ["InvalidVpcID.NotFound"] * 2)

    def test_absent_objects_are_not_found(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, routes = made["ec2"], table(made)
            return [
                code(ec2.associate_route_table, RouteTableId=routes, SubnetId="subnet-0"),
                code(ec2.disassociate_route_table, AssociationId="rtbassoc-0"),
                code(ec2.detach_internet_gateway, InternetGatewayId="igw-0", VpcId=made["vpc"]),
                code(ec2.create_route, RouteTableId=routes, DestinationCidrBlock="0.0.0.0/0", GatewayId="igw-0"),
                code(ec2.delete_route, RouteTableId=routes, DestinationCidrBlock="0.0.0.0/0"),
                code(ec2.describe_route_tables, RouteTableIds=["rtb-0"]),
                code(ec2.create_tags, Resources=["vpc-0"], Tags=[{"Key": "a", "Value": "b"}]),
                code(
                    ec2.authorize_security_group_ingress,
                    GroupId=group(made),
                    IpPermissions=rule(UserIdGroupPairs=[{"GroupId": "sg-0"}]),
                ),
            ]

        self.check(
            observe,
            [
                "InvalidSubnetID.NotFound",
                "InvalidAssociationID.NotFound",
                "InvalidInternetGatewayID.NotFound",
                "InvalidGatewayID.NotFound",
                "InvalidRoute.NotFound",
                "InvalidRouteTableID.NotFound",
                "InvalidVpcID.NotFound",
                "InvalidGroup.NotFound",
            ],
        )

    def test_a_detached_gateway_cannot_be_detached(self) -> None:
        def observe(server: Server) -> str:
            made = network(server)
            identifier = made["ec2"].create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            return code(made["ec2"].detach_internet_gateway, InternetGatewayId=identifier, VpcId=made["vpc"])

        self.check(observe, "Gateway.NotAttached")


class CidrsTest(GapTest):
    def test_ranges_are_checked(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, vpc = made["ec2"], made["vpc"]
            return [
                code(ec2.create_vpc, CidrBlock="10.0.0.0/8"),
                code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.0.300/24"),
                code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.0.0/24"),
                code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.0.128/25"),
                code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1z"),
                code(
                    ec2.authorize_security_group_ingress,
                    GroupId=group(made),
                    IpPermissions=rule(IpRanges=[{"CidrIp": "10.0.0.0/99"}]),
                ),
            ]

        self.check(
            observe,
            [
                "InvalidVpc.Range",
                "InvalidParameterValue",
                "InvalidSubnet.Range",
                "InvalidSubnet.Conflict",
                "InvalidParameterValue",
                "InvalidParameterValue",
            ],
        )

    def test_ranges_are_made_canonical(self) -> None:
        def observe(server: Server) -> list[object]:
            ec2 = server.client("ec2")
            vpc = ec2.create_vpc(CidrBlock="10.9.3.4/16")["Vpc"]
            subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.9.1.9/25")["Subnet"]
            return [vpc["CidrBlock"], subnet["CidrBlock"], subnet["AvailableIpAddressCount"]]

        self.check(observe, ["10.9.0.0/16", "10.9.1.0/25", 123])


class DuplicatesTest(GapTest):
    def test_rules(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, identifier = made["ec2"], group(made)
            everywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
            other = rule(IpRanges=[{"CidrIp": "10.0.0.0/16", "Description": "another"}])
            return [
                code(ec2.authorize_security_group_ingress, GroupId=identifier, IpPermissions=rule()),
                code(ec2.authorize_security_group_ingress, GroupId=identifier, IpPermissions=other),
                code(ec2.authorize_security_group_egress, GroupId=identifier, IpPermissions=everywhere),
                code(ec2.revoke_security_group_ingress, GroupId=identifier, IpPermissions=other),
                code(ec2.revoke_security_group_ingress, GroupId=identifier, IpPermissions=other),
            ]

        duplicate = "InvalidPermission.Duplicate"
        self.check(observe, ["ok", duplicate, duplicate, "ok", "InvalidPermission.NotFound"])

    def test_routes_and_associations(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, routes, internet = made["ec2"], table(made), gateway(made)
            route = {"RouteTableId": routes, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": internet}
            second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            return [
                code(ec2.create_route, **route),
                code(ec2.create_route, **route),
                code(ec2.associate_route_table, RouteTableId=routes, SubnetId=made["subnet"]),
                code(ec2.associate_route_table, RouteTableId=table(made), SubnetId=made["subnet"]),
                code(ec2.attach_internet_gateway, InternetGatewayId=internet, VpcId=made["vpc"]),
                code(ec2.attach_internet_gateway, InternetGatewayId=second, VpcId=made["vpc"]),
            ]

        associated = "Resource.AlreadyAssociated"
        self.check(observe, ["ok", "RouteAlreadyExists", "ok", associated, associated, "InvalidParameterValue"])


class RuleDescriptionsTest(GapTest):
    def test_they_change(self) -> None:
        def observe(server: Server) -> object:
            made = network(server)
            ec2, identifier, other = made["ec2"], group(made), group(made)
            pairs = [{"GroupId": other, "Description": "a group"}]
            ec2.authorize_security_group_ingress(GroupId=identifier, IpPermissions=rule())
            ec2.authorize_security_group_ingress(GroupId=identifier, IpPermissions=rule(UserIdGroupPairs=pairs))
            update = ec2.update_security_group_rule_descriptions_ingress

            def descriptions() -> list:
                found = ec2.describe_security_groups(GroupIds=[identifier])["SecurityGroups"][0]["IpPermissions"]
                entries = [*found[0]["IpRanges"], *found[1]["UserIdGroupPairs"]]
                return [entry.get("Description") for entry in entries]

            new = rule(IpRanges=[{"CidrIp": "10.0.0.0/16", "Description": "new"}])
            if code(update, GroupId=identifier, IpPermissions=new) != "ok":
                return "unknown"
            first = descriptions()
            update(GroupId=identifier, IpPermissions=rule(UserIdGroupPairs=[{"GroupId": other}]))
            absent = rule(IpRanges=[{"CidrIp": "10.99.0.0/16", "Description": "new"}])
            missing = code(update, GroupId=identifier, IpPermissions=absent)
            filters = [{"Name": "group-id", "Values": [identifier]}]
            rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
            by_id = next(entry["SecurityGroupRuleId"] for entry in rules if entry.get("CidrIpv4") == "10.0.0.0/16")
            update(
                GroupId=identifier,
                SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": by_id, "Description": "by its id"}],
            )
            return [first, missing, descriptions()]

        self.check(observe, [["new", "a group"], "InvalidPermission.NotFound", ["by its id", None]])


class BlackholesTest(GapTest):
    def test_a_route_without_its_gateway(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, routes, internet = made["ec2"], table(made), gateway(made)
            ec2.create_route(RouteTableId=routes, DestinationCidrBlock="0.0.0.0/0", GatewayId=internet)

            def states() -> list[str]:
                described = ec2.describe_route_tables(RouteTableIds=[routes])["RouteTables"][0]
                return [route["State"] for route in described["Routes"]]

            seen = [states()]
            ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=made["vpc"])
            seen.append(states())
            ec2.delete_internet_gateway(InternetGatewayId=internet)
            return [*seen, states()]

        self.check(observe, [["active", "active"], *[["active", "blackhole"]] * 2])


class PeeringTest(GapTest):
    @staticmethod
    def peered(server: Server, cidr: str = "10.1.0.0/16") -> dict:
        """Two VPCs, and the request of one for the other."""
        one, other = server.client("ec2"), server.client("ec2", "us-east-2")
        vpc = one.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        peer = other.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        sides = {"VpcId": vpc, "PeerVpcId": peer, "PeerRegion": "us-east-2"}
        tags = [{"ResourceType": "vpc-peering-connection", "Tags": [{"Key": "a", "Value": "b"}]}]
        made = one.create_vpc_peering_connection(**sides, TagSpecifications=tags)["VpcPeeringConnection"]
        found = {"VpcPeeringConnectionId": made["VpcPeeringConnectionId"]}
        return {"one": one, "other": other, "sides": sides, "made": made, "id": found}

    @staticmethod
    def state(client, identifier: dict, wanted: str = "") -> str:
        """The state that a region shows, once it is as wanted."""

        def observe() -> str:
            ids = list(identifier.values())
            if code(client.describe_vpc_peering_connections, VpcPeeringConnectionIds=ids) != "ok":
                return "unknown"
            found = client.describe_vpc_peering_connections(VpcPeeringConnectionIds=ids)["VpcPeeringConnections"]
            return found[0]["Status"]["Code"] if found else "none"

        return eventually(observe, lambda seen: wanted in ("", seen), seconds=5)

    def test_it_takes_its_time_and_shows_late(self) -> None:
        def observe(server: Server) -> list[str]:
            made = self.peered(server)
            one, other, identifier = made["one"], made["other"], made["id"]
            seen = [made["made"]["Status"]["Code"], self.state(other, identifier)]
            seen.append(self.state(one, identifier, "pending-acceptance"))
            accepted = other.accept_vpc_peering_connection(**identifier)["VpcPeeringConnection"]["Status"]["Code"]
            seen += [accepted, self.state(other, identifier), self.state(one, identifier, "active")]
            one.delete_vpc_peering_connection(**identifier)
            return [*seen, self.state(other, identifier), self.state(other, identifier, "deleted")]

        self.check(
            observe,
            [
                "initiating-request", "unknown", "pending-acceptance", "provisioning", "provisioning", "active",
                "deleting", "deleted",
            ],
        )  # fmt: skip

    def test_it_is_refused_where_it_cannot_be(self) -> None:
        def observe(server: Server) -> list[str]:
            made = self.peered(server)
            one, other, identifier = made["one"], made["other"], made["id"]
            seen = [code(one.create_vpc_peering_connection, **made["sides"])]
            seen.append(code(one.create_vpc_peering_connection, **made["sides"] | {"VpcId": "vpc-0"}))
            self.state(one, identifier, "pending-acceptance")
            seen.append(code(one.accept_vpc_peering_connection, **identifier))
            other.accept_vpc_peering_connection(**identifier)
            seen.append(code(other.accept_vpc_peering_connection, **identifier))
            self.state(one, identifier, "active")
            one.delete_vpc_peering_connection(**identifier)
            return [*seen, code(one.delete_vpc_peering_connection, **identifier)]

        self.check(
            observe,
            [
                "VpcPeeringConnectionAlreadyExists", "InvalidVpcID.NotFound", "OperationNotPermitted",
                "InvalidStateTransition", "InvalidStateTransition",
            ],
        )  # fmt: skip

    def test_overlapping_ranges_fail_afterwards(self) -> None:
        def observe(server: Server) -> list[str]:
            made = self.peered(server, "10.0.128.0/20")
            seen = self.state(made["one"], made["id"], "failed")
            return [seen, self.state(made["other"], made["id"])]

        self.check(observe, ["failed", "unknown"])

    def test_a_route_is_replaced_with_one_to_a_peering(self) -> None:
        def observe(server: Server) -> list[object]:
            made = self.peered(server)
            one, vpc, identifier = made["one"], made["sides"]["VpcId"], made["id"]
            routes = table({"ec2": one, "vpc": vpc})
            route = {"RouteTableId": routes, "DestinationCidrBlock": "10.1.0.0/16"}
            seen = [code(one.create_route, **route, VpcPeeringConnectionId="pcx-0")]
            internet = gateway({"ec2": one, "vpc": vpc})
            one.create_route(**route, GatewayId=internet)
            one.replace_route(**route, **identifier)

            def target() -> list[object]:
                described = one.describe_route_tables(RouteTableIds=[routes])["RouteTables"][0]["Routes"][1]
                leads = described.get("VpcPeeringConnectionId") == identifier["VpcPeeringConnectionId"]
                return [leads, described.get("GatewayId")]

            seen += target()
            one.replace_route(**route, GatewayId=internet)
            return [*seen, target()[0]]

        self.check(observe, ["InvalidVpcPeeringConnectionID.NotFound", True, None, False])

    def test_each_side_has_tags_until_it_is_deleted(self) -> None:
        def observe(server: Server) -> list[list[str]]:
            made = self.peered(server)
            one, other, identifier = made["one"], made["other"], made["id"]
            ids = list(identifier.values())
            self.state(one, identifier, "pending-acceptance")

            def keys() -> list[list[str]]:
                filters = [{"Name": "resource-id", "Values": ids}]
                return [[tag["Key"] for tag in side.describe_tags(Filters=filters)["Tags"]] for side in (one, other)]

            seen = keys()
            other.create_tags(Resources=ids, Tags=[{"Key": "c", "Value": "d"}])
            seen += keys()
            one.delete_vpc_peering_connection(**identifier)
            return [*seen, *keys()]

        self.check(observe, [["a"], [], ["a"], ["c"], [], []])


class AccountAttributesTest(GapTest):
    def test_elastic_addresses(self) -> None:
        def observe(server: Server) -> object:
            ec2 = server.client("ec2", "eu-south-2")
            if code(ec2.describe_account_attributes) != "ok":
                return "unknown"
            found = ec2.describe_account_attributes(AttributeNames=["vpc-max-elastic-ips"])["AccountAttributes"]
            return [(entry["AttributeName"], entry["AttributeValues"][0]["AttributeValue"]) for entry in found]

        self.check(observe, [("vpc-max-elastic-ips", "5")])


class ClientTokensTest(GapTest):
    def test_a_repeated_create_returns_the_first_object(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            create, token = made["ec2"].create_route_table, unique("token")
            first = create(VpcId=made["vpc"], ClientToken=token)["RouteTable"]["RouteTableId"]
            second = create(VpcId=made["vpc"], ClientToken=token)["RouteTable"]["RouteTableId"]
            return [first == second, code(create, VpcId=network(server)["vpc"], ClientToken=token)]

        self.check(observe, [True, "IdempotentParameterMismatch"])


class DependencyViolationsTest(GapTest):
    def test_of_the_network(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, routes, internet = made["ec2"], table(made), gateway(made)
            ec2.associate_route_table(RouteTableId=routes, SubnetId=made["subnet"])
            held, holder = group(made), group(made)
            ec2.authorize_security_group_ingress(
                GroupId=holder, IpPermissions=rule(UserIdGroupPairs=[{"GroupId": held}])
            )
            refused = [
                code(ec2.delete_vpc, VpcId=made["vpc"]),
                code(ec2.delete_route_table, RouteTableId=routes),
                code(ec2.delete_internet_gateway, InternetGatewayId=internet),
                code(ec2.delete_security_group, GroupId=held),
            ]
            ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=made["vpc"])
            for identifier in (holder, held):
                code(ec2.delete_security_group, GroupId=identifier)
            ec2.delete_subnet(SubnetId=made["subnet"])
            return [*refused, code(ec2.delete_vpc, VpcId=made["vpc"])]

        self.check(observe, ["DependencyViolation"] * 5)

    def test_of_functions_that_are_gone(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, functions, name, held = made["ec2"], server.client("lambda"), unique("function"), group(made)
            functions.create_function(
                FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=make_role(server, "lambda"),
                Code={"ZipFile": function_zip()},
                VpcConfig={"SubnetIds": [made["subnet"]], "SecurityGroupIds": [held]},
            )  # fmt: skip
            functions.delete_function(FunctionName=name)
            refused = [
                code(ec2.delete_security_group, GroupId=held), code(ec2.delete_subnet, SubnetId=made["subnet"]),
            ]  # fmt: skip
            time.sleep(2.5)
            return [
                *refused, code(ec2.delete_security_group, GroupId=held),
                code(ec2.delete_subnet, SubnetId=made["subnet"]),
            ]  # fmt: skip

        self.check(observe, ["DependencyViolation", "DependencyViolation", "ok", "ok"])

    def test_of_what_is_in_subnets(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, rds, cache = made["ec2"], server.client("rds"), server.client("elasticache")
            other = ec2.create_subnet(VpcId=made["vpc"], CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1b")
            subnets = [made["subnet"], other["Subnet"]["SubnetId"]]
            name, of_database, of_cache = unique("n"), group(made), group(made)
            rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=subnets)
            cache.create_cache_subnet_group(
                CacheSubnetGroupName=name, CacheSubnetGroupDescription="d", SubnetIds=subnets[:1]
            )
            rds.create_db_instance(
                DBInstanceIdentifier=name,
                DBInstanceClass="db.t3.micro",
                Engine="postgres",
                AllocatedStorage=20,
                MasterUsername="owner",
                MasterUserPassword="a-password",
                DBSubnetGroupName=name,
                VpcSecurityGroupIds=[of_database],
            )
            cache.create_replication_group(
                ReplicationGroupId=name,
                ReplicationGroupDescription="d",
                NumCacheClusters=2,
                CacheSubnetGroupName=name,
                SecurityGroupIds=[of_cache],
            )
            refused = [
                code(ec2.delete_security_group, GroupId=of_database),
                code(ec2.delete_security_group, GroupId=of_cache),
                code(rds.delete_db_subnet_group, DBSubnetGroupName=name),
                code(cache.delete_cache_subnet_group, CacheSubnetGroupName=name),
                code(ec2.delete_subnet, SubnetId=subnets[1]),
            ]
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
            return [
                *refused,
                code(ec2.delete_subnet, SubnetId=subnets[0]),
                code(rds.delete_db_subnet_group, DBSubnetGroupName=name),
                code(ec2.delete_subnet, SubnetId=subnets[1]),
            ]

        violation = "DependencyViolation"
        self.check(
            observe,
            [
                violation,
                violation,
                "InvalidDBSubnetGroupStateFault",
                "CacheSubnetGroupInUse",
                violation,
                violation,
                "ok",
                "ok",
            ],
        )


def nat_gateway(made: dict, address: str) -> dict:
    """A new NAT gateway, once it is neither pending."""
    create = made["ec2"].create_nat_gateway(SubnetId=made["subnet"], AllocationId=address)
    return settled_gateway(made, create["NatGateway"]["NatGatewayId"])


def settled_gateway(made: dict, identifier: str) -> dict:
    def observe() -> dict:
        return made["ec2"].describe_nat_gateways(NatGatewayIds=[identifier])["NatGateways"][0]

    return eventually(observe, lambda seen: seen["State"] not in ("pending", "deleting"), 5)


class ElasticAddressesTest(GapTest):
    def test_they_are_found_by_tags(self) -> None:
        def observe(server: Server) -> list[object]:
            ec2, tag = server.client("ec2", "eu-south-1"), unique("t")
            tags = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "a", "Value": tag}]}]
            ours = ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
            ec2.allocate_address(Domain="vpc")
            found = ec2.describe_addresses(Filters=[{"Name": "tag:a", "Values": [tag]}])["Addresses"]
            absent = code(ec2.describe_addresses, AllocationIds=["eipalloc-0"])
            return [[address["AllocationId"] for address in found] == [ours], absent]

        self.check(observe, [True, "InvalidAllocationID.NotFound"])

    def test_an_associated_one_stays(self) -> None:
        def observe(server: Server) -> list[str]:
            made = network(server)
            ec2, address = made["ec2"], made["ec2"].allocate_address(Domain="vpc")["AllocationId"]
            association = ec2.associate_address(AllocationId=address, InstanceId="i-0")["AssociationId"]
            refused = code(ec2.release_address, AllocationId=address)
            code(ec2.disassociate_address, AssociationId=association)
            return [refused, code(ec2.release_address, AllocationId=address)]

        self.check(observe, ["InvalidIPAddress.InUse", "ok"])


class NatGatewaysTest(GapTest):
    def test_one_takes_its_time_and_holds_its_address(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            ec2, internet = made["ec2"], gateway(made)
            address = ec2.allocate_address(Domain="vpc")["AllocationId"]
            first = ec2.create_nat_gateway(SubnetId=made["subnet"], AllocationId=address)["NatGateway"]
            identifier = first["NatGatewayId"]
            there = settled_gateway(made, identifier)
            held = [entry.get("AllocationId") == address for entry in there["NatGatewayAddresses"]]
            refused = [
                code(ec2.release_address, AllocationId=address),
                code(ec2.detach_internet_gateway, InternetGatewayId=internet, VpcId=made["vpc"]),
                code(ec2.delete_subnet, SubnetId=made["subnet"]),
            ]
            code(ec2.delete_nat_gateway, NatGatewayId=identifier)
            states = [first["State"], there["State"], settled_gateway(made, identifier)["State"]]
            freed = [
                code(ec2.release_address, AllocationId=address),
                code(ec2.detach_internet_gateway, InternetGatewayId=internet, VpcId=made["vpc"]),
                code(ec2.delete_subnet, SubnetId=made["subnet"]),
            ]
            return [states, held, refused, freed]

        refused = ["AuthFailure", "DependencyViolation", "DependencyViolation"]
        self.check(observe, [["pending", "available", "deleted"], [True], refused, ["ok"] * 3])

    def test_one_fails(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            ec2 = made["ec2"]
            address = ec2.allocate_address(Domain="vpc")["AllocationId"]
            without = nat_gateway(made, address)
            gateway(made)
            nat_gateway(made, address)
            second = nat_gateway(made, address)
            absent = code(ec2.create_nat_gateway, SubnetId=made["subnet"], AllocationId="eipalloc-0")
            return [
                [failed["State"], failed.get("FailureCode")] for failed in (without, second)
            ] + [absent, code(ec2.describe_nat_gateways, NatGatewayIds=["nat-0"])]

        failed = [["failed", "Gateway.NotAttached"], ["failed", "Resource.AlreadyAssociated"]]
        self.check(observe, [*failed, "InvalidElasticIpID.NotFound", "NatGatewayNotFound"])


class VpcEndpointsTest(GapTest):
    def interface(self, made: dict, **more) -> dict:
        return made["ec2"].create_vpc_endpoint(
            VpcId=made["vpc"],
            VpcEndpointType="Interface",
            ServiceName="com.amazonaws.us-east-1.secretsmanager",
            SubnetIds=[made["subnet"]],
            PrivateDnsEnabled=True,
            **more,
        )["VpcEndpoint"]

    def test_an_interface_endpoint(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            ec2, held, tag = made["ec2"], group(made), unique("t")
            tags = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "a", "Value": tag}]}]
            first = self.interface(made, SecurityGroupIds=[held], TagSpecifications=tags)
            filters = [{"Name": "tag:a", "Values": [tag]}]

            def found() -> list[dict]:
                return ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]

            seen = eventually(found, lambda seen: seen and seen[0]["State"] == "available", 5)[0]
            interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
            ours = [one["Description"].endswith(first["VpcEndpointId"]) for one in interfaces]
            refused = [
                code(self.interface, made),
                code(ec2.delete_security_group, GroupId=held),
                code(ec2.delete_subnet, SubnetId=made["subnet"]),
                code(ec2.describe_vpc_endpoints, VpcEndpointIds=["vpce-0"]),
            ]
            groups = [entry["GroupId"] == held for entry in seen.get("Groups", [])]
            ec2.delete_vpc_endpoints(VpcEndpointIds=[first["VpcEndpointId"]])
            after = [endpoint["State"] for endpoint in found()]
            gone = eventually(found, lambda seen: not seen, 5)
            freed = [
                code(ec2.delete_security_group, GroupId=held),
                code(ec2.delete_subnet, SubnetId=made["subnet"]),
            ]
            shown = [seen.get("PrivateDnsEnabled"), groups, True in ours, len(seen.get("NetworkInterfaceIds", []))]
            return [first["State"], shown, refused, after, gone, freed]

        violation = "DependencyViolation"
        refused = ["InvalidParameter", violation, violation, "InvalidVpcEndpointId.NotFound"]
        self.check(observe, ["pending", [True, [True], True, 1], refused, ["deleting"], [], ["ok", "ok"]])

    def test_a_gateway_endpoint(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            ec2, routes = made["ec2"], table(made)
            wanted = {"VpcId": made["vpc"], "RouteTableIds": [routes]}
            create, name = ec2.create_vpc_endpoint, "com.amazonaws.us-east-1."
            endpoint = create(**wanted, ServiceName=name + "s3")["VpcEndpoint"]
            unsuccessful = ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0"])["Unsuccessful"]
            return [
                endpoint["State"],
                code(create, **wanted, ServiceName=name + "s3"),
                code(create, **wanted, ServiceName=name + "s4"),
                code(create, **{**wanted, "VpcId": "vpc-0"}, ServiceName=name + "s3"),
                code(create, **{**wanted, "RouteTableIds": ["rtb-0"]}, ServiceName=name + "s3"),
                [item["Error"]["Code"] for item in unsuccessful],
            ]

        refused = ["RouteAlreadyExists", "InvalidServiceName", "InvalidVpcId.NotFound", "InvalidRouteTableId.NotFound"]
        self.check(observe, ["available", *refused, ["InvalidVpcEndpointId.NotFound"]])

    def test_subnets_come_and_go(self) -> None:
        def observe(server: Server) -> list[object]:
            made = network(server)
            ec2, identifier = made["ec2"], self.interface(made)["VpcEndpointId"]
            same, other = (
                ec2.create_subnet(VpcId=made["vpc"], CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
                for cidr, zone in (("10.0.1.0/24", "us-east-1a"), ("10.0.2.0/24", "us-east-1b"))
            )
            modify = ec2.modify_vpc_endpoint
            refused = code(modify, VpcEndpointId=identifier, AddSubnetIds=[same], RemoveSubnetIds=[made["subnet"]])
            done = code(modify, VpcEndpointId=identifier, AddSubnetIds=[other], PrivateDnsEnabled=False)
            seen = ec2.describe_vpc_endpoints(VpcEndpointIds=[identifier])["VpcEndpoints"][0]
            return [
                refused,
                done,
                set(seen["SubnetIds"]) == {made["subnet"], other},
                len(seen.get("NetworkInterfaceIds", [])),
                seen.get("PrivateDnsEnabled"),
            ]

        self.check(observe, ["DuplicateSubnetsInSameZone", "ok", True, 2, False])


class TagsOfTheDeletedTest(GapTest):
    def test_they_are_gone(self) -> None:
        def observe(server: Server) -> int:
            ec2 = server.client("ec2")
            tags = [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]
            vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
            ec2.delete_vpc(VpcId=vpc)
            return len(ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [vpc]}])["Tags"])

        self.check(observe, 0)


class WhatMiniStackDoesTest(unittest.TestCase):
    """What the product relies on, and MiniStack does without help."""

    def test_vpc_and_subnet(self) -> None:
        ec2 = local().client("ec2", "ca-central-1")
        tags = [{"Key": "Name", "Value": "n"}, {"Key": "stack", "Value": unique("s")}]
        made = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
        vpc = made["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=zones[1])["Subnet"]
        ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True})
        filters = [{"Name": f"tag:{tag['Key']}", "Values": [tag["Value"]]} for tag in tags]
        found = ec2.describe_vpcs(Filters=filters)["Vpcs"]
        attribute = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
        self.assertEqual([(vpc, tags)], [(entry["VpcId"], entry["Tags"]) for entry in found])
        self.assertTrue(attribute["EnableDnsHostnames"]["Value"])
        self.assertEqual("ca-central-1b", subnet["AvailabilityZone"])
        described = ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"][0]
        self.assertTrue(described["MapPublicIpOnLaunch"])

    def test_security_group(self) -> None:
        made = network(local())
        ec2, identifier = made["ec2"], group(made)
        ec2.authorize_security_group_ingress(GroupId=identifier, IpPermissions=rule())
        described = ec2.describe_security_groups(GroupIds=[identifier])["SecurityGroups"][0]
        self.assertEqual("a", described["IpPermissions"][0]["IpRanges"][0]["Description"])
        self.assertEqual("0.0.0.0/0", described["IpPermissionsEgress"][0]["IpRanges"][0]["CidrIp"])
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [identifier]}])
        self.assertEqual({True, False}, {entry["IsEgress"] for entry in rules["SecurityGroupRules"]})
        name = described["GroupName"]
        again = code(ec2.create_security_group, GroupName=name, Description="d", VpcId=made["vpc"])
        self.assertEqual("InvalidGroup.Duplicate", again)
