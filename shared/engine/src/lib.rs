//! The engine: the ports, the executor, one module per workflow task, and in-memory adapters of the ports on a virtual
//! clock. It knows no AWS SDK, no Lambda runtime and no environment.

pub mod conformance;
pub mod durations;
pub mod events;
pub mod executor;
pub mod memory;
pub mod ports;
pub mod state;
pub mod tasks;

pub use tasks::error_types;
