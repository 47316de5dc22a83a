//! The steps of an operation, as the report tells them. Pure.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use outrigger_model::{CallRecord, Lane, ResourceKey, StepState, UnixMs};
use outrigger_plan::critical_path::taken;

use super::{ROWS_MAX, WayRows};
use crate::operation::{Way, snapshot_of};
use crate::plan_view::namer::Namer;
use crate::progress::{Purpose, remark, word};

/// What became of a step, as far as it is drawn in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    UnderWay,
    Pending,
    Drifted,
    Failed,
    /// It has not begun, or never did.
    Idle,
}

/// A step.
#[derive(Clone, Debug)]
pub(super) struct StepRow {
    pub(super) key: ResourceKey,
    /// How it is named among the others.
    pub(super) namer: Namer,
    /// Where it stands, in a word.
    pub(super) word: &'static str,
    pub(super) fate: Fate,
    /// When it began and ended; one under way until the moment of the report.
    pub(super) times: Option<(UnixMs, UnixMs)>,
    pub(super) remark: Option<String>,
    pub(super) calls: Vec<CallRecord>,
    /// Whether it is on the critical path.
    pub(super) is_critical: bool,
}

impl StepRow {
    pub(super) fn lane(&self) -> Lane {
        self.key.kind.lane()
    }

    pub(super) fn took_ms(&self) -> Option<UnixMs> {
        self.times.map(|(since_ms, at_ms)| at_ms.saturating_sub(since_ms))
    }
}

/// The steps of a way in the order in which they began, but those that were found as they should be.
pub(super) fn rows_of(way: &Way, purpose: Purpose, until_ms: UnixMs) -> WayRows {
    let times = |key: &ResourceKey| times_of(way.states.get(key)?, until_ms);
    let critical: BTreeSet<ResourceKey> = taken(way.plan.dependencies(), times).into_iter().collect();
    let snapshot = snapshot_of(way, purpose);
    let keys: BTreeSet<&ResourceKey> = snapshot.steps.keys().chain(way.states.keys()).collect();
    let namer = Namer::of(keys.iter().copied());
    let row = |key: &ResourceKey| {
        let state = way.states.get(key).cloned().unwrap_or_default();
        StepRow {
            word: snapshot.steps.get(key).map_or(state.as_str(), word),
            fate: fate_of(&state),
            times: times_of(&state, until_ms),
            remark: remark(&state),
            calls: way.calls.get(key).cloned().unwrap_or_default(),
            is_critical: critical.contains(key),
            key: key.clone(),
            namer,
        }
    };
    let (unchanged, mut rows): (Vec<StepRow>, Vec<StepRow>) = keys
        .into_iter()
        .map(row)
        .partition(|row| row.word == "unchanged" && row.calls.is_empty());
    rows.sort_by_key(|row| (row.times.map_or(UnixMs::MAX, |(since_ms, _)| since_ms), row.key.clone()));
    WayRows {
        purpose,
        rows,
        unchanged: unchanged.len(),
    }
}

/// The rows that a table has room for, in their order: first those that failed, are critical or took the longest.
pub(super) fn within_bounds(rows: &[StepRow]) -> Vec<&StepRow> {
    let mut weighed: Vec<(usize, &StepRow)> = rows.iter().enumerate().collect();
    let is_told = |row: &StepRow| row.is_critical || matches!(row.fate, Fate::Failed | Fate::Drifted | Fate::Pending);
    weighed.sort_by_key(|(place, row)| (!is_told(row), Reverse(row.took_ms()), *place));
    weighed.truncate(ROWS_MAX);
    weighed.sort_by_key(|(place, _)| *place);
    weighed.into_iter().map(|(_, row)| row).collect()
}

fn fate_of(state: &StepState) -> Fate {
    match state {
        StepState::Waiting | StepState::Skipped { .. } => Fate::Idle,
        StepState::InProgress { .. } => Fate::UnderWay,
        StepState::Done { .. } => Fate::Done,
        StepState::PendingWindow { .. } => Fate::Pending,
        StepState::Drifted { .. } => Fate::Drifted,
        StepState::Failed { .. } => Fate::Failed,
    }
}

fn times_of(state: &StepState, until_ms: UnixMs) -> Option<(UnixMs, UnixMs)> {
    match state {
        StepState::Waiting | StepState::Skipped { .. } => None,
        StepState::InProgress { since_ms, .. } => Some((*since_ms, until_ms)),
        StepState::Done { since_ms, at_ms }
        | StepState::PendingWindow { since_ms, at_ms, .. }
        | StepState::Failed { since_ms, at_ms, .. } => Some((*since_ms, *at_ms)),
        StepState::Drifted { at_ms, .. } => Some((*at_ms, *at_ms)),
    }
}
