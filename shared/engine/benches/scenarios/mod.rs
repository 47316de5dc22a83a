//! What the benches of the engine stand up, and the critical path of it. A test stands some of it up too, so that it does
//! not rot.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::memory::cloud::Habits;
use outrigger_engine::memory::world::{Cost, Ended, World};
use outrigger_engine::ports::clock::Clock;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_model::resource::TAG_RESOURCE;
use outrigger_model::{Kind, Region, Resource, ResourceKey, StackId, UnixMs, document};
use outrigger_plan::resolve::resolve;
use outrigger_plan::{Action, Plan, Resolved, Step, expand};
use serde_json::{Value, json};

/// The reference documents, by name.
pub fn documents() -> Vec<(&'static str, Value)> {
    [
        (
            "data-processing",
            include_str!("../../../../stacks/data-processing.yaml"),
        ),
        ("postgres-ha", include_str!("../../../../stacks/postgres-ha.yaml")),
        ("iot-ingest", include_str!("../../../../stacks/iot-ingest.yaml")),
        (
            "secure-pipeline",
            include_str!("../../../../stacks/secure-pipeline.yaml"),
        ),
        (
            "multi-region-dr",
            include_str!("../../../../stacks/multi-region-dr.yaml"),
        ),
    ]
    .map(|(name, text)| (name, document::from_text(text).unwrap()))
    .into_iter()
    .chain([("two regions", two_regions())])
    .collect()
}

/// A network in two regions, peered, with the database in one of them, and the cache and the stream in the other.
fn two_regions() -> Value {
    let of = |text: &str| document::from_text(text).unwrap();
    let mut document = of(include_str!("../../../model/tests/two-regions.yaml"));
    let other = of(include_str!("../../../../stacks/data-processing.yaml"));
    for part in ["streams", "caches", "databases", "alarms"] {
        document[part] = other[part].clone();
    }
    document["caches"]["cache"]["region"] = json!("us-east-2");
    document["streams"]["stream"]["region"] = json!("us-east-2");
    document
}

/// What a stand-up took.
pub struct StoodUp {
    pub resources: usize,
    pub makespan_ms: UnixMs,
    pub critical_path_ms: UnixMs,
    pub cost: Cost,
}

impl StoodUp {
    pub fn ratio(&self) -> f64 {
        self.makespan_ms as f64 / self.critical_path_ms as f64
    }
}

/// Stands a document up in a realistic world.
pub async fn stand_up_document(document: &Value) -> StoodUp {
    let world = World::new(Habits::realistic());
    let begun_ms = world.clock.now_ms();
    let ended = world.provision("provision-1", document).await;
    stood_up(&world, ended, begun_ms)
}

/// Carries a plan out in a realistic world.
pub async fn stand_up_plan(plan: &Plan) -> StoodUp {
    let world = World::new(Habits::realistic());
    let begun_ms = world.clock.now_ms();
    let stack = StackId {
        stack: "synthetic".to_owned(),
        environment: "bench".to_owned(),
    };
    let ended = world.carry_out_plan("provision-1", &stack, plan).await;
    stood_up(&world, ended, begun_ms)
}

fn stood_up(world: &World, ended: Ended, begun_ms: UnixMs) -> StoodUp {
    match ended {
        Ended::Closed(response) => assert_eq!(response.outcome, Ending::Succeeded, "{response:?}"),
        other => panic!("the operation ended as {other:?}"),
    }
    assert_eq!(world.cloud.defects(), Vec::<String>::new());
    let resources: Vec<Resource> = world
        .cloud
        .objects()
        .into_iter()
        .map(|object| object.resource)
        .collect();
    StoodUp {
        resources: resources.len(),
        makespan_ms: world.clock.now_ms() - begun_ms,
        critical_path_ms: critical_path_ms(&resources, Habits::realistic()),
        cost: world.cost(),
    }
}

