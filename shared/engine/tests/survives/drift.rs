//! Drift is found, put back, or taken into the record.

use outrigger_engine::memory::cloud::Habits;
use outrigger_engine::memory::world::World;
use outrigger_engine::ports::catalog::Tagged;
use outrigger_engine::state::content::OperationRecord;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_model::{Drift, Kind, Properties, ResourceKey, StepState};
use serde_json::json;

use crate::harness::*;

fn stream() -> ResourceKey {
    "us-east-1/stream/stream".parse().unwrap()
}

async fn drift(world: &World, operation: &str, accept: bool) -> OperationRecord {
    let calls = world.cloud.calls().len();
    let response = closed(world.drift(operation, "data-processing", "production", accept).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    // To look changes nothing.
    assert_eq!(world.cloud.calls().len(), calls);
    assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None);
    world.state.operation(&the_stack(), operation).await.unwrap().unwrap()
}

fn drifted(record: &OperationRecord) -> Vec<(String, Drift)> {
    record
        .steps
        .iter()
        .filter_map(|(key, step)| match step {
            StepState::Drifted { drift, .. } => Some((key.to_string(), drift.clone())),
            _ => None,
        })
        .collect()
}

fn more_shards(world: &World) {
    world.cloud.tamper(&stream(), |resource| {
        if let Properties::Stream(stream) = &mut resource.properties {
            stream.shards = 7;
        }
    });
}

async fn stood() -> World {
    let world = World::new(Habits::default());
    provision(&world, "provision-1").await;
    world
}

#[tokio::test]
async fn what_is_as_it_was_is_no_drift() {
    let world = stood().await;
    let record = drift(&world, "drift-1", false).await;
    assert_eq!(drifted(&record), []);
    assert_eq!(record.steps.len(), world.cloud.objects().len());
}

#[tokio::test]
async fn what_was_changed_is_told_and_put_back() {
    let world = stood().await;
    more_shards(&world);
    let vanished: ResourceKey = "us-east-1/alarm/stream-idle".parse().unwrap();
    world.cloud.remove(&vanished);
    let record = drift(&world, "drift-1", false).await;
    let found = drifted(&record);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1], (vanished.to_string(), Drift::Missing));
    match &found[0] {
        (
            key,
            Drift::Changed {
                deviations,
                accepted: false,
            },
        ) => {
            assert_eq!(*key, stream().to_string());
            assert_eq!(deviations.len(), 1);
            let deviation = &deviations[0];
            assert_eq!(
                (deviation.property.as_str(), &deviation.wanted, &deviation.actual),
                ("shards", &json!(2), &json!(7))
            );
        }
        other => panic!("{other:?}"),
    }
    let response = provision(&world, "provision-2").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(drifted(&drift(&world, "drift-2", false).await), []);
}

/// Once it is in the record, it is no drift any more, and the document's next plan changes it back.
#[tokio::test]
async fn what_is_accepted_is_in_the_record() {
    let world = stood().await;
    more_shards(&world);
    let vanished: ResourceKey = "us-east-1/alarm/stream-idle".parse().unwrap();
    world.cloud.remove(&vanished);
    let record = drift(&world, "drift-1", true).await;
    assert_eq!(drifted(&record).len(), 2);
    assert_eq!(drifted(&drift(&world, "drift-2", false).await), []);
    let records = world.state.records(&the_stack()).await.unwrap();
    assert!(!records.contains_key(&vanished));
    assert!(matches!(&records[&stream()].resource.properties, Properties::Stream(stream) if stream.shards == 7));
    // A document that says the same has nothing to do for the stream.
    let mut document = the_document();
    document["streams"]["stream"]["shards"] = json!(7);
    document["alarms"].as_object_mut().unwrap().remove("stream-idle");
    assert!(world.propose(&document).await.unwrap().nothing_to_do);
    assert!(!world.propose(&the_document()).await.unwrap().nothing_to_do);
}

#[tokio::test]
async fn what_carries_our_tags_and_is_not_ours_is_told() {
    let mut world = stood().await;
    let recorded = world.state.records(&the_stack()).await.unwrap();
    let known = recorded.iter().find(|(key, _)| key.kind == Kind::Vpc).unwrap().1;
    let tagged = |id: &str| Tagged {
        arn: format!("arn:aws:ec2:us-east-1:000000000000:vpc/{id}"),
        kind: Kind::Vpc,
        id: id.to_owned(),
    };
    world.catalog.tagged = vec![tagged(known.id.as_deref().unwrap()), tagged("vpc-new")];
    let record = drift(&world, "drift-1", false).await;
    assert_eq!(record.strays, [tagged("vpc-new")]);
}

/// What AWS is about to do in the window is as recorded.
#[tokio::test]
async fn what_waits_for_the_window_is_no_drift() {
    let world = stood().await;
    let mut document = the_document();
    document["databases"]["database"]["class"] = json!("db.t3.medium");
    document["databases"]["database"]["apply"] = json!("in_window");
    closed(world.provision("provision-2", &document).await);
    assert_eq!(drifted(&drift(&world, "drift-1", false).await), []);
}
