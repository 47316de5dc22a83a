//! Least privilege: what the template grants is what the adapters call, no less and no more.

use std::collections::BTreeSet;
use std::path::Path;

/// The adapter crates, and how IAM names their services.
const SERVICES: [(&str, &str); 12] = [
    ("aws-cloudwatch", "cloudwatch"),
    ("aws-cloudwatchlogs", "logs"),
    ("aws-ec2", "ec2"),
    ("aws-elasticache", "elasticache"),
    ("aws-iam", "iam"),
    ("aws-kinesis", "kinesis"),
    ("aws-rds", "rds"),
    ("aws-resourcegroupstagging", "tag"),
    ("aws-s3", "s3"),
    ("aws-secretsmanager", "secretsmanager"),
    ("aws-servicequotas", "servicequotas"),
    ("aws-sts", "sts"),
];

/// What nobody needs a permission for.
const FREE: [&str; 1] = ["sts:GetCallerIdentity"];

/// What the command line alone calls, with the permissions of whoever uses it.
const OPERATORS: [&str; 2] = ["logs:FilterLogEvents", "s3:PutObject"];

/// What AWS asks for beside the call itself: tags at creation, a final snapshot, a role that is handed over, an absent
/// object told as absent; and what it does itself, to take on a role.
const IMPLIED: [&str; 7] = [
    "ec2:CreateAction",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "kinesis:TagResource",
    "rds:CreateDBSnapshot",
    "s3:ListBucket",
    "sts:AssumeRole",
];

/// Conditions, which look like actions.
const CONDITIONS: [&str; 4] = [
    "iam:AWSServiceName",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "iam:PolicyARN",
];

/// What the functions and workflows do to their own logs, and enhanced monitoring to its.
const OWN_LOGS: [&str; 12] = [
    "logs:CreateLogDelivery",
    "logs:CreateLogStream",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogStreams",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:GetLogEvents",
    "logs:ListLogDeliveries",
    "logs:PutLogEvents",
    "logs:PutResourcePolicy",
    "logs:PutRetentionPolicy",
    "logs:UpdateLogDelivery",
];

/// Every `service:Action` in a text.
fn actions(text: &str) -> BTreeSet<String> {
    text.split(|char: char| !(char.is_ascii_alphanumeric() || char == ':'))
        .filter(|word| {
            word.split_once(':').is_some_and(|(service, action)| {
                SERVICES.iter().any(|(_, prefix)| *prefix == service)
                    && action.len() > 3
                    && action.starts_with(|first: char| first.is_ascii_uppercase())
                    && action.chars().all(|char| char.is_ascii_alphanumeric())
            })
        })
        .map(str::to_owned)
        .collect()
}

fn sources(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn functions_may_do_what_they_call_and_no_more() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut called = String::new();
    for (adapter, _) in SERVICES {
        sources(&root.join(format!("shared/{adapter}/src")), &mut called);
    }
    let called = actions(&called);
    let granted = actions(&std::fs::read_to_string(root.join("bootstrap/template.yaml")).unwrap());
    assert!(called.len() > 50, "{called:?}");
    let missing: Vec<_> = called
        .difference(&granted)
        .filter(|action| !FREE.contains(&action.as_str()) && !OPERATORS.contains(&action.as_str()))
        .collect();
    assert!(missing.is_empty(), "called, but not granted: {missing:?}");
    let surplus: Vec<_> = granted
        .iter()
        .filter(|action| !called.contains(*action) || OPERATORS.contains(&action.as_str()))
        .filter(|action| {
            let known = [&IMPLIED[..], &CONDITIONS, &OWN_LOGS];
            !known.iter().any(|known| known.contains(&action.as_str()))
        })
        .collect();
    assert!(
        surplus.is_empty(),
        "granted, but never called by a function: {surplus:?}"
    );
}
