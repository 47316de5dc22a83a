//! One operation on a stack: starting its execution, and following it to its end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use outrigger_aws_sfn::{Execution, ExecutionStatus};
use outrigger_engine::ports::provider::{CallError, CallErrorKind};
use outrigger_engine::state::StateError;
use outrigger_engine::state::content::{OperationRecord, Workflow};
use outrigger_model::{Lane, StackId, StepState, UnixMs};
use outrigger_plan::Plan;
use serde::Serialize;
use serde_json::Value;

use crate::context::{Context, say};
use crate::control_plane::ControlPlane;
use crate::failure::{Class, Failure};
use crate::progress::{Reporter, Snapshot, Step, reporter};

/// Step Functions allows 80; the workflow appends up to 10 where it hands over to a successor.
const ID_LENGTH_MAX: usize = 70;
const POLL_LOCAL: Duration = Duration::from_millis(300);
const POLL_AWS: Duration = Duration::from_secs(2);
/// For how long nothing may be learnt before following is given up; the operation itself goes on.
const BLIND_MAX: Duration = Duration::from_secs(120);

/// An operation whose execution was started.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// On which stack.
    pub(crate) stack: StackId,
    /// Its id: its execution's name.
    pub(crate) id: String,
    /// Its execution.
    pub(crate) execution_arn: String,
}

/// How an operation ended, for people and programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Ended {
    /// The stack's name.
    pub(crate) stack: String,
    /// The environment's name.
    pub(crate) environment: String,
    /// The operation's id.
    pub(crate) operation: String,
    /// Its execution.
    pub(crate) execution_arn: String,
    /// Whether it did all that it was to do.
    pub(crate) succeeded: bool,
    /// How long its execution took.
    pub(crate) elapsed_ms: u64,
    /// How many resources stand where.
    pub(crate) resources: BTreeMap<&'static str, usize>,
    /// The stack's outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// The name of the error it failed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// What failed, for people.
    pub(crate) failures: Vec<String>,
}

impl Ended {
    /// The failure that the command ends with, if the operation failed.
    pub(crate) fn failure(&self, context: &Context, again: &str) -> Option<Failure> {
        if self.succeeded {
            return None;
        }
        let class = class_of(self.error.as_deref());
        let stack = format!("{}/{}", self.stack, self.environment);
        let failures = self.failures.join("\n  ");
        let message = match class {
            Class::Operation => format!(
                "the operation {} failed:\n  {failures}\nfor the whole picture: {}\nonce the cause is gone, go on from \
                 here: {}",
                self.operation,
                context.own_command(&format!("status {stack}")),
                context.own_command(again),
            ),
            Class::Usage | Class::Locked | Class::Environment | Class::Interrupted => failures,
        };
        Some(Failure::new(class, message))
    }
}

/// What the error that an execution ended with means for the exit code.
fn class_of(error: Option<&str>) -> Class {
    match error {
        Some("LeaseHeld") => Class::Locked,
        Some("InvalidDocument" | "InvalidInput" | "ChangeUnsupported" | "UnknownStack") => Class::Usage,
        _ => Class::Operation,
    }
}

/// The word for a workflow in an operation's id.
fn verb(workflow: Workflow) -> &'static str {
    match workflow {
        Workflow::Provision => "provision",
        Workflow::Destroy => "destroy",
    }
}

/// `shop-production-provision-20261120T103658Z-1a2b`; the stack's name is cut where that would be too long.
fn id_of(stack: &StackId, workflow: Workflow, now_ms: UnixMs, random: &str) -> String {
    let moment: String = outrigger_engine::state::rfc3339(now_ms)
        .chars()
        .filter(|character| !matches!(character, '-' | ':'))
        .collect();
    let end = format!("-{}-{moment}-{random}", verb(workflow));
    let name: String = format!("{}-{}", stack.stack, stack.environment)
        .chars()
        .take(ID_LENGTH_MAX.saturating_sub(end.len()))
        .collect();
    format!("{name}{end}")
}

