//! `AWS::RDS::DBInstance`, of PostgreSQL.

mod compare;
mod delete;
mod modify;

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::DbInstance as SdkInstance;
use outrigger_aws::{call_error, is_code, number};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::DbInstance;
use secrecy::ExposeSecret;

use crate::{POLL_SECONDS, fresh_references_wait, tags};

pub(crate) use delete::{delete, kept};
pub(crate) use modify::ensure;

pub(crate) const NOT_FOUND: &[&str] = &["DBInstanceNotFound", "DBInstanceNotFoundFault"];
const CODES: &[(&str, CallErrorKind)] = &[
    ("DBInstanceAlreadyExists", CallErrorKind::Exists),
    // References that are created, but that not every part of RDS sees yet.
    ("DBSubnetGroupNotFoundFault", CallErrorKind::NotYet),
    ("DBParameterGroupNotFound", CallErrorKind::NotYet),
    ("InvalidSubnet", CallErrorKind::NotYet),
    ("InvalidVPCNetworkStateFault", CallErrorKind::NotYet),
    // Of a key too: what is created may not show everywhere yet.
    ("KMSKeyNotAccessibleFault", CallErrorKind::NotYet),
    // No machine of this class is free in the zones just now.
    ("InsufficientDBInstanceCapacity", CallErrorKind::NotYet),
    // Being created, changed, backed up or deleted.
    ("InvalidDBInstanceState", CallErrorKind::NotYet),
];

/// DescribeDBInstances, which shows the tags too:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &DbInstance,
) -> Result<Option<Observed>, CallError> {
    let Some(instance) = describe(client, &target.resource.physical_name).await? else {
        return Ok(None);
    };
    let actual_tags = tags::from_sdk(instance.tag_list());
    let compared = compare::compare(wanted, &instance, &target.resource.tags, &actual_tags);
    let condition = match condition(instance.db_instance_status().unwrap_or_default()) {
        // More storage is what cures it.
        Condition::Broken { .. } if is_full(&instance) && compared.grows() => Condition::Ready,
        Condition::Ready if compared.parameters_failed => Condition::Broken {
            reason: "failed-to-apply: AWS cannot apply its parameter group; correct the parameters".to_owned(),
        },
        Condition::Ready if !compared.coming.is_empty() => Condition::Changing {
            status: format!("available, about to change: {}", compared.coming.join(", ")),
        },
        Condition::Ready if instance.endpoint().and_then(|endpoint| endpoint.address()).is_none() => {
            Condition::Changing {
                status: "available, without an endpoint yet".to_owned(),
            }
        }
        other => other,
    };
    let id = instance.db_instance_identifier().unwrap_or_default();
    let observed = compared.observed(id, attributes(&instance), condition, target, &actual_tags);
    Ok(Some(observed))
}

