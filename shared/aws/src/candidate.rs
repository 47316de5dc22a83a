//! Choosing what is ours among what was found: by the recorded id, and by the resource's own tags, both.
//!
//! A resource that was replaced and its replacement carry the same tags. So what [`Target::not`] names is never the
//! resource, and a former object is found by its recorded id alone, or else by the one intent that made it.

use std::collections::BTreeMap;

use outrigger_engine::ports::provider::{Condition, Difference, Observed, Target};
use outrigger_model::resource::{TAG_INTENT, is_ours};

use crate::tags::{missing_tags, surplus_tags};

/// An object that may be the resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<T> {
    /// AWS's id.
    pub id: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// As AWS shows it.
    pub object: T,
}

/// The object that is the resource, and the ids of others that carry its tags.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<T> {
    /// AWS's id.
    pub id: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it carries the resource's own tags.
    pub ours: bool,
    /// As AWS shows it.
    pub object: T,
    /// The ids of further objects that carry them.
    pub duplicates: Vec<String>,
}

impl<T> Choice<T> {
    /// What is observed of it; tags that differ come last.
    pub fn observed(self, target: &Target, condition: Condition, differences: Vec<Difference>) -> Observed {
        let tags = [
            missing_tags(&target.resource.tags, &self.tags),
            surplus_tags(&target.tags_gone, &self.tags),
        ];
        Observed {
            id: self.id,
            attributes: BTreeMap::new(),
            condition,
            ours: self.ours,
            differences: differences.into_iter().chain(tags.into_iter().flatten()).collect(),
            pending: Vec::new(),
            duplicates: self.duplicates,
        }
    }
}

/// Whether an object can be the resource, by what is recorded of it and by its tags.
fn may_be<T>(candidate: &Candidate<T>, target: &Target) -> bool {
    if target.not.contains(&candidate.id) {
        return false;
    }
    let recorded = target.id.as_ref() == Some(&candidate.id);
    let ours = is_ours(&candidate.tags, &target.resource.tags);
    if !target.resource.key.is_former() {
        return recorded || ours;
    }
    match &target.id {
        Some(_) => recorded,
        None => ours && !target.token.is_empty() && candidate.tags.get(TAG_INTENT) == Some(&target.token),
    }
}

/// The recorded object where it is among those found, or else the one whose intent came first.
///
/// Tokens of one resource sort by time. Ids break ties, so that every observation chooses alike.
pub fn choose<T>(found: Vec<Candidate<T>>, target: &Target) -> Option<Choice<T>> {
    let mut sorted = BTreeMap::new();
    for candidate in found {
        let recorded = target.id.as_ref() == Some(&candidate.id);
        let ours = is_ours(&candidate.tags, &target.resource.tags);
        if may_be(&candidate, target) {
            let intent = candidate.tags.get(TAG_INTENT).cloned();
            let rank = (!recorded, intent.is_none(), intent, candidate.id.clone());
            sorted.insert(rank, (candidate, ours));
        }
    }
    let mut sorted = sorted.into_values();
    let (chosen, ours) = sorted.next()?;
    let duplicates = sorted.map(|(duplicate, _)| duplicate.id);
    Some(Choice {
        id: chosen.id,
        tags: chosen.tags,
        ours,
        object: chosen.object,
        // A former object goes alone: whatever else there is belongs to what took its place.
        duplicates: duplicates.filter(|_| !target.resource.key.is_former()).collect(),
    })
}
