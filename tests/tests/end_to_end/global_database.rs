//! An Aurora global database: stood up in two regions, told apart from a drift when the other region writes, and taken down
//! whichever writes by then.

use std::collections::BTreeMap;

use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{boto3, file_of, json_of, now_ms, outrigger, resource_calls, shared, up};
use crate::seen::Seen;

const STACK: &str = "globe";
const NAME: &str = "globe-production-main";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

/// The global cluster as a region shows it: nothing where there is none. Members by region, whether they write.
const GLOBAL: &str = r#"
import json, sys
import boto3

region, name = sys.argv[1:]
rds = boto3.client("rds", region_name=region)
try:
    shown = rds.describe_global_clusters(GlobalClusterIdentifier=name)["GlobalClusters"][0]
    shown["writes"] = {it["DBClusterArn"].split(":")[3]: it["IsWriter"] for it in shown["GlobalClusterMembers"]}
    shown["tags"] = {tag["Key"]: tag["Value"] for tag in shown["TagList"]}
except rds.exceptions.GlobalClusterNotFoundFault:
    shown = None
print(json.dumps(shown, default=str))
"#;

/// Has the other region write: as planned, or without waiting for the one that writes.
const SWITCH: &str = r#"
import sys
import boto3

operation, name, region, caller = sys.argv[1:]
rds = boto3.client("rds", region_name=caller)
members = rds.describe_global_clusters(GlobalClusterIdentifier=name)["GlobalClusters"][0]["GlobalClusterMembers"]
target = next(it["DBClusterArn"] for it in members if f":{region}:" in it["DBClusterArn"])
given = {"AllowDataLoss": True} if operation == "failover_global_cluster" else {}
getattr(rds, operation)(GlobalClusterIdentifier=name, TargetDbClusterIdentifier=target, **given)
"#;

/// The password that a region's secret or replica holds, as a hash; and where the secret has replicas.
const SECRET: &str = r#"
import hashlib, json, sys
import boto3

region, name = sys.argv[1:]
secrets = boto3.client("secretsmanager", region_name=region)
value = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
value["password"] = hashlib.sha256(value["password"].encode()).hexdigest()
shown = secrets.describe_secret(SecretId=name)
value["replicas"] = [it["Region"] for it in shown.get("ReplicationStatus", []) if it["Status"] == "InSync"]
value["primary"] = shown.get("PrimaryRegion")
print(json.dumps(value))
"#;

/// Schedules the secret of the name for its deletion, as somebody does who deletes it by hand.
const SCHEDULE: &str = r#"
import json, sys
import boto3

region, name = sys.argv[1:]
secrets = boto3.client("secretsmanager", region_name=region)
secrets.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=["us-east-2"])
secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
"#;

fn the_document() -> Value {
    json!({
        "stack": STACK,
        "environment": "production",
        "regions": REGIONS,
        "network": {
            "cidr": { "us-east-1": "10.0.0.0/16", "us-east-2": "10.1.0.0/16" },
            "zones": 2,
            "private": {},
        },
        "clusters": { "main": {
            "global": true,
            "engine": "aurora_postgresql",
            "version": "15.4",
            "version_policy": "nearest_minor",
            "capacity_acu_min": 0.5,
            "capacity_acu_max": 1.0,
            "instances": 1,
            "data_api": true,
            "database": "shop",
            "user": "shop_owner",
            "backups": { "retention_days": 7 },
            "log_exports": ["postgresql"],
            "deletion_protection": false,
            "final_snapshot": false,
        } },
        "topics": { "alerts": {} },
        "alarms": {
            "replication-lag": {
                "component": "clusters.main",
                "metric": "AuroraGlobalDBReplicationLag",
                "statistic": "average",
                "comparison": "greater_than",
                "threshold": 10000,
                "periods": 2,
                "period_seconds": 60,
                "notify": ["alerts"],
            },
        },
        "outputs": {
            "writer": "clusters.main.writer_endpoint",
            "first": "clusters.main.endpoint",
            "second": "clusters.main.us-east-2.endpoint",
            "second_arn": "clusters.main.us-east-2.arn",
            "secret": "clusters.main.secret_arn",
        },
    })
}

