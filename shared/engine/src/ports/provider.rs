//! One AWS service, as the executor sees it: observe, ensure, delete.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use outrigger_model::{Deviation, Kind, Resource};
use serde::Serialize;
use serde_json::Value;

/// A resource that an adapter is asked about: every input in it is a known text.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// What is wanted, its references resolved.
    pub resource: Resource,
    /// AWS's id, where one is recorded.
    pub id: Option<String>,
    /// The token of the recorded intent: the client token, or the value of the intent's tag.
    pub token: String,
    /// Ids of other objects that carry this resource's own tags and are not it: what its replacement leaves behind until
    /// it is deleted. Of such a former object (see [`outrigger_model::ResourceKey::is_former`]): the id of what took its
    /// place.
    pub not: BTreeSet<String>,
    /// Keys of tags that the resource was given before and that are no longer wanted: they are taken off it. Tags that
    /// others have set stay.
    pub tags_gone: BTreeSet<String>,
    /// Whether AWS's own protection against deletion may be switched off: what an operation made itself goes again with it.
    pub unprotect: bool,
    /// Whether it is to be deleted: what nobody can take back, and AWS forgets by itself, counts as gone then.
    pub going: bool,
}

/// A resource as AWS shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// AWS's id: what the recorded id is compared with, and what references by `id` resolve to.
    pub id: String,
    /// Attributes of its kind that are known by now (see [`Kind::attributes`]).
    pub attributes: BTreeMap<String, String>,
    /// Whether AWS is at work on it.
    pub condition: Condition,
    /// Whether it carries this resource's own tags (or, for kinds without tags, belongs to what does).
    pub ours: bool,
    /// Where it differs from what is wanted; empty when it is as it should be.
    pub differences: Vec<Difference>,
    /// Properties that AWS has accepted as they are wanted, and will change in the maintenance window, as the resource's
    /// `apply: in_window` asks for.
    pub pending: Vec<&'static str>,
    /// Ids of further objects that carry this resource's own tags: a create that was repeated although it had worked.
    pub duplicates: Vec<String>,
}

/// Whether AWS is at work on a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// At rest, and usable.
    #[default]
    Ready,
    /// Being created or changed: look again.
    Changing {
        /// AWS's word for it.
        status: String,
    },
    /// On its way out: look again.
    Deleting,
    /// Will not come right by itself.
    Broken {
        /// AWS's word for it, and what to do.
        reason: String,
    },
}

/// One property that is not as it is wanted. Never the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The property's name, as in [`outrigger_model::Properties`], or of what its kind implies (`dns_support`).
    pub property: &'static str,
    /// What is wanted: of the property's own form, where it is one of [`outrigger_model::Properties`].
    pub wanted: Value,
    /// What is there, of the same form; `null` where there is nothing.
    pub actual: Value,
}

impl Difference {
    /// A difference between two values of the property's form.
    pub fn new(property: &'static str, wanted: &impl Serialize, actual: &impl Serialize) -> Self {
        Self {
            property,
            wanted: serde_json::to_value(wanted).unwrap_or_default(),
            actual: serde_json::to_value(actual).unwrap_or_default(),
        }
    }

    /// `Some` when the two differ.
    pub fn between<T: PartialEq + Serialize>(property: &'static str, wanted: &T, actual: &T) -> Option<Self> {
        (wanted != actual).then(|| Self::new(property, wanted, actual))
    }
}

impl From<&Difference> for Deviation {
    fn from(difference: &Difference) -> Self {
        Self {
            property: difference.property.to_owned(),
            wanted: difference.wanted.clone(),
            actual: difference.actual.clone(),
        }
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was left to do.
    Done,
    /// A call was made, or AWS is at work: look again, not before `poll_after_seconds`.
    InProgress {
        /// The id of what was created, where the call told it.
        id: Option<String>,
        /// How long AWS usually needs at the least.
        poll_after_seconds: u32,
        /// AWS's request id of the call; filled in where the SDK's answers are seen, not by each kind.
        request_id: Option<String>,
    },
    /// This difference cannot be closed by any call: the step fails, and says why.
    Blocked {
        /// What is in the way, and what to do.
        reason: String,
    },
}

impl Progress {
    /// A call was made that created nothing new.
    pub fn changed(poll_after_seconds: u32) -> Self {
        Self::InProgress {
            id: None,
            poll_after_seconds,
            request_id: None,
        }
    }

