//! A simulation of the protocol: several invocations of several operations on one stack, each with a clock of its own
//! that is wrong, on a wire that loses requests and answers and delivers writes late, and machines that die anywhere.
//!
//! What must never happen is judged from outside, on the writes that the store accepts: see [`World::judge`].

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;

use async_trait::async_trait;
use futures::FutureExt;
use futures::task::noop_waker;
use outrigger_model::{FencingToken, Kind, Lane, Region, ResourceKey, StackId, StepState, UnixMs};
use proptest::prelude::*;

use super::content::{LaneState, OperationRecord, StackState, Workflow};
use super::{BLOB_HOLD_MS, CLOCK_SKEW_MS_MAX, Claim, Lease, State, StateError, body, key_of_blob, key_of_lane};
use crate::memory::clock::VirtualClock;
use crate::memory::store::MemoryStore;
use crate::ports::clock::Clock;
use crate::ports::store::{Condition, Item, ItemKey, StateStore, StoreError, Write, Written};

const ACTORS: usize = 6;
const OPERATIONS: usize = 3;
const ATTEMPT_MS: u64 = 60_000;
const START_MS: UnixMs = 1_763_635_018_000;
const SKEW_MS: i64 = CLOCK_SKEW_MS_MAX as i64;

/// What an invocation does next. It is careless: it goes on after any error, with whatever it has in hand.
#[derive(Clone, Debug)]
enum Act {
    Take,
    /// Goes on with the token that the workflow handed over.
    Resume,
    Renew,
    Claim(usize),
    /// A call to AWS, if there is time for it.
    Call(u64),
    WriteLane,
    FinishLane,
    UpdateStack,
    /// Puts a plan, then the operation's record that refers to it.
    Record(u8),
    Prune,
    Release,
}

/// What becomes of the next writes that an actor makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Good,
    LosesRequest,
    LosesAnswer,
    /// The sender hears nothing, and the write arrives later, if at all: see [`Step::Deliver`].
    Delays,
}

#[derive(Clone, Debug)]
enum Step {
    /// An actor runs until it has made so many halves of calls.
    Run {
        actor: usize,
        halves: usize,
        wire: [Wire; 2],
    },
    Advance(u64),
    /// A machine dies.
    Crash(usize),
    /// One of the delayed writes arrives.
    Deliver(usize),
}

#[derive(Clone, Debug)]
struct Actor {
    operation: usize,
    skew_ms: i64,
    acts: Vec<Act>,
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => Just(Act::Take),
        1 => Just(Act::Resume),
        2 => Just(Act::Renew),
        4 => (0..2_usize).prop_map(Act::Claim),
        4 => (1_000..40_000_u64).prop_map(Act::Call),
        6 => Just(Act::WriteLane),
        2 => Just(Act::FinishLane),
        2 => Just(Act::UpdateStack),
        2 => (0..3_u8).prop_map(Act::Record),
        1 => Just(Act::Prune),
        1 => Just(Act::Release),
    ]
}

