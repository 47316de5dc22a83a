//! Least privilege: what the template grants is what the adapters call, no less and no more.

use std::collections::BTreeSet;
use std::path::Path;

/// The adapter crates, and how IAM names their services.
const SERVICES: [(&str, &str); 22] = [
    ("aws-backup", "backup"),
    ("aws-cloudwatch", "cloudwatch"),
    ("aws-cloudwatchlogs", "logs"),
    ("aws-dynamodb", "dynamodb"),
    ("aws-ec2", "ec2"),
    ("aws-elasticache", "elasticache"),
    ("aws-elasticloadbalancingv2", "elasticloadbalancing"),
    ("aws-eventbridge", "events"),
    ("aws-globalaccelerator", "globalaccelerator"),
    ("aws-iam", "iam"),
    ("aws-kinesis", "kinesis"),
    ("aws-kms", "kms"),
    ("aws-lambda", "lambda"),
    ("aws-rds", "rds"),
    ("aws-resourcegroupstagging", "tag"),
    ("aws-route53", "route53"),
    ("aws-s3", "s3"),
    ("aws-secretsmanager", "secretsmanager"),
    ("aws-servicequotas", "servicequotas"),
    ("aws-sns", "sns"),
    ("aws-ssm", "ssm"),
    ("aws-sts", "sts"),
];

/// What nobody needs a permission for.
const FREE: [&str; 1] = ["sts:GetCallerIdentity"];

/// What the command line alone calls, with the permissions of whoever uses it.
const OPERATORS: [&str; 2] = ["logs:FilterLogEvents", "s3:PutObject"];

/// What AWS asks for beside the call itself: tags at creation, a final snapshot, a role that is handed over, an absent
/// object told as absent; and what it does itself, to take on a role; what encrypts messages with the control
/// plane's own key, and sends them; what an API does with its own; what a table's new replica asks for, and S3 to copy
/// objects; the network interfaces of functions in VPCs; the names of endpoints in a VPC.
const IMPLIED: [&str; 32] = [
    "dynamodb:BatchWriteItem",
    "dynamodb:CreateTableReplica",
    "dynamodb:DeleteTableReplica",
    "dynamodb:PutItem",
    "dynamodb:Scan",
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateAction",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:UnassignPrivateIpAddresses",
    "elasticloadbalancing:CreateAction",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "kinesis:PutRecord",
    "kinesis:TagResource",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "rds:CreateDBClusterSnapshot",
    "rds:CreateDBSnapshot",
    "route53:AssociateVPCWithHostedZone",
    "s3:DeleteObject",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
    "s3:ListBucket",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:ReplicateTags",
    "s3:TagResource",
    "sns:Publish",
    "sts:AssumeRole",
];

/// What AWS Backup does as the roles that it takes on, which only the boundary of roles speaks of; and what it asks for when
/// a vault is made or a recovery point goes.
const OF_BACKUP: [&str; 16] = [
    "backup:CopyFromBackupVault",
    "backup:CopyIntoBackupVault",
    "backup:DescribeBackupVault",
    "dynamodb:CreateBackup",
    "dynamodb:DeleteBackup",
    "dynamodb:DescribeBackup",
    "dynamodb:StartAwsBackupJob",
    "kms:CreateGrant",
    "kms:Encrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:RetireGrant",
    "rds:CopyDBClusterSnapshot",
    "rds:CopyDBSnapshot",
    "rds:DeleteDBClusterSnapshot",
    "rds:DeleteDBSnapshot",
];

/// Conditions, which look like actions.
const CONDITIONS: [&str; 8] = [
    "dynamodb:LeadingKeys",
    "iam:AWSServiceName",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "iam:PolicyARN",
    "kms:CallerAccount",
    "kms:GrantIsForAWSResource",
    "kms:ViaService",
];

/// What the functions and workflows do to their own logs, and enhanced monitoring to its.
const OWN_LOGS: [&str; 11] = [
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
        .filter(|action| !CONDITIONS.contains(&action.as_str()))
        .collect();
    assert!(missing.is_empty(), "called, but not granted: {missing:?}");
    let surplus: Vec<_> = granted
        .iter()
        .filter(|action| !called.contains(*action) || OPERATORS.contains(&action.as_str()))
        .filter(|action| {
            let known = [&IMPLIED[..], &OF_BACKUP, &CONDITIONS, &OWN_LOGS];
            !known.iter().any(|known| known.contains(&action.as_str()))
        })
        .collect();
    assert!(
        surplus.is_empty(),
        "granted, but never called by a function: {surplus:?}"
    );
}

