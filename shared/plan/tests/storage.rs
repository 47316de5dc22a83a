//! Tables and buckets in two regions: what stands for them, what copies them, and what may be deleted of them.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used, clippy::panic)]

mod standing;

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::properties::Input;
use outrigger_model::{Kind, Properties, ResourceKey, document};
use outrigger_plan::{Action, Graph, Plan, Protection, Resolved, destroy, expand, output_reference, provision};
use serde_json::{Value, json};
use standing::records_of;

fn the_document() -> Value {
    let alarm = |component: &str, metric: &str| {
        json!({
            "component": component, "metric": metric, "statistic": "maximum", "comparison": "greater_than",
            "threshold": 900, "periods": 1, "period_seconds": 300,
        })
    };
    json!({
        "stack": "shop", "environment": "test", "regions": ["us-east-1", "us-east-2"],
        "network": { "cidr": "10.0.0.0/24", "zones": 1 },
        "tables": { "events": { "key": "id", "deletion_protection": false } },
        "buckets": { "documents": {}, "archive": { "force_empty": true, "replication": false } },
        "alarms": {
            "late": alarm("buckets.documents", "ReplicationLatency"),
            "failed": alarm("buckets.documents", "OperationsFailedReplication"),
            "throttled": alarm("tables.events", "WriteThrottleEvents"),
            "behind": alarm("tables.events", "ReplicationLatency"),
        },
    })
}

fn graph_of(document: &Value) -> Graph {
    let document = document::parse(document).unwrap();
    expand(&document, &Resolved::unasked(&document)).unwrap()
}

fn key(text: &str) -> ResourceKey {
    text.parse().unwrap()
}

fn of_storage(graph: &Graph) -> BTreeSet<String> {
    let kinds = [Kind::Table, Kind::Bucket, Kind::BucketReplication, Kind::Role];
    let keys = graph.resources.keys().filter(|key| kinds.contains(&key.kind));
    keys.map(ToString::to_string).collect()
}

#[test]
fn a_table_is_one_resource_and_a_bucket_one_in_each_region() {
    let graph = graph_of(&the_document());
    let expected = [
        "us-east-1/bucket-replication/documents",
        "us-east-1/bucket/archive",
        "us-east-1/bucket/documents",
        "us-east-1/role/documents.replication",
        "us-east-1/table/events",
        "us-east-2/bucket-replication/documents",
        "us-east-2/bucket/archive",
        "us-east-2/bucket/documents",
    ];
    assert_eq!(of_storage(&graph), expected.map(str::to_owned).into());
    let Properties::Table(table) = &graph.resources[&key("us-east-1/table/events")].properties else {
        panic!("no table");
    };
    assert_eq!(
        table.replicas.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["us-east-2"]
    );
    // Each to the other, as one role.
    for (from, to) in [("us-east-1", "us-east-2"), ("us-east-2", "us-east-1")] {
        let replication = &graph.resources[&key(&format!("{from}/bucket-replication/documents"))];
        let Properties::BucketReplication(of) = &replication.properties else {
            panic!("no replication");
        };
        let bucket = |region: &str| key(&format!("{region}/bucket/documents"));
        assert_eq!(of.bucket, Input::of(&bucket(from), "name"));
        assert_eq!(of.destination, Input::of(&bucket(to), "arn"));
        assert_eq!(of.role, Input::of(&key("us-east-1/role/documents.replication"), "arn"));
    }
}

#[test]
fn in_one_region_nothing_is_copied() {
    let mut document = the_document();
    document.as_object_mut().unwrap().remove("alarms");
    document["tables"]["events"]["region"] = json!("us-east-2");
    document["buckets"]["documents"]["region"] = json!("us-east-2");
    let expected = [
        "us-east-1/bucket/archive",
        "us-east-2/bucket/archive",
        "us-east-2/bucket/documents",
        "us-east-2/table/events",
    ];
    assert_eq!(of_storage(&graph_of(&document)), expected.map(str::to_owned).into());
}

