//! How a cluster is made as it is wanted.

use aws_sdk_rds::Client;
use aws_sdk_rds::operation::modify_db_cluster::builders::ModifyDbClusterInputBuilder;
use aws_sdk_rds::types::DbCluster as SdkCluster;
use outrigger_aws::{TAGS, TAGS_GONE, call_error, gone_meanwhile, number};
use outrigger_engine::ports::provider::{CallError, Difference, Observed, Progress, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::DbCluster;

use super::compare::{DATA_API, GLOBAL_CLUSTER, compare};
use super::{CODES, ENGINE, capacity, create, describe};
use crate::compare::{Compared, log_exports, version, why_not};
use crate::{POLL_SECONDS, fresh_references_wait, tags, texts};

const MODIFY: &str = "rds:ModifyDBCluster";

pub(crate) async fn ensure(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &DbCluster,
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
        DATA_API => data_api(client, arn, wanted.data_api).await?,
        _ => return modify(client, target, wanted, observed).await,
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// EnableHttpEndpoint and DisableHttpEndpoint: ModifyDBCluster changes it for Serverless v1 only.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_EnableHttpEndpoint.html>.
async fn data_api(client: &Client, arn: &str, is_wanted: bool) -> Result<(), CallError> {
    if is_wanted {
        let enabled = client.enable_http_endpoint().resource_arn(arn).send().await;
        return enabled
            .map(drop)
            .map_err(|error| call_error("rds:EnableHttpEndpoint", CODES, &error));
    }
    let disabled = client.disable_http_endpoint().resource_arn(arn).send().await;
    disabled
        .map(drop)
        .map_err(|error| call_error("rds:DisableHttpEndpoint", CODES, &error))
}

/// Closes every difference that ModifyDBCluster can close in one call:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html>.
async fn modify(
    client: &Client,
    target: &Target,
    wanted: &DbCluster,
    observed: &Observed,
) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    // What the call says depends on more than differs.
    let Some(actual) = describe(client, name).await? else {
        return Err(gone_meanwhile(MODIFY, "the cluster"));
    };
    let same = &target.resource.tags;
    let mut compared = compare(wanted, &actual, same, same);
    // What was observed of its global cluster stays as it was observed.
    let not_a_member = |difference: &&Difference| difference.property == GLOBAL_CLUSTER;
    compared
        .fixed
        .extend(observed.differences.iter().filter(not_a_member).cloned());
    let properties: Vec<_> = compared
        .closable
        .iter()
        .map(|difference| difference.property)
        .filter(|property| *property != DATA_API)
        .collect();
    if properties.is_empty() {
        return Ok(match compared.fixed.first() {
            Some(difference) => Progress::Blocked {
                reason: why_not("a cluster", difference),
            },
            // Closed since it was observed.
            None => Progress::changed(POLL_SECONDS),
        });
    }
    modification(&properties, wanted, &actual, &compared)?
        .db_cluster_identifier(name)
        .send_with(client)
        .await
        .map(|_| Progress::changed(POLL_SECONDS))
        .map_err(|error| fresh_references_wait(call_error(MODIFY, CODES, &error)))
}

/// The call that brings these properties about. Pure.
fn modification(
    properties: &[&str],
    wanted: &DbCluster,
    actual: &SdkCluster,
    compared: &Compared,
) -> Result<ModifyDbClusterInputBuilder, CallError> {
    let at_once = compared.at_once(wanted.apply, properties);
    let mut request = ModifyDbClusterInputBuilder::default().apply_immediately(at_once);
    for property in properties {
        request = match *property {
            "deletion_protection" => request.deletion_protection(wanted.deletion_protection),
            "copy_tags_to_snapshot" => request.copy_tags_to_snapshot(true),
            "engine_version" => upgrade(request, wanted, actual),
            "minor_upgrades" => request.auto_minor_version_upgrade(wanted.minor_upgrades),
            "capacity_acu_min" | "capacity_acu_max" => request.serverless_v2_scaling_configuration(capacity(wanted)),
            "parameter_group" => request.db_cluster_parameter_group_name(default_group(&wanted.engine_version)),
            "port" => request.port(i32::from(wanted.port)),
            "security_groups" => request.set_vpc_security_group_ids(Some(texts(&wanted.security_groups))),
            "backup_retention_days" => {
                request.backup_retention_period(number(MODIFY, property, wanted.backup_retention_days)?)
            }
            "backup_window" => request.preferred_backup_window(&wanted.backup_window),
            "maintenance_window" => request.preferred_maintenance_window(&wanted.maintenance_window),
            "log_exports" => request.cloudwatch_logs_export_configuration(log_exports(
                &wanted.log_exports,
                actual.enabled_cloudwatch_logs_exports(),
            )),
            other => return Err(CallError::invalid(MODIFY, format!("it does not change {other}"))),
        };
    }
    Ok(request)
}

/// "You must allow major version upgrades when specifying a value for the EngineVersion parameter that is a different major
/// version"; the parameter groups of the new one come along.
fn upgrade(
    request: ModifyDbClusterInputBuilder,
    wanted: &DbCluster,
    actual: &SdkCluster,
) -> ModifyDbClusterInputBuilder {
    let major = |text: &str| version(text).map(|(major, _)| major);
    let request = request.engine_version(&wanted.engine_version);
    if major(&wanted.engine_version) == actual.engine_version().and_then(major) {
        return request;
    }
    let group = default_group(&wanted.engine_version);
    request
        .allow_major_version_upgrade(true)
        .db_cluster_parameter_group_name(&group)
        .db_instance_parameter_group_name(group)
}

/// The engine's own parameter group of a version: `default.aurora-postgresql15`.
fn default_group(engine_version: &str) -> String {
    let major = engine_version.split('.').next().unwrap_or_default();
    format!("default.{ENGINE}{major}")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use aws_sdk_rds::operation::modify_db_cluster::ModifyDbClusterInput;
    use aws_sdk_rds::types::{
        CloudwatchLogsExportConfiguration, ClusterPendingModifiedValues, ServerlessV2ScalingConfiguration,
    };
    use outrigger_model::properties::Apply;

    use super::super::compare::tests::{actual, wanted};
    use super::*;

    /// The call for what differs.
    fn call_for(wanted: &DbCluster, actual: SdkCluster) -> ModifyDbClusterInput {
        let tags = BTreeMap::new();
        let compared = compare(wanted, &actual, &tags, &tags);
        let properties: Vec<_> = compared.closable.iter().map(|of| of.property).collect();
        modification(&properties, wanted, &actual, &compared)
            .unwrap()
            .build()
            .unwrap()
    }

    /// The same call, built by hand.
    fn call(build: impl FnOnce(ModifyDbClusterInputBuilder) -> ModifyDbClusterInputBuilder) -> ModifyDbClusterInput {
        build(ModifyDbClusterInputBuilder::default().apply_immediately(true))
            .build()
            .unwrap()
    }

    #[test]
    fn one_call_closes_everything() {
        let other = DbCluster {
            capacity_acu_max: 8.0,
            port: 5433,
            backup_retention_days: 14,
            backup_window: "05:00-06:00".to_owned(),
            log_exports: BTreeSet::from(["instance".to_owned()]),
            ..wanted()
        };
        let capacity = ServerlessV2ScalingConfiguration::builder()
            .min_capacity(0.5)
            .max_capacity(8.0)
            .build();
        let logs = CloudwatchLogsExportConfiguration::builder()
            .enable_log_types("instance")
            .disable_log_types("postgresql");
        let expected = call(|call| {
            call.serverless_v2_scaling_configuration(capacity)
                .port(5433)
                .backup_retention_period(14)
                .preferred_backup_window("05:00-06:00")
                .cloudwatch_logs_export_configuration(logs.build())
        });
        assert_eq!(call_for(&other, actual().build()), expected);
        let theirs = actual().db_cluster_parameter_group("theirs").build();
        let expected = call(|call| call.db_cluster_parameter_group_name("default.aurora-postgresql15"));
        assert_eq!(call_for(&wanted(), theirs), expected);
    }

    #[test]
    fn a_major_upgrade_brings_its_parameter_groups_along() {
        let of = |version: &str| DbCluster {
            engine_version: version.to_owned(),
            ..wanted()
        };
        let expected = call(|call| {
            call.engine_version("16.6")
                .allow_major_version_upgrade(true)
                .db_cluster_parameter_group_name("default.aurora-postgresql16")
                .db_instance_parameter_group_name("default.aurora-postgresql16")
        });
        assert_eq!(call_for(&of("16.6"), actual().build()), expected);
        let minor = call_for(&of("15.15"), actual().build());
        assert_eq!(minor, call(|call| call.engine_version("15.15")));
    }

    #[test]
    fn the_window_is_kept_and_foreign_changes_are_taken_back_at_once() {
        let in_window = DbCluster {
            apply: Apply::InWindow,
            minor_upgrades: false,
            ..wanted()
        };
        let upgraded = DbCluster {
            engine_version: "15.15".to_owned(),
            ..in_window.clone()
        };
        assert_eq!(call_for(&upgraded, actual().build()).apply_immediately(), Some(false));
        let foreign = ClusterPendingModifiedValues::builder().engine_version("15.12").build();
        let revert = call_for(&in_window, actual().pending_modified_values(foreign).build());
        assert_eq!(revert, call(|call| call.engine_version("15.10")));
    }

    #[test]
    fn what_cannot_be_changed_says_why() {
        let why = why_not("a cluster", &Difference::new("database", &"a", &"b"));
        assert!(
            why.contains("AWS sets database only when it creates a cluster"),
            "{why}"
        );
    }
}
