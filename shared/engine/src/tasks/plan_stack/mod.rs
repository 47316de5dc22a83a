//! The task of `plan-stack`: take the lease, and make the plan; or make a plan to look at.

mod proposal;
mod request;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::Code;
use outrigger_model::{Lane, Problem, Region, StackId};
use outrigger_plan::plan::Records;
use outrigger_plan::{Action, Plan, Protection, destroy, draft, expand, inspection, not_yet, quotas, warnings};
use serde::{Deserialize, Serialize};

pub use outrigger_plan::ControlPlane;
pub use request::Request;

use super::{Invocation, Phase, TaskError, Ticket, tell};
use crate::events::{Event, Started};
use crate::ports::catalog::{Catalog, Tagged};
use crate::ports::clock::Clock;
use crate::ports::document_source::DocumentSource;
use crate::ports::events::Events;
use crate::state::content::{Blueprint, OperationRecord, Outcome, Proposal, StackState, Workflow};
use crate::state::{Lease, State, StateError};
use request::{Goal, goal};

/// What the task works with.
pub struct Ports<'a> {
    /// The state.
    pub state: &'a State,
    /// What AWS has to offer.
    pub catalog: &'a dyn Catalog,
    /// Where documents are read from that are not in the input.
    pub documents: &'a dyn DocumentSource,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Who is told.
    pub events: &'a dyn Events,
    /// The control plane's name.
    pub control_plane: &'a str,
    /// What the functions of stacks must know of it.
    pub home: &'a ControlPlane,
}

/// What the task answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// The operation has begun.
    Begun(Ticket),
    /// A plan was made to look at.
    Proposed(Proposed),
}

/// A plan that was made to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// The content hash of the [`Proposal`]: what `provision-stack` takes as `plan`.
    pub plan: String,
    /// Whether there is nothing to do.
    pub nothing_to_do: bool,
}

/// Validates the input and makes the plan. An operation takes the lease first, and keeps the plan for its lanes.
///
/// # Guarantees
/// - May be repeated: while the operation holds the lease, it answers the plan that it has made.
/// - An operation that was aborted does not begin anew, whoever asks again.
/// - An error after the lease was taken leaves a record of the operation, and gives the lease up, unless the same
///   invocation may succeed later.
/// - A plan to look at changes nothing but that it is kept for an hour.
/// - That an operation has begun is told once; cut off between that and the record, the next call tells it again.
///
/// # Errors
/// See [`TaskError`]; `LeaseHeld` says which operation holds the stack, `PlanRefused` every reason at once.
pub async fn plan_stack(ports: &Ports<'_>, invocation: &Invocation, request: &Request) -> Result<Answer, TaskError> {
    let (goal, about) = goal(ports, request).await?;
    let stack = goal.stack();
    tracing::Span::current().record("stack", stack.to_string());
    if request.workflow == Workflow::Plan {
        return propose(ports, &stack, &goal).await.map(Answer::Proposed);
    }
    // Noted first: who closes an operation that was stopped while it took the lease finds the stack by this.
    ports.state.note(&stack, &request.operation).await?;
    let lease = ports.state.take_lease(&stack, &request.operation, &invocation.id).await;
    let lease = match lease {
        Err(error @ StateError::LeaseHeld { .. }) => {
            // It may never have a record that could be pruned, and the note with it; unless it once held the stack.
            if ports.state.operation(&stack, &request.operation).await?.is_none() {
                ports.state.forget(&request.operation).await?;
            }
            return Err(error.into());
        }
        lease => lease?,
    };
    let phase = match goal {
        Goal::Inspect { accept: false, .. } => Phase::Inspect,
        Goal::Inspect { accept: true, .. } => Phase::Accept,
        Goal::Provision { .. } | Goal::Destroy(_) => Phase::Converge,
    };
    let known = ports.state.operation(&stack, &request.operation).await?;
    if let Some(known) = known.as_ref().filter(|known| known.outcome == Some(Outcome::Aborted)) {
        // Whoever aborted it took the stack from it: it is not to begin anew, when others may rely on its end.
        ports.state.release_lease(&lease).await?;
        return Err(TaskError::Aborted {
            operation: request.operation.clone(),
            failures: known.failures.clone(),
        });
    }
    let begun = known.filter(|known| known.closed_at_ms.is_none());
    if let Some(begun) = begun.as_ref().filter(|begun| !begun.plans.is_empty()) {
        return Ok(Answer::Begun(Ticket::new(&lease, phase, begun.plans.clone())));
    }
    let mut record = match begun {
        Some(begun) => begun,
        None => {
            let now_ms = ports.clock.now_ms();
            let (operation, execution) = (&request.operation, &request.execution_arn);
            let mut record = OperationRecord::begun(operation, &stack, request.workflow, execution, now_ms);
            (record.reason, record.by) = (about.reason, about.by);
            // At once: who breaks the lease while the plan is made closes this record, and so ends the operation.
            ports.state.put_operation(&lease, &record).await?;
            record
        }
    };
    match begin(ports, &lease, &goal, &mut record).await {
        Ok(()) => {
            tracing::info!(token = lease.token().0, "planned");
            Ok(Answer::Begun(Ticket::new(&lease, phase, record.plans)))
        }
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => {
            record.close(Outcome::Failed, vec![error.to_string()], ports.clock.now_ms());
            ports.state.put_operation(&lease, &record).await?;
            ports.state.release_lease(&lease).await?;
            Err(error)
        }
    }
}

