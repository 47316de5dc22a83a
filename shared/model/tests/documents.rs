//! Documents, good and bad: every problem is told, at its place.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use outrigger_model::document::{
    self, Accelerator, Alarm, Api, Cache, Dashboard, Database, Document, Gate, HealthCheck, Key, Network, OutputPath,
    Stream, parse,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn good() -> Value {
    document::from_text(include_str!("../../../stacks/data-processing.yaml")).unwrap()
}

/// The good document with one value changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = good();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match parent {
        Value::Object(entries) => drop(entries.insert(key.to_owned(), value)),
        other => panic!("{pointer} is in {other}"),
    }
    document
}

#[test]
fn the_reference_stacks_are_good() {
    let highly_available = document::from_text(include_str!("../../../stacks/postgres-ha.yaml")).unwrap();
    let secure = document::from_text(include_str!("../../../stacks/secure-pipeline.yaml")).unwrap();
    let multi_region = document::from_text(include_str!("../../../stacks/multi-region-dr.yaml")).unwrap();
    for (value, id) in [
        (secure, "secure-pipeline/production"),
        (good(), "data-processing/production"),
        (multi_region, "multi-region-dr/production"),
        (highly_available, "postgres-ha/production"),
    ] {
        let document = parse(&value).unwrap();
        assert_eq!(document.id().to_string(), id);
        assert_as_its_types_say(&value, &document);
        // What parse reads, it reads again from what it wrote.
        let written = serde_json::to_value(&document).unwrap();
        assert_eq!(parse(&written).unwrap(), document);
    }
}

/// Components are read key by key; the types and their attributes, of which the schema is made, say the same.
fn assert_as_its_types_say(value: &Value, document: &Document) {
    fn read<T: DeserializeOwned>(value: &Value, part: &str) -> BTreeMap<String, T> {
        serde_json::from_value(value.get(part).cloned().unwrap_or_else(|| json!({}))).unwrap()
    }
    assert_eq!(
        serde_json::from_value::<Network>(value["network"].clone()).unwrap(),
        document.network
    );
    assert_eq!(read::<Key>(value, "keys"), document.keys);
    assert_eq!(read::<Stream>(value, "streams"), document.streams);
    assert_eq!(read::<Cache>(value, "caches"), document.caches);
    assert_eq!(read::<Database>(value, "databases"), document.databases);
    assert_eq!(read::<Api>(value, "apis"), document.apis);
    assert_eq!(read::<Gate>(value, "gates"), document.gates);
    assert_eq!(read::<Accelerator>(value, "accelerators"), document.accelerators);
    assert_eq!(read::<HealthCheck>(value, "health_checks"), document.health_checks);
    assert_eq!(read::<Dashboard>(value, "dashboards"), document.dashboards);
    assert_eq!(read::<Alarm>(value, "alarms"), document.alarms);
    assert_eq!(read::<OutputPath>(value, "outputs"), document.outputs);
}

/// What may be left out is, everywhere.
#[test]
fn defaults_are_those_of_the_types() {
    let document = json!({
        "stack": "shop",
        "environment": "test",
        "region": "us-east-1",
        "network": { "cidr": "10.0.0.0/16", "zones": 2, "public": {}, "private": {} },
        "keys": { "data": {} },
        "streams": { "events": { "shards": 1 } },
        "caches": { "sessions": { "engine": "redis", "version": "7.0", "node_type": "cache.t3.micro", "nodes": 2 } },
        "databases": { "main": {
            "engine": "postgres", "version": "15.15", "class": "db.t3.micro", "storage_gib": 20, "database": "shop", "user": "shop",
        } },
        "apis": { "sensors": {
            "routes": { "POST /sensor-data": {} }, "usage_plan": { "rate_per_second": 200, "burst": 400 },
        } },
        "gates": { "door": {}, "checked": { "health_check": { "interval_seconds": 20 } } },
        "accelerators": { "front": { "gate": "door" } },
        "health_checks": { "front": { "gate": "door" } },
        "dashboards": { "main": {} },
        "alarms": { "cpu": {
            "component": "databases.main", "metric": "CPUUtilization", "statistic": "average", "comparison": "greater_than",
            "threshold": 80, "periods": 1, "period_seconds": 60,
        } },
    });
    assert_as_its_types_say(&document, &parse(&document).unwrap());
}

