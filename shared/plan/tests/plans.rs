//! Plans: golden files, and what must hold of every one.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use outrigger_model::{CallOutcome, Intent, Kind, Record, ResourceKey, document};
use outrigger_plan::plan::Records;
use outrigger_plan::resolve::resolve;
use outrigger_plan::{Action, Graph, Plan, Resolved, destroy, expand, provision};
use proptest::prelude::*;
use serde_json::{Value, json};

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
        zones: ["a", "b", "c", "d", "e", "f"]
            .map(|zone| format!("us-east-1{zone}"))
            .to_vec(),
        versions: versions.chain(caches).collect(),
    };
    expand(&document, &resolved).unwrap()
}

/// What is recorded once a graph stands.
fn records_of(graph: &Graph) -> Records {
    let mut records = Records::new();
    for key in graph.order().unwrap() {
        let wanted = &graph.resources[key];
        let resource = resolve(wanted, |reference| {
            outrigger_plan::plan::attribute_of(&records, reference)
        })
        .unwrap();
        let attributes = key
            .kind
            .attributes()
            .iter()
            .map(|name| ((*name).to_owned(), format!("{name}-of-{key}")));
        let record = Record {
            resource,
            intent: Intent {
                token: "token".to_owned(),
                outcome: CallOutcome::Answered { at_ms: 0 },
            },
            id: Some(format!("id-of-{key}")),
            attributes: attributes.collect(),
            ready: true,
            seen: true,
            absences: 0,
        };
        records.insert(key.clone(), record);
    }
    records
}

fn text_of(plan: &Plan) -> String {
    let mut text = String::new();
    for (key, step) in &plan.steps {
        let action = match &step.action {
            Action::Create => "create".to_owned(),
            Action::Update { properties } => format!("update {}", properties.join(", ")),
            Action::NoOp => "no-op".to_owned(),
            Action::Delete => "delete".to_owned(),
        };
        writeln!(text, "{action:8} {key}").unwrap();
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
    insta::assert_snapshot!(text_of(&destroy(&records_of(&graph_of(&the_document()))).unwrap()));
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

#[test]
fn what_cannot_be_changed_is_refused_and_what_can_is_updated() {
    let records = records_of(&graph_of(&the_document()));
    let mut changed = the_document();
    changed["databases"]["database"]["storage_gib"] = json!(40);
    changed["network"]["cidr"] = json!("10.1.0.0/16");
    let problems = provision(&graph_of(&changed), &records).unwrap_err();
    let places: BTreeSet<&str> = problems.iter().map(|problem| problem.place.as_str()).collect();
    assert!(
        places.contains("us-east-1/db-instance/database.storage_gib"),
        "{places:?}"
    );
    assert!(places.contains("us-east-1/vpc/vpc.cidr"), "{places:?}");

    let mut changed = the_document();
    changed["alarms"]["stream-idle"]["threshold"] = json!(5);
    changed["databases"]["database"]["deletion_protection"] = json!(true);
    let plan = provision(&graph_of(&changed), &records).unwrap();
    let updates: BTreeMap<String, Action> = plan
        .steps
        .iter()
        .filter(|(_, step)| step.action != Action::NoOp)
        .map(|(key, step)| (key.to_string(), step.action.clone()))
        .collect();
    let update = |property: &str| Action::Update {
        properties: vec![property.to_owned()],
    };
    let wanted = BTreeMap::from([
        ("us-east-1/alarm/stream-idle".to_owned(), update("threshold")),
        (
            "us-east-1/db-instance/database".to_owned(),
            update("deletion_protection"),
        ),
    ]);
    assert_eq!(updates, wanted);
}

#[test]
fn what_is_protected_is_not_deleted() {
    let mut protected = the_document();
    protected["databases"]["database"]["deletion_protection"] = json!(true);
    let records = records_of(&graph_of(&protected));
    let problems = destroy(&records).unwrap_err();
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
        let copies = |component: &Value, count: usize| -> Value {
            (0..count).map(|number| (format!("c{number}"), component.clone())).collect::<serde_json::Map<_, _>>().into()
        };
        document["network"]["zones"] = zones.into();
        if !public {
            document["network"].as_object_mut().unwrap().remove("public");
        }
        document["databases"] = copies(&document["databases"]["database"], databases);
        document["caches"] = copies(&document["caches"]["cache"], caches);
        document["streams"] = copies(&document["streams"]["stream"], streams);
        document["alarms"] = json!({});
        document["outputs"] = json!({});
        let graph = graph_of(&document);
        prop_assert_eq!(&graph, &graph_of(&document));
        prop_assert_eq!(graph.resources.keys().filter(|key| key.kind == Kind::DbInstance).count(), databases);
        let records = records_of(&graph);
        for plan in [provision(&graph, &Records::new()).unwrap(), destroy(&without_protection(records)).unwrap()] {
            let mut done: BTreeSet<&ResourceKey> = BTreeSet::new();
            while done.len() < plan.steps.len() {
                let ready: Vec<&ResourceKey> = plan.steps.iter()
                    .filter(|(key, step)| !done.contains(key) && step.depends_on.iter().all(|before| done.contains(before)))
                    .map(|(key, _)| key)
                    .collect();
                prop_assert!(!ready.is_empty(), "{}", text_of(&plan));
                done.extend(ready);
            }
        }
    }
}

fn without_protection(mut records: Records) -> Records {
    for record in records.values_mut() {
        if let outrigger_model::Properties::DbInstance(database) = &mut record.resource.properties {
            database.deletion_protection = false;
        }
    }
    records
}
