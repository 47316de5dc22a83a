//! What serves: APIs, and what stands before them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::defaults;
#[cfg(feature = "schema")]
use super::values;
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
