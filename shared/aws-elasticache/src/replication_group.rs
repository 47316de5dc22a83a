//! `AWS::ElastiCache::ReplicationGroup`, of Redis, with one shard.

mod change;
mod compare;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::{AutomaticFailoverStatus, CacheCluster, Endpoint, ReplicationGroup as SdkGroup};
use outrigger_aws::{call_error, is_code, number, surplus_tags};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::ReplicationGroup;
use outrigger_model::resource::is_ours;
use secrecy::ExposeSecret;

use self::compare::{Comparison, compare};
use crate::auth::{REQUIRED, TAG_AUTH};
use crate::{ENGINE, POLL_SECONDS, fresh_references_wait, tags};

/// One primary and five replicas, as the attributes `member_1` to `member_6`.
const MEMBERS_MAX: usize = 6;

const NOT_FOUND: &[&str] = &["ReplicationGroupNotFoundFault"];
pub(crate) const CODES: &[(&str, CallErrorKind)] = &[
    ("ReplicationGroupAlreadyExists", CallErrorKind::Exists),
    // References that are created, but that not every part of ElastiCache sees yet.
    ("CacheSubnetGroupNotFoundFault", CallErrorKind::NotYet),
    ("InvalidVPCNetworkStateFault", CallErrorKind::NotYet),
    ("ServiceLinkedRoleNotFoundFault", CallErrorKind::NotYet),
    // No machine of this type is free in the zones just now.
    ("InsufficientCacheClusterCapacity", CallErrorKind::NotYet),
    // Being created, changed, snapshotted or deleted.
    ("InvalidReplicationGroupState", CallErrorKind::NotYet),
    ("InvalidCacheClusterState", CallErrorKind::NotYet),
    // It has as many replicas as are asked for: somebody was faster.
    ("NoOperationFault", CallErrorKind::NotYet),
];

