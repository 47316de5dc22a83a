//! What AWS must answer before a document can become a graph.

use async_trait::async_trait;
use outrigger_model::Region;

use super::provider::CallError;

/// What a region has to offer.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// The names of the region's available zones, sorted.
    async fn zones(&self, region: &Region) -> Result<Vec<String>, CallError>;

    /// The versions of RDS for PostgreSQL that can be created in the region.
    async fn postgres_versions(&self, region: &Region) -> Result<Vec<String>, CallError>;

    /// The versions of Redis that ElastiCache can create in the region.
    async fn redis_versions(&self, region: &Region) -> Result<Vec<String>, CallError>;
}
