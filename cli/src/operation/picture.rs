//! All that is known of an operation: its record, its plans, and where its steps stand, under way or ended.

use std::collections::BTreeMap;

use outrigger_engine::state::content::{OperationRecord, Workflow};
use outrigger_engine::state::{State, StateError};
use outrigger_engine::tasks::{Phase, run_of};
use outrigger_model::{CallRecord, Lane, ResourceKey, StackId, StepState};
use outrigger_plan::Plan;

use crate::plan_view;
use crate::progress::{Purpose, Snapshot, Step};

/// What is known of one way of an operation: forward, or back.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Way {
    /// Its plan, as far as it is kept.
    pub(crate) plan: Plan,
    /// Where each step stands.
    pub(crate) states: BTreeMap<ResourceKey, StepState>,
    /// The calls that each step has made, the last ones.
    pub(crate) calls: BTreeMap<ResourceKey, Vec<CallRecord>>,
    /// What each deleted resource left behind on purpose, as long as no later operation has taken its lane.
    pub(crate) kept: BTreeMap<ResourceKey, Vec<String>>,
}

/// All that is known of an operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    /// Its record.
    pub(crate) record: OperationRecord,
    /// Its way forward.
    pub(crate) forward: Way,
    /// Its way back; none if it does not go back.
    pub(crate) back: Option<Way>,
}

impl Picture {
    /// Reads what is known of an operation; `None` before it has a record.
    pub(crate) async fn read(state: &State, stack: &StackId, operation: &str) -> Result<Option<Self>, StateError> {
        match state.operation(stack, operation).await? {
            None => Ok(None),
            Some(record) => Self::of(state, record).await.map(Some),
        }
    }

    /// Reads what is known of an operation besides its record.
    pub(crate) async fn of(state: &State, record: OperationRecord) -> Result<Self, StateError> {
        let mut forward = live(state, &record, Phase::Converge).await?;
        forward.plan = plan_of(state, &record.stack, &record.plans).await?;
        // What was recorded at its end stays, even when a later operation has taken the lanes.
        forward.states.extend(record.steps.clone());
        forward.calls.extend(record.calls.clone());
        let mut back = None;
        if !record.rollback.is_empty() {
            let mut way = live(state, &record, Phase::Rollback).await?;
            way.plan = plan_of(state, &record.stack, &record.rollback).await?;
            way.states.extend(record.rollback_steps.clone());
            way.calls.extend(record.rollback_calls.clone());
            back = Some(way);
        }
        Ok(Self { record, forward, back })
    }

    /// The steps forward, as they stand.
    pub(crate) fn forward(&self) -> Snapshot {
        let purpose = match self.record.workflow {
            Workflow::Drift => Purpose::Look,
            Workflow::Provision | Workflow::Destroy | Workflow::Plan | Workflow::Unlock => Purpose::Change,
        };
        snapshot_of(&self.forward, purpose)
    }

    /// The steps back, as they stand.
    pub(crate) fn back(&self) -> Option<Snapshot> {
        self.back.as_ref().map(|way| snapshot_of(way, Purpose::GoBack))
    }

    /// The steps of the way that it is on, as they stand.
    pub(crate) fn current(&self) -> Snapshot {
        self.back().unwrap_or_else(|| self.forward())
    }

    /// The way that it is on.
    pub(crate) fn way(&self) -> &Way {
        self.back.as_ref().unwrap_or(&self.forward)
    }
}

/// Where an operation's steps stand by its lanes, as far as they have begun, and have not gone on to another operation.
async fn live(state: &State, record: &OperationRecord, phase: Phase) -> Result<Way, StateError> {
    let run = run_of(&record.operation, phase);
    let mut way = Way::default();
    for lane in Lane::ALL {
        let lane = state.lane(&record.stack, lane).await?;
        if lane.operation.as_ref() == Some(&run) {
            way.states.extend(lane.steps);
            way.calls.extend(lane.calls);
            way.kept.extend(lane.kept);
        }
    }
    Ok(way)
}

async fn plan_of(state: &State, stack: &StackId, hashes: &BTreeMap<Lane, String>) -> Result<Plan, StateError> {
    let mut plans = BTreeMap::new();
    for (lane, hash) in hashes {
        if let Some(plan) = state.blob::<Plan>(stack, hash).await? {
            plans.insert(*lane, plan);
        }
    }
    Ok(plan_view::whole(&plans))
}

/// A plan's steps with where they stand.
pub(crate) fn snapshot_of(way: &Way, purpose: Purpose) -> Snapshot {
    let steps = way.plan.steps.iter().map(|(key, step)| {
        let step = Step {
            action: step.action.clone(),
            state: way.states.get(key).cloned().unwrap_or_default(),
            calls: way.calls.get(key).map_or(0, Vec::len),
        };
        (key.clone(), step)
    });
    Snapshot {
        purpose,
        steps: steps.collect(),
    }
}
