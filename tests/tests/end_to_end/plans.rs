//! Plans that are looked at first, and what is on record of the operations that carried them out.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use outrigger_aws_sfn::{ExecutionStatus, StepFunctions};
use outrigger_tests::{LocalAws, start_with_control_plane};
use serde_json::{Value, json};

use crate::harness::{command, document_of, file_of, json_of, outrigger, region, resource_calls, shared, start, wait};
use crate::seen::Seen;

const STACK: &str = "planned";
const REGION: &str = "us-east-1";

fn document(stack: &str, shards: u32) -> Value {
    json!({
        "stack": stack, "environment": "production", "region": REGION,
        "network": {"cidr": "10.0.0.0/16", "zones": 1, "private": {}},
        "streams": {"stream": {"shards": shards}},
        "outputs": {"vpc_id": "network.vpc_id"},
    })
}

/// Runs a command on a document; what it wrote to standard output.
fn on_document(aws: &LocalAws, command: &str, document: &Value, more: &[&str]) -> std::process::Output {
    let file = file_of(document);
    let arguments: Vec<&str> = [command, file.path().to_str().unwrap()]
        .iter()
        .chain(more)
        .copied()
        .collect();
    outrigger(aws, &arguments)
}

fn text_of(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    let missing: Vec<&&str> = words.iter().filter(|words| !text.contains(**words)).collect();
    assert!(missing.is_empty(), "{missing:?} are missing:\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planned_is_carried_out_or_nothing() {
    let aws = shared();
    let plan = |shards: u32| {
        json_of(&on_document(
            aws,
            "plan",
            &document(STACK, shards),
            &["--output", "json"],
        ))
    };
    let up = |shards: u32, more: &[&str]| {
        let more = [more, &["--yes", "--output", "json"]].concat();
        on_document(aws, "up", &document(STACK, shards), &more)
    };

    let tree = text_of(&on_document(aws, "plan", &document(STACK, 1), &[]));
    assert_says(
        &tree,
        &[
            "network\n  +   vpc/vpc",
            "subnet/private-1",
            "streams.stream\n  +   stream/stream",
            "1 shard, kept for 24 h",
            "plan: 5 to create",
        ],
    );
    let first = plan(1);
    assert_eq!(first["nothing_to_do"], false, "{first}");
    assert_eq!(first["summary"]["create"], 5, "{first}");
    // A plan is but looked at.
    Seen::of(aws, REGION, STACK).assert_only(&[]);
    let id = first["plan"].as_str().unwrap();
    let made = json_of(&up(1, &["--plan", id, "--reason", "the first"]));
    assert_eq!(made["resources"], json!({"created": 5}), "{made}");

    let nothing = plan(1);
    assert_eq!(nothing["nothing_to_do"], true, "{nothing}");
    assert_eq!(nothing["summary"]["unchanged"], 5, "{nothing}");
    let tree = text_of(&on_document(aws, "plan", &document(STACK, 1), &[]));
    assert_says(
        &tree,
        &["nothing to do: the stack is as the document says (5 resources)"],
    );

    // Another `up` in between: the plan is refused, with what has moved.
    let second = plan(2);
    let changes = second["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["key"] == "us-east-1/stream/stream");
    assert_eq!(changes.unwrap()["changes"][0]["property"], "shards", "{second}");
    json_of(&up(4, &[]));
    let outdated = up(2, &["--plan", second["plan"].as_str().unwrap()]);
    assert_eq!(outdated.status.code(), Some(1));
    let ended: Value = serde_json::from_slice(&outdated.stdout).unwrap();
    assert_eq!(ended["error"], "PlanOutdated", "{ended}");
    assert_says(
        &String::from_utf8(outdated.stderr).unwrap(),
        &[
            "x was changed since the plan was made",
            "`-- us-east-1/stream/stream",
            "plan again",
        ],
    );
    Seen::of(aws, REGION, STACK).check(&[("/streams/stream/OpenShardCount", json!(4))]);

    on_record(aws, made["operation"].as_str().unwrap());
    looked_at(aws, made["operation"].as_str().unwrap());
    through_the_bucket(aws);
    graph(aws);
    let (code, told) = typed(aws, &["destroy", STACK], "y");
    assert_eq!(code, Some(130), "{told}");
    assert_says(&told, &["y is not planned/production; nothing was changed"]);
    let (code, told) = typed(aws, &["destroy", STACK], "planned/production");
    assert_eq!(code, Some(0), "{told}");
    assert_says(&told, &["planned/production is down"]);
    Seen::of(aws, REGION, STACK).assert_only(&[]);
}

const TYPE: &str = r#"
import os, pty, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, answer = b"", sys.argv[1].encode() + b"\r"
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:  # it has ended
        break
    seen += chunk
    if answer and b"to go on" in seen:
        os.write(terminal, answer)
        answer = b""
    if not chunk:
        break
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// Runs a command on a terminal and types an answer; its exit code, and what the terminal showed.
fn typed(aws: &LocalAws, arguments: &[&str], answer: &str) -> (Option<i32>, String) {
    let command = command(aws, arguments);
    let mut python = Command::new("python3");
    python
        .args(["-c", TYPE, answer])
        .arg(command.get_program())
        .args(command.get_args());
    python.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = python.current_dir(command.get_current_dir().unwrap()).output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// Who, why, when, how it ended, and every request to AWS, as AWS knows it.
fn on_record(aws: &LocalAws, operation: &str) {
    let history = json_of(&outrigger(aws, &["history", STACK, "--output", "json"]));
    let operations = history["operations"].as_array().unwrap();
    let listed: Vec<[&str; 2]> = operations
        .iter()
        .map(|entry| [entry["workflow"].as_str().unwrap(), entry["outcome"].as_str().unwrap()])
        .collect();
    // The newest first; plans to look at are no operations.
    assert_eq!(
        listed,
        [
            ["provision", "failed"],
            ["provision", "succeeded"],
            ["provision", "succeeded"]
        ]
    );
    let first = &operations[2];
    assert_eq!(first["operation"], operation);
    assert_eq!(first["reason"], "the first");
    let who = first["by"].as_str().unwrap();
    assert!(who.starts_with("arn:aws:iam::000000000000:"), "{who}");
    let text = text_of(&outrigger(aws, &["history", STACK]));
    assert_says(&text, &["outcome", operation, "the first", who]);
    let limited = text_of(&outrigger(aws, &["history", STACK, "--limit", "1"]));
    assert_eq!(limited.lines().count(), 2, "{limited}");

    let shown = json_of(&outrigger(aws, &["show", operation, "--output", "json"]));
    for (key, value) in [
        ("operation", json!(operation)),
        ("stack", json!(STACK)),
        ("workflow", json!("provision")),
        ("outcome", json!("succeeded")),
        ("by", json!(who)),
        ("reason", json!("the first")),
        ("failures", json!([])),
        ("rollback", Value::Null),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
    assert_eq!(shown["plan"]["summary"]["create"], 5);
    assert!(shown["started_at"].as_str().unwrap() <= shown["closed_at"].as_str().unwrap());
    let steps = shown["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 5);
    let logged: BTreeSet<String> = resource_calls(aws, 0)
        .into_iter()
        .filter_map(|call| call.request_id)
        .collect();
    let text = text_of(&outrigger(aws, &["show", operation]));
    for step in steps {
        assert_eq!(step["state"], "created", "{step}");
        let calls = step["calls"].as_array().unwrap();
        assert!(!calls.is_empty(), "{step}");
        for call in calls {
            let id = call["request_id"].as_str().unwrap_or_else(|| panic!("{step}"));
            assert!(logged.contains(id), "nobody knows the request {id}: {step}");
            assert!(text.contains(&format!("request {id}")), "{id} is missing:\n{text}");
        }
    }
    assert_says(
        &text,
        &["why        the first", "outcome    succeeded", "us-east-1/vpc/vpc"],
    );
    let unknown = outrigger(aws, &["show", "no-such-operation"]);
    assert_eq!(unknown.status.code(), Some(2));
}

/// What `list`, `watch`, `outputs`, `logs` and `doctor` show of it.
fn looked_at(aws: &LocalAws, operation: &str) {
    let listed = json_of(&outrigger(aws, &["list", "--output", "json"]));
    let stacks = listed["stacks"].as_array().unwrap();
    let entry = stacks.iter().find(|entry| entry["stack"] == STACK).unwrap();
    assert_eq!(
        (&entry["environment"], &entry["region"], &entry["workflow"]),
        (&json!("production"), &json!(REGION), &json!("provision")),
        "{entry}"
    );

    // Of an operation that has ended it says how. The one that was refused has not been the stack's.
    let watched = outrigger(aws, &["watch", operation, "--output", "json"]);
    assert_eq!(json_of(&watched)["resources"], json!({"created": 5}));
    assert_says(
        &text_of(&outrigger(aws, &["watch", STACK])),
        &["planned/production stands", "1 updated"],
    );
    let history = json_of(&outrigger(aws, &["history", STACK, "--output", "json"]));
    let refused = outrigger(aws, &["watch", history["operations"][0]["operation"].as_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let error = String::from_utf8(refused.stderr).unwrap();
    assert_says(&error, &["was changed since the plan was made", "plan again"]);
    let unknown = outrigger(aws, &["watch", "no-such-operation"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");

    let outputs = json_of(&outrigger(aws, &["outputs", STACK, "--output", "json"]));
    let vpc = outputs["vpc_id"].as_str().unwrap();
    assert_eq!(
        text_of(&outrigger(aws, &["outputs", STACK, "vpc_id"])),
        format!("{vpc}\n")
    );
    let lines = text_of(&outrigger(aws, &["outputs", STACK, "--format", "dotenv"]));
    assert!(lines.lines().any(|line| line == format!("VPC_ID={vpc}")), "{lines}");
    let slip = outrigger(aws, &["outputs", STACK, "vpcid"]);
    assert_eq!(slip.status.code(), Some(2), "{slip:?}");
    assert_says(&String::from_utf8(slip.stderr).unwrap(), &["is it vpc_id?"]);

    let told = text_of(&outrigger(aws, &["logs", operation, "--output", "json"]));
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(told.iter().all(|line| line["operation"] == operation), "{told:?}");
    for (function, message) in [
        ("plan-stack", "planned"),
        ("create-network", "done"),
        ("close-operation", "closed"),
    ] {
        let is_told = |line: &Value| line["function"] == function && line["message"] == message;
        assert!(told.iter().any(is_told), "{function} has not told: {message}\n{told:?}");
    }
    let moments: Vec<&str> = told.iter().map(|line| line["time"].as_str().unwrap()).collect();
    assert!(moments.is_sorted(), "{moments:?}");
    let followed = text_of(&outrigger(aws, &["logs", operation, "--follow"]));
    assert_eq!(followed.lines().count(), told.len(), "{followed}");
    let last = text_of(&outrigger(aws, &["logs", STACK, "--limit", "1", "--output", "json"]));
    assert_eq!(last.lines().count(), 1, "{last}");

    // Whoever reads it may go away at any time.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let left = command(aws, &["logs", STACK, "--follow"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(left.status.code(), Some(0), "{left:?}");
    assert!(left.stderr.is_empty(), "{left:?}");

    let healthy = outrigger(aws, &["doctor", "--control-plane", "outrigger", "--output", "json"]);
    assert_eq!(json_of(&healthy)["healthy"], true, "{healthy:?}");
    let absent = outrigger(aws, &["doctor", "--control-plane", "absent"]);
    assert_eq!(absent.status.code(), Some(4), "{absent:?}");
    assert_says(
        &String::from_utf8(absent.stdout).unwrap(),
        &["fail  control plane", "bootstrap"],
    );

    let refused = outrigger(aws, &["destroy", STACK]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert_says(&String::from_utf8(refused.stderr).unwrap(), &["Answer with --yes"]);
}

/// A document that is too large for an execution's input gets to its planner all the same.
fn through_the_bucket(aws: &LocalAws) {
    let mut large = document(STACK, 4);
    for number in 0..8_000 {
        large["outputs"][format!("vpc_{number}")] = json!("network.vpc_id");
    }
    let length = large.to_string().len();
    assert!((200 * 1024..256 * 1024).contains(&length), "{length}");
    let planned = json_of(&on_document(aws, "plan", &large, &["--output", "json"]));
    assert_eq!(planned["nothing_to_do"], true, "{planned}");
    let calls = aws.calls().unwrap();
    assert!(
        calls
            .iter()
            .any(|call| call.service == "s3" && call.operation == "PutObject" && call.succeeded())
    );
}

fn graph(aws: &LocalAws) {
    let document = document(STACK, 1);
    let dot = text_of(&on_document(aws, "graph", &document, &[]));
    assert_says(&dot, &["digraph \"planned/production\"", "us-east-1/subnet/private-1"]);
    let mermaid = text_of(&on_document(aws, "graph", &document, &["--format", "mermaid"]));
    assert_says(&mermaid, &["flowchart", "-->"]);
    let graph = json_of(&on_document(aws, "graph", &document, &["--output", "json"]));
    assert_eq!(graph["nodes"].as_array().unwrap().len(), 5, "{graph}");
}

/// A lease that is broken: who holds the stack is told, what it has begun is not lost, and it changes nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_taken_from_an_operation_that_does_not_end() {
    let aws = start_with_control_plane().unwrap();
    // Streams take as long as the test needs.
    aws.set_faults(&json!({"slow_provisioning": {"seconds": 3600.0, "kinds": ["kinesis"]}}))
        .unwrap();
    let stack = "taken";
    let name = format!("{stack}/production");
    let document = document_of(stack);
    let arn = start(
        &aws,
        "ProvisionStackArn",
        "taken-1",
        &json!({"document": document, "by": "ada"}),
    )
    .await;
    // Who watches can leave: the operation goes on, and how to come back is said. It need not be on record yet.
    let (code, told) = left(&aws, &["watch", "taken-1"], "the plan has", "-INT");
    assert_eq!(code, Some(130), "{told}");
    assert_says(&told, &["goes on without you", "watch taken-1"]);
    until("the stream is begun", || {
        let calls = resource_calls(&aws, 0);
        calls.iter().any(|call| call.operation == "CreateVpc") && {
            let shown = Seen::of(&aws, REGION, stack);
            !shown.names("streams").is_empty()
        }
    })
    .await;

    let held = json_of(&outrigger(&aws, &["lock", &name, "--output", "json"]));
    assert_eq!(held["held"], true, "{held}");
    let holder = &held["holder"];
    assert_eq!(
        (&holder["operation"], &holder["by"]),
        (&json!("taken-1"), &json!("ada")),
        "{held}"
    );
    assert_eq!(holder["execution_arn"], json!(arn), "{held}");
    let text = text_of(&outrigger(&aws, &["lock", &name]));
    assert_says(
        &text,
        &[
            "held by    taken-1",
            "unless it renews",
            // It renews all the time: a moment later it is another moment.
            &holder["expires_at"].as_str().unwrap()[..5],
        ],
    );
    // By the stack's name, too.
    let (code, told) = left(&aws, &["watch", stack], "the plan has", "-INT");
    assert_eq!(code, Some(130), "{told}");
    let shown = json_of(&outrigger(&aws, &["lock", &name, "--output", "json"]));
    assert_eq!(shown["held"], true, "{shown}");

    // Nobody else gets it meanwhile.
    let refused = on_document(&aws, "up", &document, &["--yes"]);
    assert_eq!(
        refused.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
    assert_says(
        &String::from_utf8(refused.stderr).unwrap(),
        &["taken-1", "who holds it"],
    );

    let no_reason = outrigger(&aws, &["unlock", &name, "--yes"]);
    assert_eq!(no_reason.status.code(), Some(2));
    let unlock = ["unlock", &name, "--reason", "it hangs", "--yes", "--output", "json"];
    let broken = json_of(&outrigger(&aws, &unlock));
    assert_eq!(broken["unlocked"], true, "{broken}");
    assert_eq!(broken["broken"]["operation"], "taken-1", "{broken}");
    assert_eq!(text_of(&outrigger(&aws, &["lock", &name])), "free\n");

    // What was held ends without a word in the state; whoever comes next completes the stack.
    aws.set_faults(&json!({})).unwrap();
    let file = file_of(&document);
    // It is gone as soon as it works, as with a terminal that is closed (whose signal may be ignored where tests run):
    // the operation goes on, and can be watched.
    let (code, told) = left(
        &aws,
        &["up", file.path().to_str().unwrap(), "--yes"],
        "the plan has",
        "-KILL",
    );
    assert_eq!(code, None, "{told}");
    let ended = json_of(&outrigger(&aws, &["watch", &name, "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    let broken = outrigger(&aws, &["watch", "taken-1"]);
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    let old = wait(&aws, &arn).await;
    assert_ne!(old.status, ExecutionStatus::Running, "{old:?}");
    assert_ne!(
        old.output.as_ref().map(|output| &output["outcome"]),
        Some(&json!("succeeded")),
        "{old:?}"
    );
    let failed = StepFunctions::new(&aws.aws(), &region())
        .describe_execution(&arn)
        .await
        .unwrap();
    assert!(failed.is_some());
    crate::stand_up::Holdings::of(&aws, stack).await.assert_whole(stack);
    assert_eq!(text_of(&outrigger(&aws, &["lock", &name])), "free\n");

    let history = json_of(&outrigger(&aws, &["history", &name, "--output", "json"]));
    let listed: Vec<[&Value; 2]> = history["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| [&entry["workflow"], &entry["outcome"]])
        .collect();
    assert_eq!(
        json!(listed),
        json!([
            ["provision", "succeeded"],
            ["unlock", "succeeded"],
            ["provision", "aborted"]
        ])
    );
    assert_eq!(history["operations"][1]["reason"], "it hangs (it was held by taken-1)");
    let shown = json_of(&outrigger(&aws, &["show", "taken-1", "--output", "json"]));
    assert_says(&shown["failures"].to_string(), &["its lease was broken by", "it hangs"]);
}

/// Waits for a condition; gives up after a minute.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..300 {
        if condition() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("in vain: {what}");
}

/// Runs a command, sends it a signal once it has said something, and answers its exit code and all that it said.
fn left(aws: &LocalAws, arguments: &[&str], once: &str, signal: &str) -> (Option<i32>, String) {
    let mut child = command(aws, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(once) {
            let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
            assert!(sent.unwrap().success());
        }
        told.push_str(&format!("{line}\n"));
    }
    (child.wait().unwrap().code(), told)
}
