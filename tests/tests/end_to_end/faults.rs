//! The demo's stack in bad weather: slow provisioning, throttling, lost answers, late visibility, all at once.

use std::collections::BTreeMap;

use outrigger_aws_sfn::ExecutionStatus;
use outrigger_tests::start_with_control_plane;
use serde_json::json;

use crate::harness::{document_of, execute, resource_calls};
use crate::stand_up::Holdings;

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_stands_up_in_bad_weather_with_nothing_doubled() {
    let aws = start_with_control_plane().unwrap();
    let lose = |service: &str, operation: &str| json!({ "service": service, "operation": operation, "times": 1 });
    aws.set_faults(&json!({
        "slow_provisioning": { "seconds": 2.0 },
        "late_visibility": { "seconds": 1.0, "services": ["ec2"] },
        "throttle": [
            { "service": "ec2", "operation": "*", "every": 7 },
            { "service": "rds", "operation": "*", "every": 5 },
            { "service": "elasticache", "operation": "*", "every": 5 },
            { "service": "kinesis", "operation": "*", "every": 4 },
            { "service": "secretsmanager", "operation": "*", "every": 4 },
            { "service": "cloudwatch", "operation": "*", "every": 4 },
            { "service": "dynamodb", "operation": "UpdateItem", "every": 9 },
        ],
        "lose_answers": [
            lose("ec2", "CreateVpc"),
            lose("ec2", "CreateSubnet"),
            lose("ec2", "CreateInternetGateway"),
            lose("ec2", "CreateRouteTable"),
            lose("ec2", "CreateRoute"),
            lose("ec2", "AssociateRouteTable"),
            lose("ec2", "CreateSecurityGroup"),
            lose("rds", "CreateDBSubnetGroup"),
            lose("rds", "CreateDBInstance"),
            lose("elasticache", "CreateCacheSubnetGroup"),
            lose("elasticache", "CreateReplicationGroup"),
            lose("kinesis", "CreateStream"),
            lose("secretsmanager", "CreateSecret"),
            lose("secretsmanager", "PutSecretValue"),
            lose("cloudwatch", "PutMetricAlarm"),
        ],
    }))
    .unwrap();
    let stack = "bad-weather";
    let input = json!({ "document": document_of(stack) });
    let execution = execute(&aws, "ProvisionStackArn", "bad-weather-1", &input).await;
    assert_eq!(execution.status, ExecutionStatus::Succeeded, "{execution:?}");

    // What AWS holds.
    Holdings::of(&aws, stack).await.assert_whole(stack);

    // What was called: the weather was bad indeed, and no create has had its effect twice.
    let calls = resource_calls(&aws, 0);
    let lost = calls
        .iter()
        .filter(|call| call.fault.as_deref() == Some("lost answer"))
        .count();
    assert_eq!(lost, 15);
    let throttled = calls
        .iter()
        .filter(|call| call.fault.as_deref() == Some("throttled"))
        .count();
    assert!(throttled > 10, "{throttled}");
    let mut effective: BTreeMap<&str, usize> = BTreeMap::new();
    for call in &calls {
        let had_effect = call.succeeded() || call.fault.as_deref() == Some("lost answer");
        if call.operation.starts_with("Create") && had_effect {
            *effective.entry(call.operation.as_str()).or_default() += 1;
        }
    }
    // A client token's repeat is answered with the first one's object: what is held tells.
    effective.remove("CreateRouteTable");
    effective.remove("CreateSecret");
    let wanted = BTreeMap::from([
        ("CreateVpc", 1),
        ("CreateSubnet", 4),
        ("CreateInternetGateway", 1),
        ("CreateRoute", 1),
        ("CreateSecurityGroup", 2),
        ("CreateDBSubnetGroup", 1),
        ("CreateDBInstance", 1),
        ("CreateCacheSubnetGroup", 1),
        ("CreateReplicationGroup", 1),
        ("CreateStream", 1),
    ]);
    assert_eq!(effective, wanted);

    let input = json!({ "stack": stack, "environment": "production" });
    let execution = execute(&aws, "DestroyStackArn", "bad-weather-2", &input).await;
    assert_eq!(execution.status, ExecutionStatus::Succeeded, "{execution:?}");
    Holdings::of(&aws, stack).await.assert_none(stack);
}
