//! Telling whoever listens what becomes of operations.

use async_trait::async_trait;

use super::provider::CallError;
use crate::events::Event;

/// Puts events where others can listen.
#[async_trait]
pub trait Events: Send + Sync {
    /// Puts an event. Answered means kept; unanswered, it may or may not be.
    ///
    /// # Errors
    /// When it is not known to be kept.
    async fn put(&self, event: &Event) -> Result<(), CallError>;
}
