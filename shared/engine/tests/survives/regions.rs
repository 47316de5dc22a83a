//! A stack in two regions: what is cut off, lost or refused in one of them, and what is recorded of each.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::memory::cloud::{CallMade, Fault, Habits};
use outrigger_engine::memory::world::World;
use outrigger_engine::state::content::StackState;
use outrigger_engine::tasks::close_operation::{Ending, Response};
use outrigger_model::{Drift, Kind, Region, ResourceKey, StackId, StepState, document};
use serde_json::{Value, json};

use crate::harness::{clean_destroy, closed, standing, the_document};

fn two_regions() -> Value {
    document::from_text(include_str!("../../../model/tests/two-regions.yaml")).unwrap()
}

fn the_stack() -> StackId {
    document::parse(&two_regions()).unwrap().id()
}

async fn provision(world: &World, operation: &str) -> Response {
    closed(world.provision(operation, &two_regions()).await)
}

async fn destroy(world: &World, context: &str) {
    let response = closed(world.destroy("destroy-1", "two-regions", "production").await);
    assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
    world.clock.advance(300_000);
    assert_eq!(standing(world), BTreeSet::new(), "{context}");
}

/// What stands when all goes well, and the calls that it takes.
async fn clean_run() -> (BTreeSet<ResourceKey>, Vec<CallMade>) {
    let world = World::new(Habits::default());
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    (standing(&world), world.cloud.calls())
}

/// Every call of the peering and of the routes through it, as the n-th call of all.
fn through(calls: &[CallMade]) -> Vec<(usize, CallMade)> {
    let is_between = |call: &CallMade| call.key.kind == Kind::VpcPeering || call.key.name.contains("-to-");
    let numbered = calls.iter().cloned().enumerate();
    numbered.filter(|(_, call)| is_between(call)).collect()
}

#[tokio::test]
async fn a_stack_in_two_regions_stands_up_and_comes_down() {
    let world = World::new(Habits::default());
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    let mut of_region: BTreeMap<Region, usize> = BTreeMap::new();
    for key in standing(&world) {
        *of_region.entry(key.region).or_default() += 1;
    }
    assert_eq!(of_region.into_values().collect::<Vec<_>>(), [16, 15]);
    let outputs: Vec<&str> = response.outputs.keys().map(String::as_str).collect();
    assert_eq!(outputs, ["primary_vpc_id", "secondary_vpc_id"]);
    assert_ne!(response.outputs["primary_vpc_id"], response.outputs["secondary_vpc_id"]);
    let (known, _) = world.state.stack(&the_stack()).await.unwrap().unwrap();
    let zones = |region: &str| ["a", "b"].map(|zone| format!("{region}{zone}")).to_vec();
    let expected = ["us-east-1", "us-east-2"].map(|region| (region.to_owned(), zones(region)));
    assert_eq!(known.zones, BTreeMap::from(expected));

    let calls = world.cloud.calls().len();
    assert_eq!(provision(&world, "provision-2").await.outcome, Ending::Succeeded);
    assert_eq!(world.cloud.calls().len(), calls);
    destroy(&world, "").await;
}

/// Only what stands has a primary; which it is, no later provisioning changes; and it goes with the stack.
#[tokio::test]
async fn the_first_region_begins_as_primary_once_the_stack_stands() {
    let world = World::new(Habits::default());
    let other = Region::new("us-east-2");
    world
        .cloud
        .set_plot(move |_, call| (call.key.region == other).then_some(Fault::Refused));
    assert_eq!(provision(&world, "provision-1").await.outcome, Ending::Failed);
    assert_eq!(world.state.topology(&the_stack()).await.unwrap(), None);

    world.cloud.set_plot(|_, _| None);
    assert_eq!(provision(&world, "provision-2").await.outcome, Ending::Succeeded);
    let topology = world.state.topology(&the_stack()).await.unwrap().unwrap();
    assert_eq!((topology.primary.as_str(), topology.epoch), ("us-east-1", 1));
    assert_eq!(topology.secondaries, [Region::new("us-east-2")]);

    let mut turned = two_regions();
    turned["regions"] = json!(["us-east-2", "us-east-1"]);
    let response = closed(world.provision("provision-3", &turned).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(world.state.topology(&the_stack()).await.unwrap(), Some(topology));

    destroy(&world, "").await;
    assert_eq!(world.state.topology(&the_stack()).await.unwrap(), None);
}

#[tokio::test]
async fn every_call_between_the_regions_cut_off_or_lost() {
    let (wanted, calls) = clean_run().await;
    let between = through(&calls);
    assert!(between.len() >= 6, "{between:?}");
    let faults = [
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::Throttled,
        Fault::RequestLost,
        Fault::AnswerLost,
    ];
    for (number, call) in between {
        for fault in faults {
            let world = World::new(Habits::default());
            world.cloud.set_plot(move |at, _| (at == number).then_some(fault));
            let context = format!("{fault:?} of call {number}, {call:?}");
            let response = provision(&world, "provision-1").await;
            assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
            assert_eq!(standing(&world), wanted, "{context}");
            destroy(&world, &context).await;
        }
    }
}

/// What a region refuses is told; the other one stands, but for what binds the two. The next operation goes on.
#[tokio::test]
async fn a_region_that_refuses_leaves_the_other_alone() {
    let (wanted, _) = clean_run().await;
    let world = World::new(Habits::default());
    let other = Region::new("us-east-2");
    world
        .cloud
        .set_plot(move |_, call| (call.key.region == other).then_some(Fault::Refused));
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Failed);
    assert!(
        response.failures[0].starts_with("us-east-2/vpc/vpc: "),
        "{:?}",
        response.failures
    );
    let there = standing(&world);
    let in_first = wanted.iter().filter(|key| key.region.as_str() == "us-east-1");
    let alone = in_first.filter(|key| key.kind != Kind::VpcPeering && !key.name.contains("-to-"));
    assert_eq!(there, alone.cloned().collect());
    world.cloud.set_plot(|_, _| None);
    assert_eq!(provision(&world, "provision-2").await.outcome, Ending::Succeeded);
    assert_eq!(standing(&world), wanted);
    destroy(&world, "").await;
}

