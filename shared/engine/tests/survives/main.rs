//! A stack stands up and comes down, whatever call is cut off, lost, throttled or repeated: nothing is doubled, nothing
//! is left behind, and the result is the same.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod changes;
mod drift;
mod events;
mod harness;
mod locks;
mod multi_region_dr;
mod regions;
mod rollback;
mod storage;
mod ways_out;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use outrigger_engine::memory::cloud::{Fault, Habits};
use outrigger_engine::memory::store;
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::ports::clock::Clock;
use outrigger_engine::state::content::Workflow;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_model::{Kind, Lane, ResourceKey};
use serde_json::json;

use harness::*;

#[tokio::test]
async fn a_stack_stands_up_and_comes_down() {
    let world = World::new(Habits::default());
    let started_ms = world.clock.now_ms();
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    let names: Vec<&str> = response.outputs.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "kinesis_stream_name",
            "rds_endpoint",
            "rds_secret_arn",
            "redis_endpoint",
            "vpc_id"
        ]
    );
    // The critical path is the database's 600 s; what comes before and after it is short.
    let took_ms = world.clock.now_ms() - started_ms;
    assert!(took_ms < 700_000, "{took_ms} ms");

    // Once more: nothing to do.
    let calls = world.cloud.calls().len();
    assert_eq!(provision(&world, "provision-2").await.outcome, Ending::Succeeded);
    assert_eq!(world.cloud.calls().len(), calls);

    let response = destroy(&world, "destroy-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(standing(&world), BTreeSet::new());
    // And once more.
    assert_eq!(destroy(&world, "destroy-2").await.outcome, Ending::Succeeded);
}

/// For every call that changes something: the function dies before it, or after it with the answer unread. Step
/// Functions calls the function again.
#[tokio::test]
async fn every_call_cut_off_and_called_again() {
    let (wanted, calls) = clean_run().await;
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for (number, call) in calls.iter().enumerate() {
            let world = World::new(Habits::default());
            world.cloud.set_plot(move |at, _| (at == number).then_some(fault));
            let response = provision(&world, "provision-1").await;
            let context = format!("{fault:?} of call {number}, {call:?}");
            assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
            assert_eq!(standing(&world), wanted, "{context}");
            clean_destroy(&world, &context).await;
        }
    }
}

/// The same, but the execution is stopped, and a new one is started.
#[tokio::test]
async fn every_call_cut_off_and_a_new_operation() {
    let (wanted, calls) = clean_run().await;
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for (number, call) in calls.iter().enumerate() {
            let world = World::new(Habits::default());
            world.cloud.set_plot(move |at, _| (at == number).then_some(fault));
            let context = format!("{fault:?} of call {number}, {call:?}");
            let input = json!({ "document": the_document() });
            let ended = world.run_until_cut(Workflow::Provision, "provision-1", input).await;
            assert!(matches!(ended, Ended::Stopped), "{context}: {ended:?}");
            assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None, "{context}");
            let response = provision(&world, "provision-2").await;
            assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
            assert_eq!(standing(&world), wanted, "{context}");
        }
    }
}

/// The same, but what was begun is taken down instead: nothing is orphaned, however unsure its creation is.
#[tokio::test]
async fn every_call_cut_off_and_taken_down() {
    let (_, calls) = clean_run().await;
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for (number, call) in calls.iter().enumerate() {
            let world = World::new(Habits {
                visible_after_ms: 30_000,
                ..Habits::default()
            });
            world.cloud.set_plot(move |at, _| (at == number).then_some(fault));
            let context = format!("{fault:?} of call {number}, {call:?}");
            let input = json!({ "document": the_document() });
            world.run_until_cut(Workflow::Provision, "provision-1", input).await;
            clean_destroy(&world, &context).await;
        }
    }
}

/// For every call of a destruction: cut off, and called again.
#[tokio::test]
async fn every_call_of_a_destruction_cut_off() {
    let (wanted, creating) = clean_run().await;
    for fault in [
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::Throttled,
        Fault::AnswerLost,
        Fault::RequestLost,
    ] {
        for number in 0..wanted.len() {
            let number = creating.len() + number;
            let world = World::new(Habits::default());
            provision(&world, "provision-1").await;
            world.cloud.set_plot(move |at, _| (at == number).then_some(fault));
            clean_destroy(&world, &format!("{fault:?} of call {number}")).await;
        }
    }
}

