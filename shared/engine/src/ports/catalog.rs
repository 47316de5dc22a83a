//! What AWS must answer before a document can become a plan.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use outrigger_model::{Kind, Region, StackId};
pub use outrigger_plan::endpoints::EndpointService;
pub use outrigger_plan::parameters::Parameter;
pub use outrigger_plan::quotas::{Counted, Quota};

use serde::{Deserialize, Serialize};

use super::provider::CallError;

/// What a region has to offer.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// The names of the region's available zones, sorted.
    async fn zones(&self, region: &Region) -> Result<Vec<String>, CallError>;

    /// Those of the services with these full names, such as `com.amazonaws.us-east-1.s3`, that the region has VPC endpoints
    /// for. A service that is offered in both ways is there twice.
    async fn endpoint_services(
        &self,
        region: &Region,
        names: &BTreeSet<String>,
    ) -> Result<Vec<EndpointService>, CallError>;

    /// The versions of RDS for PostgreSQL that can be created in the region.
    async fn postgres_versions(&self, region: &Region) -> Result<Vec<String>, CallError>;

    /// The versions of Aurora PostgreSQL that can be created in the region.
    async fn aurora_postgresql_versions(&self, region: &Region) -> Result<Vec<String>, CallError>;

    /// The versions of Redis that ElastiCache can create in the region.
    async fn redis_versions(&self, region: &Region) -> Result<Vec<String>, CallError>;

    /// The parameters of a parameter group family, such as `postgres15`, by name.
    async fn parameters(&self, region: &Region, family: &str) -> Result<BTreeMap<String, Parameter>, CallError>;

    /// How much the account may still have in the region of what counts against a quota, as far as `kinds` need to know.
    async fn quotas(&self, region: &Region, kinds: &BTreeSet<Kind>) -> Result<Vec<Quota>, CallError>;

    /// Whether something is in a bucket, old versions and delete markers included; nothing is in one that is not there.
    async fn holds_objects(&self, region: &Region, bucket: &str) -> Result<bool, CallError>;

    /// Every object in the region that carries a stack's tags, of the kinds that Outrigger knows.
    async fn tagged(&self, region: &Region, stack: &StackId) -> Result<Vec<Tagged>, CallError>;
}

/// An object that carries a stack's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    /// Its ARN.
    pub arn: String,
    /// Its kind.
    pub kind: Kind,
    /// Its id, as it is recorded of objects of its kind.
    pub id: String,
}
