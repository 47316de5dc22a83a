//! The replication lane's adapters over the wire: each kind passes the conformance suite, everything that can change changes in
//! place, what somebody else changes is told, and what is written in one region is read in the other.

mod buckets;
#[path = "../adapters_data/harness.rs"]
#[allow(dead_code, reason = "shared with the data stack's adapters, which need more of it")]
mod harness;
mod tables;
