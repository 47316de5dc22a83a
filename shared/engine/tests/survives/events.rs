//! What is told: once of each operation that it started, once that it ended, however it ended.

use outrigger_engine::events::{Closed, Event, Started};
use outrigger_engine::memory::cloud::{Fault, Habits};
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::state::content::Workflow;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_engine::tasks::stale_leases::stale_leases;
use outrigger_engine::tasks::turns::{Looked, stacks_of, turns};
use outrigger_model::{Regions, StackId};
use serde_json::{Value, json};

use crate::harness::*;

fn told(world: &World) -> (Vec<Started>, Vec<Closed>) {
    let (mut started, mut closed) = (Vec::new(), Vec::new());
    for event in world.events.all() {
        match event {
            Event::Started(event) => started.push(*event),
            Event::Closed(event) => closed.push(*event),
        }
    }
    (started, closed)
}

/// The only end that was told of an operation.
#[track_caller]
fn the_end_of(world: &World, operation: &str) -> Closed {
    let (_, mut closed) = told(world);
    closed.retain(|closed| closed.operation == operation);
    assert_eq!(closed.len(), 1, "{closed:#?}");
    closed.remove(0)
}

#[tokio::test]
async fn a_start_and_an_end_are_told() {
    let world = World::new(Habits::default());
    let (wanted, _) = clean_run().await;
    provision(&world, "provision-1").await;
    destroy(&world, "destroy-1").await;
    let (started, closed) = told(&world);
    let [provisioned, destroyed] = &started[..] else {
        panic!("{started:#?}");
    };
    assert_eq!((provisioned.plan.create, provisioned.plan.delete), (wanted.len(), 0));
    assert_eq!((destroyed.plan.create, destroyed.plan.delete), (0, wanted.len()));
    assert_eq!(provisioned.region.as_deref(), Some("us-east-1"));
    assert_eq!(provisioned.workflow, Workflow::Provision);
    let ends: Vec<_> = closed
        .iter()
        .map(|closed| (closed.operation.as_str(), closed.outcome, closed.attention))
        .collect();
    let succeeded = Ending::Succeeded;
    assert_eq!(
        ends,
        [("provision-1", succeeded, false), ("destroy-1", succeeded, false)]
    );
    assert!(
        !closed[0].outputs.is_empty() && closed[0].duration_seconds > Some(0),
        "{closed:#?}"
    );
}

/// Step Functions tells of a failed execution as well, after the workflow has closed it.
#[tokio::test]
async fn a_failure_is_told_once_whoever_closes() {
    let world = World::new(Habits::default());
    world
        .cloud
        .set_plot(|_, call| call.key.to_string().contains("db-instance").then_some(Fault::Refused));
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Failed, "{response:?}");
    for _ in 0..2 {
        world.ended("provision-1", "FAILED", &Value::Null).await;
    }
    let closed = the_end_of(&world, "provision-1");
    assert_eq!((closed.outcome, closed.attention), (Ending::Failed, true));
    // What failed comes before what was skipped because of it.
    assert!(
        closed.failures[0].starts_with("us-east-1/db-instance/database: "),
        "{closed:#?}"
    );
}

#[tokio::test]
async fn what_was_stopped_is_told_once() {
    let world = World::new(Habits::default());
    world.cloud.set_plot(|at, _| (at == 7).then_some(Fault::CutAfter));
    let input = json!({ "document": the_document() });
    let ended = world.run_until_cut(Workflow::Provision, "provision-1", input).await;
    assert!(matches!(ended, Ended::Stopped), "{ended:?}");
    world.stopped("provision-1").await;
    let closed = the_end_of(&world, "provision-1");
    assert_eq!((closed.outcome, closed.attention), (Ending::Aborted, true));
}

