//! Replicas of a secret in other regions: they have its name, its tags and every version of its value, and are read there.
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html>

use std::collections::BTreeSet;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, StatusType};
use outrigger_aws::{Clients, gone_meanwhile};
use outrigger_engine::ports::provider::{CallError, Progress, Target};
use outrigger_model::Region;
use outrigger_model::properties::Secret;

use crate::POLL_SECONDS;
use crate::calls::{self, failed};

const REPLICATE: &str = "secretsmanager:ReplicateSecretToRegions";
const REMOVE: &str = "secretsmanager:RemoveRegionsFromReplication";

/// The regions that have a replica, or will have one.
pub(crate) fn there(secret: &DescribeSecretOutput) -> BTreeSet<Region> {
    regions(secret, |status| status != Some(&StatusType::Failed))
}

/// The regions in which AWS has given up on making one.
fn given_up(secret: &DescribeSecretOutput) -> BTreeSet<Region> {
    regions(secret, |status| status == Some(&StatusType::Failed))
}

fn regions(secret: &DescribeSecretOutput, is_meant: impl Fn(Option<&StatusType>) -> bool) -> BTreeSet<Region> {
    let statuses = secret.replication_status().iter();
    let meant = statuses.filter(|replica| is_meant(replica.status()));
    meant.filter_map(|replica| replica.region()).map(Region::new).collect()
}

/// What AWS is at work on.
pub(crate) fn under_way(secret: &DescribeSecretOutput) -> Option<String> {
    let under_way = regions(secret, |status| status == Some(&StatusType::InProgress));
    let listed: Vec<&str> = under_way.iter().map(Region::as_str).collect();
    (!listed.is_empty()).then(|| format!("being replicated to {}", listed.join(", ")))
}

/// The one call that brings the replicas nearer to what is wanted: what AWS has given up on, or is not wanted, is removed;
/// then what is missing is added.
///
/// A secret of the same name that is none of ours is never overwritten: so it is looked for first, in the replica's region.
pub(crate) async fn change(
    client: &Client,
    clients: &Clients<Client>,
    target: &Target,
    wanted: &Secret,
    arn: &str,
) -> Result<Progress, CallError> {
    let Some(secret) = calls::describe(client, arn).await? else {
        return Err(gone_meanwhile(REPLICATE, "the secret"));
    };
    let there = there(&secret);
    let surplus: BTreeSet<Region> = there.difference(&wanted.replicas).cloned().collect();
    let surplus: BTreeSet<Region> = surplus.union(&given_up(&secret)).cloned().collect();
    if !surplus.is_empty() {
        return remove(client, arn, &surplus).await;
    }
    let missing: Vec<Region> = wanted.replicas.difference(&there).cloned().collect();
    let name = &target.resource.physical_name;
    for region in &missing {
        let other = calls::describe(&clients.of(region).await, name).await?;
        if let Some(other) = other {
            return Ok(Progress::Blocked {
                reason: format!(
                    "the name {name} is taken in {region} by {}, which is no replica of this stack's secret; rename the \
                     component, or remove that secret",
                    other.arn().unwrap_or_default()
                ),
            });
        }
    }
    if missing.is_empty() {
        return Ok(Progress::Done);
    }
    let to_add = missing
        .iter()
        .map(|region| ReplicaRegionType::builder().region(region.as_str()).build());
    // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html
    client
        .replicate_secret_to_regions()
        .secret_id(arn)
        .set_add_replica_regions(Some(to_add.collect()))
        .send()
        .await
        .map_err(|error| failed(REPLICATE, &error))?;
    Ok(Progress::changed(POLL_SECONDS))
}

/// Removes every replica: a secret that has one cannot be deleted. `None` where there is none.
pub(crate) async fn remove_all(
    client: &Client,
    arn: &str,
    secret: &DescribeSecretOutput,
) -> Result<Option<Progress>, CallError> {
    let all = regions(secret, |_| true);
    match all.is_empty() {
        true => Ok(None),
        false => remove(client, arn, &all).await.map(Some),
    }
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RemoveRegionsFromReplication.html>
async fn remove(client: &Client, arn: &str, surplus: &BTreeSet<Region>) -> Result<Progress, CallError> {
    let regions = surplus.iter().map(|region| region.as_str().to_owned());
    client
        .remove_regions_from_replication()
        .secret_id(arn)
        .set_remove_replica_regions(Some(regions.collect()))
        .send()
        .await
        .map_err(|error| failed(REMOVE, &error))?;
    Ok(Progress::changed(POLL_SECONDS))
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::types::ReplicationStatusType;

    use super::*;

    #[test]
    fn what_aws_has_given_up_on_is_not_there() {
        let status =
            |region: &str, status: StatusType| ReplicationStatusType::builder().region(region).status(status).build();
        let secret = DescribeSecretOutput::builder()
            .replication_status(status("us-east-2", StatusType::InSync))
            .replication_status(status("us-west-2", StatusType::Failed))
            .replication_status(status("eu-west-1", StatusType::InProgress))
            .build();
        let names = |regions: BTreeSet<Region>| -> Vec<String> { regions.iter().map(Region::to_string).collect() };
        assert_eq!(names(there(&secret)), ["eu-west-1", "us-east-2"]);
        assert_eq!(names(given_up(&secret)), ["us-west-2"]);
        assert_eq!(under_way(&secret).as_deref(), Some("being replicated to eu-west-1"));
        assert_eq!(under_way(&DescribeSecretOutput::builder().build()), None);
    }
}
