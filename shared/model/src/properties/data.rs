//! What has data: keys, databases, caches, streams, secrets, tables, buckets.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Input;
use crate::key::Region;

/// A symmetric KMS key for encryption at rest. Its policy is always the same: the account administers it, and data is
/// encrypted and decrypted through the services that a stack stores data in, and in no other way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KmsKey {
    /// What it is for.
    pub description: String,
    /// Whether AWS makes new key material every year.
    pub rotation: bool,
    /// How long its deletion can be taken back.
    pub deletion_window_days: u32,
}

/// A name of a KMS key, which people and other accounts' tools know it by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KmsAlias {
    /// The key's id.
    pub key: Input,
}

/// A DB subnet group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbSubnetGroup {
    /// The VPC's id, that of all its subnets.
    pub vpc: Input,
    /// What it is for.
    pub description: String,
    /// The subnets' ids.
    pub subnets: Vec<Input>,
}

/// A DB parameter group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbParameterGroup {
    /// The family: the engine and its major version, such as `postgres15`.
    pub family: String,
    /// What it is for.
    pub description: String,
    /// The parameters that differ from the family's defaults.
    pub parameters: BTreeMap<String, String>,
    /// Which of them take effect only when the database restarts.
    pub static_parameters: BTreeSet<String>,
}

/// When a change takes effect that AWS can put off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// At once, with whatever interruption it brings.
    #[default]
    Now,
    /// In the next maintenance window.
    InWindow,
}

/// An RDS for PostgreSQL instance. Storage is always encrypted; it is never publicly accessible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbInstance {
    /// The engine's version, as resolved at planning.
    pub engine_version: String,
    /// The instance class, such as `db.t3.micro`.
    pub class: String,
    /// Allocated storage, at the least.
    pub storage_gib: u32,
    /// Up to how much AWS may grow it by itself; never without.
    #[serde(default)]
    pub storage_gib_max: Option<u32>,
    /// `gp2` or `gp3`.
    pub storage_type: String,
    /// Whether it has a standby in another zone.
    pub multi_az: bool,
    /// The name of the database made in it.
    pub database: String,
    /// The port it listens on.
    pub port: u16,
    /// The master user's name.
    #[serde(default)]
    pub user: String,
    /// The ARN of the secret whose `username` and `password` its master user gets.
    pub secret: Input,
    /// The DB subnet group's name.
    pub subnet_group: Input,
    /// The security groups' ids.
    pub security_groups: Vec<Input>,
    /// The ARN of the KMS key that its storage is encrypted with; AWS's own without.
    #[serde(default)]
    pub encryption_key: Option<Input>,
    /// The DB parameter group's name; the engine's default group without.
    #[serde(default)]
    pub parameter_group: Option<Input>,
    /// The parameters that take effect only when it restarts.
    #[serde(default)]
    pub static_parameters: BTreeMap<String, String>,
    /// How often enhanced monitoring measures; 0 switches it off.
    #[serde(default)]
    pub monitoring_interval_seconds: u32,
    /// The ARN of the role that enhanced monitoring takes on.
    #[serde(default)]
    pub monitoring_role: Option<Input>,
    /// The logs that are sent to CloudWatch Logs, such as `postgresql`.
    #[serde(default)]
    pub log_exports: BTreeSet<String>,
    /// How long automated backups are kept; 0 switches them off.
    pub backup_retention_days: u32,
    /// When backups are made, `hh:mm-hh:mm` in UTC.
    pub backup_window: String,
    /// When AWS may maintain it, `ddd:hh:mm-ddd:hh:mm` in UTC.
    pub maintenance_window: String,
    /// Whether AWS may upgrade the engine's minor version in the maintenance window.
    pub minor_upgrades: bool,
    /// Whether AWS refuses to delete it.
    pub deletion_protection: bool,
    /// Whether a final snapshot is taken when it is deleted.
    pub final_snapshot: bool,
    /// When changes take effect that AWS can put off.
    #[serde(default)]
    pub apply: Apply,
    /// Whether a change may replace it, and so lose its data.
    #[serde(default)]
    pub allow_replace: bool,
}

/// An Aurora global database: which of its members writes is AWS's to say, and changes. Storage is always encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GlobalCluster {
    /// The engine's version, as resolved at planning.
    pub engine_version: String,
    /// Where it has members. Any of them answers for it.
    pub regions: Vec<Region>,
    /// Whether AWS refuses to delete it.
    pub deletion_protection: bool,
}

/// An Aurora PostgreSQL cluster of Serverless v2. Storage is always encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbCluster {
    /// The engine's version, as resolved at planning.
    pub engine_version: String,
    /// How far each instance shrinks, in Aurora capacity units; at 0 it pauses when nobody uses it.
    pub capacity_acu_min: f64,
    /// How far each instance grows.
    pub capacity_acu_max: f64,
    /// The zones that its storage is to be in, three at most. AWS takes them at its creation, and adds others.
    pub zones: Vec<String>,
    /// Whether SQL can be sent to it over HTTPS: RDS Data API.
    pub data_api: bool,
    /// The identifier of the global cluster that it is a member of. The first member begins as the writer; a further one
    /// copies it, and takes database, user and password from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_cluster: Option<Input>,
    /// The name of the database made in it.
    pub database: String,
    /// The port it listens on.
    pub port: u16,
    /// The master user's name.
    pub user: String,
    /// The ARN of the secret whose `username` and `password` its master user gets.
    pub secret: Input,
    /// The DB subnet group's name.
    pub subnet_group: Input,
    /// The security groups' ids.
    pub security_groups: Vec<Input>,
    /// The ARN of the KMS key that its storage is encrypted with; AWS's own without.
    #[serde(default)]
    pub encryption_key: Option<Input>,
    /// The logs that are sent to CloudWatch Logs, such as `postgresql`.
    pub log_exports: BTreeSet<String>,
    /// How long automated backups are kept; they cannot be switched off.
    pub backup_retention_days: u32,
    /// When backups are made, `hh:mm-hh:mm` in UTC.
    pub backup_window: String,
    /// When AWS may maintain it, `ddd:hh:mm-ddd:hh:mm` in UTC.
    pub maintenance_window: String,
    /// Whether AWS may upgrade the engine's minor version: that is set on its instances, and its version follows.
    pub minor_upgrades: bool,
    /// Whether AWS refuses to delete it.
    pub deletion_protection: bool,
    /// Whether a final snapshot is taken when it is deleted.
    pub final_snapshot: bool,
    /// When changes take effect that AWS can put off.
    #[serde(default)]
    pub apply: Apply,
    /// Whether a change may replace it, and so lose its data.
    #[serde(default)]
    pub allow_replace: bool,
}

