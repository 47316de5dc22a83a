//! What AWS has to offer, from the three services that know.

use async_trait::async_trait;
use outrigger_aws::Aws;
use outrigger_engine::ports::catalog::Catalog;
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

/// The catalog over EC2, RDS and ElastiCache.
pub struct AwsCatalog(Aws);

impl AwsCatalog {
    /// Asks nothing yet.
    pub fn new(aws: &Aws) -> Self {
        Self(aws.clone())
    }
}

#[async_trait]
impl Catalog for AwsCatalog {
    async fn zones(&self, region: &Region) -> Result<Vec<String>, CallError> {
        outrigger_aws_ec2::zones(&self.0, region).await
    }

    async fn postgres_versions(&self, region: &Region) -> Result<Vec<String>, CallError> {
        outrigger_aws_rds::postgres_versions(&self.0, region).await
    }

    async fn redis_versions(&self, region: &Region) -> Result<Vec<String>, CallError> {
        outrigger_aws_elasticache::redis_versions(&self.0, region).await
    }
}