/// Starts a workflow on a stack.
pub(crate) async fn start(
    control_plane: &ControlPlane,
    stack: &StackId,
    workflow: Workflow,
    input: &Value,
) -> Result<Operation, Failure> {
    let length = input.to_string().len();
    if length > outrigger_aws_sfn::INPUT_BYTES_MAX {
        let message = format!(
            "the document is {length} bytes long as JSON, and an execution takes at most {}; put it into the control \
             plane's bucket and start the workflow with its s3:// address",
            outrigger_aws_sfn::INPUT_BYTES_MAX
        );
        return Err(Failure::new(Class::Usage, message));
    }
    let random: String = uuid::Uuid::new_v4().simple().to_string().chars().take(4).collect();
    let id = id_of(stack, workflow, control_plane.state.now_ms(), &random);
    let machine = match workflow {
        Workflow::Provision => &control_plane.provision_arn,
        Workflow::Destroy => &control_plane.destroy_arn,
    };
    let execution_arn = control_plane
        .executions
        .start_execution(machine, &id, input)
        .await
        .with_context(|| format!("start the operation {id} on {stack}"))?;
    Ok(Operation {
        stack: stack.clone(),
        id,
        execution_arn,
    })
}

/// Shows an operation's progress until it has ended, and how it ended.
///
/// # Errors
/// On Ctrl-C: the operation goes on, and the error says how to come back to it.
pub(crate) async fn follow(
    context: &Context,
    control_plane: &ControlPlane,
    operation: &Operation,
) -> Result<Ended, Failure> {
    let mut reporter = reporter();
    let followed = tokio::select! {
        ended = follow_with(control_plane, operation, reporter.as_mut()) => Some(ended),
        _ = tokio::signal::ctrl_c() => None,
    };
    reporter.finish();
    let goes_on = || {
        let stack = &operation.stack;
        format!(
            "the operation {} goes on without you; see where it is with `{}`",
            operation.id,
            context.own_command(&format!("status {stack}"))
        )
    };
    match followed {
        Some(Ok(ended)) => Ok(ended),
        Some(Err(error)) => {
            say(&goes_on());
            Err(error.context(format!("follow the operation {}", operation.id)).into())
        }
        None => Err(Failure::new(Class::Interrupted, format!("interrupted; {}", goes_on()))),
    }
}

async fn follow_with(
    control_plane: &ControlPlane,
    operation: &Operation,
    reporter: &mut dyn Reporter,
) -> Result<Ended> {
    let poll = if control_plane.is_local { POLL_LOCAL } else { POLL_AWS };
    let mut follower = Follower {
        control_plane,
        operation,
        plans: None,
        shown: Snapshot::default(),
        execution_arn: operation.execution_arn.clone(),
    };
    let mut seen_at = Instant::now();
    loop {
        let looked = match follower.look(reporter).await {
            Ok(Some(execution)) => follower.ended(&execution).await.map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match looked {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) => seen_at = Instant::now(),
            Err(error) if is_passing(&error) && seen_at.elapsed() < BLIND_MAX => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(poll).await;
    }
}

/// Whether an error may be gone with the next try.
fn is_passing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<CallError>().is_some_and(CallError::is_retryable)
        || error.downcast_ref::<StateError>().is_some_and(StateError::is_retryable)
}

struct Follower<'a> {
    control_plane: &'a ControlPlane,
    operation: &'a Operation,
    /// The lanes' plans, once planning is complete.
    plans: Option<BTreeMap<Lane, Plan>>,
    shown: Snapshot,
    /// Of the workflow, or of the successor that it has handed over to.
    execution_arn: String,
}

