//! The adapters of event buses and of APIs' domain names over the wire: each kind passes the conformance suite, everything that
//! can change changes in place, and what somebody else changes is told.

mod buses;
mod domains;
mod endpoints;
#[path = "../adapters_data/harness.rs"]
#[allow(dead_code, reason = "shared with the data stack's adapters, which need more of it")]
mod harness;