/// CreateDBInstance: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>.
async fn create(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &DbInstance,
) -> Result<Progress, CallError> {
    let call = "rds:CreateDBInstance";
    let storage = number(call, "storage_gib", wanted.storage_gib)?;
    let storage_max = match wanted.storage_gib_max {
        Some(gib) => Some(number(call, "storage_gib_max", gib)?),
        None => None,
    };
    let retention = number(call, "backup_retention_days", wanted.backup_retention_days)?;
    let interval = number(call, "monitoring_interval_seconds", wanted.monitoring_interval_seconds)?;
    // A role without an interval is refused.
    let role = wanted.monitoring_role.as_ref().filter(|_| interval > 0);
    // Read last, and gone when this call ends.
    let credentials = secrets.credentials(wanted.secret.text()).await?;
    let output = client
        .create_db_instance()
        .db_instance_identifier(&target.resource.physical_name)
        .engine("postgres")
        .engine_version(&wanted.engine_version)
        .db_instance_class(&wanted.class)
        .allocated_storage(storage)
        .set_max_allocated_storage(storage_max)
        .storage_type(&wanted.storage_type)
        .storage_encrypted(true)
        .set_kms_key_id(wanted.encryption_key.as_ref().map(|key| key.text().to_owned()))
        .publicly_accessible(false)
        .multi_az(wanted.multi_az)
        .db_name(&wanted.database)
        .port(i32::from(wanted.port))
        .master_username(&credentials.username)
        .master_user_password(credentials.password.expose_secret())
        .db_subnet_group_name(wanted.subnet_group.text())
        .set_vpc_security_group_ids(Some(group_ids(wanted)))
        .set_db_parameter_group_name(wanted.parameter_group.as_ref().map(|group| group.text().to_owned()))
        .monitoring_interval(interval)
        .set_monitoring_role_arn(role.map(|role| role.text().to_owned()))
        .set_enable_cloudwatch_logs_exports(Some(wanted.log_exports.iter().cloned().collect()))
        .backup_retention_period(retention)
        .preferred_backup_window(&wanted.backup_window)
        .preferred_maintenance_window(&wanted.maintenance_window)
        .auto_minor_version_upgrade(wanted.minor_upgrades)
        .deletion_protection(wanted.deletion_protection)
        .copy_tags_to_snapshot(true)
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| fresh_references_wait(call_error(call, CODES, &error)))?;
    Ok(Progress::InProgress {
        id: output.db_instance.and_then(|instance| instance.db_instance_identifier),
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

pub(crate) async fn describe(client: &Client, identifier: &str) -> Result<Option<SdkInstance>, CallError> {
    match client
        .describe_db_instances()
        .db_instance_identifier(identifier)
        .send()
        .await
    {
        Ok(output) => Ok(output.db_instances.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("rds:DescribeDBInstances", CODES, &error)),
    }
}

fn group_ids(wanted: &DbInstance) -> Vec<String> {
    crate::texts(&wanted.security_groups)
}

fn attributes(instance: &SdkInstance) -> BTreeMap<String, String> {
    let endpoint = instance.endpoint();
    let address = endpoint.and_then(|endpoint| endpoint.address());
    let port = endpoint.and_then(|endpoint| endpoint.port());
    [
        ("arn", instance.db_instance_arn().map(str::to_owned)),
        ("endpoint", address.map(str::to_owned)),
        ("port", port.map(|port| port.to_string())),
        ("engine_version", instance.engine_version().map(str::to_owned)),
        ("availability_zone", instance.availability_zone().map(str::to_owned)),
        ("multi_az", instance.multi_az().map(|multi_az| multi_az.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

fn is_full(instance: &SdkInstance) -> bool {
    instance.db_instance_status() == Some("storage-full")
}

/// What the status of an instance means:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status>.
pub(crate) fn condition(status: &str) -> Condition {
    let what_to_do = match status {
        // Storage is optimized for hours, while the instance works as ever.
        "available" | "storage-optimization" => return Condition::Ready,
        "deleting" | "delete-precheck" => return Condition::Deleting,
        "failed" | "restore-error" | "incompatible-restore" | "incompatible-create" => {
            "it cannot be repaired: delete it, and see its events for why"
        }
        "incompatible-network" => "see that its VPC still has its subnets, with free addresses",
        "incompatible-option-group" | "incompatible-parameters" => "correct its option or parameter group",
        "inaccessible-encryption-credentials" | "inaccessible-encryption-credentials-recoverable" => {
            "make its KMS key usable again, then start it"
        }
        "insufficient-capacity" => "choose another instance class, or try again later",
        "storage-full" => "give it more storage",
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
        for status in [
            "creating",
            "backing-up",
            "modifying",
            "configuring-enhanced-monitoring",
            "configuring-log-exports",
            "rebooting",
            "upgrading",
            "storage-initialization",
        ] {
            let text = status.to_owned();
            assert_eq!(condition(status), Condition::Changing { status: text });
        }
        for status in [
            "failed",
            "incompatible-network",
            "storage-full",
            "inaccessible-encryption-credentials",
            "stopped",
        ] {
            let Condition::Broken { reason } = condition(status) else {
                panic!("{status} is not broken");
            };
            assert!(
                reason.starts_with(&format!("{status}: ")) && reason.len() > status.len() + 5,
                "{reason}"
            );
        }
    }
}
