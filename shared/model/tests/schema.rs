//! The schema of the document: it says what validation says, as far as single values go.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;

use jsonschema::Validator;
use outrigger_model::document::schema::{Property, properties, schema};
use outrigger_model::document::{self, Code, parse};
use serde_json::{Value, json};

fn the_schema() -> Value {
    schema(&|_| None)
}

fn validator() -> Validator {
    jsonschema::draft7::new(&the_schema()).unwrap()
}

/// Every reference stack, by its file's name.
fn stacks() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut stacks: Vec<(String, Value)> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, document::from_text(&text).unwrap())
        })
        .collect();
    stacks.sort_by(|(one, _), (other, _)| one.cmp(other));
    stacks
}

/// A document in which every property stands.
fn full() -> Value {
    let mut full = document::from_text(include_str!("../../../stacks/data-processing.yaml")).unwrap();
    full["on_failure"] = json!("keep");
    full["network"]["public"] = json!({ "cidrs": ["10.0.0.0/24", "10.0.1.0/24"] });
    full["network"]["private"] = json!({ "cidrs": ["10.0.2.0/24", "10.0.3.0/24"] });
    full["network"]["nat"] = json!("single");
    full["network"]["endpoints"] = json!(["s3", "secretsmanager"]);
    full["keys"] = json!({ "data": { "rotation": true, "deletion_window_days": 30, "tags": { "Owner": "none" } } });
    full["network"]["peering"] = json!(false);
    for (kind, name) in [("streams", "stream"), ("caches", "cache"), ("databases", "database")] {
        full[kind][name]["region"] = json!("us-east-1");
    }
    full["streams"]["stream"]["tags"] = json!({ "Owner": "one" });
    full["streams"]["stream"]["encryption_key"] = json!("data");
    for (key, value) in json!({
        "port": 6379, "apply": "now", "allow_replace": false, "tags": { "Owner": "two" }, "encryption_key": "data",
        "auth_token": true, "rotation": { "every_days": 30 },
    })
    .as_object()
    .unwrap()
    {
        full["caches"]["cache"][key] = value.clone();
    }
    for (key, value) in json!({
        "storage_gib_max": 100, "port": 5432, "parameters": { "log_statement": "all" },
        "monitoring_interval_seconds": 60, "log_exports": ["postgresql"], "apply": "now", "allow_replace": false,
        "tags": { "Owner": "three" }, "encryption_key": "data", "rotation": { "every_days": 30 },
    })
    .as_object()
    .unwrap()
    {
        full["databases"]["database"][key] = value.clone();
    }
    full["clusters"] = json!({ "main": {
        "engine": "aurora_postgresql", "version": "15.10", "version_policy": "exact", "capacity_acu_min": 0.5,
        "capacity_acu_max": 2, "instances": 2, "data_api": true, "database": "iotdb", "user": "iotadmin", "port": 5432,
        "encryption_key": "data", "backups": { "retention_days": 7, "window": "03:00-04:00" },
        "maintenance_window": "sun:05:00-sun:06:00", "minor_upgrades": true, "deletion_protection": true,
        "final_snapshot": true, "log_exports": ["postgresql"], "rotation": { "every_days": 30 }, "apply": "now",
        "allow_replace": false, "tags": { "Owner": "five" },
    } });
    full["apis"]["api"] = json!({
        "stage": "prod",
        "routes": { "POST /data": { "api_key": true, "stream": "stream", "response": { "message": "received" } } },
        "usage_plan": { "rate_per_second": 200, "burst": 400 },
        "tags": { "Owner": "four" },
    });
    full["gates"] = json!({ "door": {
        "region": "us-east-1", "certificate": "arn:aws:acm:us-east-1:123456789012:certificate/12345678-ab",
        "health_check": { "interval_seconds": 10, "timeout_seconds": 5, "healthy_threshold": 2, "unhealthy_threshold": 2 },
        "tags": { "Owner": "seven" },
    } });
    full["accelerators"] = json!({ "front": { "gate": "door", "enabled": true, "tags": { "Owner": "eight" } } });
    full["health_checks"] = json!({ "outside": {
        "gate": "door", "path": "/active", "interval_seconds": 30, "failures": 3, "tags": { "Owner": "nine" },
    } });
    full["dashboards"] = json!({ "board": { "region": "us-east-1", "tags": { "Owner": "ten" } } });
    full["apis"]["api"]["domain"] = json!({
        "name": "api.example.com", "base_path": "v1",
        "certificates": "arn:aws:acm:us-east-1:123456789012:certificate/12-ab",
    });
    full["buses"] = json!({ "events": {
        "region": "us-east-1",
        "rules": { "recorded": { "pattern": { "source": ["shop"] }, "function": "recorder" } },
        "tags": { "Owner": "seven" },
    } });
    full["alarms"]["database-cpu"]["missing_data"] = json!("missing");
    full["alarms"]["database-cpu"]["notify"] = json!(["alerts"]);
    full["keys"] = json!({ "data": {
        "region": "us-east-1", "rotation": true, "deletion_window_days": 30, "tags": { "Owner": "five" },
    } });
    for (kind, name) in [("streams", "stream"), ("caches", "cache"), ("databases", "database")] {
        full[kind][name]["encryption_key"] = json!("data");
    }
    for (kind, name) in [("caches", "cache"), ("databases", "database")] {
        full[kind][name]["rotation"] = json!({ "every_days": 30 });
    }
    full["caches"]["cache"]["auth_token"] = json!(true);
    full["clusters"] = json!({ "main": {
        "region": "us-east-1", "global": false, "engine": "aurora_postgresql", "version": "15.15", "version_policy": "exact",
        "capacity_acu_min": 0.5, "capacity_acu_max": 2, "instances": 2, "data_api": true, "database": "shop",
        "user": "shop_owner", "port": 5432, "encryption_key": "data",
        "backups": { "retention_days": 7, "window": "02:00-03:00" }, "maintenance_window": "sun:04:00-sun:05:00",
        "minor_upgrades": true, "deletion_protection": false, "final_snapshot": true, "log_exports": ["postgresql"],
        "rotation": { "every_days": 30 }, "apply": "now", "allow_replace": false, "tags": { "Owner": "six" },
    } });
    full["topics"] = json!({ "alerts": {
        "subscriptions": { "on-call": { "protocol": "email", "endpoint": "on-call@example.com" } },
        "region": "us-east-1",
        "tags": { "Owner": "four" },
    } });
    full["tables"] = json!({ "orders": { "key": "id", "sort_key": "at", "point_in_time_recovery": true, "deletion_protection": true, "allow_replace": false, "tags": { "Owner": "seven" } } });
    full["tables"]["journal"] = json!({ "key": "id" });
    full["functions"] = json!({ "recorder": { "code": "event-recorder", "table": "journal", "database": null, "in_vpc": false, "memory_mb": 128, "timeout_seconds": 10, "tags": { "Owner": "nine" } } });
    full["functions"]["agent"] = json!({ "code": "database-agent", "database": "clusters.main" });
    full["buckets"] =
        json!({ "documents": { "replication": false, "force_empty": false, "tags": { "Owner": "eight" } } });
    full["parameters"] =
        json!({ "flags": { "value": "on", "value_of": null, "generated": false, "tags": { "Owner": "seven" } } });
    full["backups"] = json!({ "daily": { "region": "us-east-1", "of": ["clusters.main"], "window_start": "05:00", "retention_days": 7, "tags": { "Owner": "eight" } } });
    for (part, name) in [
        ("apis", "api"),
        ("clusters", "main"),
        ("keys", "data"),
        ("tables", "orders"),
        ("buckets", "documents"),
        ("functions", "recorder"),
    ] {
        full[part][name]["region"] = json!("us-east-1");
    }
    full
}

