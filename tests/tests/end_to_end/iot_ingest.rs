//! The reference stack `iot-ingest`, value by value, as AWS shows it: what it answers to readings, and that nothing is left.

use outrigger_model::document;
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{json_of, outrigger, shared, up};
use crate::nat::to_everywhere;
use crate::requests::post;
use crate::seen::Seen;

const STACK: &str = "iot";
const REGION: &str = "ca-central-1";

#[tokio::test(flavor = "multi_thread")]
async fn iot_ingest_stands_up_answers_and_leaves_nothing() {
    let aws = shared();
    let mut document = document::from_text(include_str!("../../../stacks/iot-ingest.yaml")).unwrap();
    document["stack"] = STACK.into();
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let seen = Seen::of(aws, REGION, STACK);
    everything(&seen);
    network(&seen);
    cache(&seen);
    cluster(&seen);
    api(&seen);
    outputs(&seen, &ended["outputs"]);
    answers(aws, &seen, ended["outputs"]["api_gateway_url"].as_str().unwrap()).await;

    // As it is wanted: nothing is left to do.
    let again = up(&document);
    let resources = again["resources"].as_object().unwrap();
    assert!(resources.keys().eq(["unchanged"]), "{again}");

    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(
        (&ended["succeeded"], &ended["kept"]),
        (&json!(true), &json!([])),
        "{ended}"
    );
    Seen::of(aws, REGION, STACK).assert_only(&[]);
}

fn everything(seen: &Seen) {
    for (kind, names) in [
        ("vpcs", &["vpc"] as &[&str]),
        ("subnets", &["private-1", "private-2", "public-1", "public-2"]),
        ("internet_gateways", &["internet-gateway"]),
        ("route_tables", &["private", "public"]),
        ("security_groups", &["cache", "main"]),
        ("nat_gateways", &[]),
        ("caches", &["cache"]),
        ("cache_subnet_groups", &["cache"]),
        ("clusters", &["main"]),
        ("databases", &["main-1", "main-2"]),
        ("db_subnet_groups", &["main"]),
        ("secrets", &["main"]),
        ("rest_apis", &["sensors"]),
        ("usage_plans", &["sensors"]),
        ("api_keys", &["sensors"]),
        ("streams", &[]),
        ("snapshots", &[]),
        ("alarms", &[]),
    ] {
        assert_eq!(seen.names(kind), names, "{kind}");
    }
    for tagged in [
        "/vpcs/vpc",
        "/subnets/private-1",
        "/caches/cache",
        "/clusters/main",
        "/databases/main-1",
        "/secrets/main",
        "/rest_apis/sensors",
        "/usage_plans/sensors",
        "/api_keys/sensors",
    ] {
        for (tag, value) in [
            ("Environment", "production"),
            ("Project", "IoT-Sensor-Processing"),
            ("ManagedBy", "Outrigger"),
            ("outrigger:stack", STACK),
        ] {
            assert_eq!(seen.text(&format!("{tagged}/tags/{tag}")), value, "{tagged}");
        }
    }
}

fn network(seen: &Seen) {
    seen.check(&[
        ("/vpcs/vpc/CidrBlock", json!("10.0.0.0/16")),
        ("/vpcs/vpc/enableDnsSupport", json!(true)),
        ("/vpcs/vpc/enableDnsHostnames", json!(true)),
        ("/vpcs/vpc/gateways", json!(1)),
        ("/subnets/public-1/CidrBlock", json!("10.0.0.0/24")),
        ("/subnets/public-2/CidrBlock", json!("10.0.1.0/24")),
        ("/subnets/private-1/CidrBlock", json!("10.0.10.0/24")),
        ("/subnets/private-2/CidrBlock", json!("10.0.11.0/24")),
        ("/subnets/public-1/MapPublicIpOnLaunch", json!(true)),
        ("/subnets/private-1/MapPublicIpOnLaunch", json!(false)),
        ("/subnets/public-1/tags/Type", json!("public")),
        ("/security_groups/cache/IpPermissions/0/FromPort", json!(6379)),
        ("/security_groups/main/IpPermissions/0/FromPort", json!(5432)),
        (
            "/security_groups/main/IpPermissions/0/IpRanges/0/CidrIp",
            json!("10.0.0.0/16"),
        ),
    ]);
    assert_eq!(
        to_everywhere(seen, "public"),
        *seen.at("/internet_gateways/internet-gateway/InternetGatewayId")
    );
}

