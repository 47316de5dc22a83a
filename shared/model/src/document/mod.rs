//! The stack document: what a user says a stack is to be.

mod collect;
mod component;
mod fields;
mod nearest;
mod parse;
mod path;
mod problem;
mod resolve;
#[cfg(feature = "schema")]
pub mod schema;
mod secrets;
mod text;
mod tree;
#[cfg(feature = "schema")]
mod values;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::key::{Region, StackId};
use crate::properties::{Apply, Comparison, MissingData, Protocol, Statistic};

pub use collect::PROBLEMS_MAX;
pub use component::ENDPOINTS_GROUP;
pub use parse::{Read, from_text, parse, read, resolve};
pub use path::{ComponentPath, OutputPath};
pub use problem::{Code, Problem};
pub use resolve::Choice;
pub use text::BYTES_MAX;
pub use tree::{Origin, Span};

/// A valid document. Whichever of the two it is written with, `region` is the first of `regions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Document {
    /// The stack's name. With the environment's it begins the names of all that the stack has in AWS:
    /// `<stack>-<environment>-<name>`.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::stack_name"))]
    pub stack: String,
    /// The environment's name, such as `production`. Stacks of one name in several environments are stacks apart.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::environment_name"))]
    pub environment: String,
    /// The AWS region that the stack lives in. Either this or `regions` is given.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::region"))]
    pub region: Region,
    /// The AWS regions that the stack lives in, two at most; the first is where it begins as primary. The network is in each
    /// of them, every other component in the first, unless it says another.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::regions"))]
    pub regions: Vec<Region>,
    /// What is done when an operation cannot bring the stack to its document.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub on_failure: OnFailure,
    /// Tags that every resource carries that can have tags. Outrigger adds `Name` and those that begin with `outrigger:`.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
    /// The network: a VPC over some availability zones, with DNS support and host names on.
    pub network: Network,
    /// Customer-managed KMS keys, by name, for encryption at rest: components say which one is theirs. Each has the alias
    /// `alias/<stack>-<name>-<environment>`.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Key>"))]
    pub keys: BTreeMap<String, Key>,
    /// Kinesis data streams, by name.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Stream>"))]
    pub streams: BTreeMap<String, Stream>,
    /// Redis caches on ElastiCache, by name: encrypted at rest and in transit, in the private subnets.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Cache>"))]
    pub caches: BTreeMap<String, Cache>,
    /// PostgreSQL databases on RDS, by name: encrypted, in the private subnets, each with a generated password in a secret of
    /// its own.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Database>"))]
    pub databases: BTreeMap<String, Database>,
    /// Aurora PostgreSQL clusters, by name: Serverless v2, encrypted, in the private subnets, each with a generated password in
    /// a secret of its own.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Cluster>"))]
    pub clusters: BTreeMap<String, Cluster>,
    /// REST APIs on API Gateway, by name: regional, each with one stage.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Api>"))]
    pub apis: BTreeMap<String, Api>,
    /// CloudWatch alarms, by name: each on one metric of one component; on a cache, one alarm per node.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Alarm>"))]
    pub alarms: BTreeMap<String, Alarm>,
    /// SNS topics, by name: what alarms tell goes to everybody who has subscribed.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Topic>"))]
    pub topics: BTreeMap<String, Topic>,
    /// What to tell once the stack stands: names of your own, each with the attribute of a component that it stands for.
    #[cfg_attr(feature = "schema", schemars(default))]
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

    /// Where a component lives: where it says, or else in the first region.
    pub fn home<'a>(&'a self, said: Option<&'a Region>) -> &'a Region {
        said.unwrap_or(&self.region)
    }

    /// Where there is one of what serves: in the region that it says, or else in each.
    pub fn places<'a>(&'a self, said: Option<&'a Region>) -> Vec<&'a Region> {
        said.map_or_else(|| self.regions.iter().collect(), |said| vec![said])
    }

    /// Where the component is that a path leads to, the first region first: data has a home, and what serves may be in each
    /// region.
    pub fn places_of(&self, component: &ComponentPath) -> Vec<&Region> {
        let home = |said: Option<&'_ Option<Region>>| -> Vec<&Region> {
            match said.and_then(Option::as_ref) {
                Some(said) => self.regions.iter().filter(|region| *region == said).collect(),
                None => vec![&self.region],
            }
        };
        match component {
            ComponentPath::Database(name) => home(self.databases.get(name).map(|of| &of.region)),
            ComponentPath::Cache(name) => home(self.caches.get(name).map(|of| &of.region)),
            ComponentPath::Stream(name) => home(self.streams.get(name).map(|of| &of.region)),
            ComponentPath::Cluster(name) => home(self.clusters.get(name).map(|of| &of.region)),
            ComponentPath::Topic(name) => self.places(self.topics.get(name).and_then(|of| of.region.as_ref())),
            ComponentPath::Api(name) => self.places(self.apis.get(name).and_then(|of| of.region.as_ref())),
        }
    }

    /// Where a key lives; the first region where there is none of the name.
    pub fn home_of_key(&self, name: &str) -> &Region {
        self.home(self.keys.get(name).and_then(|of| of.region.as_ref()))
    }
}

