//! The reference stack `postgres-ha`, value by value, as AWS shows it; how it is protected, and what it leaves behind.

use outrigger_model::document;
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{json_of, outrigger, shared, up};
use crate::seen::Seen;

const STACK: &str = "pg-ha";
const REGION: &str = "us-west-2";

#[tokio::test(flavor = "multi_thread")]
async fn postgres_ha_stands_up_protected_and_leaves_its_snapshot_behind() {
    let aws = shared();
    let mut document = document::from_text(include_str!("../../../stacks/postgres-ha.yaml")).unwrap();
    document["stack"] = STACK.into();
    let destroy = || outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]);

    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let seen = Seen::of(aws, REGION, STACK);
    network(&seen);
    beside_the_database(&seen);
    database(&seen);
    version(aws, &seen).await;
    outputs(&seen, &ended["outputs"]);

    // Protected: nothing is started, and it is said how that is switched off.
    let refused = destroy();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    for words in [
        "us-west-2/db-instance/database",
        "deletion_protection: false",
        "outrigger up",
    ] {
        assert!(text.contains(words), "{words} is missing:\n{text}");
    }
    document["databases"]["database"]["deletion_protection"] = false.into();
    let ended = up(&document);
    assert_eq!(ended["resources"]["updated"], 1, "{ended}");
    Seen::of(aws, REGION, STACK).check(&[("/databases/database/DeletionProtection", json!(false))]);

    let ended = json_of(&destroy());
    let first = format!("{STACK}-production-database-final-snapshot");
    assert_eq!(ended["kept"], json!([first]), "{ended}");
    let seen = Seen::of(aws, REGION, STACK);
    seen.assert_only(&["snapshots/database-final-snapshot".to_owned()]);
    seen.check(&[
        ("/snapshots/database-final-snapshot/Status", json!("available")),
        ("/snapshots/database-final-snapshot/Engine", json!("postgres")),
    ]);

    // Once more: the snapshot's name is taken, the next one has another, which is told.
    assert_eq!(up(&document)["succeeded"], true);
    let ended = json_of(&destroy());
    let second = ended["kept"][0].as_str().unwrap();
    assert_ne!(second, first);
    let short = second.strip_prefix(&format!("{STACK}-production-")).unwrap();
    let mut kept = vec![
        "snapshots/database-final-snapshot".to_owned(),
        format!("snapshots/{short}"),
    ];
    kept.sort();
    Seen::of(aws, REGION, STACK).assert_only(&kept);
}

fn network(seen: &Seen) {
    for (kind, names) in [
        ("vpcs", &["vpc"] as &[&str]),
        ("subnets", &["private-1", "private-2", "private-3"]),
        ("route_tables", &["private"]),
        ("internet_gateways", &[]),
        ("nat_gateways", &[]),
        ("security_groups", &["database"]),
        ("caches", &[]),
        ("streams", &[]),
        ("alarms", &[]),
    ] {
        assert_eq!(seen.names(kind), names, "{kind}");
    }
    let vpc = seen.at("/vpcs/vpc/VpcId");
    let zone = |number: u32| json!(format!("us-west-2{}", ["a", "b", "c"][number as usize - 1]));
    seen.check(&[
        ("/vpcs/vpc/CidrBlock", json!("10.0.0.0/16")),
        ("/vpcs/vpc/enableDnsSupport", json!(true)),
        ("/vpcs/vpc/enableDnsHostnames", json!(true)),
        ("/vpcs/vpc/gateways", json!(0)),
        ("/subnets/private-1/CidrBlock", json!("10.0.10.0/24")),
        ("/subnets/private-2/CidrBlock", json!("10.0.11.0/24")),
        ("/subnets/private-3/CidrBlock", json!("10.0.12.0/24")),
        ("/subnets/private-1/AvailabilityZone", zone(1)),
        ("/subnets/private-2/AvailabilityZone", zone(2)),
        ("/subnets/private-3/AvailabilityZone", zone(3)),
        ("/security_groups/database/VpcId", vpc.clone()),
    ]);
    for number in 1..=3 {
        let subnet = format!("/subnets/private-{number}");
        seen.check(&[
            (&format!("{subnet}/VpcId"), vpc.clone()),
            (&format!("{subnet}/MapPublicIpOnLaunch"), json!(false)),
            (&format!("{subnet}/tags/Type"), json!("private")),
        ]);
    }
    // Its only way is within the VPC.
    let routes = seen.at("/route_tables/private/Routes").as_array().unwrap();
    let ways: Vec<&Value> = routes.iter().map(|route| &route["GatewayId"]).collect();
    assert_eq!(ways, ["local"]);
    let associations = seen.at("/route_tables/private/Associations").as_array().unwrap();
    assert_eq!(associations.len(), 3, "{associations:?}");

    seen.check(&[
        ("/security_groups/database/IpPermissions/0/IpProtocol", json!("tcp")),
        ("/security_groups/database/IpPermissions/0/FromPort", json!(5432)),
        ("/security_groups/database/IpPermissions/0/ToPort", json!(5432)),
        (
            "/security_groups/database/IpPermissions/0/IpRanges",
            json!([{"CidrIp": "10.0.0.0/16", "Description": "postgresql from within the VPC"}]),
        ),
        ("/security_groups/database/IpPermissions/1", Value::Null),
        (
            "/security_groups/database/IpPermissionsEgress/0/IpProtocol",
            json!("-1"),
        ),
        (
            "/security_groups/database/IpPermissionsEgress/0/IpRanges/0/CidrIp",
            json!("0.0.0.0/0"),
        ),
        ("/security_groups/database/IpPermissionsEgress/1", Value::Null),
    ]);
}

