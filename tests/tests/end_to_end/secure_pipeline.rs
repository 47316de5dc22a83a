//! The reference stack `secure-pipeline`, value by value, as AWS shows it: everything at rest encrypted with one key of the
//! stack's own, a cache that asks for its token; and what is left when it goes.

use outrigger_model::document;
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{json_of, outrigger, shared, up};
use crate::nat::to_everywhere;
use crate::seen::Seen;

const STACK: &str = "secure-pipe";
const REGION: &str = "us-east-1";
const ALIAS: &str = "alias.secure-pipe-data-pipeline-production";

#[tokio::test(flavor = "multi_thread")]
async fn secure_pipeline_stands_up_encrypted_and_leaves_its_key_pending() {
    let aws = shared();
    let mut document = document::from_text(include_str!("../../../stacks/secure-pipeline.yaml")).unwrap();
    document["stack"] = STACK.into();
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let seen = Seen::of(aws, REGION, STACK);
    network(&seen);
    ways_out(&seen);
    key(&seen);
    stream(&seen);
    database(&seen);
    cache(&seen);
    secrets(&seen);
    outputs(&seen, &ended["outputs"]);
    the_token_is_nowhere_else(aws).await;

    // As it is wanted: nothing is left to do.
    let again = up(&document);
    let resources = again["resources"].as_object().unwrap();
    assert!(resources.keys().eq(["unchanged"]), "{again}");

    let first = seen.text("/keys/data-pipeline/KeyId").to_owned();
    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    let kept = ended["kept"].as_array().unwrap();
    assert!(
        kept.len() == 1 && kept[0].as_str().is_some_and(|kept| kept.contains(&first)),
        "{ended}"
    );
    let seen = Seen::of(aws, REGION, STACK);
    seen.assert_only(&["keys/data-pipeline".to_owned()]);
    seen.check(&[("/keys/data-pipeline/KeyState", json!("PendingDeletion"))]);

    // Once more: another key takes the alias, and the first one goes on going.
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    assert_ne!(ended["outputs"]["kms_key_id"], json!(first), "{ended}");
    assert_eq!(Seen::of(aws, REGION, STACK).names("key_aliases"), [ALIAS]);
    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    let kept = ended["kept"].as_array().unwrap();
    assert!(
        kept.len() == 1 && kept[0].as_str().is_some_and(|kept| !kept.contains(&first)),
        "{ended}"
    );
    Seen::of(aws, REGION, STACK).assert_only(&["keys/data-pipeline".to_owned(), "keys/data-pipeline again".to_owned()]);
}

fn network(seen: &Seen) {
    for (kind, names) in [
        ("vpcs", &["vpc"] as &[&str]),
        ("subnets", &["private-1", "private-2", "public-1", "public-2"]),
        ("internet_gateways", &["internet-gateway"]),
        ("elastic_ips", &["nat-1"]),
        ("nat_gateways", &["nat-1"]),
        ("security_groups", &["cache", "database"]),
        ("caches", &["cache"]),
        ("databases", &["database"]),
        ("streams", &["transactions"]),
        ("keys", &["data-pipeline"]),
        ("key_aliases", &[ALIAS]),
        ("snapshots", &[]),
        ("alarms", &[]),
    ] {
        assert_eq!(seen.names(kind), names, "{kind}");
    }
    seen.check(&[
        ("/vpcs/vpc/CidrBlock", json!("10.0.0.0/16")),
        ("/vpcs/vpc/gateways", json!(1)),
        ("/subnets/public-1/CidrBlock", json!("10.0.1.0/24")),
        ("/subnets/public-2/CidrBlock", json!("10.0.2.0/24")),
        ("/subnets/private-1/CidrBlock", json!("10.0.11.0/24")),
        ("/subnets/private-2/CidrBlock", json!("10.0.12.0/24")),
        ("/subnets/public-1/AvailabilityZone", json!("us-east-1a")),
        ("/subnets/public-2/AvailabilityZone", json!("us-east-1b")),
        ("/subnets/private-1/AvailabilityZone", json!("us-east-1a")),
        ("/subnets/private-2/AvailabilityZone", json!("us-east-1b")),
        ("/subnets/public-1/MapPublicIpOnLaunch", json!(true)),
        ("/subnets/private-1/MapPublicIpOnLaunch", json!(false)),
        ("/nat_gateways/nat-1/State", json!("available")),
        (
            "/nat_gateways/nat-1/SubnetId",
            seen.at("/subnets/public-1/SubnetId").clone(),
        ),
        (
            "/nat_gateways/nat-1/NatGatewayAddresses/0/AllocationId",
            seen.at("/elastic_ips/nat-1/AllocationId").clone(),
        ),
        ("/security_groups/cache/IpPermissions/0/FromPort", json!(6379)),
        ("/security_groups/database/IpPermissions/0/FromPort", json!(5432)),
    ]);
}

fn ways_out(seen: &Seen) {
    assert_eq!(
        to_everywhere(seen, "private"),
        *seen.at("/nat_gateways/nat-1/NatGatewayId")
    );
    assert_eq!(
        to_everywhere(seen, "public"),
        *seen.at("/internet_gateways/internet-gateway/InternetGatewayId")
    );
}

