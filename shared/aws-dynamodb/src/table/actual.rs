//! A table and its replicas as they are shown, and where they differ from what is wanted. Pure.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{
    BillingMode, KeyType, ReplicaDescription, ReplicaStatus, StreamViewType, TableDescription, TableStatus,
};
use outrigger_aws::{missing_tags, surplus_tags};
use outrigger_engine::ports::provider::{Condition, Difference, Target};
use outrigger_model::Region;
use outrigger_model::properties::Table;
use serde_json::{Value, json};

use super::{
    BILLING, PROTECTION, RECOVERY, REPLICA_PROTECTION, REPLICA_RECOVERY, REPLICA_TAGS, REPLICA_TAGS_GONE, REPLICAS,
    STREAM,
};

/// What can differ.
pub(super) struct Seen {
    pub(super) arn: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) key: String,
    pub(super) sort_key: Option<String>,
    pub(super) billing: String,
    /// What its stream shows of an item that changes; nothing without one.
    pub(super) stream: Option<String>,
    pub(super) replicas: BTreeSet<Region>,
    pub(super) protection: bool,
    pub(super) recovery: bool,
}

/// A replica, in its own region.
pub(super) struct Replica {
    pub(super) region: Region,
    pub(super) seen: Seen,
}

impl Seen {
    /// Whether it can be restored, another call tells.
    pub(super) fn of(table: &TableDescription, region: &Region, tags: BTreeMap<String, String>) -> Self {
        let key = |kind: KeyType| {
            let keys = table.key_schema().iter();
            keys.filter(|key| key.key_type == kind)
                .map(|key| key.attribute_name.clone())
                .next()
        };
        let billing = table
            .billing_mode_summary
            .as_ref()
            .and_then(|of| of.billing_mode.clone());
        let stream = table
            .stream_specification
            .as_ref()
            .filter(|stream| stream.stream_enabled);
        Self {
            arn: table.table_arn.clone().unwrap_or_default(),
            tags,
            key: key(KeyType::Hash).unwrap_or_default(),
            sort_key: key(KeyType::Range),
            billing: billing.unwrap_or(BillingMode::Provisioned).as_str().to_owned(),
            stream: stream
                .and_then(|of| of.stream_view_type.as_ref())
                .map(|view| view.as_str().to_owned()),
            replicas: others(table, region).map(|(region, _)| region).collect(),
            protection: table.deletion_protection_enabled.unwrap_or_default(),
            recovery: false,
        }
    }
}

/// The replicas in other regions, with each its description.
fn others<'a>(table: &'a TableDescription, region: &Region) -> impl Iterator<Item = (Region, &'a ReplicaDescription)> {
    let replicas = table.replicas().iter();
    let named = replicas.filter_map(|replica| Some((Region::new(replica.region_name.clone()?), replica)));
    let region = region.clone();
    named.filter(move |(other, _)| *other != region)
}

/// A table is at rest when all its replicas are:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ReplicaDescription.html>.
pub(super) fn condition(table: &TableDescription, region: &Region) -> Condition {
    let status = table.table_status.clone().unwrap_or(TableStatus::Updating);
    match status {
        TableStatus::Active => {}
        TableStatus::Deleting => return Condition::Deleting,
        TableStatus::Creating | TableStatus::Updating => {
            return Condition::Changing {
                status: status.as_str().to_owned(),
            };
        }
        other => {
            return Condition::Broken {
                reason: format!("DynamoDB says {} of it; its console says what to do", other.as_str()),
            };
        }
    }
    let mut broken = None;
    for (region, replica) in others(table, region) {
        match replica.replica_status.clone().unwrap_or(ReplicaStatus::Updating) {
            ReplicaStatus::Active => {}
            status @ (ReplicaStatus::Creating | ReplicaStatus::Updating | ReplicaStatus::Deleting) => {
                return Condition::Changing {
                    status: format!("the replica in {region} is {}", status.as_str()),
                };
            }
            status => {
                let why = replica
                    .replica_status_description
                    .as_deref()
                    .unwrap_or("its console says what to do");
                let reason = format!("DynamoDB says {} of the replica in {region}: {why}", status.as_str());
                broken = Some(Condition::Broken { reason });
            }
        }
    }
    broken.unwrap_or(Condition::Ready)
}

