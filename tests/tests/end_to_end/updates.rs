//! Stacks that stand and whose documents change: each change as AWS shows it, and what is refused instead.

use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{document_of, file_of, json_of, now_ms, outrigger, resource_calls, shared};
use crate::seen::Seen;

const STACK: &str = "updated";
const REGION: &str = "us-east-1";
const NOTHING: Value = Value::Null;

/// A document that changes, and the stack that follows it.
struct Changing<'a> {
    aws: &'a LocalAws,
    document: Value,
}

impl Changing<'_> {
    /// Sets values by their JSON pointers; `null` takes one away.
    fn edit(&mut self, edits: &[(&str, Value)]) {
        for (pointer, value) in edits {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = self.document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            match value {
                Value::Null => drop(parent.remove(name)),
                value => drop(parent.insert(name.to_owned(), value.clone())),
            }
        }
    }

    /// `outrigger up` with the document as it is by now; how it ended.
    fn up(&self) -> Value {
        let file = file_of(&self.document);
        let path = file.path().to_str().unwrap();
        let ended = json_of(&outrigger(self.aws, &["up", path, "--yes", "--output", "json"]));
        assert_eq!(ended["succeeded"], true, "{ended}");
        ended
    }

    /// Edits, runs `up`, and holds what AWS shows against a table.
    fn change(&mut self, edits: &[(&str, Value)], wanted: &[(&str, Value)]) -> Seen {
        self.edit(edits);
        self.up();
        let seen = Seen::of(self.aws, REGION, self.document["stack"].as_str().unwrap());
        seen.check(wanted);
        seen
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_follows_its_document_change_by_change() {
    let aws = shared();
    let mut stack = Changing {
        aws,
        document: document_of(STACK),
    };
    let before = stack.change(&[], &[]);
    let in_place = stack.change(&in_place().0, &in_place().1);
    assert_eq!(in_place.names("streams"), ["other", "stream"]);
    let restarted = stack.change(&with_restarts().0, &with_restarts().1);
    assert_eq!(restarted.names("alarms").len(), 5, "{:?}", restarted.names("alarms"));
    let seen = stack.change(&back_and_on().0, &back_and_on().1);
    assert_eq!(seen.names("alarms"), before.names("alarms"));
    assert_eq!(seen.names("subnets"), before.names("subnets"));
    assert_eq!(seen.names("streams"), ["stream"]);
    assert_eq!(seen.names("log_groups"), ["/aws/rds/instance/database/upgrade"]);
    assert_eq!(seen.names("roles"), [] as [&str; 0]);
    // Nothing was replaced on the way.
    for same in [
        "/vpcs/vpc/VpcId",
        "/security_groups/database/GroupId",
        "/databases/database/InstanceCreateTime",
        "/databases/database/DbiResourceId",
        "/caches/cache/ReplicationGroupCreateTime",
        "/streams/stream/StreamCreationTimestamp",
        "/secrets/database/ARN",
    ] {
        assert_eq!(seen.at(same), before.at(same), "{same}");
    }
    in_window(&mut stack);
    refused(&mut stack);

    let destroyed = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(destroyed["succeeded"], true, "{destroyed}");
    Seen::of(aws, REGION, STACK).assert_only(&[]);
}

type Table = Vec<(&'static str, Value)>;

/// What is changed while everything goes on working.
fn in_place() -> (Table, Table) {
    let edits = vec![
        ("/tags", json!({"Environment": "changed", "Team": "data"})),
        ("/network/zones", json!(3)),
        ("/alarms/database-cpu/threshold", json!(90)),
        (
            "/databases/database/backups",
            json!({"retention_days": 14, "window": "01:00-02:00"}),
        ),
        ("/databases/database/maintenance_window", json!("tue:05:00-tue:06:00")),
        ("/databases/database/minor_upgrades", json!(false)),
        ("/databases/database/storage_gib", json!(40)),
        ("/databases/database/storage_gib_max", json!(200)),
        ("/databases/database/storage_type", json!("gp3")),
        ("/databases/database/monitoring_interval_seconds", json!(60)),
        ("/databases/database/log_exports", json!(["postgresql"])),
        ("/databases/database/tags", json!({"Owner": "ada"})),
        ("/streams/stream/shards", json!(5)),
        ("/streams/stream/retention_hours", json!(48)),
        (
            "/streams/stream/shard_metrics",
            json!(["IncomingBytes", "ReadProvisionedThroughputExceeded"]),
        ),
        ("/streams/other", json!({"shards": 1})),
    ];
    let wanted = vec![
        ("/vpcs/vpc/tags/Environment", json!("changed")),
        ("/vpcs/vpc/tags/Team", json!("data")),
        ("/subnets/private-1/tags/Team", json!("data")),
        ("/security_groups/cache/tags/Team", json!("data")),
        ("/databases/database/tags/Environment", json!("changed")),
        ("/databases/database/tags/Owner", json!("ada")),
        ("/caches/cache/tags/Team", json!("data")),
        ("/streams/stream/tags/Team", json!("data")),
        ("/secrets/database/tags/Team", json!("data")),
        ("/alarms/stream-idle/tags/Team", json!("data")),
        ("/alarms/database-cpu/Threshold", json!(90.0)),
        ("/alarms/cache-cpu-1/Threshold", json!(75.0)),
        ("/subnets/public-3/AvailabilityZone", json!("us-east-1c")),
        ("/subnets/private-3/CidrBlock", json!("10.0.12.0/24")),
        (
            "/db_subnet_groups/database/zones",
            json!(["us-east-1a", "us-east-1b", "us-east-1c"]),
        ),
        (
            "/cache_subnet_groups/cache/zones",
            json!(["us-east-1a", "us-east-1b", "us-east-1c"]),
        ),
        ("/databases/database/BackupRetentionPeriod", json!(14)),
        ("/databases/database/PreferredBackupWindow", json!("01:00-02:00")),
        (
            "/databases/database/PreferredMaintenanceWindow",
            json!("tue:05:00-tue:06:00"),
        ),
        ("/databases/database/AutoMinorVersionUpgrade", json!(false)),
        ("/databases/database/AllocatedStorage", json!(40)),
        ("/databases/database/MaxAllocatedStorage", json!(200)),
        ("/databases/database/StorageType", json!("gp3")),
        ("/databases/database/MonitoringInterval", json!(60)),
        (
            "/databases/database/EnabledCloudwatchLogsExports",
            json!(["postgresql"]),
        ),
        ("/databases/database/DBInstanceStatus", json!("available")),
        (
            "/log_groups/~1aws~1rds~1instance~1database~1postgresql/tags/Team",
            json!("data"),
        ),
        ("/streams/stream/OpenShardCount", json!(5)),
        ("/streams/stream/RetentionPeriodHours", json!(48)),
        (
            "/streams/stream/metrics",
            json!(["IncomingBytes", "ReadProvisionedThroughputExceeded"]),
        ),
        ("/streams/other/OpenShardCount", json!(1)),
    ];
    (edits, wanted)
}

/// What restarts, and what comes with it.
fn with_restarts() -> (Table, Table) {
    let edits = vec![
        ("/databases/database/class", json!("db.t3.small")),
        ("/databases/database/multi_az", json!(false)),
        (
            "/databases/database/parameters",
            json!({"shared_preload_libraries": "pg_stat_statements", "log_statement": "ddl"}),
        ),
        ("/caches/cache/node_type", json!("cache.t3.small")),
        ("/caches/cache/nodes", json!(3)),
    ];
    let wanted = vec![
        ("/databases/database/DBInstanceClass", json!("db.t3.small")),
        ("/databases/database/MultiAZ", json!(false)),
        (
            "/parameter_groups/database-postgres15/parameters",
            json!({"shared_preload_libraries": "pg_stat_statements", "log_statement": "ddl"}),
        ),
        (
            "/databases/database/DBParameterGroups/0",
            json!({"DBParameterGroupName": "updated-production-database-postgres15", "ParameterApplyStatus": "in-sync"}),
        ),
        ("/databases/database/DBInstanceStatus", json!("available")),
        ("/caches/cache/CacheNodeType", json!("cache.t3.small")),
        ("/caches/cache/MemberClusters/2", json!("updated-production-cache-003")),
        (
            "/alarms/cache-cpu-3/Dimensions/0/Value",
            json!("updated-production-cache-003"),
        ),
    ];
    (edits, wanted)
}

/// Some of it taken back, some of it changed further: another port, so other rules and another secret.
fn back_and_on() -> (Table, Table) {
    let edits = vec![
        ("/network/zones", json!(2)),
        ("/databases/database/port", json!(5433)),
        (
            "/databases/database/parameters",
            json!({"max_connections": 200, "log_statement": "all"}),
        ),
        ("/databases/database/monitoring_interval_seconds", json!(0)),
        ("/databases/database/log_exports", json!(["upgrade"])),
        ("/caches/cache/nodes", json!(2)),
        ("/streams/stream/shards", json!(4)),
        ("/streams/other", NOTHING),
        ("/tags/Team", json!("platform")),
        ("/databases/database/tags", NOTHING),
    ];
    let wanted = vec![
        ("/databases/database/Endpoint/Port", json!(5433)),
        ("/security_groups/database/IpPermissions/0/FromPort", json!(5433)),
        ("/security_groups/database/IpPermissions/0/ToPort", json!(5433)),
        ("/security_groups/database/IpPermissions/1", NOTHING),
        ("/secrets/database/value/port", json!(5433)),
        ("/secrets/database/value/username", json!("dbadmin")),
        ("/secrets/database/value/host", json!("localhost")),
        (
            "/parameter_groups/database-postgres15/parameters",
            json!({"max_connections": "200", "log_statement": "all"}),
        ),
        (
            "/databases/database/DBParameterGroups/0/ParameterApplyStatus",
            json!("in-sync"),
        ),
        ("/databases/database/MonitoringInterval", json!(0)),
        ("/databases/database/EnabledCloudwatchLogsExports", json!(["upgrade"])),
        ("/db_subnet_groups/database/zones", json!(["us-east-1a", "us-east-1b"])),
        ("/cache_subnet_groups/cache/zones", json!(["us-east-1a", "us-east-1b"])),
        (
            "/caches/cache/MemberClusters",
            json!(["updated-production-cache-001", "updated-production-cache-002"]),
        ),
        ("/streams/stream/OpenShardCount", json!(4)),
        ("/streams/stream/tags/Team", json!("platform")),
        ("/databases/database/tags/Team", json!("platform")),
        ("/databases/database/tags/Owner", NOTHING),
        ("/vpcs/vpc/tags/Team", json!("platform")),
    ];
    (edits, wanted)
}

/// What waits for the maintenance window says so, until it is brought forward.
fn in_window(stack: &mut Changing<'_>) {
    stack.edit(&[
        ("/databases/database/apply", json!("in_window")),
        ("/databases/database/class", json!("db.t3.medium")),
    ]);
    let ended = stack.up();
    let key = "us-east-1/db-instance/database";
    assert_eq!(ended["pending_window"], json!({key: ["class"]}), "{ended}");
    let status = outrigger(stack.aws, &["status", STACK]);
    let text = String::from_utf8(status.stdout).unwrap();
    let line = text.lines().find(|line| line.contains(key)).unwrap();
    assert!(line.contains("pending window"), "{text}");
    assert!(line.contains("class will change in the maintenance window"), "{text}");
    Seen::of(stack.aws, REGION, STACK).check(&[
        ("/databases/database/DBInstanceClass", json!("db.t3.small")),
        (
            "/databases/database/PendingModifiedValues/DBInstanceClass",
            json!("db.t3.medium"),
        ),
    ]);
    // The same once more: it waits still, and is not asked for again.
    let before_ms = now_ms();
    assert_eq!(stack.up()["pending_window"], json!({key: ["class"]}));
    let calls = resource_calls(stack.aws, before_ms);
    let modified = calls.iter().filter(|call| call.operation == "ModifyDBInstance");
    let ours = modified.filter(|call| call.parameters.to_string().contains("updated-production"));
    assert_eq!(ours.count(), 0);

    stack.edit(&[("/databases/database/apply", json!("now"))]);
    assert_eq!(stack.up()["pending_window"], json!({}));
    Seen::of(stack.aws, REGION, STACK).check(&[
        ("/databases/database/DBInstanceClass", json!("db.t3.medium")),
        ("/databases/database/PendingModifiedValues/DBInstanceClass", NOTHING),
    ]);
}

/// Everything that stands in the way of a document is told at once, and nothing is touched.
fn refused(stack: &mut Changing<'_>) {
    let stands = stack.document.clone();
    let mut large = stands["databases"]["database"].clone();
    large["storage_gib"] = json!(60_000);
    large["storage_gib_max"] = NOTHING;
    stack.edit(&[
        ("/databases/database/storage_gib", json!(41)),
        ("/databases/database/user", json!("other")),
        ("/databases/database/parameters", json!({"no_such_parameter": 1})),
        ("/caches/cache/version", json!("7.99")),
        ("/caches/cache/version_policy", json!("exact")),
        ("/databases/large", large.clone()),
        ("/databases/larger", large),
    ]);
    let before_ms = now_ms();
    refuse(
        stack,
        &[
            "RDS grows storage by at least 10 %: it is 40 GiB; expected 44 or more",
            "us-east-1/db-instance/database.storage_gib",
            "us-east-1/db-instance/database.user",
            "allow_replace: true",
            "no_such_parameter",
            "caches.cache.version",
            "quotas.",
            "more are needed in us-east-1",
        ],
    );
    // A new stack: nothing of it is made.
    stack.edit(&[
        ("/stack", json!("refused")),
        ("/databases/database/version", json!("15.99")),
        ("/databases/database/version_policy", json!("exact")),
    ]);
    refuse(
        stack,
        &[
            "databases.database.version",
            "no_such_parameter",
            "caches.cache.version",
            "quotas.",
        ],
    );
    Seen::of(stack.aws, REGION, "refused").assert_only(&[]);
    let calls = resource_calls(stack.aws, before_ms);
    let of_these = |name: &str| {
        ["updated", "refused"]
            .iter()
            .any(|stack| name.contains(&format!("{stack}-production")))
    };
    let changed: Vec<_> = calls
        .iter()
        .filter(|call| call.mutating && of_these(&call.parameters.to_string()))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    stack.document = stands;
}

/// `plan` and `up` are refused with the same reasons.
fn refuse(stack: &Changing<'_>, words: &[&str]) {
    let file = file_of(&stack.document);
    let path = file.path().to_str().unwrap();
    for arguments in [&["plan", path] as &[&str], &["up", path, "--yes"]] {
        let refused = outrigger(stack.aws, arguments);
        let text = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{text}");
        let missing: Vec<&&str> = words.iter().filter(|words| !text.contains(**words)).collect();
        assert!(missing.is_empty(), "{arguments:?}: {missing:?} are missing:\n{text}");
    }
}

/// A VPC's range cannot be changed: another VPC takes its place, with everything in it; what is not in it stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_replaced_and_nothing_of_it_is_left() {
    let aws = shared();
    let name = "moved";
    let mut stack = Changing {
        aws,
        document: json!({
            "stack": name, "environment": "production", "region": REGION,
            "network": {"cidr": "10.0.0.0/16", "zones": 2, "public": {}, "private": {}},
            "streams": {"stream": {"shards": 1}},
            "outputs": {"vpc_id": "network.vpc_id"},
        }),
    };
    let before = stack.change(&[], &[("/vpcs/vpc/CidrBlock", json!("10.0.0.0/16"))]);
    let after = stack.change(
        &[("/network/cidr", json!("10.1.0.0/16"))],
        &[
            ("/vpcs/vpc/CidrBlock", json!("10.1.0.0/16")),
            ("/vpcs/vpc/gateways", json!(1)),
            ("/subnets/public-1/CidrBlock", json!("10.1.0.0/24")),
            ("/subnets/private-2/CidrBlock", json!("10.1.11.0/24")),
            (
                "/streams/stream/StreamCreationTimestamp",
                before.at("/streams/stream/StreamCreationTimestamp").clone(),
            ),
        ],
    );
    for kind in ["vpcs", "subnets", "internet_gateways", "route_tables", "streams"] {
        assert_eq!(after.names(kind), before.names(kind));
    }
    let vpc = after.text("/vpcs/vpc/VpcId");
    assert_ne!(vpc, before.text("/vpcs/vpc/VpcId"));
    for kind in ["subnets", "route_tables"] {
        for resource in after.names(kind) {
            assert_eq!(
                after.text(&format!("/{kind}/{resource}/VpcId")),
                vpc,
                "{kind}/{resource}"
            );
        }
    }
    let outputs = json_of(&outrigger(aws, &["outputs", name, "--output", "json"]));
    assert_eq!(outputs, json!({"vpc_id": vpc}));

    let destroyed = json_of(&outrigger(aws, &["destroy", name, "--yes", "--output", "json"]));
    assert_eq!(destroyed["succeeded"], true, "{destroyed}");
    Seen::of(aws, REGION, name).assert_only(&[]);
}
