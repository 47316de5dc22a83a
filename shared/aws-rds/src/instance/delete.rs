//! How an instance goes, and what it leaves behind because its document asks for that.

use aws_sdk_rds::Client;
use aws_sdk_rds::types::DbSnapshot;
use outrigger_aws::{call_error, is_code, pages};
use outrigger_engine::ports::provider::{CallError, Condition, Progress, Target};
use outrigger_model::properties::DbInstance;
use sha2::{Digest, Sha256};

use super::{CODES, NOT_FOUND, condition, describe};
use crate::POLL_SECONDS;

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
    Ok(newest(name, &snapshots).into_iter().collect())
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

fn first_name(identifier: &str) -> String {
    format!("{identifier}-final-snapshot")
}

/// `<identifier>-final-snapshot`, or, where an earlier instance has left one of that name, one that ends in what tells
/// this instance from earlier ones.
async fn final_snapshot_name(client: &Client, identifier: &str, token: &str) -> Result<String, CallError> {
    let name = first_name(identifier);
    match client
        .describe_db_snapshots()
        .db_snapshot_identifier(&name)
        .send()
        .await
    {
        Ok(output) if output.db_snapshots().is_empty() => Ok(name),
        Ok(_) => {
            let digest = Sha256::digest(token.as_bytes());
            let suffix: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("{name}-{suffix}"))
        }
        Err(error) if is_code(&error, &["DBSnapshotNotFound", "DBSnapshotNotFoundFault"]) => Ok(name),
        Err(error) => Err(call_error("rds:DescribeDBSnapshots", &[], &error)),
    }
}

/// The newest final snapshot of an instance. One that is being made has no time yet, and is newer than any that has.
fn newest(identifier: &str, snapshots: &[DbSnapshot]) -> Option<String> {
    let first = first_name(identifier);
    let age = |snapshot: &&DbSnapshot| {
        let made = snapshot.snapshot_create_time();
        (made.is_none(), made.map(|time| (time.secs(), time.subsec_nanos())))
    };
    snapshots
        .iter()
        .filter(|snapshot| {
            let name = snapshot.db_snapshot_identifier().unwrap_or_default();
            name == first || name.strip_prefix(&first).is_some_and(|rest| rest.starts_with('-'))
        })
        .max_by_key(age)
        .and_then(|snapshot| snapshot.db_snapshot_identifier.clone())
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::primitives::DateTime;

    use super::*;

    #[test]
    fn the_newest_final_snapshot_is_the_one_that_was_taken() {
        let check = |snapshots: &[(&str, Option<i64>)], expected: Option<&str>| {
            let snapshots: Vec<_> = snapshots
                .iter()
                .map(|(name, made)| {
                    DbSnapshot::builder()
                        .db_snapshot_identifier(*name)
                        .set_snapshot_create_time(made.map(DateTime::from_secs))
                        .build()
                })
                .collect();
            assert_eq!(newest("db", &snapshots).as_deref(), expected);
        };
        check(&[], None);
        check(&[("before-migration", Some(9)), ("db-final-snapshots", Some(9))], None);
        check(&[("db-final-snapshot", Some(1))], Some("db-final-snapshot"));
        let two = [("db-final-snapshot-0a1b2c3d", Some(2)), ("db-final-snapshot", Some(1))];
        check(&two, Some("db-final-snapshot-0a1b2c3d"));
        let being_made = [("db-final-snapshot-0a1b2c3d", None), ("db-final-snapshot", Some(1))];
        check(&being_made, Some("db-final-snapshot-0a1b2c3d"));
    }
}
