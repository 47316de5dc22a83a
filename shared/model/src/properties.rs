//! What a resource is to be, kind by kind. Shapes follow AWS's API; names are spelled out.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::key::{Kind, Region, ResourceKey};

/// A value that is known, or one that another resource has once it exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A known value.
    Text(String),
    /// An attribute of another resource.
    Reference(Reference),
}

/// An attribute of a resource: `id`, or one of [`Kind::attributes`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Which resource.
    pub resource: ResourceKey,
    /// Which of its attributes.
    pub attribute: String,
}

impl Input {
    /// A reference to an attribute of a resource.
    pub fn of(resource: &ResourceKey, attribute: &str) -> Self {
        Self::Reference(Reference {
            resource: resource.clone(),
            attribute: attribute.to_owned(),
        })
    }

    /// A reference to a resource's id.
    pub fn id_of(resource: &ResourceKey) -> Self {
        Self::of(resource, "id")
    }

    /// The value; empty while it still refers to a resource, which the executor never hands to an adapter.
    pub fn text(&self) -> &str {
        match self {
            Input::Text(text) => text,
            Input::Reference(_) => "",
        }
    }
}

macro_rules! properties {
    ($($kind:ident,)*) => {
        /// What a resource is to be.
        // One resource's are held at a time, in maps by key: what a small kind wastes does not matter.
        #[allow(clippy::large_enum_variant)]
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Properties { $(
            #[doc = concat!("See [`", stringify!($kind), "`].")]
            $kind($kind),
        )* }

        impl Properties {
            /// The kind these properties are of.
            pub fn kind(&self) -> Kind {
                match self { $(Properties::$kind(_) => Kind::$kind,)* }
            }
        }
    };
}

properties! {
    Vpc, Subnet, InternetGateway, ElasticIp, NatGateway, RouteTable, Route, RouteTableAssociation, VpcPeering,
    SecurityGroup, VpcEndpoint, KmsKey, KmsAlias,
    DbSubnetGroup, DbParameterGroup, DbInstance, DbCluster, DbClusterInstance, Role, CacheSubnetGroup, ReplicationGroup, Stream, Secret,
    SecretAttachment, RestApi, ApiDeployment, ApiStage, UsagePlan, ApiKey, UsagePlanKey, Alarm, LogGroup, Topic, Subscription,
}

/// A VPC; DNS support and host names are always on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its address range.
    pub cidr: Ipv4Net,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// The VPC's id.
    pub vpc: Input,
    /// Its address range.
    pub cidr: Ipv4Net,
    /// Its availability zone's name.
    pub zone: String,
    /// Whether what starts in it gets a public address.
    pub public_address_on_launch: bool,
}

/// An internet gateway, attached to a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// The VPC's id.
    pub vpc: Input,
}

/// An Elastic IP address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticIp {}

/// A public NAT gateway, with one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    /// The id of the public subnet that it is in.
    pub subnet: Input,
    /// The allocation id of its Elastic IP address.
    pub address: Input,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    /// The VPC's id.
    pub vpc: Input,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// The route table's id.
    pub route_table: Input,
    /// Where packets want to go.
    pub destination: Ipv4Net,
    /// What leads there.
    #[serde(flatten)]
    pub target: RouteTarget,
}

/// What a route leads to: one property of it, named after its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteTarget {
    /// An internet gateway's id.
    Gateway(Input),
    /// A NAT gateway's id.
    NatGateway(Input),
    /// A VPC peering connection's id.
    VpcPeering(Input),
}

impl RouteTarget {
    /// The name of the property that says it.
    pub fn property(&self) -> &'static str {
        match self {
            RouteTarget::Gateway(_) => "gateway",
            RouteTarget::NatGateway(_) => "nat_gateway",
            RouteTarget::VpcPeering(_) => "vpc_peering",
        }
    }

    /// The id.
    pub fn id(&self) -> &Input {
        match self {
            RouteTarget::Gateway(id) | RouteTarget::NatGateway(id) | RouteTarget::VpcPeering(id) => id,
        }
    }
}

/// The association of a subnet with a route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTableAssociation {
    /// The route table's id.
    pub route_table: Input,
    /// The subnet's id.
    pub subnet: Input,
}

/// A VPC peering connection to a VPC in another region, accepted there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcPeering {
    /// The id of the VPC that asks for it, in the resource's own region.
    pub vpc: Input,
    /// The id of the VPC that accepts it.
    pub peer_vpc: Input,
    /// That one's region.
    pub peer_region: Region,
}

/// A security group: one rule for what may come in per entry, and everything may go out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// The VPC's id.
    pub vpc: Input,
    /// What it is for.
    pub description: String,
    /// What may come in.
    pub ingress: Vec<IngressRule>,
}

/// TCP traffic that may come in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IngressRule {
    /// The port.
    pub port: u16,
    /// From where.
    pub source: Ipv4Net,
    /// Why.
    pub description: String,
}

/// An endpoint of a service of AWS within a VPC, with AWS's default policy: everything may pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    /// The VPC's id.
    pub vpc: Input,
    /// The service's full name, such as `com.amazonaws.us-east-1.s3`.
    pub service: String,
    /// How it is reached.
    #[serde(flatten)]
    pub reached: Reached,
}

