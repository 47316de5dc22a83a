//! Breaking a lease: by a person, with a reason.

use outrigger_model::StackId;

use super::{Invocation, TaskError};
use crate::ports::clock::Clock;
use crate::state::content::{OperationRecord, Outcome, Workflow};
use crate::state::{LeaseView, State};

/// What the task works with.
pub struct Ports<'a> {
    /// The state.
    pub state: &'a State,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// Who breaks a lease, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Of which stack.
    pub stack: StackId,
    /// The id of the operation that breaking it is.
    pub operation: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Option<String>,
}

/// Breaks the lease of whoever holds the stack, records that, and leaves the stack free. `None` when nobody holds it.
///
/// # Guarantees
/// - The former holder changes no state any more: the store refuses its token. Its operation is closed as aborted,
///   and does not begin anew.
/// - Cut off in between, this operation holds the stack itself for a lease's length at most; it may be repeated.
///
/// # Caveats
/// - Calls to AWS that the former holder has begun may still have their effect. Whoever operates next waits for its live
///   attempts to end, and observes before it acts.
/// - It stops no execution: that one ends by itself, at its next task.
///
/// # Errors
/// `LeaseHeld` when another operation took the stack in the same moment.
pub async fn unlock(
    ports: &Ports<'_>,
    invocation: &Invocation,
    request: &Request,
) -> Result<Option<LeaseView>, TaskError> {
    let (state, stack) = (ports.state, &request.stack);
    if state.stack(stack).await?.is_none() {
        return Err(TaskError::UnknownStack(stack.to_string()));
    }
    let Some(held) = state.lease(stack).await? else {
        return Ok(None);
    };
    let lease = state
        .break_lease(stack, &held, &request.operation, &invocation.id)
        .await?;
    let who = request.by.as_deref().unwrap_or("somebody");
    // One that has only just taken the lease came no further than planning: it is not on record what for.
    let now_ms = ports.clock.now_ms();
    let begun = || OperationRecord::begun(&held.operation, stack, Workflow::Plan, "", now_ms);
    let mut broken = state.operation(stack, &held.operation).await?.unwrap_or_else(begun);
    if broken.closed_at_ms.is_none() {
        let failure = format!("its lease was broken by {who}: {}", request.reason);
        broken.close(Outcome::Aborted, vec![failure], now_ms);
        state.put_operation(&lease, &broken).await?;
    }
    state.note(stack, &request.operation).await?;
    let mut record = OperationRecord::begun(&request.operation, stack, Workflow::Unlock, "", now_ms);
    record.reason = Some(format!("{} (it was held by {})", request.reason, held.operation));
    record.by.clone_from(&request.by);
    record.close(Outcome::Succeeded, Vec::new(), now_ms);
    state.put_operation(&lease, &record).await?;
    state.release_lease(&lease).await?;
    Ok(Some(held))
}
