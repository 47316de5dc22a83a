//! DB subnet groups and instances.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use outrigger_aws::Aws;
use outrigger_aws_rds::{Databases, postgres_versions};
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::provider::{CallErrorKind, Progress, Provider};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::Properties;
use outrigger_model::properties::{DbInstance, DbSubnetGroup};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::harness::{
    TOKEN, check, check_faults, region, remove, resource, settle, slow, subnet_texts, target, text, vpc, with_aws, work,
};
use crate::secrets::secret;

#[test]
fn db_subnet_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_rds::Client::new(&aws.sdk_config(aws.region()));
        let provider = databases(&aws.aws());
        let vpc = vpc(aws).await?;
        let group = |description: &str| {
            let properties = DbSubnetGroup {
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
        remove(&provider, &target_one).await
    })
}

pub(crate) fn databases(aws: &Aws) -> Databases {
    Databases::new(aws, Arc::new(Secrets::new(aws)))
}

#[test]
fn db_instances() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_rds::Client::new(&aws.sdk_config(aws.region()));
        let versions = postgres_versions(&aws.aws(), &region(aws)).await?;
        ensure!(
            versions.iter().any(|version| version == "15.15") && versions.len() > 10,
            "{versions:?}"
        );
        let (provider, secrets) = (databases(&aws.aws()), Secrets::new(&aws.aws()));
        let arn = settle(&secrets, &target(&secret(aws), TOKEN)).await?.id;
        let password = secrets.credentials(&arn).await?.password.expose_secret().to_owned();
        let vpc = vpc(aws).await?;
        let group = Properties::DbSubnetGroup(DbSubnetGroup {
            description: "private".to_owned(),
            subnets: vpc.subnets.clone(),
        });
        let group = target(&resource(aws, "database", group), TOKEN);
        let properties = DbInstance {
            engine_version: "15.15".to_owned(),
            class: "db.t3.micro".to_owned(),
            storage_gib: 20,
            storage_type: "gp2".to_owned(),
            multi_az: true,
            database: "tapdb".to_owned(),
            port: 5432,
            secret: text(&arn),
            subnet_group: text(&group.resource.physical_name),
            security_groups: vec![text(&vpc.group)],
            backup_retention_days: 7,
            backup_window: "03:00-04:00".to_owned(),
            maintenance_window: "mon:04:00-mon:05:00".to_owned(),
            minor_upgrades: true,
            deletion_protection: false,
            final_snapshot: false,
        };
        let instance = |properties: &DbInstance| resource(aws, "database", Properties::DbInstance(properties.clone()));
        let wanted = instance(&properties);
        let name = wanted.physical_name.clone();

        // A subnet group that does not show yet is waited for.
        let create = provider
            .ensure(&target(&wanted, TOKEN), None)
            .await
            .map_err(|error| error.kind);
        ensure!(
            create == Err(CallErrorKind::NotYet),
            "without its subnet group: {create:?}"
        );
        settle(&provider, &group).await?;

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
        check(aws, &provider, &wanted, Some(taken())).await?;
        slow(aws, "rds")?;
        check(aws, &provider, &wanted, Some(taken())).await?;
        aws.set_faults(&json!({}))?;
        check_faults(aws, &provider, &wanted, ["rds", "CreateDBInstance"]).await?;

        let wanted = target(&wanted, TOKEN);
        let observed = settle(&provider, &wanted).await?;
        let shown = client
            .describe_db_instances()
            .db_instance_identifier(&name)
            .send()
            .await?;
        let shown = shown.db_instances().first().context("no instance")?;
        ensure!(
            shown.master_username() == Some("dbadmin") && shown.db_name() == Some("tapdb"),
            "{shown:?}"
        );
        ensure!(
            shown.storage_encrypted() == Some(true) && shown.publicly_accessible() == Some(false),
            "{shown:?}"
        );
        ensure!(
            shown.multi_az() == Some(true) && shown.copy_tags_to_snapshot() == Some(true),
            "{shown:?}"
        );
        ensure!(
            shown.backup_retention_period() == Some(7) && shown.allocated_storage() == Some(20),
            "{shown:?}"
        );
        let attributes = |name: &str| observed.attributes.get(name).map(String::as_str);
        ensure!(
            attributes("port") == Some("5432") && attributes("engine_version") == Some("15.15"),
            "{observed:?}"
        );
        ensure!(
            attributes("endpoint") == shown.endpoint().and_then(|endpoint| endpoint.address()),
            "{observed:?}"
        );

        // Its subnet group stays as long as it does.
        let in_use = provider.observe(&group).await?.context("no subnet group")?;
        let refused = provider.delete(&group, &in_use).await.map_err(|error| error.kind);
        ensure!(
            refused == Err(CallErrorKind::NotYet),
            "a subnet group in use: {refused:?}"
        );

        // What cannot be changed says so.
        let gp3 = target(
            &instance(&DbInstance {
                storage_type: "gp3".to_owned(),
                ..properties.clone()
            }),
            TOKEN,
        );
        let seen = provider.observe(&gp3).await?.context("gone")?;
        let progress = provider.ensure(&gp3, Some(&seen)).await?;
        let reason =
            "the property storage_type of a database cannot be changed by this version: wanted gp3, there is gp2";
        ensure!(
            progress
                == Progress::Blocked {
                    reason: reason.to_owned()
                },
            "{progress:?}"
        );

        // Protected, it does not go; unprotected, it does, and leaves a snapshot where one is wanted.
        let kept = DbInstance {
            deletion_protection: true,
            final_snapshot: true,
            ..properties
        };
        let protected = target(&instance(&kept), TOKEN);
        let seen = settle(&provider, &protected).await?;
        let progress = provider.delete(&protected, &seen).await?;
        ensure!(
            matches!(&progress, Progress::Blocked { reason } if reason.contains("protected")),
            "{progress:?}"
        );
        let snapshots = async || {
            let snapshots = client.describe_db_snapshots().send().await?;
            let names = snapshots
                .db_snapshots()
                .iter()
                .filter_map(|snapshot| snapshot.db_snapshot_identifier.clone());
            anyhow::Ok(names.collect::<BTreeSet<_>>())
        };
        let unprotected = DbInstance {
            deletion_protection: false,
            ..kept
        };
        for count in [1, 2] {
            let unprotected = target(&instance(&unprotected), TOKEN);
            settle(&provider, &unprotected).await?;
            remove(&provider, &unprotected).await?;
            let snapshots = snapshots().await?;
            ensure!(
                snapshots.len() == count && snapshots.contains(&format!("{name}-final-snapshot")),
                "{snapshots:?}"
            );
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
