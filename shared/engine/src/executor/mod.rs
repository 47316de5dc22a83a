//! The executor: drives one lane's steps a little further, and records what it learnt.
//!
//! Observe → decide → act. What to do is decided by [`decide::judge`], which is pure; this module reads, calls and
//! records.
//!
//! # Guarantees
//! - The intent to create is recorded before the call that creates; all intents of an invocation in one write.
//! - At most one call that changes something per resource and invocation.
//! - A step is done only when its resource was observed as it is wanted; never because a call was answered.
//!
//! # Assumptions
//! - The lane is claimed, so that nobody else acts on it until the claim has expired.

pub mod decide;
mod intent;
mod providers;

use std::collections::BTreeMap;

use futures::StreamExt;
use outrigger_model::properties::Reference;
use outrigger_model::{CallOutcome, Identity, Intent, Lane, Record, Resource, ResourceKey, StepState, UnixMs};
use outrigger_plan::plan::attribute_of;
use outrigger_plan::resolve::resolve;
use outrigger_plan::{Action, Plan, Step};
use serde::{Deserialize, Serialize};

pub use providers::Providers;

use crate::ports::clock::Clock;
use crate::ports::provider::{CALL_SECONDS_MAX, CallError, CallErrorKind, Observed, Progress, Provider, Target};
use crate::state::content::LaneState;
use crate::state::{Claim, State, StateError};
use decide::{Decision, Judgement, Want, backoff_ms, judge, refusals_max, step_ms_max};

/// How many calls are under way at once.
const CALLS_AT_ONCE: usize = 8;
/// How long a lane waits, at the least, that only waits for other lanes.
const OTHER_LANES_POLL_MS: UnixMs = 2_000;
/// The longest wait between two calls of a lane's function.
const WAIT_SECONDS_MAX: u64 = 30;

/// What one invocation of a lane's function came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneReport {
    /// Whether every step of the lane is settled.
    pub settled: bool,
    /// How long to wait before the next call, 1 to 30.
    pub wait_seconds: u64,
    /// How many steps stand where.
    pub counts: Counts,
}

/// How many steps stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Waiting for what they depend on.
    pub waiting: usize,
    /// Under way.
    pub in_progress: usize,
    /// As they are wanted.
    pub done: usize,
    /// Failed for good.
    pub failed: usize,
    /// Not tried, because something they depend on failed.
    pub skipped: usize,
}

impl Counts {
    /// Counts the states of steps.
    pub fn of<'a>(steps: impl IntoIterator<Item = &'a StepState>) -> Self {
        let mut counts = Self::default();
        for step in steps {
            match step {
                StepState::Waiting => counts.waiting += 1,
                StepState::InProgress { .. } => counts.in_progress += 1,
                StepState::Done { .. } => counts.done += 1,
                StepState::Failed { .. } => counts.failed += 1,
                StepState::Skipped { .. } => counts.skipped += 1,
            }
        }
        counts
    }
}

/// What an invocation works with.
pub struct Invocation<'a> {
    /// The state store's protocol.
    pub state: &'a State,
    /// The providers of the lane's kinds.
    pub providers: &'a Providers,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The operation.
    pub operation: &'a str,
    /// The lane's steps.
    pub plan: &'a Plan,
    /// The other lanes as they are recorded.
    pub others: &'a BTreeMap<Lane, LaneState>,
}

/// Drives the lane's steps as far as they go now: starts every step whose dependencies are done, polls those under way,
/// records what it learnt, and gives up the claim.
///
/// # Errors
/// When the state cannot be written: the claim or the lease was lost, or the store did not answer. Whatever was called
/// by then is found again by the next invocation.
pub async fn advance(invocation: &Invocation<'_>, mut claim: Claim) -> Result<LaneReport, StateError> {
    let mut lane = claim.lane_state().clone();
    if lane.operation.as_deref() != Some(invocation.operation) {
        lane.operation = Some(invocation.operation.to_owned());
        lane.steps = invocation
            .plan
            .steps
            .keys()
            .map(|key| (key.clone(), StepState::Waiting))
            .collect();
    }
    let mut run = Run { invocation, lane };
    let calls = run.observe_and_decide(&claim).await;
    if calls.iter().any(|call| call.decision.creates()) {
        run.record_intents(&calls, &claim);
        invocation.state.write_lane(&mut claim, &run.lane).await?;
    }
    run.act(calls, &claim).await;
    run.skip_what_cannot_be();
    let report = run.report();
    invocation.state.finish_lane(claim, &run.lane).await?;
    Ok(report)
}

