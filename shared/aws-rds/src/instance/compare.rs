//! How an instance stands to what is wanted. Pure.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbInstance as SdkInstance;
use outrigger_aws::{key_id, missing_tags};
use outrigger_engine::ports::provider::Difference;
use outrigger_model::properties::{Apply, DbInstance};

use crate::compare::{Closable, Compared, Comparison, Values, unsigned};

/// The property under which parameters are reported that wait for a restart.
pub(super) const STATIC_PARAMETERS: &str = "static_parameters";

/// Compares what is wanted with what DescribeDBInstances shows.
///
/// PendingModifiedValues: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_PendingModifiedValues.html>.
pub(super) fn compare(
    wanted: &DbInstance,
    actual: &SdkInstance,
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
    storage(&mut comparison, wanted, actual);
    network(&mut comparison, wanted, actual);
    backups_and_maintenance(&mut comparison, wanted, actual);
    observability(&mut comparison, wanted, actual);
    parameters(&mut comparison, wanted, actual);
    what_never_changes(&mut comparison, wanted, actual);
    // AWS has taken the password, but the database does not accept it yet. Which password it is cannot be seen.
    let pending = actual.pending_modified_values();
    if pending.is_some_and(|pending| pending.master_user_password().is_some()) {
        comparison.compared.coming.push("secret");
    }
    comparison.compared
}

fn protection(comparison: &mut Comparison, wanted: &DbInstance, actual: &SdkInstance) {
    comparison.equal(
        "deletion_protection",
        wanted.deletion_protection,
        Values::of(actual.deletion_protection()),
    );
    comparison.equal("publicly_accessible", false, Values::of(actual.publicly_accessible()));
    comparison.equal(
        "copy_tags_to_snapshot",
        true,
        Values::of(actual.copy_tags_to_snapshot()),
    );
}

fn engine(comparison: &mut Comparison, wanted: &DbInstance, actual: &SdkInstance) {
    let pending = actual.pending_modified_values();
    comparison.engine_version(
        &wanted.engine_version,
        wanted.minor_upgrades,
        actual.engine_version(),
        pending.and_then(|pending| pending.engine_version()),
    );
    comparison.equal(
        "minor_upgrades",
        wanted.minor_upgrades,
        Values::of(actual.auto_minor_version_upgrade()),
    );
    comparison.equal(
        "class",
        wanted.class.clone(),
        Values {
            actual: actual.db_instance_class.clone(),
            pending: pending.and_then(|pending| pending.db_instance_class.clone()),
        },
    );
    comparison.equal(
        "multi_az",
        wanted.multi_az,
        Values {
            actual: actual.multi_az(),
            pending: pending.and_then(|pending| pending.multi_az()),
        },
    );
}

fn storage(comparison: &mut Comparison, wanted: &DbInstance, actual: &SdkInstance) {
    let pending = actual.pending_modified_values();
    let there = unsigned(actual.allocated_storage());
    // Storage never shrinks.
    let closable = match there {
        Some(gib) if gib > wanted.storage_gib => Closable::No,
        _ => Closable::Yes,
    };
    // What AWS has grown by itself is as it was wanted; so is what it has rounded up.
    let gib_max = grown(wanted.storage_gib).max(wanted.storage_gib_max.unwrap_or_default());
    comparison.add(
        "storage_gib",
        &wanted.storage_gib,
        Values {
            actual: there,
            pending: unsigned(pending.and_then(|pending| pending.allocated_storage())),
        },
        closable,
        |gib| (wanted.storage_gib..=gib_max).contains(gib),
    );
    // As much as there is means: never. Storage that has grown up to its limit shows the same.
    let gib_max = unsigned(actual.max_allocated_storage())
        .filter(|gib| Some(*gib) > there || Some(*gib) == wanted.storage_gib_max);
    comparison.equal("storage_gib_max", wanted.storage_gib_max, Values::of(Some(gib_max)));
    comparison.equal(
        "storage_type",
        wanted.storage_type.clone(),
        Values {
            actual: actual.storage_type.clone(),
            pending: pending.and_then(|pending| pending.storage_type.clone()),
        },
    );
}

