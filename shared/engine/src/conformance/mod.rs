//! What every adapter of a port must do, in memory or over AWS: one suite per port.

pub mod provider;
pub mod store;
