//! `AWS::ElastiCache::ReplicationGroup`, of Redis, with one shard.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::{
    AutomaticFailoverStatus, CacheCluster, Endpoint, MultiAzStatus, ReplicationGroup as SdkGroup,
};
use outrigger_aws::{TAGS, call_error, is_code, missing_tags, number, unchangeable};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::ReplicationGroup;
use outrigger_model::resource::is_ours;

use crate::{POLL_SECONDS, fresh_references_wait, tags};

/// One primary and five replicas, as the attributes `member_1` to `member_6`.
const MEMBERS_MAX: usize = 6;

const NOT_FOUND: &[&str] = &["ReplicationGroupNotFoundFault"];
const CODES: &[(&str, CallErrorKind)] = &[
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
    let differences = match condition {
        Condition::Ready => {
            let members: Vec<_> = members.into_iter().flatten().collect();
            let actual_tags = actual_tags.unwrap_or_default();
            differences(wanted, &group, &members, &target.resource.tags, &actual_tags)
        }
        // What is being created or changed does not show its values yet.
        Condition::Changing { .. } | Condition::Deleting | Condition::Broken { .. } => Vec::new(),
    };
    Ok(Some(Observed {
        id: group.replication_group_id().unwrap_or_default().to_owned(),
        attributes: attributes(&group),
        condition,
        ours,
        differences,
        duplicates: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &ReplicationGroup,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        TAGS => {
            let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
            tags::add(client, arn, &target.resource.tags).await?;
            Ok(Progress::changed(POLL_SECONDS))
        }
        _ => Ok(unchangeable("a cache", first)),
    }
}

/// CreateReplicationGroup, with AWS's default parameter group and without snapshots:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html>.
async fn create(client: &Client, target: &Target, wanted: &ReplicationGroup) -> Result<Progress, CallError> {
    let call = "elasticache:CreateReplicationGroup";
    let nodes = number(call, "nodes", wanted.nodes)?;
    let groups = wanted
        .security_groups
        .iter()
        .map(|group| group.text().to_owned())
        .collect();
    let output = client
        .create_replication_group()
        .replication_group_id(&target.resource.physical_name)
        .replication_group_description(&wanted.description)
        .engine("redis")
        .engine_version(&wanted.engine_version)
        .cache_node_type(&wanted.node_type)
        .num_cache_clusters(nodes)
        .port(i32::from(wanted.port))
        .automatic_failover_enabled(wanted.automatic_failover)
        .multi_az_enabled(wanted.multi_az)
        .at_rest_encryption_enabled(true)
        .transit_encryption_enabled(true)
        .cache_subnet_group_name(wanted.subnet_group.text())
        .set_security_group_ids(Some(groups))
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| fresh_references_wait(call_error(call, CODES, &error)))?;
    Ok(Progress::InProgress {
        id: output.replication_group.and_then(|group| group.replication_group_id),
        poll_after_seconds: POLL_SECONDS,
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

async fn describe(client: &Client, id: &str) -> Result<Option<SdkGroup>, CallError> {
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

/// Where a replication group differs from what is wanted; what can be closed comes first.
fn differences(
    wanted: &ReplicationGroup,
    group: &SdkGroup,
    members: &[CacheCluster],
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let of_members = |of: fn(&CacheCluster) -> Option<&str>| -> BTreeSet<String> {
        members.iter().filter_map(of).map(str::to_owned).collect()
    };
    let versions = of_members(|member| member.engine_version());
    let subnet_groups = of_members(|member| member.cache_subnet_group_name());
    let security_groups: BTreeSet<_> = members
        .iter()
        .flat_map(|member| member.security_groups())
        .filter_map(|membership| membership.security_group_id())
        .collect();
    let wanted_security_groups: BTreeSet<_> = wanted.security_groups.iter().map(|group| group.text()).collect();
    let enabled = |is_enabled: bool| if is_enabled { "enabled" } else { "disabled" };
    let failover = group
        .automatic_failover()
        .map_or("nothing", AutomaticFailoverStatus::as_str);
    let multi_az = group.multi_az().map_or("nothing", MultiAzStatus::as_str);
    let node_type = group.cache_node_type().unwrap_or("nothing");
    let nodes = u32::try_from(group.member_clusters().len()).unwrap_or(u32::MAX);
    let port = endpoint(group).and_then(|endpoint| endpoint.port()).unwrap_or_default();
    // ElastiCache keeps names in lower case, and says "7.0.7" where "7.0" was asked for.
    let is_version = |actual: &String| {
        let rest = actual.strip_prefix(wanted.engine_version.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_subnet_group = |actual: &String| actual.eq_ignore_ascii_case(wanted.subnet_group.text());
    let all = |property, wanted: &str, actual: BTreeSet<String>, is_as_wanted: &dyn Fn(&String) -> bool| {
        (!actual.iter().all(is_as_wanted)).then(|| Difference {
            property,
            wanted: wanted.to_owned(),
            actual: actual.into_iter().collect::<Vec<_>>().join(", "),
        })
    };
    [
        missing_tags(wanted_tags, actual_tags),
        all("engine_version", &wanted.engine_version, versions, &is_version),
        Difference::between("node_type", &wanted.node_type.as_str(), &node_type),
        Difference::between("nodes", &wanted.nodes, &nodes),
        Difference::between("port", &i32::from(wanted.port), &port),
        Difference::between("automatic_failover", &enabled(wanted.automatic_failover), &failover),
        Difference::between("multi_az", &enabled(wanted.multi_az), &multi_az),
        all(
            "subnet_group",
            wanted.subnet_group.text(),
            subnet_groups,
            &is_subnet_group,
        ),
        Difference::between("security_groups", &wanted_security_groups, &security_groups),
        Difference::between(
            "encrypted_at_rest",
            &true,
            &group.at_rest_encryption_enabled().unwrap_or_default(),
        ),
        Difference::between(
            "encrypted_in_transit",
            &true,
            &group.transit_encryption_enabled().unwrap_or_default(),
        ),
        Difference::between(
            "description",
            &wanted.description.as_str(),
            &group.description().unwrap_or_default(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticache::types::builders::{CacheClusterBuilder, ReplicationGroupBuilder};
    use aws_sdk_elasticache::types::{NodeGroup, SecurityGroupMembership};
    use outrigger_model::Input;

    use super::*;

    fn wanted() -> ReplicationGroup {
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
        }
    }

    fn group() -> ReplicationGroupBuilder {
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

    fn member(id: &str) -> CacheClusterBuilder {
        CacheCluster::builder()
            .cache_cluster_id(id)
            .cache_cluster_status("available")
            .engine_version("7.0.7")
            .cache_subnet_group_name("group")
            .security_groups(SecurityGroupMembership::builder().security_group_id("sg-1").build())
    }

    fn check(group: ReplicationGroupBuilder, member: CacheClusterBuilder, expected: &[&str]) {
        let tags = BTreeMap::new();
        let found: Vec<_> = differences(&wanted(), &group.build(), &[member.build()], &tags, &tags)
            .iter()
            .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn differences_are_told() {
        check(group(), member("a"), &[]);
        check(group(), member("a").engine_version("7.0"), &[]);
        check(
            group(),
            member("a").engine_version("7.05"),
            &["engine_version: 7.0 / 7.05"],
        );
        check(group().member_clusters("cache-003"), member("a"), &["nodes: 2 / 3"]);
        check(
            group()
                .multi_az(MultiAzStatus::Disabled)
                .set_cache_node_type(Some("cache.t3.small".to_owned()))
                .transit_encryption_enabled(false),
            member("a").cache_subnet_group_name("other"),
            &[
                r#"node_type: "cache.t3.micro" / "cache.t3.small""#,
                r#"multi_az: "enabled" / "disabled""#,
                "subnet_group: Group / other",
                "encrypted_in_transit: true / false",
            ],
        );
        check(
            group(),
            member("a").security_groups(SecurityGroupMembership::builder().security_group_id("sg-2").build()),
            &[r#"security_groups: {"sg-1"} / {"sg-1", "sg-2"}"#],
        );
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