/// Every call throttled once, its answer lost, or lost on the way there; and each of them for all calls at once.
#[tokio::test]
async fn every_call_throttled_or_lost() {
    let (wanted, calls) = clean_run().await;
    for fault in [Fault::Throttled, Fault::AnswerLost, Fault::RequestLost] {
        for number in 0..=calls.len() {
            let world = World::new(Habits::default());
            let every_third = number == calls.len();
            world
                .cloud
                .set_plot(move |at, _| (at == number || every_third && at % 3 == 0).then_some(fault));
            let response = provision(&world, "provision-1").await;
            let context = format!("{fault:?} of call {number}");
            assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
            assert_eq!(standing(&world), wanted, "{context}");
        }
    }
}

/// For every write of state, of every item: it does not happen, or its answer is lost, and the function fails.
#[tokio::test]
async fn every_write_of_state_lost() {
    let (wanted, _) = clean_run().await;
    let writes = {
        let world = World::new(Habits::default());
        provision(&world, "provision-1").await;
        world.store.writes()
    };
    for fault in [store::Fault::Before, store::Fault::AnswerLost] {
        for number in 0..writes {
            let world = World::new(Habits::default());
            // Both tries of the write.
            world.faults.fail_writes("", number, 2, fault);
            let response = provision(&world, "provision-1").await;
            let context = format!("{fault:?} of write {number}");
            assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
            assert_eq!(standing(&world), wanted, "{context}");
            assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None, "{context}");
        }
    }
}

/// What fails for good fails alone: what depends on it is skipped, the rest is done; and the next operation completes it.
#[tokio::test]
async fn what_fails_for_good_takes_along_only_what_depends_on_it() {
    let (wanted, _) = clean_run().await;
    for refused in &wanted {
        let world = World::new(Habits::default());
        let key = refused.clone();
        world
            .cloud
            .set_plot(move |_, call| (call.verb == "create" && call.key == key).then_some(Fault::Refused));
        let response = provision(&world, "provision-1").await;
        assert_eq!(response.outcome, Ending::Failed, "{refused}");
        assert!(
            response
                .failures
                .iter()
                .any(|failure| failure.starts_with(&format!("{refused}: memory:create failed"))),
            "{refused}: {:?}",
            response.failures
        );
        let dependents = dependents(&wanted, refused);
        let missing: BTreeSet<ResourceKey> = wanted.difference(&standing(&world)).cloned().collect();
        assert_eq!(missing, dependents, "{refused}");
        world.cloud.set_plot(|_, _| None);
        let response = provision(&world, "provision-2").await;
        assert_eq!(response.outcome, Ending::Succeeded, "{refused}: {response:?}");
        assert_eq!(standing(&world), wanted, "{refused}");
    }
}

/// What AWS does not finish in hours is given up, undone in nothing, and completed by the next operation.
#[tokio::test]
async fn what_takes_for_ever_is_given_up_and_completed_later() {
    let (wanted, _) = clean_run().await;
    let world = World::new(Habits {
        // A database takes three hours.
        create_percent: 1_200,
        ..Habits::default()
    });
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Failed);
    let failure = response
        .failures
        .iter()
        .find(|failure| failure.starts_with("us-east-1/db-instance/database"))
        .unwrap();
    assert!(failure.contains("not done after 2 h (creating)"), "{failure}");
    let calls = world.cloud.calls().len();
    world.clock.advance(2 * 3_600_000);
    let response = provision(&world, "provision-2").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(standing(&world), wanted);
    assert!(
        world.cloud.calls()[calls..]
            .iter()
            .all(|call| call.key.kind != Kind::DbInstance)
    );
}

