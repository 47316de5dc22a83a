//! What the bodies of the items hold.

use std::collections::BTreeMap;

use outrigger_model::{CallRecord, Lane, Record, ResourceKey, StackId, StepState, UnixMs};
use outrigger_plan::Resolved;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ports::catalog::Tagged;

/// The body of a stack's item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StackState {
    /// What AWS answered once, and is not asked again: the zones of each region.
    #[serde(default)]
    pub zones: BTreeMap<String, Vec<String>>,
    /// What AWS answered once: the version that each component's engine was resolved to.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
    /// The content hash of the [`Blueprint`] that was last begun.
    #[serde(default)]
    pub document: Option<String>,
    /// The content hash of the [`Blueprint`] that the stack last stood as.
    #[serde(default)]
    pub applied: Option<String>,
    /// The outputs of the last operation that succeeded.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
    /// The operation under way, or the last one.
    #[serde(default)]
    pub operation: Option<String>,
}

/// A document with what AWS answered about it: all that its graph is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blueprint {
    /// The document, as it was given.
    pub document: Value,
    /// What AWS answered.
    pub resolved: Resolved,
}

/// A plan that was made to be looked at before it is begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Which stack.
    pub stack: StackId,
    /// The content hash of its [`Blueprint`].
    pub blueprint: String,
    /// The content hash of each lane's plan.
    pub plans: BTreeMap<Lane, String>,
    /// What was recorded of each resource when it was made, as a fingerprint.
    pub base: BTreeMap<ResourceKey, String>,
}

/// The body of a lane's item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LaneState {
    /// The operation whose steps these are.
    #[serde(default)]
    pub operation: Option<String>,
    /// Where each step of the plan under way stands.
    #[serde(default)]
    pub steps: BTreeMap<ResourceKey, StepState>,
    /// The calls that each of these steps has made, the last ones.
    #[serde(default)]
    pub calls: BTreeMap<ResourceKey, Vec<CallRecord>>,
    /// What the resources that these steps deleted leave behind on purpose.
    #[serde(default)]
    pub kept: BTreeMap<ResourceKey, Vec<String>>,
    /// What is recorded of each resource of the lane.
    #[serde(default)]
    pub records: BTreeMap<ResourceKey, Record>,
}

/// What an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workflow {
    /// Converge a stack to a document.
    Provision,
    /// Take a stack down.
    Destroy,
    /// Make a plan to look at. It is no operation: it takes no lease and leaves no record.
    Plan,
    /// Look for what was changed behind our back.
    Drift,
    /// Break a lease.
    Unlock,
}

impl Workflow {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Workflow::Provision => "provision",
            Workflow::Destroy => "destroy",
            Workflow::Plan => "plan",
            Workflow::Drift => "drift",
            Workflow::Unlock => "unlock",
        }
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step is done.
    Succeeded,
    /// A step failed, or was skipped.
    Failed,
    /// The execution was stopped, timed out or broke before its lanes had settled.
    Aborted,
    /// A step failed, and the stack went back to the document it stood as before.
    RolledBack,
}

impl Outcome {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
            Outcome::Aborted => "aborted",
            Outcome::RolledBack => "rolled back",
        }
    }
}

/// The record that every operation leaves: the body of its item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// Its id: the execution's name.
    pub operation: String,
    /// Which stack.
    pub stack: StackId,
    /// What for.
    pub workflow: Workflow,
    /// Why, in the words of whoever started it.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who started it, as far as it was told.
    #[serde(default)]
    pub by: Option<String>,
    /// The Step Functions execution.
    pub execution_arn: String,
    /// When it took the lease.
    pub started_at_ms: UnixMs,
    /// The content hash of each lane's plan.
    #[serde(default)]
    pub plans: BTreeMap<Lane, String>,
    /// The content hash of each lane's plan for going back, once it goes back.
    #[serde(default)]
    pub rollback: BTreeMap<Lane, String>,
    /// Objects that carry the stack's tags and that nothing is recorded of, as an inspection found them.
    #[serde(default)]
    pub strays: Vec<Tagged>,
    /// When it was closed.
    #[serde(default)]
    pub closed_at_ms: Option<UnixMs>,
    /// How it ended.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// What failed, for people.
    #[serde(default)]
    pub failures: Vec<String>,
    /// Where each step stood when it was closed, or when it began to go back.
    #[serde(default)]
    pub steps: BTreeMap<ResourceKey, StepState>,
    /// The calls that each step has made, the last ones.
    #[serde(default)]
    pub calls: BTreeMap<ResourceKey, Vec<CallRecord>>,
    /// Where each step back stood when it was closed.
    #[serde(default)]
    pub rollback_steps: BTreeMap<ResourceKey, StepState>,
    /// The calls that each step back has made, the last ones.
    #[serde(default)]
    pub rollback_calls: BTreeMap<ResourceKey, Vec<CallRecord>>,
    /// What deleted resources leave behind because the document asked for it: final snapshots.
    #[serde(default)]
    pub kept: Vec<String>,
    /// Whether the event of its end was put.
    #[serde(default)]
    pub told: bool,
}

impl OperationRecord {
    /// The record of an operation that has just begun.
    pub fn begun(operation: &str, stack: &StackId, workflow: Workflow, execution_arn: &str, now_ms: UnixMs) -> Self {
        Self {
            operation: operation.to_owned(),
            stack: stack.clone(),
            workflow,
            reason: None,
            by: None,
            execution_arn: execution_arn.to_owned(),
            started_at_ms: now_ms,
            plans: BTreeMap::new(),
            rollback: BTreeMap::new(),
            strays: Vec::new(),
            closed_at_ms: None,
            outcome: None,
            failures: Vec::new(),
            steps: BTreeMap::new(),
            calls: BTreeMap::new(),
            rollback_steps: BTreeMap::new(),
            rollback_calls: BTreeMap::new(),
            kept: Vec::new(),
            told: false,
        }
    }

    /// Closes it.
    pub fn close(&mut self, outcome: Outcome, failures: Vec<String>, now_ms: UnixMs) {
        self.outcome = Some(outcome);
        self.failures = failures;
        self.closed_at_ms = Some(now_ms);
    }
}
