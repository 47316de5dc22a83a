//! What the checks of the protocol have in hand: a stack of their own, and a clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use outrigger_model::{Kind, Lane, Region, ResourceKey, StackId, StepState, UnixMs};

use super::say;
use crate::memory::clock::VirtualClock;
use crate::ports::clock::Clock;
use crate::ports::store::{Item, ItemKey, StateStore};
use crate::state::content::{LaneState, OperationRecord, Workflow};
use crate::state::{CLOCK_SKEW_MS_MAX, Claim, Lease, State, StateError};

/// When the virtual clock starts: 2025-11-20T10:36:58Z.
pub(super) const START_MS: UnixMs = 1_763_635_018_000;

/// How long an attempt lasts in these checks.
pub(super) const ATTEMPT_MS: u64 = 60_000;

pub(super) struct Scene {
    pub(super) store: Arc<dyn StateStore>,
    pub(super) clock: VirtualClock,
    pub(super) stack: StackId,
}

impl Scene {
    pub(super) fn new(store: Arc<dyn StateStore>, run: &str, name: &str) -> Self {
        Self {
            store,
            clock: VirtualClock::new(START_MS),
            stack: StackId {
                stack: run.to_owned(),
                environment: name.to_owned(),
            },
        }
    }

    pub(super) fn state(&self) -> State {
        State::new(self.store.clone(), Arc::new(self.clock.clone()))
    }

    pub(super) fn skewed(&self, offset_ms: i64) -> State {
        State::new(self.store.clone(), Arc::new(self.clock.skewed(offset_ms)))
    }

    pub(super) fn now_ms(&self) -> UnixMs {
        self.clock.now_ms()
    }

    /// Moves the clock so far that what is held for `ms` from now is free to anyone.
    pub(super) fn expire(&self, ms: u64) {
        self.clock.advance(ms + CLOCK_SKEW_MS_MAX);
    }

    pub(super) async fn take(&self, operation: &str, invocation: &str) -> Result<Lease, String> {
        self.state()
            .take_lease(&self.stack, operation, invocation)
            .await
            .map_err(say)
    }

    /// The same lease, as another invocation of the operation sees it.
    pub(super) fn again(&self, lease: &Lease, invocation: &str) -> Lease {
        Lease::resume(self.stack.clone(), lease.operation(), lease.token(), invocation)
    }

    pub(super) async fn claim(&self, lease: &Lease, lane: Lane, attempt: &str) -> Result<Claim, StateError> {
        self.state()
            .claim_lane(lease, lane, attempt.to_owned(), self.now_ms() + ATTEMPT_MS)
            .await
    }

    pub(super) async fn items(&self) -> Result<BTreeMap<String, Item>, String> {
        let partition = format!("stack#{}", self.stack);
        let sorts = self.store.list(&partition, "", None, 1000).await.map_err(say)?;
        let mut items = BTreeMap::new();
        for sort in sorts {
            let key = ItemKey {
                partition: partition.clone(),
                sort: sort.clone(),
            };
            if let Some(item) = self.store.read(&key).await.map_err(say)? {
                items.insert(sort, item);
            }
        }
        Ok(items)
    }
}

/// A lane's state with one step more.
pub(super) fn with_step(state: &LaneState, name: &str) -> LaneState {
    let mut state = state.clone();
    let key = ResourceKey::new(&Region::new("us-east-1"), Kind::Vpc, name);
    state.steps.insert(key, StepState::Waiting);
    state
}

pub(super) fn names(state: &LaneState) -> Vec<&str> {
    state.steps.keys().map(|key| key.name.as_str()).collect()
}

pub(super) fn record(stack: &StackId, operation: &str, started_at_ms: UnixMs) -> OperationRecord {
    let execution_arn = format!("arn:aws:states:us-east-1:000000000000:execution:provision-stack:{operation}");
    OperationRecord::begun(operation, stack, Workflow::Provision, &execution_arn, started_at_ms)
}

/// An error's type, or `done`.
pub(super) fn kind<T>(result: &Result<T, StateError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(StateError::AttemptLost { .. }) => "AttemptLost",
        Err(error) => error.error_type(),
    }
}
