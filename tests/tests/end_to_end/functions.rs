//! A stack with functions in two regions: events reach the table once, wherever they are recorded; of two gates only the
//! primary's is open, whatever is asked; each may read its own stack's topology and nothing else; and nothing is left.

use aws_sdk_lambda::primitives::Blob;
use outrigger_aws_dynamodb::DynamoStore;
use outrigger_engine::ports::clock::SystemClock;
use outrigger_engine::state::State;
use outrigger_model::{Region, StackId, Topology, document};
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{boto3, control_plane, json_of, outrigger, region, shared, up};

const STACK: &str = "recorded";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

const DOCUMENT: &str = r#"
stack: recorded
environment: production
regions: [us-east-1, us-east-2]
network:
  cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}
  zones: 2
  private: {}
tables:
  events: {key: id, deletion_protection: false}
functions:
  recorder: {code: event-recorder, table: events, in_vpc: true, tags: {Purpose: audit}}
  gate: {code: region-gate}
outputs:
  recorder_arn: functions.recorder.arn
  gate_name: functions.gate.us-east-2.name
"#;

/// What a region holds of the stack beside its tables: functions, their log groups and roles.
const LEFT: &str = r#"
import json, sys
import boto3

region, stack = sys.argv[1:]
names = lambda items, name: [it[name] for it in items if stack in it[name]]
functions = boto3.client("lambda", region_name=region).list_functions()["Functions"]
groups = boto3.client("logs", region_name=region).describe_log_groups()["logGroups"]
roles = boto3.client("iam").list_roles(PathPrefix="/outrigger/functions/")["Roles"]
print(json.dumps({
    "functions": names(functions, "FunctionName"),
    "log_groups": {it["logGroupName"]: it.get("retentionInDays") for it in groups if stack in it["logGroupName"]},
    "roles": names(roles, "RoleName"),
}))
"#;

fn left(aws: &LocalAws, region: &str) -> Value {
    serde_json::from_slice(&boto3(aws, LEFT, &[region, STACK])).unwrap()
}

async fn invoke(aws: &LocalAws, region: &str, function: &str, event: &Value) -> (Option<String>, Value) {
    let client = aws_sdk_lambda::Client::new(&aws.sdk_config(region));
    let request = client
        .invoke()
        .function_name(format!("{STACK}-production-{function}"))
        .payload(Blob::new(event.to_string()));
    let answer = request.send().await.unwrap();
    let payload = answer
        .payload()
        .map(|payload| payload.as_ref().to_vec())
        .unwrap_or_default();
    (
        answer.function_error().map(str::to_owned),
        serde_json::from_slice(&payload).unwrap(),
    )
}

/// What a gate answers to a request: its status, and its reason.
async fn gate(aws: &LocalAws, region: &str, path: &str) -> (i64, String) {
    let event = json!({
        "requestContext": {"elb": {"targetGroupArn": "arn"}}, "httpMethod": "GET", "path": path, "queryStringParameters": {},
        "headers": {"user-agent": "ELB-HealthChecker/2.0"}, "body": "", "isBase64Encoded": false,
    });
    let (error, answer) = invoke(aws, region, "gate", &event).await;
    assert_eq!(error, None, "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["region"], region, "{body}");
    (
        answer["statusCode"].as_i64().unwrap(),
        body["reason"].as_str().unwrap().to_owned(),
    )
}

fn event(id: &str, region: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": id, "detail-type": "Order placed", "source": "shop", "account": "000000000000",
        "time": "2026-11-21T01:00:00Z", "region": region, "resources": [], "detail": detail,
    })
}