fn network(comparison: &mut Comparison, wanted: &DbInstance, actual: &SdkInstance) {
    let pending = actual.pending_modified_values();
    let port = actual.endpoint().and_then(|endpoint| endpoint.port());
    comparison.equal(
        "port",
        u32::from(wanted.port),
        Values {
            actual: unsigned(port),
            pending: unsigned(pending.and_then(|pending| pending.port())),
        },
    );
    comparison.security_groups(&wanted.security_groups, actual.vpc_security_groups());
}

fn backups_and_maintenance(comparison: &mut Comparison, wanted: &DbInstance, actual: &SdkInstance) {
    let pending = actual.pending_modified_values();
    comparison.equal(
        "backup_retention_days",
        wanted.backup_retention_days,
        Values {
            actual: unsigned(actual.backup_retention_period()),
            pending: unsigned(pending.and_then(|pending| pending.backup_retention_period())),
        },
    );
    // Without backups the window means nothing.
    if wanted.backup_retention_days > 0 {
        let window = actual.preferred_backup_window().map(str::to_lowercase);
        comparison.equal("backup_window", wanted.backup_window.to_lowercase(), Values::of(window));
    }
    let window = actual.preferred_maintenance_window().map(str::to_lowercase);
    comparison.equal(
        "maintenance_window",
        wanted.maintenance_window.to_lowercase(),
        Values::of(window),
    );
}

fn observability(comparison: &mut Comparison, wanted: &DbInstance, actual: &SdkInstance) {
    let interval = unsigned(actual.monitoring_interval()).unwrap_or_default();
    comparison.equal(
        "monitoring_interval_seconds",
        wanted.monitoring_interval_seconds,
        Values::of(Some(interval)),
    );
    // Without monitoring the role means nothing.
    if wanted.monitoring_interval_seconds > 0 {
        let role = actual.monitoring_role_arn().filter(|arn| !arn.is_empty());
        let wanted_role = wanted.monitoring_role.as_ref().map(|role| role.text());
        comparison.equal("monitoring_role", wanted_role, Values::of(Some(role)));
    }
    comparison.log_exports(
        &wanted.log_exports,
        actual.enabled_cloudwatch_logs_exports(),
        actual
            .pending_modified_values()
            .and_then(|pending| pending.pending_cloudwatch_logs_exports()),
    );
}