/// Where in [`full`] a property stands.
fn pointer(property: &str) -> String {
    let named = [
        // A pointer writes a slash so.
        ("apis.routes.", "POST ~1data"),
        ("apis.", "api"),
        ("gates.", "door"),
        ("accelerators.", "front"),
        ("health_checks.", "outside"),
        ("dashboards.", "board"),
        ("buses.", "events"),
        ("buses.events.rules.", "recorded"),
        ("keys.", "data"),
        ("clusters.", "main"),
        ("streams.", "stream"),
        ("caches.", "cache"),
        ("databases.", "database"),
        ("alarms.", "database-cpu"),
        ("topics.", "alerts"),
        ("tables.", "orders"),
        ("buckets.", "documents"),
        ("functions.", "recorder"),
        ("parameters.", "flags"),
        ("backups.", "daily"),
        ("topics.alerts.subscriptions.", "on-call"),
    ];
    let path = named.iter().fold(property.to_owned(), |path, (kind, name)| {
        match path.strip_prefix(kind) {
            Some(rest) => format!("{kind}{name}.{rest}"),
            None => path,
        }
    });
    format!("/{}", path.replace('.', "/"))
}

fn with(document: &Value, pointer: &str, value: Value) -> Value {
    let mut document = document.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    document
}

fn without(document: &Value, pointer: &str) -> Value {
    let mut document = document.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(key)
        .unwrap();
    document
}

