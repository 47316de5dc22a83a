//! What the benches stand up, on virtual time, so the same every time: how near it comes to the critical path, how often
//! it looks, and that the states it counts are the state machine's.

#![allow(clippy::unwrap_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../benches/scenarios/mod.rs"]
mod scenarios;

use outrigger_engine::memory::world::transitions;
use scenarios::{documents, stand_up_document, stand_up_plan, synthetic};
use serde_json::Value;

/// Fails unless all took as long as AWS takes, and hardly longer; tells all that did not.
fn check(ratios: &[(String, f64)]) {
    let wrong: Vec<_> = ratios
        .iter()
        .filter(|(_, ratio)| !(1.0..=1.05).contains(ratio))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?} of {ratios:?}");
}

#[tokio::test]
async fn documents_stand_up_as_fast_as_aws_lets_them() {
    let (mut ratios, mut turns) = (Vec::new(), Vec::new());
    for (name, document) in documents() {
        let stood_up = stand_up_document(&document).await;
        ratios.push((name.to_owned(), stood_up.ratio()));
        turns.push((name, stood_up.cost.branch_turns_max));
    }
    check(&ratios);
    // From here on an execution hands over to a successor.
    assert!(turns.iter().all(|(_, turns)| *turns < 333), "{turns:?}");
}

#[tokio::test]
async fn graphs_stand_up_as_fast_as_aws_lets_them() {
    let mut ratios = Vec::new();
    for seed in 1..=3 {
        ratios.push((
            format!("seed {seed}"),
            stand_up_plan(&synthetic(seed, 100)).await.ratio(),
        ));
    }
    check(&ratios);
}

/// Follows the state machine from `state`: at a choice to the default, unless `first` names it.
fn walk<'a>(machine: &'a Value, mut state: &'a str, first: &[&str]) -> Vec<&'a str> {
    let mut walked = vec![state];
    loop {
        let known = &machine["States"][state];
        let next = match known["Choices"][0]["Next"].as_str() {
            Some(next) if first.contains(&state) => Some(next),
            Some(_) => known["Default"].as_str(),
            None => known["Next"].as_str(),
        };
        match next {
            Some(next) if !walked.contains(&next) => state = next,
            _ => return walked,
        }
        walked.push(state);
    }
}

#[test]
fn transitions_are_those_of_the_state_machine() {
    let machine: Value = serde_json::from_str(include_str!("../../../statemachines/provision-stack.asl.json")).unwrap();
    let walked = walk(&machine, machine["StartAt"].as_str().unwrap(), &["Succeeded?"]);
    let around = transitions::PLAN + transitions::LANES + transitions::CLOSE;
    assert_eq!(walked.len() as u64, around, "{walked:?}");
    for branch in machine["States"]["Converge the lanes"]["Branches"].as_array().unwrap() {
        let begin = branch["StartAt"].as_str().unwrap();
        let turning = walk(branch, begin, &[]);
        assert_eq!(
            turning.len() as u64,
            1 + transitions::TURN + transitions::WAIT,
            "{turning:?}"
        );
        let settled = branch["States"]
            .as_object()
            .unwrap()
            .keys()
            .find(|name| name.ends_with("settled?"))
            .unwrap();
        let settling = walk(branch, begin, &[settled]);
        assert_eq!(
            settling.len() as u64,
            transitions::BRANCH + transitions::TURN,
            "{settling:?}"
        );
    }
}
