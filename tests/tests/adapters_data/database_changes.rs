//! How DB instances change in place: by the document, behind its back, and in the maintenance window.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;
use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, DbInstance as SdkInstance};
use outrigger_engine::ports::provider::{Condition, Progress, Provider};
use outrigger_model::properties::{Apply, DbInstance};
use outrigger_tests::LocalAws;
use serde_json::json;

use crate::databases::{Scene, instance, parameter_group, scene, shown};
use crate::harness::{TOKEN, called, differences, settle, slow, target, text, with_aws};

/// What is changed, how, and what AWS shows then.
type Change = (
    &'static [&'static str],
    Box<dyn Fn(&mut DbInstance)>,
    fn(&SdkInstance) -> bool,
);

fn change(
    properties: &'static [&'static str],
    make: impl Fn(&mut DbInstance) + 'static,
    is_made: fn(&SdkInstance) -> bool,
) -> Change {
    (properties, Box::new(make), is_made)
}

fn parameter_group_of(instance: &SdkInstance) -> Option<(&str, &str)> {
    let group = instance.db_parameter_groups().first()?;
    Some((group.db_parameter_group_name()?, group.parameter_apply_status()?))
}

/// Every property that AWS can change, each after the one before. `second_group` is a security group.
fn changes(second_group: String) -> Vec<Change> {
    vec![
        change(
            &["class"],
            |of| of.class = "db.t3.small".to_owned(),
            |shown| shown.db_instance_class() == Some("db.t3.small"),
        ),
        change(
            &["storage_gib"],
            |of| of.storage_gib = 30,
            |shown| shown.allocated_storage() == Some(30),
        ),
        // AWS grows by a tenth at least.
        change(
            &["storage_gib"],
            |of| of.storage_gib = 31,
            |shown| shown.allocated_storage() == Some(33),
        ),
        change(
            &["storage_gib_max"],
            |of| of.storage_gib_max = Some(200),
            |shown| shown.max_allocated_storage() == Some(200),
        ),
        change(
            &["storage_gib_max"],
            |of| of.storage_gib_max = None,
            |shown| shown.max_allocated_storage().is_none_or(|gib| gib == 33),
        ),
        change(
            &["storage_gib_max"],
            |of| of.storage_gib_max = Some(1000),
            |shown| shown.max_allocated_storage() == Some(1000),
        ),
        change(
            &["storage_type"],
            |of| of.storage_type = "gp3".to_owned(),
            |shown| shown.storage_type() == Some("gp3"),
        ),
        change(
            &["storage_gib"],
            |of| of.storage_gib = 400,
            |shown| shown.allocated_storage() == Some(400) && shown.iops() == Some(12_000),
        ),
        change(
            &["multi_az"],
            |of| of.multi_az = false,
            |shown| shown.multi_az() == Some(false),
        ),
        change(
            &["engine_version"],
            |of| of.engine_version = "15.15".to_owned(),
            |shown| shown.engine_version() == Some("15.15"),
        ),
        change(
            &["minor_upgrades"],
            |of| of.minor_upgrades = false,
            |shown| shown.auto_minor_version_upgrade() == Some(false),
        ),
        change(
            &["port"],
            |of| of.port = 5433,
            |shown| shown.endpoint().and_then(|endpoint| endpoint.port()) == Some(5433),
        ),
        change(
            &["security_groups"],
            move |of| of.security_groups.push(text(&second_group)),
            |shown| shown.vpc_security_groups().len() == 2,
        ),
        change(
            &["backup_retention_days"],
            |of| of.backup_retention_days = 14,
            |shown| shown.backup_retention_period() == Some(14),
        ),
        change(
            &["backup_window"],
            |of| of.backup_window = "01:00-02:00".to_owned(),
            |shown| shown.preferred_backup_window() == Some("01:00-02:00"),
        ),
        change(
            &["maintenance_window"],
            |of| of.maintenance_window = "sun:04:00-sun:05:00".to_owned(),
            |shown| shown.preferred_maintenance_window() == Some("sun:04:00-sun:05:00"),
        ),
        change(
            &["monitoring_interval_seconds"],
            |of| of.monitoring_interval_seconds = 30,
            |shown| shown.monitoring_interval() == Some(30),
        ),
        change(
            &["monitoring_interval_seconds"],
            |of| of.monitoring_interval_seconds = 0,
            |shown| shown.monitoring_interval() == Some(0),
        ),
        change(
            &["monitoring_interval_seconds", "monitoring_role"],
            |of| of.monitoring_interval_seconds = 60,
            |shown| {
                let role = shown.monitoring_role_arn().unwrap_or_default();
                shown.monitoring_interval() == Some(60) && role.contains(":role/outrigger/")
            },
        ),
        change(
            &["log_exports"],
            |of| of.log_exports = BTreeSet::from(["upgrade".to_owned()]),
            |shown| shown.enabled_cloudwatch_logs_exports() == ["upgrade"],
        ),
        change(
            &["log_exports"],
            |of| of.log_exports.clear(),
            |shown| shown.enabled_cloudwatch_logs_exports().is_empty(),
        ),
        change(
            &["deletion_protection"],
            |of| of.deletion_protection = true,
            |shown| shown.deletion_protection() == Some(true),
        ),
        change(
            &["deletion_protection"],
            |of| of.deletion_protection = false,
            |shown| shown.deletion_protection() == Some(false),
        ),
        // Several at once.
        change(
            &["deletion_protection", "class", "multi_az", "backup_retention_days"],
            |of| {
                of.deletion_protection = true;
                of.class = "db.t3.large".to_owned();
                of.multi_az = true;
                of.backup_retention_days = 3;
            },
            |shown| shown.db_instance_class() == Some("db.t3.large") && shown.backup_retention_period() == Some(3),
        ),
        // A new major, with the parameters of its family, which the database has after a restart.
        change(
            &["engine_version", "parameter_group"],
            |of| {
                of.engine_version = "16.6".to_owned();
                of.parameter_group = Some(text("data-processing-production-database-postgres16"));
            },
            |shown| {
                shown.engine_version() == Some("16.6")
                    && parameter_group_of(shown) == Some(("data-processing-production-database-postgres16", "in-sync"))
            },
        ),
        change(
            &["parameter_group"],
            |of| of.parameter_group = None,
            |shown| parameter_group_of(shown) == Some(("default.postgres16", "in-sync")),
        ),
    ]
}

