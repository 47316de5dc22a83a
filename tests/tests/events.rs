//! The events are as docs/events says: schemas, examples, and what operations really tell.

use outrigger_engine::memory::cloud::{Fault, Habits};
use outrigger_engine::memory::world::World;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_tests::events::{EVENTS, assert_event, event_file};
use serde_json::{Value, json};

#[test]
fn schemas_are_schemas_and_examples_follow_them() {
    for (detail_type, file) in EVENTS {
        let schema = event_file(&format!("{file}.schema.json"));
        assert_eq!(
            schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
            "{file}"
        );
        jsonschema::meta::validate(&schema).unwrap();
        let example = event_file(&format!("{file}.example.json"));
        assert_eq!(example["detail-type"], detail_type);
        assert_eq!(example["source"], outrigger_aws_eventbridge::SOURCE);
        assert_event(detail_type, &example["detail"]);
        // Nothing is described that no event has, and each description says something.
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{file}: {name}");
        }
    }
}

#[test]
fn a_detail_that_is_wrong_is_refused() {
    let example = event_file("operation-closed.example.json")["detail"].clone();
    for (key, value) in [
        ("version", json!("2")),
        ("outcome", json!("exploded")),
        ("summary", json!("two\nlines")),
        ("password", json!("hunter2")),
        ("attention", Value::Null),
    ] {
        let mut wrong = example.clone();
        wrong[key] = value;
        let refused = std::panic::catch_unwind(|| assert_event("Outrigger Operation Closed", &wrong));
        assert!(refused.is_err(), "{key}");
    }
}

/// Every way for an operation to end, and what is told of it.
#[tokio::test]
async fn whatever_is_told_follows_the_schemas() {
    let mut document = outrigger_model::document::from_text(include_str!("../../stacks/data-processing.yaml")).unwrap();
    let mut outcomes = Vec::new();
    let mut check = |world: &World| {
        for event in world.events.all() {
            let detail = serde_json::to_value(&event).unwrap();
            assert_event(event.detail_type(), &detail);
            outcomes.extend(detail.get("outcome").and_then(Value::as_str).map(str::to_owned));
        }
    };

    let world = World::new(Habits::default());
    world.provision("provision-1", &document).await;
    world.drift("drift-1", "data-processing", "production", false).await;
    world.destroy("destroy-1", "data-processing", "production").await;
    world
        .ended("refused-1", "FAILED", &json!({ "document": document }))
        .await;
    world
        .ended("refused-2", "FAILED", &json!({ "document_s3": "s3://bucket/key" }))
        .await;
    check(&world);

    for on_failure in ["keep", "rollback"] {
        document["on_failure"] = json!(on_failure);
        let world = World::new(Habits::default());
        world.cloud.set_plot(|_, call| {
            let fails = call.verb == "create" && call.key.to_string().contains("db-instance");
            fails.then_some(Fault::Refused)
        });
        world.provision("provision-1", &document).await;
        check(&world);
    }

    let world = World::new(Habits::default());
    begin_and_leave(&world, &document).await;
    world.stopped("provision-1").await;
    check(&world);

    let world = World::new(Habits::default());
    begin_and_leave(&world, &document).await;
    world.clock.advance(300_000);
    world.provision("provision-2", &document).await;
    world.stopped("provision-1").await;
    check(&world);

    outcomes.sort();
    outcomes.dedup();
    let every = [
        Ending::Aborted,
        Ending::Failed,
        Ending::NotBegun,
        Ending::RolledBack,
        Ending::Succeeded,
        Ending::Superseded,
    ];
    let every: Vec<Value> = every
        .iter()
        .map(|ending| serde_json::to_value(ending).unwrap())
        .collect();
    assert_eq!(json!(outcomes), json!(every));
}

/// Begins an operation that is cut off, and that nobody closes.
async fn begin_and_leave(world: &World, document: &Value) {
    world.cloud.set_plot(|at, _| (at == 7).then_some(Fault::CutAfter));
    assert!(
        world
            .begin_and_leave("provision-1", json!({ "document": document }))
            .await
    );
}