fn global(aws: &LocalAws, region: &str) -> Value {
    serde_json::from_slice(&boto3(aws, GLOBAL, &[region, NAME])).unwrap()
}

fn secret(aws: &LocalAws, region: &str) -> Value {
    serde_json::from_slice(&boto3(aws, SECRET, &[region, NAME])).unwrap()
}

fn switch(aws: &LocalAws, operation: &str, to: &str, caller: &str) {
    boto3(aws, SWITCH, &[operation, NAME, to, caller]);
    for region in REGIONS {
        assert_eq!(global(aws, region)["writes"][to], true, "{region}");
    }
}

/// The same in each region, and how they hang together.
fn stands(aws: &LocalAws, outputs: &Value) {
    let endpoint = global(aws, REGIONS[0])["Endpoint"].clone();
    assert_eq!(outputs["writer"], endpoint, "{outputs}");
    assert!(
        endpoint.as_str().unwrap().contains(".global-"),
        "an endpoint that leads to whichever region writes: {endpoint}"
    );
    for region in REGIONS {
        let shown = global(aws, region);
        let writes = BTreeMap::from([(REGIONS[0], true), (REGIONS[1], false)]);
        assert_eq!(shown["writes"], json!(writes), "{region}: {shown}");
        assert_eq!(shown["StorageEncrypted"], true, "{region}");
        assert_eq!(shown["DeletionProtection"], false, "{region}");
        assert_eq!(shown["tags"]["outrigger:resource"], "global/global-cluster/main");
        let seen = Seen::of(aws, region, STACK);
        seen.check(&[
            ("/clusters/main/Status", json!("available")),
            ("/clusters/main/StorageEncrypted", json!(true)),
            ("/clusters/main/HttpEndpointEnabled", json!(true)),
            ("/clusters/main/MasterUsername", json!("shop_owner")),
            ("/clusters/main/DatabaseName", json!("shop")),
            ("/clusters/main/BackupRetentionPeriod", json!(7)),
            ("/clusters/main/DeletionProtection", json!(false)),
            (
                "/clusters/main/ServerlessV2ScalingConfiguration/MinCapacity",
                json!(0.5),
            ),
            (
                "/clusters/main/ServerlessV2ScalingConfiguration/MaxCapacity",
                json!(1.0),
            ),
            ("/databases/main-1/DBInstanceClass", json!("db.serverless")),
            ("/databases/main-1/AvailabilityZone", json!(format!("{region}a"))),
            ("/databases/main-1/PubliclyAccessible", json!(false)),
        ]);
        assert_eq!(seen.names("db_subnet_groups"), ["main"], "{region}");
        assert_eq!(seen.names("security_groups"), ["main"], "{region}");
        assert_eq!(seen.names("alarms"), ["replication-lag"], "{region}");
        let dimensions = seen
            .at("/alarms/replication-lag/Dimensions")
            .as_array()
            .unwrap()
            .clone();
        let source = dimensions.iter().find(|one| one["Name"] == "SourceRegion").unwrap();
        let other = if region == REGIONS[0] { REGIONS[1] } else { REGIONS[0] };
        assert_eq!(source["Value"], other, "{region}: {dimensions:?}");
    }
    // One secret, read in each region, and its host is where one writes.
    let [first, second] = REGIONS.map(|region| secret(aws, region));
    assert_eq!(first["host"], endpoint);
    assert_eq!(first["replicas"], json!([REGIONS[1]]), "{first}");
    assert_eq!(second["primary"], REGIONS[0], "{second}");
    for field in ["username", "password", "engine", "host", "port", "dbname"] {
        assert_eq!(first[field], second[field], "{field}");
    }
    assert!(outputs["secret"].as_str().unwrap().contains(":us-east-1:"), "{outputs}");
    assert!(
        outputs["second_arn"].as_str().unwrap().contains(":us-east-2:"),
        "{outputs}"
    );
}

