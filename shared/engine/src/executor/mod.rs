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
mod inspect;
mod intent;
mod providers;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use outrigger_model::properties::Reference;
use outrigger_model::{
    CallOutcome, CallRecord, Changed, Identity, Intent, Lane, Record, Resource, ResourceKey, StepState, UnixMs,
};
use outrigger_plan::plan::attribute_of;
use outrigger_plan::resolve::resolve;
use outrigger_plan::{Action, Plan, Step};

pub use providers::Providers;
pub use report::{Counts, LaneReport};

use crate::durations;
use crate::ports::clock::Clock;
use crate::ports::provider::{
    CALL_SECONDS_MAX, CallError, CallErrorKind, Condition, Observed, Progress, Provider, Target,
};
use crate::state::content::LaneState;
use crate::state::{Claim, State, StateError};
use decide::{Decision, Judgement, Want, backoff_ms, judge, poll_at_work_ms, refusals_max, stable_min, step_ms_max};

/// How many of a step's calls stay on record.
const CALLS_KEPT: usize = 10;
/// How many calls are under way at once.
const CALLS_AT_ONCE: usize = 8;

/// What is done with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The resources are brought to it.
    Converge,
    /// They are only looked at.
    Inspect,
    /// They are looked at, and recorded as they are.
    Accept,
}