impl Follower<'_> {
    /// Looks once, and shows what is new; the execution, once it has ended.
    async fn look(&mut self, reporter: &mut dyn Reporter) -> Result<Option<Execution>> {
        // The execution first: what it has done by then is in the state that is read after.
        let execution = self.execution().await?;
        if self.plans.is_none() {
            self.plans = plans_of(self.control_plane, &self.operation.stack, &self.operation.id).await?;
            if let Some(plans) = &self.plans {
                self.shown = snapshot_of(plans, &BTreeMap::new());
                reporter.planned(&self.shown, self.control_plane.state.now_ms());
            }
        }
        if let Some(plans) = &self.plans {
            let states = states_of(self.control_plane, &self.operation.stack, &self.operation.id).await?;
            let snapshot = snapshot_of(plans, &states);
            let changes = snapshot.changes_since(&self.shown);
            reporter.moved(&changes, &snapshot, self.control_plane.state.now_ms());
            self.shown = snapshot;
        }
        if execution.status == ExecutionStatus::Running {
            return Ok(None);
        }
        let successor = execution
            .output
            .as_ref()
            .and_then(|output| output.get("handed_over_to")?.as_str());
        if let Some(arn) = successor {
            self.execution_arn = arn.to_owned();
            return Ok(None);
        }
        Ok(Some(execution))
    }

    /// Step Functions may show an execution a little after it has answered that it started it.
    async fn execution(&self) -> Result<Execution> {
        let found = self
            .control_plane
            .executions
            .describe_execution(&self.execution_arn)
            .await?;
        Ok(found.ok_or_else(|| CallError {
            call: "states:DescribeExecution".to_owned(),
            kind: CallErrorKind::NotYet,
            code: "ExecutionDoesNotExist".to_owned(),
            message: format!("there is no execution {}", self.execution_arn),
            request_id: None,
        })?)
    }

    async fn ended(&self, execution: &Execution) -> Result<Ended> {
        let stack = &self.operation.stack;
        let state = &self.control_plane.state;
        let record = state.operation(stack, &self.operation.id).await?;
        let outputs = state
            .stack(stack)
            .await?
            .map(|(known, _)| known.outputs)
            .unwrap_or_default();
        let mut resources = BTreeMap::new();
        for step in self.shown.steps.values() {
            *resources.entry(crate::progress::word(step)).or_insert(0) += 1;
        }
        Ok(Ended {
            stack: stack.stack.clone(),
            environment: stack.environment.clone(),
            operation: self.operation.id.clone(),
            execution_arn: self.operation.execution_arn.clone(),
            succeeded: execution.status == ExecutionStatus::Succeeded,
            elapsed_ms: execution
                .stopped_at_ms
                .unwrap_or(execution.started_at_ms)
                .saturating_sub(execution.started_at_ms),
            resources,
            outputs,
            error: execution.error.clone(),
            failures: failures_of(execution, record.as_ref()),
        })
    }
}

/// The record's own failures, or else what the execution says.
fn failures_of(execution: &Execution, record: Option<&OperationRecord>) -> Vec<String> {
    if execution.status == ExecutionStatus::Succeeded {
        return Vec::new();
    }
    let recorded = record.map(|record| record.failures.clone()).unwrap_or_default();
    if !recorded.is_empty() {
        return recorded;
    }
    let how = match execution.status {
        ExecutionStatus::TimedOut => "its execution timed out",
        ExecutionStatus::Aborted => "its execution was stopped",
        ExecutionStatus::Running | ExecutionStatus::Succeeded | ExecutionStatus::Failed => "its execution failed",
    };
    let message = execution.cause_message().filter(|message| !message.is_empty());
    vec![
        message
            .or_else(|| execution.error.clone())
            .unwrap_or_else(|| how.to_owned()),
    ]
}

/// The plans of an operation, by lane; none before planning is complete.
pub(crate) async fn plans_of(
    control_plane: &ControlPlane,
    stack: &StackId,
    operation: &str,
) -> Result<Option<BTreeMap<Lane, Plan>>> {
    let Some(record) = control_plane.state.operation(stack, operation).await? else {
        return Ok(None);
    };
    if record.plans.is_empty() {
        return Ok(None);
    }
    let mut plans = BTreeMap::new();
    for (lane, hash) in &record.plans {
        if let Some(plan) = control_plane.state.blob::<Plan>(stack, hash).await? {
            plans.insert(*lane, plan);
        }
    }
    Ok(Some(plans))
}

