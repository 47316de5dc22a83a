//! What is told of operations, to whoever listens: the events, and the sentence about them for people.
//!
//! `docs/events/` has a JSON Schema and an example of each, which the tests hold these types against. A field may be added;
//! one that changes its meaning or goes away needs another [`VERSION`].

mod summary;

use std::collections::BTreeMap;

use outrigger_model::UnixMs;
use outrigger_plan::{Action, Plan};
use serde::{Deserialize, Serialize};

use crate::state::content::{OperationRecord, Workflow};
use crate::state::rfc3339;
use crate::tasks::close_operation::{Ending, Response};

/// The version of the events' details.
pub const VERSION: &str = "1";

/// How many failures, kept things and outputs an event names at most: it holds 256 KB in all.
const NAMED_MAX: usize = 50;

/// How long one of them is at most, in characters.
const TEXT_CHARS_MAX: usize = 400;

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// An operation has its lease and its plan.
    Started(Box<Started>),
    /// An operation has ended, or never began.
    Closed(Box<Closed>),
}

impl Event {
    /// The event's type, as rules match it.
    pub fn detail_type(&self) -> &'static str {
        match self {
            Event::Started(_) => "Outrigger Operation Started",
            Event::Closed(_) => "Outrigger Operation Closed",
        }
    }
}

/// How many steps of a plan do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounts {
    /// Resources that are created.
    pub create: usize,
    /// Resources that are changed in place.
    pub update: usize,
    /// Resources that another one takes the place of. The deletion of what was there is among `delete`.
    pub replace: usize,
    /// Resources that are deleted.
    pub delete: usize,
    /// Resources that stay as they are.
    pub unchanged: usize,
}

impl PlanCounts {
    /// Counts the steps of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut counts = Self::default();
        for step in plan.steps.values() {
            let count = match step.action {
                Action::Create => &mut counts.create,
                Action::Update { .. } => &mut counts.update,
                Action::Replace { .. } => &mut counts.replace,
                Action::Delete { .. } => &mut counts.delete,
                Action::NoOp => &mut counts.unchanged,
            };
            *count += 1;
        }
        counts
    }
}

/// The detail of `Outrigger Operation Started`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// [`VERSION`].
    pub version: String,
    /// The name of the control plane.
    pub control_plane: String,
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// The stack's region; none where nothing is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What the operation is for.
    pub workflow: Workflow,
    /// The operation's id.
    pub operation: String,
    /// The Step Functions execution.
    pub execution_arn: String,
    /// Who started it, as far as it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in the words of whoever started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it took the lease, in UTC.
    pub started_at: String,
    /// What is planned.
    pub plan: PlanCounts,
}

impl Started {
    /// What is told of an operation that has its plan.
    pub(crate) fn new(control_plane: &str, record: &OperationRecord, plan: &Plan) -> Self {
        let mut regions = plan.steps.keys().map(|key| key.region.as_str());
        Self {
            version: VERSION.to_owned(),
            control_plane: control_plane.to_owned(),
            stack: record.stack.stack.clone(),
            environment: record.stack.environment.clone(),
            region: regions.find(|region| *region != "global").map(str::to_owned),
            workflow: record.workflow,
            operation: record.operation.clone(),
            execution_arn: record.execution_arn.clone(),
            by: record.by.clone(),
            reason: record.reason.clone(),
            started_at: rfc3339(record.started_at_ms),
            plan: PlanCounts::of(plan),
        }
    }
}

/// The detail of `Outrigger Operation Closed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// [`VERSION`].
    pub version: String,
    /// The name of the control plane.
    pub control_plane: String,
    /// The stack's name; none where the operation never began and its input names no stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The environment's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What the operation was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// The operation's id.
    pub operation: String,
    /// How it ended.
    pub outcome: Ending,
    /// Who started it, as far as it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in the words of whoever started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it took the lease, in UTC; none of an operation that left no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it was closed, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// How long that is, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u64>,
    /// What failed, for people: the first ones, cut short.
    pub failures: Vec<String>,
    /// How many failures there are.
    pub failures_count: usize,
    /// What deleted resources leave behind because the document asked for it: the first ones.
    pub kept: Vec<String>,
    /// How many resources are not as they are recorded, as an inspection found.
    pub drifted: usize,
    /// The stack's outputs: the first ones, by name.
    pub outputs: BTreeMap<String, String>,
    /// Whether somebody ought to look: it failed, was stopped, went back, was overtaken, or found drift.
    pub attention: bool,
    /// All of it in a sentence or two, for people: one line without quotation marks.
    pub summary: String,
}

impl Closed {
    /// What is told of an operation that ended, from what its function answers and what is on record.
    pub(crate) fn new(control_plane: &str, response: &Response, record: Option<&OperationRecord>) -> Self {
        let named = |texts: &[String]| {
            texts
                .iter()
                .take(NAMED_MAX)
                .map(|text| cut(text, TEXT_CHARS_MAX))
                .collect()
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let closed_at_ms = record.and_then(|record| record.closed_at_ms);
        let mut closed = Self {
            version: VERSION.to_owned(),
            control_plane: control_plane.to_owned(),
            stack: some(&response.stack),
            environment: some(&response.environment),
            workflow: response.workflow.or(record.map(|record| record.workflow)),
            operation: response.operation.clone(),
            outcome: response.outcome,
            by: record.and_then(|record| record.by.clone()),
            reason: record.and_then(|record| record.reason.clone()),
            started_at: record.map(|record| rfc3339(record.started_at_ms)),
            closed_at: closed_at_ms.map(rfc3339),
            duration_seconds: record
                .zip(closed_at_ms)
                .map(|(record, at_ms)| seconds(record.started_at_ms, at_ms)),
            failures: named(&response.failures),
            failures_count: response.failures.len(),
            kept: named(&response.kept),
            drifted: response.drifted,
            outputs: response
                .outputs
                .iter()
                .take(NAMED_MAX)
                .map(|(name, value)| (name.clone(), cut(value, TEXT_CHARS_MAX)))
                .collect(),
            attention: response.drifted > 0 || is_bad(response.outcome),
            summary: String::new(),
        };
        closed.summary = summary::summary(&closed);
        closed
    }
}

fn seconds(from_ms: UnixMs, to_ms: UnixMs) -> u64 {
    to_ms.saturating_sub(from_ms) / 1000
}

/// Whether somebody ought to hear of it. An operation that never began has told whoever started it.
fn is_bad(outcome: Ending) -> bool {
    match outcome {
        Ending::Failed | Ending::Aborted | Ending::RolledBack | Ending::Superseded => true,
        Ending::Succeeded | Ending::RollingBack | Ending::NotBegun => false,
    }
}

/// A text of at most so many characters.
fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{} ...", text.get(..at).unwrap_or_default().trim_end()),
    }
}
