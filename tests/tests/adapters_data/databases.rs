//! DB subnet groups and instances: created, adopted, deleted. How they change stands in `database_changes`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use outrigger_aws::Aws;
use outrigger_aws_iam::Roles;
use outrigger_aws_rds::{Databases, parameters, postgres_versions, quotas};
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::catalog::Counted;
use outrigger_engine::ports::provider::{CallErrorKind, Progress, Provider, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::{Apply, DbInstance, DbParameterGroup, DbSubnetGroup};
use outrigger_model::{Kind, Properties, Resource};
use outrigger_tests::LocalAws;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::harness::{
    TOKEN, Vpc, check, check_faults, differences, region, remove, resource, settle, slow, subnet_texts, target, text,
    vpc, with_aws, work,
};
use crate::roles::monitoring_role;
use crate::secrets::secret;

pub(crate) fn databases(aws: &Aws) -> Databases {
    Databases::new(aws, Arc::new(Secrets::new(aws)))
}

/// What an instance needs, stood up; and an instance that uses everything there is, not stood up.
pub(crate) struct Scene {
    pub(crate) client: aws_sdk_rds::Client,
    pub(crate) provider: Databases,
    pub(crate) vpc: Vpc,
    pub(crate) subnet_group: Target,
    pub(crate) password: String,
    pub(crate) properties: DbInstance,
}

pub(crate) async fn scene(aws: &LocalAws) -> Result<Scene> {
    let (provider, secrets) = (databases(&aws.aws()), Secrets::new(&aws.aws()));
    let secret = settle(&secrets, &target(&secret(aws), TOKEN)).await?.id;
    let password = secrets.credentials(&secret).await?.password.expose_secret().to_owned();
    let vpc = vpc(aws).await?;
    let subnet_group = Properties::DbSubnetGroup(DbSubnetGroup {
        vpc: outrigger_model::Input::Text("vpc-0".to_owned()),
        description: "private".to_owned(),
        subnets: vpc.subnets.clone(),
    });
    let subnet_group = target(&resource(aws, "database", subnet_group), TOKEN);
    settle(&provider, &subnet_group).await?;
    let parameters = [("log_statement", "all"), ("max_connections", "200")];
    let parameters = parameter_group(aws, "database", "postgres15", &parameters);
    let parameter_group = settle(&provider, &target(&parameters, TOKEN)).await?.id;
    let roles = Roles::new(&aws.aws(), None);
    let role = settle(&roles, &target(&monitoring_role(aws), TOKEN)).await?;
    let properties = DbInstance {
        engine_version: "15.14".to_owned(),
        class: "db.t3.micro".to_owned(),
        storage_gib: 20,
        storage_gib_max: Some(100),
        storage_type: "gp2".to_owned(),
        multi_az: true,
        database: "tapdb".to_owned(),
        port: 5432,
        user: "dbadmin".to_owned(),
        secret: text(&secret),
        subnet_group: text(&subnet_group.resource.physical_name),
        security_groups: vec![text(&vpc.group)],
        encryption_key: None,
        parameter_group: Some(text(parameter_group)),
        static_parameters: BTreeMap::from([("max_connections".to_owned(), "200".to_owned())]),
        monitoring_interval_seconds: 60,
        monitoring_role: role.attributes.get("arn").map(text),
        log_exports: BTreeSet::from(["postgresql".to_owned()]),
        backup_retention_days: 7,
        backup_window: "03:00-04:00".to_owned(),
        maintenance_window: "mon:04:00-mon:05:00".to_owned(),
        minor_upgrades: true,
        deletion_protection: false,
        final_snapshot: false,
        apply: Apply::Now,
        allow_replace: false,
    };
    Ok(Scene {
        client: aws_sdk_rds::Client::new(&aws.sdk_config(aws.region())),
        provider,
        vpc,
        subnet_group,
        password,
        properties,
    })
}

pub(crate) fn parameter_group(aws: &LocalAws, name: &str, family: &str, parameters: &[(&str, &str)]) -> Resource {
    let parameters = parameters.iter();
    let properties = DbParameterGroup {
        family: family.to_owned(),
        description: "of the database".to_owned(),
        parameters: parameters
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        static_parameters: BTreeSet::from(["max_connections", "shared_preload_libraries"].map(str::to_owned)),
    };
    resource(
        aws,
        &format!("{name}-{family}"),
        Properties::DbParameterGroup(properties),
    )
}

pub(crate) fn instance(aws: &LocalAws, properties: &DbInstance) -> Target {
    let properties = Properties::DbInstance(properties.clone());
    target(&resource(aws, "database", properties), TOKEN)
}

/// The instance as the SDK shows it.
pub(crate) async fn shown(client: &aws_sdk_rds::Client, target: &Target) -> Result<aws_sdk_rds::types::DbInstance> {
    let name = &target.resource.physical_name;
    let output = client
        .describe_db_instances()
        .db_instance_identifier(name)
        .send()
        .await?;
    output.db_instances().first().cloned().context("no instance")
}

#[test]
fn db_subnet_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_rds::Client::new(&aws.sdk_config(aws.region()));
        let provider = databases(&aws.aws());
        let vpc = vpc(aws).await?;
        let group = |description: &str| {
            let properties = DbSubnetGroup {
                vpc: outrigger_model::Input::Text("vpc-0".to_owned()),
                description: description.to_owned(),
                subnets: vpc.subnets.clone(),
            };
            resource(aws, "database", Properties::DbSubnetGroup(properties))
        };
        let name = group("private").physical_name;
        let (take, give_back, subnets) = (name.clone(), name.clone(), subnet_texts(&vpc));
        let taken = (
            work(&client, move |client| {
                let request = client.create_db_subnet_group().db_subnet_group_name(&take);
                let request = request
                    .db_subnet_group_description("theirs")
                    .set_subnet_ids(Some(subnets.clone()));
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_db_subnet_group().db_subnet_group_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &group("private"), Some(taken)).await?;
        check_faults(aws, &provider, &group("private"), ["rds", "CreateDBSubnetGroup"]).await?;
        let target_one = target(&group("private"), TOKEN);
        settle(&provider, &target_one).await?;
        settle(&provider, &target(&group("another description"), TOKEN)).await?;

        // What somebody changes is told as it is, and made as it was.
        let ec2 = aws_sdk_ec2::Client::new(&aws.sdk_config(aws.region()));
        let request = ec2.create_subnet().vpc_id(&vpc.id).cidr_block("10.0.12.0/24");
        let third = request.availability_zone(format!("{}c", aws.region())).send().await?;
        let third = third
            .subnet()
            .and_then(|subnet| subnet.subnet_id())
            .context("no subnet")?;
        let (two, mut three) = (
            BTreeSet::from_iter(subnet_texts(&vpc)),
            BTreeSet::from_iter(subnet_texts(&vpc)),
        );
        three.insert(third.to_owned());
        let request = client.modify_db_subnet_group().db_subnet_group_name(&name);
        let request = request.db_subnet_group_description("theirs");
        request
            .set_subnet_ids(Some(three.iter().cloned().collect()))
            .send()
            .await?;
        let expected = [
            r#"description: "private" / "theirs""#.to_owned(),
            format!("subnets: {} / {}", json!(two), json!(three)),
        ];
        ensure!(differences(&provider, &target_one).await? == expected);
        settle(&provider, &target_one).await?;
        let output = client
            .describe_db_subnet_groups()
            .db_subnet_group_name(&name)
            .send()
            .await?;
        let shown = output.db_subnet_groups().first().context("no group")?;
        let subnets = shown
            .subnets()
            .iter()
            .filter_map(|subnet| subnet.subnet_identifier.clone());
        ensure!(subnets.collect::<BTreeSet<_>>() == two, "{shown:?}");
        remove(&provider, &target_one).await
    })
}

