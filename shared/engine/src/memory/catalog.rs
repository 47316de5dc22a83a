//! What AWS has to offer, and documents by their address, in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use outrigger_model::{Kind, Region, StackId};

use crate::ports::catalog::{Catalog, EndpointService, Parameter, Quota, Tagged};
use crate::ports::document_source::DocumentSource;
use crate::ports::provider::CallError;

/// A catalog that always answers the same.
#[derive(Clone, Debug)]
pub struct MemoryCatalog {
    /// How many zones each region has; they are called `<region>a`, `<region>b`, ...
    pub zones: u8,
    /// The short names of the services with VPC endpoints, and whether those are gateway endpoints.
    pub endpoint_services: Vec<(String, bool)>,
    /// The versions of PostgreSQL.
    pub postgres: Vec<String>,
    /// The versions of Aurora PostgreSQL.
    pub aurora_postgresql: Vec<String>,
    /// The versions of Redis.
    pub redis: Vec<String>,
    /// The parameters of every family.
    pub parameters: BTreeMap<String, Parameter>,
    /// The account's quotas.
    pub quotas: Vec<Quota>,
    /// The buckets that something is in.
    pub full_buckets: BTreeSet<String>,
    /// What carries a stack's tags.
    pub tagged: Vec<Tagged>,
}

impl Default for MemoryCatalog {
    fn default() -> Self {
        Self {
            zones: 3,
            endpoint_services: [
                ("s3", true),
                ("s3", false),
                ("dynamodb", true),
                ("secretsmanager", false),
                ("kms", false),
            ]
            .map(|(name, is_gateway)| (name.to_owned(), is_gateway))
            .to_vec(),
            postgres: ["15.7", "15.15", "16.4"].map(str::to_owned).to_vec(),
            aurora_postgresql: ["15.10", "15.15", "16.6"].map(str::to_owned).to_vec(),
            redis: ["6.2", "7.0", "7.1"].map(str::to_owned).to_vec(),
            parameters: [
                ("shared_preload_libraries", true),
                ("log_connections", false),
                ("log_disconnections", false),
                ("log_statement", false),
            ]
            .map(|(name, is_static)| (name.to_owned(), parameter(is_static)))
            .into(),
            quotas: Vec::new(),
            full_buckets: BTreeSet::new(),
            tagged: Vec::new(),
        }
    }
}

fn parameter(is_static: bool) -> Parameter {
    Parameter {
        is_modifiable: true,
        is_static,
        allowed_values: None,
        data_type: "string".to_owned(),
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn zones(&self, region: &Region) -> Result<Vec<String>, CallError> {
        Ok((b'a'..)
            .take(self.zones.into())
            .map(|letter| format!("{region}{}", char::from(letter)))
            .collect())
    }

    async fn endpoint_services(
        &self,
        region: &Region,
        names: &BTreeSet<String>,
    ) -> Result<Vec<EndpointService>, CallError> {
        let zones: BTreeSet<String> = self.zones(region).await?.into_iter().collect();
        let services = self
            .endpoint_services
            .iter()
            .map(|(service, is_gateway)| EndpointService {
                name: format!("com.amazonaws.{region}.{service}"),
                zones: zones.clone(),
                private_dns: !is_gateway,
                is_gateway: *is_gateway,
            });
        Ok(services.filter(|service| names.contains(&service.name)).collect())
    }

    async fn postgres_versions(&self, _: &Region) -> Result<Vec<String>, CallError> {
        Ok(self.postgres.clone())
    }

    async fn aurora_postgresql_versions(&self, _: &Region) -> Result<Vec<String>, CallError> {
        Ok(self.aurora_postgresql.clone())
    }

    async fn redis_versions(&self, _: &Region) -> Result<Vec<String>, CallError> {
        Ok(self.redis.clone())
    }

    async fn parameters(&self, _: &Region, _: &str) -> Result<BTreeMap<String, Parameter>, CallError> {
        Ok(self.parameters.clone())
    }

    async fn quotas(&self, _: &Region, _: &BTreeSet<Kind>) -> Result<Vec<Quota>, CallError> {
        Ok(self.quotas.clone())
    }

    async fn holds_objects(&self, _: &Region, bucket: &str) -> Result<bool, CallError> {
        Ok(self.full_buckets.contains(bucket))
    }

    async fn tagged(&self, _: &Region, _: &StackId) -> Result<Vec<Tagged>, CallError> {
        Ok(self.tagged.clone())
    }
}

/// Documents by their address.
#[derive(Clone, Debug, Default)]
pub struct MemoryDocuments(pub BTreeMap<String, String>);

#[async_trait]
impl DocumentSource for MemoryDocuments {
    async fn read(&self, bucket: &str, key: &str, bytes_max: usize) -> Result<String, CallError> {
        let address = format!("s3://{bucket}/{key}");
        match self.0.get(&address) {
            Some(text) if text.len() <= bytes_max => Ok(text.clone()),
            Some(text) => Err(CallError::invalid(
                "memory:read",
                format!(
                    "{address} is {} bytes long; at most {bytes_max} are possible",
                    text.len()
                ),
            )),
            None => Err(CallError::invalid(
                "memory:read",
                format!("there is nothing at {address}"),
            )),
        }
    }
}