    /// A call was made that created an object with this id.
    pub fn created(id: impl Into<String>, poll_after_seconds: u32) -> Self {
        Self::InProgress {
            id: Some(id.into()),
            poll_after_seconds,
            request_id: None,
        }
    }
}

/// What became of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallErrorKind {
    /// Refused because there were too many calls: it had no effect; try later.
    Throttled,
    /// Refused for now (a dependency not there yet, or still in use, an object in the wrong state): no effect; try later.
    NotYet,
    /// No answer, or one that says nothing of the effect (time out, connection lost, 5xx): observe before anything else.
    Unknown,
    /// Refused because the name is taken: by us, if an earlier answer was lost, or by someone else. Observe.
    Exists,
    /// Refused for good: invalid, over a quota, not supported.
    Invalid,
    /// Refused for good: the function's role may not do this.
    Denied,
}

/// A call to AWS that failed. Never carries the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} failed: {message}{}{}",
    if code.is_empty() { String::new() } else { format!(" ({code})") },
    request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default())]
pub struct CallError {
    /// Which call, such as `ec2:CreateVpc`.
    pub call: String,
    /// What became of it.
    pub kind: CallErrorKind,
    /// AWS's error code, empty where there was no answer.
    pub code: String,
    /// AWS's message, or what went wrong on the way.
    pub message: String,
    /// AWS's request id, for its support.
    pub request_id: Option<String>,
}

impl CallError {
    /// An error of our own making about a call: `Invalid`, without code.
    pub fn invalid(call: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            call: call.into(),
            kind: CallErrorKind::Invalid,
            code: String::new(),
            message: message.into(),
            request_id: None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            CallErrorKind::Throttled | CallErrorKind::NotYet | CallErrorKind::Unknown | CallErrorKind::Exists => true,
            CallErrorKind::Invalid | CallErrorKind::Denied => false,
        }
    }
}

/// The resources of some kinds, over one AWS service.
///
/// # Guarantees
/// - `observe` never changes anything.
/// - `ensure` and `delete` make at most one call that changes something.
/// - An object that is not ours (see [`Observed::ours`]) is never changed or deleted: the executor does not ask for it.
///
/// # Assumptions
/// - The executor has recorded the intent before it calls `ensure` with `observed: None`.
///
/// # Caveats
/// - Every call ends within [`CALL_SECONDS_MAX`], or is given up: then its error is [`CallErrorKind::Unknown`].
#[async_trait]
pub trait Provider: Send + Sync {
    /// The kinds this provider looks after.
    fn kinds(&self) -> &'static [Kind];

    /// The resource as AWS shows it now; `None` when there is none.
    ///
    /// Kinds with an id or a tag are found by the recorded id, and by the resource's own tags, both; kinds with a
    /// unique name by that name, whoever's they are.
    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError>;

    /// Makes the one call that brings the resource nearer to what is wanted: creates it when `observed` is `None`, or
    /// else closes the first of `observed.differences`. `Done` when nothing differs.
    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError>;

    /// Makes the one call that brings the resource nearer to being gone. Absent means `Done`.
    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError>;

    /// What a resource that is gone leaves behind because its document asks for that: the names of final snapshots.
    async fn kept(&self, target: &Target) -> Result<Vec<String>, CallError> {
        let _ = target;
        Ok(Vec::new())
    }
}

/// The longest that `observe`, `ensure` or `delete` of one resource may take, the SDK's own retries included.
pub const CALL_SECONDS_MAX: u64 = 20;