/// API Gateway's actions are the methods of its calls, which follow from the operations' names:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html>.
#[test]
fn methods_of_api_gateway_are_those_of_the_calls() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut text = String::new();
    sources(&root.join("shared/aws-apigateway/src"), &mut text);
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == ':'));
        let actions = words.filter_map(|word| word.strip_prefix("apigateway:"));
        let named = actions.filter(|action| action.starts_with(|first: char| first.is_ascii_uppercase()));
        named.map(str::to_owned).collect()
    };
    let operations = words(&text);
    assert!(operations.len() > 15, "{operations:?}");
    let methods: BTreeSet<String> = operations
        .iter()
        .map(|operation| {
            let method = [
                ("Create", "POST"),
                ("Delete", "DELETE"),
                ("Get", "GET"),
                ("Put", "PUT"),
                ("Tag", "PUT"),
                ("Untag", "DELETE"),
                ("Update", "PATCH"),
            ]
            .into_iter()
            .find(|(verb, _)| operation.starts_with(verb));
            method
                .unwrap_or_else(|| panic!("which method has {operation}?"))
                .1
                .to_owned()
        })
        .collect();
    let template = std::fs::read_to_string(root.join("bootstrap/template.yaml")).unwrap();
    let granted: BTreeSet<String> = words(&template)
        .into_iter()
        .filter(|action| action.chars().all(|char| char.is_ascii_uppercase()))
        .collect();
    assert_eq!(granted, methods);
}

/// The adapters that the command line calls AWS with when it operates stacks, and how IAM names their services.
const OF_OPERATORS: [(&str, &str); 3] = [
    ("aws-cloudformation", "cloudformation"),
    ("aws-dynamodb", "dynamodb"),
    ("aws-sfn", "states"),
];

/// What these adapters call for others: `bootstrap`, and the functions.
const NOT_OF_OPERATORS: [&str; 16] = [
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:ExecuteChangeSet",
    "dynamodb:CreateTable",
    "dynamodb:DeleteItem",
    "dynamodb:DeleteTable",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:ListTagsOfResource",
    "dynamodb:PutItem",
    "dynamodb:TagResource",
    "dynamodb:UntagResource",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateTable",
];

/// What operators do without the command line: a large document, the console.
const BY_HAND: [&str; 11] = [
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetDashboard",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListDashboards",
    "cloudwatch:ListMetrics",
    "logs:DescribeLogStreams",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "s3:PutObject",
    "states:GetExecutionHistory",
    "states:ListExecutions",
];

/// The most characters that a managed policy has, white space not counted (IAM User Guide, "IAM and AWS STS quotas").
const POLICY_CHARS_MAX: usize = 6_144;

/// The actions that a policy of docs/policies allows.
fn policy(name: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join(format!("docs/policies/{name}.json"))).unwrap();
    assert!(
        text.chars().filter(|char| !char.is_whitespace()).count() <= POLICY_CHARS_MAX,
        "{name}"
    );
    let policy: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut actions = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        for action in statement["Action"].as_array().unwrap() {
            actions.insert(action.as_str().unwrap().to_owned());
        }
    }
    actions
}

/// `GetItem`, and not `REGION` as in an ARN's form.
fn is_action(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

#[test]
fn operators_may_do_what_the_command_line_calls_and_no_more() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut called = BTreeSet::new();
    for (adapter, service) in OF_OPERATORS {
        let mut text = String::new();
        sources(&root.join(format!("shared/{adapter}/src")), &mut text);
        let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == ':'));
        let prefix = format!("{service}:");
        called.extend(
            words
                .filter(|word| word.strip_prefix(&prefix).is_some_and(is_action))
                .filter(|word| !NOT_OF_OPERATORS.contains(word))
                .map(str::to_owned),
        );
    }
    assert!(called.len() >= 7, "{called:?}");
    let allowed = policy("operator");
    let missing: Vec<_> = called.difference(&allowed).collect();
    assert!(missing.is_empty(), "called, but not allowed: {missing:?}");
    let surplus: Vec<_> = allowed
        .difference(&called)
        .filter(|action| !BY_HAND.contains(&action.as_str()))
        .collect();
    assert!(surplus.is_empty(), "allowed, but never called: {surplus:?}");
}