/// Where the table differs, but for what its replicas have of their own.
pub(super) fn differences(target: &Target, wanted: &Table, seen: &Seen) -> Vec<Difference> {
    let stream = StreamViewType::NewAndOldImages.as_str().to_owned();
    let stream = Some(stream).filter(|_| !wanted.replicas.is_empty());
    [
        missing_tags(&target.resource.tags, &seen.tags),
        surplus_tags(&target.tags_gone, &seen.tags),
        Difference::between("key", &wanted.key, &seen.key),
        Difference::between("sort_key", &wanted.sort_key, &seen.sort_key),
        Difference::between(BILLING, &BillingMode::PayPerRequest.as_str().to_owned(), &seen.billing),
        // A stream that nobody needs any more costs nothing, and may have readers.
        stream.and_then(|stream| Difference::between(STREAM, &Some(stream), &seen.stream)),
        Difference::between(REPLICAS, &wanted.replicas, &seen.replicas),
        Difference::between(RECOVERY, &wanted.point_in_time_recovery, &seen.recovery),
        Difference::between(PROTECTION, &wanted.deletion_protection, &seen.protection),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Where a replica differs in what is its own; each difference says its region. Tags come first: they tell whose it is.
pub(super) fn of_replica(target: &Target, wanted: &Table, replica: &Replica) -> Vec<Difference> {
    let seen = &replica.seen;
    let there = |property, wanted: Value, actual: Value| {
        let region = replica.region.as_str();
        Difference::new(property, &json!({ region: wanted }), &json!({ region: actual }))
    };
    let flag = |property, wanted: bool, actual: bool| {
        (wanted != actual).then(|| there(property, wanted.into(), actual.into()))
    };
    let tags = missing_tags(&target.resource.tags, &seen.tags);
    let gone = surplus_tags(&target.tags_gone, &seen.tags);
    [
        tags.map(|of| there(REPLICA_TAGS, of.wanted, of.actual)),
        gone.map(|of| there(REPLICA_TAGS_GONE, of.wanted, of.actual)),
        flag(REPLICA_RECOVERY, wanted.point_in_time_recovery, seen.recovery),
        flag(REPLICA_PROTECTION, wanted.deletion_protection, seen.protection),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_at_rest_when_its_replicas_are() {
        let home = Region::new("us-east-1");
        let table = |status: TableStatus, replicas: &[(&str, ReplicaStatus)]| {
            let replicas = replicas.iter().map(|(region, status)| {
                let replica = ReplicaDescription::builder().region_name(*region);
                replica.replica_status(status.clone()).build()
            });
            let table = TableDescription::builder().table_status(status);
            table.set_replicas(Some(replicas.collect())).build()
        };
        let changing = |status: &str| Condition::Changing {
            status: status.to_owned(),
        };
        let active = TableStatus::Active;
        let own = ("us-east-1", ReplicaStatus::Creating);
        for (of, expected) in [
            (table(TableStatus::Creating, &[]), changing("CREATING")),
            (table(TableStatus::Deleting, &[]), Condition::Deleting),
            (table(active.clone(), &[own]), Condition::Ready),
            (
                table(active.clone(), &[("us-east-2", ReplicaStatus::Active)]),
                Condition::Ready,
            ),
            (
                table(
                    active.clone(),
                    &[
                        ("us-west-2", ReplicaStatus::CreationFailed),
                        ("us-east-2", ReplicaStatus::Deleting),
                    ],
                ),
                changing("the replica in us-east-2 is DELETING"),
            ),
        ] {
            assert_eq!(condition(&of, &home), expected);
        }
        let failed = condition(&table(active, &[("us-east-2", ReplicaStatus::CreationFailed)]), &home);
        assert!(matches!(failed, Condition::Broken { reason } if reason.contains("CREATION_FAILED")));
    }
}
