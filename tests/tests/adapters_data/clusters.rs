//! Aurora clusters and their instances: created, adopted, changed in place, deleted.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_rds::Client;
use aws_sdk_rds::operation::modify_db_cluster::builders::ModifyDBClusterFluentBuilder;
use aws_sdk_rds::types::{
    CloudwatchLogsExportConfiguration, DbCluster as SdkCluster, ServerlessV2ScalingConfiguration,
};
use outrigger_aws_rds::{Databases, aurora_postgresql_versions};
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::provider::{CallErrorKind, Condition, Progress, Provider, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::{Apply, DbCluster, DbClusterInstance, DbSubnetGroup};
use outrigger_model::{Input, Properties};
use outrigger_tests::LocalAws;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::databases::databases;
use crate::harness::{
    TOKEN, Vpc, called, check, check_faults, differences, region, remove, resource, settle, slow, target, text, vpc,
    with_aws, work,
};
use crate::secrets::secret;

/// What a cluster needs, stood up; and a cluster that uses everything there is, not stood up.
struct Scene {
    client: Client,
    provider: Databases,
    vpc: Vpc,
    subnet_group: Target,
    password: String,
    properties: DbCluster,
}

async fn scene(aws: &LocalAws) -> Result<Scene> {
    let (provider, secrets) = (databases(&aws.aws()), Secrets::new(&aws.aws()));
    let secret = settle(&secrets, &target(&secret(aws), TOKEN)).await?.id;
    let password = secrets.credentials(&secret).await?.password.expose_secret().to_owned();
    let vpc = vpc(aws).await?;
    let subnet_group = Properties::DbSubnetGroup(DbSubnetGroup {
        vpc: text("vpc-0"),
        description: "private".to_owned(),
        subnets: vpc.subnets.clone(),
    });
    let subnet_group = target(&resource(aws, "main", subnet_group), TOKEN);
    settle(&provider, &subnet_group).await?;
    let properties = properties(
        aws,
        text(&secret),
        text(&subnet_group.resource.physical_name),
        &vpc.group,
    );
    Ok(Scene {
        client: Client::new(&aws.sdk_config(aws.region())),
        provider,
        vpc,
        subnet_group,
        password,
        properties,
    })
}

/// A cluster that uses everything there is.
pub(crate) fn properties(aws: &LocalAws, secret: Input, subnet_group: Input, group: &str) -> DbCluster {
    DbCluster {
        engine_version: "15.10".to_owned(),
        capacity_acu_min: 0.5,
        capacity_acu_max: 1.0,
        zones: ["a", "b"].map(|zone| format!("{}{zone}", aws.region())).to_vec(),
        data_api: true,
        global_cluster: None,
        database: "iotdb".to_owned(),
        port: 5432,
        user: "dbadmin".to_owned(),
        secret,
        subnet_group,
        security_groups: vec![text(group)],
        encryption_key: None,
        log_exports: BTreeSet::from(["postgresql".to_owned()]),
        backup_retention_days: 7,
        backup_window: "03:00-04:00".to_owned(),
        maintenance_window: "mon:04:00-mon:05:00".to_owned(),
        minor_upgrades: true,
        deletion_protection: false,
        final_snapshot: false,
        apply: Apply::Now,
        allow_replace: false,
    }
}

pub(crate) fn cluster(aws: &LocalAws, properties: &DbCluster) -> Target {
    target(&resource(aws, "main", Properties::DbCluster(properties.clone())), TOKEN)
}

/// The instance with a number of the cluster.
pub(crate) fn instance(aws: &LocalAws, cluster: &Target, number: u32) -> Target {
    let zone = if number % 2 == 1 { "a" } else { "b" };
    instance_of(
        aws,
        number,
        DbClusterInstance {
            cluster: text(&cluster.resource.physical_name),
            zone: format!("{}{zone}", aws.region()),
            maintenance_window: "mon:04:00-mon:05:00".to_owned(),
            minor_upgrades: true,
        },
    )
}

fn instance_of(aws: &LocalAws, number: u32, properties: DbClusterInstance) -> Target {
    let properties = Properties::DbClusterInstance(properties);
    target(&resource(aws, &format!("main-{number}"), properties), TOKEN)
}

async fn shown(client: &Client, target: &Target) -> Result<SdkCluster> {
    let name = &target.resource.physical_name;
    let output = client.describe_db_clusters().db_cluster_identifier(name).send().await?;
    output.db_clusters().first().cloned().context("no cluster")
}

#[test]
fn db_clusters() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            subnet_group,
            password,
            properties,
            ..
        } = scene(aws).await?;
        let wanted = cluster(aws, &properties);
        let name = wanted.resource.physical_name.clone();

        // A subnet group that does not show yet is waited for.
        let fresh = DbCluster {
            subnet_group: text("fresh"),
            ..properties.clone()
        };
        let create = provider.ensure(&cluster(aws, &fresh), None).await;
        let refused = create.as_ref().map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::NotYet), "what is fresh: {create:?}");

        let taken = || {
            let (take, give_back) = (name.clone(), name.clone());
            (
                work(&client, move |client| {
                    let request = client.create_db_cluster().db_cluster_identifier(&take);
                    let request = request.engine("aurora-postgresql").master_username("theirs");
                    let request = request.master_user_password("theirs-and-long");
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let request = client.delete_db_cluster().db_cluster_identifier(&give_back);
                    let request = request.skip_final_snapshot(true);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
            )
        };
        check(aws, &provider, &wanted.resource, Some(taken())).await?;
        slow(aws, "rds")?;
        check(aws, &provider, &wanted.resource, Some(taken())).await?;
        aws.set_faults(&json!({}))?;
        check_faults(aws, &provider, &wanted.resource, ["rds", "CreateDBCluster"]).await?;

        let observed = settle(&provider, &wanted).await?;
        let there = shown(&client, &wanted).await?;
        ensure!(
            there.engine() == Some("aurora-postgresql") && there.engine_mode() == Some("provisioned"),
            "{there:?}"
        );
        ensure!(
            there.master_username() == Some("dbadmin") && there.database_name() == Some("iotdb"),
            "{there:?}"
        );
        ensure!(
            there.storage_encrypted() == Some(true) && there.http_endpoint_enabled() == Some(true),
            "{there:?}"
        );
        ensure!(
            there.copy_tags_to_snapshot() == Some(true) && there.deletion_protection() == Some(false),
            "{there:?}"
        );
        ensure!(there.availability_zones().starts_with(&properties.zones), "{there:?}");
        let capacity = there.serverless_v2_scaling_configuration().context("no capacity")?;
        ensure!(
            (capacity.min_capacity(), capacity.max_capacity()) == (Some(0.5), Some(1.0)),
            "{there:?}"
        );
        let attributes = |name: &str| observed.attributes.get(name).map(String::as_str);
        for (attribute, expected) in [
            ("arn", there.db_cluster_arn()),
            ("endpoint", there.endpoint()),
            ("reader_endpoint", there.reader_endpoint()),
            ("port", Some("5432")),
            ("engine_version", Some("15.10")),
        ] {
            ensure!(attributes(attribute) == expected, "{attribute}: {observed:?}");
        }
        ensure!(there.endpoint() != there.reader_endpoint(), "{there:?}");

        // Its subnet group stays as long as it does, and it as long as its instances do.
        let in_use = provider.observe(&subnet_group).await?.context("no group")?;
        let refused = provider.delete(&subnet_group, &in_use).await;
        ensure!(
            refused.as_ref().map_err(|error| error.kind) == Err(CallErrorKind::NotYet),
            "a group in use: {refused:?}"
        );
        let first = instance(aws, &wanted, 1);
        settle(&provider, &first).await?;
        let refused = provider.delete(&wanted, &observed).await;
        ensure!(
            refused.as_ref().is_err_and(|error| {
                error.kind == CallErrorKind::NotYet && error.code == "InvalidDBClusterStateFault"
            }),
            "a cluster with an instance: {refused:?}"
        );
        // Its endpoints are those that it had without.
        let again = settle(&provider, &wanted).await?;
        ensure!(again.attributes == observed.attributes, "{again:?}");

        // No error tells the password.
        aws.set_faults(&json!({"lose_answers": [{"service": "rds", "operation": "CreateDBCluster", "times": -1}]}))?;
        let error = provider.ensure(&wanted, None).await.err().context("no fault")?;
        ensure!(
            !format!("{error} {error:?}").contains(&password),
            "the password is in an error"
        );
        aws.set_faults(&json!({}))?;
        remove(&provider, &first).await?;
        remove(&provider, &wanted).await?;
        remove(&provider, &subnet_group).await?;
        ensure!(
            !format!("{:?}", aws.calls()?).contains(&password),
            "the password is in the log of calls"
        );
        Ok(())
    })
}

