//! Counting leases that have run out while their operation is still open: what nobody is at work on, and nobody has closed.

use futures::future::try_join_all;
use outrigger_model::StackId;
use serde::{Deserialize, Serialize};

use super::TaskError;
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

/// The stale leases there are. The next operation on such a stack takes over by itself; until then nobody is at work on it,
/// and what was begun stays as it is.
///
/// # Errors
/// `Unavailable` when the state store does not answer.
pub async fn stale_leases(state: &State) -> Result<Vec<StaleLease>, TaskError> {
    let stacks = state.stacks().await?;
    let mut stale = Vec::new();
    for some in stacks.chunks(STACKS_AT_ONCE) {
        let found = try_join_all(some.iter().map(|stack| stale_lease(state, stack))).await?;
        stale.extend(found.into_iter().flatten());
    }
    for lease in &stale {
        tracing::warn!(stack = %lease.stack, operation = %lease.operation, "a stale lease");
    }
    Ok(stale)
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