pub(crate) async fn second_group(aws: &LocalAws, vpc: &str) -> Result<String> {
    let client = aws_sdk_ec2::Client::new(&aws.sdk_config(aws.region()));
    let request = client
        .create_security_group()
        .vpc_id(vpc)
        .group_name("more")
        .description("more");
    Ok(request.send().await?.group_id().context("no group")?.to_owned())
}

#[test]
fn db_instances_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            vpc,
            mut properties,
            ..
        } = scene(aws).await?;
        let parameters = parameter_group(aws, "database", "postgres16", &[("log_statement", "ddl")]);
        ensure!(parameters.physical_name == "data-processing-production-database-postgres16");
        settle(&provider, &target(&parameters, TOKEN)).await?;
        settle(&provider, &instance(aws, &properties)).await?;
        // In AWS every change takes its time.
        slow(aws, "rds")?;
        for (names, make, is_made) in changes(second_group(aws, &vpc.id).await?) {
            make(&mut properties);
            let wanted = instance(aws, &properties);
            let told = differences(&provider, &wanted).await?;
            let told: Vec<_> = told.iter().filter_map(|told| told.split(':').next()).collect();
            ensure!(told == names, "{told:?} instead of {names:?}");
            let before = called(aws, "ModifyDBInstance")?;
            settle(&provider, &wanted).await.with_context(|| format!("{names:?}"))?;
            ensure!(
                called(aws, "ModifyDBInstance")? == before + 1,
                "{names:?} took more than one call"
            );
            let shown = shown(&client, &wanted).await?;
            ensure!(is_made(&shown), "{names:?}: {shown:?}");
            ensure!(differences(&provider, &wanted).await?.is_empty());
        }

        // A tag of the document's.
        let mut wanted = instance(aws, &properties);
        wanted.resource.tags.insert("MultiAZ".to_owned(), "true".to_owned());
        ensure!(differences(&provider, &wanted).await? == [r#"tags: {"MultiAZ":"true"} / {"MultiAZ":null}"#]);
        settle(&provider, &wanted).await?;
        let tags = shown(&client, &wanted).await?.tag_list.unwrap_or_default();
        ensure!(tags.iter().any(|tag| tag.key() == Some("MultiAZ")), "{tags:?}");
        Ok(())
    })
}

