//! `AWS::Backup::BackupVault`, with the recovery points in it: they go with it, one call at a time.

use std::collections::BTreeMap;

use aws_sdk_backup::Client;
use aws_sdk_backup::types::{BackupVaultListMember, RecoveryPointByBackupVault, RecoveryPointStatus};
use outrigger_aws::{is_code, missing_tags, pages, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Observed, Progress, Target};
use outrigger_model::resource::is_ours;

use crate::{CODES, NOT_FOUND, POLL_SECONDS, failed, not_deleted, tags};

const CREATE: &str = "backup:CreateBackupVault";

/// How long to wait for what AWS deletes, or still makes.
const POLL_WORK_SECONDS: u32 = 10;
/// So many of the points in a vault are looked at at once (ListRecoveryPointsByBackupVault).
const POINTS_MAX: i32 = 1000;

/// ListBackupVaults and ListTags: DescribeBackupVault tells of a vault that is not there that it may not be looked at.
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListBackupVaults.html>
pub(crate) async fn observe(client: &Client, target: &Target) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let Some(vault) = find(client, name).await? else {
        return Ok(None);
    };
    let arn = vault.backup_vault_arn.unwrap_or_default();
    let Some(tags) = tags::of(client, &arn).await? else {
        return Ok(None);
    };
    Ok(Some(Observed {
        id: name.clone(),
        attributes: BTreeMap::from([("arn".to_owned(), arn), ("name".to_owned(), name.clone())]),
        condition: Condition::Ready,
        ours: is_ours(&tags, &target.resource.tags),
        differences: missing_tags(&target.resource.tags, &tags)
            .into_iter()
            .chain(surplus_tags(&target.tags_gone, &tags))
            .collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

async fn find(client: &Client, name: &str) -> Result<Option<BackupVaultListMember>, CallError> {
    let list = client.list_backup_vaults().into_paginator().send();
    let vaults = pages("backup:ListBackupVaults", CODES, list, |page| page.backup_vault_list).await?;
    Ok(vaults
        .into_iter()
        .find(|vault| vault.backup_vault_name.as_deref() == Some(name)))
}

/// CreateBackupVault: <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        let name = &target.resource.physical_name;
        let request = client.create_backup_vault().backup_vault_name(name);
        let request = request.set_backup_vault_tags(Some(target.resource.tags.clone().into_iter().collect()));
        request.send().await.map_err(|error| failed(CREATE, &error))?;
        return Ok(Progress::created(name, POLL_SECONDS));
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
    match tags::put_right(client, target, arn, first).await? {
        true => Ok(Progress::changed(POLL_SECONDS)),
        false => Ok(unchangeable("a vault", first)),
    }
}

/// One recovery point, or else the vault itself:
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteRecoveryPoint.html>,
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupVault.html>.
pub(crate) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    let request = client.list_recovery_points_by_backup_vault().backup_vault_name(name);
    let points = match request.max_results(POINTS_MAX).send().await {
        Ok(page) => page.recovery_points.unwrap_or_default(),
        Err(error) if is_code(&error, NOT_FOUND) => return Ok(Progress::Done),
        Err(error) => return Err(failed("backup:ListRecoveryPointsByBackupVault", &error)),
    };
    if points.is_empty() {
        return match client.delete_backup_vault().backup_vault_name(name).send().await {
            Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
            Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
            Err(error) => Err(not_deleted("backup:DeleteBackupVault", &error)),
        };
    }
    let Some(vault) = find(client, name).await? else {
        return Ok(Progress::Done);
    };
    if vault.locked == Some(true) {
        return Ok(Progress::Blocked {
            reason: locked(name, points.len()),
        });
    }
    match next(&points) {
        None => Ok(Progress::changed(POLL_WORK_SECONDS)),
        Some(arn) => {
            let request = client.delete_recovery_point().backup_vault_name(name);
            match request.recovery_point_arn(arn).send().await {
                Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
                Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::changed(POLL_SECONDS)),
                Err(error) => Err(failed("backup:DeleteRecoveryPoint", &error)),
            }
        }
    }
}

/// The first recovery point that is not deleted already and whose backup is not under way.
fn next(points: &[RecoveryPointByBackupVault]) -> Option<&str> {
    let at_rest = |point: &&RecoveryPointByBackupVault| {
        !matches!(
            point.status,
            Some(RecoveryPointStatus::Deleting | RecoveryPointStatus::Creating)
        )
    };
    points.iter().find(at_rest)?.recovery_point_arn.as_deref()
}

/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html>
fn locked(name: &str, points: usize) -> String {
    format!(
        "the vault {name} is locked, and its {points} recovery points cannot be deleted: take the lock away          (DeleteBackupVaultLockConfiguration), or wait until they have expired, and destroy again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_is_at_work_on_is_left_alone() {
        let point = |arn: &str, status: Option<RecoveryPointStatus>| {
            RecoveryPointByBackupVault::builder()
                .recovery_point_arn(arn)
                .set_status(status)
                .build()
        };
        let going = point("a", Some(RecoveryPointStatus::Deleting));
        let coming = point("b", Some(RecoveryPointStatus::Creating));
        assert_eq!(next(&[going.clone(), coming.clone()]), None);
        for status in [
            None,
            Some(RecoveryPointStatus::Completed),
            Some(RecoveryPointStatus::Partial),
            Some(RecoveryPointStatus::Expired),
        ] {
            assert_eq!(next(&[going.clone(), coming.clone(), point("c", status)]), Some("c"));
        }
    }
}
