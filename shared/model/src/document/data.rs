//! What has data: keys, streams, caches, databases, clusters, and what is replicated.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::defaults;
#[cfg(feature = "schema")]
use super::values;
use crate::key::Region;
use crate::properties::Apply;

/// A customer-managed KMS key, which encrypts data at rest. Only the services that store a stack's data may use it, on behalf
/// of who may use them in the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The region that it lives in, one of the stack's. Left out, it is the first.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// Whether AWS makes new key material every year. What was encrypted before stays readable.
    #[serde(default = "defaults::yes")]
    pub rotation: bool,
    /// How long its deletion can be taken back, from the moment that the stack is destroyed. After that, nothing that was
    /// encrypted with it can be read any more, snapshots included.
    #[serde(default = "defaults::deletion_window_days")]
    #[cfg_attr(feature = "schema", schemars(range(min = 7, max = 30)))]
    pub deletion_window_days: u32,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// A provisioned Kinesis data stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// The region that it lives in, one of the stack's. Left out, it is the first.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// How many shards: each takes 1 MiB or 1000 records a second, and gives 2 MiB a second.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 10_000)))]
    pub shards: u32,
    /// How long records are kept.
    #[serde(default = "defaults::retention_hours")]
    #[cfg_attr(feature = "schema", schemars(range(min = 24, max = 8760)))]
    pub retention_hours: u32,
    /// Metrics to publish for each shard besides those of the stream; CloudWatch charges for them.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::shard_metrics"))]
    pub shard_metrics: BTreeSet<String>,
    /// The key of the document's `keys` that records are encrypted with. Left out, they are not encrypted at rest.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::key_name"))]
    pub encryption_key: Option<String>,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// A Redis cache, encrypted at rest and in transit, in the private subnets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// The region that it lives in, one of the stack's. Left out, it is the first.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// The engine.
    pub engine: CacheEngine,
    /// The engine's version, in quotes.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::redis_version"))]
    pub version: String,
    /// What to do when AWS does not offer that version: it retires minor versions.
    #[serde(default)]
    pub version_policy: VersionPolicy,
    /// The node type: how much memory and processing power each node has.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::node_type"))]
    pub node_type: String,
    /// How many nodes: a primary and its replicas.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 6)))]
    pub nodes: u32,
    /// The port that it listens on.
    #[serde(default = "defaults::redis_port")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 65_535)))]
    pub port: u16,
    /// Whether a replica takes over when the primary fails. It needs at least 2 nodes.
    #[serde(default = "defaults::yes")]
    pub automatic_failover: bool,
    /// Whether nodes are spread over availability zones. It needs `automatic_failover`.
    #[serde(default = "defaults::yes")]
    pub multi_az: bool,
    /// How often its credentials are to be replaced by new ones. Left out, they never are.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// The key of the document's `keys` that it is encrypted with at rest. Left out, it is AWS's own.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::key_name"))]
    pub encryption_key: Option<String>,
    /// Whether clients need a token (Redis AUTH). It is generated, and lives in a secret of the cache alone.
    #[serde(default)]
    pub auth_token: bool,
    /// When changes take effect that AWS can put off.
    #[serde(default)]
    pub apply: Apply,
    /// Whether a change may replace it, and so lose everything in it. Without it such a change is refused.
    #[serde(default)]
    pub allow_replace: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// A cache's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CacheEngine {
    /// Redis.
    Redis,
}

