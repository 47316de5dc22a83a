"""The patches of DynamoDB's replicas and of S3's replication."""

from __future__ import annotations

from support import GapTest, Server, make_role, unique

HERE, THERE = "us-east-1", "us-east-2"


def _bucket(server: Server, region: str) -> str:
    s3, name = server.client("s3", region), unique("b")
    there = {} if region == HERE else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **there)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def replicated_buckets(server: Server, *writing: str) -> tuple[str, str]:
    """A bucket that is replicated to another one, by a role that may read there, and ``writing`` at the destination."""
    source, destination = _bucket(server, HERE), _bucket(server, THERE)
    reading = ["s3:GetReplicationConfiguration", "s3:ListBucket", "s3:GetObjectVersionForReplication"]
    arn = "arn:aws:s3:::"
    statements = [{"Effect": "Allow", "Action": reading, "Resource": [f"{arn}{source}", f"{arn}{source}/*"]}]
    if writing:
        statements.append({"Effect": "Allow", "Action": list(writing), "Resource": f"{arn}{destination}/*"})
    rule = {
        "ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"}, "Destination": {"Bucket": arn + destination},
    }  # fmt: skip
    s3 = server.client("s3", HERE)
    configuration = {"Role": make_role(server, "s3", *statements), "Rules": [rule]}
    s3.put_bucket_replication(Bucket=source, ReplicationConfiguration=configuration)
    return source, destination


def _replicated(server: Server, *writing: str) -> str:
    """What becomes of an object of such a bucket."""
    s3, (source, _) = server.client("s3", HERE), replicated_buckets(server, *writing)
    s3.put_object(Bucket=source, Key="k", Body=b"v")
    return s3.head_object(Bucket=source, Key="k").get("ReplicationStatus", "")


def table(server: Server) -> tuple[str, str]:
    """The name of a new table that can have replicas, and its ARN."""
    name, key = unique("t"), {"AttributeName": "id"}
    made = server.client("dynamodb", HERE).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{**key, "KeyType": "HASH"}],
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return name, made["TableDescription"]["TableArn"]


class StorageTest(GapTest):
    def test_replication_needs_its_role(self) -> None:
        def observe(server: Server) -> list[str]:
            both = ("s3:ReplicateObject", "s3:ReplicateDelete")
            return [_replicated(server, *both), _replicated(server), _replicated(server, "s3:ReplicateTags")]

        self.check(observe, ["COMPLETED", "FAILED", "FAILED"])

    def test_tags_of_a_replica_go_with_it(self) -> None:
        def observe(server: Server) -> list[list[dict]]:
            here, there = server.client("dynamodb", HERE), server.client("dynamodb", THERE)
            name, arn = table(server)
            arn, replica = arn.replace(HERE, THERE), {"RegionName": THERE}

            def tags() -> list[dict]:
                return there.list_tags_of_resource(ResourceArn=arn).get("Tags", [])

            here.update_table(TableName=name, ReplicaUpdates=[{"Create": replica}])
            there.tag_resource(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
            before = tags()
            here.update_table(TableName=name, ReplicaUpdates=[{"Delete": replica}])
            here.update_table(TableName=name, ReplicaUpdates=[{"Create": replica}])
            return [before, tags()]

        self.check(observe, [[{"Key": "k", "Value": "v"}], []])
