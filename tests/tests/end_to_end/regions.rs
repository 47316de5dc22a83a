//! The control plane in three regions: installed by the command line on one global table, and one region is lost.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use outrigger_aws_cloudformation::CloudFormation;
use outrigger_aws_sfn::{ExecutionStatus, StepFunctions};
use outrigger_model::Region;
use outrigger_tests::{CONTROL_PLANE, LocalAws};
use serde_json::{Value, json};

use crate::harness::{command, file_of, json_of, operators_command};

const HOME: &str = "us-east-1";
const SECOND: &str = "us-east-2";
const THIRD: &str = "us-west-2";
const THREE: &str = "us-east-1,us-east-2,us-west-2";

/// `outrigger bootstrap` into a local AWS, as the operator's own.
fn bootstrap(aws: &LocalAws, arguments: &[&str]) -> Output {
    let arguments = [&["bootstrap", "--yes", "--output", "json"], arguments].concat();
    operators_command(aws, &arguments).output().unwrap()
}

/// What a command says that has to work, talked to in a region.
fn said(aws: &LocalAws, region: &str, arguments: &[&str]) -> Value {
    json_of(&run(aws, region, &[arguments, &["--output", "json"]].concat()))
}

fn run(aws: &LocalAws, region: &str, arguments: &[&str]) -> Output {
    command(aws, arguments).env("AWS_REGION", region).output().unwrap()
}

#[track_caller]
fn refused(output: &Output, words: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains(words), "{told}");
}

