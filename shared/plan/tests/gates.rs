//! Gates: what one becomes in each region, what waits for what, and how one gets a certificate without being shut.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used, clippy::panic)]

mod standing;

use std::collections::BTreeMap;

use outrigger_model::properties::{LoadBalancerType, Scheme};
use outrigger_model::{Document, Kind, Properties, Region, ResourceKey, document};
use outrigger_plan::{
    Action, ControlPlane, Effect, Graph, Plan, Protection, Resolved, destroy, expand, output_reference, warnings,
};
use serde_json::{Value, json};
use standing::records_of;

fn with_gate(gate: Value) -> Document {
    let mut document = document::from_text(include_str!("../../model/tests/two-regions.yaml")).unwrap();
    for part in ["gates", "outputs", "apis", "tables", "functions", "alarms"] {
        document.as_object_mut().unwrap().remove(part);
    }
    document["gates"] = json!({ "main": gate });
    document["outputs"] = json!({ "first": "gates.main.dns_name", "second": "gates.main.us-east-2.arn" });
    document::parse(&document).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A control plane that is installed where the gates are.
fn in_both() -> ControlPlane {
    ControlPlane {
        regions: ["us-east-1", "us-east-2", "us-west-2"].map(Region::new).into(),
        ..ControlPlane::default()
    }
}

fn certificates(id: &str) -> Value {
    let arn = |region: &str| json!(format!("arn:aws:acm:{region}:123456789012:certificate/{id}"));
    json!({ "us-east-1": arn("us-east-1"), "us-east-2": arn("us-east-2") })
}

fn graph_of(document: &Document) -> Graph {
    expand(document, &Resolved::unasked(document)).unwrap()
}

fn key(kind: Kind, name: &str) -> ResourceKey {
    ResourceKey::new(&Region::new("us-east-1"), kind, name)
}

fn changed(from: &Document, to: &Document) -> Plan {
    outrigger_plan::provision(&graph_of(to), &records_of(&graph_of(from)), Protection::Heeded, 0).unwrap()
}

/// Whether one step waits for another, be it by way of others.
fn waits(plan: &Plan, step: &ResourceKey, other: &ResourceKey) -> bool {
    let mut left = vec![step];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(next) = left.pop() {
        for needed in &plan.steps[next].depends_on {
            if needed == other {
                return true;
            }
            if seen.insert(needed) {
                left.push(needed);
            }
        }
    }
    false
}

#[test]
fn a_gate_is_in_each_region_and_waits_for_nothing_in_the_other() {
    let document = with_gate(json!({}));
    let graph = graph_of(&document);
    let kinds = [
        Kind::LoadBalancer,
        Kind::TargetGroup,
        Kind::Listener,
        Kind::ListenerRule,
        Kind::Target,
        Kind::Function,
        Kind::FunctionPermission,
    ];
    for region in ["us-east-1", "us-east-2"] {
        let of = |kind: Kind| -> Vec<&str> {
            let keys = graph.resources.keys();
            let keys = keys.filter(|key| key.region.as_str() == region && key.kind == kind);
            keys.map(|key| key.name.as_str()).collect()
        };
        assert_eq!(of(Kind::LoadBalancer), ["main.application", "main.network"], "{region}");
        assert_eq!(of(Kind::TargetGroup), ["main.function", "main.http"], "{region}");
        assert_eq!(of(Kind::Listener), ["main.http", "main.network"], "{region}");
        assert_eq!(of(Kind::ListenerRule), ["main.http"], "{region}");
        assert_eq!(of(Kind::Target), ["main.function", "main.http"], "{region}");
        assert_eq!(of(Kind::Function), ["main.gate"], "{region}");
        assert_eq!(
            of(Kind::SecurityGroup),
            ["main.application", "main.network"],
            "{region}"
        );
    }
    for (of, resource) in &graph.resources {
        if kinds.contains(&of.kind) {
            assert!(
                resource.depends_on.iter().all(|needed| needed.region == of.region),
                "{of}"
            );
            // A listener and its rule have no name but in their tags.
            let nameless = [
                Kind::Listener,
                Kind::ListenerRule,
                Kind::Target,
                Kind::FunctionPermission,
            ];
            let has_name = !nameless.contains(&of.kind);
            assert!(!has_name || !resource.physical_name.contains('.'), "{of}");
        }
        if let Properties::LoadBalancer(balancer) = &resource.properties {
            assert!(resource.physical_name.len() <= 32, "{}", resource.physical_name);
            let scheme = match balancer.load_balancer_type {
                LoadBalancerType::Network => Scheme::InternetFacing,
                LoadBalancerType::Application => Scheme::Internal,
            };
            assert_eq!(balancer.scheme, scheme, "{of}");
        }
    }
    for (name, region, attribute) in [("first", "us-east-1", "dns_name"), ("second", "us-east-2", "arn")] {
        let reference = output_reference(&document, &document.outputs[name]);
        let expected = format!("{region}/load-balancer/main.network");
        assert_eq!(
            (reference.resource.to_string(), reference.attribute.as_str()),
            (expected, attribute)
        );
    }
}

/// What the internet asks for starts no function, but for the one question there is.
#[test]
fn a_gate_s_function_is_reached_by_its_rule_alone() {
    let graph = graph_of(&with_gate(json!({ "certificate": certificates("one") })));
    let function = outrigger_model::properties::Input::of(&key(Kind::TargetGroup, "main.function"), "arn");
    for (of, resource) in &graph.resources {
        match &resource.properties {
            Properties::Listener(listener) if of.name == "main.https" => assert_eq!(listener.target_group, None),
            Properties::Listener(listener) => assert!(listener.target_group.is_some(), "{of}"),
            Properties::ListenerRule(rule) if of.region.as_str() == "us-east-1" => {
                assert_eq!((rule.method.as_str(), rule.path.as_str()), ("GET", "/active"));
                assert_eq!(rule.target_group, function);
            }
            _ => {}
        }
    }
    assert!(graph.resources.contains_key(&key(Kind::ListenerRule, "main.https")));
}

#[test]
fn a_target_comes_last_and_goes_first() {
    let document = with_gate(json!({}));
    let graph = graph_of(&document);
    let up = outrigger_plan::provision(&graph, &BTreeMap::new(), Protection::Heeded, 0).unwrap();
    let down = destroy(&records_of(&graph), Protection::Heeded).unwrap();
    let target = key(Kind::Target, "main.http");
    for needed in [
        key(Kind::ListenerRule, "main.http"),
        key(Kind::Listener, "main.http"),
        key(Kind::Listener, "main.network"),
        key(Kind::TargetGroup, "main.http"),
        key(Kind::LoadBalancer, "main.application"),
    ] {
        assert!(waits(&up, &target, &needed), "{needed} comes first");
        assert!(waits(&down, &needed, &target), "{needed} goes last");
    }
    let function = key(Kind::Target, "main.function");
    let permission = key(Kind::FunctionPermission, "main-gate");
    assert!(waits(&up, &function, &permission) && waits(&down, &permission, &function));
    // What faces the internet needs the way there, which closes once it is gone.
    let (outer, gateway) = (
        key(Kind::LoadBalancer, "main.network"),
        key(Kind::InternetGateway, "internet-gateway"),
    );
    assert!(waits(&up, &outer, &gateway) && waits(&down, &gateway, &outer));
}

#[test]
fn the_first_certificate_moves_the_gate_and_the_next_changes_it_in_place() {
    let (open, one, two) = (
        with_gate(json!({})),
        with_gate(json!({ "certificate": certificates("one") })),
        with_gate(json!({ "certificate": certificates("two") })),
    );
    let plan = changed(&open, &one);
    for (kind, name) in [
        (Kind::Listener, "main.https"),
        (Kind::ListenerRule, "main.https"),
        (Kind::TargetGroup, "main.https"),
        (Kind::Target, "main.https"),
    ] {
        assert_eq!(plan.steps[&key(kind, name)].action, Action::Create, "{kind} {name}");
        let old = key(kind, "main.http");
        assert!(matches!(plan.steps[&old].action, Action::Delete { .. }), "{old}");
    }
    // The load balancer that the internet reaches stays, and moves before anything goes that it forwards to.
    let outer = key(Kind::Listener, "main.network");
    let Action::Update { changes } = &plan.steps[&outer].action else {
        panic!("{:?}", plan.steps[&outer].action);
    };
    assert!(
        changes.iter().all(|change| change.effect == Effect::InPlace),
        "{changes:?}"
    );
    assert!(waits(&plan, &key(Kind::TargetGroup, "main.http"), &outer));
    assert!(waits(
        &plan,
        &key(Kind::Listener, "main.http"),
        &key(Kind::Target, "main.http")
    ));
    for kept in ["main.network", "main.application"] {
        let action = &plan.steps[&key(Kind::LoadBalancer, kept)].action;
        assert_eq!(*action, Action::NoOp, "{kept}");
    }

    let plan = changed(&one, &two);
    let steps = plan.steps.iter().filter(|(_, step)| step.action != Action::NoOp);
    let steps: Vec<String> = steps.map(|(key, _)| key.to_string()).collect();
    assert_eq!(
        steps,
        ["us-east-1/listener/main.https", "us-east-2/listener/main.https"]
    );
}

#[test]
fn a_gate_without_a_certificate_is_warned_of() {
    let told: Vec<String> = warnings(&with_gate(json!({})), &in_both())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("gates.main.certificate: ") && told[0].contains("not encrypted"),
        "{told:?}"
    );
    assert!(warnings(&with_gate(json!({ "certificate": certificates("one") })), &in_both()).is_empty());
}

#[test]
fn a_gate_where_no_control_plane_is_is_warned_of() {
    let document = with_gate(json!({ "certificate": certificates("one") }));
    let home_alone = ControlPlane {
        regions: [Region::new("us-east-1")].into(),
        ..ControlPlane::default()
    };
    let told: Vec<String> = warnings(&document, &home_alone)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("gates.main: the control plane is not installed in us-east-2: no gate opens there"),
        "{told:?}"
    );
}