#[test]
fn parameters_may_be_written_as_what_they_are() {
    let written =
        json!({ "max_connections": 200, "rds.force_ssl": true, "log_statement": "all", "random_page_cost": 1.1 });
    let document = parse(&with("/databases/database/parameters", written)).unwrap();
    let read: Vec<(&str, &str)> = document.databases["database"]
        .parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        read,
        [
            ("log_statement", "all"),
            ("max_connections", "200"),
            ("random_page_cost", "1.1"),
            ("rds.force_ssl", "1"),
        ]
    );
}

#[test]
fn defaults_are_safe() {
    let mut document = good();
    let database = document
        .pointer_mut("/databases/database")
        .unwrap()
        .as_object_mut()
        .unwrap();
    for key in [
        "multi_az",
        "deletion_protection",
        "final_snapshot",
        "storage_type",
        "backups",
        "port",
    ] {
        database.remove(key);
    }
    let database = parse(&document).unwrap().databases.remove("database").unwrap();
    assert!(database.multi_az && database.deletion_protection && database.final_snapshot);
    assert_eq!((database.port, database.backups.retention_days), (5432, 7));
}

#[test]
fn bad_documents_are_refused_where_they_are_bad() {
    let table = [
        ("/on_failure", json!("panic"), "on_failure"),
        (
            "/databases/database/storage_gib_max",
            json!(20),
            "databases.database.storage_gib_max",
        ),
        (
            "/databases/database/monitoring_interval_seconds",
            json!(7),
            "databases.database.monitoring_interval_seconds",
        ),
        (
            "/databases/database/log_exports",
            json!(["mysql"]),
            "databases.database.log_exports[0]",
        ),
        (
            "/databases/database/parameters",
            json!({ "Log_Statement": "all" }),
            "databases.database.parameters.Log_Statement",
        ),
        (
            "/databases/database/parameters",
            json!({ "log_statement": ["all"] }),
            "databases.database.parameters.log_statement",
        ),
        ("/databases/database/apply", json!("later"), "databases.database.apply"),
        (
            "/databases/database/tags",
            json!({ "Name": "mine" }),
            "databases.database.tags.Name",
        ),
        ("/stack", json!("Data"), "stack"),
        ("/stack", json!("a-name-that-is-far-too-long-to-be-used"), "stack"),
        ("/stack", json!(7), "stack"),
        ("/stack", json!("sg-one"), "stack"),
        ("/environment", json!("prod--1"), "environment"),
        ("/region", json!("mars"), "region"),
        ("/tags/outrigger:stack", json!("mine"), "tags.outrigger:stack"),
        ("/tags/Name", json!("mine"), "tags.Name"),
        ("/tags/bad", json!("<>"), "tags.bad"),
        ("/netwrok", json!({}), "netwrok"),
        ("/network/cidr", json!("10.0.0.0/8"), "network.cidr"),
        ("/network/cidr", json!("10.0.0.1/16"), "network.cidr"),
        ("/network/cidr", json!("10.0.0.0/28"), "network.private"),
        ("/network/zones", json!(0), "network.zones"),
        ("/network/zones", json!("two"), "network.zones"),
        ("/network/zones", json!(1), "network.zones"),
        ("/network/private", json!(null), "network.private"),
        (
            "/network/public",
            json!({ "cidrs": ["10.0.0.0/24"] }),
            "network.public.cidrs",
        ),
        (
            "/network/public",
            json!({ "cidrs": ["10.0.0.0/24", "10.0.0.128/25"] }),
            "network.public.cidrs[1]",
        ),
        (
            "/network/public",
            json!({ "cidrs": ["10.0.0.0/24", "10.0.9.0/24"] }),
            "",
        ),
        (
            "/network/public",
            json!({ "cidrs": ["10.0.0.0/24", "192.168.0.0/24"] }),
            "network.public.cidrs[1]",
        ),
        (
            "/network/public",
            json!({ "cidrs": ["10.0.10.0/24", "10.0.1.0/24"] }),
            "network.private",
        ),
        ("/streams/stream/shards", json!(0), "streams.stream.shards"),
        (
            "/streams/stream/retention_hours",
            json!(12),
            "streams.stream.retention_hours",
        ),
        (
            "/streams/stream/shard_metrics",
            json!(["Incoming"]),
            "streams.stream.shard_metrics[0]",
        ),
        ("/caches/cache/engine", json!("memcached"), "caches.cache.engine"),
        ("/caches/cache/version", json!("seven"), "caches.cache.version"),
        ("/caches/cache/node_type", json!("t3.micro"), "caches.cache.node_type"),
        ("/caches/cache/nodes", json!(1), "caches.cache.automatic_failover"),
        (
            "/caches/cache/automatic_failover",
            json!(false),
            "caches.cache.multi_az",
        ),
        (
            "/databases/database/engine",
            json!("oracle"),
            "databases.database.engine",
        ),
        (
            "/databases/database/version",
            json!(15.15),
            "databases.database.version",
        ),
        (
            "/databases/database/class",
            json!("t3.micro"),
            "databases.database.class",
        ),
        (
            "/databases/database/storage_gib",
            json!(5),
            "databases.database.storage_gib",
        ),
        (
            "/databases/database/storage_type",
            json!("floppy"),
            "databases.database.storage_type",
        ),
        (
            "/databases/database/database",
            json!("tap-db"),
            "databases.database.database",
        ),
        ("/databases/database/user", json!("admin"), "databases.database.user"),
        ("/databases/database/port", json!(80), "databases.database.port"),
        (
            "/databases/database/password",
            json!("hunter2"),
            "databases.database.password",
        ),
        (
            "/databases/database/backups",
            json!({ "retention_days": 60 }),
            "databases.database.backups.retention_days",
        ),
        (
            "/databases/database/backups",
            json!({ "retention_days": 7, "window": "3-4" }),
            "databases.database.backups.window",
        ),
        (
            "/databases/database/backups",
            json!({ "retention_days": 7, "window": "03:00-03:10" }),
            "databases.database.backups.window",
        ),
        (
            "/databases/database/maintenance_window",
            json!("mon:03:30-mon:04:30"),
            "databases.database.maintenance_window",
        ),
        (
            "/databases/database/maintenance_window",
            json!("monday"),
            "databases.database.maintenance_window",
        ),
        (
            "/alarms/database-cpu/component",
            json!("databases.other"),
            "alarms.database-cpu.component",
        ),
        (
            "/alarms/database-cpu/component",
            json!("database"),
            "alarms.database-cpu.component",
        ),
        (
            "/alarms/database-cpu/period_seconds",
            json!(7),
            "alarms.database-cpu.period_seconds",
        ),
        (
            "/alarms/database-cpu/periods",
            json!(1000),
            "alarms.database-cpu.periods",
        ),
        ("/outputs/vpc_id", json!("network.vpc"), "outputs.vpc_id"),
        (
            "/outputs/rds_endpoint",
            json!("databases.other.endpoint"),
            "outputs.rds_endpoint",
        ),
        (
            "/outputs/rds_endpoint",
            json!("databases.database.password"),
            "outputs.rds_endpoint",
        ),
    ];
    for (pointer, value, place) in table {
        let parsed = parse(&with(pointer, value.clone()));
        let context = format!("{pointer} = {value}");
        if place.is_empty() {
            assert!(parsed.is_ok(), "{context}: {parsed:?}");
            continue;
        }
        let problems = parsed.expect_err(&context);
        assert!(
            problems.iter().any(|problem| problem.place == place),
            "{context}: {problems:?}"
        );
    }
}

