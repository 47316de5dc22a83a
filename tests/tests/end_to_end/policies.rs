//! The policies of docs/policies, in force: who operates may do what the command line does, who looks changes nothing.

use std::path::Path;
use std::process::{Command, Output};

use outrigger_tests::{LocalAws, Project};
use serde_json::{Value, json};

use crate::harness::{boto3, file_of, json_of, shared};

/// A user with a policy: access key and secret.
const USER: &str = r#"
import json, sys
import boto3

iam, (name, policy) = boto3.client("iam"), sys.argv[1:]
iam.create_user(UserName=name)
arn = iam.create_policy(PolicyName=name, PolicyDocument=policy)["Policy"]["Arn"]
iam.attach_user_policy(UserName=name, PolicyArn=arn)
key = iam.create_access_key(UserName=name)["AccessKey"]
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
"#;

struct User<'a> {
    aws: &'a LocalAws,
    keys: (String, String),
}

impl<'a> User<'a> {
    fn with_policy(aws: &'a LocalAws, policy: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/policies/{policy}.json"));
        let text = std::fs::read_to_string(path).unwrap();
        let keys = serde_json::from_slice(&boto3(aws, USER, &[policy, &text])).unwrap();
        Self { aws, keys }
    }

    fn outrigger(&self, arguments: &[&str]) -> Output {
        let project = Project::of_test().unwrap();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(project.root().join("target"), Into::into);
        let mut command = Command::new(target.join("debug/outrigger"));
        self.aws.set_environment(&mut command);
        command
            .env("AWS_ACCESS_KEY_ID", &self.keys.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.keys.1)
            .current_dir(project.root())
            .args(arguments)
            .args(["--target", "aws", "--output", "json"])
            .output()
            .unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        json_of(&self.outrigger(arguments))
    }

    #[track_caller]
    fn is_denied(&self, arguments: &[&str], action: &str) {
        let output = self.outrigger(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(
            told.contains(action) && told.contains("not authorized"),
            "{arguments:?}: {told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_operates_operates_and_who_looks_only_looks() {
    let aws = shared();
    let (operator, viewer) = (User::with_policy(aws, "operator"), User::with_policy(aws, "viewer"));
    let stack = "by-policy";
    let file = file_of(&json!({
        "stack": stack, "environment": "test", "region": "us-east-1",
        "network": { "cidr": "10.0.0.0/16", "zones": 1 },
    }));
    let path = file.path().to_str().unwrap();

    let ended = operator.json(&["up", path, "--yes"]);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let operation = ended["operation"].as_str().unwrap();
    for user in [&operator, &viewer] {
        user.json(&["status", stack]);
        user.json(&["history", stack]);
        user.json(&["show", operation]);
        user.json(&["outputs", stack]);
        user.json(&["lock", stack]);
        user.json(&["plan", path]);
    }
    viewer.is_denied(&["up", path, "--yes"], "states:StartExecution");
    viewer.is_denied(&["drift", stack], "states:StartExecution");
    viewer.is_denied(&["destroy", stack, "--yes"], "states:StartExecution");

    operator.json(&["drift", stack]);
    operator.json(&["unlock", stack, "--reason", "nobody holds it", "--yes"]);
    let ended = operator.json(&["destroy", stack, "--yes"]);
    assert_eq!(ended["succeeded"], true, "{ended}");
}
