//! One module per workflow task: what each function does, given the ports.

pub mod close_operation;
pub mod converge_lane;
mod error;
pub mod plan_stack;

use std::collections::BTreeMap;

use outrigger_model::{FencingToken, Lane, StackId, UnixMs};
use serde::{Deserialize, Serialize};

pub use error::{TaskError, error_types};

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
    /// The content hash of each lane's plan.
    pub plans: BTreeMap<Lane, String>,
}

impl Ticket {
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

/// One run of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Names it: the Lambda request id.
    pub id: String,
    /// When the function is stopped at the latest, by its own clock.
    pub deadline_ms: UnixMs,
}
