//! The report of an operation: one HTML page that needs nothing else, to keep, send and print.

mod page;
mod steps;
#[cfg(test)]
mod tests;
mod timeline;

use std::collections::BTreeMap;

use outrigger_engine::state::content::{OperationRecord, Outcome, Workflow};
use outrigger_engine::state::{State, StateError};
use outrigger_model::{StackId, UnixMs};

use crate::drift_view;
use crate::operation::Picture;
use crate::plan_view::{self, View};
use crate::progress::Purpose;
use steps::StepRow;
use timeline::Timeline;

/// How many rows a table has at most: beyond it a page is no help any more.
const ROWS_MAX: usize = 1_000;

/// The page of an operation, with the id that [`is_of`] recognises; `None` where the stack has no such operation.
///
/// # Errors
/// When the state cannot be read.
pub async fn page_of(state: &State, stack: &StackId, operation: &str) -> Result<Option<String>, StateError> {
    let Some(picture) = Picture::read(state, stack, operation).await? else {
        return Ok(None);
    };
    let outputs = match state.stack(stack).await? {
        Some((known, _)) if known.operation.as_deref() == Some(operation) => Some(known.outputs),
        Some(_) | None => None,
    };
    Ok(Some(
        page::page(&Report::new(picture, outputs, state.now_ms())).into_string(),
    ))
}

/// Whether the beginning of a file is that of a report of this operation.
pub(crate) fn is_of(operation: &str, beginning: &str) -> bool {
    beginning.contains(&page::mark_of(operation).into_string())
}

/// All that the page says.
#[derive(Debug)]
struct Report {
    record: OperationRecord,
    /// When it was closed, or the moment of the report.
    until_ms: UnixMs,
    /// The moment of the report.
    now_ms: UnixMs,
    timeline: Timeline,
    /// None where there is none, or none is kept.
    plan: Option<View>,
    ways: Vec<WayRows>,
    drift: String,
    /// None of an operation that set none, or is not the stack's last.
    outputs: Option<BTreeMap<String, String>>,
}

/// The steps of one way, forward or back.
#[derive(Debug)]
struct WayRows {
    purpose: Purpose,
    rows: Vec<StepRow>,
    /// How many were found as they should be, and are not among them.
    unchanged: usize,
}

impl Report {
    fn new(picture: Picture, outputs: Option<BTreeMap<String, String>>, now_ms: UnixMs) -> Self {
        let record = &picture.record;
        let until_ms = record.closed_at_ms.unwrap_or(now_ms);
        let purpose = picture.forward().purpose;
        let mut ways = vec![steps::rows_of(&picture.forward, purpose, until_ms)];
        if let Some(back) = &picture.back {
            ways.push(steps::rows_of(back, Purpose::GoBack, until_ms));
        }
        let has_plan = record.workflow != Workflow::Drift && !picture.forward.plan.steps.is_empty();
        let drift = drift_view::render(&drift_view::findings(&picture.forward.states), &record.strays);
        let has_outputs = record.workflow == Workflow::Provision && record.outcome == Some(Outcome::Succeeded);
        let outputs = outputs.filter(|outputs| has_outputs && !outputs.is_empty());
        Self {
            timeline: Timeline::new(record.started_at_ms, until_ms, &ways),
            plan: has_plan.then(|| plan_view::view(&record.stack, None, &picture.forward.plan)),
            ways,
            drift,
            outputs,
            until_ms,
            now_ms,
            record: picture.record,
        }
    }
}
