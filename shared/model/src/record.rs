//! What is recorded of a resource, and of a step of a plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::UnixMs;
use crate::key::ResourceKey;
use crate::resource::Resource;

/// The wish to create, recorded before the call that creates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Names this one create: a client token, or the value of the tag [`crate::resource::TAG_INTENT`].
    /// Tokens of one resource sort by the time they were made.
    pub token: String,
    /// What is known of the call.
    pub outcome: CallOutcome,
}

/// What is known of a call that creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "call")]
pub enum CallOutcome {
    /// It may have been made, at the latest at this moment, and may have had its effect.
    Unknown {
        /// The latest moment at which the call can have been made.
        until_ms: UnixMs,
    },
    /// It was answered: the object is there, though it may show late.
    Answered {
        /// When the answer came.
        at_ms: UnixMs,
    },
    /// It was refused: it had no effect.
    Refused,
}

/// What is recorded of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The resource as it was last wanted, every reference resolved.
    pub resource: Resource,
    /// The last intent to create it.
    pub intent: Intent,
    /// AWS's id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its attributes, once known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Whether it was once seen as it is wanted.
    pub ready: bool,
    /// Whether it was seen since its last create.
    #[serde(default)]
    pub seen: bool,
    /// How many observations in a row found nothing, each long enough after the call to count.
    #[serde(default)]
    pub absences: u32,
    /// The last change of each property by a call; AWS wants time between changes of some.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<String, Changed>,
}

/// A change of a property that AWS has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// When.
    pub at_ms: UnixMs,
    /// To which value.
    pub to: Value,
}

/// A call that changed something, as AWS's support knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// What it did: `create`, `change`, `delete`, `delete duplicate`.
    pub verb: String,
    /// When its answer came.
    pub at_ms: UnixMs,
    /// AWS's request id; none where there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One property that is not as it is wanted. Never of a secret's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deviation {
    /// The property's name, as in [`crate::Properties`].
    pub property: String,
    /// What is wanted.
    pub wanted: Value,
    /// What is there.
    pub actual: Value,
}

/// How a resource differs from what is recorded of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "drift")]
pub enum Drift {
    /// It is not there any more.
    Missing,
    /// Something else has its name.
    NotOurs {
        /// That object's id.
        id: String,
    },
    /// AWS says that it will not come right by itself.
    Broken {
        /// AWS's word for it, and what to do.
        reason: String,
    },
    /// These properties were changed behind our back.
    Changed {
        /// The properties.
        deviations: Vec<Deviation>,
        /// Whether they were taken into the record.
        #[serde(default)]
        accepted: bool,
    },
}

/// Where a step of the plan under way stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StepState {
    /// Waits for what it depends on.
    #[default]
    Waiting,
    /// Under way.
    InProgress {
        /// When it began.
        since_ms: UnixMs,
        /// When to look again.
        poll_at_ms: UnixMs,
        /// What it waits for, where there is something to say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// How many calls in a row were refused for now, throttled ones among them.
        #[serde(default)]
        refusals: u32,
        /// How many observations in a row found it as it is wanted.
        #[serde(default)]
        stable: u32,
    },
    /// As it is wanted.
    Done {
        /// When it began.
        since_ms: UnixMs,
        /// When it was seen done.
        at_ms: UnixMs,
    },
    /// Accepted by AWS, to take effect in the maintenance window.
    PendingWindow {
        /// When it began.
        since_ms: UnixMs,
        /// When AWS was seen to have accepted it.
        at_ms: UnixMs,
        /// The properties that are to change.
        properties: Vec<String>,
    },
    /// Looked at: it is not as it is recorded.
    Drifted {
        /// When it was looked at.
        at_ms: UnixMs,
        /// How it differs.
        #[serde(flatten)]
        drift: Drift,
    },
    /// Failed for good in this operation.
    Failed {
        /// When it began.
        since_ms: UnixMs,
        /// When it failed.
        at_ms: UnixMs,
        /// Why.
        error: String,
    },
    /// Not tried, because something it depends on failed.
    Skipped {
        /// What failed.
        because: ResourceKey,
    },
}

impl StepState {
    /// Whether what depends on it can go on.
    pub fn is_done(&self) -> bool {
        matches!(self, StepState::Done { .. } | StepState::PendingWindow { .. })
    }

    /// Whether nothing more will happen to it in this operation.
    pub fn is_settled(&self) -> bool {
        match self {
            StepState::Waiting | StepState::InProgress { .. } => false,
            StepState::Done { .. }
            | StepState::PendingWindow { .. }
            | StepState::Drifted { .. }
            | StepState::Failed { .. }
            | StepState::Skipped { .. } => true,
        }
    }

    /// The state's name, for people.
    pub fn as_str(&self) -> &'static str {
        match self {
            StepState::Waiting => "waiting",
            StepState::InProgress { .. } => "in progress",
            StepState::Done { .. } => "done",
            StepState::PendingWindow { .. } => "pending window",
            StepState::Drifted { .. } => "drifted",
            StepState::Failed { .. } => "failed",
            StepState::Skipped { .. } => "skipped",
        }
    }
}
