//! The ingress lane's adapter over the wire: each kind passes the conformance suite, everything that can change changes in
//! place, what somebody else changes is told, and requests reach what stands.

mod accelerators;
mod apis;
mod functions;
#[path = "../adapters_data/harness.rs"]
#[allow(dead_code, reason = "shared with the data stack's adapters, which need more of it")]
mod harness;
mod load_balancers;
#[allow(dead_code, reason = "shared with the end-to-end tests, which send others")]
mod requests;