#[test]
fn what_aws_refuses_together_is_asked_for_one_after_the_other() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            properties,
            ..
        } = scene(aws).await?;
        settle(&provider, &instance(aws, &properties)).await?;
        let wanted = instance(
            aws,
            &DbInstance {
                class: "db.t4g.micro".to_owned(),
                engine_version: "15.15".to_owned(),
                ..properties.clone()
            },
        );
        let seen = provider.observe(&wanted).await?;
        aws.set_faults(&json!({"fail": [{
            "service": "rds", "operation": "ModifyDBInstance", "code": "InvalidParameterCombination", "times": 1
        }]}))?;
        provider.ensure(&wanted, seen.as_ref()).await?;
        aws.set_faults(&json!({}))?;
        let there = shown(&client, &wanted).await?;
        ensure!(there.engine_version() == Some("15.15") && there.db_instance_class() == Some("db.t3.micro"));
        settle(&provider, &wanted).await?;
        ensure!(shown(&client, &wanted).await?.db_instance_class() == Some("db.t4g.micro"));

        // A role that is too fresh is waited for; what no call can change says why.
        let fresh = DbInstance {
            monitoring_role: Some(text("arn:aws:iam::000000000000:role/outrigger/fresh")),
            ..properties.clone()
        };
        let fresh = instance(aws, &fresh);
        let seen = provider.observe(&fresh).await?;
        let refused = provider.ensure(&fresh, seen.as_ref()).await;
        ensure!(refused.as_ref().is_err_and(|error| error.is_retryable()), "{refused:?}");
        for (other, why) in [
            (
                DbInstance {
                    database: "other".to_owned(),
                    ..properties.clone()
                },
                "AWS sets database only when",
            ),
            (
                DbInstance {
                    user: "other".to_owned(),
                    ..properties.clone()
                },
                "AWS sets user only when",
            ),
            (
                DbInstance {
                    subnet_group: text("other"),
                    ..properties.clone()
                },
                "AWS sets subnet_group only when",
            ),
            (
                DbInstance {
                    storage_gib: 10,
                    storage_gib_max: None,
                    ..properties.clone()
                },
                "storage never shrinks",
            ),
            (
                DbInstance {
                    engine_version: "14.20".to_owned(),
                    ..properties.clone()
                },
                "AWS never downgrades",
            ),
        ] {
            // What can be changed is not in the way.
            let other = instance(aws, &other);
            let mut blocked = None;
            for _ in 0..3 {
                let seen = provider.observe(&other).await?;
                if let Progress::Blocked { reason } = provider.ensure(&other, seen.as_ref()).await? {
                    blocked = Some(reason);
                    break;
                }
            }
            ensure!(
                blocked.as_ref().is_some_and(|reason| reason.contains(why)),
                "{why}: {blocked:?}"
            );
        }
        Ok(())
    })
}