/// The properties that a document of today can hold by itself: variables and environments are resolved before. `regions`
/// is there instead of `region`.
fn own_properties(schema: &Value) -> Vec<(String, Property<'_>)> {
    let others = ["variables", "environments", "regions"];
    properties(schema)
        .into_iter()
        .filter(|(path, _)| !others.contains(&path.as_str()))
        // An endpoint needs two regions.
        .filter(|(path, _)| !path.starts_with("buses.global_endpoint"))
        .collect()
}

#[test]
fn it_is_a_schema_of_draft_7() {
    assert!(jsonschema::draft7::meta::is_valid(&the_schema()));
}

#[test]
fn the_reference_stacks_are_good() {
    let stacks = stacks();
    assert!(stacks.len() >= 2);
    for (name, stack) in stacks {
        let problems: Vec<String> = validator().iter_errors(&stack).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
    }
}

#[test]
fn every_property_is_told_of_and_every_mapping_is_closed() {
    let schema = the_schema();
    for (path, property) in properties(&schema) {
        assert_eq!(property.schema["title"], path.as_str());
        let description = property.schema["description"].as_str().unwrap_or_default();
        assert!(
            description.ends_with('.') && !description.contains('\n'),
            "{path}: {description}"
        );
    }
    let closed = |value: &Value| value.get("properties").is_none() || value["additionalProperties"] == json!(false);
    assert!(closed(&schema));
    let mut open = vec![&schema["properties"]];
    while let Some(value) = open.pop() {
        assert!(closed(value), "{value}");
        match value {
            Value::Object(entries) => open.extend(entries.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}

#[test]
fn more_is_told_where_there_is_more_to_tell() {
    let schema = schema(&|path| (path == "databases.class").then(|| "It restarts.".to_owned()));
    let told: Vec<String> = properties(&schema)
        .into_iter()
        .filter(|(_, property)| {
            property.schema["description"]
                .as_str()
                .unwrap()
                .ends_with("\n\nIt restarts.")
        })
        .map(|(path, _)| path)
        .collect();
    assert_eq!(told, ["databases.class"]);
    let overlaid = "/properties/environments/additionalProperties/properties/databases/additionalProperties/properties";
    let class = &schema.pointer(overlaid).unwrap()["class"];
    assert!(
        class["description"].as_str().unwrap().ends_with("It restarts."),
        "{class}"
    );
}

/// The schema's numbers, texts and choices, and what lies just beside them.
fn candidates(property: &Value, found: &mut Vec<Value>) {
    for key in ["const", "default"] {
        found.extend(property.get(key).cloned());
    }
    for key in ["enum", "examples"] {
        found.extend(
            property
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .cloned(),
        );
    }
    for key in ["minimum", "maximum"] {
        if let Some(limit) = property.get(key).and_then(Value::as_i64) {
            found.extend([limit - 1, limit, limit + 1].map(Value::from));
        }
    }
    for key in ["minLength", "maxLength"] {
        if let Some(limit) = property.get(key).and_then(Value::as_u64) {
            found.extend([limit.saturating_sub(1), limit, limit + 1].map(|length| "a".repeat(length as usize).into()));
        }
    }
    for inner in property.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        candidates(inner, found);
    }
}

const OTHERS: &str = r#"[
    null, true, false, 0, 1, 7, -1, 1.5, 60, 90, 1e9, "", "x", "X", "seven", "a-b", "a--b", "a-", "1a", "sg-a", "us-east-1",
    "us-east", "10.0.0.0/16", "10.0.0.0/8", "10.0.0.0/29", "256.0.0.0/16", "10.0.0/16", "15", "15.", "15.15", "15.15.1.2",
    "cache.t3.micro", "db.t3.micro", "t3.micro", "Some_name1", "some name", "03:00-04:00", "3:00-4:00", "25:00-26:00",
    "SUN:04:00-sun:05:00", "sun:04:00", "son:04:00-son:05:00", "databases.database", "databases.database.port",
    "databases.database.password", "network.vpc_id", "network.vpc", [], {}, [1], ["x"], ["postgresql"], ["IncomingBytes"],
    ["IncomingBytes", "IncomingBytes"], ["10.0.4.0/24", "10.0.5.0/24"], {"x": "y"}, {"x": 1}, {"x": true}, {"x": null},
    {"x": ""}, {"X": "y"}, {"Name": "x"}, {"name": "x"}, {"aws:x": "y"}, {"AWS:x": "y"}, {"outrigger:x": "y"}, {"x": "é"},
    {"x": "<>"}, {"": "x"}
]"#;

/// Whether a refusal is one of how values go together.
fn is_of_several(problems: &[document::Problem]) -> bool {
    let codes = [Code::Conflict, Code::Reference, Code::AddressRange, Code::Metric];
    let words = [
        "no room to grow",
        "live in private subnets only",
        "have a load balancer in public subnets",
        "in at least 2 zones",
        "periods of",
        "needs an API key",
        "nothing says which value",
    ];
    problems
        .iter()
        .all(|problem| codes.contains(&problem.code) || words.iter().any(|word| problem.message.contains(word)))
}

#[test]
fn it_says_of_every_value_what_validation_says() {
    let (schema, validator, full) = (the_schema(), validator(), full());
    parse(&full).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for (path, property) in own_properties(&schema) {
        let mut values: Vec<Value> = serde_json::from_str(OTHERS).unwrap();
        candidates(property.schema, &mut values);
        for value in values {
            let document = with(&full, &pointer(&path), value.clone());
            let said: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| error.to_string())
                .collect();
            match parse(&document) {
                Ok(_) => {
                    assert!(said.is_empty(), "{path}: {value} is good, and the schema says {said:?}");
                    taken += 1;
                }
                Err(problems) => {
                    assert!(
                        !said.is_empty() || is_of_several(&problems),
                        "{path}: the schema takes {value}, but {problems:?}"
                    );
                    refused += 1;
                }
            }
        }
        // What must be there, and what becomes of what is not.
        let document = without(&full, &pointer(&path));
        match parse(&document) {
            Ok(read) => {
                assert!(validator.is_valid(&document), "{path} may be left out");
                if let Some(default) = property.schema.get("default") {
                    let given = parse(&with(&full, &pointer(&path), default.clone()));
                    assert!(
                        given.is_ok_and(|given| given == read),
                        "{path}: the default is not {default}"
                    );
                }
            }
            Err(problems) => {
                assert!(
                    !validator.is_valid(&document) || is_of_several(&problems),
                    "{path}: {problems:?}"
                );
            }
        }
    }
    assert!(taken > 200 && refused > 1000, "{taken} taken, {refused} refused");
}

