//! Event buses and domain names of APIs in two regions: what they become, what waits for what, and what changes do.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used, clippy::panic)]

mod standing;

use std::collections::BTreeMap;

use outrigger_model::document::{self, GlobalEndpoint};
use outrigger_model::{Document, Properties, ResourceKey};
use outrigger_plan::{Action, Graph, Protection, Resolved, destroy, expand, output_reference};
use serde_json::{Value, json};
use standing::records_of;

const DOCUMENT: &str = r#"
stack: shop
environment: test
regions: [us-east-1, us-east-2]
network: {cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}, zones: 2}
functions: {gate: {code: region-gate}}
buses:
  events:
    rules: {orders: {pattern: {source: [shop]}, function: gate}}
apis:
  shop:
    routes: {GET /health: {api_key: false}}
    domain:
      name: api.example.com
      base_path: v1
      certificates:
        us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/one
        us-east-2: arn:aws:acm:us-east-2:123456789012:certificate/two
outputs:
  bus: buses.events.us-east-2.arn
  target: apis.shop.us-east-2.domain_target
  url: apis.shop.domain_url
"#;

fn the_document() -> Value {
    document::from_text(DOCUMENT).unwrap()
}

fn graph_of(document: &Document) -> Graph {
    let mut graph = expand(document, &Resolved::unasked(document)).unwrap();
    // The document has no gate that could be checked: these stand in for its health checks.
    for name in ["main", "other"] {
        let mut check = graph.resources[&key("us-east-1/event-bus/events")].clone();
        check.key = key(&format!("global/health-check/{name}.us-east-1"));
        check.depends_on.clear();
        graph.resources.insert(check.key.clone(), check);
    }
    graph
}

fn parsed(document: &Value) -> Document {
    document::parse(document).unwrap()
}

/// With an endpoint over both buses, whatever tells how the first region is.
fn with_endpoint(health_check: &str) -> Document {
    let mut document = parsed(&the_document());
    document.buses.get_mut("events").unwrap().global_endpoint = Some(GlobalEndpoint {
        health_check: health_check.to_owned(),
    });
    document
}

fn changes(from: &Document, to: &Document) -> BTreeMap<String, Action> {
    let plan = outrigger_plan::provision(&graph_of(to), &records_of(&graph_of(from)), Protection::Heeded, 0).unwrap();
    let steps = plan.steps.into_iter().filter(|(_, step)| step.action != Action::NoOp);
    steps.map(|(key, step)| (key.to_string(), step.action)).collect()
}

fn key(text: &str) -> ResourceKey {
    text.parse().unwrap()
}

#[test]
fn there_is_one_of_each_in_each_region() {
    let document = parsed(&the_document());
    let graph = graph_of(&document);
    for region in ["us-east-1", "us-east-2"] {
        for (resource, name) in [
            ("event-bus/events", "shop-test-events"),
            ("event-rule/events.orders", "shop-test-events.orders"),
            ("event-target/events.orders", "shop-test-events.orders"),
            ("function-permission/events.orders", "shop-test-events.orders"),
            ("api-domain/shop.api.example.com", "shop-test-shop.api.example.com"),
            (
                "api-mapping/shop.api.example.com/v1",
                "shop-test-shop.api.example.com/v1",
            ),
        ] {
            let resource = &graph.resources[&key(&format!("{region}/{resource}"))];
            assert_eq!(resource.physical_name, name);
            // Nothing waits for the other region.
            let elsewhere = resource
                .depends_on
                .iter()
                .filter(|other| other.region.as_str() != region);
            assert_eq!(elsewhere.count(), 0, "{}", resource.key);
        }
        let target = &graph.resources[&key(&format!("{region}/event-target/events.orders"))];
        let permission = key(&format!("{region}/function-permission/events.orders"));
        assert!(target.depends_on.contains(&permission), "an event would be lost");
        let mapping = &graph.resources[&key(&format!("{region}/api-mapping/shop.api.example.com/v1"))];
        assert!(
            mapping
                .depends_on
                .contains(&key(&format!("{region}/api-stage/shop.prod")))
        );
    }
    let outputs: Vec<String> = document
        .outputs
        .values()
        .map(|path| output_reference(&document, path))
        .map(|of| format!("{} {}", of.resource, of.attribute))
        .collect();
    assert_eq!(
        outputs,
        [
            "us-east-2/event-bus/events arn",
            "us-east-2/api-domain/shop.api.example.com target",
            "us-east-1/api-mapping/shop.api.example.com/v1 url",
        ]
    );
}