async fn items(aws: &LocalAws, region: &str) -> Vec<Value> {
    let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config(region));
    let page = client
        .scan()
        .table_name(format!("{STACK}-production-events"))
        .send()
        .await
        .unwrap();
    let mut items: Vec<Value> = page
        .items()
        .iter()
        .map(|item| {
            let texts = item
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_s().unwrap().as_str())));
            Value::from_iter(texts)
        })
        .collect();
    items.sort_by_key(|item| item["id"].to_string());
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_record_events_once_and_only_the_primary_is_open() {
    let aws = shared();
    let document = document::from_text(DOCUMENT).unwrap();
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    assert!(
        ended["outputs"]["recorder_arn"]
            .as_str()
            .unwrap()
            .ends_with(":function:recorded-production-recorder"),
        "{ended}"
    );
    assert_eq!(ended["outputs"]["gate_name"], "recorded-production-gate");

    // Each event is an item, however often it comes, and whatever it says the second time.
    let detail = json!({"order": 7, "lines": [1, 2]});
    assert_eq!(
        invoke(aws, REGIONS[0], "recorder", &event("a", REGIONS[0], &detail)).await,
        (None, json!({"new": true}))
    );
    let again = event("a", REGIONS[0], &json!({"order": 8}));
    assert_eq!(
        invoke(aws, REGIONS[0], "recorder", &again).await,
        (None, json!({"new": false}))
    );
    let kept = items(aws, REGIONS[0]).await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["source"], "shop");
    assert_eq!(kept[0]["detail-type"], "Order placed");
    assert_eq!(
        serde_json::from_str::<Value>(kept[0]["detail"].as_str().unwrap()).unwrap(),
        detail
    );
    let other = invoke(aws, REGIONS[1], "recorder", &event("b", REGIONS[1], &detail)).await;
    assert_eq!(other, (None, json!({"new": true})));
    assert!(items(aws, REGIONS[1]).await.iter().any(|item| item["id"] == "b"));
    // What is no event fails in our own words.
    let (error, answer) = invoke(aws, REGIONS[0], "recorder", &json!({"Records": []})).await;
    assert!(error.is_some(), "{answer}");
    assert_eq!(answer["errorType"], "InvalidInput", "{answer}");

    // The first region is primary; nothing else is ever open.
    let open = (200, "this region is primary".to_owned());
    let secondary = (503, "this region is a secondary".to_owned());
    assert_eq!(gate(aws, REGIONS[0], "/active").await, open);
    assert_eq!(gate(aws, REGIONS[0], "/").await.0, 503);
    assert_eq!(
        gate(aws, REGIONS[1], "/active").await,
        secondary_or_unread(aws, secondary).await
    );

    // What was recorded stays when the document is applied again.
    let state = state(aws).await;
    let id = StackId {
        stack: STACK.to_owned(),
        environment: "production".to_owned(),
    };
    let topology = state.topology(&id).await.unwrap().unwrap();
    assert_eq!(topology, Topology::first(&REGIONS.map(Region::new)).unwrap());
    assert_eq!(up(&document)["succeeded"], true);
    assert_eq!(state.topology(&id).await.unwrap(), Some(topology));

    for region in REGIONS {
        let there = left(aws, region);
        assert_eq!(
            there["log_groups"],
            json!({
                "/aws/lambda/recorded-production-gate": 30,
                "/aws/lambda/recorded-production-recorder": 30,
            }),
            "{region}"
        );
        assert_eq!(there["roles"].as_array().unwrap().len(), 4, "{there}");
    }

    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    assert_eq!(state.topology(&id).await.unwrap(), None);
    for region in REGIONS {
        assert_eq!(
            left(aws, region),
            json!({"functions": [], "log_groups": {}, "roles": []}),
            "{region}"
        );
    }
}

/// The shared control plane is in one region: where there is no table of states, the gate cannot know, and is closed.
async fn secondary_or_unread(aws: &LocalAws, secondary: (i64, String)) -> (i64, String) {
    let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config(REGIONS[1]));
    let table = control_plane(aws, "StateTable").await;
    match client.describe_table().table_name(table).send().await {
        Ok(_) => secondary,
        Err(_) => (503, "the topology could not be read".to_owned()),
    }
}

async fn state(aws: &LocalAws) -> State {
    let table = control_plane(aws, "StateTable").await;
    let store = DynamoStore::new(&aws.aws(), Some(region()), table);
    State::new(std::sync::Arc::new(store), std::sync::Arc::new(SystemClock))
}
