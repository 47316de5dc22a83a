//! A whole Outrigger in memory: the tasks, called as the state machines call them, on a virtual clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use outrigger_model::{Lane, Region, StackId, UnixMs};
use outrigger_plan::Plan;
use serde_json::{Value, json};

use super::catalog::{MemoryCatalog, MemoryDocuments};
use super::clock::VirtualClock;
use super::cloud::{Habits, MemoryCloud};
use super::events::MemoryEvents;
use super::store::{Faults, Faulty, MemoryStore, Usage};
use crate::executor::Providers;
use crate::ports::clock::Clock;
use crate::state::State;
use crate::state::content::Workflow;
use crate::tasks::close_operation::{self, Done, Response, StatusChange};
use crate::tasks::plan_stack::Proposed;
use crate::tasks::{Invocation, TaskError, Ticket, converge_lane, plan_stack};

/// The name of the control plane.
const CONTROL_PLANE: &str = "outrigger";
/// How long a function may run, and after how long a state machine gives a function up that does not answer.
const FUNCTION_MS: UnixMs = 60_000;
const TASK_MS: UnixMs = 75_000;
/// How long a state machine waits before it calls a function again that failed.
const RETRY_MS: UnixMs = 3_000;
/// Bounds every loop of an execution: more turns than all its branches can make.
const TURNS_MAX: usize = 5_000;
const RETRIES_MAX: usize = 10;
/// How often an execution may hand over to a successor.
const HOPS_MAX: usize = 10;
/// As in the state machines: a branch's turns until it waits longer, how long it then waits at the least, its turns until
/// it hands over, and how long an execution lasts until it does.
const QUICK_TURNS: u64 = 100;
const LATE_WAIT_SECONDS: u64 = 10;
const BRANCH_TURNS_MAX: u64 = 333;
const HAND_OVER_MS: UnixMs = 2_280_000;

/// The states that an execution of `provision-stack` goes through, as Step Functions counts and bills them. A test holds
/// them against the state machine.
pub mod transitions {
    /// Bounds, resume or plan, plan.
    pub const PLAN: u64 = 3;
    /// The parallel state, and whether to hand over.
    pub const LANES: u64 = 2;
    /// A branch's first and last state.
    pub const BRANCH: u64 = 2;
    /// The function, and whether its lane has settled.
    pub const TURN: u64 = 2;
    /// The wait before another turn.
    pub const WAIT: u64 = 1;
    /// Closing, whether to go back, the outcome, the end.
    pub const CLOSE: u64 = 4;
    /// Handing over; the successor's bounds, and that it resumes.
    pub const HAND_OVER: u64 = 4;
}

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
    /// What AWS has to offer.
    pub catalog: MemoryCatalog,
    /// What was told.
    pub events: MemoryEvents,
    providers: Providers,
    invocations: AtomicU64,
    transitions: AtomicU64,
    branch_turns_max: AtomicU64,
}

