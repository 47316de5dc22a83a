//! The critical path, on graphs of any shape: what is left of an operation, and what it took.

// Helpers may panic as tests do.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::{Kind, Region, ResourceKey, UnixMs};
use outrigger_plan::critical_path::{CriticalPath, remaining, taken};
use proptest::prelude::*;

type Steps = BTreeMap<ResourceKey, BTreeSet<ResourceKey>>;

fn key(number: usize) -> ResourceKey {
    ResourceKey::new(&Region::new("us-east-1"), Kind::Alarm, format!("a{number:02}"))
}

fn names(path: &[ResourceKey]) -> Vec<&str> {
    path.iter().map(|key| key.name.as_str()).collect()
}

fn steps_of(edges: &[(usize, &[usize])]) -> Steps {
    let step =
        |(number, before): &(usize, &[usize])| (key(*number), before.iter().map(|number| key(*number)).collect());
    edges.iter().map(step).collect()
}

fn remaining_of(steps: &Steps, left_ms: &BTreeMap<ResourceKey, UnixMs>) -> CriticalPath {
    remaining(steps.iter(), |key| left_ms.get(key).copied())
}

/// Steps that depend on earlier ones only, in an order of keys that says nothing of it; how long each still takes, where it
/// has not ended.
fn graphs() -> impl Strategy<Value = (Steps, BTreeMap<ResourceKey, UnixMs>)> {
    (1..9_usize)
        .prop_flat_map(|count| {
            let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
            let edges = proptest::collection::vec(any::<bool>(), count * count);
            let left_ms = proptest::collection::vec(proptest::option::weighted(0.8, 0..4_u64), count);
            (order, edges, left_ms)
        })
        .prop_map(|(order, edges, left_ms)| {
            let count = order.len();
            let mut steps = Steps::new();
            for (place, number) in order.iter().enumerate() {
                let before = order[..place].iter().enumerate();
                let depends_on = before
                    .filter(|(other, _)| edges[place * count + other])
                    .map(|(_, number)| key(*number));
                steps.insert(key(*number), depends_on.collect());
            }
            let left_ms = left_ms.iter().enumerate();
            let left_ms = left_ms.filter_map(|(number, left_ms)| Some((key(number), (*left_ms)?)));
            (steps, left_ms.collect())
        })
}

/// Every path through what is left, from any step on.
fn paths(steps: &Steps, left_ms: &BTreeMap<ResourceKey, UnixMs>) -> Vec<Vec<ResourceKey>> {
    let mut found = Vec::new();
    let mut open: Vec<Vec<ResourceKey>> = left_ms.keys().map(|key| vec![key.clone()]).collect();
    while let Some(path) = open.pop() {
        let last = path.last().unwrap();
        for after in left_ms.keys().filter(|after| steps[*after].contains(last)) {
            let mut longer = path.clone();
            longer.push(after.clone());
            open.push(longer);
        }
        found.push(path);
    }
    found
}

proptest! {
    #[test]
    fn it_is_the_longest_path_through_what_is_left((steps, left_ms) in graphs()) {
        let critical = remaining_of(&steps, &left_ms);
        let length = |path: &[ResourceKey]| path.iter().map(|key| left_ms[key]).sum::<UnixMs>();
        let longest_ms = paths(&steps, &left_ms).iter().map(|path| length(path)).max();
        prop_assert_eq!(critical.length_ms, longest_ms.unwrap_or(0));
        prop_assert_eq!(length(&critical.steps), critical.length_ms);
        prop_assert_eq!(critical.steps.is_empty(), left_ms.is_empty());
        for pair in critical.steps.windows(2) {
            prop_assert!(steps[&pair[1]].contains(&pair[0]), "{:?}", pair);
        }
        // For the last nothing waits, and the first waits for nothing that is left.
        if let (Some(first), Some(last)) = (critical.steps.first(), critical.steps.last()) {
            prop_assert!(left_ms.keys().all(|key| !steps[key].contains(last)));
            prop_assert!(steps[first].iter().all(|key| !left_ms.contains_key(key)));
        }
        prop_assert_eq!(critical.tails_ms.keys().collect::<Vec<_>>(), left_ms.keys().collect::<Vec<_>>());
        for (key, tail_ms) in &critical.tails_ms {
            let from_here = paths(&steps, &left_ms).into_iter().filter(|path| path[0] == *key);
            prop_assert_eq!(Some(*tail_ms), from_here.map(|path| length(&path)).max());
        }
    }

    #[test]
    fn it_is_the_same_every_time_and_shrinks_as_steps_end((steps, left_ms) in graphs()) {
        let critical = remaining_of(&steps, &left_ms);
        prop_assert_eq!(&remaining_of(&steps, &left_ms), &critical);
        if let Some(first) = critical.steps.first() {
            let mut later = left_ms.clone();
            later.remove(first);
            prop_assert!(remaining_of(&steps, &later).length_ms <= critical.length_ms);
        }
    }

    /// Each step begins when all it depends on has ended, and takes as long as it does: what was taken is what was left.
    #[test]
    fn what_was_taken_is_the_longest_path_when_nothing_waits_needlessly((steps, took_ms) in graphs()) {
        let steps: Steps = steps
            .into_iter()
            .filter(|(key, _)| took_ms.contains_key(key))
            .map(|(key, before)| (key, before.into_iter().filter(|key| took_ms.contains_key(key)).collect()))
            .collect();
        let mut times: BTreeMap<ResourceKey, (UnixMs, UnixMs)> = BTreeMap::new();
        while times.len() < steps.len() {
            for (key, before) in &steps {
                if let Some(ends_ms) = before.iter().map(|key| Some(times.get(key)?.1)).collect::<Option<Vec<_>>>() {
                    let since_ms = ends_ms.into_iter().max().unwrap_or(0);
                    times.insert(key.clone(), (since_ms, since_ms + took_ms[key]));
                }
            }
        }
        let path = taken(steps.iter(), |key| times.get(key).copied());
        let took: UnixMs = path.iter().map(|key| took_ms[key]).sum();
        prop_assert_eq!(took, remaining_of(&steps, &took_ms).length_ms);
        prop_assert_eq!(path.last().map(|key| times[key].1), times.values().map(|times| times.1).max());
    }
}

#[test]
fn of_paths_equally_long_the_first_is_taken() {
    let steps = steps_of(&[(1, &[]), (2, &[]), (3, &[1, 2]), (4, &[1, 2])]);
    let left_ms = steps.keys().map(|key| (key.clone(), 5)).collect();
    assert_eq!(names(&remaining_of(&steps, &left_ms).steps), ["a01", "a03"]);
    let path = taken(steps.iter(), |_| Some((0, 7)));
    assert_eq!(
        names(&path),
        ["a01"],
        "what began before it cannot have waited for it, but nothing tells"
    );
}

#[test]
fn what_is_unknown_is_not_waited_for_and_a_circle_has_no_path() {
    let steps = steps_of(&[(1, &[9]), (2, &[1])]);
    let left_ms = steps.keys().map(|key| (key.clone(), 5)).collect();
    assert_eq!(names(&remaining_of(&steps, &left_ms).steps), ["a01", "a02"]);
    let circle = steps_of(&[(1, &[2]), (2, &[1])]);
    assert_eq!(remaining_of(&circle, &left_ms), CriticalPath::default());
    assert_eq!(taken(circle.iter(), |_| Some((0, 7))).len(), 2);
}
