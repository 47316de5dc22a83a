//! A lease that a person breaks.

use outrigger_engine::memory::cloud::{Fault, Habits};
use outrigger_engine::memory::store;
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::ports::clock::Clock;
use outrigger_engine::state::content::{Outcome, Workflow};
use outrigger_engine::state::{Lease, StateError};
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_engine::tasks::unlock::{Ports, Request, unlock};
use outrigger_engine::tasks::{Invocation, TaskError};
use outrigger_model::{Lane, StackId};

use crate::harness::*;

async fn break_it(world: &World, stack: StackId) -> Result<Option<String>, TaskError> {
    let ports = Ports {
        state: &world.state,
        clock: &world.clock,
    };
    let invocation = Invocation {
        id: "by-hand".to_owned(),
        deadline_ms: world.clock.now_ms() + 60_000,
    };
    let request = Request {
        stack,
        operation: "unlock-1".to_owned(),
        reason: "it hangs".to_owned(),
        by: Some("ann".to_owned()),
    };
    let broken = unlock(&ports, &invocation, &request).await?;
    Ok(broken.map(|lease| lease.operation))
}

#[tokio::test]
async fn a_broken_lease_leaves_its_holder_harmless() {
    let world = World::new(Habits::default());
    let (wanted, _) = clean_run().await;
    // Cut off in the middle, and nobody closes the operation.
    let lease = world
        .state
        .take_lease(&the_stack(), "provision-0", "invocation")
        .await
        .unwrap();
    let claim = world
        .state
        .claim_lane(
            &lease,
            Lane::Network,
            "attempt".to_owned(),
            world.clock.now_ms() + 60_000,
        )
        .await
        .unwrap();
    assert_eq!(
        break_it(&world, the_stack()).await.unwrap().as_deref(),
        Some("provision-0")
    );
    assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None);
    // Whatever it does now, it is told.
    let stale = Lease::resume(the_stack(), "provision-0", lease.token(), "invocation");
    let lost = |error: StateError| matches!(error, StateError::LeaseLost { .. });
    assert!(lost(world.state.renew_lease(&stale).await.unwrap_err()));
    let lane = world.state.lane(&the_stack(), Lane::Network).await.unwrap();
    assert!(world.state.finish_lane(claim, &lane).await.is_err());
    // Nobody holds it: nothing to break.
    assert_eq!(break_it(&world, the_stack()).await.unwrap(), None);
    let record = world.state.operation(&the_stack(), "unlock-1").await.unwrap().unwrap();
    assert_eq!((record.workflow, record.by.as_deref()), (Workflow::Unlock, Some("ann")));
    assert_eq!(record.reason.as_deref(), Some("it hangs (it was held by provision-0)"));
    // And the stack can be stood up.
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(standing(&world), wanted);
}

/// An operation whose lease is broken in the middle ends by itself, and the next one completes its work.
#[tokio::test]
async fn an_operation_whose_lease_is_broken_is_superseded() {
    let world = World::new(Habits::default());
    let (wanted, _) = clean_run().await;
    let stopped = {
        world.cloud.set_plot(|at, _| (at == 9).then_some(Fault::CutAfter));
        let input = serde_json::json!({ "document": the_document() });
        // As if it were only slow: its operation is not closed.
        world.begin_and_leave("provision-1", input).await
    };
    assert!(stopped);
    assert_eq!(
        break_it(&world, the_stack()).await.unwrap().as_deref(),
        Some("provision-1")
    );
    let record = world
        .state
        .operation(&the_stack(), "provision-1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.outcome, Some(Outcome::Aborted));
    assert_eq!(record.failures, ["its lease was broken by ann: it hangs"]);
    is_not_begun_anew(&world).await;
    let response = provision(&world, "provision-2").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(standing(&world), wanted);
}

/// The state machine asks for the plan once more, as after an answer that was lost.
async fn is_not_begun_anew(world: &World) {
    match world.provision("provision-1", &the_document()).await {
        Ended::NotPlanned(error) => {
            assert_eq!(error.error_type(), "LeaseLost");
            assert_eq!(
                error.to_string(),
                "the operation provision-1 was aborted (its lease was broken by ann: it hangs); start another"
            );
        }
        other => panic!("the operation ended as {other:?}"),
    }
    assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None);
}

/// Wherever planning stands when the lease is broken: the same operation does not take the stack again.
#[tokio::test]
async fn an_operation_whose_lease_is_broken_while_it_plans_does_not_begin_anew() {
    let mut broken = 0;
    for number in 0.. {
        let world = World::new(Habits::default());
        world.faults.fail_writes("", number, 100, store::Fault::Before);
        let input = serde_json::json!({ "document": the_document() });
        world.begin_and_leave("provision-1", input).await;
        world.faults.clear();
        let record = world.state.operation(&the_stack(), "provision-1").await.unwrap();
        if record.is_some_and(|record| !record.plans.is_empty()) {
            break;
        }
        if world.state.lease(&the_stack()).await.unwrap().is_some() {
            broken += 1;
            let held = break_it(&world, the_stack()).await.unwrap();
            assert_eq!(held.as_deref(), Some("provision-1"), "before write {number}");
            is_not_begun_anew(&world).await;
        }
    }
    assert!(broken > 5, "{broken}");
}

#[tokio::test]
async fn there_is_no_lease_of_a_stack_that_never_was() {
    let world = World::new(Habits::default());
    let error = break_it(&world, the_stack()).await.unwrap_err();
    assert_eq!(error.error_type(), "UnknownStack");
}
