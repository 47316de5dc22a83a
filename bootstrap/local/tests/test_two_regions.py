"""The patches of what joins two regions: replicas of secrets, and VPC peering."""

from __future__ import annotations

import unittest

from support import GapTest, Server, code, unique

HERE, THERE = "us-east-1", "us-east-2"


class SecretReplicasTest(GapTest):
    def test_removing_and_promoting(self) -> None:
        def observe(server: Server) -> list[object]:
            name = unique("s")
            primary, other = (server.client("secretsmanager", region) for region in (HERE, THERE))
            primary.create_secret(
                Name=name, SecretString="a", AddReplicaRegions=[{"Region": THERE}, {"Region": "us-west-2"}]
            )
            seen = [
                code(primary.delete_secret, SecretId=name, ForceDeleteWithoutRecovery=True),
                code(other.delete_secret, SecretId=name, ForceDeleteWithoutRecovery=True),
                code(primary.remove_regions_from_replication, SecretId=name, RemoveReplicaRegions=["eu-west-1"]),
                code(primary.remove_regions_from_replication, SecretId=name, RemoveReplicaRegions=["us-west-2"]),
                code(server.client("secretsmanager", "us-west-2").describe_secret, SecretId=name),
                code(primary.stop_replication_to_replica, SecretId=name),
                code(other.stop_replication_to_replica, SecretId=name),
                code(other.put_secret_value, SecretId=name, SecretString="b"),
            ]
            values = [code(client.get_secret_value, SecretId=name) for client in (primary, other)]
            if values == ["ok", "ok"]:
                seen.append(len(primary.describe_secret(SecretId=name).get("ReplicationStatus", [])))
            return [*seen, code(primary.delete_secret, SecretId=name, ForceDeleteWithoutRecovery=True)]

        self.check(
            observe,
            [
                *["InvalidRequestException"] * 2, "InvalidParameterException", "ok", "ResourceNotFoundException",
                "InvalidRequestException", "ok", "ok", 0, "ok",
            ],
        )  # fmt: skip


def peering(server: Server, cidr: str = "10.1.0.0/16") -> dict:
    """A peering connection that was asked for, from one region to another."""
    here, there = (server.client("ec2", region) for region in (HERE, THERE))
    vpc = here.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    peer = there.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    asked = {"VpcId": vpc, "PeerVpcId": peer, "PeerRegion": THERE}
    made = here.create_vpc_peering_connection(**asked)["VpcPeeringConnection"]
    identifier = made["VpcPeeringConnectionId"]
    return {"here": here, "there": there, "asked": asked, "made": made, "id": {"VpcPeeringConnectionId": identifier}}


def described(made: dict, client: str = "here") -> dict:
    """The connection as one of the regions has it."""
    identifiers = [made["id"]["VpcPeeringConnectionId"]]
    found = made[client].describe_vpc_peering_connections(VpcPeeringConnectionIds=identifiers)
    return found["VpcPeeringConnections"][0]


class PeeringTest(GapTest):
    def test_its_life(self) -> None:
        def observe(server: Server) -> list[object]:
            made = peering(server)
            here, there, identifier = made["here"], made["there"], made["id"]
            seen = [
                made["made"]["Status"]["Code"],
                described(made)["Status"]["Code"],
                code(here.create_vpc_peering_connection, **made["asked"]),
                code(here.accept_vpc_peering_connection, **identifier),
                there.accept_vpc_peering_connection(**identifier)["VpcPeeringConnection"]["Status"]["Code"],
                code(there.accept_vpc_peering_connection, **identifier),
            ]
            active = described(made)
            seen += [active["Status"]["Code"], active["AccepterVpcInfo"].get("CidrBlock")]
            seen += [code(there.delete_vpc_peering_connection, **identifier) for _ in range(2)]
            return [*seen, code(here.describe_vpc_peering_connections, VpcPeeringConnectionIds=["pcx-0"])]

        self.check(
            observe,
            [
                "initiating-request", "pending-acceptance", "VpcPeeringConnectionAlreadyExists",
                "OperationNotPermitted", "provisioning", "InvalidStateTransition", "active", "10.1.0.0/16", "ok",
                "InvalidStateTransition", "InvalidVpcPeeringConnectionID.NotFound",
            ],
        )  # fmt: skip

    def test_addresses_must_differ(self) -> None:
        def observe(server: Server) -> list[str]:
            made = peering(server, cidr="10.0.0.0/16")
            absent = made["asked"] | {"VpcId": "vpc-0"}
            return [described(made)["Status"]["Code"], code(made["here"].create_vpc_peering_connection, **absent)]

        self.check(observe, ["failed", "InvalidVpcID.NotFound"])

    def test_options(self) -> None:
        def observe(server: Server) -> list[object]:
            made = peering(server)
            here, there, identifier = made["here"], made["there"], made["id"]
            allow = {"AllowDnsResolutionFromRemoteVpc": True}

            def modify(client, side: str) -> str:
                options = {f"{side}PeeringConnectionOptions": allow}
                return code(client.modify_vpc_peering_connection_options, **identifier, **options)

            early = modify(here, "Requester")
            there.accept_vpc_peering_connection(**identifier)
            seen = [early, modify(here, "Requester"), modify(here, "Accepter"), modify(there, "Accepter")]
            sides = ("RequesterVpcInfo", "AccepterVpcInfo")
            return [
                *seen,
                [
                    described(made, client)[side].get("PeeringOptions") == allow
                    for client in ("here", "there")
                    for side in sides
                ],
            ]

        self.check(observe, ["OperationNotPermitted", "ok", "OperationNotPermitted", "ok", [True] * 4])


if __name__ == "__main__":
    unittest.main()
