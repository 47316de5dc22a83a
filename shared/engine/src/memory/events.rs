//! Events in memory.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::events::Event;
use crate::ports::events::Events;
use crate::ports::provider::CallError;

/// Keeps every event; copies share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryEvents(Arc<Mutex<Vec<Event>>>);

impl MemoryEvents {
    /// What was put so far.
    pub fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Events for MemoryEvents {
    async fn put(&self, event: &Event) -> Result<(), CallError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event.clone());
        Ok(())
    }
}
