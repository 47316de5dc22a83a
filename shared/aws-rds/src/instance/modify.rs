//! How an instance is made as it is wanted.

use aws_sdk_rds::Client;
use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDbInstanceInputBuilder;
use aws_sdk_rds::types::DbInstance as SdkInstance;
use outrigger_aws::{TAGS, TAGS_GONE, call_error, gone_meanwhile, number};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::DbInstance;

use super::compare::{STATIC_PARAMETERS, compare, grown};
use super::{CODES, create, describe, group_ids};
use crate::compare::{Compared, log_exports, version, why_not};
use crate::{POLL_SECONDS, fresh_references_wait, tags};

const MODIFY: &str = "rds:ModifyDBInstance";

/// From how much on gp3 storage of PostgreSQL is striped, and its operations per second must be named; below, they must
/// not. <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage>
const STRIPED_GIB_MIN: i32 = 400;
/// What striped gp3 storage gets at the least.
const STRIPED_IOPS_MIN: i32 = 12_000;

pub(crate) async fn ensure(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &DbInstance,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, secrets, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
    match first.property {
        TAGS => tags::add(client, arn, &target.resource.tags).await?,
        TAGS_GONE => tags::remove(client, arn, first).await?,
        STATIC_PARAMETERS => reboot(client, target).await?,
        _ => return modify(client, target, wanted).await,
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// RebootDBInstance: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RebootDBInstance.html>. Without a
/// failover: a standby that takes over would not have the parameters either.
async fn reboot(client: &Client, target: &Target) -> Result<(), CallError> {
    client
        .reboot_db_instance()
        .db_instance_identifier(&target.resource.physical_name)
        .send()
        .await
        .map(drop)
        .map_err(|error| call_error("rds:RebootDBInstance", CODES, &error))
}

/// Closes every difference that ModifyDBInstance can close in one call, since AWS is at work for minutes after each:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>.
async fn modify(client: &Client, target: &Target, wanted: &DbInstance) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    // What the call says depends on more than differs.
    let Some(actual) = describe(client, name).await? else {
        return Err(gone_meanwhile(MODIFY, "the database"));
    };
    let same = &target.resource.tags;
    let compared = compare(wanted, &actual, same, same);
    let properties: Vec<_> = compared
        .closable
        .iter()
        .map(|difference| difference.property)
        .filter(|property| *property != STATIC_PARAMETERS)
        .collect();
    if properties.is_empty() {
        return Ok(match compared.fixed.first() {
            Some(difference) => Progress::Blocked {
                reason: why_not("a database", difference),
            },
            // Closed since it was observed.
            None => Progress::changed(POLL_SECONDS),
        });
    }
    let request = modification(&properties, wanted, &actual, &compared)?;
    let refused = match request.db_instance_identifier(name).send_with(client).await {
        Ok(_) => return Ok(Progress::changed(POLL_SECONDS)),
        Err(error) => fresh_references_wait(call_error(MODIFY, CODES, &error)),
    };
    // "The currently running engine version must be supported on the specified DB instance class. Otherwise [...] first run
    // the operation to upgrade the engine version, and then run it again to modify the DB instance class."
    let upgrades_first = refused.code == "InvalidParameterCombination"
        && ["engine_version", "class"]
            .iter()
            .all(|property| properties.contains(property));
    if !upgrades_first {
        return Err(refused);
    }
    let properties: Vec<_> = properties.into_iter().filter(|property| *property != "class").collect();
    modification(&properties, wanted, &actual, &compared)?
        .db_instance_identifier(name)
        .send_with(client)
        .await
        .map(|_| Progress::changed(POLL_SECONDS))
        .map_err(|error| fresh_references_wait(call_error(MODIFY, CODES, &error)))
}

/// The call that brings these properties about. Pure.
fn modification(
    properties: &[&str],
    wanted: &DbInstance,
    actual: &SdkInstance,
    compared: &Compared,
) -> Result<ModifyDbInstanceInputBuilder, CallError> {
    let at_once = compared.at_once(wanted.apply, properties);
    let mut request = ModifyDbInstanceInputBuilder::default().apply_immediately(at_once);
    let allocated = allocated_storage(properties, wanted, actual)?;
    for property in properties {
        request = match *property {
            "deletion_protection" => request.deletion_protection(wanted.deletion_protection),
            "publicly_accessible" => request.publicly_accessible(false),
            "copy_tags_to_snapshot" => request.copy_tags_to_snapshot(true),
            "engine_version" => upgrade(request, wanted, actual),
            "minor_upgrades" => request.auto_minor_version_upgrade(wanted.minor_upgrades),
            "class" => request.db_instance_class(&wanted.class),
            "multi_az" => request.multi_az(wanted.multi_az),
            "storage_gib" => request.allocated_storage(allocated),
            "storage_gib_max" => request.max_allocated_storage(match wanted.storage_gib_max {
                Some(gib) => number(MODIFY, property, gib)?,
                // As much as there is means: never.
                None => allocated,
            }),
            "storage_type" => request.storage_type(&wanted.storage_type),
            "port" => request.db_port_number(i32::from(wanted.port)),
            "security_groups" => request.set_vpc_security_group_ids(Some(group_ids(wanted))),
            "backup_retention_days" => {
                request.backup_retention_period(number(MODIFY, property, wanted.backup_retention_days)?)
            }
            "backup_window" => request.preferred_backup_window(&wanted.backup_window),
            "maintenance_window" => request.preferred_maintenance_window(&wanted.maintenance_window),
            "monitoring_interval_seconds" | "monitoring_role" => monitor(request, wanted)?,
            "log_exports" => request.cloudwatch_logs_export_configuration(log_exports(
                &wanted.log_exports,
                actual.enabled_cloudwatch_logs_exports(),
            )),
            "parameter_group" => request.db_parameter_group_name(parameter_group(wanted)),
            other => return Err(CallError::invalid(MODIFY, format!("it does not change {other}"))),
        };
    }
    let concerns_storage = ["storage_gib", "storage_type"]
        .iter()
        .any(|property| properties.contains(property));
    if concerns_storage && wanted.storage_type == "gp3" && allocated >= STRIPED_GIB_MIN {
        let iops = actual.iops().unwrap_or_default().max(STRIPED_IOPS_MIN);
        request = request.allocated_storage(allocated).iops(iops);
    }
    Ok(request)
}

/// How much storage there is to be once the call has had its effect: what is wanted, rounded up as AWS would.
fn allocated_storage(properties: &[&str], wanted: &DbInstance, actual: &SdkInstance) -> Result<i32, CallError> {
    let there = actual.allocated_storage().unwrap_or_default();
    let gib = u32::try_from(there).unwrap_or_default();
    if wanted.storage_gib <= gib || !properties.contains(&"storage_gib") {
        return Ok(there);
    }
    number(MODIFY, "storage_gib", wanted.storage_gib.max(grown(gib)))
}

/// "For major version upgrades, if a nondefault DB parameter group is currently in use, a new DB parameter group in the DB
/// parameter group family for the new engine version must be specified."
fn upgrade(
    request: ModifyDbInstanceInputBuilder,
    wanted: &DbInstance,
    actual: &SdkInstance,
) -> ModifyDbInstanceInputBuilder {
    let major = |text: &str| version(text).map(|(major, _)| major);
    let request = request.engine_version(&wanted.engine_version);
    if major(&wanted.engine_version) == actual.engine_version().and_then(major) {
        return request;
    }
    request
        .allow_major_version_upgrade(true)
        .db_parameter_group_name(parameter_group(wanted))
}

/// The name of the wanted group, the engine's default group without one.
fn parameter_group(wanted: &DbInstance) -> String {
    match &wanted.parameter_group {
        Some(group) => group.text().to_owned(),
        None => {
            let major = wanted.engine_version.split('.').next().unwrap_or_default();
            format!("default.postgres{major}")
        }
    }
}

/// "If MonitoringInterval is set to a value other than 0, supply a MonitoringRoleArn value", and only then.
fn monitor(
    request: ModifyDbInstanceInputBuilder,
    wanted: &DbInstance,
) -> Result<ModifyDbInstanceInputBuilder, CallError> {
    let seconds = number(
        MODIFY,
        "monitoring_interval_seconds",
        wanted.monitoring_interval_seconds,
    )?;
    let role = wanted.monitoring_role.as_ref().filter(|_| seconds > 0);
    Ok(request
        .monitoring_interval(seconds)
        .set_monitoring_role_arn(role.map(|role| role.text().to_owned())))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use aws_sdk_rds::operation::modify_db_instance::ModifyDbInstanceInput;
    use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, PendingModifiedValues};
    use outrigger_engine::ports::provider::Difference;
    use outrigger_model::Input;
    use outrigger_model::properties::Apply;

    use super::super::compare::tests::{actual, wanted};
    use super::*;

    /// The call for what differs.
    fn call_for(wanted: &DbInstance, actual: SdkInstance) -> ModifyDbInstanceInput {
        let tags = BTreeMap::new();
        let compared = compare(wanted, &actual, &tags, &tags);
        let properties: Vec<_> = compared.closable.iter().map(|of| of.property).collect();
        modification(&properties, wanted, &actual, &compared)
            .unwrap()
            .build()
            .unwrap()
    }

    /// The same call, built by hand.
    fn call(build: impl FnOnce(ModifyDbInstanceInputBuilder) -> ModifyDbInstanceInputBuilder) -> ModifyDbInstanceInput {
        build(ModifyDbInstanceInputBuilder::default().apply_immediately(true))
            .build()
            .unwrap()
    }

    #[test]
    fn one_call_closes_everything() {
        let other = DbInstance {
            class: "db.t3.large".to_owned(),
            multi_az: false,
            port: 5433,
            backup_window: "05:00-06:00".to_owned(),
            ..wanted()
        };
        let expected = call(|call| {
            call.db_instance_class("db.t3.large")
                .multi_az(false)
                .db_port_number(5433)
                .preferred_backup_window("05:00-06:00")
        });
        assert_eq!(call_for(&other, actual().build()), expected);
    }

    #[test]
    fn a_major_upgrade_brings_its_parameter_group_along() {
        let of = |version: &str, group: Option<&str>| DbInstance {
            engine_version: version.to_owned(),
            parameter_group: group.map(|name| Input::Text(name.to_owned())),
            ..wanted()
        };
        let upgraded = call_for(&of("16.4", Some("main-postgres16")), actual().build());
        let expected = call(|call| {
            call.engine_version("16.4")
                .allow_major_version_upgrade(true)
                .db_parameter_group_name("main-postgres16")
        });
        assert_eq!(upgraded, expected);
        let upgraded = call_for(&of("16.4", None), actual().build());
        assert_eq!(upgraded.db_parameter_group_name(), Some("default.postgres16"));
        let minor = call_for(&of("15.16", Some("main-postgres15")), actual().build());
        assert_eq!(minor, call(|call| call.engine_version("15.16")));
    }

    #[test]
    fn storage_grows_as_aws_wants_it() {
        let check = |gib: u32, gib_max: Option<u32>, storage_type: &str, actual: SdkInstance, expected| {
            let wanted = DbInstance {
                storage_gib: gib,
                storage_gib_max: gib_max,
                storage_type: storage_type.to_owned(),
                ..wanted()
            };
            assert_eq!(call_for(&wanted, actual), expected);
        };
        check(
            30,
            None,
            "gp2",
            actual().build(),
            call(|call| call.allocated_storage(30)),
        );
        // At least a tenth more.
        check(
            21,
            None,
            "gp2",
            actual().build(),
            call(|call| call.allocated_storage(22)),
        );
        let growing = actual().max_allocated_storage(100).build();
        let never = call(|call| call.max_allocated_storage(20));
        check(20, None, "gp2", growing.clone(), never);
        let never = call(|call| call.allocated_storage(30).max_allocated_storage(30));
        check(30, None, "gp2", growing, never);
        let more = call(|call| call.max_allocated_storage(100));
        check(20, Some(100), "gp2", actual().build(), more);
        // Operations per second are named from 400 GiB on, and not below.
        check(20, None, "gp3", actual().build(), call(|call| call.storage_type("gp3")));
        let large = actual().allocated_storage(400).build();
        let migrated = call(|call| call.storage_type("gp3").allocated_storage(400).iops(12_000));
        check(400, None, "gp3", large, migrated);
        let large = actual().allocated_storage(400).storage_type("gp3").iops(16_000).build();
        let grown = call(|call| call.allocated_storage(500).iops(16_000));
        check(500, None, "gp3", large, grown);
    }

    #[test]
    fn monitoring_and_its_role_go_together() {
        let of = |seconds: u32, role: Option<&str>| DbInstance {
            monitoring_interval_seconds: seconds,
            monitoring_role: role.map(|arn| Input::Text(arn.to_owned())),
            ..wanted()
        };
        let table = [
            (of(30, Some("arn:role")), 30, Some("arn:role")),
            (of(60, Some("arn:other")), 60, Some("arn:other")),
            (of(0, None), 0, None),
            (of(0, Some("arn:role")), 0, None),
        ];
        for (wanted, seconds, role) in table {
            let expected = call(|call| {
                call.monitoring_interval(seconds)
                    .set_monitoring_role_arn(role.map(str::to_owned))
            });
            assert_eq!(call_for(&wanted, actual().build()), expected);
        }
    }

    #[test]
    fn logs_are_switched_on_and_off() {
        let wanted = DbInstance {
            log_exports: BTreeSet::from(["upgrade".to_owned()]),
            ..wanted()
        };
        let exports = CloudwatchLogsExportConfiguration::builder()
            .enable_log_types("upgrade")
            .disable_log_types("postgresql")
            .build();
        let expected = call(|call| call.cloudwatch_logs_export_configuration(exports));
        assert_eq!(call_for(&wanted, actual().build()), expected);
    }

    #[test]
    fn the_window_is_kept_and_foreign_changes_are_taken_back_at_once() {
        let in_window = DbInstance {
            apply: Apply::InWindow,
            ..wanted()
        };
        let larger = DbInstance {
            class: "db.t3.large".to_owned(),
            ..in_window.clone()
        };
        assert_eq!(call_for(&larger, actual().build()).apply_immediately(), Some(false));
        let foreign = || PendingModifiedValues::builder().db_instance_class("db.t3.xlarge");
        let revert = call_for(&in_window, actual().pending_modified_values(foreign().build()).build());
        assert_eq!(revert, call(|call| call.db_instance_class("db.t3.micro")));
        // But not when that would bring forward what is ours.
        let ours_too = foreign().multi_az(true).build();
        let revert = call_for(
            &in_window,
            actual().multi_az(false).pending_modified_values(ours_too).build(),
        );
        assert_eq!(revert.apply_immediately(), Some(false));
    }

    #[test]
    fn what_cannot_be_changed_says_why() {
        let of =
            |property, wanted: &str, actual: &str| why_not("a database", &Difference::new(property, &wanted, &actual));
        assert_eq!(
            of("engine_version", "15.4", "15.7"),
            "engine_version is \"15.7\", and wanted is \"15.4\"; AWS never downgrades: ask for the version that is \
             there, or a later one"
        );
        assert!(of("storage_gib", "20", "100").contains("storage never shrinks"));
        assert!(of("database", "a", "b").contains("AWS sets database only when it creates a database"));
    }
}
