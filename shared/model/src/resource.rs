//! A node of the resource graph.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::key::{Lane, ResourceKey};
use crate::properties::Properties;

/// One AWS object as the document wants it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// What names it within the stack.
    pub key: ResourceKey,
    /// Its name in AWS.
    pub physical_name: String,
    /// What it is to be.
    pub properties: Properties,
    /// Its tags, Outrigger's own among them, where its kind can carry tags.
    pub tags: BTreeMap<String, String>,
    /// What must be there before it: everything its inputs refer to, and more where AWS asks for it.
    pub depends_on: BTreeSet<ResourceKey>,
}

impl Resource {
    /// The lane that looks after it.
    pub fn lane(&self) -> Lane {
        self.key.kind.lane()
    }
}

/// The tag that carries the stack's name.
pub const TAG_STACK: &str = "outrigger:stack";
/// The tag that carries the environment's name.
pub const TAG_ENVIRONMENT: &str = "outrigger:environment";
/// The tag that carries the resource's key.
pub const TAG_RESOURCE: &str = "outrigger:resource";
/// The tag that carries the intent's token, on kinds that only tags identify.
pub const TAG_INTENT: &str = "outrigger:intent";
/// The tag of what Outrigger has let go and AWS deletes later, with what let it go.
pub const TAG_DELETION: &str = "outrigger:deletion";

/// Whether an object with these tags is the resource with those tags: the same stack, environment and key.
pub fn is_ours(actual: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    [TAG_STACK, TAG_ENVIRONMENT, TAG_RESOURCE]
        .iter()
        .all(|tag| wanted.contains_key(*tag) && actual.get(*tag) == wanted.get(*tag))
}