#[test]
fn the_instances_of_a_cluster() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            properties,
            ..
        } = scene(aws).await?;
        let of = cluster(aws, &properties);
        let (first, second) = (instance(aws, &of, 1), instance(aws, &of, 2));

        // A cluster that does not show yet is waited for.
        let create = provider.ensure(&first, None).await;
        let refused = create.as_ref().map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::NotYet), "what is fresh: {create:?}");
        settle(&provider, &of).await?;

        let name = first.resource.physical_name.clone();
        let taken = || {
            let (take, give_back) = (name.clone(), name.clone());
            (
                work(&client, move |client| {
                    let request = client.create_db_instance().db_instance_identifier(&take);
                    let request = request.engine("postgres").db_instance_class("db.t3.micro");
                    let request = request.allocated_storage(20).master_username("theirs");
                    let request = request.master_user_password("theirs-and-long");
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let request = client.delete_db_instance().db_instance_identifier(&give_back);
                    let request = request.skip_final_snapshot(true);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
            )
        };
        check(aws, &provider, &first.resource, Some(taken())).await?;
        slow(aws, "rds")?;
        check(aws, &provider, &first.resource, Some(taken())).await?;
        aws.set_faults(&json!({}))?;
        check_faults(aws, &provider, &first.resource, ["rds", "CreateDBInstance"]).await?;

        for (target, zone) in [(&first, "a"), (&second, "b")] {
            let observed = settle(&provider, target).await?;
            let zone = format!("{}{zone}", aws.region());
            ensure!(
                observed.attributes.get("availability_zone") == Some(&zone),
                "{observed:?}"
            );
            let there = crate::databases::shown(&client, target).await?;
            ensure!(
                there.db_instance_class() == Some("db.serverless") && there.publicly_accessible() == Some(false),
                "{there:?}"
            );
            ensure!(
                there.db_cluster_identifier() == Some(of.resource.physical_name.as_str()),
                "{there:?}"
            );
        }

        // Which one writes is Aurora's to say.
        let failover = client
            .failover_db_cluster()
            .db_cluster_identifier(&of.resource.physical_name)
            .target_db_instance_identifier(&second.resource.physical_name);
        failover.send().await?;
        let writers = shown(&client, &of).await?.db_cluster_members.unwrap_or_default();
        let writer = writers.iter().find(|member| member.is_cluster_writer() == Some(true));
        ensure!(
            writer.and_then(|member| member.db_instance_identifier()) == Some(&second.resource.physical_name),
            "{writers:?}"
        );
        for target in [&of, &first, &second] {
            ensure!(differences(&provider, target).await?.is_empty());
        }

        // Changed by the document, and behind its back.
        let changed = instance_of(
            aws,
            1,
            DbClusterInstance {
                cluster: text(&of.resource.physical_name),
                zone: format!("{}a", aws.region()),
                maintenance_window: "sun:04:00-sun:05:00".to_owned(),
                minor_upgrades: false,
            },
        );
        slow(aws, "rds")?;
        let told = differences(&provider, &changed).await?;
        let expected = [
            r#"maintenance_window: "sun:04:00-sun:05:00" / "mon:04:00-mon:05:00""#,
            "minor_upgrades: false / true",
        ];
        ensure!(told == expected, "{told:?}");
        let before = called(aws, "ModifyDBInstance")?;
        settle(&provider, &changed).await?;
        ensure!(called(aws, "ModifyDBInstance")? == before + 1);
        aws.set_faults(&json!({}))?;
        let call = client.modify_db_instance().db_instance_identifier(&name);
        let call = call.db_instance_class("db.r6g.large").publicly_accessible(true);
        call.apply_immediately(true).send().await?;
        let told = differences(&provider, &changed).await?;
        let expected = [
            r#"class: "db.serverless" / "db.r6g.large""#,
            "publicly_accessible: false / true",
        ];
        ensure!(told == expected, "{told:?}");
        settle(&provider, &changed).await?;

        // What no call can change says why.
        let elsewhere = instance_of(
            aws,
            2,
            DbClusterInstance {
                cluster: text(&of.resource.physical_name),
                zone: format!("{}c", aws.region()),
                maintenance_window: "mon:04:00-mon:05:00".to_owned(),
                minor_upgrades: true,
            },
        );
        let seen = provider.observe(&elsewhere).await?;
        let progress = provider.ensure(&elsewhere, seen.as_ref()).await?;
        ensure!(
            matches!(&progress, Progress::Blocked { reason } if reason.contains("AWS sets zone only when")),
            "{progress:?}"
        );
        for target in [&second, &first, &of] {
            remove(&provider, target).await?;
        }
        Ok(())
    })
}