/// The role, the groups, the logs and the secret.
fn beside_the_database(seen: &Seen) {
    let names = seen.names("roles");
    let [role] = names.as_slice() else { panic!("{names:?}") };
    let role = format!("/roles/{role}");
    let trust = format!("{role}/AssumeRolePolicyDocument/Statement");
    let trust = match seen.at(&trust) {
        Value::Array(statements) => statements[0].clone(),
        one => one.clone(),
    };
    assert_eq!(
        trust["Principal"],
        json!({"Service": "monitoring.rds.amazonaws.com"}),
        "{trust}"
    );
    assert_eq!(trust["Action"], "sts:AssumeRole", "{trust}");
    assert_eq!(trust["Effect"], "Allow", "{trust}");
    seen.check(&[
        (&format!("{role}/Path"), json!("/outrigger/")),
        (
            &format!("{role}/policies"),
            json!(["arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"]),
        ),
        (&format!("{role}/inline"), json!([])),
        (&format!("{role}/tags/outrigger:stack"), json!(STACK)),
        (
            "/databases/database/MonitoringRoleArn",
            seen.at(&format!("{role}/Arn")).clone(),
        ),
    ]);
    let boundary = seen.text(&format!("{role}/PermissionsBoundary/PermissionsBoundaryArn"));
    assert!(boundary.contains(":policy/outrigger"), "{boundary}");

    assert_eq!(seen.names("parameter_groups"), ["database-postgres15"]);
    assert_eq!(seen.names("db_subnet_groups"), ["database"]);
    assert_eq!(seen.names("log_groups"), ["/aws/rds/instance/database/postgresql"]);
    assert_eq!(seen.names("secrets"), ["database"]);
    seen.check(&[
        (
            "/parameter_groups/database-postgres15/DBParameterGroupFamily",
            json!("postgres15"),
        ),
        (
            "/parameter_groups/database-postgres15/parameters",
            json!({"shared_preload_libraries": "pg_stat_statements", "log_statement": "all"}),
        ),
        ("/db_subnet_groups/database/VpcId", seen.at("/vpcs/vpc/VpcId").clone()),
        (
            "/db_subnet_groups/database/zones",
            json!(["us-west-2a", "us-west-2b", "us-west-2c"]),
        ),
        (
            "/log_groups/~1aws~1rds~1instance~1database~1postgresql/tags/outrigger:stack",
            json!(STACK),
        ),
        ("/secrets/database/value/username", json!("postgres")),
        ("/secrets/database/value/engine", json!("postgres")),
        ("/secrets/database/value/dbname", json!("appdb")),
        (
            "/secrets/database/value/host",
            seen.at("/databases/database/Endpoint/Address").clone(),
        ),
        (
            "/secrets/database/value/port",
            seen.at("/databases/database/Endpoint/Port").clone(),
        ),
    ]);
    assert!(seen.at("/secrets/database/value/password").as_u64() >= Some(32));
}