/// A PostgreSQL database on RDS, encrypted, in the private subnets, with a generated password in a secret of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The region that it lives in, one of the stack's. Left out, it is the first.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// The engine.
    pub engine: DatabaseEngine,
    /// The engine's version, in quotes.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::postgres_version"))]
    pub version: String,
    /// What to do when AWS does not offer that version: it retires minor versions.
    #[serde(default)]
    pub version_policy: VersionPolicy,
    /// The instance class: how much memory and processing power it has.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::instance_class"))]
    pub class: String,
    /// Allocated storage.
    #[cfg_attr(feature = "schema", schemars(range(min = 20, max = 65_536)))]
    pub storage_gib: u32,
    /// Up to how much AWS may grow the storage by itself: more than `storage_gib`. Left out, it does not grow.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 21, max = 65_536)))]
    pub storage_gib_max: Option<u32>,
    /// The kind of storage.
    #[serde(default)]
    pub storage_type: StorageType,
    /// Whether it has a standby in another availability zone, which takes over when it fails.
    #[serde(default = "defaults::yes")]
    pub multi_az: bool,
    /// The name of the database that is made in it.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::identifier"))]
    pub database: String,
    /// The master user's name; no reserved word of RDS for PostgreSQL, such as `admin`. Its password is generated, and lives in
    /// Secrets Manager alone.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::user"))]
    pub user: String,
    /// The port that it listens on.
    #[serde(default = "defaults::postgres_port")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1150, max = 65_535)))]
    pub port: u16,
    /// The key of the document's `keys` that it, its snapshots and its secret are encrypted with. Left out, it is AWS's own.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::key_name"))]
    pub encryption_key: Option<String>,
    /// Automated backups.
    #[serde(default)]
    pub backups: Backups,
    /// When AWS may maintain it, in UTC; it must not overlap with the backup window.
    #[serde(default = "defaults::maintenance_window")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::weekly_window"))]
    pub maintenance_window: String,
    /// Whether AWS may upgrade the minor version in the maintenance window.
    #[serde(default = "defaults::yes")]
    pub minor_upgrades: bool,
    /// Whether it is protected from deletion, by AWS and by `outrigger destroy`.
    #[serde(default = "defaults::yes")]
    pub deletion_protection: bool,
    /// Whether a final snapshot is taken, and kept, when it is deleted.
    #[serde(default = "defaults::yes")]
    pub final_snapshot: bool,
    /// Parameters of the engine that differ from its defaults, such as `log_statement: all`. Which there are, AWS tells when the
    /// plan is made.
    #[serde(default, deserialize_with = "scalars")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::parameters"))]
    pub parameters: BTreeMap<String, String>,
    /// How often enhanced monitoring measures; 0 switches it off.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::monitoring_interval"))]
    pub monitoring_interval_seconds: u32,
    /// Logs to send to CloudWatch Logs.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::log_exports"))]
    pub log_exports: BTreeSet<String>,
    /// How often its credentials are to be replaced by new ones. Left out, they never are.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// When changes take effect that AWS can put off.
    #[serde(default)]
    pub apply: Apply,
    /// Whether a change may replace it, and so lose everything in it. Without it such a change is refused.
    #[serde(default)]
    pub allow_replace: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// A database's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DatabaseEngine {
    /// PostgreSQL on RDS.
    Postgres,
}

/// An Aurora PostgreSQL cluster of Serverless v2, encrypted, in the private subnets, with a generated password in a secret of
/// its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The region that it lives in, one of the stack's. Left out, it is the first.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// Whether it is an Aurora global database: a cluster in each region of the stack. That of the first one begins as the
    /// writer, the others copy it. Its secret is in the first region, with replicas in the others.
    #[serde(default)]
    pub global: bool,
    /// The engine.
    pub engine: ClusterEngine,
    /// The engine's version, in quotes.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::aurora_version"))]
    pub version: String,
    /// What to do when AWS does not offer that version: it retires minor versions.
    #[serde(default)]
    pub version_policy: VersionPolicy,
    /// How far each instance shrinks when little is asked of it, in Aurora capacity units (2 GiB of memory each), by halves.
    /// With 0 it pauses after five minutes without a connection; only recent versions can do that.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::capacity_acu_min"))]
    pub capacity_acu_min: f64,
    /// How far each instance grows when much is asked of it, in Aurora capacity units, by halves.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::capacity_acu_max"))]
    pub capacity_acu_max: f64,
    /// How many instances, spread over the zones: one writes, the others can be read from, and take over when it fails.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 16)))]
    pub instances: u32,
    /// Whether SQL can be sent to it over HTTPS, with permissions instead of a connection: RDS Data API.
    #[serde(default)]
    pub data_api: bool,
    /// The name of the database that is made in it.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::identifier"))]
    pub database: String,
    /// The master user's name; no reserved word of Aurora PostgreSQL, such as `admin`. Its password is generated, and lives in
    /// Secrets Manager alone.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::user"))]
    pub user: String,
    /// The port that it listens on.
    #[serde(default = "defaults::postgres_port")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1150, max = 65_535)))]
    pub port: u16,
    /// The key of the document's `keys` that it, its snapshots and its secret are encrypted with. Left out, it is AWS's own.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::key_name"))]
    pub encryption_key: Option<String>,
    /// Automated backups.
    #[serde(default)]
    pub backups: ClusterBackups,
    /// When AWS may maintain it and its instances, in UTC; it must not overlap with the backup window.
    #[serde(default = "defaults::maintenance_window")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::weekly_window"))]
    pub maintenance_window: String,
    /// Whether AWS may upgrade the minor version in the maintenance window.
    #[serde(default = "defaults::yes")]
    pub minor_upgrades: bool,
    /// Whether it is protected from deletion, by AWS and by `outrigger destroy`.
    #[serde(default = "defaults::yes")]
    pub deletion_protection: bool,
    /// Whether a final snapshot is taken, and kept, when it is deleted.
    #[serde(default = "defaults::yes")]
    pub final_snapshot: bool,
    /// Logs to send to CloudWatch Logs.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::cluster_log_exports"))]
    pub log_exports: BTreeSet<String>,
    /// How often its credentials are to be replaced by new ones. Left out, they never are.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// When changes take effect that AWS can put off.
    #[serde(default)]
    pub apply: Apply,
    /// Whether a change may replace it, and so lose everything in it. Without it such a change is refused.
    #[serde(default)]
    pub allow_replace: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// A cluster's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClusterEngine {
    /// Aurora PostgreSQL.
    AuroraPostgresql,
}