#[test]
fn a_document_has_either_one_region_or_several() {
    let (one, two) = (json!("us-east-1"), json!(["us-east-1", "us-east-2"]));
    let ranges = json!({ "us-east-1": "10.0.0.0/16", "us-east-2": "10.1.0.0/16" });
    let check = |change: Value, good: bool| {
        let mut document = without(&full(), "/region");
        document["network"] = json!({ "cidr": ranges, "zones": 2, "private": {}, "public": {} });
        let (change, network) = (change.as_object().unwrap(), change.get("network"));
        for (key, value) in change.iter().filter(|(key, _)| *key != "network") {
            document[key] = value.clone();
        }
        for (key, value) in network.and_then(Value::as_object).into_iter().flatten() {
            document["network"][key] = value.clone();
        }
        let said = validator().is_valid(&document);
        let errors: Vec<String> = validator()
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        let problems = parse(&document).err().unwrap_or_default();
        assert_eq!(
            (said, problems.is_empty()),
            (good, good),
            "{change:?}: {errors:?}, {problems:?}"
        );
    };
    let same = json!({ "cidr": "10.0.0.0/16" });
    check(json!({ "region": one, "network": same }), true);
    check(json!({ "regions": [one], "network": same }), true);
    check(json!({ "regions": two, "network": same }), true);
    check(json!({ "regions": two, "network": { "peering": true } }), true);
    let lists = json!({ "us-east-1": ["10.0.11.0/24", "10.0.12.0/24"], "us-east-2": ["10.1.11.0/24", "10.1.12.0/24"] });
    check(
        json!({ "regions": two, "network": { "private": { "cidrs": lists } } }),
        true,
    );
    let output = json!({ "other": "network.us-east-2.vpc_id" });
    check(json!({ "regions": two, "outputs": output }), true);
    check(json!({}), false);
    check(json!({ "region": one, "regions": two }), false);
    check(json!({ "regions": [] }), false);
    check(json!({ "regions": null }), false);
    check(json!({ "region": null }), false);
    check(json!({ "regions": "us-east-1" }), false);
    check(json!({ "regions": [one, one] }), false);
    check(json!({ "regions": ["us-east-1", "us-east-2", "us-west-2"] }), false);
    check(json!({ "regions": ["us-east-1", "mars"] }), false);
    check(json!({ "regions": two, "network": { "cidr": {} } }), false);
    check(
        json!({ "regions": two, "network": { "cidr": { "mars": "10.0.0.0/16" } } }),
        false,
    );
    check(
        json!({ "regions": two, "network": { "private": { "cidrs": {} } } }),
        false,
    );
    check(
        json!({ "regions": two, "network": { "private": { "cidrs": { "us-east-1": "10.0.0.0/24" } } } }),
        false,
    );
}

