//! Where a replication group differs from what is wanted, and what of it waits for the maintenance window. Pure.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticache::types::{
    AutomaticFailoverStatus, CacheCluster, MultiAzStatus, PendingAutomaticFailoverStatus, ReplicationGroup as SdkGroup,
};
use outrigger_aws::{encryption_key, missing_tags};
use outrigger_engine::ports::provider::Difference;
use outrigger_model::properties::{Apply, ReplicationGroup};
use serde::Serialize;

use super::endpoint;
use crate::auth;

/// Of properties that are as wanted: another value waits for the window, and is to be called off.
pub(super) const PENDING_FAILOVER: &str = "pending_automatic_failover";
pub(super) const PENDING_NODE_TYPE: &str = "pending_node_type";
pub(super) const PENDING_ENGINE_VERSION: &str = "pending_engine_version";

/// What a comparison finds.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// In the order in which they can be closed.
    pub(super) differences: Vec<Difference>,
    /// What AWS has accepted as wanted, and does in the window.
    pub(super) pending: Vec<&'static str>,
}

/// Compares a group that is at rest.
///
/// The order of the differences is AWS's order: automatic failover needs a replica, so a group grows before that is
/// switched on, and shrinks after it is switched off. What restarts nodes comes last.
pub(super) fn compare(
    wanted: &ReplicationGroup,
    group: &SdkGroup,
    members: &[CacheCluster],
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Comparison {
    let actual_nodes = u32::try_from(group.member_clusters().len()).unwrap_or(u32::MAX);
    let nodes = || Difference::between("nodes", &wanted.nodes, &actual_nodes);
    let in_window = wanted.apply == Apply::InWindow;

    let failover = Standing::of(
        ["automatic_failover", PENDING_FAILOVER],
        &wanted.automatic_failover,
        &(group.automatic_failover() == Some(&AutomaticFailoverStatus::Enabled)),
        pending_failover(group).as_ref(),
        // The last replica goes at once or not at all, and automatic failover goes before it.
        in_window && !(wanted.nodes == 1 && actual_nodes > 1),
    );
    let multi_az = Standing::of(
        ["multi_az", "multi_az"],
        &wanted.multi_az,
        &(group.multi_az() == Some(&MultiAzStatus::Enabled)),
        // AWS does not show that it waits: it goes along with automatic failover.
        failover.waits.and(Some(&wanted.multi_az)),
        in_window,
    );
    let node_type = Standing::of(
        ["node_type", PENDING_NODE_TYPE],
        &wanted.node_type,
        &group.cache_node_type().unwrap_or_default().to_owned(),
        pending(members, |member| member.pending_modified_values()?.cache_node_type()).as_ref(),
        in_window,
    );
    let pending_version = pending(members, |member| member.pending_modified_values()?.engine_version());
    let engine_version = Standing::of(
        ["engine_version", PENDING_ENGINE_VERSION],
        &wanted.engine_version,
        &engine_version(members, &wanted.engine_version),
        pending_version.as_deref().map(as_asked_for).as_ref(),
        in_window,
    );

    let differences = [
        missing_tags(wanted_tags, actual_tags),
        failover.to_call_off,
        node_type.to_call_off,
        engine_version.to_call_off,
        nodes().filter(|_| wanted.nodes > actual_nodes),
        failover.difference,
        multi_az.difference,
        Difference::between(
            "description",
            &wanted.description.as_str(),
            &group.description().unwrap_or_default(),
        ),
        security_groups(wanted, members),
        auth::difference(wanted, group, actual_tags),
        nodes().filter(|_| wanted.nodes < actual_nodes),
        node_type.difference,
        engine_version.difference,
        Difference::between(
            "port",
            &i32::from(wanted.port),
            &endpoint(group).and_then(|endpoint| endpoint.port()).unwrap_or_default(),
        ),
        subnet_group(wanted, members),
        // Without a key of the document's own it is encrypted with AWS's, whichever that is.
        encryption_key(wanted.encryption_key.as_ref(), group.kms_key_id().unwrap_or_default())
            .filter(|_| wanted.encryption_key.is_some()),
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
    ];
    Comparison {
        differences: differences.into_iter().flatten().collect(),
        pending: [failover.waits, multi_az.waits, node_type.waits, engine_version.waits]
            .into_iter()
            .flatten()
            .collect(),
    }
}

/// How a property stands that AWS can change in the maintenance window.
#[derive(Debug, Default)]
struct Standing {
    difference: Option<Difference>,
    /// It is as wanted, but will not be after the window.
    to_call_off: Option<Difference>,
    /// Its name, where AWS will make it as wanted in the window, and may take until then.
    waits: Option<&'static str>,
}

impl Standing {
    fn of<T: PartialEq + Serialize>(
        [property, pending_property]: [&'static str; 2],
        wanted: &T,
        actual: &T,
        pending: Option<&T>,
        in_window: bool,
    ) -> Self {
        let mut standing = Self::default();
        if wanted != actual {
            if in_window && pending == Some(wanted) {
                standing.waits = Some(property);
            } else {
                standing.difference = Some(Difference::new(property, wanted, actual));
            }
        } else if let Some(pending) = pending {
            standing.to_call_off = Difference::between(pending_property, wanted, pending);
        }
        standing
    }
}

fn pending_failover(group: &SdkGroup) -> Option<bool> {
    let pending = group.pending_modified_values()?.automatic_failover_status()?;
    Some(*pending == PendingAutomaticFailoverStatus::Enabled)
}

/// A value that waits for the window: only the members show it, and it is the same for all of them.
fn pending(members: &[CacheCluster], value: fn(&CacheCluster) -> Option<&str>) -> Option<String> {
    members.iter().find_map(value).map(str::to_owned)
}

/// The members' version; where they differ, one that is not wanted.
fn engine_version(members: &[CacheCluster], wanted: &str) -> String {
    members
        .iter()
        .filter_map(|member| member.engine_version())
        .map(as_asked_for)
        .find(|version| version != wanted)
        .unwrap_or_else(|| wanted.to_owned())
}

/// From version 6 on, ElastiCache is asked for "7.0" and says "7.0.7":
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/supported-engine-versions.html>.
pub(super) fn as_asked_for(version: &str) -> String {
    let parts: Vec<_> = version.split('.').collect();
    match parts.as_slice() {
        [major, minor, _patch, ..] if major.parse::<u32>().is_ok_and(|major| major >= 6) => format!("{major}.{minor}"),
        _ => version.to_owned(),
    }
}

/// A version's numbers, which compare as versions do.
pub(super) fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or_default())
        .collect()
}

