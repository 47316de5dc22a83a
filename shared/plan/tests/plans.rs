//! Plans: golden files, and what must hold of every one.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used)]

mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use outrigger_model::{Changed, Kind, Problem, Region, ResourceKey, document};
use outrigger_plan::plan::Records;
use outrigger_plan::{Action, Effect, Graph, Plan, Protection, Resolved, destroy, expand};
use proptest::prelude::*;
use serde_json::{Value, json};
use standing::records_of;

fn the_document() -> Value {
    document::from_text(include_str!("../../../stacks/data-processing.yaml")).unwrap()
}

fn graph_of(document: &Value) -> Graph {
    let document = document::parse(document).unwrap();
    let versions = document
        .databases
        .keys()
        .map(|name| (format!("databases.{name}"), "15.15".to_owned()));
    let caches = document
        .caches
        .keys()
        .map(|name| (format!("caches.{name}"), "7.0".to_owned()));
    let resolved = Resolved {
        zones: document
            .regions
            .iter()
            .map(|region| {
                let zones = ["a", "b", "c", "d", "e", "f"].map(|zone| format!("{region}{zone}"));
                (region.clone(), zones.to_vec())
            })
            .collect(),
        versions: versions.chain(caches).collect(),
        endpoints: Resolved::unasked(&document).endpoints,
        control_plane: outrigger_plan::ControlPlane::default(),
        static_parameters: document
            .databases
            .keys()
            .map(|name| {
                let names = BTreeSet::from(["shared_preload_libraries".to_owned()]);
                (format!("databases.{name}"), names)
            })
            .collect(),
    };
    expand(&document, &resolved).unwrap()
}

fn zones_of(region: &str) -> BTreeMap<Region, Vec<String>> {
    let zones = ["a", "b"].map(|zone| format!("{region}{zone}"));
    BTreeMap::from([(Region::new(region), zones.to_vec())])
}

const NOW_MS: u64 = 1_700_000_000_000;

fn provision(graph: &Graph, records: &Records) -> Result<Plan, Vec<Problem>> {
    outrigger_plan::provision(graph, records, Protection::Heeded, NOW_MS)
}

fn text_of(plan: &Plan) -> String {
    let mut text = String::new();
    for (key, step) in &plan.steps {
        let action = match &step.action {
            Action::Create => "create".to_owned(),
            Action::Update { .. } => "update".to_owned(),
            Action::Replace { former, .. } => format!("replace (as {})", former.name),
            Action::NoOp => "no-op".to_owned(),
            Action::Delete { .. } => "delete".to_owned(),
        };
        writeln!(text, "{action:8} {key}").unwrap();
        if let Action::Update { changes } | Action::Replace { changes, .. } = &step.action {
            for change in changes {
                let (property, from, to) = (&change.property, &change.from, &change.to);
                let note = change
                    .note
                    .as_ref()
                    .map(|note| format!(" ({note})"))
                    .unwrap_or_default();
                writeln!(text, "           {property}: {from} -> {to} {:?}{note}", change.effect).unwrap();
            }
        }
        for dependency in &step.depends_on {
            writeln!(text, "           after {dependency}").unwrap();
        }
    }
    text
}

#[test]
fn the_plan_that_stands_the_reference_stack_up() {
    insta::assert_snapshot!(text_of(
        &provision(&graph_of(&the_document()), &Records::new()).unwrap()
    ));
}

#[test]
fn the_plan_that_takes_the_reference_stack_down() {
    insta::assert_snapshot!(text_of(
        &destroy(&records_of(&graph_of(&the_document())), Protection::Heeded).unwrap()
    ));
}

#[test]
fn the_graph_of_the_reference_stack() {
    insta::assert_json_snapshot!(graph_of(&the_document()).resources.into_values().collect::<Vec<_>>());
}

#[test]
fn the_same_document_again_changes_nothing() {
    let graph = graph_of(&the_document());
    let plan = provision(&graph, &records_of(&graph)).unwrap();
    assert!(
        plan.steps.values().all(|step| step.action == Action::NoOp),
        "{}",
        text_of(&plan)
    );
}

#[test]
fn a_creation_that_was_begun_goes_on() {
    let graph = graph_of(&the_document());
    let mut records = records_of(&graph);
    let key: ResourceKey = "us-east-1/db-instance/database".parse().unwrap();
    records.get_mut(&key).unwrap().ready = false;
    let plan = provision(&graph, &records).unwrap();
    assert_eq!(plan.steps[&key].action, Action::Create);
}

/// Changes a document, and answers the plan from what stands to it, what stays left out.
fn plan_of(change: impl Fn(&mut Value)) -> Result<Plan, Vec<String>> {
    plan_from(&the_document(), change)
}