/// How an endpoint is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reached {
    /// By routes: a gateway endpoint, which costs nothing.
    Gateway {
        /// The ids of the route tables that lead to it.
        route_tables: Vec<Input>,
    },
    /// At addresses in subnets: an interface endpoint.
    Interface {
        /// The subnets' ids, one per zone.
        subnets: Vec<Input>,
        /// The security groups' ids.
        security_groups: Vec<Input>,
        /// Whether the service's public name leads to it within the VPC.
        private_dns: bool,
    },
}

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

/// A role that an AWS service takes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// What it is for.
    pub description: String,
    /// The service, such as `monitoring.rds.amazonaws.com`.
    pub service: String,
    /// The ARNs of the managed policies that say what it may do.
    pub managed_policies: BTreeSet<String>,
    /// What else it may do, in a policy of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allows: Option<Allows>,
}

/// What a role's own policy allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allows {
    /// The actions, such as `kinesis:PutRecord`.
    pub actions: BTreeSet<String>,
    /// The ARNs of what they may be done to.
    pub resources: Vec<Input>,
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

/// A regional REST API: what it answers on which routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestApi {
    /// What it is for.
    pub description: String,
    /// What it answers, by method and path: `POST /sensor-data`.
    pub routes: BTreeMap<String, ApiRoute>,
}

/// One method of one path of an API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiRoute {
    /// Whether a request must bring a key that a usage plan knows.
    pub api_key: bool,
    /// What is answered with status 200, as JSON.
    pub response: String,
    /// The stream that gets the body of each request as a record; without, API Gateway answers by itself.
    #[serde(default)]
    pub record_to: Option<RecordTo>,
}

/// A stream that gets the bodies of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordTo {
    /// The stream's name.
    pub stream: Input,
    /// The ARN of the role that API Gateway takes on to write to it.
    pub role: Input,
}

/// What an API was when it was deployed: it never changes. Its name within the stack holds the hash of the routes, so that
/// other routes are another deployment's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiDeployment {
    /// The API's id.
    pub api: Input,
}

/// A stage of an API: where one of its deployments answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiStage {
    /// The API's id.
    pub api: Input,
    /// Its name, the first part of the path of its URL.
    pub stage: String,
    /// The id of the deployment that answers.
    pub deployment: Input,
}

/// How often each of its keys may call a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsagePlan {
    /// What it is for.
    pub description: String,
    /// The stage's id: `<API's id>:<stage's name>`.
    pub stage: Input,
    /// How many requests a second a key may make in the long run.
    pub rate_per_second: u32,
    /// How many requests a key may make at once.
    pub burst: u32,
}

/// A key that requests are made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// What it is for.
    pub description: String,
}

/// That a key is one of a plan's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsagePlanKey {
    /// The usage plan's id.
    pub plan: Input,
    /// The key's id.
    pub key: Input,
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

/// A CloudWatch alarm on one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it tells.
    pub description: String,
    /// The metric's namespace, such as `AWS/RDS`.
    pub namespace: String,
    /// The metric's name.
    pub metric: String,
    /// The metric's dimensions.
    pub dimensions: BTreeMap<String, Input>,
    /// How a period's samples become one number.
    pub statistic: Statistic,
    /// How the number stands to the threshold when the alarm fires.
    pub comparison: Comparison,
    /// The threshold, in the metric's unit.
    pub threshold: f64,
    /// The length of a period.
    pub period_seconds: u32,
    /// How many periods in a row.
    pub periods: u32,
    /// What a period without data counts as.
    pub missing_data: MissingData,
    /// The ARNs of the topics that are told when it fires, and when all is well again.
    #[serde(default)]
    pub topics: Vec<Input>,
}

/// A log group that an AWS service writes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {}

/// A standard SNS topic; whoever is in its account may publish to it, as AWS has it by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topic {}

/// Somebody or something that a topic's messages go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// The topic's ARN.
    pub topic: Input,
    /// How messages travel.
    pub protocol: Protocol,
    /// Where to: an address, a URL, a number or an ARN.
    pub endpoint: String,
}

/// How a topic's messages travel:
/// <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Mail for people. Whoever has the address confirms once, by the link in the first mail.
    Email,
    /// A POST to an address that begins with `https://`, which confirms by itself.
    Https,
    /// A text message to a telephone number.
    Sms,
    /// To an SQS queue, whose policy lets the topic send.
    Sqs,
    /// To a Lambda function, whose policy lets SNS invoke it.
    Lambda,
}

impl Protocol {
    /// AWS's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Email => "email",
            Protocol::Https => "https",
            Protocol::Sms => "sms",
            Protocol::Sqs => "sqs",
            Protocol::Lambda => "lambda",
        }
    }
}

/// How a period's samples become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The least of them.
    Minimum,
    /// The greatest of them.
    Maximum,
}

/// How a number stands to the threshold when an alarm fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Above it.
    GreaterThan,
    /// Above it, or equal.
    GreaterThanOrEqual,
    /// Below it.
    LessThan,
    /// Below it, or equal.
    LessThanOrEqual,
}

/// What a period without data counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MissingData {
    /// As nothing: the alarm may go to `INSUFFICIENT_DATA`.
    #[default]
    Missing,
    /// As within the threshold.
    NotBreaching,
    /// As beyond the threshold.
    Breaching,
    /// As whatever came before.
    Ignore,
}