/// Begins an operation with a plan that was made elsewhere: simulations have no document for theirs.
pub(crate) async fn begin_with(
    state: &State,
    stack: &StackId,
    operation: &str,
    invocation: &Invocation,
    plan: &Plan,
) -> Result<Ticket, TaskError> {
    let lease = state.take_lease(stack, operation, &invocation.id).await?;
    state.note(stack, operation).await?;
    let mut record = OperationRecord::begun(operation, stack, Workflow::Provision, "", state.now_ms());
    record.plans = keep(state, stack, plan).await?;
    state
        .update_stack(&lease, |stack| stack.operation = Some(operation.to_owned()))
        .await?;
    state.put_operation(&lease, &record).await?;
    Ok(Ticket::new(&lease, Phase::Converge, record.plans))
}

/// A plan, and what it was made of.
struct Planned {
    plan: Plan,
    records: Records,
    known: StackState,
    /// Of a document: what its graph is made of.
    blueprint: Option<Blueprint>,
    strays: Vec<Tagged>,
}

/// Makes a plan to look at.
async fn propose(ports: &Ports<'_>, stack: &StackId, goal: &Goal) -> Result<Proposed, TaskError> {
    let planned = plan(ports, stack, goal).await?;
    let blueprint = match &planned.blueprint {
        Some(blueprint) => ports.state.put_blob(stack, blueprint).await?,
        None => String::new(),
    };
    let proposal = Proposal {
        stack: stack.clone(),
        blueprint,
        plans: keep(ports.state, stack, &planned.plan).await?,
        base: proposal::base(&planned.records),
    };
    Ok(Proposed {
        stack: stack.stack.clone(),
        environment: stack.environment.clone(),
        plan: ports.state.put_blob(stack, &proposal).await?,
        nothing_to_do: planned.plan.is_nothing_to_do(),
    })
}

/// Makes the plan of an operation, and keeps everything that it needs from now on.
async fn begin(ports: &Ports<'_>, lease: &Lease, goal: &Goal, record: &mut OperationRecord) -> Result<(), TaskError> {
    let (state, stack) = (ports.state, lease.stack());
    let mut planned = plan(ports, stack, goal).await?;
    let plans = keep(state, stack, &planned.plan).await?;
    if let Some(blueprint) = &planned.blueprint {
        let hash = state.put_blob(stack, blueprint).await?;
        if let Goal::Provision { plan: Some(id), .. } = goal {
            proposal::check(ports, id, &hash, &plans, stack, &planned.records).await?;
        }
        planned.known.document = Some(hash);
    }
    record.plans = plans;
    record.strays = planned.strays;
    let known = &planned.known;
    state
        .update_stack(lease, |stack| {
            stack.zones.clone_from(&known.zones);
            stack.versions.clone_from(&known.versions);
            stack.document.clone_from(&known.document);
            stack.operation = Some(lease.operation().to_owned());
        })
        .await?;
    // Before the record: cut off in between, it is told once more rather than never.
    let started = Started::new(ports.control_plane, record, &planned.plan);
    tell(ports.events, Event::Started(Box::new(started))).await;
    // Last: a record with plans says that planning is complete.
    state.put_operation(lease, record).await?;
    Ok(())
}

/// Keeps the plan of each lane that has steps: the others have nothing to do, and the workflow leaves them out. The first
/// lane's is kept in any case: a record with plans says that planning is complete.
pub(super) async fn keep(state: &State, stack: &StackId, plan: &Plan) -> Result<BTreeMap<Lane, String>, TaskError> {
    let mut plans = BTreeMap::new();
    for lane in Lane::ALL {
        let plan = plan.lane(lane);
        if lane == Lane::Network || !plan.steps.is_empty() {
            plans.insert(lane, state.put_blob(stack, &plan).await?);
        }
    }
    Ok(plans)
}