/// A change of a document in two regions, and the places that are told of; none where it is good.
#[test]
fn what_is_said_of_regions_is_held_against_them() {
    let good = document::from_text(include_str!("two-regions.yaml")).unwrap();
    let ranges = |one: &str, other: &str| json!({ "us-east-1": one, "us-east-2": other });
    let table: [(&str, Value, &[&str]); 19] = [
        ("/regions", json!(["us-east-2", "us-east-1"]), &[]),
        ("/regions", json!(["us-east-1", "mars"]), &["regions[1]"]),
        ("/regions", json!(["us-east-1", "us-east-1"]), &["regions[1]"]),
        ("/regions", json!([]), &["regions"]),
        ("/regions", Value::Null, &["regions"]),
        ("/regions", json!("us-east-1"), &["regions"]),
        ("/region", json!("us-east-1"), &["regions"]),
        ("/region", json!("mars"), &["region", "regions"]),
        ("/network/cidr", json!("10.0.0.0/16"), &["network.cidr"]),
        (
            "/network/cidr",
            ranges("10.0.0.0/16", "10.0.0.0/16"),
            &["network.cidr.us-east-2"],
        ),
        (
            "/network/cidr",
            ranges("10.0.0.0/20", "10.0.0.0/16"),
            &["network.cidr.us-east-2"],
        ),
        (
            "/network/cidr",
            ranges("10.0.0.0/8", "10.1.0.0/16"),
            &["network.cidr.us-east-1"],
        ),
        (
            "/network/cidr",
            json!({ "us-east-1": "10.0.0.0/16" }),
            &["network.cidr.us-east-2"],
        ),
        (
            "/network/cidr",
            json!({ "us-east-1": "10.0.0.0/16", "us-east-2": "10.1.0.0/16", "us-west-2": "10.2.0.0/16" }),
            &["network.cidr.us-west-2"],
        ),
        (
            "/network/private",
            json!({ "cidrs": ["10.0.0.0/24", "10.0.1.0/24"] }),
            &["network.private.cidrs[0]", "network.private.cidrs[1]"],
        ),
        (
            "/network/private",
            json!({ "cidrs": { "us-east-1": ["10.0.5.0/24", "10.0.6.0/24"], "us-east-2": ["10.1.5.0/24"] } }),
            &["network.private.cidrs.us-east-2"],
        ),
        (
            "/network/private",
            json!({ "cidrs": { "us-east-1": ["10.0.5.0/24", "10.0.6.0/24"], "us-east-2": ["10.1.5.0/24", "10.1.6.0/24"] } }),
            &[],
        ),
        (
            "/streams",
            json!({ "events": { "shards": 1, "region": "us-west-2" } }),
            &["streams.events.region"],
        ),
        (
            "/outputs",
            json!({ "vpc": "network.us-west-2.vpc_id" }),
            &["outputs.vpc"],
        ),
    ];
    for (pointer, value, expected) in table {
        let mut document = good.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[key] = value.clone();
        let problems = parse(&document).err().unwrap_or_default();
        let mut places: Vec<&str> = problems.iter().map(|problem| problem.place.as_str()).collect();
        places.sort();
        assert_eq!(places, expected, "{pointer} = {value}: {problems:?}");
    }
}

