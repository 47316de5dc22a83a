//! When an operation is expected to end, and what decides that.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::{ResourceKey, StepState, UnixMs};
use outrigger_plan::critical_path::{CriticalPath, remaining};

use super::expected::{Expectation, Expected, LEAST_MS};
use super::{Snapshot, Step, elapsed_ms, word};
use crate::output::span;

/// How much longer than expected a step may take before that is worth a word: a twentieth, at the least this long.
const OVERTIME_LEAST_MS: UnixMs = 10_000;

/// When an operation is expected to end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outlook {
    /// The longest path through what is left.
    pub(crate) path: CriticalPath,
    expected: BTreeMap<ResourceKey, Expectation>,
}

impl Outlook {
    /// What can be expected of a plan, of which each step comes with what must be done before it, when its steps stand
    /// like this.
    pub(crate) fn new<'a>(
        plan: impl Iterator<Item = (&'a ResourceKey, &'a BTreeSet<ResourceKey>)> + Clone,
        snapshot: &Snapshot,
        expected: &Expected,
        now_ms: UnixMs,
    ) -> Self {
        let expected: BTreeMap<ResourceKey, Expectation> = snapshot
            .steps
            .iter()
            .filter(|(_, step)| !step.state.is_settled())
            .map(|(key, step)| (key.clone(), expected.of(key, &step.action)))
            .collect();
        let left_ms = |key: &ResourceKey| {
            let elapsed_ms = elapsed_ms(&snapshot.steps.get(key)?.state, now_ms).unwrap_or(0);
            Some(expected.get(key)?.ms.saturating_sub(elapsed_ms))
        };
        Self {
            path: remaining(plan, left_ms),
            expected,
        }
    }

    /// Whether a step is on the critical path.
    pub(crate) fn is_critical(&self, key: &ResourceKey) -> bool {
        self.path.steps.contains(key)
    }

    /// How long it is from a step's beginning, or from now if it has begun, to the end.
    pub(crate) fn tail_ms(&self, key: &ResourceKey) -> UnixMs {
        self.path.tails_ms.get(key).copied().unwrap_or(0)
    }

    /// When all is expected to be done, in words; none when nothing is left.
    pub(crate) fn left(&self, snapshot: &Snapshot, now_ms: UnixMs) -> Option<String> {
        let first = self.path.steps.first()?;
        let is_known = |key: &ResourceKey| self.expected.get(key).is_some_and(|expected| expected.is_known);
        let left_ms = self.path.length_ms;
        let pace = self.pace(first, snapshot.steps.get(first)?, now_ms);
        Some(match pace {
            // What is left is what comes after it.
            Pace::Late { .. } if left_ms > LEAST_MS && self.path.steps.iter().skip(1).all(is_known) => {
                format!("longer than usual; then {}", approximately(left_ms))
            }
            Pace::Late { .. } => "longer than usual".to_owned(),
            Pace::Due | Pace::Early | Pace::Unknown if !self.path.steps.iter().all(is_known) => {
                "how long it takes is not known yet".to_owned()
            }
            Pace::Due if left_ms <= SECONDS_MS => "due any moment".to_owned(),
            Pace::Due | Pace::Early | Pace::Unknown => format!("{} left", approximately(left_ms)),
        })
    }

    /// How long all is expected to take, in words, before anything has begun.
    pub(crate) fn whole(&self) -> String {
        let is_known = self.expected.values().all(|expected| expected.is_known);
        match is_known {
            true => format!("expected to take {}", approximately(self.path.length_ms)),
            false => "how long it takes is not known: nothing like it was done here before".to_owned(),
        }
    }

    /// What all waits for, in words: the first step of the critical path.
    pub(crate) fn waits_for(&self, snapshot: &Snapshot, now_ms: UnixMs) -> String {
        let first = self.path.steps.first();
        let Some((key, step)) = first.and_then(|key| Some((key, snapshot.steps.get(key)?))) else {
            return "the operation to be closed".to_owned();
        };
        match elapsed_ms(&step.state, now_ms) {
            None => format!("{key}: about to begin"),
            Some(elapsed_ms) => {
                let time = self.time_of(key, step, now_ms, &coarse(elapsed_ms));
                format!("{key}: {}, {time}", word(step))
            }
        }
    }

    /// How long a step under way is expected to take, beside how long it has been.
    fn time_of(&self, key: &ResourceKey, step: &Step, now_ms: UnixMs, elapsed: &str) -> String {
        match (self.pace(key, step, now_ms), self.expected.get(key)) {
            (Pace::Late { usual_ms }, _) => format!("{elapsed}, usually {}", about(usual_ms)),
            (Pace::Early | Pace::Due, Some(expected)) if expected.ms > SECONDS_MS => {
                format!("{elapsed} of about {}", about(expected.ms))
            }
            (Pace::Early | Pace::Due | Pace::Unknown, _) => elapsed.to_owned(),
        }
    }

    /// How long a step has been under way, and how long it is expected to be, on its own; none unless it is under way.
    pub(crate) fn row_time(&self, key: &ResourceKey, step: &Step, now_ms: UnixMs) -> Option<String> {
        let elapsed = span(elapsed_ms(&step.state, now_ms)?);
        let time = self.time_of(key, step, now_ms, &elapsed);
        Some(match self.pace(key, step, now_ms) {
            Pace::Late { .. } => format!("longer than usual: {time}"),
            Pace::Early | Pace::Due | Pace::Unknown => time,
        })
    }

    fn pace(&self, key: &ResourceKey, step: &Step, now_ms: UnixMs) -> Pace {
        let (StepState::InProgress { .. }, Some(expected)) = (&step.state, self.expected.get(key)) else {
            return Pace::Early;
        };
        let elapsed_ms = elapsed_ms(&step.state, now_ms).unwrap_or(0);
        let overtime_ms = (expected.ms / 20).max(OVERTIME_LEAST_MS);
        if !expected.is_known {
            Pace::Unknown
        } else if elapsed_ms > expected.ms + overtime_ms {
            Pace::Late { usual_ms: expected.ms }
        } else if elapsed_ms >= expected.ms {
            Pace::Due
        } else {
            Pace::Early
        }
    }
}

