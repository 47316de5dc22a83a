//! `AWS::RDS::DBCluster`, of Aurora PostgreSQL Serverless v2.

mod compare;
mod delete;
mod modify;

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbCluster as SdkCluster, ServerlessV2ScalingConfiguration};
use outrigger_aws::{call_error, is_code, number};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::DbCluster;
use secrecy::ExposeSecret;

use crate::global_cluster::{self, Membership};
use crate::{POLL_SECONDS, fresh_references_wait, tags, texts};

pub(crate) use delete::{delete, kept};
pub(crate) use modify::ensure;

const NOT_FOUND: &[&str] = &["DBClusterNotFoundFault"];
const CODES: &[(&str, CallErrorKind)] = &[
    ("DBClusterAlreadyExistsFault", CallErrorKind::Exists),
    // References that are created, but that not every part of RDS sees yet.
    ("DBSubnetGroupNotFoundFault", CallErrorKind::NotYet),
    ("InvalidSubnet", CallErrorKind::NotYet),
    ("InvalidVPCNetworkStateFault", CallErrorKind::NotYet),
    // No room for its storage just now.
    ("InsufficientStorageClusterCapacity", CallErrorKind::NotYet),
    ("InsufficientDBInstanceCapacity", CallErrorKind::NotYet),
    // Being created, changed, backed up or deleted; or, of a deletion, with instances in it.
    ("InvalidDBClusterStateFault", CallErrorKind::NotYet),
    ("InvalidDBInstanceState", CallErrorKind::NotYet),
    // Its global cluster does not show everywhere yet, or is being changed.
    ("GlobalClusterNotFoundFault", CallErrorKind::NotYet),
    ("InvalidGlobalClusterStateFault", CallErrorKind::NotYet),
    // The Data API is about to change.
    ("InvalidResourceStateFault", CallErrorKind::NotYet),
];

/// DescribeDBClusters, which shows the tags too; of a member of a global cluster, DescribeGlobalClusters besides. Which of its
/// instances writes, and which of the members, is not looked at: that changes by itself.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusters.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &DbCluster,
) -> Result<Option<Observed>, CallError> {
    let Some(cluster) = describe(client, &target.resource.physical_name).await? else {
        return Ok(None);
    };
    let actual_tags = tags::from_sdk(cluster.tag_list());
    let membership = match &wanted.global_cluster {
        // What goes leaves it in its own way.
        Some(global) if !target.going => membership(client, global.text(), &cluster).await?,
        Some(_) | None => None,
    };
    let mut compared = compare::compare(wanted, &cluster, &target.resource.tags, &actual_tags);
    if !target.going {
        compare::member(&mut compared, wanted, membership.as_ref());
    }
    let condition = match condition(cluster.status().unwrap_or_default()) {
        Condition::Ready if !compared.coming.is_empty() => Condition::Changing {
            status: format!("available, about to change: {}", compared.coming.join(", ")),
        },
        Condition::Ready if cluster.endpoint().is_none() => Condition::Changing {
            status: "available, without an endpoint yet".to_owned(),
        },
        Condition::Ready if membership.as_ref().is_some_and(|of| of.writer_endpoint.is_none()) => Condition::Changing {
            status: "available, without an endpoint of its global cluster yet".to_owned(),
        },
        other => other,
    };
    let id = cluster.db_cluster_identifier().unwrap_or_default();
    let observed = compared.observed(id, attributes(&cluster, membership), condition, target, &actual_tags);
    Ok(Some(observed))
}