/// What executions have cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Invocations of functions.
    pub invocations: u64,
    /// Transitions of state machines, as Step Functions bills them.
    pub transitions: u64,
    /// The most turns that one branch of an execution has made; at 500 it hands over.
    pub branch_turns_max: u64,
    /// Calls to AWS that change something, or try to.
    pub calls: u64,
    /// Looks at a resource: a call or a few to AWS each.
    pub observations: u64,
    /// What was read of the state table, and written to it.
    pub table: Usage,
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
            catalog: MemoryCatalog::default(),
            events: MemoryEvents::default(),
            clock,
            cloud,
            store,
            faults,
            invocations: AtomicU64::new(0),
            transitions: AtomicU64::new(0),
            branch_turns_max: AtomicU64::new(0),
        }
    }

    /// What its executions have cost so far.
    pub fn cost(&self) -> Cost {
        Cost {
            invocations: self.invocations.load(Ordering::Relaxed),
            transitions: self.transitions.load(Ordering::Relaxed),
            branch_turns_max: self.branch_turns_max.load(Ordering::Relaxed),
            calls: self.cloud.calls().len() as u64,
            observations: self.cloud.observations(),
            table: self.store.usage(),
        }
    }

    fn transit(&self, states: u64) {
        self.transitions.fetch_add(states, Ordering::Relaxed);
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

    /// Runs an execution of `drift-stack` to its end.
    pub async fn drift(&self, operation: &str, stack: &str, environment: &str, accept: bool) -> Ended {
        let input = json!({ "stack": stack, "environment": environment, "accept": accept });
        self.run(Workflow::Drift, operation, input, false).await
    }

    /// Makes a plan to look at, as an execution of `plan-stack` does.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn propose(&self, document: &Value) -> Result<Proposed, TaskError> {
        match self
            .plan(Workflow::Plan, "plan", json!({ "document": document }))
            .await?
        {
            plan_stack::Answer::Proposed(proposed) => Ok(proposed),
            plan_stack::Answer::Begun(_) => Err(TaskError::Internal("an operation was begun".to_owned())),
        }
    }

    /// Runs an execution of `provision-stack` that carries out a plan which was looked at.
    pub async fn carry_out(&self, operation: &str, document: &Value, plan: &str) -> Ended {
        let input = json!({ "document": document, "plan": plan });
        self.run(Workflow::Provision, operation, input, false).await
    }

    /// Runs an execution that carries out a plan which no document was needed for.
    pub async fn carry_out_plan(&self, operation: &str, stack: &StackId, plan: &Plan) -> Ended {
        self.transit(transitions::PLAN);
        match plan_stack::begin_with(&self.state, stack, operation, &self.invocation(), plan).await {
            Ok(ticket) => self.run_ticket(ticket, operation, false).await,
            Err(error) => Ended::NotPlanned(error),
        }
    }

    /// Runs an execution of `provision-stack` until a function has died in a call, and leaves it there: nobody closes the
    /// operation. Answers whether it came to that.
    pub async fn begin_and_leave(&self, operation: &str, input: Value) -> bool {
        match self.plan(Workflow::Provision, operation, input).await {
            Ok(plan_stack::Answer::Begun(ticket)) => self.converge_all(&ticket, true).await.is_none(),
            Ok(plan_stack::Answer::Proposed(_)) | Err(_) => false,
        }
    }

    /// Runs an execution, and stops it as soon as a function has died in a call. `close-operation` is then called with
    /// the event that Step Functions sends.
    pub async fn run_until_cut(&self, workflow: Workflow, operation: &str, input: Value) -> Ended {
        self.run(workflow, operation, input, true).await
    }

    async fn run(&self, workflow: Workflow, operation: &str, input: Value, stop_when_cut: bool) -> Ended {
        self.transit(transitions::PLAN);
        match self.plan(workflow, operation, input).await {
            Ok(plan_stack::Answer::Begun(ticket)) => self.run_ticket(ticket, operation, stop_when_cut).await,
            Ok(plan_stack::Answer::Proposed(_)) => Ended::Stopped,
            Err(error) => Ended::NotPlanned(error),
        }
    }

    async fn run_ticket(&self, mut ticket: Ticket, operation: &str, stop_when_cut: bool) -> Ended {
        // Forward, and at most once back.
        for _ in 0..2 {
            let Some(branches) = self.converge_all(&ticket, stop_when_cut).await else {
                self.stopped(operation).await;
                return Ended::Stopped;
            };
            match self.close(&ticket, branches).await {
                Ended::Closed(Response {
                    rollback: Some(back), ..
                }) => ticket = back,
                ended => return ended,
            }
        }
        Ended::Stopped
    }

    /// Runs every lane's branch to its end, handing over as often as need be; what they end with, or `None` if the
    /// execution was stopped.
    async fn converge_all(&self, ticket: &Ticket, stop_when_cut: bool) -> Option<Vec<Value>> {
        let mut branches = Vec::new();
        for _ in 0..HOPS_MAX {
            branches = self.converge_until_handover(ticket, stop_when_cut).await?;
            let is = |branch: &Value, what: &str| branch.get(what).is_some();
            let handed_over = branches.iter().any(|branch| is(branch, "handover"));
            if !handed_over || branches.iter().any(|branch| is(branch, "error")) {
                break;
            }
            self.transit(transitions::HAND_OVER);
        }
        Some(branches)
    }

    async fn converge_until_handover(&self, ticket: &Ticket, stop_when_cut: bool) -> Option<Vec<Value>> {
        let begun_ms = self.clock.now_ms();
        // A lane without a plan has nothing to do.
        let (busy, idle): (Vec<Lane>, Vec<Lane>) =
            Lane::ALL.into_iter().partition(|lane| ticket.plans.contains_key(lane));
        let mut due_ms: BTreeMap<Lane, UnixMs> = busy.into_iter().map(|lane| (lane, begun_ms)).collect();
        let mut branches: Vec<Value> = idle
            .into_iter()
            .map(|lane| json!({ "lane": lane, "settled": true, "counts": {} }))
            .collect();
        let mut failures: BTreeMap<Lane, usize> = BTreeMap::new();
        let mut turns: BTreeMap<Lane, u64> = BTreeMap::new();
        self.transit(transitions::LANES + transitions::BRANCH * Lane::ALL.len() as u64);
        for _ in 0..TURNS_MAX {
            let Some((lane, at_ms)) = due_ms
                .iter()
                .min_by_key(|(_, at_ms)| **at_ms)
                .map(|(lane, at_ms)| (*lane, *at_ms))
            else {
                break;
            };
            self.clock.advance(at_ms.saturating_sub(self.clock.now_ms()));
            let turn = turns.entry(lane).or_default();
            *turn += 1;
            self.branch_turns_max.fetch_max(*turn, Ordering::Relaxed);
            self.transit(transitions::TURN);
            match self.converge(lane, ticket).await {
                Invoked::Answered(report) if report.settled => {
                    due_ms.remove(&lane);
                    branches.push(json!({ "lane": lane, "settled": true, "counts": report.counts }));
                }
                Invoked::Answered(_) if *turn >= BRANCH_TURNS_MAX || self.clock.now_ms() >= begun_ms + HAND_OVER_MS => {
                    due_ms.remove(&lane);
                    branches.push(json!({ "lane": lane, "settled": false, "handover": true }));
                }
                Invoked::Answered(report) => {
                    let least = if *turn < QUICK_TURNS { 1 } else { LATE_WAIT_SECONDS };
                    let wait_seconds = report.wait_seconds.min(30).max(least);
                    self.transit(transitions::WAIT);
                    due_ms.insert(lane, self.clock.now_ms() + wait_seconds * 1000);
                }
                Invoked::Died if stop_when_cut => return None,
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
        Some(branches)
    }

    fn invocation(&self) -> Invocation {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        Invocation {
            id: format!("invocation-{number}"),
            deadline_ms: self.clock.now_ms() + FUNCTION_MS,
        }
    }

    async fn plan(&self, workflow: Workflow, operation: &str, input: Value) -> Result<plan_stack::Answer, TaskError> {
        let request = plan_stack::Request {
            workflow,
            operation: operation.to_owned(),
            execution_arn: format!("arn:aws:states:us-east-1:000000000000:execution:memory:{operation}"),
            input,
        };
        let ports = plan_stack::Ports {
            state: &self.state,
            catalog: &self.catalog,
            documents: &MemoryDocuments::default(),
            clock: &self.clock,
            events: &self.events,
            control_plane: CONTROL_PLANE,
            home: &plan_stack::ControlPlane {
                account: "000000000000".to_owned(),
                table: "outrigger-state".to_owned(),
                regions: ["us-east-1", "us-east-2"].map(Region::new).into(),
            },
        };
        let mut tries = 0;
        loop {
            let error = match plan_stack::plan_stack(&ports, &self.invocation(), &request).await {
                Ok(answer) => return Ok(answer),
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
        self.transit(transitions::CLOSE);
        for _ in 0..RETRIES_MAX {
            match self.close_once(&request).await {
                Ok(done) => return Ended::Closed(done.response),
                Err(error) if error.is_retryable() => self.clock.advance(RETRY_MS),
                Err(error) => return Ended::NotPlanned(error),
            }
        }
        Ended::Stopped
    }

    /// What happens when an execution is stopped from outside: the event closes the operation.
    pub async fn stopped(&self, operation: &str) {
        self.ended(operation, "ABORTED", &Value::Null).await;
    }

    /// What happens when an execution has ended with a status other than success: Step Functions sends an event.
    pub async fn ended(&self, operation: &str, status: &str, input: &Value) {
        let detail = StatusChange {
            name: operation.to_owned(),
            execution_arn: String::new(),
            state_machine_arn: "arn:aws:states:us-east-1:000000000000:stateMachine:outrigger-provision-stack"
                .to_owned(),
            status: status.to_owned(),
            input: Some(input.to_string()),
            error: None,
            cause: None,
        };
        let request = close_operation::Request::Event { detail };
        for _ in 0..RETRIES_MAX {
            if self.close_once(&request).await.is_ok() {
                return;
            }
            self.clock.advance(RETRY_MS);
        }
    }

    async fn close_once(&self, request: &close_operation::Request) -> Result<Done, TaskError> {
        let ports = close_operation::Ports {
            state: &self.state,
            clock: &self.clock,
            events: &self.events,
            control_plane: CONTROL_PLANE,
        };
        close_operation::close_operation(&ports, &self.invocation(), request).await
    }
}
