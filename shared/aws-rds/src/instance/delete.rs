//! How an instance goes, and what it leaves behind because its document asks for that.

use aws_sdk_rds::Client;
use outrigger_aws::{call_error, is_code, pages};
use outrigger_engine::ports::provider::{CallError, Condition, Progress, Target};
use outrigger_model::properties::DbInstance;

use super::{CODES, NOT_FOUND, condition, describe};
use crate::{POLL_SECONDS, final_snapshot};

/// DeleteDBInstance, with its automated backups:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>.
pub(crate) async fn delete(client: &Client, target: &Target, wanted: &DbInstance) -> Result<Progress, CallError> {
    let call = "rds:DeleteDBInstance";
    let name = &target.resource.physical_name;
    let snapshot = async {
        match leaves_snapshot(target, wanted) {
            true => final_snapshot_name(client, name, &target.token).await.map(Some),
            false => Ok(None),
        }
    };
    let (instance, snapshot) = futures::try_join!(describe(client, name), snapshot)?;
    let Some(instance) = instance else {
        return Ok(Progress::Done);
    };
    let status = instance.db_instance_status().unwrap_or_default();
    if condition(status) == Condition::Deleting {
        return Ok(Progress::changed(POLL_SECONDS));
    }
    if instance.deletion_protection().unwrap_or_default() {
        if target.unprotect {
            return unprotect(client, name).await;
        }
        return Ok(Progress::Blocked {
            reason: format!("{name} is protected against deletion: set `deletion_protection: false`, and provision"),
        });
    }
    // "RDS can delete the instance only if you enable SkipFinalSnapshot": data is never dropped unasked.
    if snapshot.is_some() && ["failed", "incompatible-restore", "incompatible-network"].contains(&status) {
        return Ok(Progress::Blocked {
            reason: format!(
                "AWS takes no final snapshot of {name} while it is {status}: repair it, or delete it by hand"
            ),
        });
    }
    match client
        .delete_db_instance()
        .db_instance_identifier(name)
        .skip_final_snapshot(snapshot.is_none())
        .set_final_db_snapshot_identifier(snapshot)
        .delete_automated_backups(true)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error(call, CODES, &error)),
    }
}

/// The final snapshot that the instance's deletion has left: of several of its name, the newest.
/// DescribeDBSnapshots: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshots.html>.
pub(crate) async fn kept(client: &Client, target: &Target, wanted: &DbInstance) -> Result<Vec<String>, CallError> {
    let call = "rds:DescribeDBSnapshots";
    if !leaves_snapshot(target, wanted) {
        return Ok(Vec::new());
    }
    let name = &target.resource.physical_name;
    let request = client
        .describe_db_snapshots()
        .db_instance_identifier(name)
        .snapshot_type("manual");
    let snapshots = pages(call, &[], request.into_paginator().send(), |page| page.db_snapshots).await?;
    let named = snapshots
        .iter()
        .filter_map(|snapshot| Some((snapshot.db_snapshot_identifier()?, snapshot.snapshot_create_time())));
    Ok(final_snapshot::newest(name, named).into_iter().collect())
}

/// What an operation made itself goes again without leaving anything.
fn leaves_snapshot(target: &Target, wanted: &DbInstance) -> bool {
    wanted.final_snapshot && !target.unprotect
}

/// ModifyDBInstance; protection changes at once:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>.
async fn unprotect(client: &Client, name: &str) -> Result<Progress, CallError> {
    match client
        .modify_db_instance()
        .db_instance_identifier(name)
        .deletion_protection(false)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("rds:ModifyDBInstance", CODES, &error)),
    }
}

/// The name of the final snapshot that the instance's deletion is to leave.
async fn final_snapshot_name(client: &Client, identifier: &str, token: &str) -> Result<String, CallError> {
    let first = final_snapshot::first_name(identifier);
    match client
        .describe_db_snapshots()
        .db_snapshot_identifier(&first)
        .send()
        .await
    {
        Ok(output) => Ok(final_snapshot::name(
            identifier,
            token,
            !output.db_snapshots().is_empty(),
        )),
        Err(error) if is_code(&error, &["DBSnapshotNotFound", "DBSnapshotNotFoundFault"]) => Ok(first),
        Err(error) => Err(call_error("rds:DescribeDBSnapshots", &[], &error)),
    }
}
