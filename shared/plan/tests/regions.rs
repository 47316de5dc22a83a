//! Stacks in two regions: what is in each, what binds them, and what a change in one leaves alone in the other.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used, clippy::panic)]

mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use outrigger_model::{Document, Kind, Properties, Region, ResourceKey, document};
use outrigger_plan::{Action, Graph, Plan, Protection, Resolved, destroy, expand, output_reference};
use proptest::prelude::*;
use serde_json::{Value, json};
use standing::records_of;

fn the_document() -> Value {
    document::from_text(include_str!("../../../stacks/multi-region-dr.yaml")).unwrap()
}

/// With something of every kind, some of it in the second region.
fn with_components() -> Value {
    let mut document = the_document();
    let other = document::from_text(include_str!("../../../stacks/data-processing.yaml")).unwrap();
    for part in ["streams", "caches", "databases", "alarms"] {
        document[part] = other[part].clone();
    }
    document["caches"]["cache"]["region"] = json!("us-east-2");
    document["databases"]["database"]["parameters"] = json!({ "log_statement": "all" });
    document["databases"]["database"]["monitoring_interval_seconds"] = json!(60);
    document["databases"]["database"]["log_exports"] = json!(["postgresql"]);
    document
}

fn parse(document: &Value) -> Document {
    document::parse(document).unwrap()
}

fn graph_of(document: &Value) -> Graph {
    let document = parse(document);
    expand(&document, &Resolved::unasked(&document)).unwrap()
}

/// What is done of a plan from one document to another, what stays left out.
fn changes(from: &Value, to: &Value) -> BTreeMap<String, Action> {
    let plan = outrigger_plan::provision(&graph_of(to), &records_of(&graph_of(from)), Protection::Heeded, 0).unwrap();
    let steps = plan.steps.into_iter().filter(|(_, step)| step.action != Action::NoOp);
    steps.map(|(key, step)| (key.to_string(), step.action)).collect()
}

fn text_of(plan: &Plan) -> String {
    let mut text = String::new();
    for (key, step) in &plan.steps {
        writeln!(text, "{key}").unwrap();
        for dependency in &step.depends_on {
            writeln!(text, "  after {dependency}").unwrap();
        }
    }
    text
}

#[test]
fn the_plans_of_the_reference_stack() {
    let graph = graph_of(&the_document());
    let up = outrigger_plan::provision(&graph, &BTreeMap::new(), Protection::Heeded, 0).unwrap();
    insta::assert_snapshot!("up", text_of(&up));
    let down = destroy(&records_of(&graph), Protection::Heeded).unwrap();
    insta::assert_snapshot!("down", text_of(&down));
}

#[test]
fn the_routes_lead_into_each_others_range() {
    let graph = graph_of(&the_document());
    let routes: Vec<Value> = graph
        .resources
        .iter()
        .filter(|(key, _)| key.kind == Kind::Route && key.name.contains("-to-"))
        .map(|(key, resource)| json!([key.to_string(), resource.properties]))
        .collect();
    insta::assert_json_snapshot!(routes);
}

/// What binds two regions is the peering: nothing else waits for anything in another region.
#[test]
fn regions_wait_for_each_other_only_where_they_are_peered() {
    for document in [the_document(), with_components()] {
        for (key, resource) in graph_of(&document).resources {
            for needed in resource.depends_on.iter().filter(|needed| needed.region != key.region) {
                let is_peering = key.kind == Kind::VpcPeering || needed.kind == Kind::VpcPeering;
                assert!(is_peering, "{key} waits for {needed}");
            }
        }
    }
}

#[test]
fn a_component_lives_in_the_first_region_or_where_it_says() {
    let graph = graph_of(&with_components());
    let region_of = |kind: Kind, name: &str| {
        let mut found = graph
            .resources
            .keys()
            .filter(|key| key.kind == kind && key.name == name);
        let key = found.next().unwrap();
        assert_eq!(found.next(), None, "{kind} {name} is in two regions");
        key.region.to_string()
    };
    for (kind, name, region) in [
        (Kind::Stream, "stream", "us-east-1"),
        (Kind::Alarm, "stream-idle", "us-east-1"),
        (Kind::DbInstance, "database", "us-east-1"),
        (Kind::DbSubnetGroup, "database", "us-east-1"),
        (Kind::SecurityGroup, "database", "us-east-1"),
        (Kind::Secret, "database", "us-east-1"),
        (Kind::LogGroup, "database-postgresql", "us-east-1"),
        (Kind::Role, "database-monitoring", "us-east-1"),
        (Kind::ReplicationGroup, "cache", "us-east-2"),
        (Kind::CacheSubnetGroup, "cache", "us-east-2"),
        (Kind::SecurityGroup, "cache", "us-east-2"),
        (Kind::Alarm, "cache-cpu-1", "us-east-2"),
    ] {
        assert_eq!(region_of(kind, name), region, "{kind} {name}");
    }
    let cache: ResourceKey = "us-east-2/security-group/cache".parse().unwrap();
    let Properties::SecurityGroup(group) = &graph.resources[&cache].properties else {
        panic!("{cache}");
    };
    assert_eq!(group.ingress[0].source.to_string(), "10.1.0.0/16");
}

