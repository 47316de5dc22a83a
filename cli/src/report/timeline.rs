//! Where the bars of the timeline stand. Pure: from times to parts of the width.

use outrigger_model::{Lane, UnixMs};

use super::WayRows;
use super::steps::{Fate, StepRow, within_bounds};
use crate::progress::Purpose;

/// How many ticks the axis has at most.
const TICKS_MAX: u64 = 5;
/// A bar is seen however short its step was.
const WIDTH_LEAST_PERCENT: f64 = 0.4;
/// A tick further to the right has no room for its label.
const TICK_MOST_PERCENT: f64 = 92.0;
/// How far apart ticks may be, in seconds.
const STEPS_SECONDS: [u64; 16] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800,
];

/// Every step as a bar over time.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) ticks: Vec<Tick>,
    pub(super) groups: Vec<Group>,
    /// How many steps there was no room for.
    pub(super) left_out: usize,
}

/// A moment on the axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at_percent: f64,
    pub(super) label: String,
}

/// The steps of one lane, on one way.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
}

/// A step over time.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) step: StepRow,
    /// Where it begins, and how wide it is; none of a step that never began.
    pub(super) place: Option<(f64, f64)>,
    /// Each request to AWS, and whether it failed.
    pub(super) requests: Vec<(f64, bool)>,
}

impl Timeline {
    /// The bars of an operation that ran from one moment to the other.
    pub(super) fn new(started_at_ms: UnixMs, until_ms: UnixMs, ways: &[WayRows]) -> Self {
        let whole_ms = until_ms.saturating_sub(started_at_ms).max(1_000);
        let percent = |at_ms: UnixMs| {
            let since_ms = at_ms.saturating_sub(started_at_ms);
            (since_ms as f64 * 100.0 / whole_ms as f64).min(100.0)
        };
        let mut timeline = Self {
            ticks: ticks(whole_ms),
            ..Self::default()
        };
        for way in ways {
            let shown = within_bounds(&way.rows);
            timeline.left_out += way.rows.len() - shown.len();
            for lane in Lane::ALL {
                let of_lane = shown.iter().filter(|row| row.lane() == lane);
                let bars: Vec<Bar> = of_lane.map(|row| bar(row, percent)).collect();
                if !bars.is_empty() {
                    let title = match way.purpose {
                        Purpose::Change | Purpose::Look => lane.to_string(),
                        Purpose::GoBack => format!("going back: {lane}"),
                    };
                    timeline.groups.push(Group { title, bars });
                }
            }
        }
        timeline
    }
}

fn bar(step: &StepRow, percent: impl Fn(UnixMs) -> f64) -> Bar {
    let place = step.times.filter(|_| step.fate != Fate::Idle).map(|(since_ms, at_ms)| {
        let (begin, end) = (percent(since_ms), percent(at_ms));
        let begin = begin.min(100.0 - WIDTH_LEAST_PERCENT);
        (begin, (end - begin).max(WIDTH_LEAST_PERCENT))
    });
    let calls = step.calls.iter();
    Bar {
        place,
        requests: calls.map(|call| (percent(call.at_ms), call.error.is_some())).collect(),
        step: step.clone(),
    }
}

/// Round moments, no more than there is room for.
fn ticks(whole_ms: UnixMs) -> Vec<Tick> {
    let fits = |seconds: &&u64| whole_ms / (**seconds * 1000) <= TICKS_MAX;
    let longest = whole_ms.div_ceil(TICKS_MAX * 3_600_000) * 3_600;
    let step_seconds = STEPS_SECONDS.iter().find(fits).copied().unwrap_or(longest);
    (0..=TICKS_MAX)
        .map(|number| number * step_seconds)
        .map(|seconds| Tick {
            at_percent: (seconds * 1000) as f64 * 100.0 / whole_ms as f64,
            label: label(seconds),
        })
        .filter(|tick| tick.at_percent <= TICK_MOST_PERCENT)
        .collect()
}

fn label(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02} min"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours}:{minutes:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (whole_ms, expected) in [
            (1_000, "0 s"),
            (7_900, "0 s, 2 s, 4 s, 6 s"),
            (40_000, "0 s, 10 s, 20 s, 30 s"),
            (100_000, "0 s, 30 s, 1 min, 1:30 min"),
            (904_000, "0 s, 5 min, 10 min"),
            (7_000_000, "0 s, 30 min, 1 h, 1:30 h"),
            (900_000_000, "0 s, 50 h, 100 h, 150 h, 200 h"),
        ] {
            let labels: Vec<String> = ticks(whole_ms).into_iter().map(|tick| tick.label).collect();
            assert_eq!(labels.join(", "), expected, "{whole_ms}");
        }
    }
}
