//! ElastiCache: subnet groups and Redis replication groups, the versions of Redis that a region
//! offers, and how many nodes it has.

mod auth;
mod nodes;
mod replication_group;
mod subnet_group;
mod tags;
mod versions;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_elasticache::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Provider, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::{Kind, Properties};

pub use nodes::nodes;
pub use versions::redis_versions;

const SERVICE: &str = "elasticache";

/// The engine of every cache.
const ENGINE: &str = "redis";

/// Nothing about a replication group takes less than minutes.
const POLL_SECONDS: u32 = 15;

/// Cache subnet groups and replication groups, over the
/// [ElastiCache API](https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/Welcome.html).
pub struct Caches {
    clients: Clients<Client>,
    secrets: Arc<dyn SecretReader>,
}

impl Caches {
    /// Makes no call, and no client yet. `secrets` holds the AUTH tokens.
    pub fn new(aws: &Aws, secrets: Arc<dyn SecretReader>) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
            secrets,
        }
    }
}

impl fmt::Debug for Caches {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Caches").finish_non_exhaustive()
    }
}

#[async_trait]
impl Provider for Caches {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::CacheSubnetGroup, Kind::ReplicationGroup]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::CacheSubnetGroup(wanted) => subnet_group::observe(&client, target, wanted).await,
                Properties::ReplicationGroup(wanted) => replication_group::observe(&client, target, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        if let Some(progress) = not_at_rest(observed, POLL_SECONDS) {
            return Ok(progress);
        }
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::CacheSubnetGroup(wanted) => subnet_group::ensure(&client, target, wanted, observed).await,
                Properties::ReplicationGroup(wanted) => {
                    replication_group::ensure(&client, self.secrets.as_ref(), target, wanted, observed).await
                }
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        if observed.condition == Condition::Deleting {
            return Ok(Progress::changed(POLL_SECONDS));
        }
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::CacheSubnetGroup(_) => subnet_group::delete(&client, target).await,
                Properties::ReplicationGroup(_) => replication_group::delete(&client, target).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of caches was asked for a {kind}"))
}

/// What is refused as invalid only because something is too fresh: time heals it, and the executor bounds the time.
fn fresh_references_wait(error: CallError) -> CallError {
    let message = error.message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| message.contains(words));
    // A security group that EC2 does not show to ElastiCache yet; the service-linked role, at an account's first call.
    let is_fresh = message.contains("security group") && has(&["invalid", "not found", "not exist", "unable to find"])
        || has(&["wait and try again later"]);
    if error.kind == CallErrorKind::Invalid && is_fresh {
        CallError {
            kind: CallErrorKind::NotYet,
            ..error
        }
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fresh_is_waited_for() {
        let table = [
            ("Some security group Ids are not found: sg-1", CallErrorKind::NotYet),
            ("Invalid security group: sg-1", CallErrorKind::NotYet),
            ("Otherwise wait and try again later", CallErrorKind::NotYet),
            ("Invalid node type: cache.x", CallErrorKind::Invalid),
        ];
        for (message, kind) in table {
            let error = fresh_references_wait(CallError::invalid("elasticache:CreateReplicationGroup", message));
            assert_eq!(error.kind, kind, "{message}");
        }
    }
}