#[test]
fn what_somebody_changes_is_told_and_made_as_it_was() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            vpc,
            properties,
            ..
        } = scene(aws).await?;
        let wanted = instance(aws, &properties);
        settle(&provider, &wanted).await?;
        let name = &wanted.resource.physical_name;
        let second = second_group(aws, &vpc.id).await?;
        let both = BTreeSet::from([vpc.group.clone(), second.clone()]);
        let group = properties
            .parameter_group
            .as_ref()
            .context("no group")?
            .text()
            .to_owned();
        type Tamper = Box<dyn Fn(ModifyDBInstanceFluentBuilder) -> ModifyDBInstanceFluentBuilder>;
        let logs = CloudwatchLogsExportConfiguration::builder()
            .enable_log_types("upgrade")
            .disable_log_types("postgresql")
            .build();
        let (first, more) = (vpc.group.clone(), second.clone());
        let table: Vec<(Tamper, Vec<String>)> = vec![
            (
                Box::new(|call| call.db_instance_class("db.t3.large")),
                vec![r#"class: "db.t3.micro" / "db.t3.large""#.to_owned()],
            ),
            (
                Box::new(|call| call.multi_az(false)),
                vec!["multi_az: true / false".to_owned()],
            ),
            (
                Box::new(|call| call.max_allocated_storage(20)),
                vec!["storage_gib_max: 100 / null".to_owned()],
            ),
            (
                Box::new(move |call| call.vpc_security_group_ids(&first).vpc_security_group_ids(&more)),
                vec![format!("security_groups: {} / {}", json!([vpc.group]), json!(both))],
            ),
            (
                Box::new(|call| call.backup_retention_period(1).preferred_backup_window("09:00-10:00")),
                vec![
                    "backup_retention_days: 7 / 1".to_owned(),
                    r#"backup_window: "03:00-04:00" / "09:00-10:00""#.to_owned(),
                ],
            ),
            (
                Box::new(|call| call.monitoring_interval(0)),
                vec![
                    "monitoring_interval_seconds: 60 / 0".to_owned(),
                    format!("monitoring_role: {} / null", json!(properties.monitoring_role)),
                ],
            ),
            (
                Box::new(move |call| call.cloudwatch_logs_export_configuration(logs.clone())),
                vec![r#"log_exports: ["postgresql"] / ["upgrade"]"#.to_owned()],
            ),
            (
                Box::new(|call| call.db_parameter_group_name("default.postgres15")),
                vec![format!("parameter_group: {} / null", json!(group))],
            ),
            (
                Box::new(|call| call.publicly_accessible(true).deletion_protection(true)),
                vec![
                    "deletion_protection: false / true".to_owned(),
                    "publicly_accessible: false / true".to_owned(),
                ],
            ),
            (
                Box::new(|call| call.auto_minor_version_upgrade(false).copy_tags_to_snapshot(false)),
                vec![
                    "copy_tags_to_snapshot: true / false".to_owned(),
                    "minor_upgrades: true / false".to_owned(),
                ],
            ),
        ];
        for (tamper, expected) in table {
            let call = client
                .modify_db_instance()
                .db_instance_identifier(name)
                .apply_immediately(true);
            tamper(call).send().await?;
            let told = differences(&provider, &wanted).await?;
            ensure!(told == expected, "{told:?} instead of {expected:?}");
            settle(&provider, &wanted).await?;
        }

        // None of these is a change of somebody's: a new password, a minor upgrade, storage that grew by itself.
        let call = client
            .modify_db_instance()
            .db_instance_identifier(name)
            .apply_immediately(true);
        let call = call.master_user_password("another-and-long").engine_version("15.15");
        call.allocated_storage(50).send().await?;
        ensure!(differences(&provider, &wanted).await?.is_empty());
        // More than AWS may grow it to is, and stays.
        let call = client
            .modify_db_instance()
            .db_instance_identifier(name)
            .apply_immediately(true);
        call.max_allocated_storage(500).allocated_storage(200).send().await?;
        let told = differences(&provider, &wanted).await?;
        ensure!(
            told == ["storage_gib_max: 100 / 500", "storage_gib: 20 / 200"],
            "{told:?}"
        );
        Ok(())
    })
}