fn key(seen: &Seen) {
    seen.check(&[
        ("/keys/data-pipeline/KeyState", json!("Enabled")),
        ("/keys/data-pipeline/KeyManager", json!("CUSTOMER")),
        ("/keys/data-pipeline/KeySpec", json!("SYMMETRIC_DEFAULT")),
        ("/keys/data-pipeline/rotation", json!(true)),
        ("/keys/data-pipeline/tags/Environment", json!("production")),
        ("/keys/data-pipeline/tags/outrigger:stack", json!(STACK)),
        (
            "/keys/data-pipeline/policy/Statement/1/Condition/StringEquals/kms:ViaService",
            json!(
                ["elasticache", "kinesis", "rds", "secretsmanager"]
                    .map(|service| format!("{service}.{REGION}.amazonaws.com"))
            ),
        ),
        (
            &format!("/key_aliases/{ALIAS}/TargetKeyId"),
            seen.at("/keys/data-pipeline/KeyId").clone(),
        ),
    ]);
}

fn stream(seen: &Seen) {
    seen.check(&[
        ("/streams/transactions/OpenShardCount", json!(1)),
        ("/streams/transactions/RetentionPeriodHours", json!(24)),
        (
            "/streams/transactions/metrics",
            json!(["IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords"]),
        ),
        ("/streams/transactions/EncryptionType", json!("KMS")),
        (
            "/streams/transactions/KeyId",
            seen.at("/keys/data-pipeline/Arn").clone(),
        ),
    ]);
}

fn database(seen: &Seen) {
    seen.check(&[
        ("/databases/database/Engine", json!("postgres")),
        ("/databases/database/DBInstanceClass", json!("db.t3.micro")),
        ("/databases/database/AllocatedStorage", json!(20)),
        ("/databases/database/StorageType", json!("gp3")),
        ("/databases/database/MultiAZ", json!(false)),
        ("/databases/database/DBName", json!("transactions")),
        ("/databases/database/MasterUsername", json!("dbadmin")),
        ("/databases/database/StorageEncrypted", json!(true)),
        (
            "/databases/database/KmsKeyId",
            seen.at("/keys/data-pipeline/Arn").clone(),
        ),
        ("/databases/database/BackupRetentionPeriod", json!(1)),
        ("/databases/database/PubliclyAccessible", json!(false)),
        ("/databases/database/DeletionProtection", json!(false)),
        (
            "/databases/database/EnabledCloudwatchLogsExports",
            json!(["postgresql"]),
        ),
    ]);
    assert!(seen.text("/databases/database/EngineVersion").starts_with("15."));
    assert_eq!(seen.names("log_groups"), ["/aws/rds/instance/database/postgresql"]);
}

fn cache(seen: &Seen) {
    seen.check(&[
        ("/caches/cache/CacheNodeType", json!("cache.t3.micro")),
        ("/caches/cache/AutomaticFailover", json!("enabled")),
        ("/caches/cache/MultiAZ", json!("enabled")),
        ("/caches/cache/AtRestEncryptionEnabled", json!(true)),
        ("/caches/cache/TransitEncryptionEnabled", json!(true)),
        ("/caches/cache/KmsKeyId", seen.at("/keys/data-pipeline/Arn").clone()),
        ("/caches/cache/AuthTokenEnabled", json!(true)),
        ("/caches/cache/SnapshotRetentionLimit", json!(0)),
        ("/caches/cache/NodeGroups/0/PrimaryEndpoint/Port", json!(6379)),
        ("/caches/cache/tags/outrigger:auth-token", json!("required")),
    ]);
    assert_eq!(seen.at("/caches/cache/MemberClusters").as_array().unwrap().len(), 2);
}

fn secrets(seen: &Seen) {
    assert_eq!(seen.names("secrets"), ["cache", "database"]);
    let arn = seen.at("/keys/data-pipeline/Arn");
    seen.check(&[
        ("/secrets/cache/KmsKeyId", arn.clone()),
        ("/secrets/database/KmsKeyId", arn.clone()),
        ("/secrets/cache/value/username", json!("default")),
        ("/secrets/cache/value/engine", json!("redis")),
        ("/secrets/cache/value/dbname", json!("0")),
        (
            "/secrets/cache/value/host",
            seen.at("/caches/cache/NodeGroups/0/PrimaryEndpoint/Address").clone(),
        ),
        ("/secrets/cache/value/port", json!(6379)),
        ("/secrets/cache/value/password", json!(32)),
        ("/secrets/database/value/username", json!("dbadmin")),
        (
            "/secrets/database/value/host",
            seen.at("/databases/database/Endpoint/Address").clone(),
        ),
    ]);
}

fn outputs(seen: &Seen, outputs: &Value) {
    let primary = "/caches/cache/NodeGroups/0/PrimaryEndpoint/Address";
    let wanted = json!({
        "vpc_id": seen.text("/vpcs/vpc/VpcId"),
        "kinesis_stream_name": seen.text("/streams/transactions/StreamName"),
        "kinesis_stream_arn": seen.text("/streams/transactions/StreamARN"),
        "rds_endpoint": seen.text("/databases/database/Endpoint/Address"),
        "rds_arn": seen.text("/databases/database/DBInstanceArn"),
        "redis_endpoint": seen.text(primary),
        "redis_port": "6379",
        "kms_key_id": seen.text("/keys/data-pipeline/KeyId"),
    });
    assert_eq!(outputs, &wanted);
}

/// The token is in no file of the run: no call log, no function's log. What the state holds, `secrets` searches.
async fn the_token_is_nowhere_else(aws: &LocalAws) {
    let secrets = aws_sdk_secretsmanager::Client::new(&aws.sdk_config(REGION));
    let name = format!("{STACK}-production-cache");
    let value = secrets.get_secret_value().secret_id(name).send().await.unwrap();
    let value: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    crate::secrets::assert_nowhere(aws, value["password"].as_str().unwrap(), STACK).await;
}
