//! What the functions tell: JSON lines with operation, stack and resource, and embedded metrics.

use serde_json::{Value, json};

use crate::concurrency::until;
use crate::harness::{boto3, execute, shared};

const LINES: &str = r#"
import json
import boto3

logs = boto3.client("logs")
lines = []
for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/outrigger-")["logGroups"]:
    assert group["retentionInDays"], group
    for stream in logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]:
        given = {"logGroupName": group["logGroupName"], "logStreamName": stream["logStreamName"], "startFromHead": True}
        token = None
        while True:
            told = logs.get_log_events(**given, **({"nextToken": token} if token else {}))
            lines += [line for event in told["events"] for line in event["message"].splitlines()]
            # The end is told by the same token once more.
            if not told["events"] or told["nextForwardToken"] == token:
                break
            token = told["nextForwardToken"]
print(json.dumps(lines))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_line_says_which_operation_on_which_stack() {
    let aws = shared();
    let document = json!({
        "stack": "told", "environment": "test", "region": "us-east-1",
        "network": { "cidr": "10.0.0.0/16", "zones": 1 },
    });
    let input = json!({ "document": document });
    let execution = execute(aws, "ProvisionStackArn", "told-1", &input).await;
    assert_eq!(execution.error, None, "{execution:?}");
    // The lines of an invocation come after its answer.
    let told = || {
        let lines: Vec<String> = serde_json::from_slice(&boto3(aws, LINES, &[])).unwrap();
        let told = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
        told.collect::<Vec<Value>>()
    };
    until("the network's lane tells that it is done", async || {
        let is_done = |line: &Value| line["steps_done"] == 1 && line["lane"] == "network";
        told()
            .iter()
            .any(|line| is_done(line) && line.to_string().contains("told-1"))
    })
    .await;
    let told = told();
    let of_operation = |line: &&Value| line.to_string().contains("told-1");
    let (metrics, events): (Vec<&Value>, Vec<&Value>) = told
        .iter()
        .filter(of_operation)
        .partition(|line| line.get("_aws").is_some());
    assert!(!metrics.is_empty());
    for line in &events {
        assert_eq!(line["span"]["operation"], "told-1", "{line}");
        assert_eq!(line["span"]["stack"], "told/test", "{line}");
        assert!(line.get("level").is_some() && line.get("timestamp").is_some(), "{line}");
    }
    let about: Vec<&&Value> = events
        .iter()
        .filter(|line| line["resource"] == "us-east-1/vpc/vpc")
        .collect();
    assert!(about.iter().any(|line| line["message"] == "called"), "{events:?}");
    assert!(about.iter().any(|line| line["message"] == "done"), "{events:?}");
    for message in ["planned", "closed"] {
        assert!(
            events.iter().any(|line| line["message"] == message),
            "{message}: {events:?}"
        );
    }
    let input = json!({ "stack": "told", "environment": "test" });
    let execution = execute(aws, "DestroyStackArn", "told-2", &input).await;
    assert_eq!(execution.error, None, "{execution:?}");
}
