//! What serves: APIs, and what stands before them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use super::values;
use super::{ByRegion, ComponentPath, defaults};
use crate::key::Region;

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
    /// A domain name of your own that it answers under, besides API Gateway's.
    #[serde(default)]
    pub domain: Option<ApiDomain>,
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

/// A Lambda function with the code of one of Outrigger's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// The region that it lives in, one of the stack's. Left out, there is one in each; with `database-agent`, in each that the
    /// database is in.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// Whose code it has.
    pub code: FunctionCode,
    /// The table of the document's `tables` that it writes to: with `event-recorder`, and only there. Its key is `id`, and it
    /// has no sort key.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::stream_name"))]
    pub table: Option<String>,
    /// The database or cluster of the document that it logs in to: with `database-agent`, and only there.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::database_path"))]
    pub database: Option<ComponentPath>,
    /// Whether it is in the VPC, in the private subnets; with `database-agent` it always is. From there it reaches DynamoDB
    /// through an endpoint alone, or through NAT gateways.
    #[serde(default)]
    pub in_vpc: bool,
    /// How much memory it has, in MiB; processing power grows with it.
    #[serde(default = "defaults::memory_mb")]
    #[cfg_attr(feature = "schema", schemars(range(min = 128, max = 10_240)))]
    pub memory_mb: u32,
    /// How long an invocation may take; with `database-agent` it is 30, if nothing else is said.
    #[serde(default = "defaults::timeout_seconds")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 60)))]
    pub timeout_seconds: u32,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// Whose code a function has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FunctionCode {
    /// It writes each event that it is invoked with to a table, once.
    EventRecorder,
    /// It answers requests of a load balancer with status 200 where its region is the stack's primary, and 503 elsewhere.
    RegionGate,
    /// It logs in to a database in the VPC, to look at it and to test that it takes a write, and touches no data but its own.
    DatabaseAgent,
}

impl FunctionCode {
    /// The name of the function whose code it is.
    pub fn as_str(self) -> &'static str {
        match self {
            FunctionCode::EventRecorder => "event-recorder",
            FunctionCode::RegionGate => "region-gate",
            FunctionCode::DatabaseAgent => "database-agent",
        }
    }
}

/// A health gate: an internet-facing network load balancer, which passes connections to port 443 on to an internal application
/// load balancer, whose requests a function answers. It answers `/active` with status 200 where the region is the primary one,
/// and with 503 everywhere else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The region that it lives in, one of the stack's. Left out, there is one in each.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// The ARN of the ACM certificate that it answers HTTPS with; of a gate in two regions, a mapping that says it for each.
    /// Left out, it answers HTTP on port 443, which is not encrypted: the plan warns of it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::certificate_by_region"))]
    pub certificate: Option<ByRegion<String>>,
    /// How the network load balancer tells whether it is healthy.
    #[serde(default)]
    pub health_check: GateHealthCheck,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// How a network load balancer asks for `/active`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GateHealthCheck {
    /// How far apart requests are.
    #[serde(default = "defaults::health_check_interval_seconds")]
    #[cfg_attr(feature = "schema", schemars(range(min = 5, max = 300)))]
    pub interval_seconds: u32,
    /// How long an answer may take: less than the interval.
    #[serde(default = "defaults::health_check_timeout_seconds")]
    #[cfg_attr(feature = "schema", schemars(range(min = 2, max = 120)))]
    pub timeout_seconds: u32,
    /// After how many good answers in a row it is healthy.
    #[serde(default = "defaults::health_check_threshold")]
    #[cfg_attr(feature = "schema", schemars(range(min = 2, max = 10)))]
    pub healthy_threshold: u32,
    /// After how many bad answers in a row it is unhealthy.
    #[serde(default = "defaults::health_check_threshold")]
    #[cfg_attr(feature = "schema", schemars(range(min = 2, max = 10)))]
    pub unhealthy_threshold: u32,
}

impl Default for GateHealthCheck {
    fn default() -> Self {
        Self {
            interval_seconds: defaults::health_check_interval_seconds(),
            timeout_seconds: defaults::health_check_timeout_seconds(),
            healthy_threshold: defaults::health_check_threshold(),
            unhealthy_threshold: defaults::health_check_threshold(),
        }
    }
}

/// An accelerator of Global Accelerator: TCP on port 443 of two static addresses goes to the nearest region in which a gate's
/// network load balancer has healthy targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Accelerator {
    /// The gate of the document's `gates` that traffic goes to.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::gate_name"))]
    pub gate: String,
    /// Whether it takes traffic. Its addresses stay either way.
    #[serde(default = "defaults::yes")]
    pub enabled: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}

/// An alarm on one metric of one component; on a cache, one alarm per node; on a health check, one per region that it checks.
/// A domain name of your own for an API, with TLS 1.2: one in each of the API's regions. Where its DNS record points is yours to
/// say: at the output `domain_target` of one region, or, with a routing policy, at that of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApiDomain {
    /// The domain name.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::domain_name"))]
    pub name: String,
    /// The ARN of its certificate in Certificate Manager, which must be issued, in the API's region; of an API in two regions, a
    /// mapping that says it for each.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::certificates"))]
    pub certificates: ByRegion<String>,
    /// The first part of the path of every URL under the domain name, which the API does not see. Left out, there is none.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::base_path"))]
    pub base_path: Option<String>,
}
/// A custom event bus, of the same name in each of its regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// The region that it lives in, one of the stack's. Left out, there is one in each.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// Which events go where, by name.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::named::<EventRule>"))]
    pub rules: BTreeMap<String, EventRule>,
    /// One address for the buses of both regions. Left out, there is none.
    #[serde(default)]
    pub global_endpoint: Option<GlobalEndpoint>,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}
/// A rule of an event bus: each event that it matches goes to a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventRule {
    /// Which events it matches, in EventBridge's own form: fields of the event, each with a list of values and matchers. At most
    /// 2048 characters as JSON.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::event_pattern"))]
    pub pattern: serde_json::Map<String, serde_json::Value>,
    /// The function of the document's `functions` that gets them, in the same region.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::function_name"))]
    pub function: String,
}
/// An endpoint over the buses of two regions: events go to the first region's, or to the other's while the first is not well, and
/// are copied to both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GlobalEndpoint {
    /// The health check of the document's `health_checks` that tells how the first region is.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::health_check_name"))]
    pub health_check: String,
}
