//! Configuration, and clients made when they are first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use outrigger_model::Region;
use tokio::sync::OnceCell;

use crate::traced::noting;

/// One try of one call: long enough for the slowest create (RDS, ElastiCache).
const TRY_SECONDS_MAX: u64 = 8;
/// All tries of one call; two of them (a read, then a write) fit into [`outrigger_engine::ports::provider::CALL_SECONDS_MAX`].
const CALL_SECONDS_MAX: u64 = 10;

/// The process's AWS configuration, read from its environment when first needed.
///
/// Endpoints, regions, profiles and credentials are the SDK's own settings (`AWS_ENDPOINT_URL`, `AWS_PROFILE`, ...);
/// TLS certificates are verified against the system's roots.
#[derive(Clone, Debug, Default)]
pub struct Aws {
    shared: Arc<OnceCell<SdkConfig>>,
}

impl Aws {
    /// Reads nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a configuration that is already made.
    pub fn with_config(config: SdkConfig) -> Self {
        let client = noting(config.http_client());
        Self {
            shared: Arc::new(OnceCell::new_with(Some(
                config.to_builder().http_client(client).build(),
            ))),
        }
    }

    /// The configuration for one region, or for the environment's own.
    pub async fn config(&self, region: Option<&Region>) -> SdkConfig {
        let shared = self
            .shared
            .get_or_init(|| async {
                aws_config::defaults(BehaviorVersion::latest())
                    .http_client(noting(None))
                    .retry_config(RetryConfig::standard().with_max_attempts(3))
                    .timeout_config(
                        TimeoutConfig::builder()
                            .connect_timeout(Duration::from_secs(3))
                            .operation_attempt_timeout(Duration::from_secs(TRY_SECONDS_MAX))
                            .operation_timeout(Duration::from_secs(CALL_SECONDS_MAX))
                            .build(),
                    )
                    .load()
                    .await
            })
            .await;
        match region {
            None => shared.clone(),
            Some(region) => shared
                .to_builder()
                .region(aws_types::region::Region::new(region.as_str().to_owned()))
                .build(),
        }
    }
}

/// One service's clients, one per region, each made when first needed.
#[derive(Debug)]
pub struct Clients<Client> {
    aws: Aws,
    make: fn(&SdkConfig) -> Client,
    made: Mutex<HashMap<Region, Client>>,
}

impl<Client: Clone> Clients<Client> {
    /// `make` is the SDK's `Client::new`.
    pub fn new(aws: &Aws, make: fn(&SdkConfig) -> Client) -> Self {
        Self {
            aws: aws.clone(),
            make,
            made: Mutex::default(),
        }
    }

    /// The client for a region.
    pub async fn of(&self, region: &Region) -> Client {
        // A panic cannot leave a map of clients half changed, so a poisoned lock is as good as any.
        if let Some(client) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(region) {
            return client.clone();
        }
        let client = (self.make)(&self.aws.config(Some(region)).await);
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(region.clone())
            .or_insert(client)
            .clone()
    }
}