fn any_actor() -> impl Strategy<Value = Actor> {
    let begins = prop_oneof![3 => Just(Act::Take), 2 => Just(Act::Resume)];
    let acts = (
        begins,
        (0..2_usize).prop_map(Act::Claim),
        prop::collection::vec(any_act(), 4..16),
    );
    (0..OPERATIONS, -SKEW_MS..=SKEW_MS, acts).prop_map(|(operation, skew_ms, (begins, claims, mut acts))| {
        acts.splice(0..0, [begins, claims]);
        Actor {
            operation,
            skew_ms,
            acts,
        }
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let wire = prop_oneof![
        1 => Just(Wire::Good),
        1 => Just(Wire::LosesRequest),
        2 => Just(Wire::LosesAnswer),
        2 => Just(Wire::Delays),
    ];
    // The protocol makes each write twice at the most: two faults in a row are what it cannot make up for.
    let wire = prop_oneof![
        3 => Just([Wire::Good; 2]),
        2 => (wire.clone(), Just(Wire::Good)).prop_map(|(first, second)| [first, second]),
        2 => (wire.clone(), wire).prop_map(|(first, second)| [first, second]),
    ];
    prop_oneof![
        20 => (0..ACTORS, 1..16_usize, wire).prop_map(|(actor, halves, wire)| Step::Run { actor, halves, wire }),
        4 => (0..15_000_u64).prop_map(Step::Advance),
        3 => (50_000..140_000_u64).prop_map(Step::Advance),
        1 => (BLOB_HOLD_MS..BLOB_HOLD_MS + 60_000).prop_map(Step::Advance),
        1 => (0..ACTORS).prop_map(Step::Crash),
        4 => (0..8_usize).prop_map(Step::Deliver),
    ]
}

/// As whom an actor acts right now.
#[derive(Clone, Debug, Default)]
struct Acting {
    operation: String,
    /// `None` while it takes the lease.
    token: Option<FencingToken>,
    attempt: Option<String>,
    /// When it last put the plan that it is about to refer to.
    put_at_ms: UnixMs,
}

/// The latest claim that the store has accepted on a lane.
#[derive(Clone, Debug)]
struct Latest {
    attempt: String,
    given_up: bool,
}

#[derive(Debug)]
struct CallMade {
    lane: Lane,
    attempt: String,
    from_ms: UnixMs,
    until_ms: UnixMs,
}

/// How often what has happened, over all runs: a simulation in which nothing happens proves nothing.
#[derive(Debug, Default)]
struct Seen {
    lease_taken_over: AtomicU64,
    lane_taken_over: AtomicU64,
    lane_written: AtomicU64,
    calls: AtomicU64,
    lease_lost: AtomicU64,
    attempt_lost: AtomicU64,
    busy: AtomicU64,
    unavailable: AtomicU64,
    arrived_late: AtomicU64,
    refused_late: AtomicU64,
    own_write_recognised: AtomicU64,
    blobs_pruned: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

struct World {
    clock: VirtualClock,
    store: MemoryStore,
    stack: StackId,
    seen: Arc<Seen>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// What becomes of the next writes, the last first.
    wire: Vec<Wire>,
    delayed: Vec<(Write, Acting)>,
    latest: BTreeMap<ItemKey, Latest>,
    calls: Vec<CallMade>,
    /// Operations whose record refers to what had been put too long before.
    late: BTreeSet<ItemKey>,
    /// The highest token that has been answered to a taker: every lower one is fenced off.
    fenced: FencingToken,
    /// The token that each operation's workflow hands on.
    tokens: BTreeMap<usize, FencingToken>,
    wrong: Vec<String>,
}

impl World {
    fn wrong(&self, what: String) {
        self.inner.lock().unwrap().wrong.push(what);
    }

    /// Makes a write, and judges it if it was accepted.
    fn apply(&self, write: &Write, acting: &Acting) -> Result<Written, StoreError> {
        let read = || self.store.read(&write.key).now_or_never().unwrap().unwrap();
        let before = read();
        let written = self.store.write(write).now_or_never().unwrap();
        let after = read();
        if before == after {
            if matches!(written, Ok(Written::Done(_))) {
                count(&self.seen.own_write_recognised);
            }
        } else {
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            if let Err(why) = self.judge(write, acting, &before, &after) {
                self.wrong(format!("{why}: {acting:?} wrote {write:?} over {before:?}"));
            }
        }
        written
    }

    /// What must hold of every write that is accepted.
    fn judge(&self, write: &Write, acting: &Acting, before: &Item, after: &Item) -> Result<(), &'static str> {
        if after.header.token < before.header.token {
            return Err("a token went down");
        }
        if after.header.version != before.header.version + 1 {
            return Err("a version did not go up by one");
        }
        let sort = write.key.sort.as_str();
        if sort == "stack" {
            self.judge_stack(write, acting, before, after)
        } else if sort.starts_with("lane#") {
            self.judge_lane(write, acting, before, after)
        } else if sort.starts_with("operation#") {
            self.judge_operation(write, acting, before, after)
        } else {
            Ok(())
        }
    }

    /// No one may take what may still be held: skews are within what is allowed for.
    fn judge_free(&self, before: &Item, by: &str) -> Result<(), &'static str> {
        match &before.header.holder {
            Some(holder) if holder != by && self.clock.now_ms() < before.header.holder_expires_at_ms => {
                Err("taken from a live holder")
            }
            Some(_) | None => Ok(()),
        }
    }

    fn judge_stack(&self, write: &Write, acting: &Acting, before: &Item, after: &Item) -> Result<(), &'static str> {
        if after.header.token > before.header.token {
            if after.header.token.0 != before.header.token.0 + 1 || write.change.body.is_some() {
                return Err("a lease taken in an odd way");
            }
            if before
                .header
                .holder
                .as_ref()
                .is_some_and(|holder| *holder != acting.operation)
            {
                count(&self.seen.lease_taken_over);
            }
            return self.judge_free(before, &acting.operation);
        }
        if before.header.holder.as_ref() != Some(&acting.operation) {
            return Err("who does not hold the lease wrote the stack");
        }
        if acting.token.is_some_and(|token| token != before.header.token) {
            return Err("who was fenced off wrote the stack");
        }
        let outputs = |item: &Item| -> StackState { body::decode_or_default("stack", &item.body).unwrap() };
        let (old, new) = (outputs(before).outputs, outputs(after).outputs);
        if old.keys().any(|output| !new.contains_key(output)) {
            return Err("an update of the stack was lost");
        }
        Ok(())
    }

    fn judge_lane(&self, write: &Write, acting: &Acting, before: &Item, after: &Item) -> Result<(), &'static str> {
        let mut inner = self.inner.lock().unwrap();
        let change = &write.change;
        if after.header.token > before.header.token {
            if change.body.is_some() || change.holder.is_some() {
                return Err("fencing changed more than the token");
            }
            return Ok(());
        }
        if acting.token != Some(before.header.token) || before.header.token < inner.fenced {
            return Err("who was fenced off wrote a lane");
        }
        if let Some(Some(hold)) = &change.holder {
            self.judge_free(before, "")?;
            let latest = Latest {
                attempt: hold.holder.clone(),
                given_up: false,
            };
            if inner
                .latest
                .insert(write.key.clone(), latest)
                .is_some_and(|old| !old.given_up)
            {
                count(&self.seen.lane_taken_over);
            }
            return Ok(());
        }
        match inner.latest.get_mut(&write.key) {
            Some(latest) if acting.attempt.as_ref() == Some(&latest.attempt) && !latest.given_up => {
                latest.given_up = change.holder == Some(None);
            }
            Some(_) | None => return Err("who does not hold the lane wrote it"),
        }
        count(&self.seen.lane_written);
        let steps = |item: &Item| -> LaneState { body::decode_or_default("lane", &item.body).unwrap() };
        let (old, new) = (steps(before).steps, steps(after).steps);
        if old.keys().any(|step| !new.contains_key(step)) {
            return Err("what another had recorded was lost");
        }
        Ok(())
    }

    fn judge_operation(&self, write: &Write, acting: &Acting, before: &Item, after: &Item) -> Result<(), &'static str> {
        if acting
            .token
            .is_none_or(|token| token < before.header.token || token != after.header.token)
        {
            return Err("who was fenced off wrote an operation");
        }
        // A reference that was made too late after its content was put is the caller's fault.
        let late = self.clock.now_ms() > acting.put_at_ms + BLOB_HOLD_MS - 2 * CLOCK_SKEW_MS_MAX;
        let mut inner = self.inner.lock().unwrap();
        if late {
            inner.late.insert(write.key.clone());
            return Ok(());
        }
        inner.late.remove(&write.key);
        let record: OperationRecord = body::decode("operation", &after.body).unwrap();
        let items = self.store.items();
        let kept = |hash: &String| items.contains_key(&key_of_blob(&self.stack, hash));
        if record.plans.values().all(kept) {
            Ok(())
        } else {
            Err("a plan that was just put is gone")
        }
    }

    /// An operation that is on record keeps its plans.
    fn judge_delete(&self, key: &ItemKey) {
        let Some(hash) = key.sort.strip_prefix("blob#") else {
            return;
        };
        count(&self.seen.blobs_pruned);
        for (other, item) in self.store.items() {
            if !other.sort.starts_with("operation#") || self.inner.lock().unwrap().late.contains(&other) {
                continue;
            }
            let record: OperationRecord = body::decode(&other.sort, &item.body).unwrap();
            if record.plans.values().any(|plan| plan == hash) {
                self.wrong(format!("{} was deleted, but {} refers to it", key.sort, other.sort));
            }
        }
    }

    /// Who gives a lane up waits for its calls first: they have ended by now.
    fn end_calls(&self, attempt: &str) {
        let now_ms = self.clock.now_ms();
        for call in &mut self.inner.lock().unwrap().calls {
            if call.attempt == attempt {
                call.until_ms = call.until_ms.min(now_ms);
            }
        }
    }

    fn call(&self, claim: &Claim, now_ms: UnixMs, call_ms: u64) {
        if !claim.may_start_call(now_ms, call_ms) {
            return;
        }
        count(&self.seen.calls);
        let made = CallMade {
            lane: claim.lane(),
            attempt: claim.attempt().to_owned(),
            from_ms: self.clock.now_ms(),
            until_ms: self.clock.now_ms() + call_ms,
        };
        let mut inner = self.inner.lock().unwrap();
        let overlaps = |other: &CallMade| {
            other.lane == made.lane
                && other.attempt != made.attempt
                && made.from_ms < other.until_ms
                && other.from_ms < made.until_ms
        };
        if let Some(other) = inner.calls.iter().find(|other| overlaps(other)) {
            let wrong = format!("two attempts called at once: {made:?}, {other:?}");
            inner.wrong.push(wrong);
        }
        inner.calls.push(made);
    }
}

