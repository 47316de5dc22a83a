//! Where a stack document that is not in the execution's input is read from.

use async_trait::async_trait;

use super::provider::CallError;

/// Reads a document by its address.
#[async_trait]
pub trait DocumentSource: Send + Sync {
    /// The text at `s3://bucket/key`, at most `bytes_max` long.
    ///
    /// # Errors
    /// When there is none, it is longer, or it is not UTF-8.
    async fn read(&self, bucket: &str, key: &str, bytes_max: usize) -> Result<String, CallError>;
}
