//! Each kind and each step of the workflows is cut off once, and resumed with the same result.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use outrigger_aws_sfn::{ExecutionStatus, StepFunctions};
use outrigger_engine::state::State;
use outrigger_engine::state::content::Outcome;
use outrigger_model::{Lane, StackId};
use outrigger_tests::{LocalAws, start_with_control_plane};
use serde_json::{Value, json};

use crate::concurrency::{state, until};
use crate::everything::{Inventory, everything_of, everything_with_ways_out_of};
use crate::harness::{control_plane, json_of, now_ms, outrigger, region, start, wait};

/// The first call that makes an object of each kind, the one that deletes it, and whether the function dies before it is
/// carried out. What only tags identify is looked for during a minute after a create that was not, so only one is not.
const KILLS: [(&str, &str, &str, &str, bool); 22] = [
    ("vpc", "ec2", "CreateVpc", "DeleteVpc", false),
    ("subnet", "ec2", "CreateSubnet", "DeleteSubnet", false),
    (
        "internet-gateway",
        "ec2",
        "CreateInternetGateway",
        "DeleteInternetGateway",
        true,
    ),
    ("elastic-ip", "ec2", "AllocateAddress", "ReleaseAddress", false),
    ("nat-gateway", "ec2", "CreateNatGateway", "DeleteNatGateway", true),
    ("vpc-endpoint", "ec2", "CreateVpcEndpoint", "DeleteVpcEndpoints", false),
    ("route-table", "ec2", "CreateRouteTable", "DeleteRouteTable", true),
    ("route", "ec2", "CreateRoute", "DeleteRoute", false),
    (
        "route-table-association",
        "ec2",
        "AssociateRouteTable",
        "DisassociateRouteTable",
        true,
    ),
    (
        "security-group",
        "ec2",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
        false,
    ),
    (
        "db-subnet-group",
        "rds",
        "CreateDBSubnetGroup",
        "DeleteDBSubnetGroup",
        true,
    ),
    (
        "db-parameter-group",
        "rds",
        "CreateDBParameterGroup",
        "DeleteDBParameterGroup",
        false,
    ),
    ("db-instance", "rds", "CreateDBInstance", "DeleteDBInstance", true),
    ("db-cluster", "rds", "CreateDBCluster", "DeleteDBCluster", false),
    ("role", "iam", "CreateRole", "DeleteRole", false),
    (
        "cache-subnet-group",
        "elasticache",
        "CreateCacheSubnetGroup",
        "DeleteCacheSubnetGroup",
        true,
    ),
    (
        "replication-group",
        "elasticache",
        "CreateReplicationGroup",
        "DeleteReplicationGroup",
        false,
    ),
    ("stream", "kinesis", "CreateStream", "DeleteStream", true),
    ("secret", "secretsmanager", "CreateSecret", "DeleteSecret", false),
    (
        "secret-attachment",
        "secretsmanager",
        "PutSecretValue",
        "PutSecretValue",
        true,
    ),
    ("alarm", "cloudwatch", "PutMetricAlarm", "DeleteAlarms", false),
    ("log-group", "logs", "CreateLogGroup", "DeleteLogGroup", true),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_killed_at_each_kind_is_resumed_with_the_same_result() {
    let aws = start_with_control_plane().unwrap();
    let clean = "clean";
    let input = |stack: &str| json!({ "document": everything_with_ways_out_of(stack) });
    let arn = start(&aws, "ProvisionStackArn", "clean-1", &input(clean)).await;
    succeeds(&aws, &arn).await;
    let wanted = Inventory::of(&aws, clean);
    wanted.assert_whole_with_ways_out();

    let stack = "killed";
    set_kills(&aws, |kill| (kill.2, kill.4));
    let arn = start(&aws, "ProvisionStackArn", "killed-1", &input(stack)).await;
    succeeds_though_killed(&aws, stack, &arn).await;
    assert_killed(&aws, |kill| (kill.2, kill.4));
    Inventory::of(&aws, stack).assert_same(&wanted);

    // Taken down, with the moments of death the other way round.
    set_kills(&aws, |kill| (kill.3, !kill.4));
    let arn = start(
        &aws,
        "DestroyStackArn",
        "killed-2",
        &json!({ "stack": stack, "environment": "production" }),
    )
    .await;
    succeeds_though_killed(&aws, stack, &arn).await;
    assert_killed(&aws, |kill| (kill.3, !kill.4));
    Inventory::of(&aws, stack).assert_none();
}

type Kill = (&'static str, &'static str, &'static str, &'static str, bool);

fn set_kills(aws: &LocalAws, of: impl Fn(&Kill) -> (&'static str, bool)) {
    let rules: Vec<Value> = KILLS
        .iter()
        .map(|kill| {
            let (operation, before) = of(kill);
            json!({ "service": kill.1, "operation": operation, "when": if before { "before" } else { "after" } })
        })
        .collect();
    aws.set_faults(&json!({ "kill": rules })).unwrap();
}

#[track_caller]
fn assert_killed(aws: &LocalAws, of: impl Fn(&Kill) -> (&'static str, bool)) {
    let calls = aws.calls().unwrap();
    let killed: BTreeSet<(&str, &str)> = calls
        .iter()
        .filter_map(|call| Some((call.operation.as_str(), call.fault.as_deref()?)))
        .collect();
    for kill in &KILLS {
        let (operation, before) = of(kill);
        let fault = if before { "killed before" } else { "killed after" };
        assert!(
            killed.contains(&(operation, fault)),
            "{} was not {fault} {operation}",
            kill.0
        );
    }
}

/// Waits for the end of an execution whose functions die. The claim that a dead function holds on its lane ends with the
/// function's timeout, a minute; here it ends at once.
async fn succeeds_though_killed(aws: &LocalAws, stack: &'static str, arn: &str) {
    let lanes = Lanes::of(aws, stack).await;
    let mut released = killed_in_lanes(aws).len();
    let released_all = async {
        loop {
            let killed = killed_in_lanes(aws);
            for lane in killed.iter().skip(released) {
                lanes.expire(*lane).await;
            }
            released = killed.len();
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = succeeds(aws, arn) => {}
        () = released_all => {}
    }
}

async fn succeeds(aws: &LocalAws, arn: &str) {
    let execution = wait(aws, arn).await;
    assert_eq!(execution.status, ExecutionStatus::Succeeded, "{execution:?}");
    let outcome = execution.output.as_ref().map(|output| output["outcome"].clone());
    assert_eq!(outcome, Some(json!("succeeded")), "{execution:?}");
}

/// The lanes whose function was killed, time by time.
fn killed_in_lanes(aws: &LocalAws) -> Vec<Lane> {
    let calls = aws.calls().unwrap();
    let killed = calls
        .iter()
        .filter(|call| call.fault.as_deref().is_some_and(|fault| fault.starts_with("killed")));
    killed
        .map(|call| match call.service.as_str() {
            "ec2" => Lane::Network,
            "apigateway" => Lane::Ingress,
            "cloudwatch" | "logs" => Lane::Observability,
            _ => Lane::Datastore,
        })
        .collect()
}

/// The lanes' items in the state table.
struct Lanes {
    client: aws_sdk_dynamodb::Client,
    table: String,
    stack: &'static str,
}

impl Lanes {
    async fn of(aws: &LocalAws, stack: &'static str) -> Self {
        Self {
            client: aws_sdk_dynamodb::Client::new(&aws.sdk_config("us-east-1")),
            table: control_plane(aws, "StateTable").await,
            stack,
        }
    }

    fn key(&self, lane: Lane) -> HashMap<String, AttributeValue> {
        let text = |text: String| AttributeValue::S(text);
        HashMap::from([
            ("pk".to_owned(), text(format!("stack#{}/production", self.stack))),
            ("sk".to_owned(), text(format!("lane#{lane}"))),
        ])
    }

    /// Ends the claim on a lane by the clock.
    async fn expire(&self, lane: Lane) {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(self.key(lane)));
        let ended = update
            .update_expression("SET holder_expires_at_ms = :past")
            .condition_expression("attribute_exists(holder)")
            .expression_attribute_values(":past", AttributeValue::N("1".to_owned()))
            .send()
            .await;
        if let Err(error) = ended {
            assert!(error.into_service_error().is_conditional_check_failed_exception());
        }
    }

    /// Whether a live attempt holds a lane.
    async fn is_held(&self, lane: Lane) -> bool {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(self.key(lane)));
        let item = get.consistent_read(true).send().await.unwrap().item.unwrap_or_default();
        let expires = item.get("holder_expires_at_ms").and_then(|value| value.as_n().ok());
        item.contains_key("holder") && expires.is_some_and(|at_ms| at_ms.parse::<u64>().unwrap() > now_ms())
    }
}

/// A step of a workflow: what is held so that it is under way when the execution is stopped.
#[derive(Clone, Copy, Debug)]
enum Step {
    Plan,
    Converge(Lane),
    Close,
}

/// Every step of a workflow's machine, in an order in which each lane still has something to do when its turn comes: a
/// stopped execution's functions bring what they have begun to its end.
const STEPS: [Step; 5] = [
    Step::Plan,
    Step::Converge(Lane::Observability),
    Step::Converge(Lane::Network),
    Step::Converge(Lane::Datastore),
    Step::Close,
];

/// What is held so that a step is under way when the execution is stopped.
fn held(step: Step) -> Value {
    let hold = |service: &str, operation: &str, times: i32| json!({ "service": service, "operation": operation, "times": times, "seconds": HELD_SECONDS });
    match step {
        // The lease is taken by the third write.
        Step::Plan => json!([hold("dynamodb", "UpdateItem", 3)]),
        // All lanes: none is to be ready before its turn.
        Step::Converge(_) => {
            let services = [
                "ec2",
                "rds",
                "elasticache",
                "kinesis",
                "secretsmanager",
                "iam",
                "cloudwatch",
                "logs",
            ];
            services.map(|service| hold(service, "*", -1)).into_iter().collect()
        }
        // What is older than its time is looked for after the record is written, before the lease is given up.
        Step::Close => json!([hold("dynamodb", "Query", 1)]),
    }
}

const HELD_SECONDS: f64 = 6.0;

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_is_stopped_in_any_step_is_closed_and_the_next_one_completes() {
    let aws = start_with_control_plane().unwrap();
    let state = state(&aws).await;
    let stack = "cut-off";
    let lanes = Lanes::of(&aws, stack).await;
    let named = json!({ "stack": stack, "environment": "production" });
    for (workflow, input) in [
        ("ProvisionStackArn", json!({ "document": everything_of(stack) })),
        ("DriftStackArn", named.clone()),
        ("DestroyStackArn", named),
    ] {
        for (number, step) in STEPS.into_iter().enumerate() {
            let name = format!("cut-off-{workflow}-{number}");
            aws.set_faults(&json!({ "hold": held(step) })).unwrap();
            let arn = start(&aws, workflow, &name, &input).await;
            stopped_in(&aws, &state, &lanes, &name, &arn, step).await;
        }
        aws.set_faults(&json!({})).unwrap();
        let arn = start(&aws, workflow, &format!("cut-off-{workflow}-last"), &input).await;
        succeeds(&aws, &arn).await;
        let held = Inventory::of(&aws, stack);
        if workflow == "DestroyStackArn" {
            held.assert_none();
        } else {
            held.assert_whole();
        }
    }
}

/// Stops an execution in a step, and waits until its operation is closed and holds no lease.
async fn stopped_in(aws: &LocalAws, state: &State, lanes: &Lanes, name: &str, arn: &str, step: Step) {
    let stack = lanes.stack;
    let id = StackId {
        stack: stack.to_owned(),
        environment: "production".to_owned(),
    };
    let record = async || state.operation(&id, name).await.unwrap();
    until(&format!("{name} is in {step:?}"), async || match step {
        Step::Plan => state
            .lease(&id)
            .await
            .unwrap()
            .is_some_and(|lease| lease.operation == name),
        Step::Converge(lane) => {
            let begun = record().await.is_some_and(|record| !record.plans.is_empty());
            begun && lanes.is_held(lane).await
        }
        Step::Close => record().await.is_some_and(|record| record.closed_at_ms.is_some()),
    })
    .await;
    StepFunctions::new(&aws.aws(), &region())
        .stop_execution(arn, "a test")
        .await
        .unwrap();
    // What was held goes on at once.
    aws.set_faults(&json!({})).unwrap();
    until(&format!("{name} gives up the lease"), async || {
        state.lease(&id).await.unwrap().is_none()
    })
    .await;
    // Stopping ends no function: what one has begun it brings to its end, and until then, or for its minute, its claim on
    // the lane holds. Once it has ended, so does the claim; here it ends at once.
    let quiet_ms = 2_500;
    until("the functions have ended", async || {
        let calls = aws.calls().unwrap();
        let last = calls.iter().filter(|call| call.principal.as_deref() != Some("root"));
        last.map(|call| call.time_ms)
            .max()
            .is_none_or(|last_ms| last_ms + quiet_ms < now_ms())
    })
    .await;
    for lane in Lane::ALL {
        lanes.expire(lane).await;
    }
    let execution = wait(aws, arn).await;
    assert_eq!(execution.status, ExecutionStatus::Aborted, "{name}: {execution:?}");
    let lock = json_of(&outrigger(
        aws,
        &["lock", &format!("{stack}/production"), "--output", "json"],
    ));
    assert_eq!(lock["held"], false, "{name}: {lock}");
    if let Step::Converge(_) = step {
        let record = record().await.unwrap();
        assert_eq!(record.outcome, Some(Outcome::Aborted), "{name}");
        assert!(
            record.failures.iter().any(|failure| failure.contains("ABORTED")),
            "{name}: {:?}",
            record.failures
        );
    }
}
