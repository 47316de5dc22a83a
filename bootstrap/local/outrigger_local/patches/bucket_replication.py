"""S3 copies objects with what the role of the replication may do, and no more.

AWS (S3 User Guide, "Setting up permissions for live replication"): S3 takes on the role of the configuration; it must be
allowed to read versions in the source and to write replicas to the destination, or else the object's replication status is
FAILED. MiniStack copies whoever the role is, be there one or not.
"""

from __future__ import annotations

from ministack.services import s3

from outrigger_local.roles import allows

_SESSION = "s3-replication"


def install() -> None:
    """Wraps the choice of where a replica goes."""
    destination = s3._replication_destination

    def allowed_destination(bucket_name: str, key: str, rule: dict, role: str):
        target = destination(bucket_name, key, rule, role)
        if target is None:
            return None
        needed = (
            ("s3:GetReplicationConfiguration", f"arn:aws:s3:::{bucket_name}"),
            ("s3:ListBucket", f"arn:aws:s3:::{bucket_name}"),
            ("s3:GetObjectVersionForReplication", f"arn:aws:s3:::{bucket_name}/{key}"),
            ("s3:ReplicateObject", f"arn:aws:s3:::{target[0]}/{key}"),
            ("s3:ReplicateDelete", f"arn:aws:s3:::{target[0]}/{key}"),
        )
        return target if all(allows(role, _SESSION, action, resource) for action, resource in needed) else None

    s3._replication_destination = allowed_destination
