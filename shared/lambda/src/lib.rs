//! The Lambda glue: JSON logs, embedded metrics, explicit error types, and the wiring of a function's task to its ports.
//!
//! Clients are made when they are first needed: a cold start reads the environment, and nothing else.

mod logs;
mod metrics;
mod stack;
mod wiring;

pub use stack::{run_event_recorder, run_region_gate};
pub use wiring::{MakeDatabasePorts, MakeStore, run_close_operation, run_database_agent, run_lane, run_plan_stack};