/// What is changed, how, what AWS shows then, and the one call that does it.
type Change = (
    &'static [&'static str],
    Box<dyn Fn(&mut DbCluster)>,
    fn(&SdkCluster) -> bool,
    &'static str,
);

fn change(
    properties: &'static [&'static str],
    make: impl Fn(&mut DbCluster) + 'static,
    is_made: fn(&SdkCluster) -> bool,
) -> Change {
    (properties, Box::new(make), is_made, "ModifyDBCluster")
}

fn capacity(shown: &SdkCluster) -> Option<(f64, f64)> {
    let capacity = shown.serverless_v2_scaling_configuration()?;
    Some((capacity.min_capacity()?, capacity.max_capacity()?))
}

/// Every property that AWS can change, each after the one before. `second_group` is a security group.
fn changes(second_group: String) -> Vec<Change> {
    vec![
        change(
            &["capacity_acu_max"],
            |of| of.capacity_acu_max = 2.5,
            |shown| capacity(shown) == Some((0.5, 2.5)),
        ),
        change(
            &["capacity_acu_min", "capacity_acu_max"],
            |of| (of.capacity_acu_min, of.capacity_acu_max) = (0.0, 8.0),
            |shown| capacity(shown) == Some((0.0, 8.0)),
        ),
        (
            &["data_api"],
            Box::new(|of| of.data_api = false),
            |shown| shown.http_endpoint_enabled() == Some(false),
            "DisableHttpEndpoint",
        ),
        (
            &["data_api"],
            Box::new(|of| of.data_api = true),
            |shown| shown.http_endpoint_enabled() == Some(true),
            "EnableHttpEndpoint",
        ),
        change(
            &["engine_version"],
            |of| of.engine_version = "15.12".to_owned(),
            |shown| shown.engine_version() == Some("15.12"),
        ),
        change(
            &["minor_upgrades"],
            |of| of.minor_upgrades = false,
            |shown| shown.auto_minor_version_upgrade() == Some(false),
        ),
        change(&["port"], |of| of.port = 5433, |shown| shown.port() == Some(5433)),
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
            &["backup_window", "maintenance_window"],
            |of| {
                of.backup_window = "01:00-02:00".to_owned();
                of.maintenance_window = "sun:04:00-sun:05:00".to_owned();
            },
            |shown| {
                shown.preferred_backup_window() == Some("01:00-02:00")
                    && shown.preferred_maintenance_window() == Some("sun:04:00-sun:05:00")
            },
        ),
        change(
            &["log_exports"],
            |of| of.log_exports = BTreeSet::from(["instance".to_owned()]),
            |shown| shown.enabled_cloudwatch_logs_exports() == ["instance"],
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
        // A new major, with AWS's own parameters of it.
        change(
            &["engine_version"],
            |of| of.engine_version = "16.8".to_owned(),
            |shown| {
                shown.engine_version() == Some("16.8")
                    && shown.db_cluster_parameter_group() == Some("default.aurora-postgresql16")
            },
        ),
    ]
}

