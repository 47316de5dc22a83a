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
    document::from_text(include_str!("../../model/tests/two-regions.yaml")).unwrap()
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

/// Values are kept equal by following the first region; backups are made where the data is, and copied to where it is not.
#[test]
fn parameters_and_backups_are_in_every_region() {
    let mut document = with_components();
    document["parameters"] = json!({
        "api-key": { "generated": true },
        "database-endpoint": { "value_of": "databases.database.endpoint" },
        "flags": { "value": "on" },
    });
    document["backups"] = json!({ "daily": { "of": ["databases.database"], "retention_days": 7 } });
    let graph = graph_of(&document);
    let properties = |key: &str| {
        let properties = &graph.resources[&key.parse::<ResourceKey>().unwrap()].properties;
        serde_json::to_value(properties).unwrap()
    };
    let of = |resource: &str, attribute: &str| json!({ "resource": resource, "attribute": attribute });
    for region in ["us-east-1", "us-east-2"] {
        let endpoint = of("us-east-1/db-instance/database", "endpoint");
        assert_eq!(
            properties(&format!("{region}/parameter/database-endpoint"))["value"],
            endpoint
        );
        assert_eq!(properties(&format!("{region}/parameter/flags"))["value"], "on");
        let key = properties(&format!("{region}/parameter/api-key"));
        assert_eq!((&key["type"], &key["value"]), (&json!("secure_string"), &Value::Null));
        let copied = match region {
            "us-east-1" => Value::Null,
            _ => of("us-east-1/parameter/api-key", "arn"),
        };
        assert_eq!(key["copy_of"], copied);
        assert!(
            graph
                .resources
                .contains_key(&format!("{region}/backup-vault/daily").parse().unwrap())
        );
    }
    let name = |name: &str| {
        let key = format!("us-east-2/parameter/{name}").parse::<ResourceKey>().unwrap();
        graph.resources[&key].physical_name.clone()
    };
    assert_eq!(name("api-key"), "/two-regions/production/api-key");

    let plan = json!({
        "kind": "backup-plan", "vault": of("us-east-1/backup-vault/daily", "name"), "window_start": "05:00",
        "retention_days": 7, "copies": [of("us-east-2/backup-vault/daily", "arn")],
    });
    assert_eq!(properties("us-east-1/backup-plan/daily"), plan);
    let selection = json!({
        "kind": "backup-selection", "plan": of("us-east-1/backup-plan/daily", "id"),
        "role": of("us-east-1/role/backup_daily", "arn"), "resources": [of("us-east-1/db-instance/database", "arn")],
        "copied": true,
    });
    assert_eq!(properties("us-east-1/backup-selection/daily"), selection);
    let others = graph.resources.keys().filter(|key| key.region.as_str() == "us-east-2");
    assert!(
        !others
            .into_iter()
            .any(|key| [Kind::BackupPlan, Kind::BackupSelection].contains(&key.kind))
    );

    // Where the plan is, and where there are vaults, outputs know.
    let document = parse(&document);
    for (path, resource, attribute) in [
        ("backups.daily.plan_id", "us-east-1/backup-plan/daily", "id"),
        ("backups.daily.vault_name", "us-east-1/backup-vault/daily", "name"),
        (
            "backups.daily.us-east-2.vault_arn",
            "us-east-2/backup-vault/daily",
            "arn",
        ),
        ("parameters.flags.name", "us-east-1/parameter/flags", "name"),
        ("parameters.flags.us-east-2.arn", "us-east-2/parameter/flags", "arn"),
    ] {
        let reference = output_reference(&document, &path.parse().unwrap());
        assert_eq!(
            (reference.resource.to_string().as_str(), reference.attribute.as_str()),
            (resource, attribute),
            "{path}"
        );
    }
}
/// The reference stack with a global database.
fn with_a_global_database() -> Value {
    let mut document = the_document();
    document["clusters"] = json!({ "main": {
        "global": true, "engine": "aurora_postgresql", "version": "15.15", "capacity_acu_min": 0.5,
        "capacity_acu_max": 1.0, "instances": 2, "database": "shop", "user": "shop_owner",
        "deletion_protection": false, "final_snapshot": false,
    } });
    document
}
#[test]
fn a_global_database_is_created_in_order_and_goes_by_roles() {
    let document = with_a_global_database();
    let graph = graph_of(&document);
    let key = |text: &str| -> ResourceKey { text.parse().unwrap() };
    let [first, second] = ["us-east-1", "us-east-2"].map(|region| key(&format!("{region}/db-cluster/main")));
    let global = key("global/global-cluster/main");
    let needs = |of: &ResourceKey, other: &ResourceKey| graph.resources[of].depends_on.contains(other);
    assert!(needs(&first, &global) && needs(&second, &global));
    for number in [1, 2] {
        assert!(needs(
            &second,
            &key(&format!("us-east-1/db-cluster-instance/main-{number}"))
        ));
    }
    // One secret, with a replica, whose host is where one writes.
    let secrets: Vec<_> = graph.resources.keys().filter(|key| key.kind == Kind::Secret).collect();
    assert_eq!(secrets, [&key("us-east-1/secret/main")]);
    let Properties::Secret(secret) = &graph.resources[secrets[0]].properties else {
        panic!("no secret");
    };
    assert_eq!(secret.replicas, BTreeSet::from([Region::new("us-east-2")]));
    let attachment = serde_json::to_value(&graph.resources[&key("us-east-1/secret-attachment/main")]).unwrap();
    assert_eq!(
        attachment["properties"]["host"]["attribute"], "writer_endpoint",
        "{attachment}"
    );

    // Neither cluster waits for the other one, nor do their instances: who writes by then decides. The global cluster goes last.
    let down = destroy(&records_of(&graph), Protection::Heeded).unwrap();
    let is_member = |key: &&ResourceKey| [Kind::DbCluster, Kind::DbClusterInstance].contains(&key.kind);
    for (key, step) in down.steps.iter().filter(|(key, _)| is_member(key)) {
        let mut others = step.depends_on.iter().filter(|other| is_member(other));
        assert!(
            others.all(|other| other.region == key.region),
            "{key} waits for {:?}",
            step.depends_on
        );
    }
    let goes_after = &down.steps[&global].depends_on;
    assert!(
        goes_after.contains(&first) && goes_after.contains(&second),
        "{goes_after:?}"
    );

    // Nothing changes with nothing changed; and another version is refused.
    assert_eq!(changes(&document, &document), BTreeMap::new());
    let mut later = document.clone();
    later["clusters"]["main"]["version"] = json!("16.6");
    let records = records_of(&graph);
    let refused = outrigger_plan::provision(&graph_of(&later), &records, Protection::Heeded, 0).unwrap_err();
    assert!(
        refused
            .iter()
            .any(|problem| problem.message.contains("does not upgrade a global database")),
        "{refused:?}"
    );
}