/// One actor's way to the store: it can be stopped before and after each call.
struct Way {
    world: Arc<World>,
    acting: Arc<Mutex<Acting>>,
}

#[async_trait]
impl StateStore for Way {
    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, StoreError> {
        futures::pending!();
        let read = self.world.store.read(key).await;
        futures::pending!();
        read
    }

    async fn write(&self, write: &Write) -> Result<Written, StoreError> {
        futures::pending!();
        let acting = self.acting.lock().unwrap().clone();
        let wire = self.world.inner.lock().unwrap().wire.pop().unwrap_or(Wire::Good);
        let answer = match wire {
            Wire::Good => self.world.apply(write, &acting),
            Wire::LosesRequest => Err(StoreError::Unavailable("lost".to_owned())),
            Wire::LosesAnswer => {
                let _ = self.world.apply(write, &acting);
                Err(StoreError::Unavailable("answer lost".to_owned()))
            }
            Wire::Delays => {
                self.world.inner.lock().unwrap().delayed.push((write.clone(), acting));
                Err(StoreError::Unavailable("delayed".to_owned()))
            }
        };
        futures::pending!();
        answer
    }

    async fn delete(&self, key: &ItemKey, conditions: &[Condition]) -> Result<bool, StoreError> {
        futures::pending!();
        let gone = self.world.store.delete(key, conditions).await?;
        if gone {
            self.world.judge_delete(key);
        }
        futures::pending!();
        Ok(gone)
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Vec<String>, StoreError> {
        futures::pending!();
        self.world.store.list(partition, prefix, after, count_max).await
    }
}

/// One invocation, with what it has in hand.
struct Invocation {
    world: Arc<World>,
    state: State,
    acting: Arc<Mutex<Acting>>,
    number: usize,
    operation: usize,
    lease: Option<Lease>,
    /// The claim, what is recorded of its lane, and the token that it was made under.
    claim: Option<(Claim, LaneState, FencingToken)>,
}

impl Invocation {
    fn new(world: &Arc<World>, number: usize, actor: &Actor) -> Self {
        let acting = Arc::new(Mutex::new(Acting {
            operation: format!("operation-{}", actor.operation),
            ..Acting::default()
        }));
        let way = Way {
            world: world.clone(),
            acting: acting.clone(),
        };
        Self {
            world: world.clone(),
            state: State::new(Arc::new(way), Arc::new(world.clock.skewed(actor.skew_ms))),
            acting,
            number,
            operation: actor.operation,
            lease: None,
            claim: None,
        }
    }

