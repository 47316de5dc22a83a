//! A whole Outrigger in memory: the tasks, called as the state machines call them, on a virtual clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use outrigger_model::{Lane, UnixMs};
use serde_json::{Value, json};

use super::catalog::{MemoryCatalog, MemoryDocuments};
use super::clock::VirtualClock;
use super::cloud::{Habits, MemoryCloud};
use super::store::{Faults, Faulty, MemoryStore};
use crate::executor::Providers;
use crate::ports::clock::Clock;
use crate::state::State;
use crate::state::content::Workflow;
use crate::tasks::close_operation::{self, Response, StatusChange};
use crate::tasks::{Invocation, TaskError, Ticket, converge_lane, plan_stack};

/// How long a function may run, and after how long a state machine gives a function up that does not answer.
const FUNCTION_MS: UnixMs = 60_000;
const TASK_MS: UnixMs = 75_000;
/// How long a state machine waits before it calls a function again that failed.
const RETRY_MS: UnixMs = 3_000;
/// Bounds every loop of an execution: far more turns than any stack needs.
const TURNS_MAX: usize = 5_000;
const RETRIES_MAX: usize = 10;

/// A whole Outrigger in memory.
pub struct World {
    /// The time.
    pub clock: VirtualClock,
    /// AWS.
    pub cloud: MemoryCloud,
    /// What is stored.
    pub store: MemoryStore,
    /// What goes wrong with the store.
    pub faults: Faults,
    /// The state, over the store with its faults.
    pub state: State,
    providers: Providers,
    invocations: AtomicU64,
}

/// How an execution ended.
#[derive(Debug)]
pub enum Ended {
    /// The operation was closed.
    Closed(Response),
    /// Planning failed.
    NotPlanned(TaskError),
    /// The execution was stopped from outside after a caller had died (see [`World::run_until_cut`]).
    Stopped,
}

/// What an invocation of a function came to.
enum Invoked<T> {
    Answered(T),
    Failed(TaskError),
    Died,
}

impl World {
    /// An empty world.
    pub fn new(habits: Habits) -> Self {
        let clock = VirtualClock::new(1_700_000_000_000);
        let cloud = MemoryCloud::new(&clock, habits);
        let store = MemoryStore::new();
        let faults = Faults::new();
        let faulty = Arc::new(Faulty::new(Arc::new(store.clone()), faults.clone()));
        Self {
            state: State::new(faulty, Arc::new(clock.clone())),
            providers: Providers::new([Arc::new(cloud.clone()) as Arc<_>]),
            clock,
            cloud,
            store,
            faults,
            invocations: AtomicU64::new(0),
        }
    }

    /// Runs an execution of `provision-stack` to its end.
    pub async fn provision(&self, operation: &str, document: &Value) -> Ended {
        self.run(Workflow::Provision, operation, json!({ "document": document }), false)
            .await
    }

    /// Runs an execution of `destroy-stack` to its end.
    pub async fn destroy(&self, operation: &str, stack: &str, environment: &str) -> Ended {
        let input = json!({ "stack": stack, "environment": environment });
        self.run(Workflow::Destroy, operation, input, false).await
    }

    /// Runs an execution, and stops it as soon as a function has died in a call. `close-operation` is then called with
    /// the event that Step Functions sends.
    pub async fn run_until_cut(&self, workflow: Workflow, operation: &str, input: Value) -> Ended {
        self.run(workflow, operation, input, true).await
    }