#[test]
fn an_endpoint_is_the_first_region_s_over_both_buses() {
    let graph = graph_of(&with_endpoint("main"));
    let endpoint = &graph.resources[&key("us-east-1/global-endpoint/events")];
    let Properties::GlobalEndpoint(properties) = &endpoint.properties else {
        panic!("{endpoint:?}");
    };
    assert_eq!(properties.secondary_region.as_str(), "us-east-2");
    let waits_for: Vec<String> = endpoint.depends_on.iter().map(ToString::to_string).collect();
    assert_eq!(
        waits_for,
        [
            "global/health-check/main.us-east-1",
            "us-east-1/role/events.endpoint",
            "us-east-1/event-bus/events",
            "us-east-2/event-bus/events",
        ]
    );
    let role = &graph.resources[&key("us-east-1/role/events.endpoint")];
    let Properties::Role(role) = &role.properties else {
        panic!("{role:?}");
    };
    assert_eq!((role.service.as_str(), role.allows.len()), ("events.amazonaws.com", 3));
}

#[test]
fn changes_are_made_in_place() {
    let before = the_document();
    let check = |pointer: &str, value: Value, expected: &[&str]| {
        let mut after = before.clone();
        *after.pointer_mut(pointer).unwrap() = value;
        let changes = changes(&parsed(&before), &parsed(&after));
        let told: Vec<String> = changes
            .iter()
            .map(|(key, action)| match action {
                Action::Create => format!("create {key}"),
                Action::Update { .. } => format!("update {key}"),
                Action::Replace { .. } => format!("replace {key}"),
                Action::Delete { .. } => format!("delete {key}"),
                Action::NoOp => unreachable!("left out"),
            })
            .collect();
        assert_eq!(told, expected, "{pointer}");
    };
    check(
        "/buses/events/rules/orders/pattern",
        json!({ "source": ["bank"] }),
        &[
            "update us-east-1/event-rule/events.orders",
            "update us-east-2/event-rule/events.orders",
        ],
    );
    check(
        "/apis/shop/domain/certificates/us-east-2",
        json!("arn:aws:acm:us-east-2:123456789012:certificate/three"),
        &["update us-east-2/api-domain/shop.api.example.com"],
    );
    check(
        "/apis/shop/domain/base_path",
        json!("v2"),
        &[
            "delete us-east-1/api-mapping/shop.api.example.com/v1",
            "create us-east-1/api-mapping/shop.api.example.com/v2",
            "delete us-east-2/api-mapping/shop.api.example.com/v1",
            "create us-east-2/api-mapping/shop.api.example.com/v2",
        ],
    );
    let told = changes(&with_endpoint("main"), &with_endpoint("other"));
    let told: Vec<&String> = told.keys().collect();
    assert_eq!(told, ["us-east-1/global-endpoint/events"]);
}

#[test]
fn a_target_goes_before_its_rule_and_the_rule_before_its_bus() {
    let graph = graph_of(&with_endpoint("main"));
    let plan = destroy(&records_of(&graph), Protection::Heeded).unwrap();
    for (first, then) in [
        (
            "us-east-1/event-target/events.orders",
            "us-east-1/event-rule/events.orders",
        ),
        ("us-east-1/event-rule/events.orders", "us-east-1/event-bus/events"),
        ("us-east-1/global-endpoint/events", "us-east-2/event-bus/events"),
        (
            "us-east-2/api-mapping/shop.api.example.com/v1",
            "us-east-2/api-domain/shop.api.example.com",
        ),
        (
            "us-east-2/api-mapping/shop.api.example.com/v1",
            "us-east-2/api-stage/shop.prod",
        ),
    ] {
        assert!(
            plan.steps[&key(then)].depends_on.contains(&key(first)),
            "{first}, {then}"
        );
    }
}
