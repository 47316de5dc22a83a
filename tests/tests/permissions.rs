//! Least privilege: what the template grants is what the adapters call, no less and no more.

use std::collections::BTreeSet;
use std::path::Path;

const SERVICES: [&str; 7] = [
    "cloudwatch",
    "ec2",
    "elasticache",
    "kinesis",
    "rds",
    "s3",
    "secretsmanager",
];

/// What AWS asks for beside the call itself: tags at creation, a final snapshot, an absent object told as absent.
const IMPLIED: [&str; 4] = [
    "ec2:CreateAction",
    "kinesis:TagResource",
    "rds:CreateDBSnapshot",
    "s3:ListBucket",
];

/// Every `service:Action` in a text.
fn actions(text: &str) -> BTreeSet<String> {
    text.split(|char: char| !(char.is_ascii_alphanumeric() || char == ':'))
        .filter(|word| {
            word.split_once(':').is_some_and(|(service, action)| {
                SERVICES.contains(&service)
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
    for service in SERVICES {
        sources(&root.join(format!("shared/aws-{service}/src")), &mut called);
    }
    let called = actions(&called);
    let granted = actions(&std::fs::read_to_string(root.join("bootstrap/template.yaml")).unwrap());
    assert!(called.len() > 50, "{called:?}");
    let missing: Vec<_> = called.difference(&granted).collect();
    assert!(missing.is_empty(), "called, but not granted: {missing:?}");
    let surplus: Vec<_> = granted
        .difference(&called)
        .filter(|action| !IMPLIED.contains(&action.as_str()))
        .collect();
    assert!(surplus.is_empty(), "granted, but never called: {surplus:?}");
}