    async fn run(mut self, acts: Vec<Act>) {
        for (index, act) in acts.into_iter().enumerate() {
            if let Err(error) = self.act(index, act).await {
                let seen = &self.world.seen;
                match &error {
                    StateError::LeaseLost { .. } => count(&seen.lease_lost),
                    StateError::AttemptLost { .. } => count(&seen.attempt_lost),
                    StateError::Busy { .. } => count(&seen.busy),
                    StateError::Store { .. } if error.is_retryable() => count(&seen.unavailable),
                    StateError::LeaseHeld { .. } => {}
                    StateError::Store { .. } => self.world.wrong(format!("{error:?}")),
                }
            }
        }
    }

    fn act_as(&self, token: Option<FencingToken>, attempt: Option<&str>) {
        let mut acting = self.acting.lock().unwrap();
        acting.token = token;
        acting.attempt = attempt.map(str::to_owned);
    }

    async fn act(&mut self, index: usize, act: Act) -> Result<(), StateError> {
        let stack = self.world.stack.clone();
        let operation = format!("operation-{}", self.operation);
        self.act_as(self.lease.as_ref().map(Lease::token), None);
        match (act, &self.lease) {
            (Act::Take, _) => {
                self.act_as(None, None);
                let lease = self
                    .state
                    .take_lease(&stack, &operation, &self.number.to_string())
                    .await?;
                let mut inner = self.world.inner.lock().unwrap();
                inner.tokens.insert(self.operation, lease.token());
                inner.fenced = inner.fenced.max(lease.token());
                drop(inner);
                self.lease = Some(lease);
            }
            (Act::Resume, _) => {
                let token = self.world.inner.lock().unwrap().tokens.get(&self.operation).copied();
                if let Some(token) = token {
                    self.lease = Some(Lease::resume(stack, operation, token, self.number.to_string()));
                }
            }
            (Act::Renew, Some(lease)) => drop(self.state.renew_lease(lease).await?),
            (Act::Claim(lane), Some(lease)) => {
                let attempt = format!("attempt-{}-{index}", self.number);
                let expires_at_ms = self.state.now_ms() + ATTEMPT_MS;
                let claim = self
                    .state
                    .claim_lane(lease, Lane::ALL[lane], attempt, expires_at_ms)
                    .await?;
                let recorded = claim.lane_state().clone();
                self.claim = Some((claim, recorded, lease.token()));
            }
            (Act::Call(ms), _) => {
                if let Some((claim, ..)) = &self.claim {
                    self.world.call(claim, self.state.now_ms(), ms);
                }
            }
            (Act::WriteLane, _) => self.write_lane(index, false).await?,
            (Act::FinishLane, _) => self.write_lane(index, true).await?,
            (Act::UpdateStack, Some(lease)) => {
                let output = format!("output-{}-{index}", self.number);
                let update = |stack: &mut StackState| drop(stack.outputs.insert(output.clone(), operation.clone()));
                self.state.update_stack(lease, update).await?;
            }
            (Act::Record(plan), Some(lease)) => {
                self.acting.lock().unwrap().put_at_ms = self.world.clock.now_ms();
                let hash = self.state.put_blob(&stack, &plan).await?;
                let record = record(&stack, &operation, index as u64, hash);
                self.state.put_operation(lease, &record).await?;
            }
            (Act::Prune, Some(lease)) => drop(self.state.prune(lease, 1, 0).await?),
            (Act::Release, Some(lease)) => self.state.release_lease(lease).await?,
            (Act::Renew | Act::Claim(_) | Act::UpdateStack | Act::Record(_) | Act::Prune | Act::Release, None) => {}
        }
        Ok(())
    }

