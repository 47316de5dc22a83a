//! Before its history grows too long, an execution hands over to a successor, which goes on with the same operation.

use outrigger_aws_sfn::{ExecutionStatus, StepFunctions};
use outrigger_tests::start_with_control_plane;
use serde_json::json;

use crate::harness::{boto3, control_plane, document_of, region, resource_calls, start, wait};
use crate::stand_up::Holdings;

/// Lets the workflow's branches take few turns only, so that it hands over soon.
const FEW_TURNS: &str = r#"
import sys
import boto3

states = boto3.client("stepfunctions")
machine = sys.argv[1]
definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
few = definition.replace('"turns_max": 333', '"turns_max": 6')
assert few != definition
states.update_state_machine(stateMachineArn=machine, definition=few)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_hands_over_and_its_successor_completes_the_operation() {
    let aws = start_with_control_plane().unwrap();
    let machine = control_plane(&aws, "ProvisionStackArn").await;
    boto3(&aws, FEW_TURNS, &[&machine]);

    let stack = "handed-over";
    let input = json!({ "document": document_of(stack) });
    let arn = start(&aws, "ProvisionStackArn", "handed-over-1", &input).await;
    let last = wait(&aws, &arn).await;
    assert_eq!(last.status, ExecutionStatus::Succeeded, "{last:?}");
    assert_eq!(
        last.output.as_ref().map(|output| &output["outcome"]),
        Some(&json!("succeeded")),
        "{last:?}"
    );
    assert_eq!(
        last.output.as_ref().map(|output| &output["operation"]),
        Some(&json!("handed-over-1"))
    );
    assert!(last.arn.contains("handed-over-1-hop-"), "{}", last.arn);
    let executions = StepFunctions::new(&aws.aws(), &region());
    let first = executions.describe_execution(&arn).await.unwrap().unwrap();
    assert!(
        first
            .output
            .is_some_and(|output| output.get("handed_over_to").is_some())
    );
    Holdings::of(&aws, stack).await.assert_whole(stack);
    let instances = resource_calls(&aws, 0)
        .iter()
        .filter(|call| call.operation == "CreateDBInstance")
        .count();
    assert_eq!(instances, 1);
}
