//! Progress on a terminal: a bar per lane, below it what is under way; what has settled scrolls away above.

use std::collections::BTreeMap;
use std::time::Duration;

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use outrigger_engine::executor::Counts;
use outrigger_model::{Lane, ResourceKey, StepState, UnixMs};

use super::{Change, Reporter, Snapshot, Step, back_lines, elapsed_ms, is_news, line, remark, word};
use crate::output::span;

const TICK: Duration = Duration::from_millis(120);
/// How much is shown of a lane that does many things at once.
const ROWS_MAX: usize = 5;

/// Draws on standard error.
pub(crate) struct Bars {
    all: MultiProgress,
    lanes: BTreeMap<Lane, ProgressBar>,
    rows: BTreeMap<ResourceKey, ProgressBar>,
}

impl Bars {
    /// Draws nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            all: MultiProgress::new(),
            lanes: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    fn println(&self, line: &str) {
        // A terminal that has gone away is no reason to stop.
        let _ = self.all.println(line);
    }

    /// Takes away what is drawn.
    fn clear(&mut self) {
        let rows = std::mem::take(&mut self.rows).into_values();
        for bar in rows.chain(std::mem::take(&mut self.lanes).into_values()) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    fn bar_of(&mut self, lane: Lane) -> ProgressBar {
        let all = &self.all;
        self.lanes
            .entry(lane)
            .or_insert_with(|| {
                let bar = all.add(
                    ProgressBar::new(0)
                        .with_style(lane_style())
                        .with_prefix(lane.to_string()),
                );
                bar.enable_steady_tick(TICK);
                bar
            })
            .clone()
    }

    /// The rows below a lane's bar: what is under way.
    fn draw_rows(&mut self, lane: Lane, snapshot: &Snapshot, now_ms: UnixMs) {
        let under_way: Vec<(&ResourceKey, &Step)> = snapshot
            .lane(lane)
            .filter(|(_, step)| matches!(step.state, StepState::InProgress { .. }))
            .take(ROWS_MAX)
            .collect();
        let gone: Vec<ResourceKey> = self
            .rows
            .keys()
            .filter(|key| key.kind.lane() == lane && !under_way.iter().any(|(shown, _)| shown == key))
            .cloned()
            .collect();
        for key in gone {
            if let Some(row) = self.rows.remove(&key) {
                row.finish_and_clear();
                self.all.remove(&row);
            }
        }
        let mut above = self.bar_of(lane);
        for (key, step) in under_way {
            let all = &self.all;
            let row = self
                .rows
                .entry(key.clone())
                .or_insert_with(|| {
                    let row = all.insert_after(&above, ProgressBar::no_length().with_style(row_style()));
                    row.enable_steady_tick(TICK);
                    row
                })
                .clone();
            row.set_message(row_text(key, step, now_ms));
            above = row;
        }
    }
}

impl Reporter for Bars {
    fn planned(&mut self, snapshot: &Snapshot, now_ms: UnixMs) {
        self.println(&snapshot.summary());
        self.moved(&[], snapshot, now_ms);
    }

    fn moved(&mut self, changes: &[Change], snapshot: &Snapshot, now_ms: UnixMs) {
        for change in changes
            .iter()
            .filter(|change| is_news(change) && change.step.state.is_settled())
        {
            let line = line(change, now_ms);
            match change.step.state {
                StepState::Failed { .. } => self.println(&style(line).red().for_stderr().to_string()),
                StepState::Skipped { .. } | StepState::Drifted { .. } => {
                    self.println(&style(line).yellow().for_stderr().to_string());
                }
                StepState::Waiting
                | StepState::InProgress { .. }
                | StepState::Done { .. }
                | StepState::PendingWindow { .. } => self.println(&line),
            }
        }
        for lane in Lane::ALL {
            if snapshot.lane(lane).next().is_none() {
                continue;
            }
            let counts = snapshot.counts(lane);
            let bar = self.bar_of(lane);
            bar.set_length((settled(&counts) + counts.waiting + counts.in_progress) as u64);
            bar.set_position(settled(&counts) as u64);
            bar.set_message(counts_text(&counts));
            self.draw_rows(lane, snapshot, now_ms);
        }
    }

    fn going_back(&mut self, failures: &[String], snapshot: &Snapshot, now_ms: UnixMs) {
        for line in back_lines(failures, snapshot) {
            self.println(&style(line).red().for_stderr().to_string());
        }
        // The bars start anew, for what is to be taken back.
        self.clear();
        self.moved(&[], snapshot, now_ms);
    }

    fn finish(&mut self) {
        for row in std::mem::take(&mut self.rows).into_values() {
            row.finish_and_clear();
        }
        for bar in std::mem::take(&mut self.lanes).into_values() {
            bar.abandon();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.finish();
    }
}

fn settled(counts: &Counts) -> usize {
    counts.done + counts.pending_window + counts.drifted + counts.failed + counts.skipped
}

fn counts_text(counts: &Counts) -> String {
    let parts: Vec<String> = [
        (counts.in_progress, "in progress"),
        (counts.waiting, "waiting"),
        (counts.pending_window, "pending window"),
        (counts.drifted, "drifted"),
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    parts.join(", ")
}

fn row_text(key: &ResourceKey, step: &Step, now_ms: UnixMs) -> String {
    let elapsed = elapsed_ms(&step.state, now_ms).map(span).unwrap_or_default();
    let remark = remark(&step.state)
        .map(|remark| format!("  {remark}"))
        .unwrap_or_default();
    format!("{key}  {} {elapsed}{remark}", word(step))
}

fn lane_style() -> ProgressStyle {
    style_of("{prefix:13} {bar:30} {pos:>3}/{len:<3} {wide_msg}").progress_chars("=> ")
}

fn row_style() -> ProgressStyle {
    style_of("              {spinner} {wide_msg}")
}

/// A template of ours is right (a test reads them all); should one not be, a plain bar does as well.
fn style_of(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::super::tests::snapshot;
    use super::*;

    #[test]
    fn templates_are_right() {
        for template in [
            "{prefix:13} {bar:30} {pos:>3}/{len:<3} {wide_msg}",
            "              {spinner} {wide_msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_lane_counts_and_names_what_is_under_way() {
        let snapshot = snapshot();
        assert_eq!(
            counts_text(&snapshot.counts(Lane::Datastore)),
            "1 in progress, 1 waiting, 1 failed"
        );
        let rows: Vec<String> = snapshot
            .lane(Lane::Datastore)
            .filter(|(_, step)| matches!(step.state, StepState::InProgress { .. }))
            .map(|(key, step)| row_text(key, step, 126_000))
            .collect();
        assert_eq!(
            rows,
            ["us-east-1/db-instance/main  updating 2 min 5 s  it is modifying"]
        );
    }
}