/// The longest path through the resources, each as long as the cloud takes until it is ready. No order of calls stands
/// them up sooner. What else a kind needs is not part of it: further calls, second looks, waiting to be looked at.
fn critical_path_ms(resources: &[Resource], habits: Habits) -> UnixMs {
    let by_key: BTreeMap<&ResourceKey, &Resource> =
        resources.iter().map(|resource| (&resource.key, resource)).collect();
    let graph = outrigger_plan::Graph {
        resources: by_key
            .iter()
            .map(|(key, resource)| ((*key).clone(), (*resource).clone()))
            .collect(),
    };
    let mut ready_ms: BTreeMap<&ResourceKey, UnixMs> = BTreeMap::new();
    for key in graph.order().unwrap() {
        let before = by_key[key]
            .depends_on
            .iter()
            .map(|dependency| ready_ms[dependency])
            .max();
        ready_ms.insert(key, before.unwrap_or(0) + habits.ready_ms(key));
    }
    ready_ms.values().copied().max().unwrap_or(0)
}

/// SplitMix64, <https://prng.di.unimi.it/splitmix64.c>: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// A plan that creates `count` resources in layers, each of which depends on one to three of the layer before. Of twenty,
/// one is a database, one a cache, one a stream; the others are of the kinds that AWS makes at once. There is a database
/// in the first layer: what stands up in seconds is no data stack.
pub fn synthetic(seed: u64, count: usize) -> Plan {
    let templates = templates();
    let quick: Vec<Kind> = templates
        .keys()
        .copied()
        .filter(|kind| !matches!(kind, Kind::DbInstance | Kind::ReplicationGroup | Kind::Stream))
        .collect();
    let mut random = Random(seed);
    let layers = (count.ilog2() as usize * 3 / 2).max(2);
    let mut made: Vec<Vec<ResourceKey>> = vec![Vec::new(); layers];
    let mut plan = Plan::default();
    let mut layer_of: Vec<usize> = (0..count)
        .map(|number| if number < layers { number } else { random.below(layers) })
        .collect();
    layer_of.sort_unstable();
    for (number, layer) in layer_of.into_iter().enumerate() {
        let kind = match random.below(20) {
            _ if number == 0 => Kind::DbInstance,
            0 => Kind::DbInstance,
            1 => Kind::ReplicationGroup,
            2 => Kind::Stream,
            _ => quick[random.below(quick.len())],
        };
        let depends_on: BTreeSet<ResourceKey> = match layer.checked_sub(1).map(|before| &made[before]) {
            Some(before) => (0..1 + random.below(3))
                .map(|_| before[random.below(before.len())].clone())
                .collect(),
            None => BTreeSet::new(),
        };
        let key = ResourceKey::new(&Region::new("us-east-1"), kind, format!("r{number:05}"));
        let mut resource = templates[&kind].clone();
        resource.tags.insert(TAG_RESOURCE.to_owned(), key.to_string());
        resource.physical_name = format!("synthetic-bench-r{number:05}");
        resource.key = key.clone();
        resource.depends_on = depends_on.clone();
        plan.steps.insert(
            key.clone(),
            Step {
                action: Action::Create,
                resource,
                depends_on,
            },
        );
        made[layer].push(key);
    }
    plan
}

/// A resource of every kind, its references filled in.
fn templates() -> BTreeMap<Kind, Resource> {
    let mut value = documents().swap_remove(0).1;
    value["network"]["nat"] = json!("single");
    value["network"]["endpoints"] = json!(["secretsmanager"]);
    let database = &mut value["databases"]["database"];
    database["parameters"] = json!({ "log_statement": "all" });
    database["monitoring_interval_seconds"] = json!(60);
    database["log_exports"] = json!(["postgresql"]);
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
    let graph = expand(&document::parse(&value).unwrap(), &resolved).unwrap();
    graph
        .resources
        .into_iter()
        .map(|(key, resource)| {
            let filled_in = resolve(&resource, |reference| Some(format!("of-{}", reference.resource.name)));
            (key.kind, filled_in.unwrap())
        })
        .collect()
}