/// Where an operation's steps stand, as far as its lanes have begun.
pub(crate) async fn states_of(
    control_plane: &ControlPlane,
    stack: &StackId,
    operation: &str,
) -> Result<BTreeMap<outrigger_model::ResourceKey, StepState>> {
    let mut states = BTreeMap::new();
    for lane in Lane::ALL {
        let lane = control_plane.state.lane(stack, lane).await?;
        if lane.operation.as_deref() == Some(operation) {
            states.extend(lane.steps);
        }
    }
    Ok(states)
}

/// The plans' steps with where they stand.
pub(crate) fn snapshot_of(
    plans: &BTreeMap<Lane, Plan>,
    states: &BTreeMap<outrigger_model::ResourceKey, StepState>,
) -> Snapshot {
    let steps = plans.values().flat_map(|plan| &plan.steps).map(|(key, step)| {
        let step = Step {
            action: step.action.clone(),
            state: states.get(key).cloned().unwrap_or_default(),
        };
        (key.clone(), step)
    });
    Snapshot { steps: steps.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(name: &str) -> StackId {
        StackId {
            stack: name.to_owned(),
            environment: "production".to_owned(),
        }
    }

    #[test]
    fn an_id_says_what_when_and_fits() {
        let now_ms = 1_763_635_018_000;
        let id = id_of(&stack("shop"), Workflow::Provision, now_ms, "1a2b");
        assert_eq!(id, "shop-production-provision-20251120T103658Z-1a2b");
        let id = id_of(&stack(&"long".repeat(20)), Workflow::Destroy, now_ms, "1a2b");
        assert_eq!(id.len(), ID_LENGTH_MAX);
        assert!(id.ends_with("-destroy-20251120T103658Z-1a2b"), "{id}");
    }

    #[test]
    fn a_failed_operation_says_what_failed_and_how_to_go_on() {
        let mut ended = Ended {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
            operation: "shop-production-provision-20251120T103658Z-1a2b".to_owned(),
            execution_arn: "arn".to_owned(),
            succeeded: false,
            elapsed_ms: 66_000,
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
            error: Some("OperationFailed".to_owned()),
            failures: vec!["us-east-1/stream/events: kinesis:CreateStream failed: too many shards".to_owned()],
        };
        let context = Context {
            options: crate::arguments::Options {
                output: crate::arguments::Format::Text,
                target: crate::arguments::Target::Aws,
                control_plane: "outrigger-dev".to_owned(),
            },
        };
        let failure = ended.failure(&context, "up shop.yaml").unwrap();
        let text = failure.to_string().replace("cargo run --", "outrigger");
        insta::assert_snapshot!(text, @r"
        the operation shop-production-provision-20251120T103658Z-1a2b failed:
          us-east-1/stream/events: kinesis:CreateStream failed: too many shards
        for the whole picture: outrigger status shop/production --target aws --control-plane outrigger-dev
        once the cause is gone, go on from here: outrigger up shop.yaml --target aws --control-plane outrigger-dev
        ");

        ended.error = Some("LeaseHeld".to_owned());
        ended.failures = vec!["operation b holds the stack shop/production".to_owned()];
        let failure = ended.failure(&context, "up shop.yaml").unwrap();
        assert_eq!(failure.class, Class::Locked);
        assert_eq!(failure.to_string(), "operation b holds the stack shop/production");
    }

    #[test]
    fn errors_have_their_exit_codes() {
        let table = [
            (Some("LeaseHeld"), 3),
            (Some("InvalidDocument"), 2),
            (Some("ChangeUnsupported"), 2),
            (Some("UnknownStack"), 2),
            (Some("OperationFailed"), 1),
            (Some("Protected"), 1),
            (None, 1),
        ];
        for (error, code) in table {
            assert_eq!(class_of(error).code(), code, "{error:?}");
        }
    }
}