/// DescribeReplicationGroups, DescribeCacheClusters for what only the members show, and ListTagsForResource:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeReplicationGroups.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &ReplicationGroup,
) -> Result<Option<Observed>, CallError> {
    let Some(group) = describe(client, &target.resource.physical_name).await? else {
        return Ok(None);
    };
    let mut condition = group_condition(&group);
    let members = async {
        match condition {
            Condition::Ready => futures::future::try_join_all(member_ids(&group).map(|id| member(client, id))).await,
            Condition::Changing { .. } | Condition::Deleting | Condition::Broken { .. } => Ok(Vec::new()),
        }
    };
    let (members, actual_tags) = futures::try_join!(members, tags::list(client, group.arn().unwrap_or_default()))?;
    if condition == Condition::Ready {
        condition = members_condition(&members);
    }
    let ours = match &actual_tags {
        Some(actual) => is_ours(actual, &target.resource.tags),
        // Only an available group shows its tags. If our own create was answered, the group of that name is ours.
        None if target.id.is_some() => true,
        None => {
            return Err(CallError {
                kind: CallErrorKind::NotYet,
                ..CallError::invalid(
                    "elasticache:ListTagsForResource",
                    format!(
                        "the tags of a replication group that is {} cannot be read",
                        status(&group)
                    ),
                )
            });
        }
    };
    let comparison = match condition {
        Condition::Ready => {
            let members: Vec<_> = members.into_iter().flatten().collect();
            let actual_tags = actual_tags.unwrap_or_default();
            let mut comparison = compare(wanted, &group, &members, &target.resource.tags, &actual_tags);
            let surplus = surplus_tags(&target.tags_gone, &actual_tags);
            comparison.differences.extend(surplus);
            comparison
        }
        // What is being created or changed does not show its values yet.
        Condition::Changing { .. } | Condition::Deleting | Condition::Broken { .. } => Comparison::default(),
    };
    Ok(Some(Observed {
        id: group.replication_group_id().unwrap_or_default().to_owned(),
        attributes: attributes(&group),
        condition,
        ours,
        differences: comparison.differences,
        duplicates: Vec::new(),
        pending: comparison.pending,
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &ReplicationGroup,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    match observed {
        None => create(client, secrets, target, wanted).await,
        Some(observed) => change::ensure(client, secrets, target, wanted, observed).await,
    }
}

/// CreateReplicationGroup, with AWS's default parameter group and without snapshots:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html>.
async fn create(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &ReplicationGroup,
) -> Result<Progress, CallError> {
    let call = "elasticache:CreateReplicationGroup";
    let nodes = number(call, "nodes", wanted.nodes)?;
    let mut tags = target.resource.tags.clone();
    // Read last, and gone when this call ends.
    let token = match &wanted.auth_secret {
        Some(secret) => {
            tags.insert(TAG_AUTH.to_owned(), REQUIRED.to_owned());
            Some(secrets.credentials(secret.text()).await?.password)
        }
        None => None,
    };
    let output = client
        .create_replication_group()
        .replication_group_id(&target.resource.physical_name)
        .replication_group_description(&wanted.description)
        .engine(ENGINE)
        .engine_version(&wanted.engine_version)
        .cache_node_type(&wanted.node_type)
        .num_cache_clusters(nodes)
        .port(i32::from(wanted.port))
        .automatic_failover_enabled(wanted.automatic_failover)
        .multi_az_enabled(wanted.multi_az)
        .at_rest_encryption_enabled(true)
        .transit_encryption_enabled(true)
        .set_kms_key_id(wanted.encryption_key.as_ref().map(|key| key.text().to_owned()))
        .set_auth_token(token.as_ref().map(|token| token.expose_secret().to_owned()))
        .snapshot_retention_limit(0)
        .cache_subnet_group_name(wanted.subnet_group.text())
        .set_security_group_ids(Some(change::security_group_ids(wanted)))
        .set_tags(Some(tags::to_sdk(&tags)))
        .send()
        .await
        .map_err(|error| fresh_references_wait(call_error(call, CODES, &error)))?;
    Ok(Progress::InProgress {
        id: output.replication_group.and_then(|group| group.replication_group_id),
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

/// DeleteReplicationGroup, with all its members and without a final snapshot:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteReplicationGroup.html>.
pub(crate) async fn delete(client: &Client, target: &Target) -> Result<Progress, CallError> {
    match client
        .delete_replication_group()
        .replication_group_id(&target.resource.physical_name)
        .retain_primary_cluster(false)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("elasticache:DeleteReplicationGroup", CODES, &error)),
    }
}

pub(crate) async fn describe(client: &Client, id: &str) -> Result<Option<SdkGroup>, CallError> {
    match client
        .describe_replication_groups()
        .replication_group_id(id)
        .send()
        .await
    {
        Ok(output) => Ok(output.replication_groups.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("elasticache:DescribeReplicationGroups", CODES, &error)),
    }
}

/// DescribeCacheClusters:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheClusters.html>.
async fn member(client: &Client, id: &str) -> Result<Option<CacheCluster>, CallError> {
    match client.describe_cache_clusters().cache_cluster_id(id).send().await {
        Ok(output) => Ok(output.cache_clusters.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, &["CacheClusterNotFound"]) => Ok(None),
        Err(error) => Err(call_error("elasticache:DescribeCacheClusters", CODES, &error)),
    }
}

fn member_ids(group: &SdkGroup) -> impl Iterator<Item = &str> {
    let ids: BTreeSet<_> = group.member_clusters().iter().map(String::as_str).collect();
    ids.into_iter().take(MEMBERS_MAX)
}

fn endpoint(group: &SdkGroup) -> Option<&Endpoint> {
    group.node_groups().first().and_then(|shard| shard.primary_endpoint())
}

fn status(group: &SdkGroup) -> &str {
    group.status().unwrap_or_default()
}

fn attributes(group: &SdkGroup) -> BTreeMap<String, String> {
    let endpoint = endpoint(group);
    let known = [
        ("arn", group.arn().map(str::to_owned)),
        (
            "endpoint",
            endpoint.and_then(|endpoint| endpoint.address()).map(str::to_owned),
        ),
        (
            "port",
            endpoint
                .and_then(|endpoint| endpoint.port())
                .map(|port| port.to_string()),
        ),
    ];
    let members = member_ids(group).enumerate();
    known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .chain(members.map(|(index, id)| (format!("member_{}", index + 1), id.to_owned())))
        .collect()
}

/// What the status of a replication group means: `Status` of
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ReplicationGroup.html>.
fn group_condition(group: &SdkGroup) -> Condition {
    let changing = |status: &str| Condition::Changing {
        status: status.to_owned(),
    };
    match status(group) {
        "available" => match group.automatic_failover() {
            Some(AutomaticFailoverStatus::Enabling) => changing("available, enabling automatic failover"),
            Some(AutomaticFailoverStatus::Disabling) => changing("available, disabling automatic failover"),
            _ if changes_token(group) => changing("available, changing its AUTH token"),
            _ if endpoint(group).is_none() => changing("available, without an endpoint yet"),
            _ => Condition::Ready,
        },
        "deleting" => Condition::Deleting,
        "create-failed" => Condition::Broken {
            reason: "create-failed: it cannot be repaired: delete it, and see its events for why".to_owned(),
        },
        other => changing(other),
    }
}

fn changes_token(group: &SdkGroup) -> bool {
    let pending = group.pending_modified_values();
    pending.is_some_and(|pending| pending.auth_token_status().is_some())
}

/// A group is usable when each of its members is: `CacheClusterStatus` of
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CacheCluster.html>.
fn members_condition(members: &[Option<CacheCluster>]) -> Condition {
    let mut changing = None;
    for member in members {
        let Some(member) = member else {
            changing = Some("available, but a member is not shown yet".to_owned());
            continue;
        };
        let id = member.cache_cluster_id().unwrap_or_default();
        match member.cache_cluster_status().unwrap_or_default() {
            "available" => {}
            "incompatible-network" => {
                return Condition::Broken {
                    reason: format!(
                        "{id} is incompatible-network: see that its VPC still has its subnets, with free addresses"
                    ),
                };
            }
            "restore-failed" => {
                return Condition::Broken {
                    reason: format!("{id} is restore-failed: it cannot be repaired: delete the group"),
                };
            }
            other => changing = Some(format!("{id} is {other}")),
        }
    }
    changing.map_or(Condition::Ready, |status| Condition::Changing { status })
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_sdk_elasticache::types::builders::{CacheClusterBuilder, ReplicationGroupBuilder};
    use aws_sdk_elasticache::types::{MultiAzStatus, NodeGroup, SecurityGroupMembership};
    use outrigger_model::Input;
    use outrigger_model::properties::Apply;

    use super::*;

    pub(crate) fn wanted() -> ReplicationGroup {
        ReplicationGroup {
            description: "sessions".to_owned(),
            engine_version: "7.0".to_owned(),
            node_type: "cache.t3.micro".to_owned(),
            nodes: 2,
            port: 6379,
            automatic_failover: true,
            multi_az: true,
            subnet_group: Input::Text("Group".to_owned()),
            security_groups: vec![Input::Text("sg-1".to_owned())],
            encryption_key: None,
            auth_secret: None,
            apply: Apply::Now,
            allow_replace: false,
        }
    }

    pub(crate) fn group() -> ReplicationGroupBuilder {
        let primary = Endpoint::builder().address("host").port(6379).build();
        SdkGroup::builder()
            .arn("arn")
            .status("available")
            .description("sessions")
            .cache_node_type("cache.t3.micro")
            .automatic_failover(AutomaticFailoverStatus::Enabled)
            .multi_az(MultiAzStatus::Enabled)
            .member_clusters("cache-002")
            .member_clusters("cache-001")
            .node_groups(NodeGroup::builder().primary_endpoint(primary).build())
            .at_rest_encryption_enabled(true)
            .transit_encryption_enabled(true)
    }

    pub(crate) fn member(id: &str) -> CacheClusterBuilder {
        CacheCluster::builder()
            .cache_cluster_id(id)
            .cache_cluster_status("available")
            .engine_version("7.0.7")
            .cache_subnet_group_name("group")
            .security_groups(SecurityGroupMembership::builder().security_group_id("sg-1").build())
    }

    #[test]
    fn members_are_numbered_by_name() {
        let attributes = attributes(&group().build());
        let expected = [
            ("arn", "arn"),
            ("endpoint", "host"),
            ("member_1", "cache-001"),
            ("member_2", "cache-002"),
            ("port", "6379"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(attributes, BTreeMap::from(expected));
    }

    #[test]
    fn statuses() {
        let changing = |status: &str| Condition::Changing {
            status: status.to_owned(),
        };
        let of = |status: &str| group_condition(&group().status(status).build());
        assert_eq!(of("available"), Condition::Ready);
        assert_eq!(of("deleting"), Condition::Deleting);
        for status in ["creating", "modifying", "snapshotting"] {
            assert_eq!(of(status), changing(status));
        }
        assert!(matches!(of("create-failed"), Condition::Broken { .. }));
        let enabling = group().automatic_failover(AutomaticFailoverStatus::Enabling).build();
        assert_eq!(
            group_condition(&enabling),
            changing("available, enabling automatic failover")
        );

        let members = |second: &str| {
            let second = member("cache-002").cache_cluster_status(second).build();
            members_condition(&[Some(member("cache-001").build()), Some(second)])
        };
        assert_eq!(members("available"), Condition::Ready);
        assert_eq!(members("modifying"), changing("cache-002 is modifying"));
        assert!(matches!(members("incompatible-network"), Condition::Broken { .. }));
        assert_eq!(
            members_condition(&[None]),
            changing("available, but a member is not shown yet")
        );
    }
}
