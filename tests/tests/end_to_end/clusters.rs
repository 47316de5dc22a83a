//! A stack with an Aurora cluster: stood up, changed, and taken down with nothing left.

use serde_json::{Value, json};

use crate::harness::{file_of, json_of, now_ms, outrigger, resource_calls, shared, up};
use crate::seen::Seen;

const STACK: &str = "aurora";
const REGION: &str = "ca-central-1";

fn the_document() -> Value {
    json!({
        "stack": STACK,
        "environment": "production",
        "region": REGION,
        "tags": { "Project": "IoT-Sensor-Processing" },
        "network": { "cidr": "10.0.0.0/16", "zones": 2, "private": {} },
        "clusters": { "main": {
            "engine": "aurora_postgresql",
            "version": "15.4",
            "version_policy": "nearest_minor",
            "capacity_acu_min": 0.5,
            "capacity_acu_max": 1.0,
            "instances": 2,
            "data_api": true,
            "database": "iotdb",
            "user": "iotadmin",
            "log_exports": ["postgresql"],
            "deletion_protection": false,
            "final_snapshot": false,
            "rotation": { "every_days": 30 },
        } },
        "alarms": { "capacity": {
            "component": "clusters.main",
            "metric": "ACUUtilization",
            "statistic": "average",
            "comparison": "greater_than",
            "threshold": 90,
            "periods": 2,
            "period_seconds": 300,
        } },
        "outputs": {
            "aurora_endpoint": "clusters.main.endpoint",
            "aurora_reader_endpoint": "clusters.main.reader_endpoint",
            "port": "clusters.main.port",
            "arn": "clusters.main.arn",
            "engine_version": "clusters.main.engine_version",
            "secrets_manager_secret_arn": "clusters.main.secret_arn",
            "subnet_group": "clusters.main.subnet_group_name",
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_stands_up_changes_and_leaves_nothing() {
    let aws = shared();
    let mut document = the_document();

    // What is not done yet is told, to people and to programs.
    let file = file_of(&document);
    let path = file.path().to_str().unwrap();
    let planned = outrigger(aws, &["plan", path]);
    let text = String::from_utf8(planned.stdout).unwrap();
    assert!(
        text.contains("\nnot yet: rotation of clusters.main (every 30 days)\n"),
        "{text}\n{}",
        String::from_utf8_lossy(&planned.stderr)
    );
    let planned = json_of(&outrigger(aws, &["plan", path, "--output", "json"]));
    assert_eq!(planned["not_yet"][0]["property"], "clusters.main.rotation", "{planned}");

    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let seen = Seen::of(aws, REGION, STACK);
    stands(&seen);
    outputs(&seen, &ended["outputs"]);

    // Once more there is nothing to do, and nothing is called that changes anything.
    let before_ms = now_ms();
    assert_eq!(up(&document)["succeeded"], true);
    let changed: Vec<_> = resource_calls(aws, before_ms)
        .into_iter()
        // Other stacks are at work at the same time.
        .filter(|call| call.mutating && call.parameters.to_string().contains(STACK))
        .map(|call| call.operation)
        .collect();
    assert_eq!(changed, [""; 0]);

    // In place, with an instance more and then two fewer.
    let cluster = &mut document["clusters"]["main"];
    cluster["version"] = "15.15".into();
    cluster["capacity_acu_max"] = json!(4);
    cluster["instances"] = json!(3);
    cluster["data_api"] = json!(false);
    cluster["port"] = json!(5433);
    cluster["backups"] = json!({ "retention_days": 14, "window": "01:00-02:00" });
    cluster["maintenance_window"] = "tue:05:00-tue:06:00".into();
    cluster["minor_upgrades"] = json!(false);
    cluster["log_exports"] = json!([]);
    cluster["tags"] = json!({ "Owner": "ada" });
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let changed = Seen::of(aws, REGION, STACK);
    changed.check(&[
        ("/clusters/main/EngineVersion", json!("15.15")),
        (
            "/clusters/main/ServerlessV2ScalingConfiguration/MaxCapacity",
            json!(4.0),
        ),
        ("/clusters/main/HttpEndpointEnabled", json!(false)),
        ("/clusters/main/Port", json!(5433)),
        ("/clusters/main/BackupRetentionPeriod", json!(14)),
        ("/clusters/main/PreferredBackupWindow", json!("01:00-02:00")),
        (
            "/clusters/main/PreferredMaintenanceWindow",
            json!("tue:05:00-tue:06:00"),
        ),
        ("/clusters/main/AutoMinorVersionUpgrade", json!(false)),
        ("/clusters/main/EnabledCloudwatchLogsExports", Value::Null),
        ("/clusters/main/tags/Owner", json!("ada")),
        ("/databases/main-2/AutoMinorVersionUpgrade", json!(false)),
        (
            "/databases/main-2/PreferredMaintenanceWindow",
            json!("tue:05:00-tue:06:00"),
        ),
        ("/databases/main-2/EngineVersion", json!("15.15")),
        ("/databases/main-2/tags/Owner", json!("ada")),
        ("/databases/main-3/AvailabilityZone", json!(format!("{REGION}a"))),
        ("/security_groups/main/IpPermissions/0/FromPort", json!(5433)),
        ("/secrets/main/value/port", json!(5433)),
    ]);
    assert_eq!(changed.names("log_groups"), [""; 0]);
    for volatile in ["DbClusterResourceId", "ClusterCreateTime", "Endpoint"] {
        let pointer = format!("/clusters/main/{volatile}");
        assert_eq!(changed.at(&pointer), seen.at(&pointer), "it is another cluster");
    }

    document["clusters"]["main"]["instances"] = json!(1);
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let smaller = Seen::of(aws, REGION, STACK);
    assert_eq!(smaller.names("databases"), ["main-1"]);
    assert_eq!(
        smaller.at("/clusters/main/DbClusterResourceId"),
        seen.at("/clusters/main/DbClusterResourceId")
    );

    // What forgets the cluster's data is refused, unless it is allowed.
    let mut other = document.clone();
    other["clusters"]["main"]["database"] = "other".into();
    let file = file_of(&other);
    let refused = outrigger(aws, &["up", file.path().to_str().unwrap(), "--yes"]);
    let text = String::from_utf8(refused.stderr).unwrap();
    for words in ["db-cluster/main.database", "allow_replace: true"] {
        assert!(text.contains(words), "{words} is missing:\n{text}");
    }

    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    Seen::of(aws, REGION, STACK).assert_only(&[]);
}

fn stands(seen: &Seen) {
    assert_eq!(seen.names("clusters"), ["main"]);
    assert_eq!(seen.names("databases"), ["main-1", "main-2"]);
    assert_eq!(seen.names("log_groups"), ["/aws/rds/cluster/main/postgresql"]);
    assert_eq!(seen.names("secrets"), ["main"]);
    assert_eq!(seen.names("db_subnet_groups"), ["main"]);
    seen.check(&[
        ("/clusters/main/Engine", json!("aurora-postgresql")),
        ("/clusters/main/EngineVersion", json!("15.10")),
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
        ("/clusters/main/BackupRetentionPeriod", json!(7)),
        ("/clusters/main/DBSubnetGroup", json!("aurora-production-main")),
        (
            "/clusters/main/VpcSecurityGroups/0/VpcSecurityGroupId",
            seen.at("/security_groups/main/GroupId").clone(),
        ),
        ("/clusters/main/EnabledCloudwatchLogsExports", json!(["postgresql"])),
        ("/clusters/main/tags/Name", json!("aurora-production-main")),
        ("/clusters/main/tags/Project", json!("IoT-Sensor-Processing")),
        (
            "/clusters/main/tags/outrigger:resource",
            json!(format!("{REGION}/db-cluster/main")),
        ),
        ("/databases/main-1/DBInstanceClass", json!("db.serverless")),
        ("/databases/main-1/DBInstanceStatus", json!("available")),
        ("/databases/main-1/PubliclyAccessible", json!(false)),
        ("/databases/main-1/StorageEncrypted", json!(true)),
        ("/databases/main-1/AvailabilityZone", json!(format!("{REGION}a"))),
        ("/databases/main-2/AvailabilityZone", json!(format!("{REGION}b"))),
        ("/databases/main-2/DBClusterIdentifier", json!("aurora-production-main")),
        (
            "/databases/main-2/tags/outrigger:resource",
            json!(format!("{REGION}/db-cluster-instance/main-2")),
        ),
        ("/secrets/main/value/username", json!("iotadmin")),
        ("/secrets/main/value/dbname", json!("iotdb")),
        ("/secrets/main/value/engine", json!("postgres")),
        ("/secrets/main/value/host", seen.at("/clusters/main/Endpoint").clone()),
        ("/secrets/main/value/port", json!(5432)),
        ("/alarms/capacity/Namespace", json!("AWS/RDS")),
        (
            "/alarms/capacity/Dimensions",
            json!([{"Name": "DBClusterIdentifier", "Value": "aurora-production-main"}]),
        ),
    ]);
}

fn outputs(seen: &Seen, outputs: &Value) {
    let of = |pointer: &str| seen.at(pointer).clone();
    assert_eq!(
        *outputs,
        json!({
            "aurora_endpoint": of("/clusters/main/Endpoint"),
            "aurora_reader_endpoint": of("/clusters/main/ReaderEndpoint"),
            "port": "5432",
            "arn": of("/clusters/main/DBClusterArn"),
            "engine_version": "15.10",
            "secrets_manager_secret_arn": of("/secrets/main/ARN"),
            "subnet_group": "aurora-production-main",
        })
    );
    assert_ne!(outputs["aurora_endpoint"], outputs["aurora_reader_endpoint"]);
}