#[test]
fn variables_and_environments_have_their_places() {
    let good = [
        (
            "/variables",
            json!({ "class": "db.t3.micro", "Size-1": 20, "is_large": false }),
        ),
        ("/stack", json!("${name}")),
        ("/region", json!("${region}")),
        ("/on_failure", json!("${on_failure}")),
        ("/network/zones", json!("${zones}")),
        ("/network/cidr", json!("${range}")),
        ("/network/cidr", json!({ "us-east-1": "${range}" })),
        ("/network/public/cidrs", json!({ "us-east-1": ["${one}"] })),
        (
            "/environments",
            json!({ "staging": { "network": { "cidr": { "us-east-1": null }, "public": { "cidrs": {} } } } }),
        ),
        (
            "/environments",
            json!({ "staging": { "region": null, "regions": ["us-east-1", "${other}"] } }),
        ),
        ("/network/public/cidrs", json!(["${one}", "10.0.1.0/24"])),
        ("/databases/database/storage_gib", json!("${size}")),
        ("/databases/database/multi_az", json!("${is_large}")),
        ("/databases/database/storage_type", json!("${storage}")),
        ("/databases/database/log_exports", json!(["${log}"])),
        ("/databases/database/backups/window", json!("${window}")),
        ("/databases/database/tags", json!({ "Owner": "${owner}" })),
        ("/alarms/database-cpu/threshold", json!("${percent}")),
        ("/outputs", json!({ "endpoint": "${endpoint}" })),
        (
            "/environments",
            json!({ "staging": { "databases": { "database": { "storage_gib": 20 } } } }),
        ),
        (
            "/environments",
            json!({ "staging": { "databases": { "database": { "port": null } }, "alarms": null } }),
        ),
        (
            "/environments",
            json!({ "staging": { "caches": { "cache": null }, "network": { "zones": "${zones}" } } }),
        ),
        ("/environments", json!({ "staging": null })),
    ];
    for (pointer, value) in good {
        let document = with(&full(), pointer, value.clone());
        let said: Vec<String> = validator()
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert!(said.is_empty(), "{pointer} = {value}: {said:?}");
    }
    let bad = [
        ("/variables", json!({ "1size": 20 })),
        ("/variables", json!({ "sizes": [20] })),
        ("/network/zones", json!("$zones")),
        ("/network/zones", json!("{zones}")),
        ("/databases/database/multi_az", json!("x${is_large}")),
        ("/databases/database/backups", json!("${backups}")),
        ("/environments", json!({ "Staging": {} })),
        (
            "/environments",
            json!({ "staging": { "databases": { "database": { "storage": 20 } } } }),
        ),
        (
            "/environments",
            json!({ "staging": { "databases": { "database": { "storage_gib": 5 } } } }),
        ),
        ("/environments", json!({ "staging": { "environments": {} } })),
        ("/environments", json!({ "staging": { "stack": "other" } })),
        ("/environments", json!({ "staging": { "environment": "other" } })),
        ("/environments", json!({ "staging": { "variables": { "1size": 20 } } })),
    ];
    for (pointer, value) in bad {
        let document = with(&full(), pointer, value.clone());
        assert!(!validator().is_valid(&document), "{pointer} = {value}");
    }
}

