//! From Lambda's events to the engine's tasks, with the adapters of the ports.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use outrigger_aws::{Aws, Traced, chain};
use outrigger_engine::executor::Providers;
use outrigger_engine::ports::catalog::Catalog;
use outrigger_engine::ports::clock::{Clock, SystemClock};
use outrigger_engine::ports::database::Database;
use outrigger_engine::ports::document_source::DocumentSource;
use outrigger_engine::ports::events::Events;
use outrigger_engine::ports::provider::Provider;
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_engine::ports::store::StateStore;
use outrigger_engine::state::State;
use outrigger_engine::tasks::close_operation::Response;
use outrigger_engine::tasks::stale_leases::{StaleLeases, stale_leases};
use outrigger_engine::tasks::turns::{stacks_of, turns};
use outrigger_engine::tasks::{Invocation, TaskError, close_operation, converge_lane, database_agent, plan_stack};
use outrigger_model::{Regions, StackId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Instrument, field};

use crate::{logs, metrics};

/// Makes the state store's adapter: from the configuration, and the state table's name.
pub type MakeStore = fn(&Aws, String) -> Arc<dyn StateStore>;

/// Time kept back at the end of an invocation, to record what was learnt.
const RESERVE_MS: u64 = 2_000;

/// Runs the function of a lane, with the providers of the lane's kinds.
///
/// # Errors
/// When the environment lacks something, or Lambda's runtime API ends.
pub async fn run_lane(store: MakeStore, providers: fn(&Aws) -> Providers) -> Result<(), lambda_runtime::Error> {
    let (aws, state) = start(store)?;
    let control_plane = control_plane()?;
    let providers = Providers::new([Arc::new(Traced::new(providers(&aws))) as Arc<dyn Provider>]);
    serve(async |invocation: Invocation, request: converge_lane::Request| {
        let ports = converge_lane::Ports {
            state: &state,
            providers: &providers,
            clock: &SystemClock,
        };
        let ticket = &request.ticket;
        let stack = ticket.id().to_string();
        let span = tracing::info_span!("lane", lane = %request.lane, operation = %ticket.operation, %stack);
        let started_ms = SystemClock.now_ms();
        let report = told(converge_lane::converge_lane(&ports, &invocation, &request))
            .instrument(span)
            .await?;
        let now_ms = SystemClock.now_ms();
        let took_ms = now_ms.saturating_sub(started_ms);
        let line = metrics::of_lane(&control_plane, ticket, request.lane, &report, took_ms, now_ms);
        println!("{line}");
        Ok(report)
    })
    .await
}

/// Runs `plan-stack`.
///
/// # Errors
/// As [`run_lane`].
pub async fn run_plan_stack<C, D, E>(
    store: MakeStore,
    ports: fn(&Aws) -> (C, D, E),
) -> Result<(), lambda_runtime::Error>
where
    C: Catalog,
    D: DocumentSource,
    E: Events,
{
    let (aws, state) = start(store)?;
    let control_plane = control_plane()?;
    let home = plan_stack::ControlPlane {
        account: account()?,
        table: table()?,
        regions: regions()?.all().cloned().collect(),
    };
    let (catalog, documents, events) = ports(&aws);
    serve(async |invocation: Invocation, request: plan_stack::Request| {
        let ports = plan_stack::Ports {
            state: &state,
            catalog: &catalog,
            documents: &documents,
            clock: &SystemClock,
            events: &events,
            control_plane: &control_plane,
            home: &home,
        };
        let span = tracing::info_span!("plan", operation = %request.operation, stack = field::Empty);
        told(plan_stack::plan_stack(&ports, &invocation, &request))
            .instrument(span)
            .await
    })
    .await
}

/// What `close-operation` is asked.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    /// By a schedule: to look at something.
    Check(Check),
    /// To close an operation.
    Close(close_operation::Request),
}

/// What is looked at.
#[derive(Deserialize)]
#[serde(tag = "check", rename_all = "snake_case")]
enum Check {
    /// Leases that ran out while their operation was open.
    StaleLeases,
    /// Which of these stacks this region looks after.
    Turns { stacks: Vec<String> },
}

/// What `close-operation` answers.
#[derive(Serialize)]
#[serde(untagged)]
enum Answered {
    Closed(Box<Response>),
    StaleLeases(StaleLeases),
    Turns { mine: Vec<String>, not_mine: Vec<String> },
}