/// A value that is the same in every region of a stack, or said for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ByRegion<T> {
    /// The same in every region.
    Everywhere(T),
    /// One for each region.
    Each(BTreeMap<Region, T>),
}

impl<T> ByRegion<T> {
    /// The value in a region; a document's validation has seen to it that there is one for each of the stack's.
    pub fn of(&self, region: &Region) -> Option<&T> {
        match self {
            ByRegion::Everywhere(value) => Some(value),
            ByRegion::Each(values) => values.get(region),
        }
    }
}

/// What is done when an operation cannot bring the stack to its document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// What is there stays; the next operation goes on from it.
    #[default]
    Keep,
    /// The stack goes back to the document that last stood; without one, everything is deleted.
    Rollback,
}

/// A VPC over some zones, in each of the stack's regions. DNS support and host names are on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The VPC's address range; of a stack in two regions, a mapping that says it for each.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::address_range_by_region"))]
    pub cidr: ByRegion<Ipv4Net>,
    /// Over how many availability zones subnets are spread: each kind of subnet has one per zone. Databases and caches need at
    /// least 2.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 6)))]
    pub zones: usize,
    /// Subnets with a route to the internet, one per zone. Left out, there are none.
    #[serde(default)]
    pub public: Option<Subnets>,
    /// Subnets that the internet cannot reach, one per zone; databases and caches live in these. Left out, there are none.
    #[serde(default)]
    pub private: Option<Subnets>,
    /// Whether the private subnets reach the internet, through NAT gateways in the public ones.
    #[serde(default)]
    pub nat: Nat,
    /// Services of AWS that the private subnets reach without the internet, by their short names. `s3` and `dynamodb` get
    /// gateway endpoints, which cost nothing; all others interface endpoints, with one address in each private subnet. Which
    /// there are, AWS tells when the plan is made.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::endpoints"))]
    pub endpoints: BTreeSet<String>,
    /// Whether the VPCs of two regions are peered: each has routes to the other's range in all of its route tables. Their
    /// ranges must not overlap.
    #[serde(default)]
    pub peering: bool,
}

/// Whether private subnets reach the internet, through NAT gateways with an Elastic IP address each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Nat {
    /// They do not.
    #[default]
    None,
    /// Through one NAT gateway, in the first public subnet. Without its zone no private subnet reaches the internet.
    Single,
    /// Through one NAT gateway in each zone; each private subnet has a route table of its own.
    PerZone,
}

/// One subnet per zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subnets {
    /// Their address ranges, one per zone, within the VPC's. Left out: ranges 8 bits longer than the VPC's (at most `/28`),
    /// public ones from number 0 on, private ones from number 10 on. Of a stack in two
    /// regions, a mapping may say them for each.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::address_ranges_by_region"))]
    pub cidrs: Option<ByRegion<Vec<Ipv4Net>>>,
}

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

