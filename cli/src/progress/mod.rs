//! How far an operation is: what a user is shown of it while it runs.

mod bars;
mod expected;
mod lines;
mod outlook;
mod screen;
mod spinner;

use std::collections::BTreeMap;

use outrigger_engine::executor::Counts;
use outrigger_model::{Drift, Lane, ResourceKey, StepState, UnixMs};
use outrigger_plan::Action;

pub(crate) use bars::Bars;
pub(crate) use expected::Expected;
pub(crate) use lines::Lines;
pub(crate) use outlook::Outlook;
pub(crate) use spinner::Spinner;

use crate::output::span;
use crate::plan_view::Summary;

/// What an operation does with its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It brings the resources to the plan.
    #[default]
    Change,
    /// It only looks.
    Look,
    /// It takes back what it has done.
    GoBack,
}

/// An operation's steps, as they stand at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// What is done with them.
    pub(crate) purpose: Purpose,
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
    /// How many calls it has made that change something.
    pub(crate) calls: usize,
}

/// A step that stands elsewhere than before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Which.
    pub(crate) key: ResourceKey,
    /// The step now.
    pub(crate) step: Step,
}

/// An operation at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    /// Where its steps stand.
    pub(crate) snapshot: &'a Snapshot,
    /// When they are expected to end.
    pub(crate) outlook: &'a Outlook,
    /// When it began.
    pub(crate) started_at_ms: UnixMs,
    /// Which moment.
    pub(crate) now_ms: UnixMs,
}

impl<'a> Moment<'a> {
    /// Where the steps stand, and what is expected of them.
    pub(crate) fn new(snapshot: &'a Snapshot, outlook: &'a Outlook, started_at_ms: UnixMs, now_ms: UnixMs) -> Self {
        Self {
            snapshot,
            outlook,
            started_at_ms,
            now_ms,
        }
    }
}