/// Forgets what is known on this machine, so that CloudFormation is asked.
fn forget_what_is_deployed(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("control-plane-") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

fn document(stack: &str, region: &str) -> Value {
    json!({
        "stack": stack, "environment": "test", "region": region,
        "network": { "cidr": "10.0.0.0/16", "zones": 1 },
    })
}

async fn output_of(aws: &LocalAws, region: &str, output: &str) -> String {
    let formation = CloudFormation::new(&aws.aws(), &Region::new(region));
    let stack = formation.describe_stack(CONTROL_PLANE).await.unwrap().unwrap();
    stack.outputs[output].clone()
}

/// Starts a state machine of a region's control plane, as a schedule does; the execution's ARN.
async fn start(aws: &LocalAws, region: &str, machine: &str, name: &str, input: &Value) -> String {
    let machine = output_of(aws, region, machine).await;
    StepFunctions::new(&aws.aws(), &Region::new(region))
        .start_execution(&machine, name, input)
        .await
        .unwrap()
}

/// What an execution ends with, whichever region it is in.
async fn end(aws: &LocalAws, arn: &str) -> outrigger_aws_sfn::Execution {
    StepFunctions::new(&aws.aws(), &Region::new(HOME))
        .wait_for_execution(arn, Duration::from_millis(200))
        .await
        .unwrap()
}

/// Looks until what is seen is as wanted.
#[track_caller]
fn until(mut look: impl FnMut() -> Value, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let seen = look();
        if wanted(&seen) {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it never came: {}", look());
}

fn operations(history: &Value) -> Vec<&str> {
    let operations = history["operations"].as_array().unwrap();
    operations
        .iter()
        .map(|operation| operation["operation"].as_str().unwrap())
        .collect()
}

/// Cut off after the home region, the same command goes on; twice, it changes nothing; elsewhere, it is refused.
fn install(aws: &LocalAws) {
    refused(
        &bootstrap(aws, &["--regions", "us-east-1,us-east-2"]),
        "names 2 regions",
    );
    refused(
        &bootstrap(aws, &["--regions", "us-east-1,us-east-2,eu-west-1"]),
        "DynamoDB keeps no table strongly consistent",
    );
    // The second region's change set is refused when it is to be carried out: before it come those of the buckets that SAM
    // uploads to, one in each region, and the home region's.
    let rule =
        json!({"service": "cloudformation", "operation": "ExecuteChangeSet", "every": 5, "code": "ValidationError"});
    aws.set_faults(&json!({ "fail": [rule] })).unwrap();
    refused(
        &bootstrap(aws, &["--regions", THREE]),
        "us-east-2; what comes before it stands",
    );
    aws.set_faults(&json!({})).unwrap();
    let installed = bootstrap(aws, &["--regions", THREE]);
    let told = String::from_utf8_lossy(&installed.stderr).into_owned();
    let installed = json_of(&installed);
    assert_eq!(installed["regions"], json!([HOME, SECOND, THIRD]), "{installed}");
    assert_eq!(installed["changed"], true, "{installed}");
    assert!(told.contains("us-east-1: version"), "{told}");
    assert!(told.contains("us-west-2: nothing is installed"), "{told}");

    assert_eq!(json_of(&bootstrap(aws, &[]))["changed"], false);
    forget_what_is_deployed(aws.directory());
    let again = json_of(&bootstrap(aws, &["--regions", "us-west-2,us-east-1,us-east-2"]));
    assert_eq!(
        (&again["changed"], &again["regions"]),
        (&json!(false), &json!([HOME, SECOND, THIRD])),
        "{again}"
    );
    refused(&bootstrap(aws, &["--regions", SECOND]), "three replicas");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_regions_share_one_state_and_one_may_be_lost() {
    let aws = &LocalAws::start_for_test().unwrap();
    tokio::task::block_in_place(|| install(aws));

    // A stack of each region, stood up by its own control plane; every region sees both.
    for (stack, region) in [("atlantic", HOME), ("inland", SECOND)] {
        let file = file_of(&document(stack, region));
        let ended = said(aws, region, &["up", file.path().to_str().unwrap(), "--yes"]);
        assert_eq!(ended["succeeded"], true, "{ended}");
    }
    let seen: Vec<Value> = [HOME, SECOND, THIRD]
        .iter()
        .map(|region| said(aws, region, &["list"])["stacks"].clone())
        .map(|stacks| {
            let stacks = stacks.as_array().unwrap();
            stacks
                .iter()
                .map(|entry| json!([entry["stack"], entry["region"], entry["state"]]))
                .collect()
        })
        .collect();
    assert_eq!(seen[0].as_array().unwrap().len(), 2, "{seen:?}");
    assert!(seen.iter().all(|stacks| *stacks == seen[0]), "{seen:?}");
    said(aws, SECOND, &["status", "atlantic"]);

    // The schedule comes in every region; each looks after its own.
    for (region, stacks, outcome) in [(THIRD, 0, "NotMine"), (SECOND, 1, "Done")] {
        let name = format!("scheduled-{region}");
        let arn = start(aws, region, "InspectStacksArn", &name, &json!({})).await;
        let execution = end(aws, &arn).await;
        assert_eq!(execution.status, ExecutionStatus::Succeeded, "{execution:?}");
        assert_eq!(
            execution.output,
            Some(json!({"outcome": outcome, "stacks": stacks, "stacks_of_other_regions": 2 - stacks}))
        );
    }
    until(
        || said(aws, THIRD, &["list"])["stacks"][1].clone(),
        |inland| inland["workflow"] == "drift" && inland["drifted"] == 0,
    );
    let history = said(aws, HOME, &["history", "atlantic"]);
    assert_eq!(
        operations(&history).len(),
        1,
        "its region's schedule has not come: {history}"
    );

    lose_the_home_region(aws).await;
}

async fn lose_the_home_region(aws: &LocalAws) {
    // It is lost in the middle of an operation.
    let hold = json!({"service": "ec2", "operation": "CreateVpc", "seconds": 600});
    aws.set_faults(&json!({ "hold": [hold] })).unwrap();
    let input = json!({ "document": document("adrift", HOME) });
    let cut_off = start(aws, HOME, "ProvisionStackArn", "adrift-1", &input).await;
    let lock = |region: &'static str| move || json_of_lock(aws, region);
    until(lock(THIRD), |lock| lock["holder"]["workflow"] == "provision");
    let before = said(aws, HOME, &["history", "atlantic"]);
    aws.set_faults(&json!({ "dead_regions": [HOME] })).unwrap();
    refused(&run(aws, HOME, &["list"]), "us-east-1");

    // Readable.
    assert_eq!(
        operations(&said(aws, SECOND, &["history", "atlantic"])),
        operations(&before)
    );
    let operation = operations(&before)[0];
    assert_eq!(said(aws, THIRD, &["show", operation])["operation"], operation);
    // Its execution cannot be asked; its record can.
    assert_eq!(said(aws, SECOND, &["watch", operation])["succeeded"], true);
    // Writable: what the lost region holds is taken from it, and operations go on elsewhere.
    let unlocked = said(
        aws,
        SECOND,
        &["unlock", "adrift", "--reason", "its region is lost", "--yes"],
    );
    assert_eq!(unlocked["unlocked"], true, "{unlocked}");
    let looked = said(aws, SECOND, &["drift", "inland"]);
    assert_eq!(looked["drifted"], json!([]), "{looked}");
    let mut changed = document("inland", SECOND);
    changed["tags"] = json!({ "Team": "weather" });
    let file = file_of(&changed);
    let ended = said(aws, THIRD, &["up", file.path().to_str().unwrap(), "--yes"]);
    assert_eq!(ended["succeeded"], true, "{ended}");

    // Back, its execution goes on, finds that it has lost the stack, and changes nothing; it sees what was written.
    aws.set_faults(&json!({})).unwrap();
    let execution = end(aws, &cut_off).await;
    assert_eq!(execution.status, ExecutionStatus::Failed, "{execution:?}");
    let history = said(aws, HOME, &["history", "inland"]);
    assert_eq!(history["operations"][0]["workflow"], "provision", "{history}");
    let history = said(aws, HOME, &["history", "adrift"]);
    let outcome = |workflow: &str| {
        let operations = history["operations"].as_array().unwrap();
        let found = operations.iter().find(|operation| operation["workflow"] == workflow);
        found.map(|operation| operation["outcome"].clone())
    };
    assert_eq!(outcome("unlock"), Some(json!("succeeded")), "{history}");
    assert_eq!(outcome("provision"), Some(json!("aborted")), "{history}");
}

/// Who holds the stack that is being stood up; nobody as long as nobody knows it.
fn json_of_lock(aws: &LocalAws, region: &str) -> Value {
    let output = run(aws, region, &["lock", "adrift", "--output", "json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}
