//! The Lambda glue: JSON logs, embedded metrics, explicit error types, and the wiring of a function's task to its ports.
//!
//! Clients are made when they are first needed: a cold start reads the environment, and nothing else.

mod logs;
mod metrics;
mod wiring;

pub use wiring::{MakeStore, run_close_operation, run_lane, run_plan_stack};
