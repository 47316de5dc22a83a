//! What a document asks for, and this version of Outrigger does not do yet: a plan says so, and is carried out all the same.

use std::collections::BTreeSet;
use std::fmt;

use outrigger_model::document::{ComponentPath, Document, Rotation};
use serde::{Deserialize, Serialize};

/// Something that a document asks for and that is not done yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotYet {
    /// The property that asks for it, such as `clusters.main.rotation`.
    pub property: String,
    /// What it asks for, for people: `rotation of clusters.main (every 30 days)`.
    pub what: String,
}

impl fmt::Display for NotYet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

/// Everything that a document asks for and that is not done yet.
pub fn not_yet(document: &Document) -> BTreeSet<NotYet> {
    let databases = document.databases.iter();
    let databases = databases.map(|(name, of)| (ComponentPath::Database(name.clone()), of.rotation));
    let clusters = document.clusters.iter();
    let clusters = clusters.map(|(name, of)| (ComponentPath::Cluster(name.clone()), of.rotation));
    let caches = document.caches.iter();
    let caches = caches.map(|(name, of)| (ComponentPath::Cache(name.clone()), of.rotation));
    databases
        .chain(clusters)
        .chain(caches)
        .filter_map(|(component, rotation)| Some(rotation_of(&component, rotation?)))
        .collect()
}

fn rotation_of(component: &ComponentPath, rotation: Rotation) -> NotYet {
    let days = match rotation.every_days {
        1 => "every day".to_owned(),
        days => format!("every {days} days"),
    };
    NotYet {
        property: format!("{component}.rotation"),
        what: format!("rotation of {component} ({days})"),
    }
}
