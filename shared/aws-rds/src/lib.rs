//! RDS: DB subnet groups, parameter groups, instances, clusters and global clusters, and what of them a region offers.

mod catalog;
mod cluster;
mod cluster_instance;
mod compare;
mod final_snapshot;
mod global_cluster;
mod instance;
mod parameter_group;
mod subnet_group;
mod tags;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_rds::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::{Input, Kind, Properties};

pub use catalog::{aurora_postgresql_versions, parameters, postgres_versions, quotas};

const SERVICE: &str = "rds";

/// Nothing about an instance takes less than minutes.
const POLL_SECONDS: u32 = 15;

/// DB subnet groups, parameter groups, instances and clusters, over the
/// [RDS API](https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/Welcome.html).
///
/// The master password of an instance or a cluster is read from its secret for the one call that sets it, and kept nowhere.
pub struct Databases {
    clients: Clients<Client>,
    secrets: Arc<dyn SecretReader>,
}

impl Databases {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws, secrets: Arc<dyn SecretReader>) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
            secrets,
        }
    }
}

impl fmt::Debug for Databases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Databases").finish_non_exhaustive()
    }
}

#[async_trait]
impl Provider for Databases {
    fn kinds(&self) -> &'static [Kind] {
        &[
            Kind::DbSubnetGroup,
            Kind::DbParameterGroup,
            Kind::DbInstance,
            Kind::GlobalCluster,
            Kind::DbCluster,
            Kind::DbClusterInstance,
        ]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            if let Properties::GlobalCluster(wanted) = &target.resource.properties {
                return global_cluster::observe(&self.clients, target, wanted).await;
            }
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::DbSubnetGroup(wanted) => subnet_group::observe(&client, target, wanted).await,
                Properties::DbParameterGroup(wanted) => parameter_group::observe(&client, target, wanted).await,
                Properties::DbInstance(wanted) => instance::observe(&client, target, wanted).await,
                Properties::DbCluster(wanted) => cluster::observe(&client, target, wanted).await,
                Properties::DbClusterInstance(wanted) => cluster_instance::observe(&client, target, wanted).await,
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
            if let Properties::GlobalCluster(wanted) = &target.resource.properties {
                return global_cluster::ensure(&self.clients, target, wanted, observed).await;
            }
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::DbSubnetGroup(wanted) => subnet_group::ensure(&client, target, wanted, observed).await,
                Properties::DbParameterGroup(wanted) => {
                    parameter_group::ensure(&client, target, wanted, observed).await
                }
                Properties::DbInstance(wanted) => {
                    instance::ensure(&client, self.secrets.as_ref(), target, wanted, observed).await
                }
                Properties::DbCluster(wanted) => {
                    cluster::ensure(&client, self.secrets.as_ref(), target, wanted, observed).await
                }
                Properties::DbClusterInstance(wanted) => {
                    cluster_instance::ensure(&client, target, wanted, observed).await
                }
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, _observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            if let Properties::GlobalCluster(wanted) = &target.resource.properties {
                return global_cluster::delete(&self.clients, target, wanted).await;
            }
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::DbSubnetGroup(_) => subnet_group::delete(&client, target).await,
                Properties::DbParameterGroup(_) => parameter_group::delete(&client, target).await,
                Properties::DbInstance(wanted) => instance::delete(&client, target, wanted).await,
                Properties::DbCluster(wanted) => cluster::delete(&client, target, wanted).await,
                Properties::DbClusterInstance(_) => cluster_instance::delete(&client, target).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn kept(&self, target: &Target) -> Result<Vec<String>, CallError> {
        in_time(SERVICE, "kept", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::DbInstance(wanted) => instance::kept(&client, target, wanted).await,
                Properties::DbCluster(wanted) => cluster::kept(&client, target, wanted).await,
                _ => Ok(Vec::new()),
            }
        })
        .await
    }
}

/// What inputs stand for.
fn texts(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(|input| input.text().to_owned()).collect()
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of databases was asked for a {kind}"))
}

/// What is refused as invalid only because something is too fresh: time heals it, and the executor bounds the time.
fn fresh_references_wait(error: CallError) -> CallError {
    let message = error.message.to_lowercase();
    let fresh = [
        // A security group that EC2 does not show to RDS yet; the service-linked role, at an account's first call.
        "invalid security group",
        "wait and try again later",
        // A role that is there, but that cannot be taken on everywhere yet, or has its policies not everywhere yet.
        "iam role",
        "assume",
        "enhanced_monitoring",
        // Storage works on after a change of it, for hours at times, and cannot be changed meanwhile.
        "storage change is being optimized",
    ];
    if error.kind == CallErrorKind::Invalid && fresh.iter().any(|words| message.contains(words)) {
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
            (
                "Invalid security group , groupId= sg-1, groupName=.",
                CallErrorKind::NotYet,
            ),
            (
                "Unable to create the resource. Verify that you have permission to create service linked role. \
                 Otherwise wait and try again later",
                CallErrorKind::NotYet,
            ),
            (
                "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
                CallErrorKind::NotYet,
            ),
            (
                "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.",
                CallErrorKind::Invalid,
            ),
            (
                "You can't currently modify the storage of this DB instance because the previous storage change is \
                 being optimized.",
                CallErrorKind::NotYet,
            ),
            ("Invalid DB engine: postgress", CallErrorKind::Invalid),
        ];
        for (message, kind) in table {
            let error = fresh_references_wait(CallError::invalid("rds:CreateDBInstance", message));
            assert_eq!(error.kind, kind, "{message}");
        }
    }
}
