//! How a cluster goes, once its instances have gone, and what it leaves behind because its document asks for that.

use aws_sdk_rds::Client;
use outrigger_aws::{call_error, is_code, pages};
use outrigger_engine::ports::provider::{CallError, Condition, Progress, Target};
use outrigger_model::properties::DbCluster;

use super::{CODES, NOT_FOUND, condition, describe};
use crate::{POLL_SECONDS, final_snapshot, global_cluster};

/// DeleteDBCluster, with its automated backups, once it has left its global cluster:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBCluster.html>.
pub(crate) async fn delete(client: &Client, target: &Target, wanted: &DbCluster) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let snapshot = async {
        match leaves_snapshot(target, wanted) {
            true => final_snapshot_name(client, name, &target.token).await.map(Some),
            false => Ok(None),
        }
    };
    let (cluster, snapshot) = futures::try_join!(describe(client, name), snapshot)?;
    let Some(cluster) = cluster else {
        return Ok(Progress::Done);
    };
    if condition(cluster.status().unwrap_or_default()) == Condition::Deleting {
        return Ok(Progress::changed(POLL_SECONDS));
    }
    if cluster.deletion_protection().unwrap_or_default() {
        if target.unprotect {
            return unprotect(client, name).await;
        }
        return Ok(Progress::Blocked {
            reason: format!("{name} is protected against deletion: set `deletion_protection: false`, and provision"),
        });
    }
    if let Some(global) = &wanted.global_cluster
        && let Some(progress) =
            global_cluster::leave(client, global.text(), cluster.db_cluster_arn().unwrap_or_default()).await?
    {
        return Ok(progress);
    }
    match client
        .delete_db_cluster()
        .db_cluster_identifier(name)
        .skip_final_snapshot(snapshot.is_none())
        .set_final_db_snapshot_identifier(snapshot)
        .delete_automated_backups(true)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("rds:DeleteDBCluster", CODES, &error)),
    }
}

/// The final snapshot that the cluster's deletion has left: of several of its name, the newest.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusterSnapshots.html>.
pub(crate) async fn kept(client: &Client, target: &Target, wanted: &DbCluster) -> Result<Vec<String>, CallError> {
    let call = "rds:DescribeDBClusterSnapshots";
    if !leaves_snapshot(target, wanted) {
        return Ok(Vec::new());
    }
    let name = &target.resource.physical_name;
    let request = client
        .describe_db_cluster_snapshots()
        .db_cluster_identifier(name)
        .snapshot_type("manual");
    let snapshots = pages(call, &[], request.into_paginator().send(), |page| {
        page.db_cluster_snapshots
    })
    .await?;
    let named = snapshots.iter().filter_map(|snapshot| {
        Some((
            snapshot.db_cluster_snapshot_identifier()?,
            snapshot.snapshot_create_time(),
        ))
    });
    Ok(final_snapshot::newest(name, named).into_iter().collect())
}

/// What an operation made itself goes again without leaving anything.
fn leaves_snapshot(target: &Target, wanted: &DbCluster) -> bool {
    wanted.final_snapshot && !target.unprotect
}

/// ModifyDBCluster; protection changes at once:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html>.
async fn unprotect(client: &Client, name: &str) -> Result<Progress, CallError> {
    match client
        .modify_db_cluster()
        .db_cluster_identifier(name)
        .deletion_protection(false)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("rds:ModifyDBCluster", CODES, &error)),
    }
}

/// The name of the final snapshot that the cluster's deletion is to leave.
async fn final_snapshot_name(client: &Client, identifier: &str, token: &str) -> Result<String, CallError> {
    let first = final_snapshot::first_name(identifier);
    match client
        .describe_db_cluster_snapshots()
        .db_cluster_snapshot_identifier(&first)
        .send()
        .await
    {
        Ok(output) => {
            let is_taken = !output.db_cluster_snapshots().is_empty();
            Ok(final_snapshot::name(identifier, token, is_taken))
        }
        Err(error) if is_code(&error, &["DBClusterSnapshotNotFoundFault"]) => Ok(first),
        Err(error) => Err(call_error("rds:DescribeDBClusterSnapshots", &[], &error)),
    }
}
