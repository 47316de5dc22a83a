//! The task of `plan-stack`: take the lease, and make the plan.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use outrigger_model::document::{self, Document, Problem};
use outrigger_model::{Lane, StackId};
use outrigger_plan::plan::Records;
use outrigger_plan::version;
use outrigger_plan::{Plan, Resolved, destroy, expand, provision};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Invocation, TaskError, Ticket};
use crate::ports::catalog::Catalog;
use crate::ports::clock::Clock;
use crate::ports::document_source::DocumentSource;
use crate::state::content::{OperationRecord, Outcome, StackState, Workflow};
use crate::state::{Lease, State};

/// What the workflow asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Which workflow this is the first task of.
    pub workflow: Workflow,
    /// The operation's id: the execution's name.
    pub operation: String,
    /// The Step Functions execution.
    pub execution_arn: String,
    /// The execution's input.
    pub input: Value,
}

/// What `provision-stack` takes as its input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvisionInput {
    document: Option<Value>,
    document_s3: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// What `destroy-stack` takes as its input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DestroyInput {
    stack: String,
    environment: String,
    #[serde(default)]
    reason: Option<String>,
}

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
}

/// What is to be planned.
enum Goal {
    Provision(Box<Document>),
    Destroy(StackId),
}

/// Validates the input, takes the lease, makes the plan and keeps it.
///
/// # Guarantees
/// - May be repeated: while the operation holds the lease, it answers the plan that it has made.
/// - An error after the lease was taken leaves a record of the operation, and gives the lease up, unless the same
///   invocation may succeed later.
///
/// # Errors
/// See [`TaskError`]; `LeaseHeld` says which operation holds the stack.
pub async fn plan_stack(ports: &Ports<'_>, invocation: &Invocation, request: &Request) -> Result<Ticket, TaskError> {
    let (goal, reason) = goal(ports, request).await?;
    let stack = match &goal {
        Goal::Provision(document) => document.id(),
        Goal::Destroy(stack) => stack.clone(),
    };
    tracing::Span::current().record("stack", stack.to_string());
    let lease = ports
        .state
        .take_lease(&stack, &request.operation, &invocation.id)
        .await?;
    if let Some(known) = ports.state.operation(&stack, &request.operation).await?
        && known.closed_at_ms.is_none()
        && !known.plans.is_empty()
    {
        return Ok(ticket(&lease, known.plans));
    }
    let mut record = OperationRecord {
        operation: request.operation.clone(),
        stack: stack.clone(),
        workflow: request.workflow,
        reason,
        execution_arn: request.execution_arn.clone(),
        started_at_ms: ports.clock.now_ms(),
        plans: BTreeMap::new(),
        closed_at_ms: None,
        outcome: None,
        failures: Vec::new(),
        steps: BTreeMap::new(),
    };
    match make_plan(ports, &lease, &goal, &mut record).await {
        Ok(()) => {
            tracing::info!(token = lease.token().0, "planned");
            Ok(ticket(&lease, record.plans))
        }
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => {
            record.closed_at_ms = Some(ports.clock.now_ms());
            record.outcome = Some(Outcome::Failed);
            record.failures = vec![error.to_string()];
            ports.state.put_operation(&lease, &record).await?;
            ports.state.release_lease(&lease).await?;
            Err(error)
        }
    }
}

fn ticket(lease: &Lease, plans: BTreeMap<Lane, String>) -> Ticket {
    Ticket {
        stack: lease.stack().stack.clone(),
        environment: lease.stack().environment.clone(),
        operation: lease.operation().to_owned(),
        token: lease.token(),
        plans,
    }
}

async fn goal(ports: &Ports<'_>, request: &Request) -> Result<(Goal, Option<String>), TaskError> {
    let invalid = |error: serde_json::Error| TaskError::InvalidInput(error.to_string());
    match request.workflow {
        Workflow::Provision => {
            let input: ProvisionInput = serde_json::from_value(request.input.clone()).map_err(invalid)?;
            let value = match (input.document, input.document_s3) {
                (Some(document), None) => document,
                (None, Some(address)) => read(ports, &address).await?,
                (Some(_), Some(_)) | (None, None) => {
                    return Err(TaskError::InvalidInput(
                        "expected either `document`, the stack document itself, or `document_s3`, its s3://bucket/key"
                            .to_owned(),
                    ));
                }
            };
            let document = document::parse(&value).map_err(TaskError::InvalidDocument)?;
            Ok((Goal::Provision(Box::new(document)), input.reason))
        }
        Workflow::Destroy => {
            let input: DestroyInput = serde_json::from_value(request.input.clone()).map_err(invalid)?;
            let stack = StackId {
                stack: input.stack,
                environment: input.environment,
            };
            // A lease would make an item for a stack that never was.
            if ports.state.stack(&stack).await?.is_none() {
                return Err(TaskError::UnknownStack(stack.to_string()));
            }
            Ok((Goal::Destroy(stack), input.reason))
        }
    }
}

