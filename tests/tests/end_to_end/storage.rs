//! Replicated storage in two regions: an object and an item that are written in one are read in the other; what is not empty
//! is not deleted unasked; and nothing is left in either.

use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{boto3, file_of, json_of, now_ms, outrigger, shared};

const STACK: &str = "storage";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

fn document(force_empty: bool) -> Value {
    let alarm = |component: &str, metric: &str| {
        json!({
            "component": component, "metric": metric, "statistic": "maximum", "comparison": "greater_than",
            "threshold": 900, "periods": 1, "period_seconds": 300, "notify": ["alerts"],
        })
    };
    json!({
        "stack": STACK,
        "environment": "production",
        "regions": REGIONS,
        "network": { "cidr": "10.0.0.0/24", "zones": 1 },
        "tables": { "events": { "key": "id", "sort_key": "at", "deletion_protection": false } },
        "buckets": { "documents": { "force_empty": force_empty, "tags": { "Owner": "archive" } } },
        "topics": { "alerts": {} },
        "alarms": {
            "documents-late": alarm("buckets.documents", "ReplicationLatency"),
            "documents-failed": alarm("buckets.documents", "OperationsFailedReplication"),
            "events-late": alarm("tables.events", "ReplicationLatency"),
        },
        "outputs": {
            "table": "tables.events.name",
            "table_arn": "tables.events.arn",
            "replica_arn": "tables.events.us-east-2.arn",
            "first_bucket": "buckets.documents.name",
            "second_bucket": "buckets.documents.us-east-2.name",
            "second_bucket_arn": "buckets.documents.us-east-2.arn",
        },
    })
}

/// Writes an object and an item in the first region, reads them in the second, and the other way round; and shows how the
/// buckets, the table and the alarms stand in a region.
const USE: &str = r#"
import json, sys
import boto3

stack, table, *buckets = sys.argv[1:]
regions = ["us-east-1", "us-east-2"]
s3 = {region: boto3.client("s3", region_name=region) for region in regions}
dynamodb = {region: boto3.client("dynamodb", region_name=region) for region in regions}
names = dict(zip(regions, buckets))
read = {}
for here, there in (regions, reversed(regions)):
    key = f"from-{here}"
    s3[here].put_object(Bucket=names[here], Key=key, Body=f"a document of {here}".encode())
    read[f"object of {here}"] = s3[there].get_object(Bucket=names[there], Key=key)["Body"].read().decode()
    item = {"id": {"S": key}, "at": {"S": "noon"}, "note": {"S": f"an event of {here}"}}
    dynamodb[here].put_item(TableName=table, Item=item)
    found = dynamodb[there].get_item(TableName=table, Key={"id": item["id"], "at": item["at"]})
    read[f"item of {here}"] = found["Item"]["note"]["S"]
seen = {}
for region in regions:
    name = names[region]
    rule = s3[region].get_bucket_replication(Bucket=name)["ReplicationConfiguration"]
    alarms = boto3.client("cloudwatch", region_name=region).describe_alarms(AlarmNamePrefix=f"{stack}-")["MetricAlarms"]
    described = dynamodb[region].describe_table(TableName=table)["Table"]
    seen[region] = {
        "versioning": s3[region].get_bucket_versioning(Bucket=name)["Status"],
        "blocked": sorted(set(s3[region].get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())),
        "role": rule["Role"],
        "to": rule["Rules"][0]["Destination"]["Bucket"],
        "minutes": rule["Rules"][0]["Destination"]["ReplicationTime"]["Time"]["Minutes"],
        "tags": {tag["Key"]: tag["Value"] for tag in s3[region].get_bucket_tagging(Bucket=name)["TagSet"]},
        "billing": described["BillingModeSummary"]["BillingMode"],
        "alarms": {
            alarm["AlarmName"]: {it["Name"]: it["Value"] for it in alarm["Dimensions"]} for alarm in alarms
        },
    }
print(json.dumps({"read": read, "seen": seen}))
"#;

/// What is there of the stack in each region, by each service's own list.
const LEFT: &str = r#"
import json, sys
import boto3

stack = sys.argv[1]
left = []
for region in ("us-east-1", "us-east-2"):
    left += boto3.client("dynamodb", region_name=region).list_tables()["TableNames"]
    left += [it["Name"] for it in boto3.client("s3", region_name=region).list_buckets()["Buckets"]]
left += [it["RoleName"] for it in boto3.client("iam").list_roles()["Roles"]]
print(json.dumps(sorted({name for name in left if name.startswith(f"{stack}-")})))
"#;

