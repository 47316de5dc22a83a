//! How far an operation is: what a user is shown of it while it runs.

mod bars;
mod lines;

use std::collections::BTreeMap;

use outrigger_engine::executor::Counts;
use outrigger_model::{Lane, ResourceKey, StepState, UnixMs};
use outrigger_plan::Action;

pub(crate) use bars::Bars;
pub(crate) use lines::Lines;

use crate::output::span;

/// An operation's steps, as they stand at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// Each step with what it does and where it stands.
    pub(crate) steps: BTreeMap<ResourceKey, Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// What it does.
    pub(crate) action: Action,
    /// Where it stands.
    pub(crate) state: StepState,
}

/// A step that stands elsewhere than before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Which.
    pub(crate) key: ResourceKey,
    /// The step now.
    pub(crate) step: Step,
}

/// Shows an operation's progress.
pub(crate) trait Reporter: Send {
    /// The plan is made.
    fn planned(&mut self, snapshot: &Snapshot, now_ms: UnixMs);
    /// Time has gone by; these steps stand elsewhere than before.
    fn moved(&mut self, changes: &[Change], snapshot: &Snapshot, now_ms: UnixMs);
    /// There is nothing more to show.
    fn finish(&mut self);
}

/// The reporter that fits standard error: bars on a terminal, lines elsewhere.
pub(crate) fn reporter() -> Box<dyn Reporter> {
    if console::Term::stderr().is_term() {
        Box::new(Bars::new())
    } else {
        Box::new(Lines)
    }
}

impl Snapshot {
    /// The steps of a lane.
    pub(crate) fn lane(&self, lane: Lane) -> impl Iterator<Item = (&ResourceKey, &Step)> {
        self.steps.iter().filter(move |(key, _)| key.kind.lane() == lane)
    }

    /// How many steps of a lane stand where.
    pub(crate) fn counts(&self, lane: Lane) -> Counts {
        Counts::of(self.lane(lane).map(|(_, step)| &step.state))
    }

    /// What stands elsewhere than it did in `before`, in the order of the keys.
    pub(crate) fn changes_since(&self, before: &Snapshot) -> Vec<Change> {
        self.steps
            .iter()
            .filter(|(key, step)| {
                let earlier = before.steps.get(key).map(|step| &step.state);
                !same(earlier.unwrap_or(&StepState::Waiting), &step.state)
            })
            .map(|(key, step)| Change {
                key: key.clone(),
                step: step.clone(),
            })
            .collect()
    }

    /// What the plan is to do, in one line.
    pub(crate) fn summary(&self) -> String {
        let count = |wanted: fn(&Action) -> bool| self.steps.values().filter(|step| wanted(&step.action)).count();
        let counts = [
            (count(|action| matches!(action, Action::Create)), "to create"),
            (count(|action| matches!(action, Action::Update { .. })), "to update"),
            (count(|action| matches!(action, Action::Delete)), "to delete"),
            (count(|action| matches!(action, Action::NoOp)), "as they are wanted"),
        ];
        let parts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        match parts.as_slice() {
            [] => "the plan has no steps".to_owned(),
            parts => format!("the plan has {} steps: {}", self.steps.len(), parts.join(", ")),
        }
    }
}

/// Whether a user would see no difference: how often it was looked at is none.
fn same(one: &StepState, other: &StepState) -> bool {
    match (one, other) {
        (StepState::InProgress { reason, .. }, StepState::InProgress { reason: other, .. }) => reason == other,
        _ => one.as_str() == other.as_str(),
    }
}

/// Where a step stands, in a word that tells what it does.
pub(crate) fn word(step: &Step) -> &'static str {
    match (&step.state, &step.action) {
        (StepState::Waiting, _) => "waiting",
        (StepState::InProgress { .. }, Action::Create) => "creating",
        (StepState::InProgress { .. }, Action::Update { .. }) => "updating",
        (StepState::InProgress { .. }, Action::NoOp) => "checking",
        (StepState::InProgress { .. }, Action::Delete) => "deleting",
        (StepState::Done { .. }, Action::Create) => "created",
        (StepState::Done { .. }, Action::Update { .. }) => "updated",
        (StepState::Done { .. }, Action::NoOp) => "unchanged",
        (StepState::Done { .. }, Action::Delete) => "deleted",
        (StepState::Failed { .. }, _) => "failed",
        (StepState::Skipped { .. }, _) => "skipped",
    }
}

/// How long a step has been under way, or took.
pub(crate) fn elapsed_ms(state: &StepState, now_ms: UnixMs) -> Option<u64> {
    match state {
        StepState::Waiting | StepState::Skipped { .. } => None,
        StepState::InProgress { since_ms, .. } => Some(now_ms.saturating_sub(*since_ms)),
        StepState::Done { since_ms, at_ms } | StepState::Failed { since_ms, at_ms, .. } => {
            Some(at_ms.saturating_sub(*since_ms))
        }
    }
}

