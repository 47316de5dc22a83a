//! What the bodies of the items hold.

use std::collections::BTreeMap;

use outrigger_model::{Lane, Record, ResourceKey, StackId, StepState, UnixMs};
use serde::{Deserialize, Serialize};

/// The body of a stack's item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StackState {
    /// What AWS answered once, and is not asked again: the zones of each region.
    #[serde(default)]
    pub zones: BTreeMap<String, Vec<String>>,
    /// What AWS answered once: the version that each component's engine was resolved to.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
    /// The content hash of the document that was last stood up, or is being stood up.
    #[serde(default)]
    pub document: Option<String>,
    /// The outputs of the last operation that succeeded.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
    /// The operation under way, or the last one.
    #[serde(default)]
    pub operation: Option<String>,
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
    /// The Step Functions execution.
    pub execution_arn: String,
    /// When it took the lease.
    pub started_at_ms: UnixMs,
    /// The content hash of each lane's plan.
    #[serde(default)]
    pub plans: BTreeMap<Lane, String>,
    /// When it was closed.
    #[serde(default)]
    pub closed_at_ms: Option<UnixMs>,
    /// How it ended.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// What failed, for people.
    #[serde(default)]
    pub failures: Vec<String>,
    /// Where each step stood when it was closed.
    #[serde(default)]
    pub steps: BTreeMap<ResourceKey, StepState>,
}