#[test]
fn db_clusters_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            vpc,
            mut properties,
            ..
        } = scene(aws).await?;
        let of = cluster(aws, &properties);
        settle(&provider, &of).await?;
        settle(&provider, &instance(aws, &of, 1)).await?;
        let second_group = crate::database_changes::second_group(aws, &vpc.id).await?;
        // In AWS every change takes its time.
        slow(aws, "rds")?;
        for (names, make, is_made, call) in changes(second_group) {
            make(&mut properties);
            let wanted = cluster(aws, &properties);
            let told = differences(&provider, &wanted).await?;
            let told: Vec<_> = told.iter().filter_map(|told| told.split(':').next()).collect();
            ensure!(told == names, "{told:?} instead of {names:?}");
            let before = called(aws, call)?;
            settle(&provider, &wanted).await.with_context(|| format!("{names:?}"))?;
            ensure!(called(aws, call)? == before + 1, "{names:?} took more than one call");
            let shown = shown(&client, &wanted).await?;
            ensure!(is_made(&shown), "{names:?}: {shown:?}");
            ensure!(differences(&provider, &wanted).await?.is_empty());
        }

        // Several at once, and a tag: three calls, one after the other.
        let mut wanted = cluster(
            aws,
            &DbCluster {
                capacity_acu_max: 4.0,
                port: 5434,
                data_api: false,
                ..properties.clone()
            },
        );
        wanted.resource.tags.insert("Owner".to_owned(), "ada".to_owned());
        let told = differences(&provider, &wanted).await?;
        let told: Vec<_> = told.iter().filter_map(|told| told.split(':').next()).collect();
        ensure!(told == ["tags", "capacity_acu_max", "port", "data_api"], "{told:?}");
        settle(&provider, &wanted).await?;
        let there = shown(&client, &wanted).await?;
        ensure!(
            capacity(&there) == Some((0.0, 4.0)) && there.port() == Some(5434),
            "{there:?}"
        );
        ensure!(there.http_endpoint_enabled() == Some(false), "{there:?}");
        let tags = there.tag_list();
        ensure!(tags.iter().any(|tag| tag.key() == Some("Owner")), "{tags:?}");

        for (other, why) in [
            (
                DbCluster {
                    database: "other".to_owned(),
                    ..properties.clone()
                },
                "AWS sets database only when",
            ),
            (
                DbCluster {
                    user: "other".to_owned(),
                    ..properties.clone()
                },
                "AWS sets user only when",
            ),
            (
                DbCluster {
                    subnet_group: text("other"),
                    ..properties.clone()
                },
                "AWS sets subnet_group only when",
            ),
            (
                DbCluster {
                    engine_version: "15.12".to_owned(),
                    ..properties.clone()
                },
                "AWS never downgrades",
            ),
        ] {
            aws.set_faults(&json!({}))?;
            let other = cluster(aws, &other);
            let mut blocked = None;
            // What can be changed is not in the way.
            for _ in 0..4 {
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
fn what_somebody_changes_of_a_cluster_is_told_and_made_as_it_was() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            vpc,
            properties,
            ..
        } = scene(aws).await?;
        let wanted = cluster(aws, &properties);
        settle(&provider, &wanted).await?;
        let name = &wanted.resource.physical_name;
        let second = crate::database_changes::second_group(aws, &vpc.id).await?;
        let groups = BTreeSet::from([vpc.group.clone(), second.clone()]);
        let (first, more) = (vpc.group.clone(), second.clone());
        type Tamper = Box<dyn Fn(ModifyDBClusterFluentBuilder) -> ModifyDBClusterFluentBuilder>;
        let capacity = |least: f64, most: f64| {
            ServerlessV2ScalingConfiguration::builder()
                .min_capacity(least)
                .max_capacity(most)
                .build()
        };
        let logs = CloudwatchLogsExportConfiguration::builder()
            .disable_log_types("postgresql")
            .build();
        let table: Vec<(Tamper, Vec<String>)> = vec![
            (
                Box::new(move |call| call.serverless_v2_scaling_configuration(capacity(1.0, 2.0))),
                vec![
                    "capacity_acu_min: 0.5 / 1.0".to_owned(),
                    "capacity_acu_max: 1.0 / 2.0".to_owned(),
                ],
            ),
            (
                Box::new(move |call| call.vpc_security_group_ids(&first).vpc_security_group_ids(&more)),
                vec![format!("security_groups: {} / {}", json!([vpc.group]), json!(groups))],
            ),
            (
                Box::new(|call| call.backup_retention_period(1).preferred_backup_window("09:00-10:00")),
                vec![
                    "backup_retention_days: 7 / 1".to_owned(),
                    r#"backup_window: "03:00-04:00" / "09:00-10:00""#.to_owned(),
                ],
            ),
            (
                Box::new(move |call| call.cloudwatch_logs_export_configuration(logs.clone())),
                vec![r#"log_exports: ["postgresql"] / []"#.to_owned()],
            ),
            (
                Box::new(|call| call.deletion_protection(true).copy_tags_to_snapshot(false)),
                vec![
                    "deletion_protection: false / true".to_owned(),
                    "copy_tags_to_snapshot: true / false".to_owned(),
                ],
            ),
            (
                Box::new(|call| call.auto_minor_version_upgrade(false).port(6000)),
                vec![
                    "minor_upgrades: true / false".to_owned(),
                    "port: 5432 / 6000".to_owned(),
                ],
            ),
            (
                Box::new(|call| call.db_cluster_parameter_group_name("theirs")),
                vec![r#"parameter_group: "default" / "theirs""#.to_owned()],
            ),
        ];
        for (tamper, expected) in table {
            let call = client.modify_db_cluster().db_cluster_identifier(name);
            tamper(call.apply_immediately(true)).send().await?;
            let told = differences(&provider, &wanted).await?;
            ensure!(told == expected, "{told:?} instead of {expected:?}");
            settle(&provider, &wanted).await?;
        }
        let arn = shown(&client, &wanted).await?.db_cluster_arn.context("no ARN")?;
        client.disable_http_endpoint().resource_arn(arn).send().await?;
        ensure!(differences(&provider, &wanted).await? == ["data_api: true / false"]);
        settle(&provider, &wanted).await?;

        // None of these is a change of somebody's: a new password, a minor upgrade.
        let call = client.modify_db_cluster().db_cluster_identifier(name);
        let call = call.apply_immediately(true).engine_version("15.12");
        call.master_user_password("another-and-long").send().await?;
        ensure!(differences(&provider, &wanted).await?.is_empty());
        Ok(())
    })
}

