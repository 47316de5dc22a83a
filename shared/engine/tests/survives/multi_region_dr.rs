//! What only a stack in two regions has, cut off, lost or repeated at every call, up and down.

use std::collections::BTreeSet;

use outrigger_engine::memory::cloud::{CallMade, Fault, Habits};
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::state::content::Workflow;
use outrigger_engine::tasks::close_operation::{Ending, Response};
use outrigger_model::{Kind, ResourceKey, document};
use serde_json::{Value, json};

use crate::harness::{closed, standing, the_document};

/// The reference stack, with a domain for its API.
fn both_regions() -> Value {
    let text = include_str!("../../../../stacks/multi-region-dr.yaml");
    let mut document = document::from_text(text).unwrap();
    let certificate = |region: &str| json!(format!("arn:aws:acm:{region}:000000000000:certificate/one"));
    document["apis"]["api"]["domain"] = json!({
        "name": "api.example.com",
        "certificates": { "us-east-1": certificate("us-east-1"), "us-east-2": certificate("us-east-2") },
    });
    document
}

async fn provision(world: &World, operation: &str) -> Response {
    closed(world.provision(operation, &both_regions()).await)
}

async fn destroy(world: &World, context: &str) {
    let response = closed(world.destroy("destroy-1", "multi-region-dr", "production").await);
    assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
    world.clock.advance(300_000);
    assert_eq!(standing(world), BTreeSet::new(), "{context}");
}

/// What stands when all goes well, the calls that it takes, and those that its destruction takes.
async fn clean_run() -> (BTreeSet<ResourceKey>, Vec<CallMade>, Vec<CallMade>) {
    let world = World::new(Habits::default());
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    let (wanted, calls) = (standing(&world), world.cloud.calls());
    destroy(&world, "").await;
    let down = world.cloud.calls().split_off(calls.len());
    (wanted, calls, down)
}

async fn kinds_of(document: &Value) -> BTreeSet<Kind> {
    let world = World::new(Habits::default());
    closed(world.provision("provision-1", document).await);
    standing(&world).iter().map(|key| key.kind).collect()
}

/// The first call of each sort for kinds that no stack in one region has, as the n-th of all.
async fn own(calls: &[CallMade]) -> Vec<(usize, CallMade)> {
    let others = kinds_of(&the_document()).await;
    let mut seen = BTreeSet::new();
    let numbered = calls.iter().cloned().enumerate();
    numbered
        .filter(|(_, call)| !others.contains(&call.key.kind) && seen.insert((call.key.kind, call.verb)))
        .collect()
}

const FAULTS: [Fault; 5] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::Throttled,
    Fault::RequestLost,
    Fault::AnswerLost,
];

#[tokio::test]
async fn every_kind_is_in_one_of_the_documents() {
    let mut kinds = kinds_of(&the_document()).await;
    kinds.extend(kinds_of(&both_regions()).await);
    // Ways out of a network have a document of their own.
    let elsewhere = [Kind::ElasticIp, Kind::NatGateway];
    assert!(elsewhere.iter().all(|kind| kinds.insert(*kind)), "{kinds:?}");
    assert_eq!(kinds, Kind::ALL.iter().copied().collect());
}

#[tokio::test]
async fn it_stands_up_and_there_is_nothing_more_to_do() {
    let world = World::new(Habits::default());
    assert_eq!(provision(&world, "provision-1").await.outcome, Ending::Succeeded);
    let calls = world.cloud.calls().len();
    assert_eq!(provision(&world, "provision-2").await.outcome, Ending::Succeeded);
    assert_eq!(world.cloud.calls().len(), calls);
    destroy(&world, "").await;
}

#[tokio::test]
async fn every_call_cut_off_lost_or_throttled() {
    let (wanted, calls, _) = clean_run().await;
    let own = own(&calls).await;
    assert!(own.len() >= 15, "{own:?}");
    for (number, call) in own {
        for fault in FAULTS {
            let world = World::new(Habits::default());
            world.cloud.set_plot(move |at, _| (at == number).then_some(fault));
            let context = format!("{fault:?} of call {number}, {call:?}");
            let response = provision(&world, "provision-1").await;
            assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
            assert_eq!(standing(&world), wanted, "{context}");
        }
    }
}

/// The execution is stopped; what was begun is completed by the next operation, or taken down.
#[tokio::test]
async fn every_call_cut_off_and_another_operation() {
    let (wanted, calls, _) = clean_run().await;
    for (number, call) in own(&calls).await {
        for fault in [Fault::CutBefore, Fault::CutAfter] {
            let world = World::new(Habits::default());
            world.cloud.set_plot(move |at, _| (at == number).then_some(fault));
            let context = format!("{fault:?} of call {number}, {call:?}");
            let input = json!({ "document": both_regions() });
            let ended = world.run_until_cut(Workflow::Provision, "provision-1", input).await;
            assert!(matches!(ended, Ended::Stopped), "{context}: {ended:?}");
            if fault == Fault::CutAfter {
                let response = provision(&world, "provision-2").await;
                assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
                assert_eq!(standing(&world), wanted, "{context}");
            }
            destroy(&world, &context).await;
        }
    }
}

#[tokio::test]
async fn every_call_of_a_destruction_cut_off_lost_or_throttled() {
    let (_, calls, down) = clean_run().await;
    for (number, call) in own(&down).await {
        for fault in FAULTS {
            let world = World::new(Habits::default());
            provision(&world, "provision-1").await;
            let number = calls.len() + number;
            world.cloud.set_plot(move |at, _| (at == number).then_some(fault));
            destroy(&world, &format!("{fault:?} of call {number}, {call:?}")).await;
        }
    }
}
