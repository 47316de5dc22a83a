//! The stack document: what a user says a stack is to be.

mod backup;
mod collect;
mod component;
mod data;
mod fields;
mod nearest;
mod parameter;
mod parse;
mod path;
mod problem;
mod resolve;
#[cfg(feature = "schema")]
pub mod schema;
mod secrets;
mod serving;
mod text;
mod tree;
#[cfg(feature = "schema")]
mod values;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::key::{Region, StackId};
use crate::properties::{Comparison, MissingData, Protocol, Statistic};

pub use backup::Backup;
pub use collect::PROBLEMS_MAX;
pub use component::{ENDPOINTS_GROUP, OPERATIONS_FAILED_REPLICATION, REPLICATION_LATENCY, metrics_only_in};
pub use data::{
    Backups, Bucket, Cache, CacheEngine, Cluster, ClusterBackups, ClusterEngine, Database, DatabaseEngine, Key,
    Rotation, StorageType, Stream, Table, VersionPolicy,
};
pub use parameter::Parameter;
pub use parse::{Read, from_text, parse, read, resolve};
pub use path::{ComponentPath, OutputPath};
pub use problem::{Code, Problem};
pub use resolve::Choice;
pub use serving::{
    Accelerator, Api, ApiDomain, Bus, EventRule, Function, FunctionCode, Gate, GateHealthCheck, GlobalEndpoint, Route,
    UsagePlan,
};
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
    /// DynamoDB tables, by name: on demand, encrypted; in a stack of two regions global tables, whose data is in both.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Table>"))]
    pub tables: BTreeMap<String, Table>,
    /// Lambda functions, by name: each with the code of one of Outrigger's own, a role that may do what that code does and no
    /// more, and a log group.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Function>"))]
    pub functions: BTreeMap<String, Function>,
    /// S3 buckets, by name: versioned, encrypted, closed to the public; in a stack of two regions one in each, each of them
    /// replicated to the other.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Bucket>"))]
    pub buckets: BTreeMap<String, Bucket>,
    /// Health gates, by name: each a network load balancer that is healthy in the region alone that is primary, so that traffic
    /// goes where the data is written.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Gate>"))]
    pub gates: BTreeMap<String, Gate>,
    /// Event buses on EventBridge, by name: custom ones, each with its rules.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Bus>"))]
    pub buses: BTreeMap<String, Bus>,
    /// Accelerators of Global Accelerator, by name: two static addresses for all regions of a gate.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Accelerator>"))]
    pub accelerators: BTreeMap<String, Accelerator>,
    /// Route 53 health checks, by name: of a gate's load balancer in each region, by its DNS name.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<HealthCheck>"))]
    pub health_checks: BTreeMap<String, HealthCheck>,
    /// CloudWatch dashboards, by name: in each region, with what is in it.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Dashboard>"))]
    pub dashboards: BTreeMap<String, Dashboard>,
    /// Parameters of Parameter Store, by name: in each of the stack's regions, under `/<stack>/<environment>/<name>`, with the
    /// same value.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Parameter>"))]
    pub parameters: BTreeMap<String, Parameter>,
    /// Daily backups of data, by name, made by AWS Backup: with a vault in each of the stack's regions, and copies in the other.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "values::named::<Backup>"))]
    pub backups: BTreeMap<String, Backup>,
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
            ComponentPath::Cluster(name) if self.clusters.get(name).is_some_and(|of| of.global) => self.places(None),
            ComponentPath::Cluster(name) => home(self.clusters.get(name).map(|of| &of.region)),
            ComponentPath::Topic(name) => self.places(self.topics.get(name).and_then(|of| of.region.as_ref())),
            ComponentPath::Api(name) => self.places(self.apis.get(name).and_then(|of| of.region.as_ref())),
            ComponentPath::Function(name) => match self.functions.get(name) {
                Some(function) => self.places_of_function(function),
                None => self.places(None),
            },
            ComponentPath::Bucket(name) => self.places(self.buckets.get(name).and_then(|of| of.region.as_ref())),
            ComponentPath::Table(name) => self.places(self.tables.get(name).and_then(|of| of.region.as_ref())),
            ComponentPath::Gate(name) => self.places(self.gates.get(name).and_then(|of| of.region.as_ref())),
            ComponentPath::Bus(name) => self.places(self.buses.get(name).and_then(|of| of.region.as_ref())),
            ComponentPath::Accelerator(_) => vec![Region::global()],
            ComponentPath::HealthCheck(name) => {
                let gate = self.health_checks.get(name).map(|of| of.gate.as_str());
                self.places_of_gate(gate.unwrap_or_default())
            }
            ComponentPath::Parameter(_) => self.places(None),
            // Their vaults; their plan has a home.
            ComponentPath::Backup(_) => self.places(None),
        }
    }

    /// Whether a bucket's objects are copied from each of its regions to the other.
    pub fn is_replicated(&self, bucket: &Bucket) -> bool {
        self.places(bucket.region.as_ref()).len() > 1 && bucket.replication.unwrap_or(true)
    }

    /// Where an alarm on a component lives: where its metrics are.
    pub fn places_of_alarm(&self, component: &ComponentPath) -> Vec<&Region> {
        match metrics_only_in(component) {
            Some(only) => self.regions.iter().filter(|region| region.as_str() == only).collect(),
            None => self.places_of(component),
        }
    }

    /// Where a function is: in the region that it says, or else in each that its database is in, or else in each.
    pub fn places_of_function<'a>(&'a self, function: &'a Function) -> Vec<&'a Region> {
        match (&function.region, &function.database) {
            (None, Some(database)) => self.places_of(database),
            (said, _) => self.places(said.as_ref()),
        }
    }

    /// Where a gate is.
    pub fn places_of_gate(&self, name: &str) -> Vec<&Region> {
        self.places(self.gates.get(name).and_then(|of| of.region.as_ref()))
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

/// Route 53 health checks of a gate: one for each region, of the network load balancer's DNS name, on port 443. Over HTTPS where
/// the gate has a certificate, or else over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// The gate of the document's `gates` that is checked.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::gate_name"))]
    pub gate: String,
    /// The path that is asked for: healthy is what answers with a status from 200 to 399.
    #[serde(default = "defaults::active")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::resource_path"))]
    pub path: String,
    /// How long each checker waits between two requests: 30, or 10, which Route 53 charges for.
    #[serde(default = "defaults::interval_seconds")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::check_interval"))]
    pub interval_seconds: u32,
    /// How many answers in a row it takes until a region counts as unhealthy, or as healthy again.
    #[serde(default = "defaults::failures")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 10)))]
    pub failures: u32,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// A CloudWatch dashboard, with the metrics of what the document has in its region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// The region that it shows, one of the stack's. Left out, there is one for each.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
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

    pub(super) fn memory_mb() -> u32 {
        128
    }

    pub(super) fn timeout_seconds() -> u32 {
        10
    }

    /// A connection and a statement or two may take as long as they may.
    pub(super) fn agent_timeout_seconds() -> u32 {
        30
    }

    pub(super) fn health_check_interval_seconds() -> u32 {
        10
    }

    pub(super) fn health_check_timeout_seconds() -> u32 {
        5
    }

    pub(super) fn health_check_threshold() -> u32 {
        2
    }

    pub(super) fn active() -> String {
        "/active".to_owned()
    }

    pub(super) fn interval_seconds() -> u32 {
        30
    }

    pub(super) fn failures() -> u32 {
        3
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

    pub(super) fn window_start() -> String {
        "05:00".to_owned()
    }

    pub(super) fn maintenance_window() -> String {
        "sun:04:00-sun:05:00".to_owned()
    }
}