/// A regional REST API on API Gateway with one stage. Routes that need an API key share one, which is generated; its value is
/// API Gateway's alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The region that it lives in, one of the stack's. Left out, there is one in each.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// The stage's name: the first part of the path of every URL.
    #[serde(default = "defaults::stage")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::stage"))]
    pub stage: String,
    /// What it answers, by method and path, such as `POST /sensor-data`. Every answer is JSON with status 200.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::routes"))]
    pub routes: BTreeMap<String, Route>,
    /// How often the API key may be used: needed where a route needs the key, and only there.
    #[serde(default)]
    pub usage_plan: Option<UsagePlan>,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

impl Api {
    /// Whether one of its routes needs the API key.
    pub fn has_key(&self) -> bool {
        self.routes.values().any(|route| route.api_key)
    }
}

/// What an API does with requests of one method and path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Whether a request must bring the API key, as header `x-api-key`; without it, it is answered with status 403.
    #[serde(default = "defaults::yes")]
    pub api_key: bool,
    /// The stream that gets the body of each request, which must be JSON, as a record; of a request whose record the stream
    /// does not take the answer has status 502. Left out, API Gateway answers by itself (a `MOCK` integration).
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::stream_name"))]
    pub stream: Option<String>,
    /// What is answered.
    #[serde(default = "defaults::response")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::response"))]
    pub response: BTreeMap<String, serde_json::Value>,
}

/// How often an API key may be used; what is above it is answered with status 429.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UsagePlan {
    /// How many requests a second in the long run.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 10_000)))]
    pub rate_per_second: u32,
    /// How many requests at once.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 5_000)))]
    pub burst: u32,
}

/// An alarm on one metric of one component; on a cache, one alarm per node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// The component that it is on, such as `databases.database`.
    pub component: ComponentPath,
    /// The metric's name in CloudWatch, such as `CPUUtilization`.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 255)))]
    pub metric: String,
    /// How a period's samples become one number.
    pub statistic: Statistic,
    /// How the number stands to the threshold when the alarm fires.
    pub comparison: Comparison,
    /// The threshold, in the metric's unit.
    pub threshold: f64,
    /// For how many periods in a row it must be so. All of them together are at most a day; 7 days with periods of an hour or
    /// longer.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1440)))]
    pub periods: u32,
    /// The length of a period: 10, 20, 30, or a multiple of 60, a day at most.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::period"))]
    pub period_seconds: u32,
    /// What a period without data counts as.
    #[serde(default)]
    pub missing_data: MissingData,
    /// The names of the topics that are told when it fires, and when all is well again; 5 at most.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::topic_names"))]
    pub notify: BTreeSet<String>,
}

/// An SNS topic: what alarms tell goes to everybody who has subscribed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// The region that it lives in, one of the stack's. Left out, there is one in each.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// Who is told, by name. Subscriptions that are made elsewhere stay as they are.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::named::<Subscription>"))]
    pub subscriptions: BTreeMap<String, Subscription>,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// Somebody or something that a topic's messages go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// How messages travel.
    pub protocol: Protocol,
    /// Where to: an address of mail, a URL that begins with `https://`, a telephone number such as `+15550100`, or the ARN of a
    /// queue or a function, as the protocol asks for.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::endpoint"))]
    pub endpoint: String,
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

mod defaults {
    pub(super) fn yes() -> bool {
        true
    }

    pub(super) fn deletion_window_days() -> u32 {
        30
    }

    pub(super) fn retention_hours() -> u32 {
        24
    }

    pub(super) fn stage() -> String {
        "prod".to_owned()
    }

    pub(super) fn response() -> std::collections::BTreeMap<String, serde_json::Value> {
        std::collections::BTreeMap::from([("message".to_owned(), "ok".into())])
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