#[test]
fn outputs_are_of_the_region_that_they_name() {
    let mut document = with_components();
    document["outputs"] = json!({
        "first": "network.vpc_id", "second": "network.us-east-2.vpc_id", "cache": "caches.cache.endpoint",
        "database": "databases.database.endpoint", "secret": "databases.database.secret_arn",
    });
    let document = parse(&document);
    let found: Vec<String> = document
        .outputs
        .values()
        .map(|path| output_reference(&document, path).resource.to_string())
        .collect();
    assert_eq!(
        found,
        [
            "us-east-2/replication-group/cache",
            "us-east-1/db-instance/database",
            "us-east-1/vpc/vpc",
            "us-east-2/vpc/vpc",
            "us-east-1/secret/database",
        ]
    );
}

/// Another order of the regions is no change for what is in each of them, the peering included.
#[test]
fn the_order_of_the_regions_is_no_change_of_the_network() {
    let mut other = the_document();
    other["regions"] = json!(["us-east-2", "us-east-1"]);
    assert_eq!(changes(&the_document(), &other), BTreeMap::new());
}

#[test]
fn a_second_region_comes_and_goes_without_touching_the_first() {
    let two = with_components();
    let mut one = two.clone();
    one["regions"] = json!(["us-east-1"]);
    one["network"]["cidr"] = json!("10.0.0.0/16");
    one["network"]["peering"] = json!(false);
    one.as_object_mut().unwrap().remove("outputs");
    one.as_object_mut().unwrap().remove("caches");
    one["alarms"].as_object_mut().unwrap().remove("cache-cpu");
    let between =
        |key: &str| key.starts_with("us-east-2/") || key.ends_with("/to-us-east-2") || key.ends_with("-to-us-east-2");
    let comes = changes(&one, &two);
    assert!(comes.len() > 15, "{comes:?}");
    for (key, action) in comes {
        assert!(between(&key) && action == Action::Create, "{key}: {action:?}");
    }
    for (key, action) in changes(&two, &one) {
        assert!(
            between(&key) && matches!(action, Action::Delete { .. }),
            "{key}: {action:?}"
        );
    }
}

/// A VPC that is replaced takes its peering along, and the routes into it; the other region's network stays.
#[test]
fn a_replaced_network_is_peered_anew() {
    let mut other = the_document();
    other["network"]["cidr"]["us-east-2"] = json!("10.2.0.0/16");
    let changes = changes(&the_document(), &other);
    let in_first: BTreeSet<&str> = changes
        .keys()
        .filter(|key| key.starts_with("us-east-1/") && !key.contains('~'))
        .map(String::as_str)
        .collect();
    assert_eq!(
        in_first,
        BTreeSet::from([
            "us-east-1/route/private-to-us-east-2",
            "us-east-1/route/public-to-us-east-2",
            "us-east-1/vpc-peering/to-us-east-2",
        ])
    );
    assert!(matches!(
        changes["us-east-1/vpc-peering/to-us-east-2"],
        Action::Replace { .. }
    ));
}

/// What was kept when every stack had one region still serves.
#[test]
fn zones_that_were_kept_as_a_list_are_those_of_the_only_region() {
    let mut document = the_document();
    document["regions"] = json!(["us-east-1"]);
    document["network"]["peering"] = json!(false);
    document["network"]["cidr"] = json!("10.0.0.0/16");
    document.as_object_mut().unwrap().remove("outputs");
    let document = parse(&document);
    let kept = json!({ "zones": ["us-east-1a", "us-east-1b"], "versions": {} });
    let then: Resolved = serde_json::from_value(kept).unwrap();
    let now = Resolved {
        zones: BTreeMap::from([(
            Region::new("us-east-1"),
            vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()],
        )]),
        ..Resolved::default()
    };
    assert_eq!(expand(&document, &then).unwrap(), expand(&document, &now).unwrap());
    let again: Resolved = serde_json::from_value(serde_json::to_value(&now).unwrap()).unwrap();
    assert_eq!(again, now);
}

proptest! {
    /// Whatever is where, no two resources of one region meet in a key or, where names are unique, in a name.
    #[test]
    fn keys_and_names_are_apart(zones in 2usize..=3, public: bool, peering: bool, homes in prop::collection::vec(any::<Option<bool>>(), 6)) {
        let mut document = with_components();
        document.as_object_mut().unwrap().remove("outputs");
        document["network"]["zones"] = zones.into();
        document["network"]["peering"] = peering.into();
        if !public {
            document["network"].as_object_mut().unwrap().remove("public");
        }
        for (index, home) in homes.iter().enumerate() {
            let part = ["streams", "caches", "databases"][index % 3];
            let first = document[part].as_object().unwrap().values().next().unwrap().clone();
            let name = format!("{part}-{index}");
            document[part][&name] = first;
            let said = home.map(|second| if second { "us-east-2" } else { "us-east-1" });
            document[part][&name]["region"] = json!(said);
        }
        let graph = graph_of(&document);
        graph.order().unwrap();
        let mut names = BTreeSet::new();
        for (key, resource) in &graph.resources {
            prop_assert!(["us-east-1", "us-east-2"].contains(&key.region.as_str()));
            prop_assert_eq!(&resource.tags["outrigger:resource"], &key.to_string());
            // A role's name is one of the account's.
            let region = (key.kind != Kind::Role).then(|| key.region.clone());
            prop_assert!(names.insert((region, key.kind, resource.physical_name.clone())), "{}", key);
        }
        let subnets = if public { 4 } else { 2 } * zones;
        prop_assert_eq!(graph.resources.keys().filter(|key| key.kind == Kind::Subnet).count(), subnets);
    }
}
