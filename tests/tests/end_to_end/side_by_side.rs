//! One document, three environments of it, stood up at the same time: each is whole and only its own, and one that goes
//! takes nothing of the others along.

use std::process::{Child, Stdio};

use outrigger_tests::{LocalAws, start_with_control_plane};
use serde_json::{Value, json};

use crate::concurrency::until;
use crate::copies::{Copy, assert_disjoint, document};
use crate::harness::{command, file_of, json_of, now_ms, resource_calls};
use crate::stand_up::Holdings;

const STACK: &str = "trio";

fn begin(aws: &LocalAws, arguments: &[&str]) -> Child {
    let mut command = command(aws, arguments);
    command.args(["--yes", "--output", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What a command that has to work ended with.
fn end(child: Child) -> Value {
    let ended = json_of(&child.wait_with_output().unwrap());
    assert_eq!(ended["succeeded"], true, "{ended}");
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn three_environments_stand_side_by_side_and_do_not_disturb_each_other() {
    let aws = start_with_control_plane().unwrap();
    let environments = ["development", "staging", "production"].map(str::to_owned);
    let file = file_of(&document(STACK, &environments));
    let path = file.path().to_str().unwrap();
    let copy = |number: usize| Copy::of(&aws, STACK, &environments, number);
    let destroy = |number: usize| begin(&aws, &["destroy", &format!("{STACK}/{}", environments[number])]);

    // No database is done before all three are under way.
    aws.set_faults(&json!({ "slow_provisioning": { "seconds": 3600.0, "kinds": ["rds"] } }))
        .unwrap();
    let standing_up = environments
        .each_ref()
        .map(|environment| begin(&aws, &["up", path, "--environment", environment]));
    until("three databases are under way", async || {
        let calls = aws.calls().unwrap();
        let begun = calls
            .iter()
            .filter(|call| call.operation == "CreateDBInstance" && call.succeeded());
        begun.count() == environments.len()
    })
    .await;
    aws.set_faults(&json!({})).unwrap();
    let outputs = standing_up.map(|child| end(child)["outputs"].take());

    let copies = [0, 1, 2].map(copy);
    for (copy, outputs) in copies.iter().zip(&outputs) {
        copy.assert_whole(outputs);
    }
    assert_disjoint(&copies);
    // Nothing of the stack is there besides: what all three have is all that there is.
    let whole = Holdings::of(&aws, STACK).await;
    for (kind, names) in &whole.0 {
        let owned = |environment: &String| {
            let prefix = format!("{STACK}-{environment}-");
            names.iter().filter(|name| name.starts_with(&prefix)).count()
        };
        let each = environments.each_ref().map(owned);
        assert_eq!(each.iter().sum::<usize>(), names.len(), "{kind}: {names:?}");
        assert!(
            each[0] > 0 && each.iter().all(|count| *count == each[0]),
            "{kind}: {names:?}"
        );
    }

    // The one in the middle goes.
    let before_ms = now_ms();
    end(destroy(1));
    copy(1).seen.assert_only(&[]);
    for number in [0, 2] {
        let left = copy(number);
        assert_eq!(
            left.seen.0, copies[number].seen.0,
            "{} was touched",
            environments[number]
        );
        let own = copies[number].identifiers();
        let prefix = format!("{STACK}-{}-", environments[number]);
        for call in resource_calls(&aws, before_ms).iter().filter(|call| call.mutating) {
            let text = call.parameters.to_string();
            let touches = text.contains(&prefix) || own.iter().any(|identifier| text.contains(identifier));
            assert!(!touches, "{call:?}");
        }
    }

    // Then the others, at the same time.
    let going = [0, 2].map(destroy);
    for child in going {
        end(child);
    }
    for number in 0..environments.len() {
        copy(number).seen.assert_only(&[]);
    }
    Holdings::of(&aws, STACK).await.assert_none(STACK);
}