/// An instance of a cluster, of the class `db.serverless`. It holds no data of its own, and is never publicly accessible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbClusterInstance {
    /// The cluster's identifier.
    pub cluster: Input,
    /// Its availability zone's name.
    pub zone: String,
    /// When AWS may maintain it, `ddd:hh:mm-ddd:hh:mm` in UTC.
    pub maintenance_window: String,
    /// Whether AWS may upgrade the engine's minor version in the maintenance window.
    pub minor_upgrades: bool,
}

/// An ElastiCache subnet group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CacheSubnetGroup {
    /// The VPC's id, that of all its subnets.
    pub vpc: Input,
    /// What it is for.
    pub description: String,
    /// The subnets' ids.
    pub subnets: Vec<Input>,
}

/// A Redis replication group with one shard. It is always encrypted at rest and in transit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicationGroup {
    /// What it is for.
    pub description: String,
    /// The engine's version, as resolved at planning.
    pub engine_version: String,
    /// The node type, such as `cache.t3.micro`.
    pub node_type: String,
    /// How many nodes: one primary, and replicas.
    pub nodes: u32,
    /// The port it listens on.
    pub port: u16,
    /// Whether a replica takes over when the primary fails.
    pub automatic_failover: bool,
    /// Whether nodes are spread over zones.
    pub multi_az: bool,
    /// The cache subnet group's name.
    pub subnet_group: Input,
    /// The security groups' ids.
    pub security_groups: Vec<Input>,
    /// The ARN of the KMS key that it is encrypted with at rest; AWS's own without.
    #[serde(default)]
    pub encryption_key: Option<Input>,
    /// The ARN of the secret whose `password` is its AUTH token; without one, clients need no token.
    #[serde(default)]
    pub auth_secret: Option<Input>,
    /// When changes take effect that AWS can put off.
    #[serde(default)]
    pub apply: Apply,
    /// Whether a change may replace it, and so lose its data.
    #[serde(default)]
    pub allow_replace: bool,
}

/// A provisioned Kinesis data stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// How many shards are open.
    pub shards: u32,
    /// How long records are kept.
    pub retention_hours: u32,
    /// The shard-level metrics that are on, such as `IncomingBytes`.
    pub shard_metrics: BTreeSet<String>,
    /// The ARN of the KMS key that records are encrypted with; not encrypted without.
    #[serde(default)]
    pub encryption_key: Option<Input>,
}

/// A secret: JSON `{username, password, engine, port, dbname}` with a generated password, and `host` once known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Secret {
    /// What it is for.
    pub description: String,
    /// The user's name.
    pub username: String,
    /// The engine, `postgres` or `redis`.
    pub engine: String,
    /// The port the engine listens on.
    pub port: u16,
    /// The database's name; of Redis its number.
    pub database: String,
    /// The ARN of the KMS key that it is encrypted with; AWS's own without.
    #[serde(default)]
    pub encryption_key: Option<Input>,
    /// The further regions that have a replica of it, under the same name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub replicas: BTreeSet<Region>,
}

/// The host and port of a database or a cache, in its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecretAttachment {
    /// The secret's ARN.
    pub secret: Input,
    /// The database's host name.
    pub host: Input,
    /// The database's port.
    pub port: Input,
}

/// A DynamoDB table: on demand, and always encrypted. Its keys are texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The partition key's name.
    pub key: String,
    /// The sort key's name.
    #[serde(default)]
    pub sort_key: Option<String>,
    /// The regions of its replicas, the table's own not among them.
    #[serde(default)]
    pub replicas: BTreeSet<Region>,
    /// Whether it can be restored to any second of the last 35 days, in each of its regions.
    pub point_in_time_recovery: bool,
    /// Whether AWS refuses to delete it, in each of its regions.
    pub deletion_protection: bool,
    /// Whether a change may replace it, and so lose its data.
    #[serde(default)]
    pub allow_replace: bool,
}

/// An S3 bucket: versioned, encrypted with S3's own key, closed to the public; what is in it is its owner's alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Whether what is in it goes with it when it is deleted.
    #[serde(default)]
    pub force_empty: bool,
}

/// That everything in a bucket is copied to another one within 15 minutes, what deletes it included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketReplication {
    /// The name of the bucket, in the resource's own region.
    pub bucket: Input,
    /// The ARN of the bucket that its objects are copied to.
    pub destination: Input,
    /// The ARN of the role that S3 takes on to copy them.
    pub role: Input,
}

/// The id of the one rule of a bucket's replication, which its metrics are told by.
pub const REPLICATION_RULE: &str = "outrigger";
