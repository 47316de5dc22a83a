//! Where events are kept that a stack records.

use async_trait::async_trait;

use super::provider::CallError;

/// An event, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its id, which EventBridge gave it: the key.
    pub id: String,
    /// When it happened, as it says.
    pub time: String,
    /// What it comes from.
    pub source: String,
    /// What it tells.
    pub detail_type: String,
    /// The region that it comes from.
    pub region: String,
    /// The rest, as JSON.
    pub detail: String,
}

/// Keeps events.
#[async_trait]
pub trait EventTable: Send + Sync {
    /// Keeps an event, unless one of its id is kept already. Answers whether it is new.
    ///
    /// # Guarantees
    /// - May be repeated: what is kept never changes.
    async fn keep(&self, event: &RecordedEvent) -> Result<bool, CallError>;
}
