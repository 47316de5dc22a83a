//! The task of `close-operation`: outcome, outputs, record, release of the lease.

use std::collections::BTreeMap;

use outrigger_model::document::{self, Document, OnFailure};
use outrigger_model::{CallRecord, FencingToken, Lane, ResourceKey, StackId, StepState, UnixMs};
use outrigger_plan::plan::{Records, attribute_of};
use outrigger_plan::{Protection, Resolved, destroy, expand, output_reference, provision};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan_stack::keep;
use super::{Invocation, Phase, TaskError, Ticket, run_of};
use crate::ports::clock::Clock;
use crate::state::content::{Blueprint, OperationRecord, Outcome, Workflow};
use crate::state::{Lease, State, StateError};

/// How many operations of a stack stay on record.
const OPERATIONS_KEPT: usize = 50;
/// And for how long, whatever their number: a year.
const OPERATIONS_AGE_MS_MAX: UnixMs = 365 * 24 * 3_600_000;

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
    /// What deleted resources leave behind because the document asked for it: final snapshots.
    #[serde(default)]
    pub kept: Vec<String>,
    /// How many resources are not as they are recorded, as an inspection found.
    #[serde(default)]
    pub drifted: usize,
    /// What the operation was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// The operation goes on with this ticket, which takes back what it has done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Ticket>,
}

impl Response {
    fn rolling_back(lease: &Lease, ticket: Ticket, failures: Vec<String>) -> Self {
        Self {
            rollback: Some(ticket),
            ..Self::without_record(lease, Ending::RollingBack, failures)
        }
    }

