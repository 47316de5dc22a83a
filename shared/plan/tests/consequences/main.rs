//! What is told of a change is what the planner does: every property is changed, and planned.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used)]

mod data;
mod serving;
#[path = "../standing/mod.rs"]
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::schema::{properties, schema};
use outrigger_model::document::{self, Document, parse};
use outrigger_plan::{Action, Effect, Graph, Outcome, Protection, Resolved, When, consequence, expand};
use serde_json::{Value, json};
use standing::records_of;

fn the_document() -> Value {
    let mut document = document::from_text(include_str!("../../../../stacks/data-processing.yaml")).unwrap();
    document["caches"]["cache"]["allow_replace"] = json!(true);
    document["databases"]["database"]["allow_replace"] = json!(true);
    document["databases"]["database"]["parameters"] =
        json!({ "log_statement": "all", "shared_preload_libraries": "a" });
    document["clusters"] = json!({ "main": {
        "engine": "aurora_postgresql",
        "version": "15.10",
        "capacity_acu_min": 0.5,
        "capacity_acu_max": 2,
        "instances": 2,
        "database": "iotdb",
        "user": "iotadmin",
        "deletion_protection": false,
        "final_snapshot": false,
        "allow_replace": true,
    } });
    document["apis"] = json!({"api": {
        "routes": {"POST /data": {}, "PUT /data": {}},
        "usage_plan": {"rate_per_second": 200, "burst": 400},
    }});
    document
}

/// The document with a patch: mappings are merged, `null` takes away.
fn with(patch: &str) -> Value {
    fn merge(value: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *value = patch.clone();
            return;
        };
        if !value.is_object() {
            *value = json!({});
        }
        let entries = value.as_object_mut().unwrap();
        for (key, change) in patch {
            match change {
                Value::Null => drop(entries.remove(key)),
                change => merge(entries.entry(key).or_insert(Value::Null), change),
            }
        }
    }
    let mut document = the_document();
    let patch = document::from_text(patch).unwrap();
    merge(&mut document, &patch);
    document
}

fn graph_of(document: &Document) -> Graph {
    let static_parameters = BTreeSet::from(["shared_preload_libraries".to_owned()]);
    let resolved = Resolved {
        static_parameters: BTreeMap::from([("databases.database".to_owned(), static_parameters)]),
        ..Resolved::unasked(document)
    };
    expand(document, &resolved).unwrap()
}

/// What a plan from one document to another does: the strongest effect on what stays, and whether anything comes or goes.
fn planned(from: &str, to: &str) -> (Option<Effect>, bool) {
    let (from, to) = (parse(&with(from)).unwrap(), parse(&with(to)).unwrap());
    let records = records_of(&graph_of(&from));
    let plan = outrigger_plan::provision(&graph_of(&to), &records, Protection::Heeded, 0).unwrap();
    let effects = plan.steps.values().filter_map(|step| match &step.action {
        Action::Update { changes } | Action::Replace { changes, .. } => {
            changes.iter().map(|change| change.effect).max()
        }
        Action::Create | Action::NoOp | Action::Delete { .. } => None,
    });
    let comes_and_goes = plan.steps.iter().any(|(key, step)| {
        // What is replaced leaves a former resource behind.
        !key.is_former() && matches!(step.action, Action::Create | Action::Delete { .. })
    });
    (effects.max(), comes_and_goes)
}

/// Whether it is another stack that a document is changed to.
fn is_another(from: &str, to: &str) -> bool {
    parse(&with(from)).unwrap().id() != parse(&with(to)).unwrap().id()
}

/// A property, and a document before and after it is changed: what is different from the reference stack.
type Example = (&'static str, &'static str, &'static str);

fn examples() -> impl Iterator<Item = &'static Example> {
    data::EXAMPLES.iter().chain(serving::EXAMPLES)
}

/// The same, where something else happens.
const EXCEPTIONS: &[(Example, When)] = &[
    (
        (
            "caches.version",
            "{caches: {cache: {version: \"7.1\"}}}",
            "{caches: {cache: {version: \"7.0\"}}}",
        ),
        When::Lowered,
    ),
    (
        (
            "caches.auth_token",
            "{caches: {cache: {auth_token: true}}}",
            "{caches: {cache: {auth_token: false}}}",
        ),
        When::SwitchedOff,
    ),
    (
        (
            "databases.version",
            "{databases: {database: {version: \"15.15\"}}}",
            "{databases: {database: {version: \"15.4\"}}}",
        ),
        When::Lowered,
    ),
    (
        (
            "clusters.version",
            "{clusters: {main: {version: \"15.15\"}}}",
            "{clusters: {main: {version: \"15.10\"}}}",
        ),
        When::Lowered,
    ),
    (
        (
            "databases.storage_gib",
            "{databases: {database: {storage_gib: 40}}}",
            "{databases: {database: {storage_gib: 20}}}",
        ),
        When::Lowered,
    ),
    (
        (
            "databases.backups.retention_days",
            "{databases: {database: {backups: {retention_days: 7}}}}",
            "{databases: {database: {backups: {retention_days: 0}}}}",
        ),
        When::OffOrOn,
    ),
    (
        (
            "databases.parameters",
            "{databases: {database: {parameters: {shared_preload_libraries: a}}}}",
            "{databases: {database: {parameters: {shared_preload_libraries: b}}}}",
        ),
        When::StaticParameter,
    ),
];

#[test]
fn what_is_told_of_a_change_is_what_the_planner_does() {
    for (property, from, to) in examples() {
        let is_right = match consequence(property).unwrap().outcome {
            Outcome::Nothing => planned(from, to) == (None, false),
            Outcome::AnotherStack => is_another(from, to),
            Outcome::ComeAndGo => {
                let (effect, comes_and_goes) = planned(from, to);
                comes_and_goes && effect <= Some(Effect::InPlace)
            }
            Outcome::Changes(effect) => planned(from, to).0 == Some(effect),
            Outcome::AsWhatIsInIt => false,
        };
        assert!(is_right, "{property}: {from} to {to}: {:?}", planned(from, to));
    }
    for ((property, from, to), when) in EXCEPTIONS {
        let told = consequence(property).unwrap().exception.unwrap();
        assert_eq!(told.when, *when, "{property}");
        assert_eq!(planned(from, to).0, Some(told.effect), "{property}: {from} to {to}");
    }
}

#[test]
fn every_property_is_tried() {
    // What has but one value to choose.
    let unchangeable = ["caches.engine", "databases.engine", "clusters.engine"];
    let tried: BTreeSet<&str> = examples().map(|(property, _, _)| *property).collect();
    let excepted: BTreeSet<&str> = EXCEPTIONS.iter().map(|((property, _, _), _)| *property).collect();
    for property in properties(&schema(&|_| None)).keys().map(String::as_str) {
        let told = consequence(property).unwrap();
        let is_tried = tried.contains(property) || unchangeable.contains(&property);
        assert!(is_tried || told.outcome == Outcome::AsWhatIsInIt, "{property}");
        assert_eq!(told.exception.is_some(), excepted.contains(property), "{property}");
    }
}
