//! The stack document: what a user says a stack is to be.

mod collect;
mod component;
mod fields;
mod nearest;
mod parse;
mod problem;
mod resolve;
mod secrets;
mod text;
mod tree;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::key::{Region, StackId};
use crate::properties::{Apply, Comparison, MissingData, Statistic};

pub use collect::PROBLEMS_MAX;
pub use parse::{Read, from_text, parse, read, resolve};
pub use problem::{Code, Problem};
pub use resolve::Choice;
pub use text::BYTES_MAX;
pub use tree::{Origin, Span};

/// A valid document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// The region the stack lives in.
    pub region: Region,
    /// What is done when an operation cannot stand the stack up.
    pub on_failure: OnFailure,
    /// Tags that every resource carries which can.
    pub tags: BTreeMap<String, String>,
    /// The network.
    pub network: Network,
    /// Kinesis data streams.
    pub streams: BTreeMap<String, Stream>,
    /// Redis caches.
    pub caches: BTreeMap<String, Cache>,
    /// PostgreSQL databases.
    pub databases: BTreeMap<String, Database>,
    /// CloudWatch alarms.
    pub alarms: BTreeMap<String, Alarm>,
    /// What to tell the user once the stack stands: a name, and the attribute of a component it stands for.
    pub outputs: BTreeMap<String, OutputPath>,
}

impl Document {
    /// Which stack this is a document of.
    pub fn id(&self) -> StackId {
        StackId {
            stack: self.stack.clone(),
            environment: self.environment.clone(),
        }
    }
}

/// What is done when an operation cannot bring the stack to its document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// What is there stays; the next operation goes on from it.
    #[default]
    Keep,
    /// The stack goes back to the document that last stood; without one, everything is deleted.
    Rollback,
}

/// A VPC over some zones. DNS support and host names are on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The VPC's address range, `/16` to `/28`.
    pub cidr: Ipv4Net,
    /// Over how many availability zones subnets are spread.
    pub zones: usize,
    /// Subnets with a route to the internet.
    #[serde(default)]
    pub public: Option<Subnets>,
    /// Subnets without.
    #[serde(default)]
    pub private: Option<Subnets>,
}

/// One subnet per zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subnets {
    /// Their address ranges, one per zone. Left out: ranges 8 bits longer than the VPC's (at most `/28`), public ones
    /// from number 0 on, private ones from number 10 on.
    #[serde(default)]
    pub cidrs: Option<Vec<Ipv4Net>>,
}

/// A provisioned Kinesis data stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// How many shards.
    pub shards: u32,
    /// How long records are kept, 24 to 8760.
    #[serde(default = "defaults::retention_hours")]
    pub retention_hours: u32,
    /// Shard-level metrics to publish.
    #[serde(default)]
    pub shard_metrics: BTreeSet<String>,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A Redis cache, encrypted at rest and in transit, in the private subnets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// The engine.
    pub engine: CacheEngine,
    /// The engine's version, such as `"7.0"`.
    pub version: String,
    /// What to do when AWS no longer offers that version.
    #[serde(default)]
    pub version_policy: VersionPolicy,
    /// The node type, such as `cache.t3.micro`.
    pub node_type: String,
    /// How many nodes: a primary and its replicas.
    pub nodes: u32,
    /// The port.
    #[serde(default = "defaults::redis_port")]
    pub port: u16,
    /// Whether a replica takes over when the primary fails.
    #[serde(default = "defaults::yes")]
    pub automatic_failover: bool,
    /// Whether nodes are spread over zones.
    #[serde(default = "defaults::yes")]
    pub multi_az: bool,
    /// When changes take effect that AWS can put off.
    #[serde(default)]
    pub apply: Apply,
    /// Whether a change may replace it, and so lose what is in it.
    #[serde(default)]
    pub allow_replace: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A cache's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheEngine {
    /// Redis.
    Redis,
}

/// A PostgreSQL database on RDS, encrypted, in the private subnets, with a generated password in a secret of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The engine.
    pub engine: DatabaseEngine,
    /// The engine's version, such as `"15.15"`.
    pub version: String,
    /// What to do when AWS no longer offers that version.
    #[serde(default)]
    pub version_policy: VersionPolicy,
    /// The instance class, such as `db.t3.micro`.
    pub class: String,
    /// Allocated storage.
    pub storage_gib: u32,
    /// Up to how much AWS may grow the storage by itself; left out, it does not grow.
    #[serde(default)]
    pub storage_gib_max: Option<u32>,
    /// The kind of storage.
    #[serde(default)]
    pub storage_type: StorageType,
    /// Whether it has a standby in another zone.
    #[serde(default = "defaults::yes")]
    pub multi_az: bool,
    /// The name of the database made in it.
    pub database: String,
    /// The master user's name.
    pub user: String,
    /// The port.
    #[serde(default = "defaults::postgres_port")]
    pub port: u16,
    /// Automated backups.
    #[serde(default)]
    pub backups: Backups,
    /// When AWS may maintain it, `ddd:hh:mm-ddd:hh:mm` in UTC.
    #[serde(default = "defaults::maintenance_window")]
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
    /// Parameters of the engine that differ from its defaults, such as `log_statement: all`.
    #[serde(default, deserialize_with = "scalars")]
    pub parameters: BTreeMap<String, String>,
    /// How often enhanced monitoring measures: 0 (never), 1, 5, 10, 15, 30 or 60.
    #[serde(default)]
    pub monitoring_interval_seconds: u32,
    /// Logs to send to CloudWatch Logs: `postgresql`, `upgrade`.
    #[serde(default)]
    pub log_exports: BTreeSet<String>,
    /// When changes take effect that AWS can put off.
    #[serde(default)]
    pub apply: Apply,
    /// Whether a change may replace it, and so lose what is in it.
    #[serde(default)]
    pub allow_replace: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A database's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseEngine {
    /// PostgreSQL on RDS.
    Postgres,
}