#[test]
fn a_version_waits_for_the_window_and_is_brought_forward() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            properties,
            ..
        } = scene(aws).await?;
        settle(&provider, &cluster(aws, &properties)).await?;
        let later = DbCluster {
            engine_version: "15.12".to_owned(),
            capacity_acu_max: 2.0,
            ..properties.clone()
        };
        let in_window = cluster(
            aws,
            &DbCluster {
                apply: Apply::InWindow,
                ..later.clone()
            },
        );
        let observed = settle(&provider, &in_window).await?;
        ensure!(observed.pending == ["engine_version"], "{observed:?}");
        ensure!(observed.condition == Condition::Ready && observed.differences.is_empty());
        let there = shown(&client, &in_window).await?;
        ensure!(there.engine_version() == Some("15.10"), "{there:?}");
        ensure!(capacity(&there) == Some((0.5, 2.0)), "{there:?}");

        let now = cluster(aws, &later);
        let told = differences(&provider, &now).await?;
        ensure!(told == [r#"engine_version: "15.12" / "15.10""#], "{told:?}");
        let observed = settle(&provider, &now).await?;
        ensure!(observed.pending.is_empty(), "{observed:?}");
        ensure!(shown(&client, &now).await?.engine_version() == Some("15.12"));
        Ok(())
    })
}

