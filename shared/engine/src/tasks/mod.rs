//! One module per workflow task: what each function does, given the ports.

pub mod close_operation;
pub mod converge_lane;
pub mod database_agent;
mod error;
pub mod plan_stack;
pub mod record_event;
pub mod region_gate;
pub mod stale_leases;
pub mod turns;
pub mod unlock;

use std::collections::BTreeMap;

use outrigger_model::{FencingToken, Lane, StackId, UnixMs};
use serde::{Deserialize, Serialize};

pub use error::{TaskError, error_types, problems_in};

use crate::events::Event;
use crate::ports::events::Events;
use crate::state::Lease;

/// What an operation's invocations hand on to each other, through the workflow. It holds references only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// The operation's id.
    pub operation: String,
    /// The lease's fencing token.
    pub token: FencingToken,
    /// What is done with the plan.
    #[serde(default)]
    pub phase: Phase,
    /// The content hash of each lane's plan.
    pub plans: BTreeMap<Lane, String>,
}

/// What an operation is doing with its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It brings the resources to it.
    #[default]
    Converge,
    /// It brings them back to where they were before.
    Rollback,
    /// It only looks.
    Inspect,
    /// It looks, and records what it finds.
    Accept,
}

/// Names the run of an operation's lanes in a phase: an operation that goes back runs them twice.
pub fn run_of(operation: &str, phase: Phase) -> String {
    match phase {
        Phase::Converge | Phase::Inspect | Phase::Accept => operation.to_owned(),
        Phase::Rollback => format!("{operation}~rollback"),
    }
}

impl Ticket {
    /// The ticket of an operation that holds the lease.
    pub(crate) fn new(lease: &Lease, phase: Phase, plans: BTreeMap<Lane, String>) -> Self {
        Self {
            stack: lease.stack().stack.clone(),
            environment: lease.stack().environment.clone(),
            operation: lease.operation().to_owned(),
            token: lease.token(),
            phase,
            plans,
        }
    }

    /// Names the run of the lanes.
    pub fn run(&self) -> String {
        run_of(&self.operation, self.phase)
    }

    /// Which stack.
    pub fn id(&self) -> StackId {
        StackId {
            stack: self.stack.clone(),
            environment: self.environment.clone(),
        }
    }

    fn lease(&self, invocation: &Invocation) -> Lease {
        Lease::resume(self.id(), &self.operation, self.token, &invocation.id)
    }
}

/// Tells whoever listens; answers whether that worked. That it did not is no failure of the operation.
async fn tell(events: &dyn Events, event: Event) -> bool {
    match events.put(&event).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(event = event.detail_type(), %error, "nobody could be told");
            false
        }
    }
}

/// One run of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Names it: the Lambda request id.
    pub id: String,
    /// When the function is stopped at the latest, by its own clock.
    pub deadline_ms: UnixMs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::content::OperationRecord;

    /// An operation may be begun by one version and gone on with or closed by a later one (docs/adr/0008).
    #[test]
    fn what_earlier_versions_handed_on_can_be_read() {
        let tickets = [
            r#"{"stack": "shop", "environment": "production", "operation": "a", "token": 3, "plans": {"network": "ab"}}"#,
            r#"{"stack": "shop", "environment": "production", "operation": "a", "token": 3, "phase": "converge",
                "plans": {"network": "ab"}}"#,
        ];
        for ticket in tickets {
            let ticket: Ticket = serde_json::from_str(ticket).unwrap();
            assert_eq!((ticket.token, ticket.phase), (FencingToken(3), Phase::Converge));
            assert_eq!(ticket.plans.get(&Lane::Network).map(String::as_str), Some("ab"));
        }
        let record = r#"{"operation": "a", "stack": {"stack": "shop", "environment": "production"}, "workflow": "provision",
            "execution_arn": "arn", "started_at_ms": 5}"#;
        let record: OperationRecord = serde_json::from_str(record).unwrap();
        assert!(!record.told && record.closed_at_ms.is_none());
    }
}