fn plan_from(document: &Value, change: impl Fn(&mut Value)) -> Result<Plan, Vec<String>> {
    let records = records_of(&graph_of(document));
    let mut changed = document.clone();
    change(&mut changed);
    let plan = provision(&graph_of(&changed), &records);
    plan.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn with_storage(gib: u32) -> Value {
    let mut document = the_document();
    document["databases"]["database"]["storage_gib"] = json!(gib);
    document
}

fn changes_of(plan: Result<Plan, Vec<String>>) -> String {
    match plan {
        Ok(mut plan) => {
            assert_can_be_carried_out(&plan);
            plan.steps.retain(|_, step| step.action != Action::NoOp);
            text_of(&plan)
        }
        Err(problems) => format!("refused:\n{}\n", problems.join("\n")),
    }
}

/// One golden file of what each change of the document comes to.
#[test]
fn what_changes_of_the_document_come_to() {
    fn component<'a>(document: &'a mut Value, path: &[&str]) -> &'a mut Value {
        path.iter().fold(document, |value, key| &mut value[*key])
    }
    let set = |path: &'static [&'static str], value: Value| {
        changes_of(plan_of(|document| *component(document, path) = value.clone()))
    };
    let database = |property: &'static str, value: Value| {
        changes_of(plan_of(|document| {
            document["databases"]["database"][property] = value.clone();
        }))
    };
    let cache = |property: &'static str, value: Value| {
        changes_of(plan_of(|document| {
            document["caches"]["cache"][property] = value.clone()
        }))
    };
    let stream = |property: &'static str, value: Value| {
        changes_of(plan_of(|document| {
            document["streams"]["stream"][property] = value.clone()
        }))
    };
    let table = [
        ("nothing", changes_of(plan_of(|_| ()))),
        ("the document's tags", set(&["tags", "Environment"], json!("staging"))),
        ("a component's own tag", database("tags", json!({ "Owner": "data" }))),
        (
            "an alarm's threshold",
            set(&["alarms", "stream-idle", "threshold"], json!(5)),
        ),
        (
            "backups",
            database("backups", json!({ "retention_days": 14, "window": "01:00-02:00" })),
        ),
        ("the instance class", database("class", json!("db.t3.medium"))),
        ("more storage", database("storage_gib", json!(40))),
        ("a little more storage", database("storage_gib", json!(21))),
        (
            "less storage",
            changes_of(plan_from(&with_storage(100), |document| {
                document["databases"]["database"]["storage_gib"] = json!(50);
            })),
        ),
        ("storage that grows", database("storage_gib_max", json!(100))),
        ("the type of storage", database("storage_type", json!("gp3"))),
        ("one zone", database("multi_az", json!(false))),
        (
            "parameters",
            database(
                "parameters",
                json!({ "log_statement": "all", "shared_preload_libraries": "pg_stat_statements" }),
            ),
        ),
        ("monitoring", database("monitoring_interval_seconds", json!(60))),
        ("logs", database("log_exports", json!(["postgresql"]))),
        ("in the window", database("apply", json!("in_window"))),
        ("the database's name", database("database", json!("other"))),
        ("the user", database("user", json!("other"))),
        ("the port", database("port", json!(5433))),
        ("protection", database("deletion_protection", json!(true))),
        ("the node type", cache("node_type", json!("cache.t3.small"))),
        ("more nodes", cache("nodes", json!(3))),
        ("the cache's port", cache("port", json!(6380))),
        ("many more shards", stream("shards", json!(9))),
        ("too many more shards", stream("shards", json!(5000))),
        ("retention", stream("retention_hours", json!(48))),
        ("shard metrics", stream("shard_metrics", json!(["IncomingBytes"]))),
        ("a zone more", set(&["network", "zones"], json!(3))),
        (
            "no public subnets",
            changes_of(plan_of(|document| {
                document["network"].as_object_mut().unwrap().remove("public");
            })),
        ),
        (
            "other public ranges",
            set(
                &["network", "public"],
                json!({ "cidrs": ["10.0.4.0/24", "10.0.5.0/24"] }),
            ),
        ),
        (
            "ranges that change places",
            set(
                &["network", "public"],
                json!({ "cidrs": ["10.0.1.0/24", "10.0.0.0/24"] }),
            ),
        ),
        ("another network", set(&["network", "cidr"], json!("10.1.0.0/16"))),
        (
            "another network, and everything may go",
            changes_of(plan_of(|document| {
                document["network"]["cidr"] = json!("10.1.0.0/16");
                document["databases"]["database"]["allow_replace"] = json!(true);
                document["caches"]["cache"]["allow_replace"] = json!(true);
            })),
        ),
        (
            "no cache",
            changes_of(plan_of(|document| {
                document["caches"] = json!({});
                document["alarms"].as_object_mut().unwrap().remove("cache-cpu");
                document["outputs"].as_object_mut().unwrap().remove("redis_endpoint");
            })),
        ),
        (
            "one more stream",
            changes_of(plan_of(|document| {
                document["streams"]["other"] = json!({ "shards": 1 });
            })),
        ),
    ];
    let text: String = table
        .iter()
        .map(|(what, changes)| {
            let changes = if changes.is_empty() {
                "nothing to do\n"
            } else {
                changes.as_str()
            };
            format!("## {what}\n{changes}\n")
        })
        .collect();
    insta::assert_snapshot!(text);
}