async fn read(ports: &Ports<'_>, address: &str) -> Result<Value, TaskError> {
    let (bucket, key) = address
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        .ok_or_else(|| {
            TaskError::InvalidInput(format!(
                "`{address}` is no address of a document; expected s3://bucket/key"
            ))
        })?;
    let text = ports.documents.read(bucket, key, document::BYTES_MAX).await?;
    document::from_text(&text).map_err(|problem| TaskError::InvalidDocument(vec![problem]))
}

/// Makes the plan, and keeps everything that the operation needs from now on.
async fn make_plan(
    ports: &Ports<'_>,
    lease: &Lease,
    goal: &Goal,
    record: &mut OperationRecord,
) -> Result<(), TaskError> {
    let (state, stack) = (ports.state, lease.stack());
    state.note(stack, lease.operation()).await?;
    let mut records = Records::new();
    for lane in Lane::ALL {
        records.extend(state.lane(stack, lane).await?.records);
    }
    let mut known = state.stack(stack).await?.map(|(known, _)| known).unwrap_or_default();
    let plan = match goal {
        Goal::Provision(document) => {
            let resolved = resolve(ports, document, &mut known).await?;
            let graph = expand(document, &resolved).map_err(TaskError::InvalidDocument)?;
            graph.order().map_err(TaskError::Internal)?;
            known.document = Some(state.put_blob(stack, document.as_ref()).await?);
            provision(&graph, &records).map_err(TaskError::ChangeUnsupported)?
        }
        Goal::Destroy(_) => destroy(&records).map_err(TaskError::Protected)?,
    };
    keep(state, lease, &plan, known, record).await
}

async fn keep(
    state: &State,
    lease: &Lease,
    plan: &Plan,
    known: StackState,
    record: &mut OperationRecord,
) -> Result<(), TaskError> {
    for lane in Lane::ALL {
        let hash = state.put_blob(lease.stack(), &plan.lane(lane)).await?;
        record.plans.insert(lane, hash);
    }
    state
        .update_stack(lease, |stack| {
            stack.zones.clone_from(&known.zones);
            stack.versions.clone_from(&known.versions);
            stack.document.clone_from(&known.document);
            stack.operation = Some(lease.operation().to_owned());
        })
        .await?;
    // Last: a record with plans says that planning is complete.
    state.put_operation(lease, record).await?;
    Ok(())
}

/// Whose versions AWS is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Engine {
    Postgres,
    Redis,
}

/// What AWS must answer, asked once: what is recorded is not asked again.
async fn resolve(ports: &Ports<'_>, document: &Document, known: &mut StackState) -> Result<Resolved, TaskError> {
    let region = &document.region;
    let wanted = document.network.zones;
    let zones = known.zones.entry(region.to_string()).or_default();
    if zones.len() < wanted {
        // Those that are in use stay the first.
        for zone in ports.catalog.zones(region).await? {
            if zones.len() < wanted && !zones.contains(&zone) {
                zones.push(zone);
            }
        }
    }
    let mut resolved = Resolved {
        zones: zones.iter().take(wanted).cloned().collect(),
        versions: BTreeMap::new(),
    };
    let databases = document.databases.iter().map(|(name, database)| {
        let component = format!("databases.{name}");
        (component, &database.version, database.version_policy, Engine::Postgres)
    });
    let caches = document.caches.iter().map(|(name, cache)| {
        let component = format!("caches.{name}");
        (component, &cache.version, cache.version_policy, Engine::Redis)
    });
    let mut problems: Vec<Problem> = Vec::new();
    let mut offered: BTreeMap<Engine, Vec<String>> = BTreeMap::new();
    for (component, asked, policy, engine) in databases.chain(caches) {
        let known_as = format!("{component} {asked}");
        if !known.versions.contains_key(&known_as) {
            if let Entry::Vacant(unasked) = offered.entry(engine) {
                unasked.insert(match engine {
                    Engine::Postgres => ports.catalog.postgres_versions(region).await?,
                    Engine::Redis => ports.catalog.redis_versions(region).await?,
                });
            }
            let offered = offered.get(&engine).map(Vec::as_slice).unwrap_or_default();
            match version::resolve(asked, policy, offered) {
                Ok(version) => drop(known.versions.insert(known_as.clone(), version)),
                Err(message) => problems.push(Problem::at(format!("{component}.version"), message)),
            }
        }
        if let Some(version) = known.versions.get(&known_as) {
            resolved.versions.insert(component, version.clone());
        }
    }
    if problems.is_empty() {
        Ok(resolved)
    } else {
        Err(TaskError::InvalidDocument(problems))
    }
}