/// What there is to say of a state beyond its word.
pub(crate) fn remark(state: &StepState) -> Option<String> {
    match state {
        StepState::Waiting | StepState::Done { .. } => None,
        StepState::InProgress { reason, .. } => reason.clone(),
        StepState::Failed { error, .. } => Some(error.clone()),
        StepState::Skipped { because } => Some(format!("because {because} failed")),
    }
}

/// Whether a change is worth a line: what was found as it should be is not.
fn is_news(change: &Change) -> bool {
    match (&change.step.state, &change.step.action) {
        (StepState::InProgress { .. } | StepState::Done { .. }, Action::NoOp) => false,
        (StepState::Waiting, _) => false,
        (StepState::InProgress { .. } | StepState::Done { .. }, _) => true,
        (StepState::Failed { .. } | StepState::Skipped { .. }, _) => true,
    }
}

/// One change in one line: lane, resource, state, elapsed, remark.
fn line(change: &Change, now_ms: UnixMs) -> String {
    let Change { key, step } = change;
    let elapsed = elapsed_ms(&step.state, now_ms).map(span).unwrap_or_default();
    let remark = remark(&step.state).unwrap_or_default();
    let line = format!(
        "{:13}  {:<44}  {:9}  {elapsed:>10}  {remark}",
        key.kind.lane(),
        key.to_string(),
        word(step)
    );
    line.trim_end().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use outrigger_model::{Kind, Region};

    use super::*;

    pub(crate) fn key(kind: Kind, name: &str) -> ResourceKey {
        ResourceKey::new(&Region::new("us-east-1"), kind, name)
    }

    pub(crate) fn in_progress(reason: Option<&str>) -> StepState {
        StepState::InProgress {
            since_ms: 1_000,
            poll_at_ms: 0,
            reason: reason.map(str::to_owned),
            refusals: 0,
            stable: 0,
        }
    }

    /// A stack on its way: one step in each state.
    pub(crate) fn snapshot() -> Snapshot {
        let create = |state| Step {
            action: Action::Create,
            state,
        };
        let done = StepState::Done {
            since_ms: 1_000,
            at_ms: 4_200,
        };
        let failed = StepState::Failed {
            since_ms: 1_000,
            at_ms: 66_000,
            error: "kinesis:CreateStream failed: too many shards (LimitExceededException)".to_owned(),
        };
        Snapshot {
            steps: BTreeMap::from([
                (key(Kind::Vpc, "vpc"), create(done.clone())),
                (key(Kind::Subnet, "public-1"), create(in_progress(None))),
                (
                    key(Kind::SecurityGroup, "cache"),
                    Step {
                        action: Action::NoOp,
                        state: done,
                    },
                ),
                (key(Kind::Stream, "events"), create(failed)),
                (
                    key(Kind::DbInstance, "main"),
                    Step {
                        action: Action::Update {
                            properties: vec!["storage_gib".to_owned()],
                        },
                        state: in_progress(Some("it is modifying")),
                    },
                ),
                (key(Kind::Secret, "main"), create(StepState::Waiting)),
                (
                    key(Kind::Alarm, "no-records"),
                    create(StepState::Skipped {
                        because: key(Kind::Stream, "events"),
                    }),
                ),
            ]),
        }
    }

    #[test]
    fn changes_are_lines() {
        let lines: Vec<String> = snapshot()
            .changes_since(&Snapshot::default())
            .iter()
            .filter(|change| is_news(change))
            .map(|change| line(change, 13_500))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        network        us-east-1/vpc/vpc                             created         3.2 s
        network        us-east-1/subnet/public-1                     creating         12 s
        datastore      us-east-1/db-instance/main                    updating         12 s  it is modifying
        datastore      us-east-1/stream/events                       failed      1 min 5 s  kinesis:CreateStream failed: too many shards (LimitExceededException)
        observability  us-east-1/alarm/no-records                    skipped                because us-east-1/stream/events failed
        ");
    }

    #[test]
    fn what_a_user_would_not_see_is_no_change() {
        let (before, mut after) = (snapshot(), snapshot());
        assert_eq!(after.changes_since(&before), []);
        let step = after.steps.get_mut(&key(Kind::Subnet, "public-1")).unwrap();
        step.state = StepState::InProgress {
            since_ms: 1_000,
            poll_at_ms: 9_000,
            reason: None,
            refusals: 2,
            stable: 1,
        };
        assert_eq!(after.changes_since(&before), []);
        let step = after.steps.get_mut(&key(Kind::Subnet, "public-1")).unwrap();
        step.state = in_progress(Some("throttled"));
        assert_eq!(after.changes_since(&before).len(), 1);
    }

    #[test]
    fn a_plan_is_summed_up() {
        assert_eq!(
            snapshot().summary(),
            "the plan has 7 steps: 5 to create, 1 to update, 1 as they are wanted"
        );
        assert_eq!(Snapshot::default().summary(), "the plan has no steps");
    }
}