/// What an invocation works with.
pub struct Invocation<'a> {
    /// The state store's protocol.
    pub state: &'a State,
    /// The providers of the lane's kinds.
    pub providers: &'a Providers,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Names this run of the operation's lanes.
    pub run: &'a str,
    /// What is done with the plan.
    pub mode: Mode,
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
    if lane.operation.as_deref() != Some(invocation.run) {
        begin(&mut lane, invocation.run, invocation.plan);
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

/// Makes the plan's steps those of the lane. What is to be replaced is recorded as its former object from now on.
fn begin(lane: &mut LaneState, run: &str, plan: &Plan) {
    lane.operation = Some(run.to_owned());
    lane.calls.clear();
    lane.kept.clear();
    lane.steps = plan.steps.keys().map(|key| (key.clone(), StepState::Waiting)).collect();
    for (key, step) in &plan.steps {
        if let Action::Replace { former, .. } = &step.action
            && let Some(mut record) = lane.records.remove(key)
        {
            record.resource.key = former.clone();
            lane.records.insert(former.clone(), record);
        }
    }
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

/// What was seen of a resource, and, of one that is gone, what it leaves behind on purpose.
struct Look {
    key: ResourceKey,
    target: Target,
    seen: Result<(Option<Observed>, Vec<String>), CallError>,
}

async fn look(
    provider: &dyn Provider,
    target: &Target,
    deletes: bool,
) -> Result<(Option<Observed>, Vec<String>), CallError> {
    let observed = provider.observe(target).await?;
    let kept = match deletes && observed.is_none() {
        true => provider.kept(target).await?,
        false => Vec::new(),
    };
    Ok((observed, kept))
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
        let mut looked_at: BTreeSet<ResourceKey> = BTreeSet::new();
        // Each wave looks at one more step at the least, so there are no more waves than steps.
        for _ in 0..=self.invocation.plan.steps.len() {
            let wave = self.begin_wave(&looked_at);
            if wave.is_empty() {
                break;
            }
            looked_at.extend(wave.iter().map(|(key, _)| key.clone()));
            for look in self.observe(wave, claim).await {
                match self.invocation.mode {
                    Mode::Converge => calls.extend(self.judge_one(look)),
                    Mode::Inspect | Mode::Accept => self.inspect_one(look),
                }
            }
        }
        calls
    }

    /// The steps to look at now, with their targets; steps that cannot be are marked on the way.
    fn begin_wave(&mut self, looked_at: &BTreeSet<ResourceKey>) -> Vec<(ResourceKey, Target)> {
        let now_ms = self.now_ms();
        let mut wave = Vec::new();
        for (key, step) in &self.invocation.plan.steps {
            if looked_at.contains(key) {
                continue;
            }
            match self.lane.steps.get(key) {
                Some(StepState::InProgress { poll_at_ms, .. }) if *poll_at_ms > now_ms => continue,
                Some(state) if state.is_settled() => continue,
                Some(_) | None => {}
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
                // What was looked at and differs keeps nobody waiting: to look changes nothing.
                StepState::Done { .. } | StepState::PendingWindow { .. } | StepState::Drifted { .. } => {}
                StepState::Waiting | StepState::InProgress { .. } => readiness = Readiness::Waiting,
                StepState::Failed { .. } => {
                    return Readiness::Impossible {
                        because: dependency.clone(),
                    };
                }
                StepState::Skipped { because } => {
                    return Readiness::Impossible {
                        because: because.clone(),
                    };
                }
            }
        }
        readiness
    }

    /// Where a step of this or another lane stands in this operation.
    fn state_of(&self, key: &ResourceKey) -> &StepState {
        if let Some(state) = self.lane.steps.get(key) {
            return state;
        }
        self.invocation
            .others
            .get(&key.kind.lane())
            // Another lane that has not begun yet still holds the steps of the operation before.
            .filter(|lane| lane.operation.as_deref() == Some(self.invocation.run))
            .and_then(|lane| lane.steps.get(key))
            .unwrap_or(&StepState::Waiting)
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
            (Action::Delete { .. }, None) => return Ok(None),
            (Action::Delete { .. }, Some(record)) => record.resource.clone(),
            (Action::Create | Action::Update { .. } | Action::Replace { .. } | Action::NoOp, _) => {
                self.resolved(&step.resource)?
            }
        };
        Ok(Some(Target {
            id: record.and_then(|record| record.id.clone()),
            token: record.map_or_else(String::new, |record| record.intent.token.clone()),
            tags_gone: record.map_or_else(BTreeSet::new, |record| tags_gone(&record.resource, &resource)),
            not: self.namesakes(key),
            unprotect: matches!(step.action, Action::Delete { unprotect: true }),
            going: matches!(step.action, Action::Delete { .. }),
            resource,
        }))
    }

    /// The ids of the other objects that carry the same tags: a resource's former objects, and what took their place.
    fn namesakes(&self, key: &ResourceKey) -> BTreeSet<String> {
        let (current, own) = (key.current(), key);
        self.lane
            .records
            .range(current.clone()..)
            .take_while(|(other, _)| other.name.starts_with(&current.name) && other.kind == current.kind)
            .filter(|(other, _)| *other != own && other.current() == current)
            .filter_map(|(_, record)| record.id.clone())
            .collect()
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
    async fn observe(&self, wave: Vec<(ResourceKey, Target)>, claim: &Claim) -> Vec<Look> {
        let providers = self.invocation.providers;
        let steps = &self.invocation.plan.steps;
        futures::stream::iter(wave)
            .map(|(key, target)| async move {
                if !self.may_start_call(claim) {
                    return None;
                }
                let deletes = matches!(steps.get(&key).map(|step| &step.action), Some(Action::Delete { .. }));
                let seen = match providers.of(key.kind) {
                    Ok(provider) => look(provider, &target, deletes).await,
                    Err(error) => Err(error),
                };
                Some(Look { key, target, seen })
            })
            .buffer_unordered(CALLS_AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    fn judge_one(&mut self, look: Look) -> Option<Call> {
        let Look { key, target, seen } = look;
        let now_ms = self.now_ms();
        let (observed, kept) = match seen {
            Ok(seen) => seen,
            Err(error) => {
                self.refused(&key, &error);
                return None;
            }
        };
        let want = match self.invocation.plan.steps.get(&key).map(|step| &step.action) {
            Some(Action::Delete { .. }) | None => Want::Absent,
            Some(Action::Create | Action::Update { .. } | Action::Replace { .. } | Action::NoOp) => Want::Present,
        };
        let stable = self.stable(&key);
        let record = self.lane.records.get(&key);
        let looks_min = self.looks_min(&key, record);
        let Judgement {
            decision,
            record,
            stable,
        } = judge(
            want,
            &target.resource,
            record,
            observed.as_ref(),
            stable,
            looks_min,
            now_ms,
        );
        match record {
            Some(record) => self.lane.records.insert(key.clone(), record),
            None => self.lane.records.remove(&key),
        };
        match &decision {
            Decision::Done => {
                if !kept.is_empty() {
                    self.lane.kept.insert(key.clone(), kept);
                }
                self.settle(&key, Ok(()));
            }
            Decision::DonePending { properties } => self.settle_pending(&key, properties.clone()),
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
                let poll_after_ms = match observed.as_ref().map(|observed| &observed.condition) {
                    Some(Condition::Changing { .. } | Condition::Deleting) => {
                        poll_at_work_ms(self.usual_ms(&key), now_ms.saturating_sub(self.since_ms(&key)))
                    }
                    Some(Condition::Ready | Condition::Broken { .. }) | None => *poll_after_ms,
                };
                // Seen at all, it makes headway; unseen, what was refused before still counts.
                let refusals = if observed.is_some() { 0 } else { self.refusals(&key) };
                self.in_progress(&key, now_ms + poll_after_ms, reason.clone(), refusals, stable);
            }
            Decision::Change if now_ms.saturating_sub(self.since_ms(&key)) > step_ms_max(key.kind) => {
                let differences = observed.iter().flat_map(|observed| &observed.differences);
                let properties: Vec<&str> = differences.map(|difference| difference.property).collect();
                let hours = step_ms_max(key.kind) / 3_600_000;
                let still = properties.join(", ");
                self.settle(
                    &key,
                    Err(format!(
                        "still not as it is wanted after {hours} h ({still}), although AWS takes every call; see in its \
                         console what changes it back"
                    )),
                );
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

    /// How long AWS usually takes for what the plan does with a resource.
    fn usual_ms(&self, key: &ResourceKey) -> UnixMs {
        let usual = durations::of(key.kind);
        match self.invocation.plan.steps.get(key).map(|step| &step.action) {
            Some(Action::Create | Action::Replace { .. }) => usual.create_ms,
            Some(Action::Update { .. }) => usual.change_ms,
            Some(Action::Delete { .. }) => usual.delete_ms,
            Some(Action::NoOp) | None => 0,
        }
    }

    /// How many observations in a row must find a resource as it is wanted: one, unless something is done to it.
    fn looks_min(&self, key: &ResourceKey, record: Option<&Record>) -> u32 {
        let planned = self.invocation.plan.steps.get(key).map(|step| &step.action);
        let is_touched = !matches!(planned, Some(Action::NoOp)) || self.lane.calls.contains_key(key);
        match is_touched || !record.is_some_and(|record| record.ready) {
            true => stable_min(key.kind),
            false => 1,
        }
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
                _ => intent::token(now_ms, self.invocation.run, &call.key),
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
                    changed: BTreeMap::new(),
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
            Decision::Done | Decision::DonePending { .. } | Decision::Wait { .. } | Decision::Fail { .. } => {
                Ok(Progress::Done)
            }
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
        self.note_call(call, &answer);
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
            Ok(Progress::InProgress {
                id, poll_after_seconds, ..
            }) => {
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

    /// Keeps a call on record: AWS's support asks for request ids.
    fn note_call(&mut self, call: &Call, answer: &Result<Progress, CallError>) {
        let at_ms = self.now_ms();
        let (request_id, error) = match answer {
            Ok(Progress::InProgress { request_id, .. }) => (request_id.clone(), None),
            Ok(Progress::Done | Progress::Blocked { .. }) => return,
            Err(error) => (error.request_id.clone(), Some(error.to_string())),
        };
        if error.is_none()
            && call.decision == Decision::Change
            && let Some(record) = self.lane.records.get_mut(&call.key)
        {
            // AWS wants time between changes of some properties.
            let differences = call.observed.iter().flat_map(|observed| &observed.differences);
            record.changed.extend(differences.map(|difference| {
                let to = difference.wanted.clone();
                (difference.property.to_owned(), Changed { at_ms, to })
            }));
        }
        let calls = self.lane.calls.entry(call.key.clone()).or_default();
        if calls.len() >= CALLS_KEPT {
            calls.remove(0);
        }
        calls.push(CallRecord {
            verb: call.decision.name().to_owned(),
            at_ms,
            request_id,
            error,
        });
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

    /// How many observations in a row have found the same.
    fn stable(&self, key: &ResourceKey) -> u32 {
        match self.lane.steps.get(key) {
            Some(StepState::InProgress { stable, .. }) => *stable,
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
            .is_some_and(|step| matches!(step.action, Action::Delete { .. }));
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

    fn settle_pending(&mut self, key: &ResourceKey, properties: Vec<String>) {
        tracing::info!(resource = %key, ?properties, "accepted, pending the maintenance window");
        let state = StepState::PendingWindow {
            since_ms: self.since_ms(key),
            at_ms: self.now_ms(),
            properties,
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
}

/// The tags that a resource was given and is not to have any more.
fn tags_gone(recorded: &Resource, wanted: &Resource) -> BTreeSet<String> {
    let keys = recorded.tags.keys().filter(|tag| !wanted.tags.contains_key(*tag));
    keys.cloned().collect()
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
