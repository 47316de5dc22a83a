//! The task of `close-operation`: outcome, outputs, record, release of the lease.

use std::collections::BTreeMap;

use outrigger_model::document::{self, Document, OnFailure};
use outrigger_model::{CallRecord, FencingToken, Lane, ResourceKey, StackId, StepState, Topology, UnixMs};
use outrigger_plan::plan::{Records, attribute_of};
use outrigger_plan::{Protection, Resolved, destroy, expand, output_reference, provision};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan_stack::keep;
use super::{Invocation, Phase, TaskError, Ticket, run_of, tell};
use crate::events::{Closed, Event};
use crate::ports::clock::Clock;
use crate::ports::events::Events;
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
    /// The state machine's ARN.
    #[serde(default, rename = "stateMachineArn")]
    pub state_machine_arn: String,
    /// `ABORTED`, `TIMED_OUT` or `FAILED`.
    pub status: String,
    /// The execution's input, as a text; absent when it is large.
    #[serde(default)]
    pub input: Option<String>,
    /// The error that it failed with.
    #[serde(default)]
    pub error: Option<String>,
    /// The error in words.
    #[serde(default)]
    pub cause: Option<String>,
}

/// The status of an execution that has failed by itself.
const FAILED: &str = "FAILED";

impl StatusChange {
    /// The workflow, by the name of its state machine.
    fn workflow(&self) -> Option<Workflow> {
        [Workflow::Provision, Workflow::Destroy, Workflow::Drift]
            .into_iter()
            .find(|workflow| {
                self.state_machine_arn
                    .ends_with(&format!("{}-stack", workflow.as_str()))
            })
    }

    /// The stack that the input names, as far as it can be read; empty names where it cannot.
    fn stack(&self) -> StackId {
        let input: Value = self
            .input
            .as_deref()
            .and_then(|input| serde_json::from_str(input).ok())
            .unwrap_or_default();
        let named = input.get("document").unwrap_or(&input);
        let text = |key: &str| named.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match (text("stack"), text("environment")) {
            (stack, environment) if stack.is_empty() || environment.is_empty() => StackId {
                stack: String::new(),
                environment: String::new(),
            },
            (stack, environment) => StackId { stack, environment },
        }
    }

    /// Why an operation never began.
    fn refusal(&self) -> String {
        /// What Lambda makes of a function's error.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Error {
            error_message: String,
        }
        let cause = self
            .cause
            .as_deref()
            .map(|cause| match serde_json::from_str::<Error>(cause) {
                Ok(Error { error_message }) => error_message,
                Err(_) => cause.to_owned(),
            });
        match (&self.error, cause) {
            (_, Some(cause)) => cause,
            (Some(error), None) => error.clone(),
            (None, None) => format!("the execution {} ended as {}", self.name, self.status),
        }
    }
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
    /// Who is told.
    pub events: &'a dyn Events,
    /// The control plane's name.
    pub control_plane: &'a str,
}

/// What the task has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What the workflow is answered.
    pub response: Response,
    /// The event that this invocation told, the operation's only one; none where it goes on, or was told before.
    pub told: Option<Closed>,
}

impl Done {
    fn untold(response: Response) -> Self {
        Self { response, told: None }
    }
}