fn cache(seen: &Seen) {
    seen.check(&[
        ("/caches/cache/CacheNodeType", json!("cache.t3.micro")),
        ("/caches/cache/AutomaticFailover", json!("enabled")),
        ("/caches/cache/MultiAZ", json!("enabled")),
        ("/caches/cache/AtRestEncryptionEnabled", json!(true)),
        ("/caches/cache/TransitEncryptionEnabled", json!(true)),
        ("/caches/cache/NodeGroups/0/PrimaryEndpoint/Port", json!(6379)),
    ]);
    assert_eq!(seen.at("/caches/cache/MemberClusters").as_array().unwrap().len(), 2);
}

fn cluster(seen: &Seen) {
    seen.check(&[
        ("/clusters/main/Engine", json!("aurora-postgresql")),
        ("/clusters/main/Status", json!("available")),
        (
            "/clusters/main/ServerlessV2ScalingConfiguration",
            json!({"MinCapacity": 0.5, "MaxCapacity": 1.0}),
        ),
        ("/clusters/main/DatabaseName", json!("iotdb")),
        ("/clusters/main/MasterUsername", json!("iotadmin")),
        ("/clusters/main/HttpEndpointEnabled", json!(true)),
        ("/clusters/main/StorageEncrypted", json!(true)),
        ("/clusters/main/DeletionProtection", json!(false)),
        ("/databases/main-1/DBInstanceClass", json!("db.serverless")),
        ("/databases/main-2/DBInstanceClass", json!("db.serverless")),
        ("/databases/main-1/AvailabilityZone", json!("ca-central-1a")),
        ("/databases/main-2/AvailabilityZone", json!("ca-central-1b")),
        ("/databases/main-1/PubliclyAccessible", json!(false)),
        ("/secrets/main/value/username", json!("iotadmin")),
        ("/secrets/main/value/password", json!(32)),
        ("/secrets/main/value/engine", json!("postgres")),
        ("/secrets/main/value/host", seen.at("/clusters/main/Endpoint").clone()),
        ("/secrets/main/value/port", json!(5432)),
        ("/secrets/main/value/dbname", json!("iotdb")),
    ]);
    assert!(seen.text("/clusters/main/EngineVersion").starts_with("15."));
}

fn api(seen: &Seen) {
    seen.check(&[
        ("/rest_apis/sensors/endpointConfiguration/types", json!(["REGIONAL"])),
        (
            "/rest_apis/sensors/resources/.sensor-data/resourceMethods/POST/apiKeyRequired",
            json!(true),
        ),
        (
            "/rest_apis/sensors/resources/.sensor-data/resourceMethods/POST/methodIntegration/type",
            json!("MOCK"),
        ),
        ("/usage_plans/sensors/throttle/rateLimit", json!(200.0)),
        ("/usage_plans/sensors/throttle/burstLimit", json!(400)),
        (
            "/usage_plans/sensors/apiStages",
            json!([{"apiId": seen.text("/rest_apis/sensors/id"), "stage": "prod"}]),
        ),
        ("/usage_plans/sensors/keys", json!([seen.text("/api_keys/sensors/id")])),
        ("/api_keys/sensors/enabled", json!(true)),
    ]);
    let stages = seen.at("/rest_apis/sensors/stages").as_object().unwrap();
    assert!(stages.keys().eq(["prod"]), "{stages:?}");
}

fn outputs(seen: &Seen, outputs: &Value) {
    let id = seen.text("/rest_apis/sensors/id");
    let wanted = json!({
        "vpc_id": seen.text("/vpcs/vpc/VpcId"),
        "redis_endpoint": seen.text("/caches/cache/NodeGroups/0/PrimaryEndpoint/Address"),
        "aurora_endpoint": seen.text("/clusters/main/Endpoint"),
        "aurora_reader_endpoint": seen.text("/clusters/main/ReaderEndpoint"),
        "api_gateway_url": format!("https://{id}.execute-api.{REGION}.amazonaws.com/prod/sensor-data"),
        "api_key_id": seen.text("/api_keys/sensors/id"),
        "secrets_manager_secret_arn": seen.text("/secrets/main/ARN"),
    });
    assert_eq!(outputs, &wanted);
}

/// With the key a reading is taken; without it, or with another one, it is not.
async fn answers(aws: &LocalAws, seen: &Seen, url: &str) {
    let client = aws_sdk_apigateway::Client::new(&aws.sdk_config(REGION));
    let key = client
        .get_api_key()
        .api_key(seen.text("/api_keys/sensors/id"))
        .include_value(true);
    let value = key.send().await.unwrap().value.unwrap();
    let taken = post(aws, url, Some(&value), r#"{"celsius": 21.5}"#).await.unwrap();
    assert_eq!(taken, (200, r#"{"message":"Data received"}"#.to_owned()));
    for wrong in [None, Some("another")] {
        assert_eq!(post(aws, url, wrong, "{}").await.unwrap().0, 403, "{wrong:?}");
    }
}