/// What to do when AWS does not offer the version that a document asks for (AWS retires minor versions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[serde(deny_unknown_fields)]
pub struct Backups {
    /// How long they are kept, 0 (none are made) to 35.
    pub retention_days: u32,
    /// When they are made, `hh:mm-hh:mm` in UTC, at least 30 minutes.
    #[serde(default = "defaults::backup_window")]
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

/// An alarm on one metric of one component; on a cache, one alarm per node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// Which component, such as `databases.database`.
    pub component: ComponentPath,
    /// The metric's name, such as `CPUUtilization`.
    pub metric: String,
    /// How a period's samples become one number.
    pub statistic: Statistic,
    /// How the number stands to the threshold when the alarm fires.
    pub comparison: Comparison,
    /// The threshold, in the metric's unit.
    pub threshold: f64,
    /// How many periods in a row.
    pub periods: u32,
    /// The length of a period: 10, 30, or a multiple of 60.
    pub period_seconds: u32,
    /// What a period without data counts as.
    #[serde(default)]
    pub missing_data: MissingData,
}

/// A component that an alarm can be on: `databases.<name>`, `caches.<name>` or `streams.<name>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComponentPath {
    /// A database.
    Database(String),
    /// A cache.
    Cache(String),
    /// A stream.
    Stream(String),
}

impl std::str::FromStr for ComponentPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('.') {
            Some(("databases", name)) => Ok(Self::Database(name.to_owned())),
            Some(("caches", name)) => Ok(Self::Cache(name.to_owned())),
            Some(("streams", name)) => Ok(Self::Stream(name.to_owned())),
            _ => Err(format!(
                "`{text}` is no component; expected databases.<name>, caches.<name> or streams.<name>"
            )),
        }
    }
}

impl fmt::Display for ComponentPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ComponentPath::Database(name) => write!(formatter, "databases.{name}"),
            ComponentPath::Cache(name) => write!(formatter, "caches.{name}"),
            ComponentPath::Stream(name) => write!(formatter, "streams.{name}"),
        }
    }
}

/// An attribute of a component, for an output: `network.vpc_id`, `databases.<name>.endpoint`, ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputPath {
    /// The VPC's id.
    VpcId,
    /// An attribute of a component, one of [`OutputPath::attributes`].
    Component(ComponentPath, String),
}

impl OutputPath {
    /// The attributes that an output can name on a component.
    pub fn attributes(component: &ComponentPath) -> &'static [&'static str] {
        match component {
            ComponentPath::Database(_) => &[
                "endpoint",
                "port",
                "arn",
                "engine_version",
                "availability_zone",
                "multi_az",
                "secret_arn",
                "subnet_group_name",
            ],
            ComponentPath::Cache(_) => &["endpoint", "port", "arn"],
            ComponentPath::Stream(_) => &["name", "arn"],
        }
    }
}

impl std::str::FromStr for OutputPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "network.vpc_id" {
            return Ok(Self::VpcId);
        }
        let wrong = || {
            format!(
                "`{text}` is no attribute of a component; expected network.vpc_id, or for instance \
                 databases.<name>.endpoint, caches.<name>.endpoint, streams.<name>.name"
            )
        };
        let (component, attribute) = text.rsplit_once('.').ok_or_else(wrong)?;
        let component: ComponentPath = component.parse().map_err(|_| wrong())?;
        let known = Self::attributes(&component);
        if known.contains(&attribute) {
            Ok(Self::Component(component, attribute.to_owned()))
        } else {
            Err(format!(
                "`{component}` has no attribute `{attribute}`; it has {}",
                known.join(", ")
            ))
        }
    }
}

impl fmt::Display for OutputPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutputPath::VpcId => formatter.write_str("network.vpc_id"),
            OutputPath::Component(component, attribute) => write!(formatter, "{component}.{attribute}"),
        }
    }
}

macro_rules! as_text {
    ($($type:ident)*) => { $(
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}

as_text!(ComponentPath OutputPath);

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

mod defaults {
    pub(super) fn yes() -> bool {
        true
    }

    pub(super) fn retention_hours() -> u32 {
        24
    }

    pub(super) fn redis_port() -> u16 {
        6379
    }

    pub(super) fn postgres_port() -> u16 {
        5432
    }

    pub(super) fn backup_window() -> String {
        "03:00-04:00".to_owned()
    }

    pub(super) fn maintenance_window() -> String {
        "sun:04:00-sun:05:00".to_owned()
    }
}