/// Runs `close-operation`.
///
/// # Errors
/// As [`run_lane`].
pub async fn run_close_operation<E: Events>(
    store: MakeStore,
    events: fn(&Aws) -> E,
) -> Result<(), lambda_runtime::Error> {
    let (aws, state) = start(store)?;
    let control_plane = control_plane()?;
    let regions = regions()?;
    let events = events(&aws);
    serve(async |invocation: Invocation, request: Asked| {
        let request = match request {
            Asked::Check(Check::StaleLeases) => {
                let found = told(stale_leases(&state, &regions)).await?;
                let line = metrics::of_stale_leases(&control_plane, found.stale_leases.len(), SystemClock.now_ms());
                println!("{line}");
                return Ok(Answered::StaleLeases(found));
            }
            Asked::Check(Check::Turns { stacks }) => {
                let turns = told(async { turns(&state, &regions, &stacks_of(&stacks)?).await }).await?;
                let names = |stacks: &[StackId]| stacks.iter().map(StackId::to_string).collect();
                return Ok(Answered::Turns {
                    mine: names(&turns.mine),
                    not_mine: names(&turns.not_mine),
                });
            }
            Asked::Close(request) => request,
        };
        let ports = close_operation::Ports {
            state: &state,
            clock: &SystemClock,
            events: &events,
            control_plane: &control_plane,
        };
        let operation = match &request {
            close_operation::Request::Workflow { ticket, .. } => &ticket.operation,
            close_operation::Request::Event { detail } => &detail.name,
        };
        let span = tracing::info_span!("close", %operation, stack = field::Empty);
        let done = told(close_operation::close_operation(&ports, &invocation, &request))
            .instrument(span)
            .await?;
        if let Some(closed) = &done.told {
            println!("{}", metrics::of_operation(closed, SystemClock.now_ms()));
        }
        Ok(Answered::Closed(Box::new(done.response)))
    })
    .await
}

/// Makes the ports of `database-agent`: what reads secrets, and databases that trust the given certificates, in PEM.
pub type MakeDatabasePorts<S, D> = fn(&Aws, &[u8]) -> Result<(S, D), lambda_runtime::Error>;

/// Runs `database-agent`. It has no state table: it is a function of a stack, not of the control plane.
///
/// # Errors
/// As [`run_lane`]; and when the certificates to trust are not where `OUTRIGGER_CERTIFICATES` says.
pub async fn run_database_agent<S: SecretReader, D: Database>(
    ports: MakeDatabasePorts<S, D>,
) -> Result<(), lambda_runtime::Error> {
    logs::start();
    let path = std::env::var("OUTRIGGER_CERTIFICATES")
        .context("read OUTRIGGER_CERTIFICATES, the file with the certificates to trust, which the stack sets")?;
    // The package's folder: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>.
    let package = std::env::var("LAMBDA_TASK_ROOT").unwrap_or_default();
    let file = Path::new(&package).join(path);
    let certificates =
        std::fs::read(&file).with_context(|| format!("read the certificates to trust, {}", file.display()))?;
    let (secrets, database) = ports(&Aws::new(), &certificates)?;
    serve(async |_: Invocation, request: database_agent::Request| {
        let host = &request.endpoint.host;
        let span = tracing::info_span!("database", %host);
        told(database_agent::database_agent(&secrets, &database, &request))
            .instrument(span)
            .await
    })
    .await
}

/// The control plane's name.
fn control_plane() -> anyhow::Result<String> {
    std::env::var("OUTRIGGER_NAME")
        .context("read OUTRIGGER_NAME, the control plane's name, which the control plane's template sets")
}

/// The name of the state table.
fn table() -> anyhow::Result<String> {
    std::env::var("OUTRIGGER_TABLE")
        .context("read OUTRIGGER_TABLE, the name of the state table, which the control plane's template sets")
}

/// The account that the control plane is installed in.
fn account() -> anyhow::Result<String> {
    std::env::var("OUTRIGGER_ACCOUNT")
        .context("read OUTRIGGER_ACCOUNT, the control plane's account, which the control plane's template sets")
}

/// The regions that the control plane is installed in.
fn regions() -> anyhow::Result<Regions> {
    let list = std::env::var("OUTRIGGER_REGIONS")
        .context("read OUTRIGGER_REGIONS, the control plane's regions, which the control plane's template sets")?;
    let here = std::env::var("AWS_REGION").context("read AWS_REGION, the function's region, which Lambda sets")?;
    Regions::read(&list, &here).map_err(|error| anyhow::anyhow!("read OUTRIGGER_REGIONS: {error}"))
}

fn start(store: MakeStore) -> anyhow::Result<(Aws, State)> {
    logs::start();
    let aws = Aws::new();
    let state = State::new(store(&aws, table()?), Arc::new(SystemClock));
    Ok((aws, state))
}

/// Answers Lambda's invocations one after the other.
async fn serve<Request, Response, Task, Answer>(task: Task) -> Result<(), lambda_runtime::Error>
where
    Request: DeserializeOwned,
    Response: Serialize,
    Task: Fn(Invocation, Request) -> Answer,
    Answer: Future<Output = Result<Response, TaskError>>,
{
    let task = &task;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let invocation = Invocation {
            id: event.context.request_id,
            deadline_ms: event.context.deadline.saturating_sub(RESERVE_MS),
        };
        let request = serde_json::from_value(event.payload)
            .map_err(|error| TaskError::InvalidInput(format!("the function's request: {error}")))
            .map_err(diagnostic)?;
        let answer = task(invocation, request).await;
        answer.map_err(diagnostic)
    }))
    .await
}

/// Runs a task, and logs its error where the task's span is still known.
pub(crate) async fn told<T>(task: impl Future<Output = Result<T, TaskError>>) -> Result<T, TaskError> {
    let answer = task.await;
    if let Err(error) = &answer {
        tracing::error!(error_type = error.error_type(), error = %chain(error), "the task failed");
    }
    answer
}

/// What a state machine's `Retry` and `Catch` see of an error.
pub(crate) fn diagnostic(error: TaskError) -> Diagnostic {
    Diagnostic {
        error_type: error.error_type().to_owned(),
        error_message: chain(&error),
    }
}
