//! Golden files of plans, as the in-memory Outrigger makes them.

use outrigger_engine::memory::cloud::Habits;
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::state::content::Proposal;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_model::document;
use serde_json::{Value, json};

use super::*;

/// The reference document of this name.
pub(crate) fn reference(name: &str) -> Value {
    let text = match name {
        "data-processing" => include_str!("../../../stacks/data-processing.yaml"),
        "postgres-ha" => include_str!("../../../stacks/postgres-ha.yaml"),
        "iot-ingest" => include_str!("../../../stacks/iot-ingest.yaml"),
        "secure-pipeline" => include_str!("../../../stacks/secure-pipeline.yaml"),
        "multi-region-dr" => include_str!("../../../stacks/multi-region-dr.yaml"),
        other => panic!("there is no document {other}"),
    };
    document::from_text(text).unwrap()
}

/// A world in which a document's stack stands.
pub(crate) async fn standing(document: &Value) -> World {
    let world = World::new(Habits::default());
    let Ended::Closed(response) = world.provision("first", document).await else {
        panic!("it was not closed");
    };
    assert_eq!(response.outcome, Ending::Succeeded, "{:?}", response.failures);
    world
}

/// The plan that `plan-stack` proposes for a document.
pub(crate) async fn proposed(world: &World, document: &Value) -> (StackId, Plan) {
    let stack = document::parse(document).unwrap().id();
    let answer = world.propose(document).await.unwrap();
    let proposal: Proposal = world.state.blob(&stack, &answer.plan).await.unwrap().unwrap();
    let mut plans = BTreeMap::new();
    for (lane, hash) in &proposal.plans {
        plans.insert(*lane, world.state.blob(&stack, hash).await.unwrap().unwrap());
    }
    (stack, whole(&plans))
}

async fn text_of(world: &World, document: &Value) -> String {
    let (stack, plan) = proposed(world, document).await;
    render(&view(&stack, None, &plan), Paint::Plain)
}

/// What a change of a standing document comes to.
async fn text_after(name: &str, change: impl Fn(&mut Value)) -> String {
    let mut document = reference(name);
    let world = standing(&document).await;
    change(&mut document);
    text_of(&world, &document).await
}

#[tokio::test]
async fn fresh_stacks() {
    for name in [
        "data-processing",
        "postgres-ha",
        "iot-ingest",
        "secure-pipeline",
        "multi-region-dr",
    ] {
        let text = text_of(&World::new(Habits::default()), &reference(name)).await;
        insta::assert_snapshot!(format!("fresh_{name}"), text);
    }
}

#[tokio::test]
async fn nothing_to_do() {
    let text = text_after("data-processing", |_| ()).await;
    assert_eq!(
        text,
        "nothing to do: the stack is as the document says (26 resources)\n"
    );
}