/// A network with a NAT gateway and endpoints of both types, and nothing else.
fn ways_out() -> Value {
    let network = json!({
        "cidr": "10.0.0.0/16", "zones": 2, "public": {}, "private": {}, "nat": "single",
        "endpoints": ["s3", "secretsmanager"],
    });
    json!({ "stack": "shop", "environment": "test", "region": "us-east-1", "network": network })
}

/// One golden file of what changes of the ways out of private subnets come to.
#[test]
fn what_changes_of_ways_out_come_to() {
    let network = |property: &'static str, value: Value| {
        changes_of(plan_from(&ways_out(), |document| {
            document["network"][property] = value.clone();
        }))
    };
    let mut none = ways_out();
    none["network"] = json!({ "cidr": "10.0.0.0/16", "zones": 2, "public": {}, "private": {} });
    let mut per_zone = ways_out();
    per_zone["network"]["nat"] = json!("per_zone");
    let fewer = plan_from(&per_zone, |document| document["network"]["zones"] = json!(1));
    let table = [
        (
            "ways out where there were none",
            changes_of(plan_from(&none, |document| *document = ways_out())),
        ),
        (
            "none any more",
            changes_of(plan_from(&ways_out(), |document| *document = none.clone())),
        ),
        ("a NAT gateway in each zone", network("nat", json!("per_zone"))),
        (
            "a single NAT gateway again",
            changes_of(plan_from(&per_zone, |document| *document = ways_out())),
        ),
        ("a zone less", changes_of(fewer)),
        (
            "another service",
            network("endpoints", json!(["dynamodb", "secretsmanager"])),
        ),
        ("a zone more", network("zones", json!(3))),
        (
            "other public ranges",
            network("public", json!({ "cidrs": ["10.0.4.0/24", "10.0.5.0/24"] })),
        ),
        (
            "other private ranges",
            network("private", json!({ "cidrs": ["10.0.4.0/24", "10.0.5.0/24"] })),
        ),
        ("another network", network("cidr", json!("10.1.0.0/16"))),
    ];
    let text: String = table
        .iter()
        .map(|(what, changes)| format!("## {what}\n{changes}\n"))
        .collect();
    insta::assert_snapshot!(text);
}

/// The database's storage, once it was changed, rests for 6 hours.
#[test]
fn storage_rests_after_a_change() {
    let key: ResourceKey = "us-east-1/db-instance/database".parse().unwrap();
    let mut records = records_of(&graph_of(&the_document()));
    let mut changed = the_document();
    changed["databases"]["database"]["storage_gib"] = json!(40);
    let hours_ago = |hours: u64| {
        let at_ms = NOW_MS - hours * 3_600_000;
        BTreeMap::from([("storage_gib".to_owned(), Changed { at_ms, to: json!(20) })])
    };
    records.get_mut(&key).unwrap().changed = hours_ago(2);
    let problems = provision(&graph_of(&changed), &records).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "us-east-1/db-instance/database.storage_gib: RDS changes storage once in 6 hours at most; the next change is \
         possible in 4 h 0 min"
    );
    records.get_mut(&key).unwrap().changed = hours_ago(6);
    assert!(provision(&graph_of(&changed), &records).is_ok());
    // An operation that was cut off after the call goes on with the same change.
    let begun = Changed {
        at_ms: NOW_MS,
        to: json!(40),
    };
    records.get_mut(&key).unwrap().changed = BTreeMap::from([("storage_gib".to_owned(), begun)]);
    assert!(provision(&graph_of(&changed), &records).is_ok());
}