#[test]
fn what_a_region_offers() -> Result<()> {
    with_aws(async |aws| {
        let (aws_of, region) = (aws.aws(), region(aws));
        let versions = postgres_versions(&aws_of, &region).await?;
        ensure!(
            versions.iter().any(|version| version == "15.15") && versions.len() > 10,
            "{versions:?}"
        );
        let parameters = parameters(&aws_of, &region, "postgres15").await?;
        let of = |name: &str| parameters.get(name).with_context(|| format!("no parameter {name}"));
        ensure!(of("max_connections")?.is_static && of("max_connections")?.is_modifiable);
        ensure!(!of("log_statement")?.is_static);
        let allowed = of("log_statement")?.allowed_values.clone().unwrap_or_default();
        ensure!(allowed.split(',').any(|value| value == "all"), "{allowed}");
        let unknown = outrigger_aws_rds::parameters(&aws_of, &region, "postgres1").await;
        ensure!(unknown.is_err_and(|error| error.kind == CallErrorKind::Invalid));

        let before = quotas(&aws_of, &region).await?;
        let provider = databases(&aws_of);
        settle(
            &provider,
            &target(&parameter_group(aws, "database", "postgres15", &[]), TOKEN),
        )
        .await?;
        let after = quotas(&aws_of, &region).await?;
        let counted: Vec<_> = after.iter().map(|quota| quota.counts).collect();
        for counts in [
            Counted::DbInstances,
            Counted::Objects(Kind::DbCluster),
            Counted::Objects(Kind::DbParameterGroup),
            Counted::Objects(Kind::DbSubnetGroup),
            Counted::StorageGib,
        ] {
            ensure!(counted.contains(&counts), "{after:?}");
        }
        let groups = |quotas: &[outrigger_engine::ports::catalog::Quota]| {
            let of = quotas
                .iter()
                .find(|of| of.counts == Counted::Objects(Kind::DbParameterGroup));
            of.map(|quota| (quota.used, quota.limit > quota.used))
        };
        let used = groups(&before).context("no quota")?.0;
        ensure!(groups(&after) == Some((used + 1, true)), "{before:?} {after:?}");
        Ok(())
    })
}

