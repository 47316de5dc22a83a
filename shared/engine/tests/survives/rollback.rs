//! When an operation fails for good: what there is stays and is completed later, or everything goes back.

use outrigger_engine::memory::cloud::{Fault, Habits};
use outrigger_engine::memory::world::World;
use outrigger_engine::state::content::Outcome;
use outrigger_engine::tasks::close_operation::Ending;
use serde_json::{Value, json};

use crate::harness::*;

fn that_goes_back() -> Value {
    let mut document = the_document();
    document["on_failure"] = json!("rollback");
    // What an operation made itself goes again, protected or not, and leaves no snapshot.
    document["databases"]["database"]["deletion_protection"] = json!(true);
    document["databases"]["database"]["final_snapshot"] = json!(true);
    document["clusters"]["main"]["deletion_protection"] = json!(true);
    document["clusters"]["main"]["final_snapshot"] = json!(true);
    document
}

/// Whichever resource fails for good: afterwards nothing is left, and the stack can be stood up as if nothing had been.
#[tokio::test]
async fn whichever_fails_nothing_is_left() {
    let (wanted, _) = clean_run().await;
    for refused in &wanted {
        let world = World::new(Habits::default());
        let key = refused.clone();
        world
            .cloud
            .set_plot(move |_, call| (call.verb == "create" && call.key == key).then_some(Fault::Refused));
        let response = closed(world.provision("provision-1", &that_goes_back()).await);
        assert_eq!(response.outcome, Ending::RolledBack, "{refused}: {response:?}");
        assert!(
            response.failures[0].starts_with(&format!("{refused}: memory:create failed"))
                || response
                    .failures
                    .iter()
                    .any(|failure| failure.starts_with(&refused.to_string())),
            "{refused}: {response:?}"
        );
        assert_eq!(response.kept, Vec::<String>::new(), "{refused}");
        world.clock.advance(300_000);
        assert!(standing(&world).is_empty(), "{refused}");
        assert!(world.state.records(&the_stack()).await.unwrap().is_empty(), "{refused}");
        assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None, "{refused}");
        world.cloud.set_plot(|_, _| None);
        let response = closed(world.provision("provision-2", &that_goes_back()).await);
        assert_eq!(response.outcome, Ending::Succeeded, "{refused}: {response:?}");
        assert_eq!(standing(&world), wanted, "{refused}");
    }
}

/// A change that fails goes back to what stood before.
#[tokio::test]
async fn a_change_that_fails_goes_back_to_what_stood() {
    let first = the_document();
    let mut second = that_goes_back();
    second["databases"]["database"]["class"] = json!("db.t3.medium");
    second["streams"]["other"] = json!({ "shards": 1 });
    second["network"]["zones"] = json!(3);
    let world = World::new(Habits::default());
    provision(&world, "provision-1").await;
    let before: Vec<Value> = objects(&world);
    world
        .cloud
        .set_plot(|_, call| (call.verb == "create" && call.key.name == "other").then_some(Fault::Refused));
    let response = closed(world.provision("provision-2", &second).await);
    assert_eq!(response.outcome, Ending::RolledBack, "{response:?}");
    assert_eq!(objects(&world), before);
    let record = world
        .state
        .operation(&the_stack(), "provision-2")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.outcome, Some(Outcome::RolledBack));
    assert!(!record.rollback_steps.is_empty() && !record.steps.is_empty());
    // The document that stands is the first one again: nothing to do.
    let calls = world.cloud.calls().len();
    let response = closed(world.provision("provision-3", &first).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(world.cloud.calls().len(), calls);
    assert_eq!(response.outputs.len(), first["outputs"].as_object().unwrap().len());
}

fn objects(world: &World) -> Vec<Value> {
    let objects = world.cloud.objects();
    let mut values: Vec<Value> = objects
        .iter()
        .map(|object| serde_json::to_value(&object.resource.properties).unwrap())
        .collect();
    values.sort_by_key(ToString::to_string);
    values
}

/// Going back is cut off too: at every call, and called again.
#[tokio::test]
async fn every_call_of_going_back_cut_off() {
    let refuse =
        |call: &outrigger_engine::memory::cloud::CallMade| call.verb == "create" && call.key.name == "stream-idle";
    let (forward, all) = {
        let world = World::new(Habits::default());
        world
            .cloud
            .set_plot(move |_, call| refuse(call).then_some(Fault::Refused));
        closed(world.provision("provision-1", &that_goes_back()).await);
        let calls = world.cloud.calls();
        let forward = calls.iter().position(|call| call.verb == "delete").unwrap();
        (forward, calls.len())
    };
    for fault in [Fault::CutBefore, Fault::CutAfter, Fault::AnswerLost] {
        for number in forward..all {
            let world = World::new(Habits::default());
            world.cloud.set_plot(move |at, call| {
                if refuse(call) {
                    Some(Fault::Refused)
                } else {
                    (at == number).then_some(fault)
                }
            });
            let response = closed(world.provision("provision-1", &that_goes_back()).await);
            let context = format!("{fault:?} of call {number}");
            assert_eq!(response.outcome, Ending::RolledBack, "{context}: {response:?}");
            world.clock.advance(300_000);
            assert!(standing(&world).is_empty(), "{context}");
        }
    }
}

/// Final snapshots that destroying leaves are told.
#[tokio::test]
async fn what_is_kept_is_told() {
    let mut document = the_document();
    document["databases"]["database"]["final_snapshot"] = json!(true);
    let world = World::new(Habits::default());
    closed(world.provision("provision-1", &document).await);
    let response = destroy(&world, "destroy-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(response.kept, ["data-processing-production-database-final-snapshot"]);
}