/// The new major's parameter group stands before the database moves to it, and the old one goes after that.
#[test]
fn a_major_upgrade_takes_its_parameter_group_along() {
    let mut document = the_document();
    document["databases"]["database"]["parameters"] = json!({ "log_statement": "all" });
    let records = records_of(&graph_of(&document));
    let mut graph = graph_of(&document);
    // As the catalog resolves another version.
    let resolved = |version: &str| Resolved {
        zones: zones_of("us-east-1"),
        versions: [("databases.database", version), ("caches.cache", "7.0")]
            .map(|(component, version)| (component.to_owned(), version.to_owned()))
            .into(),
        static_parameters: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        control_plane: outrigger_plan::ControlPlane::default(),
    };
    let parsed = document::parse(&document).unwrap();
    graph.clone_from(&expand(&parsed, &resolved("16.4")).unwrap());
    let plan = provision(&graph, &records).unwrap();
    let step = |name: &str| &plan.steps[&name.parse::<ResourceKey>().unwrap()];
    let database: ResourceKey = "us-east-1/db-instance/database".parse().unwrap();
    let new: ResourceKey = "us-east-1/db-parameter-group/database-postgres16".parse().unwrap();
    assert_eq!(
        step("us-east-1/db-parameter-group/database-postgres16").action,
        Action::Create
    );
    assert!(plan.steps[&database].depends_on.contains(&new));
    let Action::Update { changes } = &plan.steps[&database].action else {
        panic!("{:?}", plan.steps[&database].action);
    };
    assert!(
        changes.iter().all(|change| change.effect == Effect::Restarts),
        "{changes:?}"
    );
    let old = step("us-east-1/db-parameter-group/database-postgres15");
    assert!(matches!(old.action, Action::Delete { .. }));
    assert!(old.depends_on.contains(&database));
    // Downwards there is no way but a new database.
    let refused = provision(&expand(&parsed, &resolved("15.7")).unwrap(), &records).unwrap_err();
    assert!(refused[0].message.contains("allow_replace"), "{refused:?}");
}

/// What was left of a replacement that was cut off is deleted by the next plan, in the right order.
#[test]
fn a_replacement_that_was_cut_off_goes_on() {
    let mut document = the_document();
    document["databases"]["database"]["allow_replace"] = json!(true);
    let graph = graph_of(&document);
    let key: ResourceKey = "us-east-1/db-instance/database".parse().unwrap();
    let mut records = records_of(&graph);
    let mut left = records.remove(&key).unwrap();
    left.resource.key = key.former(1);
    records.insert(key.former(1), left);
    let plan = provision(&graph, &records).unwrap();
    assert_can_be_carried_out(&plan);
    assert_eq!(plan.steps[&key].action, Action::Create);
    assert!(plan.steps[&key].depends_on.contains(&key.former(1)));
    assert!(matches!(
        plan.steps[&key.former(1)].action,
        Action::Delete { unprotect: false }
    ));
}

fn assert_can_be_carried_out(plan: &Plan) {
    let mut done: BTreeSet<&ResourceKey> = BTreeSet::new();
    while done.len() < plan.steps.len() {
        let ready: Vec<&ResourceKey> = plan
            .steps
            .iter()
            .filter(|(key, step)| !done.contains(key) && step.depends_on.iter().all(|before| done.contains(before)))
            .map(|(key, _)| key)
            .collect();
        assert!(!ready.is_empty(), "{}", text_of(plan));
        done.extend(ready);
    }
}

#[test]
fn what_is_protected_is_not_deleted() {
    let mut protected = the_document();
    protected["databases"]["database"]["deletion_protection"] = json!(true);
    let records = records_of(&graph_of(&protected));
    let problems = destroy(&records, Protection::Heeded).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].message.contains("deletion_protection: false"),
        "{problems:?}"
    );
    // Nor by taking it out of the document.
    let mut without = the_document();
    without["databases"] = json!({});
    without["alarms"].as_object_mut().unwrap().remove("database-cpu");
    for output in ["rds_endpoint", "rds_secret_arn"] {
        without["outputs"].as_object_mut().unwrap().remove(output);
    }
    assert!(provision(&graph_of(&without), &records).is_err());
}

proptest! {
    /// Whatever a document asks for, every step of its plan can be reached, whichever way it goes.
    #[test]
    fn every_plan_can_be_carried_out(zones in 2usize..=6, databases in 0usize..4, caches in 0usize..4, streams in 0usize..3, public: bool) {
        let mut document = the_document();
        let copies = |component: &Value, name: &str, count: usize| -> Value {
            (0..count).map(|number| (format!("{name}{number}"), component.clone())).collect::<serde_json::Map<_, _>>().into()
        };
        document["network"]["zones"] = zones.into();
        if !public {
            document["network"].as_object_mut().unwrap().remove("public");
        }
        document["databases"] = copies(&document["databases"]["database"], "database", databases);
        document["caches"] = copies(&document["caches"]["cache"], "cache", caches);
        document["streams"] = copies(&document["streams"]["stream"], "stream", streams);
        document["alarms"] = json!({});
        document["outputs"] = json!({});
        let graph = graph_of(&document);
        prop_assert_eq!(&graph, &graph_of(&document));
        prop_assert_eq!(graph.resources.keys().filter(|key| key.kind == Kind::DbInstance).count(), databases);
        let records = records_of(&graph);
        for plan in [provision(&graph, &Records::new()).unwrap(), destroy(&records, Protection::SwitchedOff).unwrap()] {
            assert_can_be_carried_out(&plan);
        }
    }
}
