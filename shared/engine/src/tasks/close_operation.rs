//! The task of `close-operation`: outcome, outputs, record, release of the lease.

use std::collections::BTreeMap;

use outrigger_model::document::{self, Document};
use outrigger_model::{Lane, ResourceKey, StackId, StepState};
use outrigger_plan::output_reference;
use outrigger_plan::plan::{Records, attribute_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Invocation, TaskError, Ticket};
use crate::ports::clock::Clock;
use crate::state::content::{OperationRecord, Outcome, Workflow};
use crate::state::{Lease, State, StateError};

/// How many operations of a stack stay on record.
const OPERATIONS_KEPT: usize = 50;

/// What asks for an operation to be closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Request {
    /// The workflow, once its lanes have settled.
    Workflow {
        /// The operation.
        ticket: Ticket,
        /// What the lanes' branches ended with.
        #[serde(default)]
        lanes: Vec<Value>,
    },
    /// EventBridge, when an execution has ended by itself: stopped, timed out or failed.
    /// <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>
    Event {
        /// The execution's status change.
        detail: StatusChange,
    },
}

/// The detail of a `Step Functions Execution Status Change` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    /// The execution's name.
    pub name: String,
    /// The execution's ARN.
    #[serde(rename = "executionArn")]
    pub execution_arn: String,
    /// `ABORTED`, `TIMED_OUT` or `FAILED`.
    pub status: String,
    /// The execution's input, as a text; absent when it is large.
    #[serde(default)]
    pub input: Option<String>,
}

/// What became of the operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// How it ended.
    pub outcome: Ending,
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// The operation's id.
    pub operation: String,
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
    /// What failed, for people.
    pub failures: Vec<String>,
}

/// How an operation ended, as the workflow sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every step is done.
    Succeeded,
    /// A step failed.
    Failed,
    /// It was stopped, or broke, before its lanes had settled.
    Aborted,
    /// Another operation holds the stack by now: nothing was changed.
    Superseded,
    /// It never began: it held no lease.
    NotBegun,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Ending::Succeeded,
            Outcome::Failed => Ending::Failed,
            Outcome::Aborted => Ending::Aborted,
        }
    }
}

/// What the task works with.
pub struct Ports<'a> {
    /// The state.
    pub state: &'a State,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// Closes an operation.
///
/// # Guarantees
/// - May be repeated: an operation that is closed stays as it is, and the answer is the same.
/// - An operation that no longer holds the lease changes nothing.
pub async fn close_operation(
    ports: &Ports<'_>,
    invocation: &Invocation,
    request: &Request,
) -> Result<Response, TaskError> {
    match request {
        Request::Workflow { ticket, lanes } => {
            let lease = ticket.lease(invocation);
            close(ports, lease, &lane_errors(lanes), false).await
        }
        Request::Event { detail } => match find(ports, detail).await? {
            None => Ok(Response {
                outcome: Ending::NotBegun,
                stack: String::new(),
                environment: String::new(),
                operation: detail.name.clone(),
                outputs: BTreeMap::new(),
                failures: Vec::new(),
            }),
            Some((stack, operation)) => {
                // The event knows no token; the lease tells whether the operation still holds the stack.
                let held = ports.state.lease(&stack).await?;
                let token = held
                    .filter(|held| held.operation == operation)
                    .map(|held| held.token)
                    .unwrap_or_default();
                let lease = Lease::resume(stack, operation, token, &invocation.id);
                let failure = format!("the execution {} ended as {}", detail.name, detail.status);
                close(ports, lease, &[failure], true).await
            }
        },
    }
}

/// Which operation an execution was of: its own name, or the one it had taken over from an earlier execution.
async fn find(ports: &Ports<'_>, detail: &StatusChange) -> Result<Option<(StackId, String)>, TaskError> {
    #[derive(Deserialize)]
    struct Successor {
        resume: Ticket,
    }
    let successor = detail
        .input
        .as_deref()
        .and_then(|input| serde_json::from_str::<Successor>(input).ok());
    if let Some(Successor { resume }) = successor {
        return Ok(Some((resume.id(), resume.operation)));
    }
    let stack = ports.state.stack_of(&detail.name).await?;
    Ok(stack.map(|stack| (stack, detail.name.clone())))
}

/// The errors of branches that gave up, for people.
fn lane_errors(lanes: &[Value]) -> Vec<String> {
    lanes
        .iter()
        .filter_map(|lane| {
            let error = lane.get("error")?;
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            let name = lane.get("lane").and_then(Value::as_str).unwrap_or("a lane");
            Some(format!("{name}: {} {}", text("Error"), text("Cause")).trim().to_owned())
        })
        .collect()
}