    async fn run(&self, workflow: Workflow, operation: &str, input: Value, stop_when_cut: bool) -> Ended {
        let ticket = match self.plan(workflow, operation, input).await {
            Ok(ticket) => ticket,
            Err(error) => return Ended::NotPlanned(error),
        };
        let mut due_ms: BTreeMap<Lane, UnixMs> =
            Lane::ALL.into_iter().map(|lane| (lane, self.clock.now_ms())).collect();
        let mut branches: Vec<Value> = Vec::new();
        let mut failures: BTreeMap<Lane, usize> = BTreeMap::new();
        for _ in 0..TURNS_MAX {
            let Some((lane, at_ms)) = due_ms
                .iter()
                .min_by_key(|(_, at_ms)| **at_ms)
                .map(|(lane, at_ms)| (*lane, *at_ms))
            else {
                break;
            };
            self.clock.advance(at_ms.saturating_sub(self.clock.now_ms()));
            match self.converge(lane, &ticket).await {
                Invoked::Answered(report) if report.settled => {
                    due_ms.remove(&lane);
                    branches.push(json!({ "lane": lane, "settled": true, "counts": report.counts }));
                }
                Invoked::Answered(report) => {
                    due_ms.insert(lane, self.clock.now_ms() + report.wait_seconds * 1000);
                }
                Invoked::Died if stop_when_cut => {
                    self.stopped(operation).await;
                    return Ended::Stopped;
                }
                Invoked::Died => {
                    due_ms.insert(lane, self.clock.now_ms() + TASK_MS);
                }
                Invoked::Failed(error) => {
                    let tries = failures.entry(lane).or_default();
                    *tries += 1;
                    if error.is_retryable() && *tries <= RETRIES_MAX {
                        due_ms.insert(lane, self.clock.now_ms() + RETRY_MS);
                    } else {
                        due_ms.remove(&lane);
                        let error = json!({ "Error": error.error_type(), "Cause": error.to_string() });
                        branches.push(json!({ "lane": lane, "settled": false, "error": error }));
                    }
                }
            }
        }
        self.close(&ticket, branches).await
    }

    fn invocation(&self) -> Invocation {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        Invocation {
            id: format!("invocation-{number}"),
            deadline_ms: self.clock.now_ms() + FUNCTION_MS,
        }
    }

    async fn plan(&self, workflow: Workflow, operation: &str, input: Value) -> Result<Ticket, TaskError> {
        let request = plan_stack::Request {
            workflow,
            operation: operation.to_owned(),
            execution_arn: format!("arn:aws:states:us-east-1:000000000000:execution:memory:{operation}"),
            input,
        };
        let ports = plan_stack::Ports {
            state: &self.state,
            catalog: &MemoryCatalog::default(),
            documents: &MemoryDocuments::default(),
            clock: &self.clock,
        };
        let mut tries = 0;
        loop {
            let error = match plan_stack::plan_stack(&ports, &self.invocation(), &request).await {
                Ok(ticket) => return Ok(ticket),
                Err(error) => error,
            };
            tries += 1;
            // As in the state machine: LeaseHeld ends it at once.
            if error.error_type() != "Unavailable" || tries > RETRIES_MAX {
                return Err(error);
            }
            self.clock.advance(RETRY_MS);
        }
    }

    async fn converge(&self, lane: Lane, ticket: &Ticket) -> Invoked<crate::executor::LaneReport> {
        let ports = converge_lane::Ports {
            state: &self.state,
            providers: &self.providers,
            clock: &self.clock,
        };
        let request = converge_lane::Request {
            lane,
            ticket: ticket.clone(),
        };
        let invocation = self.invocation();
        tokio::select! {
            biased;
            answer = converge_lane::converge_lane(&ports, &invocation, &request) => match answer {
                Ok(report) => Invoked::Answered(report),
                Err(error) => Invoked::Failed(error),
            },
            () = self.cloud.cut() => Invoked::Died,
        }
    }

    async fn close(&self, ticket: &Ticket, lanes: Vec<Value>) -> Ended {
        let request = close_operation::Request::Workflow {
            ticket: ticket.clone(),
            lanes,
        };
        for _ in 0..RETRIES_MAX {
            match self.close_once(&request).await {
                Ok(response) => return Ended::Closed(response),
                Err(error) if error.is_retryable() => self.clock.advance(RETRY_MS),
                Err(error) => return Ended::NotPlanned(error),
            }
        }
        Ended::Stopped
    }

    /// What happens when an execution is stopped from outside: the event closes the operation.
    pub async fn stopped(&self, operation: &str) {
        let detail = StatusChange {
            name: operation.to_owned(),
            execution_arn: String::new(),
            status: "ABORTED".to_owned(),
            input: None,
        };
        let request = close_operation::Request::Event { detail };
        for _ in 0..RETRIES_MAX {
            if self.close_once(&request).await.is_ok() {
                return;
            }
            self.clock.advance(RETRY_MS);
        }
    }

    async fn close_once(&self, request: &close_operation::Request) -> Result<Response, TaskError> {
        let ports = close_operation::Ports {
            state: &self.state,
            clock: &self.clock,
        };
        close_operation::close_operation(&ports, &self.invocation(), request).await
    }
}
