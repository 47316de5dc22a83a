//! What stands on a terminal while an operation runs, line by line. Pure: from one moment to its lines.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use console::style;
use outrigger_engine::executor::Counts;
use outrigger_model::{Lane, ResourceKey, StepState};

use super::{Moment, Step, remark, word};
use crate::output::span;
use crate::plan_view::namer::Namer;

/// How many resources under way are shown at most.
const ROWS_MAX: usize = 20;
const BAR_WIDTH: usize = 30;
/// The width of a resource's name up to which what stands beside it is aligned.
const NAME_WIDTH_MAX: usize = 50;
/// Marks what is on the critical path.
const CRITICAL: &str = "*";

/// The lines, the first for the time: what all waits for, the critical path, each lane and below it what is under way,
/// the critical first. They fit into `height` lines, but for those of the lanes, which are always there.
pub(super) fn lines(moment: &Moment<'_>, height: usize) -> Vec<String> {
    let Moment {
        snapshot,
        outlook,
        started_at_ms,
        now_ms,
    } = *moment;
    let mut lines = vec![first_line(moment, now_ms.saturating_sub(started_at_ms))];
    let lanes: Vec<Lane> = Lane::ALL
        .into_iter()
        .filter(|lane| snapshot.lane(*lane).next().is_some())
        .collect();
    let room = height.saturating_sub(lanes.len() + lines.len());
    if room > 0 {
        lines.push(format!("  waits for {}", outlook.waits_for(snapshot, now_ms)));
    }
    let namer = Namer::of(snapshot.steps.keys());
    if room > 2 && outlook.path.steps.len() > 1 {
        let names: Vec<String> = outlook.path.steps.iter().map(|key| namer.name(key)).collect();
        lines.push(format!("{CRITICAL} critical path: {}", names.join(" → ")));
    }
    let rows = rows(moment, height.saturating_sub(lanes.len() + lines.len()));
    for lane in lanes {
        lines.push(lane_line(lane, &snapshot.counts(lane)));
        lines.extend(rows.get(&lane).into_iter().flatten().cloned());
    }
    lines
}

/// What stands there at the end: the lanes.
pub(super) fn last_lines(moment: &Moment<'_>) -> Vec<String> {
    let snapshot = moment.snapshot;
    let lanes = Lane::ALL
        .into_iter()
        .filter(|lane| snapshot.lane(*lane).next().is_some());
    lanes.map(|lane| lane_line(lane, &snapshot.counts(lane))).collect()
}

fn first_line(moment: &Moment<'_>, elapsed_ms: u64) -> String {
    let elapsed = span(elapsed_ms);
    match moment.outlook.left(moment.snapshot, moment.now_ms) {
        None => format!("{elapsed} so far, closing"),
        Some(left) => format!("{elapsed} so far, {left}"),
    }
}

/// The rows of each lane, at most `room` of all: the resources under way for which the most is left after them.
fn rows(moment: &Moment<'_>, room: usize) -> BTreeMap<Lane, Vec<String>> {
    let under_way = |(_, step): &(&ResourceKey, &Step)| matches!(step.state, StepState::InProgress { .. });
    let mut steps: Vec<(&ResourceKey, &Step)> = moment.snapshot.steps.iter().filter(under_way).collect();
    let outlook = moment.outlook;
    steps.sort_by_key(|(key, _)| (!outlook.is_critical(key), Reverse(outlook.tail_ms(key)), *key));
    let shown_max = match steps.len() <= room.min(ROWS_MAX) {
        true => steps.len(),
        // Each lane may need a line for what is not shown of it.
        false => room.saturating_sub(Lane::ALL.len()).min(ROWS_MAX),
    };
    let (shown, hidden) = steps.split_at(shown_max);
    let width = shown.iter().map(|(key, _)| key.to_string().chars().count());
    let width = width.filter(|width| *width <= NAME_WIDTH_MAX).max().unwrap_or(0);
    let mut rows: BTreeMap<Lane, Vec<String>> = BTreeMap::new();
    for (key, step) in shown {
        rows.entry(key.kind.lane())
            .or_default()
            .push(row(moment, key, step, width));
    }
    for lane in Lane::ALL {
        let count = hidden.iter().filter(|(key, _)| key.kind.lane() == lane).count();
        if count > 0 && room >= Lane::ALL.len() {
            let rows = rows.entry(lane).or_default();
            rows.push(match rows.is_empty() {
                true => format!("    {count} under way"),
                false => format!("    and {count} more"),
            });
        }
    }
    rows
}

fn row(moment: &Moment<'_>, key: &ResourceKey, step: &Step, width: usize) -> String {
    let is_critical = moment.outlook.is_critical(key);
    let mark = if is_critical { CRITICAL } else { " " };
    let name = format!("{:width$}", key.to_string());
    let name = match is_critical {
        true => style(name).bold().for_stderr().to_string(),
        false => name,
    };
    let time = moment.outlook.row_time(key, step, moment.now_ms);
    let parts = [Some(word(step).to_owned()), time].into_iter().flatten();
    let text = parts.collect::<Vec<_>>().join(" ");
    let remark = remark(&step.state)
        .map(|remark| format!("  {remark}"))
        .unwrap_or_default();
    format!("  {mark} {name}  {text}{remark}")
}

fn lane_line(lane: Lane, counts: &Counts) -> String {
    let settled = settled(counts);
    let all = settled + counts.waiting + counts.in_progress;
    let full = (settled * BAR_WIDTH).checked_div(all).unwrap_or(BAR_WIDTH);
    let head = if settled < all { ">" } else { "" };
    let bar: String = format!("{}{head}", "=".repeat(full)).chars().take(BAR_WIDTH).collect();
    let line = format!(
        "{lane:13} [{bar:BAR_WIDTH$}] {settled:>4}/{all:<4} {}",
        counts_text(counts)
    );
    line.trim_end().to_owned()
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
