//! The task of every `create-*` function: drive one lane a little further.

use std::collections::BTreeMap;

use outrigger_model::Lane;
use outrigger_plan::Plan;
use serde::{Deserialize, Serialize};

use super::{Invocation, Phase, TaskError, Ticket};
use crate::executor::{self, Counts, LaneReport, Mode, Providers};
use crate::ports::clock::Clock;
use crate::state::{State, StateError};

/// What the workflow asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which lane.
    pub lane: Lane,
    /// Of which operation.
    pub ticket: Ticket,
}

/// What the task works with.
pub struct Ports<'a> {
    /// The state.
    pub state: &'a State,
    /// The providers of the lane's kinds.
    pub providers: &'a Providers,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// Renews the lease, claims the lane, and drives its steps as far as they go now.
///
/// # Guarantees
/// - May be repeated, at once or at any time: while another invocation is at work on the lane it calls nothing and
///   answers when to call again.
///
/// # Errors
/// `LeaseLost` when another operation has taken over; `Unavailable` when the state store does not answer.
pub async fn converge_lane(
    ports: &Ports<'_>,
    invocation: &Invocation,
    request: &Request,
) -> Result<LaneReport, TaskError> {
    let Ports {
        state,
        providers,
        clock,
    } = *ports;
    let Request { lane, ticket } = request;
    let stack = ticket.id();
    let lease = ticket.lease(invocation);
    state.renew_lease(&lease).await?;
    let Some(hash) = ticket.plans.get(lane) else {
        return Err(TaskError::Internal(format!(
            "the ticket of {} names no plan for the lane {lane}",
            ticket.operation
        )));
    };
    let plan: Plan = state
        .blob(&stack, hash)
        .await?
        .ok_or_else(|| TaskError::Internal(format!("the plan {hash} of {} is not kept any more", ticket.operation)))?;
    let claim = state
        .claim_lane(&lease, *lane, invocation.id.clone(), invocation.deadline_ms)
        .await;
    let claim = match claim {
        Err(StateError::Busy { retry_after_ms, .. }) => return Ok(busy(retry_after_ms)),
        claim => claim?,
    };
    let mut others = BTreeMap::new();
    for other in Lane::ALL.into_iter().filter(|other| other != lane) {
        others.insert(other, state.lane(&stack, other).await?);
    }
    let run = ticket.run();
    let context = executor::Invocation {
        state,
        providers,
        clock,
        run: &run,
        mode: match ticket.phase {
            Phase::Converge | Phase::Rollback => Mode::Converge,
            Phase::Inspect => Mode::Inspect,
            Phase::Accept => Mode::Accept,
        },
        plan: &plan,
        others: &others,
    };
    match executor::advance(&context, claim).await {
        Err(StateError::AttemptLost { .. }) => Ok(busy(1_000)),
        report => Ok(report?),
    }
}

/// Another invocation is at work on the lane: come back later.
fn busy(retry_after_ms: u64) -> LaneReport {
    LaneReport {
        settled: false,
        wait_seconds: retry_after_ms.div_ceil(1000).clamp(1, 30),
        counts: Counts::default(),
    }
}