#[test]
fn db_instances() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            subnet_group: group,
            password,
            properties,
            ..
        } = scene(aws).await?;
        let wanted = instance(aws, &properties);
        let name = wanted.resource.physical_name.clone();

        // A subnet group, a parameter group or a role that does not show yet is waited for.
        for fresh in [
            DbInstance {
                subnet_group: text("fresh"),
                ..properties.clone()
            },
            DbInstance {
                parameter_group: Some(text("fresh")),
                ..properties.clone()
            },
            DbInstance {
                monitoring_role: Some(text("arn:aws:iam::000000000000:role/outrigger/fresh")),
                ..properties.clone()
            },
        ] {
            let create = provider.ensure(&instance(aws, &fresh), None).await;
            let refused = create.as_ref().map_err(|error| error.kind);
            ensure!(refused == Err(CallErrorKind::NotYet), "what is fresh: {create:?}");
        }

        let taken = || {
            let (take, give_back) = (name.clone(), name.clone());
            (
                work(&client, move |client| {
                    let request = client
                        .create_db_instance()
                        .db_instance_identifier(&take)
                        .engine("postgres");
                    let request = request.db_instance_class("db.t3.micro").allocated_storage(20);
                    let request = request
                        .master_username("theirs")
                        .master_user_password("theirs-and-long");
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let request = client.delete_db_instance().db_instance_identifier(&give_back);
                    let request = request.skip_final_snapshot(true);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
            )
        };
        check(aws, &provider, &wanted.resource, Some(taken())).await?;
        slow(aws, "rds")?;
        check(aws, &provider, &wanted.resource, Some(taken())).await?;
        aws.set_faults(&json!({}))?;
        check_faults(aws, &provider, &wanted.resource, ["rds", "CreateDBInstance"]).await?;

        let observed = settle(&provider, &wanted).await?;
        let there = shown(&client, &wanted).await?;
        ensure!(
            there.master_username() == Some("dbadmin") && there.db_name() == Some("tapdb"),
            "{there:?}"
        );
        ensure!(
            there.storage_encrypted() == Some(true) && there.publicly_accessible() == Some(false),
            "{there:?}"
        );
        ensure!(
            there.multi_az() == Some(true) && there.copy_tags_to_snapshot() == Some(true),
            "{there:?}"
        );
        ensure!(
            there.backup_retention_period() == Some(7) && there.allocated_storage() == Some(20),
            "{there:?}"
        );
        ensure!(
            there.max_allocated_storage() == Some(100) && there.monitoring_interval() == Some(60),
            "{there:?}"
        );
        ensure!(there.enabled_cloudwatch_logs_exports() == ["postgresql"], "{there:?}");
        let attributes = |name: &str| observed.attributes.get(name).map(String::as_str);
        for (attribute, expected) in [
            ("port", Some("5432")),
            ("engine_version", Some("15.14")),
            ("multi_az", Some("true")),
            ("availability_zone", there.availability_zone()),
            ("endpoint", there.endpoint().and_then(|endpoint| endpoint.address())),
        ] {
            ensure!(attributes(attribute) == expected, "{attribute}: {observed:?}");
        }

        // Its subnet group and its parameter group stay as long as it does.
        let parameters = target(&parameter_group(aws, "database", "postgres15", &[]), TOKEN);
        for group in [&group, &parameters] {
            let in_use = provider.observe(group).await?.context("no group")?;
            let refused = provider.delete(group, &in_use).await.map_err(|error| error.kind);
            ensure!(refused == Err(CallErrorKind::NotYet), "a group in use: {refused:?}");
        }

        // No error tells the password, whatever the call came to.
        for faults in [
            json!({"fail": [{"service": "rds", "operation": "CreateDBInstance", "code": "InvalidParameterValue"}]}),
            json!({"lose_answers": [{"service": "rds", "operation": "CreateDBInstance", "times": -1}]}),
            json!({"lose_answers": [{"service": "secretsmanager", "operation": "GetSecretValue", "times": -1}]}),
        ] {
            aws.set_faults(&faults)?;
            let Err(error) = provider.ensure(&wanted, None).await else {
                bail!("{faults} had no effect");
            };
            ensure!(
                !format!("{error} {error:?}").contains(&password),
                "the password is in an error"
            );
        }
        aws.set_faults(&json!({}))?;
        remove(&provider, &wanted).await?;
        remove(&provider, &group).await?;
        ensure!(
            !format!("{:?}", aws.calls()?).contains(&password),
            "the password is in the log of calls"
        );
        Ok(())
    })
}

#[test]
fn what_a_db_instance_leaves_behind() -> Result<()> {
    with_aws(async |aws| {
        let Scene {
            client,
            provider,
            properties,
            ..
        } = scene(aws).await?;
        let protected = DbInstance {
            deletion_protection: true,
            final_snapshot: true,
            ..properties.clone()
        };
        let unprotected = DbInstance {
            deletion_protection: false,
            ..protected.clone()
        };
        let (protected, unprotected) = (instance(aws, &protected), instance(aws, &unprotected));
        let name = protected.resource.physical_name.clone();
        let snapshots = async || {
            let snapshots = client.describe_db_snapshots().send().await?;
            let names = snapshots
                .db_snapshots()
                .iter()
                .filter_map(|snapshot| snapshot.db_snapshot_identifier.clone());
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
        let without = instance(aws, &properties);
        settle(&provider, &without).await?;
        remove(&provider, &without).await?;
        ensure!(snapshots().await?.len() == 2 && provider.kept(&without).await?.is_empty());
        Ok(())
    })
}