/// Automated backups of a cluster, which Aurora always makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClusterBackups {
    /// How long they are kept.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 35)))]
    pub retention_days: u32,
    /// When they are made, in UTC.
    #[serde(default = "defaults::backup_window")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::daily_window"))]
    pub window: String,
}

impl Default for ClusterBackups {
    fn default() -> Self {
        Self {
            retention_days: 7,
            window: defaults::backup_window(),
        }
    }
}

/// Rotation on a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How many days apart.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1000)))]
    pub every_days: u32,
}

/// What to do when AWS does not offer the version that a document asks for (AWS retires minor versions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VersionPolicy {
    /// Refuse.
    #[default]
    Exact,
    /// Take the nearest minor version of the same major one: the next higher, or else the highest. It is recorded.
    NearestMinor,
}

/// The kind of a database's storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StorageType {
    /// General purpose SSD, second generation.
    Gp2,
    /// General purpose SSD, third generation.
    #[default]
    Gp3,
}

impl StorageType {
    /// AWS's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            StorageType::Gp2 => "gp2",
            StorageType::Gp3 => "gp3",
        }
    }
}

/// Automated backups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Backups {
    /// How long they are kept; with 0 none are made.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 35)))]
    pub retention_days: u32,
    /// When they are made, in UTC.
    #[serde(default = "defaults::backup_window")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::daily_window"))]
    pub window: String,
}

impl Default for Backups {
    fn default() -> Self {
        Self {
            retention_days: 7,
            window: defaults::backup_window(),
        }
    }
}

/// A DynamoDB table: on demand, and encrypted with DynamoDB's own key.
///
/// In a stack of two regions it is a global table of version 2019.11.21, eventually consistent: what is written in one region
/// is read in the other, usually within a second, and of two writes of one item the last one wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The only region that it lives in, one of the stack's. Left out, its data is in each of them.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// The name of its partition key, a text.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::attribute"))]
    pub key: String,
    /// The name of its sort key, a text. Left out, it has none.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::optional_attribute"))]
    pub sort_key: Option<String>,
    /// Whether it can be restored to any second of the last 35 days; DynamoDB charges for it by size.
    #[serde(default = "defaults::yes")]
    pub point_in_time_recovery: bool,
    /// Whether it is protected from deletion, by AWS and by `outrigger destroy`.
    #[serde(default = "defaults::yes")]
    pub deletion_protection: bool,
    /// Whether a change may replace it, and so lose everything in it. Without it such a change is refused.
    #[serde(default)]
    pub allow_replace: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// An S3 bucket: versioned, encrypted with S3's own key, closed to the public; ACLs are off.
///
/// Replication is with Replication Time Control: what is new, changed or deleted in one bucket is so in the other within 15
/// minutes. Both are sources, so that a failover can fail back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// The only region that it lives in, one of the stack's. Left out, there is one in each.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// Whether what is in one region's bucket is copied to the other's. Left out, it is wherever there are two.
    #[serde(default)]
    pub replication: Option<bool>,
    /// Whether `outrigger destroy` deletes what is in it. Without it, it is refused as long as there is something.
    #[serde(default)]
    pub force_empty: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// Texts, or numbers and booleans written as such.
fn scalars<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text, a number or a boolean")]
    enum Scalar {
        Text(String),
        Number(serde_json::Number),
        Boolean(bool),
    }
    let entries = BTreeMap::<String, Scalar>::deserialize(deserializer)?;
    Ok(entries
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Scalar::Text(text) => text,
                Scalar::Number(number) => number.to_string(),
                Scalar::Boolean(boolean) => u8::from(boolean).to_string(),
            };
            (name, value)
        })
        .collect())
}
