//! NAT gateways and endpoints come, change and go, whatever call is cut off on the way.

use outrigger_engine::memory::cloud::{CallMade, Fault, Habits};
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::state::content::Workflow;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_model::ResourceKey;
use serde_json::{Value, json};

use crate::harness::*;

/// A network with a NAT gateway and endpoints of both types, and nothing else.
fn ways_out() -> Value {
    let network = json!({
        "cidr": "10.0.0.0/16", "zones": 2, "public": {}, "private": {}, "nat": "single",
        "endpoints": ["s3", "secretsmanager"],
    });
    json!({ "stack": "data-processing", "environment": "production", "region": "us-east-1", "network": network })
}

/// What is changed: in place; and with everything replaced.
fn changes() -> [(&'static str, Value); 2] {
    let mut in_place = ways_out();
    in_place["network"]["nat"] = json!("per_zone");
    in_place["network"]["zones"] = json!(3);
    in_place["network"]["endpoints"] = json!(["dynamodb", "secretsmanager"]);
    let mut replaced = ways_out();
    replaced["network"]["cidr"] = json!("10.1.0.0/16");
    [("in place", in_place), ("replaced", replaced)]
}

async fn succeeds(world: &World, operation: &str, document: &Value, context: &str) {
    let response = closed(world.provision(operation, document).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
}

fn key(text: &str) -> ResourceKey {
    text.parse().unwrap()
}

#[tokio::test]
async fn they_come_change_and_go() {
    for (what, changed) in changes() {
        let world = World::new(Habits::default());
        succeeds(&world, "provision-1", &ways_out(), what).await;
        let there = standing(&world);
        for wanted in [
            "us-east-1/elastic-ip/nat-1",
            "us-east-1/nat-gateway/nat-1",
            "us-east-1/route/private-internet",
            "us-east-1/security-group/vpc-endpoints",
            "us-east-1/vpc-endpoint/s3",
            "us-east-1/vpc-endpoint/secretsmanager",
        ] {
            assert!(there.contains(&key(wanted)), "{wanted}: {there:?}");
        }
        succeeds(&world, "provision-2", &changed, what).await;
        assert!(world.propose(&changed).await.unwrap().nothing_to_do, "{what}");
        succeeds(&world, "provision-3", &ways_out(), what).await;
        assert_eq!(standing(&world), there, "{what}");
        clean_destroy(&world, what).await;
    }
}

/// For every call of a stand-up and of a change: cut off before it or after it, and gone on with by a new operation.
#[tokio::test]
async fn every_call_cut_off_and_a_new_operation() {
    for (what, changed) in changes() {
        let calls = {
            let world = World::new(Habits::default());
            succeeds(&world, "provision-1", &ways_out(), what).await;
            let begin = world.cloud.calls().len();
            succeeds(&world, "provision-2", &changed, what).await;
            let calls: Vec<CallMade> = world.cloud.calls();
            (begin, calls, standing(&world))
        };
        let (begin, calls, wanted) = calls;
        for fault in [Fault::CutBefore, Fault::CutAfter] {
            for (number, call) in calls.iter().enumerate() {
                let world = World::new(Habits::default());
                let context = format!("{what}: {fault:?} of call {number}, {call:?}");
                let cut = move |at: usize, _: &CallMade| (at == number).then_some(fault);
                let document = if number < begin {
                    world.cloud.set_plot(cut);
                    ways_out()
                } else {
                    succeeds(&world, "provision-0", &ways_out(), &context).await;
                    world.cloud.set_plot(cut);
                    changed.clone()
                };
                let input = json!({ "document": document });
                let ended = world.run_until_cut(Workflow::Provision, "provision-1", input).await;
                assert!(matches!(ended, Ended::Stopped), "{context}: {ended:?}");
                succeeds(&world, "provision-2", &changed, &context).await;
                assert_eq!(standing(&world), wanted, "{context}");
                clean_destroy(&world, &context).await;
            }
        }
    }
}