/// Who is refused before there is a record is told of by the execution's own event: stack and reason as far as it knows.
#[tokio::test]
async fn what_never_began_is_told_with_what_its_execution_says() {
    let world = World::new(Habits::default());
    let ended = world.drift("drift-1", "shop", "production", false).await;
    assert!(matches!(ended, Ended::NotPlanned(_)), "{ended:?}");
    let input = json!({ "document": { "stack": "shop", "environment": "production" } });
    world.ended("drift-1", "FAILED", &input).await;
    let closed = the_end_of(&world, "drift-1");
    assert_eq!((closed.outcome, closed.attention), (Ending::NotBegun, false));
    assert_eq!(closed.stack.as_deref(), Some("shop"));
    world
        .ended("drift-2", "FAILED", &json!({ "document_s3": "s3://bucket/key" }))
        .await;
    assert_eq!(the_end_of(&world, "drift-2").stack, None);
}

/// Planning that is refused with the lease in hand closes the record itself, and tells nobody: the execution's event does.
#[tokio::test]
async fn a_refused_plan_is_told_once() {
    let world = World::new(Habits::default());
    provision(&world, "provision-1").await;
    let ended = world.carry_out("provision-2", &the_document(), "no-such-plan").await;
    assert!(matches!(ended, Ended::NotPlanned(_)), "{ended:?}");
    for _ in 0..2 {
        world.ended("provision-2", "FAILED", &Value::Null).await;
    }
    let closed = the_end_of(&world, "provision-2");
    assert_eq!((closed.outcome, closed.attention), (Ending::Failed, true));
    assert_eq!(closed.workflow, Some(Workflow::Provision));
}

#[tokio::test]
async fn a_lease_that_ran_out_over_an_open_operation_is_stale() {
    let world = World::new(Habits::default());
    world.cloud.set_plot(|at, _| (at == 7).then_some(Fault::CutAfter));
    let input = json!({ "document": the_document() });
    assert!(world.begin_and_leave("provision-1", input).await);
    let alone = Regions::read("us-east-1", "us-east-1").unwrap();
    let stale = async || stale_leases(&world.state, &alone).await.unwrap().stale_leases;
    assert_eq!(stale().await, [], "it may still be at work");
    world.clock.advance(300_000);
    let found = stale().await;
    assert_eq!(found.len(), 1, "{found:?}");
    // Of three regions, the stack's own tells of it.
    for (here, count, outcome) in [
        ("us-east-2", 0, Looked::NotMine),
        ("us-east-1", 1, Looked::Done),
        ("us-west-2", 0, Looked::NotMine),
    ] {
        let three = Regions::read("us-east-2,us-east-1,us-west-2", here).unwrap();
        let told = stale_leases(&world.state, &three).await.unwrap();
        assert_eq!((told.stale_leases.len(), told.outcome), (count, outcome), "{here}");
    }
    assert_eq!(
        (&found[0].stack, found[0].operation.as_str()),
        (&the_stack(), "provision-1")
    );
    world.stopped("provision-1").await;
    assert_eq!(stale().await, [], "it was closed");
}

#[tokio::test]
async fn each_region_looks_after_the_stacks_that_live_in_it() {
    let world = World::new(Habits::default());
    provision(&world, "provision-1").await;
    let unknown = StackId {
        stack: "nobody".to_owned(),
        environment: "knows".to_owned(),
    };
    let names = [the_stack().to_string(), unknown.to_string()];
    let stacks = stacks_of(&names).unwrap();
    let of = async |regions: &str, here: &str| {
        let regions = Regions::read(regions, here).unwrap();
        turns(&world.state, &regions, &stacks).await.unwrap()
    };
    let three = "us-east-2,us-east-1,us-west-2";
    let home = of(three, "us-east-2").await;
    assert_eq!((home.mine, home.not_mine), (vec![unknown], vec![the_stack()]));
    let own = of(three, "us-east-1").await;
    assert_eq!((own.outcome(), own.mine), (Looked::Done, vec![the_stack()]));
    assert_eq!(of(three, "us-west-2").await.outcome(), Looked::NotMine);
    assert_eq!(of("us-west-2", "us-west-2").await.mine, stacks);

    for wrong in [vec!["shop".to_owned()], vec!["a/b".to_owned(); 101]] {
        assert_eq!(stacks_of(&wrong).unwrap_err().error_type(), "InvalidInput");
    }
}
