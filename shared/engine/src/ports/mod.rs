//! The ports: what the engine asks of the world. Adapters implement them over AWS; [`crate::memory`] in memory.

pub mod catalog;
pub mod clock;
pub mod database;
pub mod document_source;
pub mod event_table;
pub mod events;
pub mod provider;
pub mod secrets;
pub mod store;
