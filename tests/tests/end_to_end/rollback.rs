//! A resource that cannot be created, for good: the stack goes back to what it was, or is kept to be gone on with.

use outrigger_tests::{LocalAws, start_with_control_plane};
use serde_json::{Value, json};

use crate::everything::{Inventory, everything_of};
use crate::harness::{file_of, json_of, outrigger};

/// What AWS refuses, by stack: always, or each how many-th call.
const REFUSED: [(&str, &str, &str, (&str, i64)); 4] = [
    ("first", "ec2", "CreateVpc", ("times", -1)),
    // The second subnet, and the last.
    ("middle", "ec2", "CreateSubnet", ("every", 2)),
    ("database", "rds", "CreateDBInstance", ("times", -1)),
    ("last", "cloudwatch", "PutMetricAlarm", ("every", 4)),
];
const REASON: &str = "not today";

fn refuse(aws: &LocalAws, service: &str, operation: &str, (rule, number): (&str, i64)) {
    let mut fail =
        json!({ "service": service, "operation": operation, "code": "InvalidParameterValue", "message": REASON });
    fail[rule] = json!(number);
    aws.set_faults(&json!({ "fail": [fail] })).unwrap();
}

/// `up` of a document that fails: what it said, after the exit code and the reason were looked at.
#[track_caller]
fn fails(aws: &LocalAws, document: &Value) -> Value {
    let file = file_of(document);
    let output = outrigger(aws, &["up", file.path().to_str().unwrap(), "--yes", "--output", "json"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains(REASON), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_created_takes_everything_back() {
    let aws = start_with_control_plane().unwrap();
    for (stack, service, operation, rule) in REFUSED {
        let mut document = everything_of(stack);
        document["on_failure"] = json!("rollback");
        refuse(&aws, service, operation, rule);
        let ended = fails(&aws, &document);
        assert_eq!(ended["outcome"], "rolled_back", "{stack}: {ended:#}");
        Inventory::of(&aws, stack).assert_none();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_kept_and_completed_and_a_change_that_fails_goes_back_to_what_stood() {
    let aws = start_with_control_plane().unwrap();
    let stack = "kept";
    let mut document = everything_of(stack);
    document["on_failure"] = json!("keep");
    refuse(&aws, "rds", "CreateDBInstance", ("times", -1));
    let ended = fails(&aws, &document);
    assert_eq!(ended["outcome"], "failed", "{ended:#}");

    aws.set_faults(&json!({})).unwrap();
    let file = file_of(&document);
    let ended = json_of(&outrigger(
        &aws,
        &["up", file.path().to_str().unwrap(), "--yes", "--output", "json"],
    ));
    assert_eq!(ended["succeeded"], true, "{ended:#}");
    let stood = Inventory::of(&aws, stack);
    stood.assert_whole();
    let creates = aws
        .calls()
        .unwrap()
        .iter()
        .filter(|call| call.operation == "CreateReplicationGroup")
        .count();
    assert_eq!(creates, 1, "the cache was kept");

    // A change in place, a new resource, one less; and one that AWS refuses.
    let mut changed = document.clone();
    changed["on_failure"] = json!("rollback");
    changed["streams"]["stream"]["retention_hours"] = json!(48);
    changed["alarms"]["database-cpu"]["threshold"] = json!(70);
    changed["alarms"].as_object_mut().unwrap().remove("stream-idle");
    changed["tags"]["Environment"] = json!("other");
    changed["databases"]["database"]["backups"]["retention_days"] = json!(5);
    changed["streams"]["another"] = json!({ "shards": 1 });
    refuse(&aws, "kinesis", "CreateStream", ("times", -1));
    let ended = fails(&aws, &changed);
    assert_eq!(ended["outcome"], "rolled_back", "{ended:#}");
    Inventory::of(&aws, stack).assert_same(&stood);

    aws.set_faults(&json!({})).unwrap();
    let ended = json_of(&outrigger(&aws, &["destroy", stack, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended:#}");
    Inventory::of(&aws, stack).assert_none();
}