fn database(seen: &Seen) {
    let group = seen.at("/parameter_groups/database-postgres15/DBParameterGroupName");
    seen.check(&[
        ("/databases/database/DBInstanceStatus", json!("available")),
        ("/databases/database/Engine", json!("postgres")),
        ("/databases/database/DBInstanceClass", json!("db.t3.medium")),
        ("/databases/database/MultiAZ", json!(true)),
        ("/databases/database/StorageType", json!("gp3")),
        ("/databases/database/StorageEncrypted", json!(true)),
        ("/databases/database/AllocatedStorage", json!(100)),
        ("/databases/database/MaxAllocatedStorage", json!(1000)),
        ("/databases/database/PubliclyAccessible", json!(false)),
        ("/databases/database/DBName", json!("appdb")),
        ("/databases/database/MasterUsername", json!("postgres")),
        ("/databases/database/Endpoint/Port", json!(5432)),
        ("/databases/database/BackupRetentionPeriod", json!(7)),
        ("/databases/database/PreferredBackupWindow", json!("03:00-04:00")),
        (
            "/databases/database/PreferredMaintenanceWindow",
            json!("sun:04:00-sun:05:00"),
        ),
        ("/databases/database/AutoMinorVersionUpgrade", json!(true)),
        ("/databases/database/MonitoringInterval", json!(60)),
        (
            "/databases/database/EnabledCloudwatchLogsExports",
            json!(["postgresql"]),
        ),
        ("/databases/database/DeletionProtection", json!(true)),
        (
            "/databases/database/DBParameterGroups/0/DBParameterGroupName",
            group.clone(),
        ),
        (
            "/databases/database/DBParameterGroups/0/ParameterApplyStatus",
            json!("in-sync"),
        ),
        (
            "/databases/database/DBSubnetGroup/DBSubnetGroupName",
            seen.at("/db_subnet_groups/database/DBSubnetGroupName").clone(),
        ),
        (
            "/databases/database/VpcSecurityGroups/0/VpcSecurityGroupId",
            seen.at("/security_groups/database/GroupId").clone(),
        ),
        ("/databases/database/VpcSecurityGroups/1", Value::Null),
        ("/databases/database/tags/BackupRetention", json!("7days")),
        ("/databases/database/tags/MultiAZ", json!("true")),
        ("/databases/database/tags/Name", json!("pg-ha-production-database")),
        ("/databases/database/tags/outrigger:stack", json!(STACK)),
        ("/databases/database/tags/outrigger:environment", json!("production")),
        (
            "/databases/database/tags/outrigger:resource",
            json!("us-west-2/db-instance/database"),
        ),
    ]);
}

/// The minor version that the document names, or else the next one that AWS offers.
async fn version(aws: &LocalAws, seen: &Seen) {
    let offered = aws_sdk_rds::Client::new(&aws.sdk_config(REGION))
        .describe_db_engine_versions()
        .engine("postgres")
        .engine_version("15")
        .send()
        .await
        .unwrap();
    let minor = |version: &str| version.strip_prefix("15.").and_then(|minor| minor.parse::<u32>().ok());
    let versions = offered.db_engine_versions().iter();
    let minors = versions.filter_map(|it| minor(it.engine_version()?));
    let nearest = minors.filter(|minor| *minor >= 4).min();
    assert!(nearest.is_some());
    assert_eq!(minor(seen.text("/databases/database/EngineVersion")), nearest);
}

fn outputs(seen: &Seen, outputs: &Value) {
    let text = |pointer: &str| match seen.at(pointer) {
        Value::String(text) => json!(text),
        other => json!(other.to_string()),
    };
    let wanted = json!({
        "rds_endpoint": text("/databases/database/Endpoint/Address"),
        "rds_port": "5432",
        "rds_availability_zone": text("/databases/database/AvailabilityZone"),
        "rds_multi_az": "true",
        "vpc_id": text("/vpcs/vpc/VpcId"),
        "db_subnet_group_name": text("/db_subnet_groups/database/DBSubnetGroupName"),
    });
    assert_eq!(outputs, &wanted);
}