/// Keys and topics serve what is in their region; a document in two, and the places that are told of; none where it is good.
#[test]
fn keys_and_topics_are_in_the_region_of_what_refers_to_them() {
    let good = json!({
        "keys": { "data": {}, "other": { "region": "us-east-2" } },
        "topics": { "here": { "region": "us-east-1" }, "both": {}, "there": { "region": "us-east-2" } },
        "streams": { "events": { "shards": 1 } },
        "alarms": { "idle": {
            "component": "streams.events", "metric": "IncomingRecords", "statistic": "sum", "comparison": "less_than",
            "threshold": 1, "periods": 1, "period_seconds": 300,
        } },
    });
    let table: [(Value, &[&str]); 12] = [
        (json!({}), &[]),
        (json!({ "streams": { "events": { "encryption_key": "data" } } }), &[]),
        (
            json!({ "streams": { "events": { "encryption_key": "other" } } }),
            &["streams.events.encryption_key"],
        ),
        (
            json!({ "streams": { "events": { "encryption_key": "data", "region": "us-east-2" } } }),
            &["streams.events.encryption_key"],
        ),
        (
            json!({ "streams": { "events": { "encryption_key": "other", "region": "us-east-2" } } }),
            &[],
        ),
        (
            json!({ "alarms": { "idle": { "notify": ["there", "here"] } } }),
            &["alarms.idle.notify[0]"],
        ),
        (json!({ "alarms": { "idle": { "notify": ["both"] } } }), &[]),
        (
            json!({ "apis": { "door": { "routes": { "POST /data": { "api_key": false, "stream": "events" } } } } }),
            &["apis.door.routes.POST /data.stream"],
        ),
        (
            json!({ "apis": { "door": {
                "region": "us-east-1", "routes": { "POST /data": { "api_key": false, "stream": "events" } },
            } } }),
            &[],
        ),
        (
            json!({
                "apis": { "door": { "routes": { "GET /health": { "api_key": false } } } },
                "alarms": { "idle": { "component": "apis.door", "metric": "5XXError", "notify": ["both", "here"] } },
            }),
            &["alarms.idle.notify[1]"],
        ),
        (
            json!({ "streams": { "events": { "region": "us-east-2" } }, "alarms": { "idle": { "notify": ["there", "here"] } } }),
            &["alarms.idle.notify[1]"],
        ),
        // Of a region that is wrong itself, that is told.
        (
            json!({ "streams": { "events": { "region": "mars", "encryption_key": "data" } } }),
            &["streams.events.region"],
        ),
    ];
    for (change, expected) in table {
        let mut document = document::from_text(include_str!("two-regions.yaml")).unwrap();
        for part in [&good, &change] {
            merge(&mut document, part);
        }
        let problems = parse(&document).err().unwrap_or_default();
        let places: Vec<&str> = problems.iter().map(|problem| problem.place.as_str()).collect();
        assert_eq!(places, expected, "{change}: {problems:?}");
    }
}

