"""The patches of what joins two regions: replicas of secrets, and VPC peering."""

from __future__ import annotations

import unittest

from support import GapTest, Server, code, eventually, unique

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


class PeeringOptionsTest(GapTest):
    def test_ranges_and_options_of_an_active_one(self) -> None:
        def observe(server: Server) -> list[object]:
            here, there = (server.client("ec2", region) for region in (HERE, THERE))
            vpc = here.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
            peer = there.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
            made = here.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer, PeerRegion=THERE)
            made = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
            allow = {"AllowDnsResolutionFromRemoteVpc": True}

            def modify(client, side: str) -> str:
                options = {f"{side}PeeringConnectionOptions": allow}
                return code(client.modify_vpc_peering_connection_options, VpcPeeringConnectionId=made, **options)

            def described(client) -> dict:
                return client.describe_vpc_peering_connections(VpcPeeringConnectionIds=[made])["VpcPeeringConnections"][0]

            def turns(client, state: str) -> None:
                eventually(lambda: described(client)["Status"]["Code"], lambda seen: seen in (state, "active"), seconds=5)

            early = modify(here, "Requester")
            turns(here, "pending-acceptance")
            there.accept_vpc_peering_connection(VpcPeeringConnectionId=made)
            turns(here, "active")
            sides = ("RequesterVpcInfo", "AccepterVpcInfo")
            return [
                early,
                [described(here)[side].get("CidrBlock") for side in sides],
                [modify(here, "Requester"), modify(here, "Accepter"), modify(there, "Accepter")],
                [described(client)[side].get("PeeringOptions") == allow for client in (here, there) for side in sides],
            ]

        self.check(
            observe,
            [
                "OperationNotPermitted",
                ["10.0.0.0/16", "10.1.0.0/16"],
                ["ok", "OperationNotPermitted", "ok"],
                [True] * 4,
            ],
        )


if __name__ == "__main__":
    unittest.main()
