"""The patches of KMS, and of what is encrypted with its keys."""

from __future__ import annotations

from support import GapTest, Server, code, unique
from test_data_services import replication_group


class KeysTest(GapTest):
    def test_a_key_that_goes_is_left_alone(self) -> None:
        def observe(server: Server) -> list[str]:
            kms = server.client("kms")
            key = kms.create_key()["KeyMetadata"]["KeyId"]
            kms.disable_key(KeyId=key)
            disabled = code(kms.enable_key_rotation, KeyId=key)
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
            return [
                disabled,
                code(kms.tag_resource, KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
                code(kms.create_alias, AliasName=f"alias/{unique('a')}", TargetKeyId=key),
                code(kms.enable_key, KeyId=key),
            ]

        self.check(observe, ["DisabledException", *["KMSInvalidStateException"] * 3])

    def test_what_is_encrypted_needs_a_key_that_can_be_used(self) -> None:
        def observe(server: Server) -> list[str]:
            kms, kinesis, rds = (server.client(name) for name in ("kms", "kinesis", "rds"))
            key = kms.create_key()["KeyMetadata"]["Arn"]
            kms.disable_key(KeyId=key)
            absent, name = key[:-4] + "0000", unique("s")
            kinesis.create_stream(StreamName=name, ShardCount=1)

            def encrypt(with_key: str) -> str:
                return code(kinesis.start_stream_encryption, StreamName=name, EncryptionType="KMS", KeyId=with_key)

            def create(with_key: str) -> str:
                return code(
                    rds.create_db_instance,
                    DBInstanceIdentifier=unique("d"),
                    DBInstanceClass="db.t3.micro",
                    Engine="postgres",
                    AllocatedStorage=20,
                    MasterUsername="owner",
                    MasterUserPassword="a-password-1",
                    StorageEncrypted=True,
                    KmsKeyId=with_key,
                )

            return [encrypt(key), encrypt(absent), create(key), create(absent)]

        expected = ["KMSInvalidStateException", "KMSNotFoundException", *["KMSKeyNotAccessibleFault"] * 2]
        self.check(observe, expected)


class TokensTest(GapTest):
    def test_a_token_comes_in_two_steps_and_stays(self) -> None:
        def observe(server: Server) -> list[object]:
            kms, cache, name = server.client("kms"), server.client("elasticache"), unique("c")
            key = kms.create_key()["KeyMetadata"]["Arn"]
            cache.create_replication_group(
                **replication_group(name, TransitEncryptionEnabled=True, AtRestEncryptionEnabled=True, KmsKeyId=key)
            )

            def modify(strategy: str, token: str = "A" * 16) -> str:
                return code(
                    cache.modify_replication_group,
                    ReplicationGroupId=name,
                    AuthToken=token,
                    AuthTokenUpdateStrategy=strategy,
                    ApplyImmediately=True,
                )

            def shown() -> dict:
                return cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]

            steps = [modify("SET"), modify("ROTATE", "A/" * 8), modify("ROTATE")]
            rotated = shown().get("AuthTokenLastModifiedDate")
            steps += [modify("SET"), modify("SET"), modify("DELETE")]
            set_at = shown().get("AuthTokenLastModifiedDate")
            return [*steps, bool(rotated and set_at and rotated < set_at), shown().get("KmsKeyId") == key]

        combination = "InvalidParameterCombination"
        expected = [combination, "InvalidParameterValue", "ok", "ok", combination, combination, True, True]
        self.check(observe, expected)
