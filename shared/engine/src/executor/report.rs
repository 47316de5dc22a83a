//! What one invocation came to, and when to call again.

use outrigger_model::{StepState, UnixMs};
use outrigger_plan::Step;
use serde::{Deserialize, Serialize};

use super::{Readiness, Run};

/// How long a lane waits, at the least, that only waits for other lanes.
const OTHER_LANES_POLL_MS: UnixMs = 2_000;
/// How much later than another lane has looked what it saw is recorded.
const RECORDED_AFTER_MS: UnixMs = 1_000;
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
    /// Accepted by AWS, to change in the maintenance window.
    #[serde(default)]
    pub pending_window: usize,
    /// Looked at, and not as recorded.
    #[serde(default)]
    pub drifted: usize,
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
                StepState::PendingWindow { .. } => counts.pending_window += 1,
                StepState::Drifted { .. } => counts.drifted += 1,
                StepState::Failed { .. } => counts.failed += 1,
                StepState::Skipped { .. } => counts.skipped += 1,
            }
        }
        counts
    }
}

impl Run<'_> {
    /// How long until the other lanes can have made headway: they look again at their own steps no sooner.
    fn others_headway_ms(&self, now_ms: UnixMs) -> UnixMs {
        let soonest_ms = self
            .invocation
            .others
            .values()
            .filter(|lane| lane.operation.as_deref() == Some(self.invocation.run))
            .flat_map(|lane| lane.steps.values())
            .filter_map(|state| match state {
                StepState::InProgress { poll_at_ms, .. } => Some(poll_at_ms.saturating_sub(now_ms)),
                StepState::Waiting
                | StepState::Done { .. }
                | StepState::PendingWindow { .. }
                | StepState::Drifted { .. }
                | StepState::Failed { .. }
                | StepState::Skipped { .. } => None,
            })
            .min()
            .unwrap_or(0);
        (soonest_ms + RECORDED_AFTER_MS).max(OTHER_LANES_POLL_MS)
    }

    /// How long until a step can go on that waits for other lanes alone: what it waits for is under way, and its lane
    /// looks at it no sooner.
    fn others_ms(&self, step: &Step, now_ms: UnixMs) -> Option<UnixMs> {
        let mut latest_ms = None;
        for dependency in &step.depends_on {
            match self.state_of(dependency) {
                StepState::InProgress { poll_at_ms, .. } if !self.lane.steps.contains_key(dependency) => {
                    latest_ms = latest_ms.max(Some(poll_at_ms.saturating_sub(now_ms)));
                }
                StepState::Waiting | StepState::InProgress { .. } => return None,
                StepState::Done { .. }
                | StepState::PendingWindow { .. }
                | StepState::Drifted { .. }
                | StepState::Failed { .. }
                | StepState::Skipped { .. } => {}
            }
        }
        latest_ms.map(|ms| (ms + RECORDED_AFTER_MS).max(OTHER_LANES_POLL_MS))
    }

    pub(super) fn report(&self) -> LaneReport {
        let now_ms = self.now_ms();
        let wait_ms = self
            .lane
            .steps
            .iter()
            .filter_map(|(key, state)| match state {
                StepState::InProgress { poll_at_ms, .. } => Some(poll_at_ms.saturating_sub(now_ms)),
                // A step that became ready just now begins at the next call.
                StepState::Waiting => {
                    let step = self.invocation.plan.steps.get(key)?;
                    match self.readiness(step) {
                        Readiness::Ready => Some(0),
                        Readiness::Waiting => self.others_ms(step, now_ms),
                        Readiness::Impossible { .. } => None,
                    }
                }
                StepState::Done { .. }
                | StepState::PendingWindow { .. }
                | StepState::Drifted { .. }
                | StepState::Failed { .. }
                | StepState::Skipped { .. } => None,
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