#[test]
fn viewers_may_do_less_than_operators() {
    let (viewer, operator) = (policy("viewer"), policy("operator"));
    assert!(viewer.is_subset(&operator), "{viewer:?}");
    for action in ["dynamodb:UpdateItem", "states:StopExecution", "s3:PutObject"] {
        assert!(!viewer.contains(action), "{action}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("docs/policies/viewer.json")).unwrap();
    for machine in ["provision-stack", "destroy-stack", "drift-stack"] {
        assert!(!text.contains(machine), "a viewer starts {machine}");
    }
}

/// Who installs the control plane needs something of every service that the template has resources of.
#[test]
fn deployers_may_make_every_kind_of_resource() {
    let mut allowed = policy("deployer");
    allowed.extend(policy("deployer-three-regions"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let template = std::fs::read_to_string(root.join("bootstrap/template.yaml")).unwrap();
    let kinds: BTreeSet<&str> = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Type: AWS::"))
        .collect();
    assert!(kinds.len() >= 15, "{kinds:?}");
    for kind in kinds {
        let create = match kind {
            "CloudWatch::Alarm" => "cloudwatch:PutMetricAlarm",
            "CloudWatch::Dashboard" => "cloudwatch:PutDashboard",
            "DynamoDB::GlobalTable" => "dynamodb:CreateTableReplica",
            "DynamoDB::Table" => "dynamodb:CreateTable",
            "Events::Rule" => "events:PutRule",
            "IAM::ManagedPolicy" => "iam:CreatePolicy",
            "IAM::Role" => "iam:CreateRole",
            "KMS::Key" => "kms:CreateKey",
            "Lambda::Permission" => "lambda:AddPermission",
            "Logs::LogGroup" => "logs:CreateLogGroup",
            "S3::Bucket" => "s3:CreateBucket",
            "S3::BucketPolicy" => "s3:PutBucketPolicy",
            "SNS::Subscription" => "sns:Subscribe",
            "SNS::Topic" => "sns:CreateTopic",
            "SNS::TopicPolicy" => "sns:SetTopicAttributes",
            "SQS::Queue" => "sqs:CreateQueue",
            "SQS::QueuePolicy" => "sqs:SetQueueAttributes",
            "Serverless::Function" => "lambda:PublishVersion",
            "Serverless::StateMachine" => "states:CreateStateMachine",
            other => panic!("who may make an AWS::{other}?"),
        };
        assert!(allowed.contains(create), "{kind}: {create}");
    }
}

/// With the longest names that the template's parameters can have, in the partition with the longest name. What refers to another
/// resource counts as long as it is written: about as much as a choice of two counts too often.
fn length(policy: &serde_json::Value) -> usize {
    let longest = [
        ("${AWS::Partition}", "aws-us-gov"),
        ("${AWS::AccountId}", "123456789012"),
        ("${AWS::Region}", "ap-southeast-1"),
        ("${Name}", "a-name-of-21-letters-"),
    ];
    let text = longest
        .iter()
        .fold(policy.to_string(), |text, (name, value)| text.replace(name, value));
    text.chars().filter(|char| !char.is_whitespace()).count()
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[test]
fn policies_are_no_longer_than_iam_takes() {
    const OF_A_ROLE: usize = 10_240;
    const MANAGED: usize = 6_144;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let template = std::fs::read_to_string(root.join("bootstrap/template.yaml")).unwrap();
    let template: serde_json::Value = serde_saphyr::from_str(&template).unwrap();
    let mut counted = 0;
    for (name, resource) in template["Resources"].as_object().unwrap() {
        let properties = &resource["Properties"];
        let (lengths, most): (Vec<usize>, usize) = match resource["Type"].as_str() {
            Some("AWS::IAM::Role") => {
                let policies = properties["Policies"].as_array().into_iter().flatten();
                (
                    policies.map(|policy| length(&policy["PolicyDocument"])).collect(),
                    OF_A_ROLE,
                )
            }
            Some("AWS::IAM::ManagedPolicy") => (vec![length(&properties["PolicyDocument"])], MANAGED),
            _ => continue,
        };
        let total: usize = lengths.iter().sum();
        assert!(total <= most, "{name}: {total} characters of at most {most}");
        counted += lengths.len();
    }
    assert!(counted > 10, "{counted}");
}
