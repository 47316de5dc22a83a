//! Backups by AWS Backup, as a document says them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ComponentPath;
use super::defaults;
#[cfg(feature = "schema")]
use super::values;
use crate::key::Region;

/// A backup every day by AWS Backup, in a vault of its own, with a copy in a vault in the stack's other region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The region that backups are made in, that of what is backed up. Left out, it is the first.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::home"))]
    pub region: Option<Region>,
    /// The components that are backed up: databases and clusters.
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::backed_up"))]
    pub of: BTreeSet<ComponentPath>,
    /// When a backup begins, within an hour from then on, in UTC. RDS makes none in the hour before and during its own windows
    /// for backups and maintenance.
    #[serde(default = "defaults::window_start")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::time_of_day"))]
    pub window_start: String,
    /// How long backups and their copies are kept.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 36_500)))]
    pub retention_days: u32,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}
