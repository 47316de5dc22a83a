//! How a cluster stands to what is wanted. Pure.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbCluster as SdkCluster;
use outrigger_aws::{key_id, missing_tags};
use outrigger_engine::ports::provider::Difference;
use outrigger_model::properties::DbCluster;

use crate::compare::{Closable, Compared, Comparison, Values, is_version, unsigned};
use crate::global_cluster::Membership;

/// The property that calls of its own change.
pub(super) const DATA_API: &str = "data_api";
/// The property that nothing changes of what is there: a member that has left does not come back.
pub(super) const GLOBAL_CLUSTER: &str = "global_cluster";

/// Compares what is wanted with what DescribeDBClusters shows.
///
/// Only what [ClusterPendingModifiedValues] has can wait for the maintenance window.
///
/// [ClusterPendingModifiedValues]:
///     https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ClusterPendingModifiedValues.html
pub(super) fn compare(
    wanted: &DbCluster,
    actual: &SdkCluster,
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Compared {
    let mut comparison = Comparison::new(wanted.apply);
    comparison
        .compared
        .closable
        .extend(missing_tags(wanted_tags, actual_tags));
    protection(&mut comparison, wanted, actual);
    engine(&mut comparison, wanted, actual);
    comparison.equal("port", u32::from(wanted.port), Values::of(unsigned(actual.port())));
    comparison.security_groups(&wanted.security_groups, actual.vpc_security_groups());
    backups_and_maintenance(&mut comparison, wanted, actual);
    let pending = actual.pending_modified_values();
    comparison.log_exports(
        &wanted.log_exports,
        actual.enabled_cloudwatch_logs_exports(),
        pending.and_then(|pending| pending.pending_cloudwatch_logs_exports()),
    );
    let data_api = actual.http_endpoint_enabled().unwrap_or_default();
    comparison.equal(DATA_API, wanted.data_api, Values::of(Some(data_api)));
    what_never_changes(&mut comparison, wanted, actual);
    // AWS has taken the password, but the cluster does not accept it yet. Which password it is cannot be seen.
    if pending.is_some_and(|pending| pending.master_user_password().is_some()) {
        comparison.compared.coming.push("secret");
    }
    comparison.compared
}

/// Compares a member of a global cluster with what DescribeGlobalClusters shows.
///
/// Whether it writes is no difference. What differs of the version is told, and left to whoever upgrades the members in the
/// order that AWS wants: [`why_not`](crate::compare::why_not).
pub(super) fn member(compared: &mut Compared, wanted: &DbCluster, membership: Option<&Membership>) {
    let Some(global) = &wanted.global_cluster else {
        return;
    };
    if membership.is_none_or(|membership| membership.writes.is_none()) {
        compared
            .fixed
            .push(Difference::new(GLOBAL_CLUSTER, global, &None::<String>));
    }
}

fn protection(comparison: &mut Comparison, wanted: &DbCluster, actual: &SdkCluster) {
    comparison.equal(
        "deletion_protection",
        wanted.deletion_protection,
        Values::of(actual.deletion_protection()),
    );
    comparison.equal(
        "copy_tags_to_snapshot",
        true,
        Values::of(actual.copy_tags_to_snapshot()),
    );
}

fn engine(comparison: &mut Comparison, wanted: &DbCluster, actual: &SdkCluster) {
    let pending = actual.pending_modified_values();
    match &wanted.global_cluster {
        None => comparison.engine_version(
            &wanted.engine_version,
            wanted.minor_upgrades,
            actual.engine_version(),
            pending.and_then(|pending| pending.engine_version()),
        ),
        // AWS upgrades its members in an order of their own:
        // https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-upgrade.html
        Some(_) => comparison.add(
            "engine_version",
            &wanted.engine_version,
            Values::of(actual.engine_version.clone()),
            Closable::No,
            |version| is_version(&wanted.engine_version, version, wanted.minor_upgrades),
        ),
    }
    // Where the cluster does not show it, its instances do.
    if let Some(minor_upgrades) = actual.auto_minor_version_upgrade() {
        comparison.equal(
            "minor_upgrades",
            wanted.minor_upgrades,
            Values::of(Some(minor_upgrades)),
        );
    }
    let capacity = actual.serverless_v2_scaling_configuration();
    let (least, most) = (
        capacity.and_then(|capacity| capacity.min_capacity()),
        capacity.and_then(|capacity| capacity.max_capacity()),
    );
    comparison.equal("capacity_acu_min", wanted.capacity_acu_min, Values::of(least));
    comparison.equal("capacity_acu_max", wanted.capacity_acu_max, Values::of(most));
    // The document has no parameters of its own: the engine's default group it is.
    let group = actual.db_cluster_parameter_group().unwrap_or_default();
    if !group.starts_with("default.") && !group.is_empty() {
        comparison.equal("parameter_group", "default", Values::of(Some(group)));
    }
}

fn backups_and_maintenance(comparison: &mut Comparison, wanted: &DbCluster, actual: &SdkCluster) {
    let pending = actual.pending_modified_values();
    comparison.equal(
        "backup_retention_days",
        wanted.backup_retention_days,
        Values {
            actual: unsigned(actual.backup_retention_period()),
            pending: unsigned(pending.and_then(|pending| pending.backup_retention_period())),
        },
    );
    let window = actual.preferred_backup_window().map(str::to_lowercase);
    comparison.equal("backup_window", wanted.backup_window.to_lowercase(), Values::of(window));
    let window = actual.preferred_maintenance_window().map(str::to_lowercase);
    comparison.equal(
        "maintenance_window",
        wanted.maintenance_window.to_lowercase(),
        Values::of(window),
    );
}

fn user(comparison: &mut Comparison, wanted: &DbCluster, actual: &SdkCluster) {
    comparison.add(
        "user",
        &wanted.user,
        Values::of(actual.master_username.clone()),
        Closable::No,
        |user| user.eq_ignore_ascii_case(&wanted.user),
    );
}

/// The zones of its storage are AWS's own affair, once they are chosen.
fn what_never_changes(comparison: &mut Comparison, wanted: &DbCluster, actual: &SdkCluster) {
    // What copies another one may show neither.
    let is_copy = wanted.global_cluster.is_some();
    if !(is_copy && actual.database_name.is_none()) {
        comparison.fixed("database", wanted.database.clone(), actual.database_name.clone());
    }
    if !(is_copy && actual.master_username.is_none()) {
        user(comparison, wanted, actual);
    }
    comparison.add(
        "subnet_group",
        &wanted.subnet_group,
        Values::of(actual.db_subnet_group.clone()),
        Closable::No,
        |group| group.eq_ignore_ascii_case(wanted.subnet_group.text()),
    );
    comparison.fixed("storage_encrypted", true, actual.storage_encrypted());
    // Without a key of the document's own it is encrypted with one of AWS's, whichever that is.
    if let Some(key) = &wanted.encryption_key {
        comparison.add(
            "encryption_key",
            key,
            Values::of(actual.kms_key_id.clone()),
            Closable::No,
            |actual| key_id(actual) == key_id(key.text()),
        );
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use aws_sdk_rds::types::builders::DbClusterBuilder;
    use aws_sdk_rds::types::{
        ClusterPendingModifiedValues, DbClusterMember, PendingCloudwatchLogsExports,
        ServerlessV2ScalingConfigurationInfo, VpcSecurityGroupMembership,
    };
    use outrigger_model::Input;
    use outrigger_model::properties::Apply;

    use super::*;

    fn text(text: &str) -> Input {
        Input::Text(text.to_owned())
    }

    pub(in super::super) fn wanted() -> DbCluster {
        DbCluster {
            engine_version: "15.10".to_owned(),
            capacity_acu_min: 0.5,
            capacity_acu_max: 1.0,
            zones: vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()],
            data_api: true,
            global_cluster: None,
            database: "iotdb".to_owned(),
            port: 5432,
            user: "iotadmin".to_owned(),
            secret: text("arn"),
            subnet_group: text("Group"),
            security_groups: vec![text("sg-1")],
            encryption_key: None,
            log_exports: BTreeSet::from(["postgresql".to_owned()]),
            backup_retention_days: 7,
            backup_window: "03:00-04:00".to_owned(),
            maintenance_window: "Mon:04:00-Mon:05:00".to_owned(),
            minor_upgrades: true,
            deletion_protection: false,
            final_snapshot: false,
            apply: Apply::Now,
            allow_replace: false,
        }
    }

    fn capacity(least: f64, most: f64) -> ServerlessV2ScalingConfigurationInfo {
        ServerlessV2ScalingConfigurationInfo::builder()
            .min_capacity(least)
            .max_capacity(most)
            .build()
    }

    fn member(name: &str, writes: bool) -> DbClusterMember {
        DbClusterMember::builder()
            .db_instance_identifier(name)
            .is_cluster_writer(writes)
            .build()
    }

    pub(in super::super) fn actual() -> DbClusterBuilder {
        SdkCluster::builder()
            .engine_version("15.10")
            .serverless_v2_scaling_configuration(capacity(0.5, 1.0))
            .availability_zones("us-east-1a")
            .availability_zones("us-east-1b")
            .availability_zones("us-east-1f")
            .http_endpoint_enabled(true)
            .database_name("iotdb")
            .port(5432)
            .master_username("iotadmin")
            .db_subnet_group("group")
            .vpc_security_groups(
                VpcSecurityGroupMembership::builder()
                    .vpc_security_group_id("sg-1")
                    .status("active")
                    .build(),
            )
            .db_cluster_parameter_group("default.aurora-postgresql15")
            .db_cluster_members(member("a-1", true))
            .db_cluster_members(member("a-2", false))
            .enabled_cloudwatch_logs_exports("postgresql")
            .backup_retention_period(7)
            .preferred_backup_window("03:00-04:00")
            .preferred_maintenance_window("mon:04:00-mon:05:00")
            .deletion_protection(false)
            .copy_tags_to_snapshot(true)
            .storage_encrypted(true)
    }

    fn found(wanted: &DbCluster, actual: DbClusterBuilder) -> Compared {
        let tags = BTreeMap::new();
        compare(wanted, &actual.build(), &tags, &tags)
    }

    fn check(actual: DbClusterBuilder, expected: &[&str]) {
        let compared = found(&wanted(), actual);
        let tell = |difference: &Difference| {
            let Difference {
                property,
                wanted,
                actual,
            } = difference;
            format!("{property}: {wanted} / {actual}")
        };
        let told: Vec<_> = compared.differences().iter().map(tell).collect();
        assert_eq!(told, expected);
        assert!(
            compared.coming.is_empty() && compared.pending.is_empty(),
            "{compared:?}"
        );
    }

    #[test]
    fn differences_are_told_in_the_form_of_the_property() {
        check(actual(), &[]);
        check(
            actual().serverless_v2_scaling_configuration(capacity(0.0, 2.5)),
            &["capacity_acu_min: 0.5 / 0.0", "capacity_acu_max: 1.0 / 2.5"],
        );
        check(
            actual().set_serverless_v2_scaling_configuration(None),
            &["capacity_acu_min: 0.5 / null", "capacity_acu_max: 1.0 / null"],
        );
        check(actual().set_http_endpoint_enabled(None), &["data_api: true / false"]);
        check(actual().port(5433), &["port: 5432 / 5433"]);
        check(
            actual().auto_minor_version_upgrade(false),
            &["minor_upgrades: true / false"],
        );
        check(
            actual().db_cluster_parameter_group("theirs"),
            &[r#"parameter_group: "default" / "theirs""#],
        );
        check(
            actual()
                .storage_encrypted(false)
                .deletion_protection(true)
                .database_name("other"),
            &[
                "deletion_protection: false / true",
                r#"database: "iotdb" / "other""#,
                "storage_encrypted: true / false",
            ],
        );
    }

    #[test]
    fn what_aurora_does_by_itself_is_no_difference() {
        // Another instance writes since a failover; the minor version is a later one.
        let failed_over = actual().set_db_cluster_members(Some(vec![member("a-1", false), member("a-2", true)]));
        check(failed_over, &[]);
        check(actual().engine_version("15.15"), &[]);
        let compared = found(&wanted(), actual().engine_version("15.9"));
        assert_eq!(compared.closable.len(), 1, "{compared:?}");
        let pinned = DbCluster {
            minor_upgrades: false,
            ..wanted()
        };
        let compared = found(&pinned, actual().engine_version("15.15"));
        assert_eq!(compared.fixed.len(), 1, "a downgrade: {compared:?}");
    }

    #[test]
    fn what_is_pending_comes_in_the_window_or_is_brought_forward() {
        let upgrade = || {
            let pending = ClusterPendingModifiedValues::builder().engine_version("15.15");
            actual().pending_modified_values(pending.build())
        };
        let wanted_upgrade = DbCluster {
            engine_version: "15.15".to_owned(),
            ..wanted()
        };
        let compared = found(&wanted_upgrade, upgrade());
        assert_eq!(compared.closable.len(), 1, "{compared:?}");
        let in_window = DbCluster {
            apply: Apply::InWindow,
            ..wanted_upgrade
        };
        let compared = found(&in_window, upgrade());
        assert_eq!(compared.pending, ["engine_version"]);
        assert!(compared.differences().is_empty(), "{compared:?}");
        // Whatever the window.
        let logs = PendingCloudwatchLogsExports::builder().log_types_to_enable("postgresql");
        let pending = ClusterPendingModifiedValues::builder()
            .master_user_password("****")
            .pending_cloudwatch_logs_exports(logs.build());
        let coming = actual()
            .set_enabled_cloudwatch_logs_exports(None)
            .pending_modified_values(pending.build());
        assert_eq!(found(&wanted(), coming).coming, ["log_exports", "secret"]);
    }
}