/// Parameter groups, and what of them waits for a restart:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBParameterGroupStatus.html>.
fn parameters(comparison: &mut Comparison, wanted: &DbInstance, actual: &SdkInstance) {
    let Some(group) = actual.db_parameter_groups().first() else {
        return;
    };
    // The engine's default group is none of the document's.
    let name = group
        .db_parameter_group_name()
        .filter(|name| !name.starts_with("default."));
    let wanted_name = wanted.parameter_group.as_ref().map(|group| group.text());
    let is_wanted = match (wanted_name, name) {
        (Some(wanted), Some(name)) => wanted.eq_ignore_ascii_case(name),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let compared = &mut comparison.compared;
    if !is_wanted {
        // A group of another family comes with the upgrade that it belongs to.
        if compared.pending.contains(&"engine_version") {
            compared.pending.push("parameter_group");
        } else {
            let difference = Difference::new("parameter_group", &wanted_name, &name);
            compared.closable.push(difference);
        }
        return;
    }
    match group.parameter_apply_status().unwrap_or_default() {
        "applying" => compared.coming.push("parameter_group"),
        "failed-to-apply" => compared.parameters_failed = true,
        "pending-reboot" if comparison.apply == Apply::InWindow => compared.pending.push(STATIC_PARAMETERS),
        // Which values it runs with is not shown.
        "pending-reboot" => compared.closable.push(Difference::new(
            STATIC_PARAMETERS,
            &wanted.static_parameters,
            &BTreeMap::<String, String>::new(),
        )),
        _ => {}
    }
}

fn what_never_changes(comparison: &mut Comparison, wanted: &DbInstance, actual: &SdkInstance) {
    comparison.fixed("database", wanted.database.clone(), actual.db_name.clone());
    // Records from before the user was recorded have none.
    if !wanted.user.is_empty() {
        comparison.add(
            "user",
            &wanted.user,
            Values::of(actual.master_username.clone()),
            Closable::No,
            |user| user.eq_ignore_ascii_case(&wanted.user),
        );
    }
    let pending = actual.pending_modified_values();
    let group = actual
        .db_subnet_group()
        .and_then(|group| group.db_subnet_group_name.clone());
    comparison.add(
        "subnet_group",
        &wanted.subnet_group,
        Values {
            actual: group,
            pending: pending.and_then(|pending| pending.db_subnet_group_name.clone()),
        },
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

/// To how much AWS may round up what is asked for: "values that are not at least 10% greater than the existing value are
/// rounded up so that they are 10% greater".
pub(super) fn grown(gib: u32) -> u32 {
    gib.saturating_add(gib.div_ceil(10))
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use aws_sdk_rds::types::builders::DbInstanceBuilder;
    use aws_sdk_rds::types::{
        DbParameterGroupStatus, DbSubnetGroup, Endpoint, PendingCloudwatchLogsExports, PendingModifiedValues,
        VpcSecurityGroupMembership,
    };
    use outrigger_model::Input;

    use super::*;
    use crate::compare::is_version;

    fn text(text: &str) -> Input {
        Input::Text(text.to_owned())
    }

    pub(in super::super) fn wanted() -> DbInstance {
        DbInstance {
            engine_version: "15.15".to_owned(),
            class: "db.t3.micro".to_owned(),
            storage_gib: 20,
            storage_gib_max: None,
            storage_type: "gp2".to_owned(),
            multi_az: true,
            database: "tapdb".to_owned(),
            port: 5432,
            user: "dbadmin".to_owned(),
            secret: text("arn"),
            subnet_group: text("Group"),
            security_groups: vec![text("sg-1")],
            encryption_key: Some(text("arn:aws:kms:us-east-1:1:key/a")),
            parameter_group: Some(text("main-postgres15")),
            static_parameters: BTreeMap::from([("max_connections".to_owned(), "200".to_owned())]),
            monitoring_interval_seconds: 60,
            monitoring_role: Some(text("arn:role")),
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

    pub(in super::super) fn actual() -> DbInstanceBuilder {
        SdkInstance::builder()
            .engine_version("15.15")
            .db_instance_class("db.t3.micro")
            .allocated_storage(20)
            .storage_type("gp2")
            .multi_az(true)
            .db_name("tapdb")
            .master_username("dbadmin")
            .endpoint(Endpoint::builder().address("host").port(5432).build())
            .db_subnet_group(DbSubnetGroup::builder().db_subnet_group_name("group").build())
            .vpc_security_groups(group("sg-1", "active"))
            .set_db_parameter_groups(Some(vec![parameters_of("main-postgres15", "in-sync")]))
            .monitoring_interval(60)
            .monitoring_role_arn("arn:role")
            .enabled_cloudwatch_logs_exports("postgresql")
            .backup_retention_period(7)
            .preferred_backup_window("03:00-04:00")
            .preferred_maintenance_window("mon:04:00-mon:05:00")
            .auto_minor_version_upgrade(true)
            .deletion_protection(false)
            .storage_encrypted(true)
            .kms_key_id("arn:aws:kms:us-east-1:1:key/a")
            .publicly_accessible(false)
            .copy_tags_to_snapshot(true)
    }

    fn group(id: &str, status: &str) -> VpcSecurityGroupMembership {
        VpcSecurityGroupMembership::builder()
            .vpc_security_group_id(id)
            .status(status)
            .build()
    }

    pub(in super::super) fn parameters_of(name: &str, status: &str) -> DbParameterGroupStatus {
        DbParameterGroupStatus::builder()
            .db_parameter_group_name(name)
            .parameter_apply_status(status)
            .build()
    }

    fn with_group(name: &str, status: &str) -> DbInstanceBuilder {
        actual().set_db_parameter_groups(Some(vec![parameters_of(name, status)]))
    }

    fn found(wanted: &DbInstance, actual: DbInstanceBuilder) -> Compared {
        let tags = BTreeMap::new();
        compare(wanted, &actual.build(), &tags, &tags)
    }

    fn told(compared: &Compared) -> Vec<String> {
        let differences = compared.differences();
        let tell = |difference: &Difference| {
            let Difference {
                property,
                wanted,
                actual,
            } = difference;
            format!("{property}: {wanted} / {actual}")
        };
        differences.iter().map(tell).collect()
    }

    fn check_of(wanted: &DbInstance, actual: DbInstanceBuilder, differences: &[&str]) {
        let compared = found(wanted, actual);
        assert_eq!(told(&compared), differences);
        assert!(
            compared.coming.is_empty() && compared.pending.is_empty(),
            "{compared:?}"
        );
    }

    fn check(actual: DbInstanceBuilder, differences: &[&str]) {
        check_of(&wanted(), actual, differences);
    }

    #[test]
    fn differences_are_told_in_the_form_of_the_property() {
        check(actual(), &[]);
        check(actual().storage_type("gp3"), &[r#"storage_type: "gp2" / "gp3""#]);
        check(actual().multi_az(false), &["multi_az: true / false"]);
        check(actual().allocated_storage(10), &["storage_gib: 20 / 10"]);
        check(
            actual().endpoint(Endpoint::builder().port(5433).build()),
            &["port: 5432 / 5433"],
        );
        check(actual().vpc_security_groups(group("sg-2", "removing")), &[]);
        check(
            actual().vpc_security_groups(group("sg-2", "active")),
            &[r#"security_groups: ["sg-1"] / ["sg-1","sg-2"]"#],
        );
        check(
            actual().enabled_cloudwatch_logs_exports("upgrade"),
            &[r#"log_exports: ["postgresql"] / ["postgresql","upgrade"]"#],
        );
        check(
            actual().monitoring_interval(0).monitoring_role_arn(""),
            &[
                "monitoring_interval_seconds: 60 / 0",
                r#"monitoring_role: "arn:role" / null"#,
            ],
        );
        check(
            with_group("default.postgres15", "in-sync"),
            &[r#"parameter_group: "main-postgres15" / null"#],
        );
        check(
            with_group("theirs", "pending-reboot"),
            &[r#"parameter_group: "main-postgres15" / "theirs""#],
        );
        // What can be closed comes first.
        check(
            actual()
                .deletion_protection(true)
                .master_username("other")
                .set_db_name(None),
            &[
                "deletion_protection: false / true",
                r#"database: "tapdb" / null"#,
                r#"user: "dbadmin" / "other""#,
            ],
        );
        check(
            actual().publicly_accessible(true),
            &["publicly_accessible: false / true"],
        );
        check(
            actual().kms_key_id("arn:aws:kms:us-east-1:1:key/theirs"),
            &[r#"encryption_key: "arn:aws:kms:us-east-1:1:key/a" / "arn:aws:kms:us-east-1:1:key/theirs""#],
        );
        check(actual().storage_encrypted(false), &["storage_encrypted: true / false"]);
    }

    #[test]
    fn what_a_property_means_nothing_without_is_not_compared() {
        let unmonitored = DbInstance {
            monitoring_interval_seconds: 0,
            monitoring_role: None,
            backup_retention_days: 0,
            parameter_group: None,
            ..wanted()
        };
        let actual = with_group("default.postgres15", "in-sync")
            .monitoring_interval(0)
            .backup_retention_period(0)
            .preferred_backup_window("09:00-10:00");
        check_of(&unmonitored, actual, &[]);
    }

    #[test]
    fn storage_grows_by_itself_and_never_shrinks() {
        let check = |gib_max: Option<u32>, actual_gib: i32, actual_max: Option<i32>, expected: &[&str]| {
            let wanted = DbInstance {
                storage_gib_max: gib_max,
                ..wanted()
            };
            let actual = actual()
                .allocated_storage(actual_gib)
                .set_max_allocated_storage(actual_max);
            check_of(&wanted, actual, expected);
        };
        check(None, 20, None, &[]);
        check(None, 20, Some(20), &[]);
        check(None, 22, Some(22), &[]);
        check(None, 20, Some(100), &["storage_gib_max: null / 100"]);
        check(None, 100, None, &["storage_gib: 20 / 100"]);
        check(Some(100), 20, Some(100), &[]);
        check(Some(100), 60, Some(100), &[]);
        check(Some(100), 100, Some(100), &[]);
        check(
            Some(100),
            120,
            Some(200),
            &["storage_gib_max: 100 / 200", "storage_gib: 20 / 120"],
        );
        check(Some(100), 20, None, &["storage_gib_max: 100 / null"]);
        check(Some(100), 20, Some(20), &["storage_gib_max: 100 / null"]);
    }

    #[test]
    fn pending_values_come_in_the_window_or_are_brought_forward() {
        let pending = || {
            let pending = PendingModifiedValues::builder().multi_az(true);
            actual()
                .multi_az(false)
                .pending_modified_values(pending.allocated_storage(20).build())
                .allocated_storage(10)
        };
        check(pending(), &["multi_az: true / false", "storage_gib: 20 / 10"]);
        let in_window = DbInstance {
            apply: Apply::InWindow,
            ..wanted()
        };
        let compared = found(&in_window, pending());
        assert_eq!(compared.pending, ["multi_az", "storage_gib"]);
        assert!(
            compared.differences().is_empty() && compared.coming.is_empty(),
            "{compared:?}"
        );
    }

    #[test]
    fn somebody_elses_pending_value_is_a_difference() {
        for apply in [Apply::Now, Apply::InWindow] {
            let wanted = DbInstance { apply, ..wanted() };
            let pending = PendingModifiedValues::builder().db_instance_class("db.t3.large");
            let compared = found(&wanted, actual().pending_modified_values(pending.build()));
            assert_eq!(told(&compared), [r#"class: "db.t3.micro" / "db.t3.large""#]);
            assert_eq!(compared.reverts, ["class"]);
            // AWS's own minor upgrade is none.
            let pending = PendingModifiedValues::builder().engine_version("15.16");
            check_of(&wanted, actual().pending_modified_values(pending.build()), &[]);
        }
    }

    #[test]
    fn what_is_on_its_way_whatever_the_window_is_waited_for() {
        for apply in [Apply::Now, Apply::InWindow] {
            let wanted = DbInstance { apply, ..wanted() };
            let logs = PendingCloudwatchLogsExports::builder().log_types_to_enable("postgresql");
            let pending = PendingModifiedValues::builder()
                .master_user_password("****")
                .pending_cloudwatch_logs_exports(logs.build());
            let actual = with_group("main-postgres15", "applying")
                .set_enabled_cloudwatch_logs_exports(None)
                .pending_modified_values(pending.build());
            let compared = found(&wanted, actual);
            assert_eq!(compared.coming, ["log_exports", "parameter_group", "secret"]);
            assert!(compared.differences().is_empty(), "{compared:?}");
        }
    }

    #[test]
    fn static_parameters_wait_for_a_restart() {
        check(
            with_group("main-postgres15", "pending-reboot"),
            &[r#"static_parameters: {"max_connections":"200"} / {}"#],
        );
        let in_window = DbInstance {
            apply: Apply::InWindow,
            ..wanted()
        };
        let compared = found(&in_window, with_group("main-postgres15", "pending-reboot"));
        assert_eq!(compared.pending, ["static_parameters"]);
        assert!(compared.differences().is_empty(), "{compared:?}");
        let failed = found(&in_window, with_group("main-postgres15", "failed-to-apply"));
        assert!(failed.parameters_failed);
    }

    #[test]
    fn a_new_majors_parameter_group_comes_with_the_upgrade() {
        let upgraded = DbInstance {
            engine_version: "16.4".to_owned(),
            parameter_group: Some(text("main-postgres16")),
            apply: Apply::InWindow,
            ..wanted()
        };
        let expected = [
            r#"engine_version: "16.4" / "15.15""#,
            r#"parameter_group: "main-postgres16" / "main-postgres15""#,
        ];
        check_of(&upgraded, actual(), &expected);
        let pending = PendingModifiedValues::builder().engine_version("16.4").build();
        let compared = found(&upgraded, actual().pending_modified_values(pending));
        assert_eq!(compared.pending, ["engine_version", "parameter_group"]);
        assert!(compared.differences().is_empty(), "{compared:?}");
    }

    #[test]
    fn versions() {
        let table = [
            ("15.15", "15.15", false, true),
            ("15.15", "15.16", false, false),
            ("15.15", "15.16", true, true),
            ("15.4", "15.15", true, true),
            ("15.15", "15.4", true, false),
            ("15.15", "16.16", true, false),
            ("11.22", "11.22-rds.20250101", true, true),
            ("15.15", "", true, false),
        ];
        for (wanted, actual, minor_upgrades, expected) in table {
            assert_eq!(
                is_version(wanted, actual, minor_upgrades),
                expected,
                "{wanted} {actual} {minor_upgrades}"
            );
        }
        let pinned = DbInstance {
            minor_upgrades: false,
            ..wanted()
        };
        let compared = found(
            &pinned,
            actual().engine_version("15.16").auto_minor_version_upgrade(false),
        );
        assert_eq!(compared.fixed.len(), 1, "a downgrade: {compared:?}");
    }
}