/// Closes an operation, and tells of it.
///
/// # Guarantees
/// - May be repeated: an operation that is closed stays as it is, and the answer is the same.
/// - An operation that no longer holds the lease changes nothing.
/// - The event of its end is told once, whoever closes it, and whether it failed, was stopped or never began.
///
/// # Caveats
/// - Cut off between the event and the record, the next call tells it again: who listens knows it by its operation. An
///   operation that left no record (it never began, or was overtaken) is told of whenever this is asked.
/// - That nobody could be told is logged, and fails nothing.
pub async fn close_operation(ports: &Ports<'_>, invocation: &Invocation, request: &Request) -> Result<Done, TaskError> {
    match request {
        Request::Workflow { ticket, lanes } => {
            let lease = ticket.lease(invocation);
            close(ports, lease, &lane_errors(lanes), Some(ticket.phase), true).await
        }
        Request::Event { detail } => match find(ports, detail).await? {
            None => {
                let lease = Lease::resume(detail.stack(), &detail.name, FencingToken::default(), &invocation.id);
                let mut response = Response::without_record(&lease, Ending::NotBegun, vec![detail.refusal()]);
                response.workflow = detail.workflow();
                Ok(told_without_record(ports, response).await)
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
                // An execution that found itself overtaken has told so before it failed.
                let tell_if_overtaken = detail.status != FAILED;
                close(ports, lease, &[failure], None, tell_if_overtaken).await
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

/// Tells of an operation that is not on record.
async fn told_without_record(ports: &Ports<'_>, response: Response) -> Done {
    let closed = Closed::new(ports.control_plane, &response, None);
    tell(ports.events, Event::Closed(Box::new(closed.clone()))).await;
    Done {
        response,
        told: Some(closed),
    }
}

/// `asked` is the phase whose lanes the workflow saw settle; `None` where the execution was stopped.
async fn close(
    ports: &Ports<'_>,
    lease: Lease,
    errors: &[String],
    asked: Option<Phase>,
    tell_if_overtaken: bool,
) -> Result<Done, TaskError> {
    let (state, stack) = (ports.state, lease.stack().clone());
    tracing::Span::current().record("stack", stack.to_string());
    let record = state.operation(&stack, lease.operation()).await?;
    if let Some(record) = record.as_ref().filter(|record| record.closed_at_ms.is_some()) {
        // Closed before, but perhaps not to the end, or by somebody who tells nobody: planning, or who broke the lease.
        release(state, &lease).await?;
        let response = closed(state, record).await?;
        if record.told {
            return Ok(Done::untold(response));
        }
        let event = Closed::new(ports.control_plane, &response, Some(record));
        if tell(ports.events, Event::Closed(Box::new(event.clone()))).await {
            state.mark_told(record).await?;
        }
        return Ok(Done {
            response,
            told: Some(event),
        });
    }
    match state.renew_lease(&lease).await {
        Err(StateError::LeaseLost { .. }) => {
            let failures = vec!["another operation has taken the stack over".to_owned()];
            let mut response = Response::without_record(&lease, Ending::Superseded, failures);
            response.workflow = record.map(|record| record.workflow);
            return Ok(match tell_if_overtaken {
                true => told_without_record(ports, response).await,
                false => Done::untold(response),
            });
        }
        renewed => renewed?,
    };
    let Some(mut record) = record else {
        // Planning had taken the lease, and came no further.
        release(state, &lease).await?;
        let response = Response::without_record(&lease, Ending::Aborted, errors.to_vec());
        return Ok(told_without_record(ports, response).await);
    };
    let phase = if record.rollback.is_empty() {
        Phase::Converge
    } else {
        Phase::Rollback
    };
    if phase == Phase::Rollback && asked.is_some_and(|asked| asked != Phase::Rollback) {
        // Asked a second time: it goes back already.
        let ticket = Ticket::new(&lease, Phase::Rollback, record.rollback.clone());
        return Ok(Done::untold(Response::rolling_back(&lease, ticket, record.failures)));
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
                return Ok(Done::untold(Response::rolling_back(&lease, ticket, failures)));
            }
            Outcome::Failed
        }
    };
    // Of an operation that went back: first why it did.
    let failures = record.failures.iter().cloned().chain(failures).collect::<Vec<_>>();
    settle_stack(state, &lease, record.workflow, outcome, &run.records).await?;
    record.close(outcome, failures, ports.clock.now_ms());
    let response = closed(state, &record).await?;
    let event = Closed::new(ports.control_plane, &response, Some(&record));
    // Before the record says so: cut off in between, it is told once more rather than never.
    record.told = tell(ports.events, Event::Closed(Box::new(event.clone()))).await;
    state.put_operation(&lease, &record).await?;
    let begun_ms_min = ports.clock.now_ms().saturating_sub(OPERATIONS_AGE_MS_MAX);
    state.prune(&lease, OPERATIONS_KEPT, begun_ms_min).await?;
    release(state, &lease).await?;
    tracing::info!(?outcome, failures = record.failures.len(), "closed");
    Ok(Done {
        response,
        told: Some(event),
    })
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
        Some((document, _)) => {
            // Only what stands has a primary: until then its gates are closed.
            if let Some(topology) = Topology::first(&document.regions) {
                state.begin_topology(lease, &topology).await?;
            }
            outputs(&document, records)
        }
        None => {
            state.remove_topology(lease).await?;
            BTreeMap::new()
        }
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

/// What failed, and after it what was skipped because of that.
fn failures(steps: &BTreeMap<ResourceKey, StepState>) -> Vec<String> {
    let (mut failed, mut skipped) = (Vec::new(), Vec::new());
    for (key, state) in steps {
        match state {
            StepState::Failed { error, .. } => failed.push(format!("{key}: {error}")),
            StepState::Skipped { because } => skipped.push(format!("{key}: skipped, because {because} failed")),
            StepState::Waiting
            | StepState::InProgress { .. }
            | StepState::Done { .. }
            | StepState::PendingWindow { .. }
            | StepState::Drifted { .. } => {}
        }
    }
    failed.append(&mut skipped);
    failed
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
            Some((name.clone(), format!("{value}{}", path.path())))
        })
        .collect()
}
