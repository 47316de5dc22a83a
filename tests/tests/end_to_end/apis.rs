//! A stack with an API on a stream: requests become records, changes reach the stage, drift is told, nothing is left.

use aws_sdk_kinesis::types::ShardIteratorType;
use outrigger_model::document;
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{json_of, outrigger, shared, up};
use crate::requests::post;
use crate::secrets::assert_nowhere;

const STACK: &str = "sensors";
const REGION: &str = "ca-central-1";

/// The API's part of the reference stack `iot-ingest`, on a stream.
const DOCUMENT: &str = r#"
stack: sensors
environment: production
region: ca-central-1
tags: {Project: IoT-Sensor-Processing}
network: {cidr: 10.0.0.0/16, zones: 2, public: {}, private: {}}
streams:
  ingest: {shards: 1}
apis:
  sensors:
    stage: prod
    routes:
      POST /sensor-data: {stream: ingest, response: {message: Data received}}
      GET /health: {api_key: false, response: {status: ok}}
    usage_plan: {rate_per_second: 200, burst: 400}
alarms:
  errors:
    component: apis.sensors
    metric: 5XXError
    statistic: sum
    comparison: greater_than
    threshold: 0
    periods: 1
    period_seconds: 60
    missing_data: not_breaching
outputs:
  api_gateway_url: apis.sensors.url/sensor-data
  api_id: apis.sensors.id
  api_key_id: apis.sensors.api_key_id
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_api_answers_and_its_requests_become_records() {
    let aws = shared();
    let mut document = document::from_text(DOCUMENT).unwrap();
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let output = |name: &str| ended["outputs"][name].as_str().unwrap().to_owned();
    let (url, id) = (output("api_gateway_url"), output("api_id"));
    assert_eq!(
        url,
        format!("https://{id}.execute-api.{REGION}.amazonaws.com/prod/sensor-data")
    );
    let client = aws_sdk_apigateway::Client::new(&aws.sdk_config(REGION));
    let key = client
        .get_api_key()
        .api_key(output("api_key_id"))
        .include_value(true)
        .send()
        .await
        .unwrap();
    let value = key.value.unwrap();

    // With the key each request is a record; without it there is none.
    let answer = post(aws, &url, Some(&value), r#"{"celsius": 21.5}"#).await.unwrap();
    assert_eq!(answer, (200, r#"{"message":"Data received"}"#.to_owned()));
    assert_eq!(post(aws, &url, None, r#"{"celsius": 0}"#).await.unwrap().0, 403);
    assert_eq!(records(aws).await, [json!({"celsius": 21.5})]);
    is_alarmed(aws).await;

    // The stage answers as the document says, under the same URL, with the same key.
    document["apis"]["sensors"]["routes"]["POST /sensor-data"]["response"]["message"] = "Received".into();
    let changed = up(&document);
    assert_eq!(changed["outputs"], ended["outputs"], "{changed}");
    let answer = post(aws, &url, Some(&value), "{}").await.unwrap();
    assert_eq!(answer, (200, r#"{"message":"Received"}"#.to_owned()));
    let deployments = client.get_deployments().rest_api_id(&id).send().await.unwrap();
    assert_eq!(deployments.items().len(), 1, "{deployments:?}");

    // Somebody limits everybody to nothing.
    let plans = client.get_usage_plans().send().await.unwrap();
    let plan = plans.items()[0].id().unwrap();
    let operation = aws_sdk_apigateway::types::PatchOperation::builder()
        .op(aws_sdk_apigateway::types::Op::Replace)
        .path("/throttle/rateLimit")
        .value("1");
    let request = client.update_usage_plan().usage_plan_id(plan);
    request.patch_operations(operation.build()).send().await.unwrap();
    let drift = outrigger(aws, &["drift", STACK, "--output", "json"]);
    let told = String::from_utf8(drift.stdout).unwrap();
    assert!(
        told.contains("usage-plan/sensors") && told.contains("rate_per_second"),
        "{told}"
    );
    assert_eq!(up(&document)["succeeded"], true);

    // The key's value is API Gateway's alone.
    for shown in [&ended, &changed] {
        assert!(!shown.to_string().contains(&value), "{shown}");
    }
    assert_nowhere(aws, &value, STACK).await;

    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    let apis = client.get_rest_apis().send().await.unwrap();
    let plans = client.get_usage_plans().send().await.unwrap();
    let keys = client.get_api_keys().send().await.unwrap();
    assert!(
        apis.items().is_empty() && plans.items().is_empty() && keys.items().is_empty(),
        "{apis:?} {plans:?}"
    );
    let iam = aws_sdk_iam::Client::new(&aws.sdk_config(REGION));
    let roles = iam.list_roles().path_prefix("/outrigger/").send().await.unwrap();
    let left: Vec<&str> = roles.roles().iter().map(|role| role.role_name()).collect();
    assert!(
        !left.iter().any(|name| name.starts_with("sensors-production-")),
        "{left:?}"
    );
}

async fn records(aws: &LocalAws) -> Vec<Value> {
    let client = aws_sdk_kinesis::Client::new(&aws.sdk_config(REGION));
    let stream = "sensors-production-ingest";
    let iterator = client
        .get_shard_iterator()
        .stream_name(stream)
        .shard_id("shardId-000000000000")
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await
        .unwrap();
    let request = client.get_records().set_shard_iterator(iterator.shard_iterator);
    let page = request.send().await.unwrap();
    let records = page.records().iter();
    records
        .map(|record| serde_json::from_slice(record.data().as_ref()).unwrap())
        .collect()
}

/// On the metric that API Gateway publishes.
async fn is_alarmed(aws: &LocalAws) {
    let client = aws_sdk_cloudwatch::Client::new(&aws.sdk_config(REGION));
    let alarms = client
        .describe_alarms()
        .alarm_names("sensors-production-errors")
        .send()
        .await
        .unwrap();
    let alarm = &alarms.metric_alarms()[0];
    let dimensions: Vec<_> = alarm
        .dimensions()
        .iter()
        .map(|dimension| (dimension.name().unwrap(), dimension.value().unwrap()))
        .collect();
    assert_eq!(alarm.namespace(), Some("AWS/ApiGateway"));
    assert_eq!(
        dimensions,
        [("ApiName", "sensors-production-sensors"), ("Stage", "prod")]
    );
}