/// Nothing is to be done, and nothing has drifted.
fn nothing_to_do(aws: &LocalAws, document: &Value) {
    let before_ms = now_ms();
    let ended = up(document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let resources = ended["resources"].as_object().unwrap();
    assert_eq!(resources.keys().collect::<Vec<_>>(), ["unchanged"], "{ended}");
    let changed: Vec<_> = resource_calls(aws, before_ms)
        .into_iter()
        // Other stacks are at work at the same time.
        .filter(|call| call.mutating && call.parameters.to_string().contains(STACK))
        .map(|call| call.operation)
        .collect();
    assert_eq!(changed, [""; 0]);
    let drift = json_of(&outrigger(aws, &["drift", STACK, "--output", "json"]));
    assert_eq!(drift["drifted"], json!([]), "{drift}");
}

fn destroyed(aws: &LocalAws) {
    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    for region in REGIONS {
        Seen::of(aws, region, STACK).assert_only(&[]);
        assert_eq!(global(aws, region), Value::Null, "{region}");
    }
}

/// The regions of the clusters, in the order in which they were detached.
fn detached(aws: &LocalAws, since_ms: u64) -> Vec<String> {
    resource_calls(aws, since_ms)
        .into_iter()
        .filter(|call| call.operation == "RemoveFromGlobalCluster" && call.status == Some(200))
        .filter(|call| call.parameters["GlobalClusterIdentifier"] == NAME)
        .filter_map(|call| call.region)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_global_database_stands_up_changes_hands_and_leaves_nothing() {
    let aws = shared();
    let document = the_document();
    let file = file_of(&document);
    let path = file.path().to_str().unwrap();

    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    stands(aws, &ended["outputs"]);
    nothing_to_do(aws, &document);

    // The other region writes, since somebody has asked AWS for that: no drift, and nothing to do.
    switch(aws, "switchover_global_cluster", REGIONS[1], REGIONS[0]);
    nothing_to_do(aws, &document);

    // What changes changes in each region, whoever writes.
    let mut changed = document.clone();
    changed["clusters"]["main"]["capacity_acu_max"] = json!(2.0);
    let ended = up(&changed);
    assert_eq!(ended["succeeded"], true, "{ended}");
    for region in REGIONS {
        Seen::of(aws, region, STACK).check(&[(
            "/clusters/main/ServerlessV2ScalingConfiguration/MaxCapacity",
            json!(2.0),
        )]);
    }
    assert_eq!(global(aws, REGIONS[0])["writes"][REGIONS[1]], true);

    // Another version is refused, and says why.
    let mut later = changed.clone();
    later["clusters"]["main"]["version"] = "15.15".into();
    let refused = outrigger(aws, &["plan", file_of(&later).path().to_str().unwrap()]);
    let told = String::from_utf8(refused.stderr).unwrap() + &String::from_utf8(refused.stdout).unwrap();
    assert!(
        !refused.status.success() && told.contains("does not upgrade a global database"),
        "{told}"
    );

    // A secret that waits for its deletion is used again, password and all.
    let before = secret(aws, REGIONS[0]);
    boto3(aws, SCHEDULE, &[REGIONS[0], NAME]);
    let ended = up(&changed);
    assert_eq!(ended["succeeded"], true, "{ended}");
    assert_eq!(secret(aws, REGIONS[0]), before);
    assert_eq!(secret(aws, REGIONS[1])["password"], before["password"]);

    // Down, with the second region writing: the first one's cluster leaves before it.
    let since_ms = now_ms();
    destroyed(aws);
    assert_eq!(detached(aws, since_ms), REGIONS);

    // Again; and after a failover back and forth, the other way round.
    let ended = json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    switch(aws, "failover_global_cluster", REGIONS[1], REGIONS[1]);
    switch(aws, "failover_global_cluster", REGIONS[0], REGIONS[0]);
    nothing_to_do(aws, &document);
    let since_ms = now_ms();
    destroyed(aws);
    assert_eq!(detached(aws, since_ms), [REGIONS[1], REGIONS[0]]);
}