#[tokio::test]
async fn a_peering_that_is_gone_is_found_and_made_anew() {
    let (wanted, _) = clean_run().await;
    let world = World::new(Habits::default());
    provision(&world, "provision-1").await;
    let key: ResourceKey = "us-east-1/vpc-peering/to-us-east-2".parse().unwrap();
    world.cloud.remove(&key);
    let response = closed(world.drift("drift-1", "two-regions", "production", false).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    let record = world.state.operation(&the_stack(), "drift-1").await.unwrap().unwrap();
    let is_missing = matches!(
        record.steps[&key],
        StepState::Drifted {
            drift: Drift::Missing,
            ..
        }
    );
    assert!(is_missing, "{:?}", record.steps[&key]);
    assert_eq!(provision(&world, "provision-2").await.outcome, Ending::Succeeded);
    assert_eq!(standing(&world), wanted);
}

/// A stack that stood before there were several regions: what was resolved for it is not asked again, and a second region
/// comes beside it.
#[tokio::test]
async fn a_stack_in_one_region_gets_a_second_one() {
    let mut world = World::new(Habits::default());
    let mut document = the_document();
    document["databases"]["database"]["version"] = json!("15");
    document["databases"]["database"]["version_policy"] = json!("nearest_minor");
    assert_eq!(
        closed(world.provision("provision-1", &document).await).outcome,
        Ending::Succeeded
    );
    let before = standing(&world);
    let stack = document::parse(&document).unwrap().id();
    // As it was recorded then.
    let lease = world.state.take_lease(&stack, "then", "invocation").await.unwrap();
    let recorded_then = |known: &mut StackState| {
        let versions = std::mem::take(&mut known.versions);
        let plain = |name: &str| name.split(" in ").next().unwrap_or_default().to_owned();
        known.versions = versions
            .into_iter()
            .map(|(name, version)| (plain(&name), version))
            .collect();
    };
    world.state.update_stack(&lease, recorded_then).await.unwrap();
    world.state.release_lease(&lease).await.unwrap();
    // AWS offers a nearer one by now.
    world.catalog.postgres.push("15.3".to_owned());
    let calls = world.cloud.calls().len();
    assert_eq!(
        closed(world.provision("provision-2", &document).await).outcome,
        Ending::Succeeded
    );
    assert_eq!(world.cloud.calls().len(), calls);

    document.as_object_mut().unwrap().remove("region");
    document["regions"] = json!(["us-east-1", "us-east-2"]);
    document["network"]["cidr"] = json!({ "us-east-1": "10.0.0.0/16", "us-east-2": "10.1.0.0/16" });
    document["network"]["peering"] = json!(true);
    let mut other = document["databases"]["database"].clone();
    other["region"] = json!("us-east-2");
    other.as_object_mut().unwrap().remove("encryption_key");
    document["databases"]["other"] = other;
    // What it writes to is in one region.
    document["apis"]["api"]["region"] = json!("us-east-1");
    assert_eq!(
        closed(world.provision("provision-3", &document).await).outcome,
        Ending::Succeeded
    );
    let versions: BTreeMap<String, String> = world
        .cloud
        .objects()
        .into_iter()
        .filter_map(|object| match object.resource.properties {
            outrigger_model::Properties::DbInstance(of) => Some((object.resource.key.to_string(), of.engine_version)),
            _ => None,
        })
        .collect();
    assert_eq!(versions["us-east-1/db-instance/database"], "15.7");
    assert_eq!(versions["us-east-2/db-instance/other"], "15.3");
    let touched = world.cloud.calls().into_iter().skip(calls).map(|call| call.key);
    // What is backed up is copied to the other region from now on.
    let touched = touched.filter(|key| ![Kind::BackupPlan, Kind::BackupSelection].contains(&key.kind));
    assert_eq!(touched.filter(|key| before.contains(key)).collect::<Vec<_>>(), []);
    clean_destroy(&world, "").await;
}
