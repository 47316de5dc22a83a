//! One local AWS for the tests that do not disturb each other, and ways to act on it and look at it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use outrigger_aws_cloudformation::CloudFormation;
use outrigger_aws_sfn::{Execution, StepFunctions};
use outrigger_model::{Region, document};
use outrigger_tests::{CONTROL_PLANE, Call, LocalAws, Project, local, start_with_control_plane};
use serde_json::Value;

/// The AWS that tests share; it ends with the process.
pub fn shared() -> &'static LocalAws {
    static SHARED: OnceLock<LocalAws> = OnceLock::new();
    SHARED.get_or_init(|| start_with_control_plane().unwrap())
}

/// The demo's document, as a stack of another name.
pub fn document_of(stack: &str) -> Value {
    let mut document = document::from_text(include_str!("../../../stacks/data-processing.yaml")).unwrap();
    document["stack"] = stack.into();
    document
}

/// Runs `outrigger` against a local AWS, as against any other.
pub fn outrigger(aws: &LocalAws, arguments: &[&str]) -> Output {
    command(aws, arguments).output().unwrap()
}

/// A command line of `outrigger` against a local AWS; nobody is there to answer it.
pub fn command(aws: &LocalAws, arguments: &[&str]) -> Command {
    let mut command = operators_command(aws, arguments);
    command.args(["--target", "aws"]);
    command
}

/// A command line of `outrigger` that takes a local AWS for the operator's own.
pub fn operators_command(aws: &LocalAws, arguments: &[&str]) -> Command {
    let project = Project::of_test().unwrap();
    let mut command = Command::new(project.root().join("target/debug/outrigger"));
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        command = Command::new(std::path::Path::new(&target).join("debug/outrigger"));
    }
    aws.set_environment(&mut command);
    command
        .current_dir(project.root())
        .env("OUTRIGGER_LOCAL_DIRECTORY", aws.directory())
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// The standard output of a command that has to work, as JSON.
pub fn json_of(output: &Output) -> Value {
    assert!(
        output.status.success(),
        "it ended with {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What `up` of a document ends with, which has to work.
pub fn up(document: &Value) -> Value {
    let file = file_of(document);
    let path = file.path().to_str().unwrap();
    json_of(&outrigger(shared(), &["up", path, "--yes", "--output", "json"]))
}

/// The status and the body of the answer to a request on a connection to port 443 of a load balancer or an accelerator.
pub fn asked(aws: &LocalAws, dns_name: &str, path: &str) -> (u16, String) {
    let endpoint = aws.endpoint().strip_prefix("http://").unwrap().to_owned();
    let mut connection = TcpStream::connect(endpoint).unwrap();
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nhost: {dns_name}:443\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// A document in a file of its own, which lasts as long as what is answered.
pub fn file_of(document: &Value) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), document.to_string()).unwrap();
    file
}

pub fn region() -> Region {
    Region::new("us-east-1")
}

/// The control plane's outputs.
pub async fn control_plane(aws: &LocalAws, output: &str) -> String {
    let stack = CloudFormation::new(&aws.aws(), &region())
        .describe_stack(CONTROL_PLANE)
        .await
        .unwrap()
        .unwrap();
    stack.outputs[output].clone()
}

/// Runs an execution to its end.
pub async fn execute(aws: &LocalAws, machine: &str, name: &str, input: &Value) -> Execution {
    let arn = start(aws, machine, name, input).await;
    wait(aws, &arn).await
}

pub async fn start(aws: &LocalAws, machine: &str, name: &str, input: &Value) -> String {
    let machine = control_plane(aws, machine).await;
    StepFunctions::new(&aws.aws(), &region())
        .start_execution(&machine, name, input)
        .await
        .unwrap()
}

/// Waits for the end of an execution, and of those that it handed over to.
pub async fn wait(aws: &LocalAws, arn: &str) -> Execution {
    let executions = StepFunctions::new(&aws.aws(), &region());
    let mut arn = arn.to_owned();
    loop {
        let execution = executions
            .wait_for_execution(&arn, std::time::Duration::from_millis(200))
            .await
            .unwrap();
        let output = execution.output.as_ref();
        match output
            .and_then(|output| output.get("handed_over_to"))
            .and_then(Value::as_str)
        {
            Some(successor) => arn = successor.to_owned(),
            None => return execution,
        }
    }
}

/// What the functions have called since, in the services that hold a stack's resources.
pub fn resource_calls(aws: &LocalAws, after_ms: u64) -> Vec<Call> {
    let services = [
        "ec2",
        "rds",
        "elasticache",
        "kinesis",
        "secretsmanager",
        "apigateway",
        "cloudwatch",
    ];
    aws.calls()
        .unwrap()
        .into_iter()
        .filter(|call| call.time_ms >= after_ms && services.contains(&call.service.as_str()))
        .filter(|call| call.principal.as_deref() != Some("root"))
        .collect()
}

pub fn now_ms() -> u64 {
    use outrigger_engine::ports::clock::{Clock, SystemClock};
    SystemClock.now_ms()
}

/// Runs a script of boto3, a client that is not ours, against a local AWS; what it printed.
pub fn boto3(aws: &LocalAws, script: &str, arguments: &[&str]) -> Vec<u8> {
    let python = local::local_venv(&Project::of_test().unwrap(), &mut |_| {})
        .unwrap()
        .join("bin/python");
    let mut command = Command::new(python);
    aws.set_environment(&mut command);
    let output = command.args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