    /// The answer about an operation that left no record, or not yet.
    fn without_record(lease: &Lease, outcome: Ending, failures: Vec<String>) -> Self {
        Self {
            outcome,
            stack: lease.stack().stack.clone(),
            environment: lease.stack().environment.clone(),
            operation: lease.operation().to_owned(),
            outputs: BTreeMap::new(),
            failures,
            kept: Vec::new(),
            drifted: 0,
            workflow: None,
            rollback: None,
        }
    }
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
    /// A step failed, and the stack is as it was before.
    RolledBack,
    /// A step failed, and the operation goes on to take back what it has done.
    RollingBack,
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
            Outcome::RolledBack => Ending::RolledBack,
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
            close(ports, lease, &lane_errors(lanes), Some(ticket.phase)).await
        }
        Request::Event { detail } => match find(ports, detail).await? {
            None => {
                let nowhere = StackId {
                    stack: String::new(),
                    environment: String::new(),
                };
                let lease = Lease::resume(nowhere, &detail.name, FencingToken::default(), &invocation.id);
                Ok(Response::without_record(&lease, Ending::NotBegun, Vec::new()))
            }
            Some((stack, operation)) => {
                // The event knows no token; the lease tells whether the operation still holds the stack.
                let held = ports.state.lease(&stack).await?;
                let token = held
                    .filter(|held| held.operation == operation)
                    .map(|held| held.token)
                    .unwrap_or_default();
                let lease = Lease::resume(stack, operation, token, &invocation.id);
                let failure = format!("the execution {} ended as {}", detail.name, detail.status);
                close(ports, lease, &[failure], None).await
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

/// `asked` is the phase whose lanes the workflow saw settle; `None` where the execution was stopped.
async fn close(
    ports: &Ports<'_>,
    lease: Lease,
    errors: &[String],
    asked: Option<Phase>,
) -> Result<Response, TaskError> {
    let (state, stack) = (ports.state, lease.stack().clone());
    tracing::Span::current().record("stack", stack.to_string());
    let record = state.operation(&stack, lease.operation()).await?;
    if let Some(record) = record.as_ref().filter(|record| record.closed_at_ms.is_some()) {
        // Closed before, but perhaps not to the end.
        release(state, &lease).await?;
        return closed(state, record).await;
    }
    match state.renew_lease(&lease).await {
        Err(StateError::LeaseLost { .. }) => {
            let failures = vec!["another operation has taken the stack over".to_owned()];
            return Ok(Response::without_record(&lease, Ending::Superseded, failures));
        }
        renewed => renewed?,
    };
    let Some(mut record) = record else {
        // Planning had taken the lease, and came no further.
        release(state, &lease).await?;
        return Ok(Response::without_record(&lease, Ending::Aborted, errors.to_vec()));
    };
    let phase = if record.rollback.is_empty() {
        Phase::Converge
    } else {
        Phase::Rollback
    };
    if phase == Phase::Rollback && asked.is_some_and(|asked| asked != Phase::Rollback) {
        // Asked a second time: it goes back already.
        let ticket = Ticket::new(&lease, Phase::Rollback, record.rollback.clone());
        return Ok(Response::rolling_back(&lease, ticket, record.failures));
    }
    let run = Run::read(state, &lease, phase).await?;
    let mut failures = failures(&run.steps);
    failures.extend(errors.iter().cloned());
    let settled = asked.is_some() && run.steps.values().all(StepState::is_settled);
    record.kept.extend(run.kept);
    match phase {
        Phase::Rollback => (record.rollback_steps, record.rollback_calls) = (run.steps, run.calls),
        Phase::Converge | Phase::Inspect | Phase::Accept => (record.steps, record.calls) = (run.steps, run.calls),
    }
    let outcome = match (settled, failures.is_empty(), phase) {
        (false, _, _) => Outcome::Aborted,
        (true, true, Phase::Rollback) => Outcome::RolledBack,
        (true, true, Phase::Converge | Phase::Inspect | Phase::Accept) => Outcome::Succeeded,
        (true, false, Phase::Rollback) => Outcome::Failed,
        (true, false, Phase::Converge | Phase::Inspect | Phase::Accept) => {
            if record.workflow == Workflow::Provision
                && let Some(ticket) = go_back(ports, &lease, &mut record, &mut failures, &run.records).await?
            {
                return Ok(Response::rolling_back(&lease, ticket, failures));
            }
            Outcome::Failed
        }
    };
    // Of an operation that went back: first why it did.
    let failures = record.failures.iter().cloned().chain(failures).collect::<Vec<_>>();
    settle_stack(state, &lease, record.workflow, outcome, &run.records).await?;
    record.close(outcome, failures, ports.clock.now_ms());
    state.put_operation(&lease, &record).await?;
    let begun_ms_min = ports.clock.now_ms().saturating_sub(OPERATIONS_AGE_MS_MAX);
    state.prune(&lease, OPERATIONS_KEPT, begun_ms_min).await?;
    release(state, &lease).await?;
    tracing::info!(?outcome, failures = record.failures.len(), "closed");
    closed(state, &record).await
}

/// What the lanes of an operation have come to.
struct Run {
    steps: BTreeMap<ResourceKey, StepState>,
    calls: BTreeMap<ResourceKey, Vec<CallRecord>>,
    kept: Vec<String>,
    records: Records,
}

impl Run {
    async fn read(state: &State, lease: &Lease, phase: Phase) -> Result<Self, TaskError> {
        let mut run = Self {
            steps: BTreeMap::new(),
            calls: BTreeMap::new(),
            kept: Vec::new(),
            records: Records::new(),
        };
        let name = run_of(lease.operation(), phase);
        for lane in Lane::ALL {
            let lane = state.lane(lease.stack(), lane).await?;
            run.records.extend(lane.records);
            if lane.operation.as_ref() == Some(&name) {
                run.steps.extend(lane.steps);
                run.calls.extend(lane.calls);
                run.kept.extend(lane.kept.into_values().flatten());
            }
        }
        Ok(run)
    }
}

/// The answer about an operation that is closed.
async fn closed(state: &State, record: &OperationRecord) -> Result<Response, TaskError> {
    let known = state.stack(&record.stack).await?;
    let is_drift = |step: &&StepState| matches!(step, StepState::Drifted { .. });
    Ok(Response {
        outcome: record.outcome.map_or(Ending::Aborted, Ending::from),
        stack: record.stack.stack.clone(),
        environment: record.stack.environment.clone(),
        operation: record.operation.clone(),
        workflow: Some(record.workflow),
        outputs: known.map(|(known, _)| known.outputs).unwrap_or_default(),
        failures: record.failures.clone(),
        kept: record.kept.clone(),
        drifted: record.steps.values().filter(is_drift).count() + record.strays.len(),
        rollback: None,
    })
}

/// Makes and keeps the plan that takes back what a failed operation has done, if the document asks for that: to the
/// document that the stack last stood as, or to nothing. `None` when it does not ask, or there is no way back; that is then
/// one of the `failures`.
async fn go_back(
    ports: &Ports<'_>,
    lease: &Lease,
    record: &mut OperationRecord,
    failures: &mut Vec<String>,
    records: &Records,
) -> Result<Option<Ticket>, TaskError> {
    let (state, stack) = (ports.state, lease.stack());
    let known = state.stack(stack).await?.map(|(known, _)| known).unwrap_or_default();
    let begun = blueprint(state, stack, known.document.as_deref()).await?;
    if begun.is_none_or(|(document, _)| document.on_failure == OnFailure::Keep) {
        return Ok(None);
    }
    let plan = match blueprint(state, stack, known.applied.as_deref()).await? {
        None => destroy(records, Protection::SwitchedOff),
        Some((document, resolved)) => expand(&document, &resolved)
            .and_then(|graph| provision(&graph, records, Protection::SwitchedOff, ports.clock.now_ms())),
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err(problems) => {
            failures.extend(problems.iter().map(|problem| format!("it cannot go back: {problem}")));
            return Ok(None);
        }
    };
    record.rollback = keep(state, stack, &plan).await?;
    record.failures.clone_from(failures);
    state.put_operation(lease, record).await?;
    tracing::warn!(failures = failures.len(), "going back");
    Ok(Some(Ticket::new(lease, Phase::Rollback, record.rollback.clone())))
}

/// Records what the stack is now.
async fn settle_stack(
    state: &State,
    lease: &Lease,
    workflow: Workflow,
    outcome: Outcome,
    records: &Records,
) -> Result<(), TaskError> {
    let stack = lease.stack();
    let known = state.stack(stack).await?.map(|(known, _)| known).unwrap_or_default();
    let stands_as = match (workflow, outcome) {
        (Workflow::Provision, Outcome::Succeeded) => known.document,
        (Workflow::Provision, Outcome::RolledBack) => known.applied,
        (Workflow::Destroy, Outcome::Succeeded) => None,
        _ => return Ok(()),
    };
    let outputs = match blueprint(state, stack, stands_as.as_deref()).await? {
        Some((document, _)) => outputs(&document, records),
        None => BTreeMap::new(),
    };
    state
        .update_stack(lease, |known| {
            known.outputs.clone_from(&outputs);
            known.document.clone_from(&stands_as);
            known.applied.clone_from(&stands_as);
            if stands_as.is_none() {
                // What a new stack of this name resolves to is asked anew.
                known.zones.clear();
                known.versions.clear();
            }
        })
        .await?;
    Ok(())
}

async fn release(state: &State, lease: &Lease) -> Result<(), TaskError> {
    match state.release_lease(lease).await {
        // Taken over since: it is not ours to release.
        Ok(()) | Err(StateError::LeaseLost { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn failures(steps: &BTreeMap<ResourceKey, StepState>) -> Vec<String> {
    steps
        .iter()
        .filter_map(|(key, state)| match state {
            StepState::Failed { error, .. } => Some(format!("{key}: {error}")),
            StepState::Skipped { because } => Some(format!("{key}: skipped, because {because} failed")),
            StepState::Waiting
            | StepState::InProgress { .. }
            | StepState::Done { .. }
            | StepState::PendingWindow { .. }
            | StepState::Drifted { .. } => None,
        })
        .collect()
}

/// The document that a blueprint holds, with what AWS answered about it; `None` without a hash.
async fn blueprint(
    state: &State,
    stack: &StackId,
    hash: Option<&str>,
) -> Result<Option<(Document, Resolved)>, TaskError> {
    let Some(hash) = hash else {
        return Ok(None);
    };
    let Blueprint { document, resolved } = state
        .blob(stack, hash)
        .await?
        .ok_or_else(|| TaskError::Internal(format!("the document {hash} of {stack} is not kept any more")))?;
    let document = document::parse(&document).map_err(TaskError::InvalidDocument)?;
    Ok(Some((document, resolved)))
}

fn outputs(document: &Document, records: &Records) -> BTreeMap<String, String> {
    document
        .outputs
        .iter()
        .filter_map(|(name, path)| {
            let value = attribute_of(records, &output_reference(document, path))?;
            Some((name.clone(), value))
        })
        .collect()
}
