//! Worlds, the document that tests stand up, and what there is to look at.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::memory::cloud::{CallMade, Habits};
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::tasks::close_operation::{Ending, Response};
use outrigger_model::{Region, ResourceKey, document};
use serde_json::{Value, json};

/// A stack with something of every kind but the ways out of its network, which have a document of their own.
pub fn the_document() -> Value {
    let mut document = document::from_text(include_str!("../../../../stacks/data-processing.yaml")).unwrap();
    let database = &mut document["databases"]["database"];
    database["parameters"] = json!({ "log_statement": "all", "shared_preload_libraries": "pg_stat_statements" });
    database["monitoring_interval_seconds"] = json!(60);
    database["log_exports"] = json!(["postgresql"]);
    document["clusters"] = json!({ "main": {
        "engine": "aurora_postgresql",
        "version": "15.10",
        "capacity_acu_min": 0.5,
        "capacity_acu_max": 1.0,
        "instances": 2,
        "data_api": true,
        "database": "iotdb",
        "user": "iotadmin",
        "log_exports": ["postgresql"],
        "deletion_protection": false,
        "final_snapshot": false,
    } });
    document["keys"] = json!({ "data": {} });
    for component in [
        "/databases/database",
        "/clusters/main",
        "/caches/cache",
        "/streams/stream",
    ] {
        document.pointer_mut(component).unwrap()["encryption_key"] = json!("data");
    }
    document["caches"]["cache"]["auth_token"] = json!(true);
    document["topics"] = json!({ "alerts": {
        "subscriptions": { "on-call": { "protocol": "email", "endpoint": "on-call@example.com" } },
    } });
    document["parameters"] = json!({
        "flags": { "value": "on" },
        "database-endpoint": { "value_of": "databases.database.endpoint" },
        "api-key": { "generated": true },
    });
    document["backups"] = json!({ "daily": { "of": ["databases.database", "clusters.main"], "retention_days": 7 } });
    document["alarms"]["database-cpu"]["notify"] = json!(["alerts"]);
    document["apis"] = json!({ "api": {
        "routes": { "POST /data": { "stream": "stream" } },
        "usage_plan": { "rate_per_second": 200, "burst": 400 },
    } });
    document["gates"] = json!({ "door": {} });
    document
}

pub fn closed(ended: Ended) -> Response {
    match ended {
        Ended::Closed(response) => response,
        other => panic!("the operation ended as {other:?}"),
    }
}

pub async fn provision(world: &World, operation: &str) -> Response {
    closed(world.provision(operation, &the_document()).await)
}

pub async fn destroy(world: &World, operation: &str) -> Response {
    closed(world.destroy(operation, "data-processing", "production").await)
}

/// The keys of what there is in the cloud; fails if anything is there twice.
pub fn standing(world: &World) -> BTreeSet<ResourceKey> {
    let mut count: BTreeMap<ResourceKey, usize> = BTreeMap::new();
    for object in world.cloud.objects() {
        *count.entry(object.resource.key).or_default() += 1;
    }
    for (key, count) in &count {
        assert_eq!(*count, 1, "{key} is there {count} times");
    }
    assert_eq!(world.cloud.defects(), Vec::<String>::new());
    count.into_keys().collect()
}

/// Everything the document asks for, and the calls it takes when all goes well.
pub async fn clean_run() -> (BTreeSet<ResourceKey>, Vec<CallMade>) {
    let world = World::new(Habits::default());
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    (standing(&world), world.cloud.calls())
}

pub async fn clean_destroy(world: &World, context: &str) {
    let response = destroy(world, "destroy-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
    // What was created unseen would show by now.
    world.clock.advance(300_000);
    assert_eq!(standing(world), BTreeSet::new(), "{context}");
}

pub fn the_stack() -> outrigger_model::StackId {
    outrigger_model::StackId {
        stack: "data-processing".to_owned(),
        environment: "production".to_owned(),
    }
}

/// A resource, and everything that depends on it in the end.
pub fn dependents(wanted: &BTreeSet<ResourceKey>, key: &ResourceKey) -> BTreeSet<ResourceKey> {
    let graph = the_graph();
    let mut found = BTreeSet::from([key.clone()]);
    for _ in wanted {
        for (other, resource) in &graph.resources {
            if resource.depends_on.iter().any(|dependency| found.contains(dependency)) {
                found.insert(other.clone());
            }
        }
    }
    found
}

/// The document's graph, as the catalog in memory resolves it.
pub fn the_graph() -> outrigger_plan::Graph {
    let document = document::parse(&the_document()).unwrap();
    let resolved = outrigger_plan::Resolved {
        zones: BTreeMap::from([(
            Region::new("us-east-1"),
            vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()],
        )]),
        versions: BTreeMap::from([
            ("databases.database".to_owned(), "15.15".to_owned()),
            ("clusters.main".to_owned(), "15.10".to_owned()),
            ("caches.cache".to_owned(), "7.0".to_owned()),
        ]),
        static_parameters: BTreeMap::new(),
        control_plane: outrigger_plan::ControlPlane::default(),
        endpoints: outrigger_plan::Resolved::unasked(&document).endpoints,
    };
    outrigger_plan::expand(&document, &resolved).unwrap()
}