fn security_groups(wanted: &ReplicationGroup, members: &[CacheCluster]) -> Option<Difference> {
    let actual: BTreeSet<_> = members
        .iter()
        .flat_map(|member| member.security_groups())
        .filter(|membership| membership.status() != Some("removing"))
        .filter_map(|membership| membership.security_group_id())
        .collect();
    let wanted: BTreeSet<_> = wanted.security_groups.iter().map(|group| group.text()).collect();
    Difference::between("security_groups", &wanted, &actual)
}

/// ElastiCache keeps names in lower case.
fn subnet_group(wanted: &ReplicationGroup, members: &[CacheCluster]) -> Option<Difference> {
    let wanted = wanted.subnet_group.text();
    let another = members
        .iter()
        .filter_map(|member| member.cache_subnet_group_name())
        .find(|actual| !actual.eq_ignore_ascii_case(wanted))?;
    Some(Difference::new("subnet_group", &wanted, &another))
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticache::types::builders::{CacheClusterBuilder, ReplicationGroupBuilder};
    use aws_sdk_elasticache::types::{
        PendingModifiedValues, ReplicationGroupPendingModifiedValues, SecurityGroupMembership,
    };
    use outrigger_model::Input;

    use super::*;
    use crate::replication_group::tests::{group, member, wanted};

    type Change = fn(&mut ReplicationGroup);

    fn check(change: Change, group: ReplicationGroupBuilder, member: CacheClusterBuilder, expected: &[&str]) {
        let mut wanted = wanted();
        change(&mut wanted);
        let tags = BTreeMap::new();
        let found = compare(&wanted, &group.build(), &[member.build()], &tags, &tags);
        let told: Vec<_> = found
            .differences
            .iter()
            .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
            .chain(found.pending.iter().map(|property| format!("{property} waits")))
            .collect();
        assert_eq!(told, expected);
    }

    const AS_IT_IS: Change = |_| {};

    #[test]
    fn differences_are_told_in_the_property_s_own_form() {
        check(AS_IT_IS, group(), member("a"), &[]);
        check(AS_IT_IS, group(), member("a").engine_version("7.0"), &[]);
        check(
            AS_IT_IS,
            group(),
            member("a").engine_version("7.1.0"),
            &[r#"engine_version: "7.0" / "7.1""#],
        );
        check(
            AS_IT_IS,
            group()
                .multi_az(MultiAzStatus::Disabled)
                .set_cache_node_type(Some("cache.t3.small".to_owned()))
                .description("theirs")
                .transit_encryption_enabled(false),
            member("a").cache_subnet_group_name("other"),
            &[
                "multi_az: true / false",
                r#"description: "sessions" / "theirs""#,
                r#"node_type: "cache.t3.micro" / "cache.t3.small""#,
                r#"subnet_group: "Group" / "other""#,
                "encrypted_in_transit: true / false",
            ],
        );
        let another = SecurityGroupMembership::builder().security_group_id("sg-2");
        check(
            AS_IT_IS,
            group(),
            member("a").security_groups(another.clone().status("active").build()),
            &[r#"security_groups: ["sg-1"] / ["sg-1","sg-2"]"#],
        );
        check(
            AS_IT_IS,
            group(),
            member("a").security_groups(another.status("removing").build()),
            &[],
        );
        check(
            |wanted| wanted.port = 6380,
            group(),
            member("a"),
            &["port: 6380 / 6379"],
        );
        let single = |wanted: &mut ReplicationGroup| wanted.security_groups = vec![Input::Text("sg-2".to_owned())];
        check(
            single,
            group(),
            member("a"),
            &[r#"security_groups: ["sg-2"] / ["sg-1"]"#],
        );
    }

    #[test]
    fn it_grows_before_failover_is_on_and_shrinks_after_it_is_off() {
        let off = group()
            .automatic_failover(AutomaticFailoverStatus::Disabled)
            .multi_az(MultiAzStatus::Disabled)
            .set_member_clusters(Some(vec!["a".to_owned()]));
        let expected = [
            "nodes: 2 / 1",
            "automatic_failover: true / false",
            "multi_az: true / false",
        ];
        check(AS_IT_IS, off, member("a"), &expected);
        let one = |wanted: &mut ReplicationGroup| {
            (wanted.nodes, wanted.automatic_failover, wanted.multi_az) = (1, false, false);
        };
        let expected = [
            "automatic_failover: false / true",
            "multi_az: false / true",
            "nodes: 1 / 2",
        ];
        check(one, group(), member("a"), &expected);
    }

    fn with_pending(node_type: Option<&str>, version: Option<&str>) -> CacheClusterBuilder {
        let pending = PendingModifiedValues::builder()
            .set_cache_node_type(node_type.map(str::to_owned))
            .set_engine_version(version.map(str::to_owned));
        member("a").pending_modified_values(pending.build())
    }

    const LARGER: Change = |wanted| {
        (wanted.node_type, wanted.engine_version) = ("cache.t3.small".to_owned(), "7.1".to_owned());
        wanted.apply = Apply::InWindow;
    };

    #[test]
    fn what_waits_for_the_window_is_no_difference_there() {
        let both = [
            r#"node_type: "cache.t3.small" / "cache.t3.micro""#,
            r#"engine_version: "7.1" / "7.0""#,
        ];
        check(LARGER, group(), member("a"), &both);
        check(
            LARGER,
            group(),
            with_pending(Some("cache.t3.small"), Some("7.1.0")),
            &["node_type waits", "engine_version waits"],
        );
        let now: Change = |wanted| {
            LARGER(wanted);
            wanted.apply = Apply::Now;
        };
        check(now, group(), with_pending(Some("cache.t3.small"), Some("7.1.0")), &both);
        // Another value waits: it is replaced.
        check(
            LARGER,
            group(),
            with_pending(Some("cache.t3.large"), Some("7.1")),
            &[both[0], "engine_version waits"],
        );
    }

    #[test]
    fn what_waits_and_is_not_wanted_any_more_is_called_off() {
        let expected = [
            r#"pending_node_type: "cache.t3.micro" / "cache.t3.large""#,
            r#"pending_engine_version: "7.0" / "7.1""#,
        ];
        let waiting = || with_pending(Some("cache.t3.large"), Some("7.1.0"));
        check(AS_IT_IS, group(), waiting(), &expected);
        check(|wanted| wanted.apply = Apply::InWindow, group(), waiting(), &expected);
        check(
            AS_IT_IS,
            group(),
            with_pending(Some("cache.t3.micro"), Some("7.0.7")),
            &[],
        );
    }

    #[test]
    fn failover_and_multi_az_wait_together() {
        let pending = |status| {
            let pending = ReplicationGroupPendingModifiedValues::builder().automatic_failover_status(status);
            group().pending_modified_values(pending.build())
        };
        let off: Change = |wanted| {
            (wanted.automatic_failover, wanted.multi_az) = (false, false);
            wanted.apply = Apply::InWindow;
        };
        let disabled = PendingAutomaticFailoverStatus::Disabled;
        check(
            off,
            pending(disabled.clone()),
            member("a"),
            &["automatic_failover waits", "multi_az waits"],
        );
        // The last replica does not wait, so nothing that it needs does.
        let one: Change = |wanted| {
            (wanted.nodes, wanted.automatic_failover, wanted.multi_az) = (1, false, false);
            wanted.apply = Apply::InWindow;
        };
        let expected = [
            "automatic_failover: false / true",
            "multi_az: false / true",
            "nodes: 1 / 2",
        ];
        check(one, pending(disabled.clone()), member("a"), &expected);
        check(
            AS_IT_IS,
            pending(disabled),
            member("a"),
            &["pending_automatic_failover: true / false"],
        );
    }

    #[test]
    fn versions() {
        for (shown, asked) in [
            ("7.0.7", "7.0"),
            ("6.2.6", "6.2"),
            ("7.1", "7.1"),
            ("5.0.6", "5.0.6"),
            ("", ""),
        ] {
            assert_eq!(as_asked_for(shown), asked);
        }
        assert!(numbers("7.1") > numbers("7.0.7") && numbers("7.0") > numbers("5.0.6"));
    }
}