/// A call that was decided on.
struct Call {
    key: ResourceKey,
    target: Target,
    observed: Option<Observed>,
    decision: Decision,
}

struct Run<'a> {
    invocation: &'a Invocation<'a>,
    lane: LaneState,
}

/// Whether a step can go on.
enum Readiness {
    Ready,
    Waiting,
    Impossible { because: ResourceKey },
}

impl Run<'_> {
    fn now_ms(&self) -> UnixMs {
        self.invocation.clock.now_ms()
    }

    fn may_start_call(&self, claim: &Claim) -> bool {
        claim.may_start_call(self.now_ms(), CALL_SECONDS_MAX * 1000)
    }

    /// Observes every step that is ready and due, wave by wave: what turns out done makes more steps ready.
    async fn observe_and_decide(&mut self, claim: &Claim) -> Vec<Call> {
        let mut calls = Vec::new();
        let mut looked_at: Vec<ResourceKey> = Vec::new();
        // Each wave looks at one more step at the least, so there are no more waves than steps.
        for _ in 0..=self.invocation.plan.steps.len() {
            let wave = self.begin_wave(&looked_at);
            if wave.is_empty() {
                break;
            }
            looked_at.extend(wave.iter().map(|(key, _)| key.clone()));
            for (key, target, observed) in self.observe(wave, claim).await {
                if let Some(call) = self.judge_one(key, target, observed) {
                    calls.push(call);
                }
            }
        }
        calls
    }

    /// The steps to look at now, with their targets; steps that cannot be are marked on the way.
    fn begin_wave(&mut self, looked_at: &[ResourceKey]) -> Vec<(ResourceKey, Target)> {
        let now_ms = self.now_ms();
        let mut wave = Vec::new();
        for (key, step) in &self.invocation.plan.steps {
            if looked_at.contains(key) {
                continue;
            }
            match self.lane.steps.get(key) {
                Some(StepState::InProgress { poll_at_ms, .. }) if *poll_at_ms > now_ms => continue,
                Some(StepState::Done { .. } | StepState::Failed { .. } | StepState::Skipped { .. }) => continue,
                Some(StepState::Waiting | StepState::InProgress { .. }) | None => {}
            }
            match self.readiness(step) {
                Readiness::Waiting => {}
                Readiness::Impossible { because } => {
                    self.lane.steps.insert(key.clone(), StepState::Skipped { because });
                }
                Readiness::Ready => match self.target(key, step) {
                    Ok(Some(target)) => wave.push((key.clone(), target)),
                    // Nothing is recorded of what is to be deleted: it is gone.
                    Ok(None) => self.settle(key, Ok(())),
                    Err(error) => self.settle(key, Err(error)),
                },
            }
        }
        wave
    }

    fn readiness(&self, step: &Step) -> Readiness {
        let mut readiness = Readiness::Ready;
        for dependency in &step.depends_on {
            match self.state_of(dependency) {
                StepState::Done { .. } => {}
                StepState::Waiting | StepState::InProgress { .. } => readiness = Readiness::Waiting,
                StepState::Failed { .. } => {
                    return Readiness::Impossible {
                        because: dependency.clone(),
                    };
                }
                StepState::Skipped { because } => return Readiness::Impossible { because },
            }
        }
        readiness
    }

    /// Where a step of this or another lane stands in this operation.
    fn state_of(&self, key: &ResourceKey) -> StepState {
        if let Some(state) = self.lane.steps.get(key) {
            return state.clone();
        }
        self.invocation
            .others
            .get(&key.kind.lane())
            // Another lane that has not begun yet still holds the steps of the operation before.
            .filter(|lane| lane.operation.as_deref() == Some(self.invocation.operation))
            .and_then(|lane| lane.steps.get(key).cloned())
            .unwrap_or_default()
    }

    fn attribute(&self, reference: &Reference) -> Option<String> {
        attribute_of(&self.lane.records, reference).or_else(|| {
            let lane = self.invocation.others.get(&reference.resource.kind.lane())?;
            attribute_of(&lane.records, reference)
        })
    }

    /// What to ask the provider for; `None` when there is nothing to delete.
    fn target(&self, key: &ResourceKey, step: &Step) -> Result<Option<Target>, String> {
        let record = self.lane.records.get(key);
        let resource = match (&step.action, record) {
            (Action::Delete, None) => return Ok(None),
            (Action::Delete, Some(record)) => record.resource.clone(),
            (Action::Create | Action::Update { .. } | Action::NoOp, _) => self.resolved(&step.resource)?,
        };
        Ok(Some(Target {
            resource,
            id: record.and_then(|record| record.id.clone()),
            token: record.map_or_else(String::new, |record| record.intent.token.clone()),
        }))
    }

    fn resolved(&self, resource: &Resource) -> Result<Resource, String> {
        resolve(resource, |reference| self.attribute(reference)).map_err(|reference| {
            format!(
                "the attribute `{}` of {}, which it needs, is not known",
                reference.attribute, reference.resource
            )
        })
    }

    /// Observes what there is time for; the rest is looked at by the next invocation.
    async fn observe(
        &self,
        wave: Vec<(ResourceKey, Target)>,
        claim: &Claim,
    ) -> Vec<(ResourceKey, Target, Result<Option<Observed>, CallError>)> {
        let providers = self.invocation.providers;
        futures::stream::iter(wave)
            .map(|(key, target)| async move {
                if !self.may_start_call(claim) {
                    return None;
                }
                let observed = match providers.of(key.kind) {
                    Ok(provider) => provider.observe(&target).await,
                    Err(error) => Err(error),
                };
                Some((key, target, observed))
            })
            .buffer_unordered(CALLS_AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    fn judge_one(
        &mut self,
        key: ResourceKey,
        target: Target,
        observed: Result<Option<Observed>, CallError>,
    ) -> Option<Call> {
        let now_ms = self.now_ms();
        let observed = match observed {
            Ok(observed) => observed,
            Err(error) => {
                self.refused(&key, &error);
                return None;
            }
        };
        let want = match self.invocation.plan.steps.get(&key).map(|step| &step.action) {
            Some(Action::Delete) | None => Want::Absent,
            Some(Action::Create | Action::Update { .. } | Action::NoOp) => Want::Present,
        };
        let stable = match self.lane.steps.get(&key) {
            Some(StepState::InProgress { stable, .. }) => *stable,
            _ => 0,
        };
        let record = self.lane.records.get(&key);
        let Judgement {
            decision,
            record,
            stable,
        } = judge(want, &target.resource, record, observed.as_ref(), stable, now_ms);
        match record {
            Some(record) => self.lane.records.insert(key.clone(), record),
            None => self.lane.records.remove(&key),
        };
        match &decision {
            Decision::Done => self.settle(&key, Ok(())),
            Decision::Fail { error } => self.settle(&key, Err(error.clone())),
            Decision::Wait { reason, .. } if now_ms.saturating_sub(self.since_ms(&key)) > step_ms_max(key.kind) => {
                let hours = step_ms_max(key.kind) / 3_600_000;
                let waited_for = reason.clone().unwrap_or_default();
                self.settle(
                    &key,
                    Err(format!(
                        "not done after {hours} h ({waited_for}); nothing was undone: see in the AWS console what holds it \
                         up, then start the operation again, which goes on from here"
                    )),
                );
            }
            Decision::Wait { poll_after_ms, reason } => {
                // Seen at all, it makes headway; unseen, what was refused before still counts.
                let refusals = if observed.is_some() { 0 } else { self.refusals(&key) };
                self.in_progress(&key, now_ms + poll_after_ms, reason.clone(), refusals, stable);
            }
            Decision::Create { .. } | Decision::Change | Decision::Delete | Decision::DeleteDuplicate { .. } => {
                return Some(Call {
                    key,
                    target,
                    observed,
                    decision,
                });
            }
        }
        None
    }

    /// Records every intent of this invocation: from now on, whatever happens, the calls may have been made.
    fn record_intents(&mut self, calls: &[Call], claim: &Claim) {
        let now_ms = self.now_ms();
        for call in calls {
            let Decision::Create { fresh } = call.decision else {
                continue;
            };
            let known = self.lane.records.get(&call.key);
            let token = match known {
                Some(record) if !fresh => record.intent.token.clone(),
                _ => intent::token(now_ms, self.invocation.operation, &call.key),
            };
            self.lane.records.insert(
                call.key.clone(),
                Record {
                    resource: call.target.resource.clone(),
                    intent: Intent {
                        token,
                        outcome: CallOutcome::Unknown {
                            until_ms: claim.expires_at_ms(),
                        },
                    },
                    id: None,
                    attributes: BTreeMap::new(),
                    ready: false,
                    seen: false,
                    absences: 0,
                },
            );
            self.in_progress(&call.key, now_ms, None, self.refusals(&call.key), 0);
        }
    }

    async fn act(&mut self, calls: Vec<Call>, claim: &Claim) {
        let this = &*self;
        let answers: Vec<_> = futures::stream::iter(calls)
            .map(|call| async move {
                // No call starts that could end after the claim has expired.
                let answer = if this.may_start_call(claim) {
                    Some(this.call(&call).await)
                } else {
                    None
                };
                (call, answer)
            })
            .buffer_unordered(CALLS_AT_ONCE)
            .collect()
            .await;
        for (call, answer) in answers {
            self.learn(&call, answer);
        }
    }

    async fn call(&self, call: &Call) -> Result<Progress, CallError> {
        let provider = self.invocation.providers.of(call.key.kind)?;
        let mut target = call.target.clone();
        match &call.decision {
            Decision::Create { .. } => {
                target.id = None;
                if let Some(record) = self.lane.records.get(&call.key) {
                    target.token.clone_from(&record.intent.token);
                }
                provider.ensure(&target, None).await
            }
            Decision::Change => provider.ensure(&target, call.observed.as_ref()).await,
            Decision::Delete => match &call.observed {
                Some(observed) => provider.delete(&target, observed).await,
                None => Ok(Progress::Done),
            },
            Decision::DeleteDuplicate { id } => delete_duplicate(provider, target, call, id).await,
            Decision::Done | Decision::Wait { .. } | Decision::Fail { .. } => Ok(Progress::Done),
        }
    }

    /// Records what a call came to.
    fn learn(&mut self, call: &Call, answer: Option<Result<Progress, CallError>>) {
        let now_ms = self.now_ms();
        let creates = call.decision.creates();
        let Some(answer) = answer else {
            // Not called for want of time.
            if creates {
                self.outcome(&call.key, CallOutcome::Refused, None);
            }
            self.in_progress(&call.key, now_ms, None, self.refusals(&call.key), 0);
            return;
        };
        match &answer {
            Ok(progress) => {
                tracing::info!(resource = %call.key, call = call.decision.name(), ?progress, "called");
            }
            Err(error) => {
                tracing::warn!(resource = %call.key, call = call.decision.name(), %error, "call failed");
            }
        }
        match answer {
            Ok(Progress::Blocked { reason }) => {
                if creates {
                    self.outcome(&call.key, CallOutcome::Refused, None);
                }
                self.settle(&call.key, Err(reason));
            }
            Ok(Progress::Done) => {
                if creates {
                    self.outcome(&call.key, CallOutcome::Answered { at_ms: now_ms }, None);
                }
                self.in_progress(&call.key, now_ms, None, 0, 0);
            }
            Ok(Progress::InProgress { id, poll_after_seconds }) => {
                if creates {
                    self.outcome(&call.key, CallOutcome::Answered { at_ms: now_ms }, id);
                }
                let poll_at_ms = now_ms + u64::from(poll_after_seconds) * 1000;
                self.in_progress(&call.key, poll_at_ms, None, 0, 0);
            }
            Err(error) => {
                if creates {
                    let outcome = match error.kind {
                        CallErrorKind::Unknown | CallErrorKind::Exists => CallOutcome::Unknown { until_ms: now_ms },
                        CallErrorKind::Throttled
                        | CallErrorKind::NotYet
                        | CallErrorKind::Invalid
                        | CallErrorKind::Denied => CallOutcome::Refused,
                    };
                    self.outcome(&call.key, outcome, None);
                }
                // Two looks found nothing, and yet it is taken: by somebody else.
                if creates && error.kind == CallErrorKind::Exists && call.key.kind.identity() == Identity::TagOnly {
                    self.settle(&call.key, Err(error.to_string()));
                } else {
                    self.refused(&call.key, &error);
                }
            }
        }
    }

    fn outcome(&mut self, key: &ResourceKey, outcome: CallOutcome, id: Option<String>) {
        if let Some(record) = self.lane.records.get_mut(key) {
            record.intent.outcome = outcome;
            if id.is_some() {
                record.id = id;
            }
        }
    }

    fn refusals(&self, key: &ResourceKey) -> u32 {
        match self.lane.steps.get(key) {
            Some(StepState::InProgress { refusals, .. }) => *refusals,
            _ => 0,
        }
    }

    /// After a call that failed: again later while the budget lasts, or never.
    fn refused(&mut self, key: &ResourceKey, error: &CallError) {
        let refusals = self.refusals(key) + 1;
        let deletes = self
            .invocation
            .plan
            .steps
            .get(key)
            .is_some_and(|step| step.action == Action::Delete);
        if !error.is_retryable() || refusals > refusals_max(deletes) {
            self.settle(key, Err(error.to_string()));
            return;
        }
        let poll_at_ms = self.now_ms() + backoff_ms(key, refusals);
        self.in_progress(key, poll_at_ms, Some(error.to_string()), refusals, 0);
    }

    fn since_ms(&self, key: &ResourceKey) -> UnixMs {
        match self.lane.steps.get(key) {
            Some(StepState::InProgress { since_ms, .. }) => *since_ms,
            _ => self.now_ms(),
        }
    }

    fn in_progress(
        &mut self,
        key: &ResourceKey,
        poll_at_ms: UnixMs,
        reason: Option<String>,
        refusals: u32,
        stable: u32,
    ) {
        let state = StepState::InProgress {
            since_ms: self.since_ms(key),
            poll_at_ms,
            reason,
            refusals,
            stable,
        };
        self.lane.steps.insert(key.clone(), state);
    }

    fn settle(&mut self, key: &ResourceKey, result: Result<(), String>) {
        let (since_ms, at_ms) = (self.since_ms(key), self.now_ms());
        let state = match result {
            Ok(()) => {
                tracing::info!(resource = %key, elapsed_ms = at_ms.saturating_sub(since_ms), "done");
                StepState::Done { since_ms, at_ms }
            }
            Err(error) => {
                tracing::error!(resource = %key, %error, "failed");
                StepState::Failed { since_ms, at_ms, error }
            }
        };
        self.lane.steps.insert(key.clone(), state);
    }

    /// Marks what depends on something that failed, until nothing more is found.
    fn skip_what_cannot_be(&mut self) {
        loop {
            let impossible: Vec<(ResourceKey, ResourceKey)> = self
                .invocation
                .plan
                .steps
                .iter()
                .filter(|(key, _)| matches!(self.lane.steps.get(*key), Some(StepState::Waiting) | None))
                .filter_map(|(key, step)| match self.readiness(step) {
                    Readiness::Impossible { because } => Some((key.clone(), because)),
                    Readiness::Ready | Readiness::Waiting => None,
                })
                .collect();
            if impossible.is_empty() {
                return;
            }
            for (key, because) in impossible {
                self.lane.steps.insert(key, StepState::Skipped { because });
            }
        }
    }

    /// How long until the other lanes can have made headway: they look again at their own steps no sooner.
    fn others_headway_ms(&self, now_ms: UnixMs) -> UnixMs {
        let soonest_ms = self
            .invocation
            .others
            .values()
            .filter(|lane| lane.operation.as_deref() == Some(self.invocation.operation))
            .flat_map(|lane| lane.steps.values())
            .filter_map(|state| match state {
                StepState::InProgress { poll_at_ms, .. } => Some(poll_at_ms.saturating_sub(now_ms)),
                StepState::Waiting | StepState::Done { .. } | StepState::Failed { .. } | StepState::Skipped { .. } => {
                    None
                }
            })
            .min()
            .unwrap_or(0);
        // A little later, when what they saw is recorded.
        (soonest_ms + 1_000).max(OTHER_LANES_POLL_MS)
    }

    fn report(&self) -> LaneReport {
        let now_ms = self.now_ms();
        let wait_ms = self
            .lane
            .steps
            .iter()
            .filter_map(|(key, state)| match state {
                StepState::InProgress { poll_at_ms, .. } => Some(poll_at_ms.saturating_sub(now_ms)),
                // A step that became ready just now begins at the next call.
                StepState::Waiting => match self.invocation.plan.steps.get(key).map(|step| self.readiness(step)) {
                    Some(Readiness::Ready) => Some(0),
                    _ => None,
                },
                StepState::Done { .. } | StepState::Failed { .. } | StepState::Skipped { .. } => None,
            })
            .min()
            .unwrap_or_else(|| self.others_headway_ms(now_ms));
        LaneReport {
            settled: self.lane.steps.values().all(StepState::is_settled),
            wait_seconds: wait_ms.div_ceil(1000).clamp(1, WAIT_SECONDS_MAX),
            counts: Counts::of(self.lane.steps.values()),
        }
    }
}

async fn delete_duplicate(
    provider: &dyn Provider,
    mut target: Target,
    call: &Call,
    id: &str,
) -> Result<Progress, CallError> {
    target.id = Some(id.to_owned());
    let observed = Observed {
        id: id.to_owned(),
        duplicates: Vec::new(),
        ..call.observed.clone().unwrap_or_default()
    };
    provider.delete(&target, &observed).await
}
