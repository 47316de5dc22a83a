//! What operations tell, as a queue behind a rule gets it, and what people are sent.

use std::collections::BTreeMap;

use outrigger_aws_sfn::StepFunctions;
use outrigger_tests::events::assert_event;
use outrigger_tests::{LocalAws, start_with_control_plane};
use serde_json::{Value, json};

use crate::harness::{boto3, control_plane, execute, region, start, wait};

/// A queue for all events of ours, and one for the notifications.
const LISTEN: &str = r#"
import json, sys
import boto3

sqs, events, sns = boto3.client("sqs"), boto3.client("events"), boto3.client("sns")


def queue(name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return arn


events.put_rule(Name="heard", EventPattern=json.dumps({"source": ["outrigger"]}))
events.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": queue("heard")}])
topic, raw = sys.argv[1], {"RawMessageDelivery": "true"}
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue("noted"), Attributes=raw)
"#;

/// The first messages of a queue, so many.
const HEAR: &str = r#"
import json, sys, time
import boto3

sqs, name, count = boto3.client("sqs"), sys.argv[1], int(sys.argv[2])
url, heard, until = sqs.get_queue_url(QueueName=name)["QueueUrl"], [], time.monotonic() + 60
while len(heard) < count and time.monotonic() < until:
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
        heard.append(json.loads(message["Body"]))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
print(json.dumps(heard))
"#;

fn hear(aws: &LocalAws, queue: &str, count: usize) -> Vec<Value> {
    serde_json::from_slice(&boto3(aws, HEAR, &[queue, &count.to_string()])).unwrap()
}

fn document(stack: &str) -> Value {
    json!({
        "stack": stack, "environment": "test", "region": "us-east-1",
        "network": { "cidr": "10.0.0.0/16", "zones": 1, "private": {} },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_told_once_and_people_hear_what_matters() {
    let aws = start_with_control_plane().unwrap();
    boto3(&aws, LISTEN, &[&control_plane(&aws, "NotificationsTopicArn").await]);
    let provision = async |name: &str, document: Value| {
        execute(
            &aws,
            "ProvisionStackArn",
            name,
            &json!({ "document": document, "by": "ann" }),
        )
        .await
    };

    provision("stands", document("stands")).await;
    provision("refused", json!({ "stack": "refused", "environment": "test" })).await;
    let refusal = json!({ "service": "ec2", "operation": "CreateSubnet", "times": -1, "code": "InvalidSubnet.Range", "message": "not today" });
    aws.set_faults(&json!({ "fail": [refusal] })).unwrap();
    provision("fails", document("fails")).await;

    aws.set_faults(&json!({ "slow_provisioning": { "seconds": 600, "kinds": ["kinesis"] } }))
        .unwrap();
    let mut slow = document("stopped");
    slow["streams"] = json!({ "stream": { "shards": 1 } });
    let arn = start(&aws, "ProvisionStackArn", "stopped", &json!({ "document": slow })).await;
    while !aws.calls().unwrap().iter().any(|call| call.operation == "CreateStream") {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let executions = StepFunctions::new(&aws.aws(), &region());
    executions.stop_execution(&arn, "to see what is told").await.unwrap();
    wait(&aws, &arn).await;

    let mut outcomes = BTreeMap::new();
    let mut started = Vec::new();
    // Three that started, four that ended.
    for event in hear(&aws, "heard", 7) {
        let detail_type = event["detail-type"].as_str().unwrap();
        assert_event(detail_type, &event["detail"]);
        let operation = event["detail"]["operation"].as_str().unwrap().to_owned();
        match event["detail"]["outcome"].as_str() {
            None => started.push(operation),
            Some(outcome) => {
                let before = outcomes.insert(operation, outcome.to_owned());
                assert_eq!(before, None, "it was told twice: {event:#}");
            }
        }
    }
    started.sort();
    assert_eq!(started, ["fails", "stands", "stopped"]);
    let ended = [
        ("stands", "succeeded"),
        ("refused", "not_begun"),
        ("fails", "failed"),
        ("stopped", "aborted"),
    ];
    assert_eq!(
        outcomes,
        BTreeMap::from(ended.map(|(operation, outcome)| (operation.to_owned(), outcome.to_owned())))
    );

    let mut noted: Vec<String> = hear(&aws, "noted", 2)
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect();
    noted.sort();
    let [failed, stopped] = &noted[..] else {
        panic!("{noted:?}")
    };
    assert!(failed.starts_with("fails/test: provision failed after "), "{failed}");
    assert!(
        failed.contains("not today") && failed.ends_with(" outrigger show fails"),
        "{failed}"
    );
    assert!(
        stopped.starts_with("stopped/test: provision was stopped after "),
        "{stopped}"
    );
}