#[test]
fn what_a_db_cluster_leaves_behind() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            properties,
            ..
        } = scene(aws).await?;
        let unprotected = DbCluster {
            final_snapshot: true,
            ..properties.clone()
        };
        let protected = DbCluster {
            deletion_protection: true,
            ..unprotected.clone()
        };
        let (protected, unprotected) = (cluster(aws, &protected), cluster(aws, &unprotected));
        let name = protected.resource.physical_name.clone();
        let snapshots = async || {
            let snapshots = client.describe_db_cluster_snapshots().send().await?;
            let names = snapshots
                .db_cluster_snapshots()
                .iter()
                .filter_map(|snapshot| snapshot.db_cluster_snapshot_identifier.clone());
            anyhow::Ok(names.collect::<BTreeSet<_>>())
        };

        // Protected, it does not go.
        let seen = settle(&provider, &protected).await?;
        let progress = provider.delete(&protected, &seen).await?;
        ensure!(
            matches!(&progress, Progress::Blocked { reason } if reason.contains("protected")),
            "{progress:?}"
        );
        // But what an operation made itself does, one call after the other, and leaves nothing.
        let unprotect = Target {
            unprotect: true,
            ..protected.clone()
        };
        let progress = provider.delete(&unprotect, &seen).await?;
        ensure!(matches!(progress, Progress::InProgress { .. }), "{progress:?}");
        ensure!(shown(&client, &protected).await?.deletion_protection() == Some(false));
        remove(&provider, &unprotect).await?;
        ensure!(snapshots().await?.is_empty() && provider.kept(&unprotect).await?.is_empty());

        // Unprotected, it leaves a snapshot where one is wanted, and tells its name; a name that is taken gets a suffix.
        let first = format!("{name}-final-snapshot");
        for count in [1, 2] {
            settle(&provider, &unprotected).await?;
            remove(&provider, &unprotected).await?;
            let snapshots = snapshots().await?;
            ensure!(snapshots.len() == count && snapshots.contains(&first), "{snapshots:?}");
            let kept = provider.kept(&unprotected).await?;
            ensure!(kept.len() == 1 && snapshots.contains(&kept[0]), "{kept:?}");
            ensure!((kept[0] == first) == (count == 1), "{kept:?}");
        }
        let without = cluster(aws, &properties);
        settle(&provider, &without).await?;
        remove(&provider, &without).await?;
        ensure!(snapshots().await?.len() == 2 && provider.kept(&without).await?.is_empty());
        Ok(())
    })
}

#[test]
fn the_versions_of_aurora() -> Result<()> {
    with_aws(async |aws| {
        let versions = aurora_postgresql_versions(&aws.aws(), &region(aws)).await?;
        ensure!(versions.iter().any(|version| version == "15.15"), "{versions:?}");
        let is_plain = |version: &String| version.chars().all(|char| char.is_ascii_digit() || char == '.');
        ensure!(versions.iter().all(is_plain), "{versions:?}");
        Ok(())
    })
}
