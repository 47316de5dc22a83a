//! In-memory adapters of the ports, on a virtual clock: for tests, simulations and benchmarks.

pub mod catalog;
pub mod clock;
pub mod cloud;
pub mod events;
mod kinds;
pub mod store;
pub mod world;
