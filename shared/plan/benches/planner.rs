//! Time to plan, per resource, at 10,000 resources against 1,000: `cargo bench -p outrigger-plan`. A planner that looks at
//! each resource a bounded number of times has a ratio near 1. Figures and what they mean: docs/performance.md.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../tests/standing/mod.rs"]
mod standing;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use outrigger_model::resource::TAG_RESOURCE;
use outrigger_model::{Properties, Region, ResourceKey, document};
use outrigger_plan::plan::Records;
use outrigger_plan::{Graph, Plan, Protection, Resolved, expand, provision};

const AIM: f64 = 1.3;
const SIZES: [usize; 2] = [1_000, 10_000];
const ROUNDS: usize = 7;
const NOW_MS: u64 = 1_700_000_000_000;

fn main() {
    println!("median of {ROUNDS} rounds, sizes taken in turn; microseconds per resource");
    println!("{:<24} {:>8} {:>8} {:>6} {:>5}", "", SIZES[0], SIZES[1], "ratio", "aim");
    let stacks = SIZES.map(|size| {
        let graph = graph(size);
        let records = standing::records_of(&graph);
        let changed = changed(&graph);
        (graph, records, changed)
    });
    let planned = |graph: &Graph, records: &Records| provision(graph, records, Protection::Heeded, NOW_MS).unwrap();
    compare("from nothing", &stacks, |(graph, _, _)| planned(graph, &Records::new()));
    compare("nothing to do", &stacks, |(graph, records, _)| {
        let plan = planned(graph, records);
        assert!(plan.is_nothing_to_do());
        plan
    });
    compare("an update of everything", &stacks, |(_, records, changed)| {
        planned(changed, records)
    });
    compare("everything deleted", &stacks, |(_, records, _)| {
        planned(&Graph::default(), records)
    });
}

type Stack = (Graph, Records, Graph);

fn compare(name: &str, stacks: &[Stack; 2], plan: impl Fn(&Stack) -> Plan) {
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (stack, times) in stacks.iter().zip(&mut times) {
            let begun = Instant::now();
            black_box(plan(stack));
            times.push(begun.elapsed());
        }
    }
    let [small, large] = [0, 1].map(|size| {
        times[size].sort_unstable();
        times[size][ROUNDS / 2].as_secs_f64() * 1e6 / stacks[size].0.resources.len() as f64
    });
    println!("{name:<24} {small:>8.2} {large:>8.2} {:>6.2} {AIM:>5}", large / small);
}

/// As many copies of the reference document's graph as make about `size` resources, each with names of its own.
fn graph(size: usize) -> Graph {
    let value = document::from_text(include_str!("../../../stacks/data-processing.yaml")).unwrap();
    let resolved = Resolved {
        zones: BTreeMap::from([(
            Region::new("us-east-1"),
            ["us-east-1a", "us-east-1b"].map(str::to_owned).into(),
        )]),
        versions: [("databases.database", "15.15"), ("caches.cache", "7.0")]
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .into(),
        static_parameters: BTreeMap::new(),
        control_plane: outrigger_plan::ControlPlane::default(),
        endpoints: Resolved::unasked(&document::parse(&value).unwrap()).endpoints,
    };
    let one = expand(&document::parse(&value).unwrap(), &resolved).unwrap();
    let mut graph = Graph::default();
    for copy in 0..size.div_ceil(one.resources.len()) {
        let named = |key: &ResourceKey| ResourceKey::new(&key.region, key.kind, format!("c{copy:04}-{}", key.name));
        for (key, resource) in &one.resources {
            let mut resource = resource.clone();
            resource.key = named(key);
            resource.physical_name = format!("c{copy:04}-{}", resource.physical_name);
            resource.tags.insert(TAG_RESOURCE.to_owned(), resource.key.to_string());
            resource.depends_on = resource.depends_on.iter().map(named).collect();
            resource.properties = renamed(&resource.properties, &one, &named);
            graph.resources.insert(resource.key.clone(), resource);
        }
    }
    graph
}

/// The properties, with references to the copy's own resources.
fn renamed(properties: &Properties, one: &Graph, named: &impl Fn(&ResourceKey) -> ResourceKey) -> Properties {
    let mut json = serde_json::to_string(properties).unwrap();
    for key in one.resources.keys() {
        json = json.replace(&format!("\"{key}\""), &format!("\"{}\"", named(key)));
    }
    serde_json::from_str(&json).unwrap()
}

/// The graph with another tag on everything.
fn changed(graph: &Graph) -> Graph {
    let mut changed = graph.clone();
    for resource in changed.resources.values_mut() {
        resource.tags.insert("CostCentre".to_owned(), "1234".to_owned());
    }
    changed
}