#[test]
fn what_is_missing_may_be_in_an_environment() {
    let environments = json!({ "staging": { "databases": { "database": { "class": "db.t3.micro" } } } });
    for (pointer, may_be) in [
        ("/stack", false),
        ("/environment", true),
        ("/network", true),
        ("/network/cidr", true),
        ("/databases/database/class", true),
        ("/databases/database/backups/retention_days", true),
    ] {
        let document = without(&full(), pointer);
        assert!(!validator().is_valid(&document), "without {pointer}");
        let document = with(&document, "/environments", environments.clone());
        assert_eq!(
            validator().is_valid(&document),
            may_be,
            "without {pointer}, with environments"
        );
    }
}

#[test]
fn bad_documents_are_refused_where_they_are_bad() {
    let table = [
        ("/netwrok", json!({}), ""),
        ("/region", json!("mars"), "/region"),
        ("/databases/Main", json!({}), "/databases"),
        ("/databases/database/password", json!("hunter2"), "/databases/database"),
        (
            "/databases/database/storage_gib",
            json!("20 GiB"),
            "/databases/database/storage_gib",
        ),
        (
            "/databases/database/version",
            json!(15.15),
            "/databases/database/version",
        ),
        (
            "/databases/database/backups",
            json!({ "retention_days": 60 }),
            "/databases/database/backups/retention_days",
        ),
        ("/streams/stream/shards", json!(0), "/streams/stream/shards"),
        (
            "/network/public/cidrs",
            json!(["10.0.0.0/8"]),
            "/network/public/cidrs/0",
        ),
        (
            "/outputs/endpoint",
            json!("databases.database.host"),
            "/outputs/endpoint",
        ),
    ];
    for (pointer, value, place) in table {
        let document = with(&full(), pointer, value.clone());
        let places: BTreeSet<String> = validator()
            .iter_errors(&document)
            .map(|error| error.instance_path().to_string())
            .collect();
        assert!(places.contains(place), "{pointer} = {value}: {places:?}");
    }
}