#[test]
fn changes_wait_for_the_window_and_are_brought_forward() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            properties,
            ..
        } = scene(aws).await?;
        settle(&provider, &instance(aws, &properties)).await?;
        let larger = DbInstance {
            class: "db.t3.large".to_owned(),
            storage_gib: 40,
            backup_window: "01:00-02:00".to_owned(),
            ..properties.clone()
        };
        let in_window = instance(
            aws,
            &DbInstance {
                apply: Apply::InWindow,
                ..larger.clone()
            },
        );
        let observed = settle(&provider, &in_window).await?;
        ensure!(observed.pending == ["class", "storage_gib"], "{observed:?}");
        ensure!(observed.condition == Condition::Ready && observed.differences.is_empty());
        let there = shown(&client, &in_window).await?;
        ensure!(there.db_instance_class() == Some("db.t3.micro") && there.allocated_storage() == Some(20));
        ensure!(there.preferred_backup_window() == Some("01:00-02:00"), "{there:?}");

        // Somebody else's change is taken back, and ours goes on waiting.
        let name = &in_window.resource.physical_name;
        let foreign = client.modify_db_instance().db_instance_identifier(name);
        foreign.multi_az(false).send().await?;
        ensure!(differences(&provider, &in_window).await? == ["multi_az: true / false"]);
        let observed = settle(&provider, &in_window).await?;
        ensure!(observed.pending == ["class", "storage_gib"], "{observed:?}");

        // Asked for now, it comes now.
        let now = instance(aws, &larger);
        let told = differences(&provider, &now).await?;
        let expected = [r#"class: "db.t3.large" / "db.t3.micro""#, "storage_gib: 40 / 20"];
        ensure!(told == expected, "{told:?}");
        let observed = settle(&provider, &now).await?;
        ensure!(observed.pending.is_empty(), "{observed:?}");
        let there = shown(&client, &now).await?;
        ensure!(there.db_instance_class() == Some("db.t3.large") && there.allocated_storage() == Some(40));
        ensure!(there.multi_az() == Some(true), "{there:?}");

        // Foreign alone, it is taken back at once, whatever the window.
        let foreign = client.modify_db_instance().db_instance_identifier(name);
        foreign.db_instance_class("db.t3.xlarge").send().await?;
        let told = differences(&provider, &in_window).await?;
        ensure!(told == [r#"class: "db.t3.large" / "db.t3.xlarge""#], "{told:?}");
        settle(&provider, &in_window).await?;
        let pending = shown(&client, &now).await?.pending_modified_values;
        ensure!(
            pending.as_ref().is_none_or(|of| of.db_instance_class().is_none()),
            "{pending:?}"
        );
        Ok(())
    })
}

#[test]
fn static_parameters_take_effect_with_a_restart() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            properties,
            ..
        } = scene(aws).await?;
        let in_window = DbInstance {
            apply: Apply::InWindow,
            ..properties.clone()
        };
        let (now, in_window) = (instance(aws, &properties), instance(aws, &in_window));
        settle(&provider, &now).await?;
        let parameters = |connections: &str, statements: &str| {
            let parameters = [("max_connections", connections), ("log_statement", statements)];
            target(&parameter_group(aws, "database", "postgres15", &parameters), TOKEN)
        };
        // Dynamic ones take effect at once.
        settle(&provider, &parameters("200", "ddl")).await?;
        ensure!(settle(&provider, &now).await?.pending.is_empty());
        ensure!(called(aws, "RebootDBInstance")? == 0);

        settle(&provider, &parameters("300", "ddl")).await?;
        let observed = settle(&provider, &in_window).await?;
        ensure!(observed.pending == ["static_parameters"], "{observed:?}");
        ensure!(called(aws, "RebootDBInstance")? == 0);
        let told = differences(&provider, &now).await?;
        ensure!(
            told == [r#"static_parameters: {"max_connections":"200"} / {}"#],
            "{told:?}"
        );
        settle(&provider, &now).await?;
        ensure!(called(aws, "RebootDBInstance")? == 1);
        let there = shown(&client, &now).await?;
        ensure!(
            parameter_group_of(&there).is_some_and(|(_, status)| status == "in-sync"),
            "{there:?}"
        );
        let Some(observed) = provider.observe(&in_window).await? else {
            bail!("gone");
        };
        ensure!(observed.pending.is_empty(), "{observed:?}");
        Ok(())
    })
}