/// Shows an operation's progress.
pub(crate) trait Reporter: Send {
    /// The plan is made.
    fn planned(&mut self, moment: &Moment<'_>);
    /// Time has gone by; these steps stand elsewhere than before.
    fn moved(&mut self, changes: &[Change], moment: &Moment<'_>);
    /// The operation has failed, and goes back from now on; these are the steps of that.
    fn going_back(&mut self, failures: &[String], moment: &Moment<'_>);
    /// There is nothing more to show.
    fn finish(&mut self);
}

/// The reporter that fits standard error: bars on a terminal, lines elsewhere.
pub(crate) fn reporter() -> Box<dyn Reporter> {
    if console::Term::stderr().is_term() {
        Box::new(Bars::new())
    } else {
        Box::new(Lines::new())
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

    /// The same steps, before any has begun.
    pub(crate) fn waiting(&self) -> Self {
        let mut waiting = self.clone();
        for step in waiting.steps.values_mut() {
            (step.state, step.calls) = (StepState::Waiting, 0);
        }
        waiting
    }

    /// The steps, but of a replacement that has come through: one of its two.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &Step> {
        let replaced = |key: &ResourceKey| {
            let current = self.steps.get(&key.current());
            current.is_some_and(|step| matches!(&step.action, Action::Replace { former, .. } if former == key))
        };
        let is_half = move |key: &ResourceKey, step: &Step| step.state.is_done() && replaced(key);
        self.steps
            .iter()
            .filter(move |(key, step)| !is_half(key, step))
            .map(|(_, step)| step)
    }

    /// What is to be done, in one line.
    pub(crate) fn summary(&self) -> String {
        let summary = Summary::of(self.steps.iter().map(|(key, step)| (key, &step.action)));
        match (self.purpose, self.steps.len()) {
            (Purpose::Look, count) => format!("looking at {count} resources"),
            (Purpose::Change, 0) => "the plan has no steps".to_owned(),
            (Purpose::Change, count) => format!("the plan has {count} steps: {summary}"),
            (Purpose::GoBack, _) => format!("going back: {summary}"),
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
        (StepState::InProgress { .. }, Action::Replace { .. }) => "replacing",
        (StepState::InProgress { .. }, Action::NoOp) if step.calls > 0 => "repairing",
        (StepState::InProgress { .. }, Action::NoOp) => "checking",
        (StepState::InProgress { .. }, Action::Delete { .. }) => "deleting",
        (StepState::Done { .. }, Action::Create) => "created",
        (StepState::Done { .. }, Action::Update { .. }) => "updated",
        (StepState::Done { .. }, Action::Replace { .. }) => "replaced",
        (StepState::Done { .. }, Action::NoOp) if step.calls > 0 => "put back",
        (StepState::Done { .. }, Action::NoOp) => "unchanged",
        (StepState::Done { .. }, Action::Delete { .. }) => "deleted",
        (StepState::PendingWindow { .. }, _) => "pending window",
        (StepState::Drifted { .. }, _) => "drifted",
        (StepState::Failed { .. }, _) => "failed",
        (StepState::Skipped { .. }, _) => "skipped",
    }
}

/// How long a step has been under way, or took.
pub(crate) fn elapsed_ms(state: &StepState, now_ms: UnixMs) -> Option<u64> {
    match state {
        StepState::Waiting | StepState::Drifted { .. } | StepState::Skipped { .. } => None,
        StepState::InProgress { since_ms, .. } => Some(now_ms.saturating_sub(*since_ms)),
        StepState::Done { since_ms, at_ms }
        | StepState::PendingWindow { since_ms, at_ms, .. }
        | StepState::Failed { since_ms, at_ms, .. } => Some(at_ms.saturating_sub(*since_ms)),
    }
}

/// What there is to say of a state beyond its word.
pub(crate) fn remark(state: &StepState) -> Option<String> {
    match state {
        StepState::Waiting | StepState::Done { .. } => None,
        StepState::InProgress { reason, .. } => reason.clone(),
        StepState::PendingWindow { properties, .. } => Some(format!(
            "{} will change in the maintenance window",
            properties.join(", ")
        )),
        StepState::Drifted { drift, .. } => Some(drift_words(drift)),
        StepState::Failed { error, .. } => Some(error.clone()),
        StepState::Skipped { because } => Some(format!("because {because} failed")),
    }
}

/// How a resource differs from its record, in a few words.
fn drift_words(drift: &Drift) -> String {
    match drift {
        Drift::Missing => "it is gone".to_owned(),
        Drift::NotOurs { id } => format!("{id} has its name, and is not ours"),
        Drift::Broken { reason } => reason.clone(),
        Drift::Changed { deviations, accepted } => {
            let properties: Vec<&str> = deviations.iter().map(|of| of.property.as_str()).collect();
            let accepted = if *accepted { ", accepted" } else { "" };
            format!("{}{accepted}", properties.join(", "))
        }
    }
}

/// Whether a change is worth a line: what was found as it should be is not.
fn is_news(change: &Change) -> bool {
    match (&change.step.state, &change.step.action) {
        (StepState::Waiting, _) => false,
        (StepState::InProgress { .. } | StepState::Done { .. }, Action::NoOp) => change.step.calls > 0,
        (StepState::InProgress { .. } | StepState::Done { .. }, _) => true,
        (
            StepState::PendingWindow { .. }
            | StepState::Drifted { .. }
            | StepState::Failed { .. }
            | StepState::Skipped { .. },
            _,
        ) => true,
    }
}

/// That the operation goes back, and why.
fn back_lines(failures: &[String], snapshot: &Snapshot) -> Vec<String> {
    let failures = failures.iter().map(|failure| format!("failed: {failure}"));
    failures.chain([snapshot.summary()]).collect()
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
            calls: 1,
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
            purpose: Purpose::Change,
            steps: BTreeMap::from([
                (key(Kind::Vpc, "vpc"), create(done.clone())),
                (key(Kind::Subnet, "public-1"), create(in_progress(None))),
                (
                    key(Kind::SecurityGroup, "cache"),
                    Step {
                        action: Action::NoOp,
                        state: done,
                        calls: 0,
                    },
                ),
                (key(Kind::Stream, "events"), create(failed)),
                (
                    key(Kind::DbInstance, "main"),
                    Step {
                        action: Action::Update { changes: Vec::new() },
                        state: in_progress(Some("it is modifying")),
                        calls: 1,
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
    fn what_waits_differs_or_was_put_back_is_a_line_too() {
        let state = |state| Step {
            action: Action::NoOp,
            state,
            calls: 0,
        };
        let steps = [
            Step {
                action: Action::Update { changes: Vec::new() },
                ..state(StepState::PendingWindow {
                    since_ms: 1_000,
                    at_ms: 4_200,
                    properties: vec!["class".to_owned(), "multi_az".to_owned()],
                })
            },
            state(StepState::Drifted {
                at_ms: 4_200,
                drift: Drift::Missing,
            }),
            Step {
                calls: 1,
                ..state(StepState::Done {
                    since_ms: 1_000,
                    at_ms: 4_200,
                })
            },
            state(StepState::Done {
                since_ms: 1_000,
                at_ms: 4_200,
            }),
        ];
        let lines: Vec<String> = steps
            .into_iter()
            .map(|step| Change {
                key: key(Kind::DbInstance, "main"),
                step,
            })
            .filter(is_news)
            .map(|change| line(&change, 13_500))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        datastore      us-east-1/db-instance/main                    pending window       3.2 s  class, multi_az will change in the maintenance window
        datastore      us-east-1/db-instance/main                    drifted                it is gone
        datastore      us-east-1/db-instance/main                    put back        3.2 s
        ");
    }

    #[test]
    fn a_replacement_counts_once() {
        let done = || StepState::Done {
            since_ms: 1_000,
            at_ms: 4_200,
        };
        let vpc = key(Kind::Vpc, "vpc");
        let mut snapshot = Snapshot::default();
        let replace = Action::Replace {
            changes: Vec::new(),
            former: vpc.former(1),
        };
        for (key, action) in [(vpc.former(1), Action::Delete { unprotect: false }), (vpc, replace)] {
            let step = Step {
                action,
                state: done(),
                calls: 1,
            };
            snapshot.steps.insert(key, step);
        }
        assert_eq!(snapshot.summary(), "the plan has 2 steps: 1 to replace");
        assert_eq!(snapshot.resources().map(word).collect::<Vec<_>>(), ["replaced"]);
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
            "the plan has 7 steps: 5 to create, 1 to update, 1 unchanged"
        );
        assert_eq!(Snapshot::default().summary(), "the plan has no steps");
    }
}
