//! The adapters of Parameter Store and of AWS Backup over the wire: each kind passes the conformance suite, everything that can
//! change changes in place, what somebody else changes is told, and no secret value is ever told.

mod backup;
#[path = "../adapters_data/changes.rs"]
#[allow(dead_code, reason = "shared with the data stack's adapters, which need more of it")]
mod changes;
#[path = "../adapters_data/harness.rs"]
#[allow(dead_code, reason = "shared with the data stack's adapters, which need more of it")]
mod harness;
mod parameters;