fn merge(value: &mut Value, patch: &Value) {
    match (value, patch) {
        (Value::Object(entries), Value::Object(patch)) => {
            for (key, change) in patch {
                merge(entries.entry(key).or_insert(Value::Null), change);
            }
        }
        (value, patch) => *value = patch.clone(),
    }
}

/// The first region is where what names none lives.
#[test]
fn a_component_has_a_home() {
    let mut value = good();
    value.as_object_mut().unwrap().remove("region");
    value["regions"] = json!(["us-east-2", "us-east-1"]);
    value["caches"]["cache"]["region"] = json!("us-east-1");
    let document = parse(&value).unwrap();
    assert_as_its_types_say(&value, &document);
    assert_eq!(document.region.as_str(), "us-east-2");
    for (component, region) in [
        ("databases.database", "us-east-2"),
        ("streams.stream", "us-east-2"),
        ("caches.cache", "us-east-1"),
        ("caches.unknown", "us-east-2"),
    ] {
        assert_eq!(
            document.places_of(&component.parse().unwrap())[0].as_str(),
            region,
            "{component}"
        );
    }
    let written = serde_json::to_value(&document).unwrap();
    assert_eq!(parse(&written).unwrap(), document);
}

#[test]
fn every_problem_is_told_at_once() {
    let mut document = good();
    document["region"] = json!("mars");
    document["streams"]["stream"]["shards"] = json!("two");
    document["databases"]["database"]["storage_gib"] = json!(1);
    document["colour"] = json!("blue");
    let places: Vec<String> = parse(&document)
        .unwrap_err()
        .into_iter()
        .map(|problem| problem.place)
        .collect();
    for place in [
        "region",
        "streams.stream.shards",
        "databases.database.storage_gib",
        "colour",
    ] {
        assert!(
            places.iter().any(|found| found == place),
            "{place} is missing in {places:?}"
        );
    }
}

#[test]
fn names_are_told_even_where_the_rest_is_missing() {
    let problems = parse(&json!({ "stack": "Foo", "region": "mars" })).unwrap_err();
    let places: Vec<&str> = problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(places, ["stack", "environment", "region", "network"]);
}

#[test]
fn what_is_no_document_is_told_so() {
    for (text, words) in [("- a\n- list", "mapping"), ("", "mapping")] {
        let value = document::from_text(text).unwrap_or(Value::Null);
        let problems = parse(&value).unwrap_err();
        assert!(problems[0].message.contains(words), "{problems:?}");
    }
    assert!(document::from_text("stack: [unclosed").is_err());
    assert!(document::from_text(&"a".repeat(document::BYTES_MAX + 1)).is_err());
}

#[test]
fn subnets_follow_the_range_of_the_vpc() {
    let mut document = good();
    document["network"] = json!({ "cidr": "10.0.0.0/20", "zones": 3, "public": {}, "private": {} });
    let document = parse(&document).unwrap();
    let (network, region) = (document.network, document.region);
    let text = |ranges: Vec<ipnet::Ipv4Net>| ranges.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        text(network.public_ranges(&region)),
        ["10.0.0.0/28", "10.0.0.16/28", "10.0.0.32/28"]
    );
    assert_eq!(
        text(network.private_ranges(&region)),
        ["10.0.0.160/28", "10.0.0.176/28", "10.0.0.192/28"]
    );
}