    async fn write_lane(&mut self, index: usize, finish: bool) -> Result<(), StateError> {
        let Some((mut claim, mut recorded, token)) = self.claim.take() else {
            return Ok(());
        };
        // As the lease that the claim was made under, whatever lease is in hand by now.
        self.act_as(Some(token), Some(claim.attempt()));
        let step = ResourceKey::new(
            &Region::new("us-east-1"),
            Kind::Vpc,
            format!("step-{}-{index}", self.number),
        );
        recorded.steps.insert(step, StepState::Waiting);
        if finish {
            self.world.end_calls(claim.attempt());
            return self.state.finish_lane(claim, &recorded).await;
        }
        let written = self.state.write_lane(&mut claim, &recorded).await;
        self.claim = Some((claim, recorded, token));
        written
    }
}

fn record(stack: &StackId, operation: &str, started_at_ms: u64, plan: String) -> OperationRecord {
    OperationRecord {
        plans: BTreeMap::from([(Lane::Network, plan)]),
        ..OperationRecord::begun(operation, stack, Workflow::Provision, "", started_at_ms)
    }
}

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// Polls an actor once; whether it still runs.
fn poll(running: &mut Option<Running>) {
    if let Some(future) = running
        && future.as_mut().poll(&mut Context::from_waker(&noop_waker())).is_ready()
    {
        *running = None;
    }
}

fn simulate(seen: &Arc<Seen>, actors: &[Actor], steps: &[Step]) -> Result<(), String> {
    let world = Arc::new(World {
        clock: VirtualClock::new(START_MS),
        store: MemoryStore::new(),
        stack: StackId {
            stack: "shop".to_owned(),
            environment: "staging".to_owned(),
        },
        seen: seen.clone(),
        inner: Mutex::default(),
    });
    let mut running: Vec<Option<Running>> = Vec::new();
    for (number, actor) in actors.iter().enumerate() {
        let run = Invocation::new(&world, number, actor).run(actor.acts.clone());
        running.push(Some(Box::pin(run)));
    }
    for step in steps {
        match step {
            Step::Run { actor, halves, wire } => {
                world.inner.lock().unwrap().wire = wire.iter().rev().copied().collect();
                for _ in 0..*halves {
                    poll(&mut running[*actor]);
                }
            }
            Step::Advance(ms) => world.clock.advance(*ms),
            Step::Crash(actor) => running[*actor] = None,
            Step::Deliver(index) => deliver(&world, *index),
        }
        stop_at_wrong(&world)?;
    }
    ends_well(&world)
}

fn stop_at_wrong(world: &World) -> Result<(), String> {
    match world.inner.lock().unwrap().wrong.first() {
        None => Ok(()),
        Some(wrong) => Err(wrong.clone()),
    }
}

fn deliver(world: &World, index: usize) {
    let mut inner = world.inner.lock().unwrap();
    if inner.delayed.is_empty() {
        return;
    }
    let index = index % inner.delayed.len();
    let (write, acting) = inner.delayed.remove(index);
    drop(inner);
    count(&world.seen.arrived_late);
    if matches!(world.apply(&write, &acting), Ok(Written::Refused(_))) {
        count(&world.seen.refused_late);
    }
}

/// Whatever has happened: once all holds have expired, the next operation goes through.
fn ends_well(world: &Arc<World>) -> Result<(), String> {
    world.clock.advance(10 * ATTEMPT_MS);
    world.inner.lock().unwrap().wire.clear();
    let mut acts = vec![Act::Take, Act::Renew];
    for lane in 0..2 {
        acts.extend([Act::Claim(lane), Act::WriteLane, Act::FinishLane]);
    }
    acts.extend([Act::UpdateStack, Act::Record(0), Act::Prune, Act::Release]);
    let last = Actor {
        operation: OPERATIONS,
        skew_ms: 0,
        acts,
    };
    let writes_before = lane_versions(world);
    let mut running: Option<Running> = Some(Box::pin(Invocation::new(world, ACTORS, &last).run(last.acts.clone())));
    for _ in 0..1_000 {
        poll(&mut running);
    }
    stop_at_wrong(world)?;
    if running.is_some() {
        return Err("the last operation does not end".to_owned());
    }
    let written: Vec<u64> = lane_versions(world)
        .iter()
        .zip(writes_before)
        .map(|(after, before)| after - before)
        .collect();
    // Fencing, claim, write, finish.
    if written == [4, 4] {
        Ok(())
    } else {
        Err(format!("the last operation wrote its lanes {written:?} times"))
    }
}

fn lane_versions(world: &World) -> Vec<u64> {
    let items = world.store.items();
    let version = |lane: &Lane| {
        items
            .get(&key_of_lane(&world.stack, *lane))
            .map_or(0, |item| item.header.version)
    };
    Lane::ALL.iter().take(2).map(version).collect()
}

#[test]
fn no_interleaving_breaks_the_protocol() {
    let seen = Arc::new(Seen::default());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        max_shrink_iters: 20_000,
        failure_persistence: None,
        // 256 cases, or as many as PROPTEST_CASES says.
        ..ProptestConfig::default()
    });
    let strategy = (
        prop::collection::vec(any_actor(), ACTORS),
        prop::collection::vec(any_step(), 20..200),
    );
    let judged = runner.run(&strategy, |(actors, steps)| {
        simulate(&seen, &actors, &steps).map_err(TestCaseError::fail)
    });
    if let Err(failure) = judged {
        panic!("{failure}\n{runner}");
    }
    let happened = [
        &seen.lease_taken_over,
        &seen.lane_taken_over,
        &seen.lane_written,
        &seen.calls,
        &seen.lease_lost,
        &seen.attempt_lost,
        &seen.busy,
        &seen.unavailable,
        &seen.arrived_late,
        &seen.refused_late,
        &seen.own_write_recognised,
        &seen.blobs_pruned,
    ];
    assert!(
        happened.iter().all(|counter| counter.load(Ordering::Relaxed) > 0),
        "the simulation is too tame: {seen:?}"
    );
    println!("{seen:?}");
}