/// How far a step is, of what is expected.
enum Pace {
    /// It is not expected to have ended, or has not begun.
    Early,
    /// It is expected to end.
    Due,
    /// It should have ended.
    Late { usual_ms: UnixMs },
    /// Nothing is known of how long it takes here.
    Unknown,
}

/// Up to how long it is `a few seconds`.
const SECONDS_MS: UnixMs = 10_000;

fn approximately(ms: UnixMs) -> String {
    match ms <= SECONDS_MS {
        true => about(ms),
        false => format!("about {}", about(ms)),
    }
}

/// A span of time that is expected: rounded up, to no more than is known of it.
fn about(ms: UnixMs) -> String {
    let minutes = ms.div_ceil(60_000);
    if ms <= SECONDS_MS {
        "a few seconds".to_owned()
    } else if ms <= 50_000 {
        format!("{} s", ms.div_ceil(10_000) * 10)
    } else if minutes < 60 {
        format!("{minutes} min")
    } else {
        hours(minutes.div_ceil(5) * 5)
    }
}

/// A span of time that has gone by: in whole seconds, minutes, or hours and minutes.
fn coarse(ms: UnixMs) -> String {
    match ms / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => hours(seconds / 60),
    }
}

fn hours(minutes: u64) -> String {
    match minutes % 60 {
        0 => format!("{} h", minutes / 60),
        rest => format!("{} h {rest} min", minutes / 60),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use outrigger_model::Kind;
    use outrigger_plan::Plan;

    use super::super::tests::key;
    use super::*;
    use crate::plan_view::golden::{proposed, reference};

    #[test]
    fn times_are_rounded_to_what_is_known_of_them() {
        for (ms, expected, gone_by) in [
            (0, "a few seconds", "0 s"),
            (10_000, "a few seconds", "10 s"),
            (10_001, "20 s", "10 s"),
            (50_000, "50 s", "50 s"),
            (50_001, "1 min", "50 s"),
            (60_001, "2 min", "1 min"),
            (540_000, "9 min", "9 min"),
            (3_540_000, "59 min", "59 min"),
            (3_540_001, "1 h", "59 min"),
            (3_600_001, "1 h 5 min", "1 h"),
            (7_380_000, "2 h 5 min", "2 h 3 min"),
        ] {
            assert_eq!((about(ms).as_str(), coarse(ms).as_str()), (expected, gone_by), "{ms}");
        }
    }

    /// The plan of the reference stack, and its steps before any has begun.
    pub(crate) async fn fresh() -> (Plan, Snapshot) {
        let world = outrigger_engine::memory::world::World::new(Default::default());
        let (_, plan) = proposed(&world, &reference("data-processing")).await;
        let steps = plan.steps.iter().map(|(key, step)| {
            let step = Step {
                action: step.action.clone(),
                state: StepState::Waiting,
                calls: 1,
            };
            (key.clone(), step)
        });
        let snapshot = Snapshot {
            steps: steps.collect(),
            ..Snapshot::default()
        };
        (plan, snapshot)
    }

    /// All but the database, its attachment and its alarm is done, the cache is under way too.
    pub(crate) fn almost(snapshot: &mut Snapshot) {
        for (key, step) in &mut snapshot.steps {
            step.state = match (key.kind, key.name.as_str()) {
                (Kind::DbInstance | Kind::ReplicationGroup, _) => super::super::tests::in_progress(None),
                (Kind::SecretAttachment, _) | (Kind::Alarm, "database-cpu" | "cache-cpu-1" | "cache-cpu-2") => {
                    StepState::Waiting
                }
                _ => StepState::Done {
                    since_ms: 1_000,
                    at_ms: 2_000,
                },
            };
        }
    }

    #[tokio::test]
    async fn what_is_left_is_told_and_never_less_than_nothing() {
        let (plan, mut snapshot) = fresh().await;
        let aws = Expected::new(true);
        let elsewhere = Expected::new(false);
        let said = |snapshot: &Snapshot, expected: &Expected, now_ms| {
            let outlook = Outlook::new(plan.dependencies(), snapshot, expected, now_ms);
            let left = outlook.left(snapshot, now_ms).unwrap_or_default();
            format!("{left}; waits for {}", outlook.waits_for(snapshot, now_ms))
        };
        let mut lines = vec![
            Outlook::new(plan.dependencies(), &snapshot, &aws, 0).whole(),
            Outlook::new(plan.dependencies(), &snapshot, &elsewhere, 0).whole(),
            said(&snapshot, &aws, 0),
        ];
        almost(&mut snapshot);
        let minute = |minutes: u64| 1_000 + minutes * 60_000;
        for now_ms in [
            minute(0) + 5_000,
            minute(3),
            minute(14),
            minute(15) + 4_000,
            minute(17),
            minute(200),
        ] {
            lines.push(said(&snapshot, &aws, now_ms));
        }
        lines.push(said(&snapshot, &elsewhere, minute(3)));
        let database = key(Kind::DbInstance, "database");
        let cache = key(Kind::ReplicationGroup, "cache");
        let outlook = Outlook::new(plan.dependencies(), &snapshot, &aws, minute(12));
        assert!(outlook.is_critical(&database) && !outlook.is_critical(&cache));
        assert!(outlook.tail_ms(&database) > outlook.tail_ms(&cache));
        for key in [&database, &cache] {
            let time = outlook.row_time(key, &snapshot.steps[key], minute(12));
            lines.push(format!("{key} {}", time.unwrap()));
        }
        for step in snapshot.steps.values_mut() {
            step.state = StepState::Done {
                since_ms: 1_000,
                at_ms: 2_000,
            };
        }
        lines.push(said(&snapshot, &aws, minute(20)));
        insta::assert_snapshot!(lines.join("\n"));
    }

    /// What is late is said to be, and what comes after it is counted all the same, as far as it is known.
    #[test]
    fn what_is_late_holds_up_what_comes_after_it() {
        let (first, second) = (key(Kind::Stream, "a"), key(Kind::Stream, "b"));
        let steps = BTreeMap::from([(first.clone(), [].into()), (second.clone(), [first.clone()].into())]);
        let step = |state| Step {
            action: outrigger_plan::Action::Create,
            state,
            calls: 1,
        };
        let under_way = super::super::tests::in_progress(None);
        let snapshot = Snapshot {
            steps: [(first, step(under_way)), (second, step(StepState::Waiting))].into(),
            ..Snapshot::default()
        };
        for (is_aws, now_ms, wanted) in [
            (true, 1_000, "about 2 min left"),
            (true, 42_000, "about 50 s left"),
            (true, 53_000, "longer than usual; then about 50 s"),
            (false, 53_000, "how long it takes is not known yet"),
        ] {
            let outlook = Outlook::new(steps.iter(), &snapshot, &Expected::new(is_aws), now_ms);
            assert_eq!(outlook.left(&snapshot, now_ms).as_deref(), Some(wanted), "{now_ms}");
        }
    }
}
