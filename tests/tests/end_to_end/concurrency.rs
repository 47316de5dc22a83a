//! Two operations on one stack, and an operation that is stopped from outside.

use outrigger_aws_sfn::{ExecutionStatus, StepFunctions};
use outrigger_engine::state::State;
use outrigger_tests::{LocalAws, start_with_control_plane};
use serde_json::json;

use crate::harness::{control_plane, document_of, execute, region, shared, start, wait};
use crate::stand_up::Holdings;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operations_at_once_one_works_and_the_other_says_who_does() {
    let aws = shared();
    let stack = "two-at-once";
    let input = json!({ "document": document_of(stack) });
    let first = start(aws, "ProvisionStackArn", "two-at-once-1", &input).await;
    let second = start(aws, "ProvisionStackArn", "two-at-once-2", &input).await;
    let mut ended = [
        ("two-at-once-1", wait(aws, &first).await),
        ("two-at-once-2", wait(aws, &second).await),
    ];
    ended.sort_by_key(|(_, execution)| execution.status != ExecutionStatus::Succeeded);
    let [(winner, won), (_, lost)] = ended;
    assert_eq!(won.status, ExecutionStatus::Succeeded, "{won:?}");
    assert_eq!(lost.error.as_deref(), Some("LeaseHeld"), "{lost:?}");
    let cause = lost.cause_message().unwrap();
    assert!(cause.contains(winner), "{cause}");
    Holdings::of(aws, stack).await.assert_whole(stack);
    let input = json!({ "stack": stack, "environment": "production" });
    execute(aws, "DestroyStackArn", "two-at-once-3", &input).await;
    Holdings::of(aws, stack).await.assert_none(stack);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_is_stopped_leaves_no_lease_and_the_next_one_goes_on() {
    let aws = start_with_control_plane().unwrap();
    // The database takes as long as the test needs.
    aws.set_faults(&json!({ "slow_provisioning": { "seconds": 3600.0, "kinds": ["rds"] } }))
        .unwrap();
    let stack = "stopped";
    let input = json!({ "document": document_of(stack) });
    let arn = start(&aws, "ProvisionStackArn", "stopped-1", &input).await;
    until("the database is begun", async || {
        let calls = aws.calls().unwrap();
        calls
            .iter()
            .any(|call| call.operation == "CreateDBInstance" && call.succeeded())
    })
    .await;
    StepFunctions::new(&aws.aws(), &region())
        .stop_execution(&arn, "a test")
        .await
        .unwrap();
    let state = state(&aws).await;
    let id = outrigger_model::StackId {
        stack: stack.to_owned(),
        environment: "production".to_owned(),
    };
    until("the lease is given up", async || {
        state.lease(&id).await.unwrap().is_none()
    })
    .await;
    let record = state.operation(&id, "stopped-1").await.unwrap().unwrap();
    assert_eq!(record.outcome, Some(outrigger_engine::state::content::Outcome::Aborted));
    assert!(
        record.failures.iter().any(|failure| failure.contains("ABORTED")),
        "{:?}",
        record.failures
    );

    aws.set_faults(&json!({})).unwrap();
    let execution = execute(&aws, "ProvisionStackArn", "stopped-2", &input).await;
    assert_eq!(execution.status, ExecutionStatus::Succeeded, "{execution:?}");
    Holdings::of(&aws, stack).await.assert_whole(stack);
}

pub async fn state(aws: &LocalAws) -> State {
    use std::sync::Arc;
    let table = control_plane(aws, "StateTable").await;
    let store = outrigger_aws_dynamodb::DynamoStore::new(&aws.aws(), Some(region()), table);
    State::new(Arc::new(store), Arc::new(outrigger_engine::ports::clock::SystemClock))
}

/// Waits for a condition; gives up after two minutes.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if condition().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("in vain: {what}");
}