async fn close(ports: &Ports<'_>, lease: Lease, errors: &[String], aborted: bool) -> Result<Response, TaskError> {
    let (state, stack) = (ports.state, lease.stack().clone());
    tracing::Span::current().record("stack", stack.to_string());
    let response = |outcome: Ending, outputs: BTreeMap<String, String>, failures: Vec<String>| Response {
        outcome,
        stack: stack.stack.clone(),
        environment: stack.environment.clone(),
        operation: lease.operation().to_owned(),
        outputs,
        failures,
    };
    let outputs_now = || async {
        let known = state.stack(&stack).await?;
        Ok::<_, TaskError>(known.map(|(known, _)| known.outputs).unwrap_or_default())
    };
    let record = state.operation(&stack, lease.operation()).await?;
    if let Some(OperationRecord {
        outcome: Some(outcome),
        failures,
        closed_at_ms: Some(_),
        ..
    }) = &record
    {
        // Closed before, but perhaps not to the end.
        release(state, &lease).await?;
        return Ok(response((*outcome).into(), outputs_now().await?, failures.clone()));
    }
    match state.renew_lease(&lease).await {
        Err(StateError::LeaseLost { .. }) => {
            let failures = vec!["another operation has taken the stack over".to_owned()];
            return Ok(response(Ending::Superseded, outputs_now().await?, failures));
        }
        renewed => renewed?,
    };
    let Some(mut record) = record else {
        // Planning had taken the lease, and came no further.
        release(state, &lease).await?;
        return Ok(response(Ending::Aborted, outputs_now().await?, errors.to_vec()));
    };
    let mut records = Records::new();
    let mut steps: BTreeMap<ResourceKey, StepState> = BTreeMap::new();
    for lane in Lane::ALL {
        let lane = state.lane(&stack, lane).await?;
        records.extend(lane.records);
        if lane.operation.as_deref() == Some(lease.operation()) {
            steps.extend(lane.steps);
        }
    }
    let mut failures = failures(&steps);
    failures.extend(errors.iter().cloned());
    let outcome = outcome(&steps, &failures, aborted);
    if outcome == Outcome::Succeeded {
        let outputs = match record.workflow {
            Workflow::Destroy => BTreeMap::new(),
            Workflow::Provision => outputs(state, &stack, &records).await?,
        };
        state
            .update_stack(&lease, |known| {
                known.outputs.clone_from(&outputs);
                if record.workflow == Workflow::Destroy {
                    // What a new stack of this name resolves to is asked anew.
                    known.document = None;
                    known.zones.clear();
                    known.versions.clear();
                }
            })
            .await?;
    }
    record.closed_at_ms = Some(ports.clock.now_ms());
    record.outcome = Some(outcome);
    record.failures.clone_from(&failures);
    record.steps = steps;
    state.put_operation(&lease, &record).await?;
    state.prune(&lease, OPERATIONS_KEPT).await?;
    release(state, &lease).await?;
    tracing::info!(?outcome, failures = failures.len(), "closed");
    Ok(response(outcome.into(), outputs_now().await?, failures))
}

async fn release(state: &State, lease: &Lease) -> Result<(), TaskError> {
    match state.release_lease(lease).await {
        // Taken over since: it is not ours to release.
        Ok(()) | Err(StateError::LeaseLost { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn outcome(steps: &BTreeMap<ResourceKey, StepState>, failures: &[String], aborted: bool) -> Outcome {
    if aborted || !steps.values().all(StepState::is_settled) {
        Outcome::Aborted
    } else if failures.is_empty() {
        Outcome::Succeeded
    } else {
        Outcome::Failed
    }
}

fn failures(steps: &BTreeMap<ResourceKey, StepState>) -> Vec<String> {
    steps
        .iter()
        .filter_map(|(key, state)| match state {
            StepState::Failed { error, .. } => Some(format!("{key}: {error}")),
            StepState::Skipped { because } => Some(format!("{key}: skipped, because {because} failed")),
            StepState::Waiting | StepState::InProgress { .. } | StepState::Done { .. } => None,
        })
        .collect()
}

async fn outputs(state: &State, stack: &StackId, records: &Records) -> Result<BTreeMap<String, String>, TaskError> {
    let Some(hash) = state.stack(stack).await?.and_then(|(known, _)| known.document) else {
        return Ok(BTreeMap::new());
    };
    let value: Value = state
        .blob(stack, &hash)
        .await?
        .ok_or_else(|| TaskError::Internal(format!("the document {hash} of {stack} is not kept any more")))?;
    let document: Document = document::parse(&value).map_err(TaskError::InvalidDocument)?;
    Ok(document
        .outputs
        .iter()
        .filter_map(|(name, path)| {
            let value = attribute_of(records, &output_reference(&document, path))?;
            Some((name.clone(), value))
        })
        .collect())
}
