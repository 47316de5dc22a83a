//! Counting leases that have run out while their operation is still open: what nobody is at work on, and nobody has closed.

use futures::future::try_join_all;
use outrigger_model::{Regions, StackId};
use serde::{Deserialize, Serialize};

use super::TaskError;
use super::turns::{Looked, turns};
use crate::state::State;

/// How many stacks are looked at side by side.
const STACKS_AT_ONCE: usize = 16;

/// A lease that has run out, of an operation that was not closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleLease {
    /// Of which stack.
    pub stack: StackId,
    /// The operation that held it.
    pub operation: String,
}

/// What a count of stale leases found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaleLeases {
    /// `NotMine` where there are some, and all are another region's to tell of.
    pub outcome: Looked,
    /// Those that are this region's to tell of.
    pub stale_leases: Vec<StaleLease>,
}

/// The stale leases there are, of the stacks that this region looks after. The next operation on such a stack takes over by
/// itself; until then nobody is at work on it, and what was begun stays as it is.
///
/// # Errors
/// `Unavailable` when the state store does not answer.
pub async fn stale_leases(state: &State, regions: &Regions) -> Result<StaleLeases, TaskError> {
    let stacks = state.stacks().await?;
    let mut stale = Vec::new();
    for some in stacks.chunks(STACKS_AT_ONCE) {
        let found = try_join_all(some.iter().map(|stack| stale_lease(state, stack))).await?;
        stale.extend(found.into_iter().flatten());
    }
    // Whose turn it is takes more reads than the lease, and few leases are stale.
    let theirs: Vec<StackId> = stale.iter().map(|lease| lease.stack.clone()).collect();
    let turns = turns(state, regions, &theirs).await?;
    stale.retain(|lease| turns.mine.contains(&lease.stack));
    for lease in &stale {
        tracing::warn!(stack = %lease.stack, operation = %lease.operation, "a stale lease");
    }
    Ok(StaleLeases {
        outcome: turns.outcome(),
        stale_leases: stale,
    })
}

async fn stale_lease(state: &State, stack: &StackId) -> Result<Option<StaleLease>, TaskError> {
    let Some(lease) = state.lease(stack).await?.filter(|lease| lease.expired) else {
        return Ok(None);
    };
    let record = state.operation(stack, &lease.operation).await?;
    // Closed, and cut off before the lease was released: nothing is left to be done.
    let is_closed = record.is_some_and(|record| record.closed_at_ms.is_some());
    Ok((!is_closed).then(|| StaleLease {
        stack: stack.clone(),
        operation: lease.operation,
    }))
}
