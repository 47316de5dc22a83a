//! The generated password is in Secrets Manager, and nowhere else.

use std::io::Read;
use std::path::Path;

use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{boto3, control_plane, document_of, file_of, json_of, outrigger, shared};

/// Everything that Step Functions and CloudWatch Logs hold, as text.
const EVERYTHING_TOLD: &str = r#"
import json
import boto3

told = []
states = boto3.client("stepfunctions")
for machine in states.list_state_machines()["stateMachines"]:
    for execution in states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
        arn = execution["executionArn"]
        told.append(states.describe_execution(executionArn=arn))
        for page in states.get_paginator("get_execution_history").paginate(executionArn=arn):
            told.extend(page["events"])
logs = boto3.client("logs")
lines = 0
for group in logs.describe_log_groups()["logGroups"]:
    for stream in logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]:
        events = logs.get_log_events(logGroupName=group["logGroupName"], logStreamName=stream["logStreamName"], startFromHead=True)["events"]
        lines += len(events)
        told.extend(events)
print(json.dumps({"told": told, "log_lines": lines}, default=str))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_in_secrets_manager_and_nowhere_else() {
    let aws = shared();
    let stack = "one-secret";
    let file = file_of(&document_of(stack));
    let up = outrigger(aws, &["up", file.path().to_str().unwrap(), "--yes", "--output", "json"]);
    let ended = json_of(&up);
    let config = aws.sdk_config("us-east-1");
    let value = aws_sdk_secretsmanager::Client::new(&config)
        .get_secret_value()
        .secret_id(ended["outputs"]["rds_secret_arn"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    let value: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    let password = value["password"].as_str().unwrap();
    assert!(password.len() >= 32);
    // What the command line said.
    assert_absent(password, &up.stdout, "the standard output");
    assert_absent(password, &up.stderr, "the standard error");

    assert_nowhere(aws, password, stack).await;

    let input = json!({ "stack": stack, "environment": "production" });
    crate::harness::execute(aws, "DestroyStackArn", "one-secret-2", &input).await;
}

#[track_caller]
fn assert_absent(secret: &str, text: &[u8], place: &str) {
    let escaped = serde_json::to_string(secret).unwrap();
    for form in [secret, escaped.trim_matches('"')] {
        let found = text.windows(form.len()).any(|window| window == form.as_bytes());
        assert!(!found, "the secret is in {place}");
    }
}

/// Fails where a secret of a stack is anywhere but in Secrets Manager.
pub async fn assert_nowhere(aws: &LocalAws, secret: &str, stack: &str) {
    let config = aws.sdk_config("us-east-1");
    // Every item of the state table, its body unpacked.
    let table = control_plane(aws, "StateTable").await;
    let dynamo = aws_sdk_dynamodb::Client::new(&config);
    let mut items = dynamo.scan().table_name(&table).into_paginator().items().send();
    let mut bodies = 0;
    while let Some(item) = items.try_next().await.unwrap() {
        assert_absent(secret, format!("{item:?}").as_bytes(), "an item");
        if let Some(body) = item.get("body").and_then(|body| body.as_b().ok()) {
            let text = unpacked(body.as_ref());
            assert!(
                text.starts_with(b"{") || text.starts_with(b"\""),
                "a body that is no JSON"
            );
            assert_absent(secret, &text, "an item's body");
            bodies += 1;
        }
    }
    assert!(bodies > 6, "only {bodies} bodies were searched");

    // Execution inputs, outputs and histories, and every line of every log.
    let told = boto3(aws, EVERYTHING_TOLD, &[]);
    assert_absent(secret, &told, "an execution or a log");
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert!(
        told["told"].to_string().contains(stack),
        "nothing of this run was searched"
    );
    assert!(told["log_lines"].as_u64().unwrap() > 10, "{}", told["log_lines"]);

    // Every file of the run: the call log, Lambda's and MiniStack's own.
    let mut files = 0;
    search(aws.directory(), &mut |path, bytes| {
        files += 1;
        assert_absent(secret, bytes, &path.display().to_string());
    });
    assert!(files > 3, "only {files} files were searched");
}

/// A body as it was before it was compressed: a byte that tells the format, then compressed JSON.
fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::ZlibDecoder::new(&body[1..])
        .read_to_end(&mut text)
        .unwrap();
    text
}

fn search(directory: &Path, found: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            search(&path, found);
        } else if path.is_file()
            && let Ok(bytes) = std::fs::read(&path)
        {
            found(&path, &bytes);
        }
    }
}
