//! What the functions tell: JSON lines with operation, stack and resource, and embedded metrics.

use serde_json::{Value, json};

use crate::concurrency::until;
use crate::harness::{boto3, execute, shared};

/// The lines of the operation: by FilterLogEvents, for every invocation has a stream of its own.
const LINES: &str = r#"
import json
import boto3

logs = boto3.client("logs")
lines = []
for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/outrigger-"):
    for group in page["logGroups"]:
        assert group["retentionInDays"], group
        given = {"logGroupName": group["logGroupName"], "filterPattern": '"told-1"'}
        for found in logs.get_paginator("filter_log_events").paginate(**given):
            lines += [line for event in found["events"] for line in event["message"].splitlines()]
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
        told().iter().any(is_done)
    })
    .await;
    let told = told();
    let (metrics, events): (Vec<&Value>, Vec<&Value>) = told.iter().partition(|line| line.get("_aws").is_some());
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