#[tokio::test]
async fn updates() {
    let text = text_after("data-processing", |document| {
        document["tags"] = json!({});
        document["streams"]["stream"]["shards"] = json!(9);
        document["streams"]["stream"]["shard_metrics"] = json!(["IncomingBytes"]);
        document["caches"]["cache"]["node_type"] = json!("cache.t3.small");
        document["caches"]["cache"]["nodes"] = json!(3);
        let database = &mut document["databases"]["database"];
        database["class"] = json!("db.t3.medium");
        database["storage_gib"] = json!(40);
        database["storage_gib_max"] = json!(100);
        database["monitoring_interval_seconds"] = json!(60);
        database["log_exports"] = json!(["postgresql"]);
        database["parameters"] = json!({"log_statement": "all", "shared_preload_libraries": "pg_stat_statements"});
        document["alarms"]["stream-idle"]["threshold"] = json!(5.5);
    })
    .await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn updates_in_the_window() {
    let text = text_after("data-processing", |document| {
        document["caches"]["cache"]["apply"] = json!("in_window");
        document["caches"]["cache"]["node_type"] = json!("cache.t3.small");
        let database = &mut document["databases"]["database"];
        database["apply"] = json!("in_window");
        database["class"] = json!("db.t3.medium");
        database["multi_az"] = json!(false);
        database["backups"] = json!({"retention_days": 14});
        database["deletion_protection"] = json!(true);
    })
    .await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_network_is_replaced_with_everything_in_it() {
    let text = text_after("data-processing", |document| {
        document["network"]["cidr"] = json!("10.1.0.0/16");
        document["databases"]["database"]["allow_replace"] = json!(true);
        document["caches"]["cache"]["allow_replace"] = json!(true);
    })
    .await;
    insta::assert_snapshot!(text);
}

/// A network and a cluster in it.
fn clusters() -> Value {
    json!({
        "stack": "iot",
        "environment": "production",
        "region": "us-east-1",
        "network": { "cidr": "10.0.0.0/16", "zones": 2, "private": {} },
        "clusters": { "main": {
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
            "rotation": { "every_days": 30 },
        } },
        "alarms": { "capacity": {
            "component": "clusters.main",
            "metric": "ACUUtilization",
            "statistic": "average",
            "comparison": "greater_than",
            "threshold": 90,
            "periods": 2,
            "period_seconds": 300,
        } },
    })
}

#[tokio::test]
async fn a_cluster_is_created_changed_replaced_and_removed() {
    let mut document = clusters();
    let mut text = text_of(&World::new(Habits::default()), &document).await;
    let world = standing(&document).await;
    text.push_str("\n--- nothing is changed\n");
    text.push_str(&text_of(&world, &document).await);
    let mut changed = document.clone();
    let cluster = &mut changed["clusters"]["main"];
    cluster["version"] = json!("15.15");
    cluster["capacity_acu_max"] = json!(4);
    cluster["instances"] = json!(3);
    cluster["minor_upgrades"] = json!(false);
    cluster["apply"] = json!("in_window");
    cluster["rotation"] = json!({ "every_days": 1 });
    changed["network"]["zones"] = json!(3);
    text.push_str("\n--- it is changed\n");
    text.push_str(&text_of(&world, &changed).await);
    let mut replaced = document.clone();
    replaced["clusters"]["main"]["database"] = json!("other");
    replaced["clusters"]["main"]["allow_replace"] = json!(true);
    text.push_str("\n--- it is replaced\n");
    text.push_str(&text_of(&world, &replaced).await);
    for part in ["clusters", "alarms"] {
        document[part] = json!({});
    }
    text.push_str("\n--- it is taken away\n");
    text.push_str(&text_of(&world, &document).await);
    insta::assert_snapshot!(text);
}

/// Of every component whose credentials are to be rotated, for programs too.
#[tokio::test]
async fn what_is_not_done_yet_is_told() {
    let mut document = reference("data-processing");
    document["caches"]["cache"]["auth_token"] = json!(true);
    for (part, name) in [("databases", "database"), ("caches", "cache")] {
        document[part][name]["rotation"] = json!({ "every_days": 7 });
    }
    let (stack, plan) = proposed(&World::new(Habits::default()), &document).await;
    let view = view(&stack, None, &plan);
    let json = serde_json::to_value(&view).unwrap();
    assert_eq!(
        json["not_yet"],
        json!([
            { "property": "caches.cache.rotation", "what": "rotation of caches.cache (every 7 days)" },
            { "property": "databases.database.rotation", "what": "rotation of databases.database (every 7 days)" },
        ])
    );
    let text = render(&view, Paint::Plain);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("not yet: ")).collect();
    assert_eq!(
        lines,
        [
            "not yet: rotation of caches.cache (every 7 days)",
            "not yet: rotation of databases.database (every 7 days)",
        ]
    );
}

#[tokio::test]
async fn subnets_move() {
    let text = text_after("data-processing", |document| {
        document["network"]["public"] = json!({"cidrs": ["10.0.4.0/24", "10.0.5.0/24"]});
    })
    .await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn components_are_removed_and_a_final_snapshot_is_kept() {
    let mut document = reference("data-processing");
    document["databases"]["database"]["final_snapshot"] = json!(true);
    let world = standing(&document).await;
    document["databases"] = json!({});
    document["caches"] = json!({});
    for alarm in ["cache-cpu", "database-cpu"] {
        document["alarms"].as_object_mut().unwrap().remove(alarm);
    }
    document["outputs"] = json!({});
    insta::assert_snapshot!(text_of(&world, &document).await);
}

/// What belongs to what is told by what needs what, also where the document has nothing of it any more.
#[tokio::test]
async fn what_is_taken_away_from_a_component_stays_with_it() {
    let mut document = reference("postgres-ha");
    document["databases"]["database"]["deletion_protection"] = json!(false);
    let world = standing(&document).await;
    let database = &mut document["databases"]["database"];
    database["parameters"] = json!({});
    database["monitoring_interval_seconds"] = json!(0);
    database["log_exports"] = json!([]);
    insta::assert_snapshot!(text_of(&world, &document).await);
}

#[tokio::test]
async fn programs_get_every_step() {
    let mut document = reference("data-processing");
    let world = standing(&document).await;
    document["network"]["public"] = json!({"cidrs": ["10.0.4.0/24", "10.0.1.0/24"]});
    document["databases"]["database"]["class"] = json!("db.t3.medium");
    let (stack, plan) = proposed(&world, &document).await;
    let mut view = view(&stack, Some("0a1b"), &plan);
    assert_eq!(view.steps.len(), plan.steps.len());
    view.steps.retain(|step| step.action != Doing::NoOp);
    insta::assert_json_snapshot!(view);
}

#[tokio::test]
async fn signs_are_coloured_on_a_terminal() {
    let (stack, plan) = proposed(&World::new(Habits::default()), &reference("postgres-ha")).await;
    let text = render(&view(&stack, None, &plan), Paint::Coloured);
    assert!(text.contains("\u{1b}[32m+   \u{1b}[0m"), "{text}");
}
