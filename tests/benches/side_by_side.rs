//! Thirty environments of one document, stood up at the same time on the local AWS, over the wire, and what that takes for
//! each: `cargo bench --profile dev --workspace --bench side_by_side -- COPIES SECONDS`. Figures and what they mean:
//! docs/performance.md.
//!
//! SECONDS is how long the local AWS takes for a database, a cache and a stream.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
#[path = "../tests/end_to_end/copies.rs"]
mod copies;
#[allow(dead_code)]
#[path = "../tests/end_to_end/harness.rs"]
mod harness;
#[path = "../../shared/engine/benches/prices/mod.rs"]
mod prices;
#[allow(dead_code)]
#[path = "../tests/end_to_end/seen.rs"]
mod seen;

use std::time::{Duration, Instant};

use copies::{Copy, assert_disjoint, document};
use harness::{boto3, control_plane, now_ms, region};
use outrigger_aws_sfn::{ExecutionStatus, StepFunctions};
use outrigger_tests::{Call, LocalAws, start_with_control_plane};
use prices::{INVOCATION_SECONDS, dollars};
use serde::Deserialize;
use serde_json::json;

const STACK: &str = "copies";
/// The addresses of the copies are 10.0.0.0/16 and those that follow; RDS has a quota of 40 instances in a region.
const COPIES_MAX: usize = 40;
/// How often it is looked whether an execution has ended: rarely, for that takes time from the executions.
const PAUSE: Duration = Duration::from_secs(2);

/// The states that executions have entered and the functions that they have called, as their histories tell. A try again
/// is a transition too (<https://aws.amazon.com/step-functions/pricing/>).
const COUNT: &str = r#"
import json, sys
import boto3

states = boto3.client("stepfunctions")
for arn in sys.argv[1:]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn, maxResults=1000)
    types = [event["type"] for page in pages for event in page["events"]]
    invocations = types.count("TaskScheduled")
    again = invocations - types.count("TaskStateEntered")
    entered = sum(it.endswith("StateEntered") for it in types)
    print(json.dumps({"transitions": entered + again, "invocations": invocations}))
"#;

#[derive(Deserialize)]
struct Counted {
    transitions: u64,
    invocations: u64,
}

/// What was counted of one kind, one number for each copy.
struct Row(&'static str, Vec<f64>);

impl Row {
    fn print(mut self, show: impl Fn(f64) -> String) {
        self.1.sort_by(f64::total_cmp);
        let at = |index: usize| show(self.1[index]);
        let last = self.1.len() - 1;
        println!("{:<38} {:>12} {:>12} {:>12}", self.0, at(0), at(last / 2), at(last));
    }
}

fn number(number: f64) -> String {
    format!("{number:.0}")
}

#[tokio::main]
async fn main() {
    let mut given = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse::<usize>().ok());
    let count = given.next().unwrap_or(30).clamp(1, COPIES_MAX);
    let seconds = given.next().unwrap_or(0);
    let aws = start_with_control_plane().unwrap();
    aws.set_faults(&json!({ "slow_provisioning": { "seconds": seconds, "kinds": ["rds", "elasticache", "kinesis"] } }))
        .unwrap();
    let environments: Vec<String> = (1..=count).map(|number| format!("copy{number:02}")).collect();
    let document = document(STACK, &environments);

    let (begun, begun_ms) = (Instant::now(), now_ms());
    let machine = control_plane(&aws, "ProvisionStackArn").await;
    let executions = StepFunctions::new(&aws.aws(), &region());
    let start = environments.iter().map(|environment| {
        let input = json!({ "document": document, "environment": environment });
        let (executions, machine) = (&executions, &machine);
        async move { executions.start_execution(machine, environment, &input).await.unwrap() }
    });
    let arns = futures::future::join_all(start).await;
    let wait = arns.iter().map(async |arn| {
        let ended = executions.wait_for_execution(arn, PAUSE).await.unwrap();
        (ended, begun.elapsed().as_secs_f64())
    });
    let ended = futures::future::join_all(wait).await;
    let calls: Vec<Call> = aws.calls().unwrap();
    let calls: Vec<&Call> = calls
        .iter()
        .filter(|call| call.time_ms >= begun_ms && call.principal.as_deref() != Some("root"))
        .collect();

    let mut standing = Vec::new();
    for (place, (execution, _)) in ended.iter().enumerate() {
        assert_eq!(execution.status, ExecutionStatus::Succeeded, "{execution:?}");
        let output = execution.output.as_ref().unwrap();
        assert_eq!(output["outcome"], "succeeded", "{output}");
        let copy = Copy::of(&aws, STACK, &environments, place);
        copy.assert_whole(&output["outputs"]);
        standing.push(copy);
    }
    assert_disjoint(&standing);

    println!(
        "{count} copies at once, each whole and only its own; AWS takes {seconds} s for a database, a cache, a stream"
    );
    println!("an invocation is taken to last {INVOCATION_SECONDS} s; calls to AWS's own services are free");
    print(
        &aws,
        &environments,
        &arns,
        &calls,
        ended.iter().map(|(_, seconds)| *seconds).collect(),
    );
}

fn print(aws: &LocalAws, environments: &[String], arns: &[String], calls: &[&Call], seconds: Vec<f64>) {
    let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
    let counted: Vec<Counted> = String::from_utf8(boto3(aws, COUNT, &arns))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of_table: Vec<&&Call> = calls.iter().filter(|call| call.service == "dynamodb").collect();
    let units = |mutating: bool| -> Vec<f64> {
        let of_stack = |environment: &String| {
            let name = format!("{STACK}/{environment}\"");
            let own = of_table.iter().filter(|call| call.mutating == mutating);
            let own = own.filter(|call| call.parameters.to_string().contains(&name));
            own.map(|call| call.capacity_units.unwrap()).sum()
        };
        environments.iter().map(of_stack).collect()
    };
    let (reads, writes) = (units(false), units(true));
    let transitions: Vec<f64> = counted.iter().map(|it| it.transitions as f64).collect();
    let invocations: Vec<f64> = counted.iter().map(|it| it.invocations as f64).collect();
    let together = (0..environments.len()).map(|place| {
        prices::of_transitions(transitions[place])
            + prices::of_invocations(invocations[place])
            + prices::of_units(reads[place], writes[place])
    });
    let together: Vec<f64> = together.collect();

    // The calls of a function that name an id tell of no stack, so of these there is the mean.
    let per_stack =
        |which: &dyn Fn(&&&Call) -> bool| calls.iter().filter(which).count() as f64 / environments.len() as f64;
    let elsewhere = |call: &&&Call| call.service != "dynamodb";
    println!("\n{:<38} {:>12} {:>12} {:>12}", "per stack", "least", "median", "most");
    Row("seconds until it stands", seconds).print(number);
    Row("state transitions", transitions).print(number);
    Row("invocations", invocations).print(number);
    Row("read request units", reads).print(number);
    Row("write request units", writes).print(number);
    Row("dollars", together).print(dollars);
    println!("\n{:<38} {:>12}", "per stack", "mean");
    let mean = |what: &str, which: &dyn Fn(&&&Call) -> bool| println!("{what:<38} {:>12.1}", per_stack(which));
    mean("calls that change something", &|call| elsewhere(call) && call.mutating);
    mean("calls that look", &|call| elsewhere(call) && !call.mutating);
    mean("calls of the state table", &|call| !elsewhere(call));
    let refused = calls
        .iter()
        .filter(|call| call.error.as_deref().is_some_and(|error| error.contains("Throttl")));
    println!("{:<38} {:>12}", "calls that were throttled, of all", refused.count());
}