#[test]
fn alarms_are_where_their_metrics_are() {
    let graph = graph_of(&the_document());
    let dimensions = |alarm: &str| {
        let Properties::Alarm(alarm) = &graph.resources[&key(alarm)].properties else {
            panic!("no alarm");
        };
        let named = alarm.dimensions.iter().map(|(name, value)| {
            let value = match value {
                Input::Text(text) => text.clone(),
                Input::Reference(reference) => reference.resource.to_string(),
            };
            format!("{name} {value}")
        });
        named.collect::<Vec<_>>()
    };
    let (first, second) = ("us-east-1/bucket/documents", "us-east-2/bucket/documents");
    for (alarm, source, destination) in [
        ("us-east-1/alarm/late", second, first),
        ("us-east-2/alarm/late", first, second),
        ("us-east-1/alarm/failed", first, second),
        ("us-east-2/alarm/failed", second, first),
    ] {
        let expected = [
            format!("DestinationBucket {destination}"),
            "RuleId outrigger".to_owned(),
            format!("SourceBucket {source}"),
        ];
        assert_eq!(dimensions(alarm), expected, "{alarm}");
    }
    for (region, other) in [("us-east-1", "us-east-2"), ("us-east-2", "us-east-1")] {
        let table = "TableName us-east-1/table/events".to_owned();
        assert_eq!(
            dimensions(&format!("{region}/alarm/throttled")),
            std::slice::from_ref(&table)
        );
        let behind = dimensions(&format!("{region}/alarm/behind"));
        assert_eq!(behind, [format!("ReceivingRegion {other}"), table]);
    }
}

#[test]
fn outputs_are_of_the_replica_or_the_bucket_in_the_region_that_they_name() {
    let mut document = the_document();
    document["outputs"] = json!({
        "table": "tables.events.arn", "replica": "tables.events.us-east-2.arn", "name": "tables.events.us-east-2.name",
        "bucket": "buckets.documents.name", "other": "buckets.documents.us-east-2.arn",
    });
    let document = document::parse(&document).unwrap();
    let found: BTreeMap<&str, String> = document
        .outputs
        .iter()
        .map(|(name, path)| {
            let reference = output_reference(&document, path);
            (name.as_str(), format!("{} {}", reference.resource, reference.attribute))
        })
        .collect();
    let expected = [
        ("bucket", "us-east-1/bucket/documents name"),
        ("name", "us-east-1/table/events name"),
        ("other", "us-east-2/bucket/documents arn"),
        ("replica", "us-east-1/table/events replica_arn"),
        ("table", "us-east-1/table/events arn"),
    ];
    assert_eq!(found, expected.map(|(name, of)| (name, of.to_owned())).into());
}

fn empty_at_most(plan: &Plan) -> Vec<String> {
    plan.empty_at_most().map(ToString::to_string).collect()
}

#[test]
fn only_what_may_be_emptied_need_not_be_empty() {
    let records = records_of(&graph_of(&the_document()));
    let down = destroy(&records, Protection::Heeded).unwrap();
    let expected = ["us-east-1/bucket/documents", "us-east-2/bucket/documents"];
    assert_eq!(empty_at_most(&down), expected);
    // What copies goes first, then what is copied.
    for (replication, bucket) in [("us-east-1", "us-east-2"), ("us-east-2", "us-east-1")] {
        let replication = key(&format!("{replication}/bucket-replication/documents"));
        assert!(
            down.steps[&key(&format!("{bucket}/bucket/documents"))]
                .depends_on
                .contains(&replication)
        );
    }

    // A region goes: the table changes in place, the buckets there go.
    let mut one = the_document();
    one.as_object_mut().unwrap().remove("regions");
    one.as_object_mut().unwrap().remove("alarms");
    one["region"] = json!("us-east-1");
    let plan = provision(&graph_of(&one), &records, Protection::Heeded, 0).unwrap();
    assert_eq!(empty_at_most(&plan), ["us-east-2/bucket/documents"]);
    let step = &plan.steps[&key("us-east-1/table/events")];
    let Action::Update { changes } = &step.action else {
        panic!("{step:?}");
    };
    assert_eq!(
        changes
            .iter()
            .map(|change| change.property.as_str())
            .collect::<Vec<_>>(),
        ["replicas"]
    );
}

#[test]
fn a_protected_table_stays_and_one_with_another_key_is_refused() {
    let mut document = the_document();
    document["tables"]["events"]["deletion_protection"] = json!(true);
    let records = records_of(&graph_of(&document));
    let problems = destroy(&records, Protection::Heeded).unwrap_err();
    assert!(
        problems[0].message.contains("is protected from deletion"),
        "{problems:?}"
    );
    document["tables"]["events"]["key"] = json!("number");
    let problems = provision(&graph_of(&document), &records, Protection::Heeded, 0).unwrap_err();
    assert!(problems[0].message.contains("`allow_replace: true`"), "{problems:?}");
}
