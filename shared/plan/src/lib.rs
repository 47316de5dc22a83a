//! From a document to a resource graph, and from recorded state to a plan.
//!
//! This crate is pure and deterministic: the same document, answers of AWS and records always make the same plan.

pub mod capacity;
mod change;
mod consequence;
pub mod critical_path;
pub mod endpoints;
pub mod expand;
pub mod graph;
mod not_yet;
pub mod parameters;
pub mod plan;
pub mod price;
pub mod quotas;
pub mod resolve;
pub mod version;
mod warning;

pub use change::{Change, Effect};
pub use consequence::{Consequence, Exception, Outcome, When, consequence};
pub use critical_path::CriticalPath;
pub use expand::{ControlPlane, Resolved, expand, output_reference};
pub use graph::Graph;
pub use not_yet::{NotYet, not_yet};
pub use plan::{Action, Plan, Protection, Step, destroy, draft, inspection, provision};
pub use warning::{Warning, warnings};