/// CreateDBCluster: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>.
async fn create(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &DbCluster,
) -> Result<Progress, CallError> {
    let call = "rds:CreateDBCluster";
    let retention = number(call, "backup_retention_days", wanted.backup_retention_days)?;
    let origin = origin(client, target, wanted).await?;
    let mut request = client
        .create_db_cluster()
        .db_cluster_identifier(&target.resource.physical_name)
        .engine(ENGINE)
        .engine_version(&wanted.engine_version)
        .serverless_v2_scaling_configuration(capacity(wanted))
        .set_availability_zones(Some(wanted.zones.clone()))
        .enable_http_endpoint(wanted.data_api)
        .storage_encrypted(true)
        .set_kms_key_id(encryption_key(wanted, origin))
        .set_global_cluster_identifier(wanted.global_cluster.as_ref().map(|global| global.text().to_owned()))
        .port(i32::from(wanted.port))
        .db_subnet_group_name(wanted.subnet_group.text())
        .set_vpc_security_group_ids(Some(texts(&wanted.security_groups)))
        .set_enable_cloudwatch_logs_exports(Some(wanted.log_exports.iter().cloned().collect()))
        .backup_retention_period(retention)
        .preferred_backup_window(&wanted.backup_window)
        .preferred_maintenance_window(&wanted.maintenance_window)
        .auto_minor_version_upgrade(wanted.minor_upgrades)
        .deletion_protection(wanted.deletion_protection)
        .copy_tags_to_snapshot(true)
        .set_tags(Some(tags::to_sdk(&target.resource.tags)));
    if origin == Origin::Empty {
        // Read last, and gone when this call ends.
        let credentials = secrets.credentials(wanted.secret.text()).await?;
        request = request
            .database_name(&wanted.database)
            .master_username(&credentials.username)
            .master_user_password(credentials.password.expose_secret());
    }
    let output = request
        .send()
        .await
        .map_err(|error| fresh_references_wait(call_error(call, CODES, &error)))?;
    Ok(Progress::InProgress {
        id: output.db_cluster.and_then(|cluster| cluster.db_cluster_identifier),
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

/// What a new cluster holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    /// A new database, with a user and a password of its own.
    Empty,
    /// All that the one holds that writes for its global cluster, user and password included.
    Copied,
}

/// The first member of a global cluster begins as the one that writes; whoever comes later copies it, wherever it is. So one
/// that is created anew after the other region has taken over joins that one.
async fn origin(client: &Client, target: &Target, wanted: &DbCluster) -> Result<Origin, CallError> {
    let Some(global) = &wanted.global_cluster else {
        return Ok(Origin::Empty);
    };
    // It has no ARN yet: whoever is a member is another one, but for what a repeated call has made, which is refused.
    match global_cluster::membership(client, global.text(), "").await? {
        Some(membership) if membership.others.is_empty() => Ok(Origin::Empty),
        Some(_) => Ok(Origin::Copied),
        None => Err(CallError {
            kind: CallErrorKind::NotYet,
            ..CallError::invalid(
                "rds:CreateDBCluster",
                format!(
                    "the global cluster {} of {} does not show yet",
                    global.text(),
                    target.resource.physical_name
                ),
            )
        }),
    }
}

/// A copy in another region does not take the key of what it copies: where the document names none, AWS's own of its region
/// is named, by the alias under which AWS has it in each.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>, KmsKeyId.
fn encryption_key(wanted: &DbCluster, origin: Origin) -> Option<String> {
    const KEY_OF_AWS: &str = "alias/aws/rds";
    let own = wanted.encryption_key.as_ref().map(|key| key.text().to_owned());
    match origin {
        Origin::Empty => own,
        Origin::Copied => own.or_else(|| Some(KEY_OF_AWS.to_owned())),
    }
}

async fn membership(client: &Client, global: &str, cluster: &SdkCluster) -> Result<Option<Membership>, CallError> {
    let arn = cluster.db_cluster_arn().unwrap_or_default();
    global_cluster::membership(client, global, arn).await
}

/// RDS's word for Aurora PostgreSQL.
pub(crate) const ENGINE: &str = "aurora-postgresql";

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ServerlessV2ScalingConfiguration.html>
fn capacity(wanted: &DbCluster) -> ServerlessV2ScalingConfiguration {
    ServerlessV2ScalingConfiguration::builder()
        .min_capacity(wanted.capacity_acu_min)
        .max_capacity(wanted.capacity_acu_max)
        .build()
}

async fn describe(client: &Client, identifier: &str) -> Result<Option<SdkCluster>, CallError> {
    match client
        .describe_db_clusters()
        .db_cluster_identifier(identifier)
        .send()
        .await
    {
        Ok(output) => Ok(output.db_clusters.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("rds:DescribeDBClusters", CODES, &error)),
    }
}

fn attributes(cluster: &SdkCluster, membership: Option<Membership>) -> BTreeMap<String, String> {
    let writer_endpoint = membership.and_then(|membership| membership.writer_endpoint);
    [
        ("arn", cluster.db_cluster_arn().map(str::to_owned)),
        ("endpoint", cluster.endpoint().map(str::to_owned)),
        ("reader_endpoint", cluster.reader_endpoint().map(str::to_owned)),
        ("port", cluster.port().map(|port| port.to_string())),
        ("engine_version", cluster.engine_version().map(str::to_owned)),
        ("writer_endpoint", writer_endpoint),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// What the status of a cluster means:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html#Aurora.Status>.
fn condition(status: &str) -> Condition {
    let what_to_do = match status {
        "available" | "storage-optimization" => return Condition::Ready,
        "deleting" => return Condition::Deleting,
        "cloning-failed" | "migration-failed" | "failed" => {
            "it cannot be repaired: delete it, and see its events for why"
        }
        "inaccessible-encryption-credentials" | "inaccessible-encryption-credentials-recoverable" => {
            "make its KMS key usable again, then start it"
        }
        "incompatible-parameters" => "correct its parameter group",
        "stopped" => "start it",
        other => {
            return Condition::Changing {
                status: other.to_owned(),
            };
        }
    };
    Condition::Broken {
        reason: format!("{status}: {what_to_do}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        for status in ["available", "storage-optimization"] {
            assert_eq!(condition(status), Condition::Ready, "{status}");
        }
        assert_eq!(condition("deleting"), Condition::Deleting);
        // A failover is over soon, and nothing is wrong with the cluster afterwards.
        for status in ["creating", "backing-up", "modifying", "failing-over", "upgrading"] {
            let text = status.to_owned();
            assert_eq!(condition(status), Condition::Changing { status: text });
        }
        for status in ["stopped", "inaccessible-encryption-credentials", "cloning-failed"] {
            let Condition::Broken { reason } = condition(status) else {
                panic!("{status} is not broken");
            };
            assert!(reason.starts_with(&format!("{status}: ")), "{reason}");
        }
    }
}