async fn plan(ports: &Ports<'_>, stack: &StackId, goal: &Goal) -> Result<Planned, TaskError> {
    let state = ports.state;
    let records = state.records(stack).await?;
    let known = state.stack(stack).await?.map(|(known, _)| known).unwrap_or_default();
    let mut planned = Planned {
        plan: Plan::default(),
        records,
        known,
        blueprint: None,
        strays: Vec::new(),
    };
    match goal {
        Goal::Provision { document, value, .. } => {
            // Everything that is wrong is told at once.
            let (resolved, mut problems) =
                resolve::resolve(ports, document, &planned.records, &mut planned.known).await?;
            match expand(document, &resolved) {
                Err(found) if problems.is_empty() => problems = found,
                // What is missing was told above, in better words.
                Err(_) => {}
                Ok(graph) => {
                    graph.order().map_err(TaskError::Internal)?;
                    let now_ms = ports.clock.now_ms();
                    let (plan, found) = draft(&graph, &planned.records, Protection::Heeded, now_ms);
                    planned.plan = plan;
                    planned.plan.not_yet = not_yet(document);
                    planned.plan.warnings = warnings(document, ports.home);
                    problems.extend(found);
                }
            }
            problems.extend(limits(ports, &planned.plan).await?);
            problems.extend(full_buckets(ports, &planned.plan, &planned.records).await?);
            if !problems.is_empty() {
                return Err(TaskError::PlanRefused(problems));
            }
            planned.blueprint = Some(Blueprint {
                document: value.clone(),
                resolved,
            });
        }
        Goal::Destroy(_) => {
            // Everything that is in the way is told at once.
            let (plan, mut problems) = match destroy(&planned.records, Protection::Heeded) {
                Ok(plan) => (plan, Vec::new()),
                Err(problems) => (
                    destroy(&planned.records, Protection::SwitchedOff).unwrap_or_default(),
                    problems,
                ),
            };
            problems.extend(full_buckets(ports, &plan, &planned.records).await?);
            if !problems.is_empty() {
                return Err(TaskError::Protected(problems));
            }
            planned.plan = plan;
        }
        Goal::Inspect { .. } => {
            planned.plan = inspection(&planned.records);
            planned.strays = strays(ports, stack, &planned.records).await?;
        }
    }
    Ok(planned)
}

/// What stands in the way of a plan: the account's quotas, and the size of what is recorded.
async fn limits(ports: &Ports<'_>, plan: &Plan) -> Result<Vec<Problem>, TaskError> {
    let mut problems = Vec::new();
    let growing = |step: &&outrigger_plan::Step| !matches!(step.action, Action::NoOp | Action::Delete { .. });
    let mut needs: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    // What lives in no region has no quota of one.
    let regional = |step: &&outrigger_plan::Step| !step.resource.key.region.is_global();
    for step in plan.steps.values().filter(growing).filter(regional) {
        let kinds = needs.entry(step.resource.key.region.clone()).or_default();
        kinds.insert(step.resource.key.kind);
    }
    // Those of what is in no region are not asked for: AWS tells when there is too much.
    needs.remove(Region::global());
    for (region, kinds) in needs {
        let quotas = ports.catalog.quotas(&region, &kinds).await?;
        problems.extend(quotas::problems(plan, &region, &quotas));
    }
    for lane in Lane::ALL {
        problems.extend(crate::state::too_large(lane, &plan.lane(lane)));
    }
    Ok(problems)
}

/// The buckets that are to be deleted, that something is in, and that their document does not allow to be emptied.
async fn full_buckets(ports: &Ports<'_>, plan: &Plan, records: &Records) -> Result<Vec<Problem>, TaskError> {
    let mut problems = Vec::new();
    for key in plan.empty_at_most() {
        let Some(bucket) = records.get(key).and_then(|record| record.id.as_deref()) else {
            continue;
        };
        if ports.catalog.holds_objects(&key.region, bucket).await? {
            let message = format!(
                "the bucket {bucket} is not empty; empty it, old versions and delete markers too, or set `force_empty: true` \
                 in the document, run `outrigger up` with it, then try again"
            );
            problems.push(Problem::at(Code::Protected, key.current().to_string(), message));
        }
    }
    Ok(problems)
}

/// The regions in which AWS tells the tags of what is in a region, or in none: Route 53 and dashboards are told in us-east-1,
/// accelerators in us-west-2.
fn told_in(region: &Region) -> Vec<Region> {
    match region.is_global() {
        true => ["us-east-1", "us-west-2"].map(Region::new).into(),
        false => vec![region.clone()],
    }
}

/// What carries the stack's tags, and nothing is recorded of.
async fn strays(ports: &Ports<'_>, stack: &StackId, records: &Records) -> Result<Vec<Tagged>, TaskError> {
    let regions: BTreeSet<Region> = records.keys().flat_map(|key| told_in(&key.region)).collect();
    let recorded: BTreeSet<_> = records
        .iter()
        .filter_map(|(key, record)| Some((key.kind, record.id.as_deref()?)))
        .collect();
    let mut strays = Vec::new();
    for region in regions {
        let tagged = ports.catalog.tagged(&region, stack).await?;
        strays.extend(
            tagged
                .into_iter()
                .filter(|object| !recorded.contains(&(object.kind, object.id.as_str()))),
        );
    }
    Ok(strays)
}