fn left(aws: &LocalAws) -> Vec<String> {
    serde_json::from_slice(&boto3(aws, LEFT, &[STACK])).unwrap()
}

/// What a region's bucket, table and alarms are like.
fn check(seen: &Value, number: usize, table: &str, buckets: [&str; 2]) {
    let (region, other) = (REGIONS[number], REGIONS[1 - number]);
    let (own, others) = (buckets[number], buckets[1 - number]);
    let seen = &seen[region];
    assert_eq!(seen["versioning"], "Enabled", "{seen}");
    assert_eq!(seen["blocked"], json!([true]), "{seen}");
    assert_eq!(seen["to"], format!("arn:aws:s3:::{others}"), "{seen}");
    assert_eq!(seen["minutes"], 15, "{seen}");
    assert_eq!(seen["billing"], "PAY_PER_REQUEST", "{seen}");
    assert_eq!(seen["tags"]["Owner"], "archive", "{seen}");
    assert_eq!(
        seen["tags"]["outrigger:resource"],
        format!("{region}/bucket/documents"),
        "{seen}"
    );
    let role = seen["role"].as_str().unwrap();
    assert!(
        role.ends_with("/storage-production-documents.replication-us-east-1"),
        "{role}"
    );
    let replicated =
        |from: &str, to: &str| json!({ "SourceBucket": from, "DestinationBucket": to, "RuleId": "outrigger" });
    assert_eq!(
        seen["alarms"],
        json!({
            "storage-production-documents-late": replicated(others, own),
            "storage-production-documents-failed": replicated(own, others),
            "storage-production-events-late": { "TableName": table, "ReceivingRegion": other },
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_in_one_region_is_in_the_other_and_goes_only_when_it_may() {
    let aws = shared();
    let up = |force_empty| {
        let file = file_of(&document(force_empty));
        let path = file.path().to_str().unwrap();
        json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]))
    };
    let ended = up(false);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let outputs = &ended["outputs"];
    let text = |name: &str| outputs[name].as_str().unwrap();
    let (table, buckets) = (text("table"), [text("first_bucket"), text("second_bucket")]);
    assert_eq!(table, "storage-production-events");
    assert_eq!(buckets[1], "storage-production-documents-000000000000-us-east-2");
    assert_eq!(text("second_bucket_arn"), format!("arn:aws:s3:::{}", buckets[1]));
    for (name, region) in [("table_arn", REGIONS[0]), ("replica_arn", REGIONS[1])] {
        let arn = format!("arn:aws:dynamodb:{region}:000000000000:table/{table}");
        assert_eq!(text(name), arn);
    }

    let used: Value = serde_json::from_slice(&boto3(aws, USE, &[STACK, table, buckets[0], buckets[1]])).unwrap();
    let mut expected = json!({});
    for region in REGIONS {
        expected[format!("object of {region}")] = json!(format!("a document of {region}"));
        expected[format!("item of {region}")] = json!(format!("an event of {region}"));
    }
    assert_eq!(used["read"], expected);
    for number in [0, 1] {
        check(&used["seen"], number, table, buckets);
    }

    // Nothing to do; nor has anything drifted.
    let again = up(false);
    let resources = again["resources"].as_object().unwrap();
    assert_eq!(resources.keys().collect::<Vec<_>>(), ["unchanged"], "{again}");
    let drift = json_of(&outrigger(aws, &["drift", STACK, "--output", "json"]));
    assert_eq!(drift["drifted"], json!([]));

    // What is not empty is not deleted, and nothing else is either.
    let before_ms = now_ms();
    let refused = outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]);
    assert!(!refused.status.success());
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&refused.stdout),
        String::from_utf8_lossy(&refused.stderr)
    );
    for bucket in buckets {
        assert!(told.contains(&format!("the bucket {bucket} is not empty")), "{told}");
    }
    let services = ["s3", "dynamodb", "iam", "ec2", "cloudwatch", "sns"];
    let changed: Vec<_> = aws
        .calls()
        .unwrap()
        .into_iter()
        .filter(|call| call.time_ms >= before_ms && call.mutating && services.contains(&call.service.as_str()))
        .filter(|call| call.principal.as_deref() != Some("root"))
        .filter(|call| call.principal.as_deref().is_some_and(|of| of.contains("create-")))
        .map(|call| call.operation)
        .collect();
    assert_eq!(changed, Vec::<String>::new());
    assert_eq!(left(aws).len(), 4);

    // With the document's leave everything goes.
    assert_eq!(up(true)["succeeded"], true);
    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    assert_eq!(left(aws), Vec::<String>::new());
}