/// What somebody else has under our name is neither adopted nor touched.
#[tokio::test]
async fn a_name_that_is_taken_is_an_error() {
    let (wanted, _) = clean_run().await;
    let graph = the_graph();
    for (key, resource) in graph.resources {
        let within_ours = [
            Kind::Route,
            Kind::RouteTableAssociation,
            Kind::SecurityGroup,
            Kind::ApiDeployment,
            Kind::ApiStage,
            Kind::UsagePlanKey,
            Kind::Listener,
            Kind::ListenerRule,
            Kind::Target,
            Kind::Subscription,
        ];
        // Nobody else can have a name in what is ours and is yet to be.
        if key.kind.identity() != outrigger_model::Identity::UniqueName || within_ours.contains(&key.kind) {
            continue;
        }
        let world = World::new(Habits::default());
        let mut foreign = resource.clone();
        foreign.tags.clear();
        foreign.depends_on.clear();
        world.cloud.plant(foreign.clone());
        let response = provision(&world, "provision-1").await;
        assert_eq!(response.outcome, Ending::Failed, "{key}");
        assert!(
            response
                .failures
                .iter()
                .any(|failure| failure.starts_with(&key.to_string()) && failure.contains("is taken by")),
            "{key}: {:?}",
            response.failures
        );
        assert!(wanted.contains(&key));
        destroy(&world, "destroy-1").await;
        let left: Vec<_> = world
            .cloud
            .objects()
            .into_iter()
            .map(|object| object.resource)
            .collect();
        assert_eq!(left, [foreign], "{key}");
        assert_eq!(world.cloud.defects(), Vec::<String>::new());
    }
}

/// What was deleted behind our back is put back by the next operation.
#[tokio::test]
async fn what_vanished_is_put_back() {
    let (wanted, _) = clean_run().await;
    for vanished in &wanted {
        let world = World::new(Habits::default());
        provision(&world, "provision-1").await;
        world.cloud.remove(vanished);
        let response = provision(&world, "provision-2").await;
        assert_eq!(response.outcome, Ending::Succeeded, "{vanished}: {response:?}");
        assert_eq!(standing(&world), wanted, "{vanished}");
    }
}

/// A component that is taken out of the document goes, and nothing else does.
#[tokio::test]
async fn what_is_taken_out_of_the_document_goes() {
    let world = World::new(Habits::default());
    provision(&world, "provision-1").await;
    let before = standing(&world);
    let mut without = the_document();
    without["caches"] = json!({});
    without["alarms"].as_object_mut().unwrap().remove("cache-cpu");
    without["outputs"].as_object_mut().unwrap().remove("redis_endpoint");
    let response = closed(world.provision("provision-2", &without).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    let gone: Vec<String> = before.difference(&standing(&world)).map(ToString::to_string).collect();
    assert_eq!(
        gone,
        [
            "us-east-1/security-group/cache",
            "us-east-1/cache-subnet-group/cache",
            "us-east-1/replication-group/cache",
            "us-east-1/secret/cache",
            "us-east-1/secret-attachment/cache",
            "us-east-1/alarm/cache-cpu-1",
            "us-east-1/alarm/cache-cpu-2",
        ]
    );
}

/// While one operation works, another ends at once, and says which one holds the lease.
#[tokio::test]
async fn a_second_operation_is_refused() {
    let world = World::new(Habits::default());
    world.cloud.set_plot(|at, _| (at == 5).then_some(Fault::CutAfter));
    let lease = world
        .state
        .take_lease(&the_stack(), "provision-1", "invocation")
        .await
        .unwrap();
    let ended = world.provision("provision-2", &the_document()).await;
    match ended {
        Ended::NotPlanned(error) => {
            assert_eq!(error.error_type(), "LeaseHeld");
            assert!(error.to_string().contains("provision-1"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    world.state.release_lease(&lease).await.unwrap();
}

/// While another invocation of the same operation may be at work on the lanes, nothing is called; afterwards it goes on.
#[tokio::test]
async fn a_second_invocation_calls_nothing_until_the_first_has_ended() {
    const ATTEMPT_MS: u64 = 60_000;
    let world = World::new(Habits::default());
    let lease = world
        .state
        .take_lease(&the_stack(), "provision-1", "first")
        .await
        .unwrap();
    let ends_at_ms = world.clock.now_ms() + ATTEMPT_MS;
    for lane in Lane::ALL {
        world
            .state
            .claim_lane(&lease, lane, "first".to_owned(), ends_at_ms)
            .await
            .unwrap();
    }
    let first_call_ms = Arc::new(AtomicU64::new(u64::MAX));
    let (clock, seen) = (world.clock.clone(), first_call_ms.clone());
    world.cloud.set_plot(move |_, _| {
        seen.fetch_min(clock.now_ms(), Ordering::SeqCst);
        None
    });
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert!(first_call_ms.load(Ordering::SeqCst) >= ends_at_ms);
    standing(&world);
}
