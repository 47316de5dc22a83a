//! Without our command line: any AWS client starts an execution, and gets the same.

use serde_json::{Value, json};

use crate::harness::{boto3, control_plane, document_of, execute, outrigger, shared};
use crate::stand_up::Holdings;

const BOTO3: &str = r#"
import json, sys, time
import boto3

machine, name, given = sys.argv[1:]
states = boto3.client("stepfunctions")
arn = states.start_execution(stateMachineArn=machine, name=name, input=given)["executionArn"]
while (shown := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
    time.sleep(0.2)
pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
failed = [event for page in pages for event in page["events"] if event["type"].endswith("Failed")]
print(json.dumps({"failed": [str(event) for event in failed], "status": shown["status"], "output": json.loads(shown.get("output") or "null"), "cause": shown.get("cause")}))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_ours_stands_a_stack_up_and_takes_it_down() {
    let aws = shared();
    let stack = "by-boto3";
    let start = |machine: String, name: &str, input: Value| {
        let printed = boto3(aws, BOTO3, &[&machine, name, &input.to_string()]);
        serde_json::from_slice::<Value>(&printed).unwrap()
    };
    let provision = control_plane(aws, "ProvisionStackArn").await;
    let ended = start(provision, "by-boto3-1", json!({ "document": document_of(stack) }));
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["output"]["outcome"], "succeeded");
    // Nothing failed and was retried in silence, the event at the end included.
    assert_eq!(ended["failed"], json!([]));
    assert!(
        ended["output"]["outputs"]["vpc_id"]
            .as_str()
            .unwrap()
            .starts_with("vpc-")
    );
    Holdings::of(aws, stack).await.assert_whole(stack);

    // The command line sees what it did.
    let status = outrigger(aws, &["status", "by-boto3/production"]);
    assert!(String::from_utf8(status.stdout).unwrap().contains("by-boto3-1"));

    // The same document by its address, as YAML: nothing to do.
    let bucket = control_plane(aws, "DocumentBucket").await;
    let text =
        include_str!("../../../stacks/data-processing.yaml").replace("stack: data-processing", "stack: by-boto3");
    aws_sdk_s3::Client::new(&aws.sdk_config("us-east-1"))
        .put_object()
        .bucket(&bucket)
        .key("stacks/by-boto3.yaml")
        .body(text.into_bytes().into())
        .send()
        .await
        .unwrap();
    let input = json!({ "document_s3": format!("s3://{bucket}/stacks/by-boto3.yaml") });
    let execution = execute(aws, "ProvisionStackArn", "by-boto3-2", &input).await;
    assert_eq!(execution.error, None, "{execution:?}");
    let input = json!({ "document_s3": format!("s3://{bucket}/stacks/none.yaml") });
    let execution = execute(aws, "ProvisionStackArn", "by-boto3-3", &input).await;
    assert!(
        execution
            .cause
            .as_deref()
            .is_some_and(|cause| cause.contains("stacks/none.yaml")),
        "{execution:?}"
    );

    let destroy = control_plane(aws, "DestroyStackArn").await;
    let ended = start(
        destroy,
        "by-boto3-4",
        json!({ "stack": stack, "environment": "production" }),
    );
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    Holdings::of(aws, stack).await.assert_none(stack);
}
