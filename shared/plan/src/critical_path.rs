//! The critical path of a plan: what decides when its operation ends. Of what is left of it, and of what it took.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::{ResourceKey, UnixMs};
use petgraph::algo::toposort;
use petgraph::graphmap::DiGraphMap;

/// The longest path through what is left of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// Its steps, in the order in which they are done: the first waits for nothing that is left, for the last waits nothing.
    pub steps: Vec<ResourceKey>,
    /// How long it takes.
    pub length_ms: UnixMs,
    /// For each step that is left, the longest path from its own beginning, or from now if it has begun, to the end.
    pub tails_ms: BTreeMap<ResourceKey, UnixMs>,
}

/// The critical path of what is left: `left_ms` tells how long each step still takes, and `None` of those that have ended.
/// Of paths equally long it is the one whose keys come first.
///
/// `steps` are a plan's, with what each depends on; what is not among them, or has ended, is waited for no more. Steps that
/// depend on each other in a circle have no path: a plan has none.
pub fn remaining<'a>(
    steps: impl Iterator<Item = (&'a ResourceKey, &'a BTreeSet<ResourceKey>)> + Clone,
    left_ms: impl Fn(&ResourceKey) -> Option<UnixMs>,
) -> CriticalPath {
    let left: BTreeMap<&ResourceKey, UnixMs> = steps
        .clone()
        .filter_map(|(key, _)| Some((key, left_ms(key)?)))
        .collect();
    let mut graph = DiGraphMap::<&ResourceKey, ()>::new();
    for key in left.keys() {
        graph.add_node(key);
    }
    for (key, dependencies) in steps.filter(|(key, _)| left.contains_key(key)) {
        for dependency in dependencies {
            if let Some((dependency, _)) = left.get_key_value(dependency) {
                graph.add_edge(dependency, key, ());
            }
        }
    }
    let Ok(order) = toposort(&graph, None) else {
        return CriticalPath::default();
    };
    let mut tails: BTreeMap<&ResourceKey, UnixMs> = BTreeMap::new();
    let mut next: BTreeMap<&ResourceKey, &ResourceKey> = BTreeMap::new();
    for key in order.into_iter().rev() {
        let own_ms = left.get(key).copied().unwrap_or_default();
        let after = graph
            .neighbors(key)
            .filter_map(|after| Some((*tails.get(after)?, Reverse(after))))
            .max();
        if let Some((_, Reverse(after))) = after {
            next.insert(key, after);
        }
        tails.insert(key, own_ms.saturating_add(after.map_or(0, |(tail_ms, _)| tail_ms)));
    }
    let first = tails
        .iter()
        .filter(|(key, _)| graph.neighbors_directed(key, petgraph::Incoming).next().is_none())
        .map(|(key, tail_ms)| (*tail_ms, Reverse(*key)))
        .max();
    let (length_ms, first) = match first {
        None => (0, None),
        Some((length_ms, Reverse(first))) => (length_ms, Some(first)),
    };
    CriticalPath {
        steps: std::iter::successors(first, |key| next.get(key).copied())
            .cloned()
            .collect(),
        length_ms,
        tails_ms: tails.into_iter().map(|(key, tail_ms)| (key.clone(), tail_ms)).collect(),
    }
}

/// The critical path of what was done: from the step that ended last back to what it had waited for, each time the
/// dependency that ended last. `times` tells when a step began and ended, and `None` of those that never did.
pub fn taken<'a>(
    steps: impl Iterator<Item = (&'a ResourceKey, &'a BTreeSet<ResourceKey>)>,
    times: impl Fn(&ResourceKey) -> Option<(UnixMs, UnixMs)>,
) -> Vec<ResourceKey> {
    let steps: BTreeMap<&ResourceKey, &BTreeSet<ResourceKey>> = steps.collect();
    // Of those that ended at the same moment, the one that took the longest; of those, the one that comes first.
    let last_of = |keys: &mut dyn Iterator<Item = &'a ResourceKey>| {
        keys.filter(|key| steps.contains_key(key))
            .filter_map(|key| {
                let (since_ms, at_ms) = times(key)?;
                Some((at_ms, Reverse((since_ms, key))))
            })
            .max()
            .map(|(_, Reverse((_, key)))| key)
    };
    let last = last_of(&mut steps.keys().copied());
    let mut path: Vec<ResourceKey> = std::iter::successors(last, |key| last_of(&mut steps.get(key)?.iter()))
        // A plan has no circles; should there be one, this ends.
        .take(steps.len())
        .cloned()
        .collect();
    path.reverse();
    path
}
