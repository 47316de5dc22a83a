//! Backup vaults, plans and selections.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_backup::Client;
use outrigger_aws_backup::Backups;
use outrigger_engine::ports::provider::{CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_model::properties::{BackupPlan, BackupSelection, BackupVault};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;

use crate::changes::changes_since;
use crate::harness::{TOKEN, check, check_faults, differences, remove, resource, settle, target, text, with_aws, work};

const DATABASE: &str = "arn:aws:rds:us-east-1:000000000000:db:main";
const CLUSTER: &str = "arn:aws:rds:us-east-1:000000000000:cluster:main";
const ELSEWHERE: &str = "arn:aws:backup:us-east-2:000000000000:backup-vault:data-processing-production-daily";
const POLICY: &str = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";

fn vault(aws: &LocalAws) -> Resource {
    resource(aws, "daily", Properties::BackupVault(BackupVault {}))
}

fn properties(vault: &Resource) -> BackupPlan {
    BackupPlan {
        vault: text(&vault.physical_name),
        window_start: "05:00".to_owned(),
        retention_days: 7,
        copies: vec![text(ELSEWHERE)],
    }
}

fn plan(aws: &LocalAws, properties: &BackupPlan) -> Resource {
    resource(aws, "daily", Properties::BackupPlan(properties.clone()))
}

fn selection(aws: &LocalAws, plan: &str, role: &str, resources: &[&str]) -> Resource {
    let properties = BackupSelection {
        plan: text(plan),
        role: text(role),
        resources: resources.iter().copied().map(text).collect(),
        copied: true,
    };
    resource(aws, "daily", Properties::BackupSelection(properties))
}

/// A role that Backup can take on, with its policy.
async fn role(aws: &LocalAws, name: &str, service: &str) -> Result<String> {
    let client = aws_sdk_iam::Client::new(&aws.sdk_config(aws.region()));
    let trust = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    });
    let request = client
        .create_role()
        .role_name(name)
        .assume_role_policy_document(trust.to_string());
    let arn = request.send().await?.role.context("no role")?.arn;
    client
        .attach_role_policy()
        .role_name(name)
        .policy_arn(POLICY)
        .send()
        .await?;
    Ok(arn)
}

fn operations(aws: &LocalAws, before: usize) -> Result<Vec<String>> {
    Ok(changes_since(aws, before)?
        .into_iter()
        .map(|call| call.operation)
        .collect())
}

/// Tags that are changed are put back, those that are not wanted go, and those of others stay.
async fn check_tags(
    aws: &LocalAws,
    client: &Client,
    provider: &Backups,
    of: &Target,
    observed: &Observed,
) -> Result<()> {
    let arn = &observed.attributes["arn"];
    for [key, value] in [["Environment", "other"], ["Owner", "us"], ["foreign", "stays"]] {
        client.tag_resource().resource_arn(arn).tags(key, value).send().await?;
    }
    let wanted = Target {
        tags_gone: ["Owner".to_owned(), "Name".to_owned()].into(),
        ..of.clone()
    };
    let told = differences(provider, &wanted).await?;
    let expected = [
        r#"tags: {"Environment":"production"} / {"Environment":"other"}"#,
        r#"tags_gone: {"Owner":null} / {"Owner":"us"}"#,
    ];
    ensure!(told == expected, "{told:?}");
    let before = aws.calls()?.len();
    settle(provider, &wanted).await?;
    ensure!(operations(aws, before)? == ["TagResource", "UntagResource"]);
    let tags = client
        .list_tags()
        .resource_arn(arn)
        .send()
        .await?
        .tags
        .unwrap_or_default();
    let mut tags: BTreeMap<_, _> = tags.into_iter().collect();
    ensure!(tags.remove("foreign").as_deref() == Some("stays"), "{tags:?}");
    tags.remove("outrigger:intent");
    ensure!(tags == of.resource.tags, "{tags:?}");
    Ok(())
}

#[test]
fn vaults_go_with_their_recovery_points() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = Backups::new(&aws.aws());
        let wanted = vault(aws);
        let name = wanted.physical_name.clone();
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let request = client.create_backup_vault().backup_vault_name(&take);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_backup_vault().backup_vault_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["backup", "CreateBackupVault"]).await?;

        let target = target(&wanted, TOKEN);
        let observed = settle(&provider, &target).await?;
        let arn = format!("arn:aws:backup:{}:000000000000:backup-vault:{name}", aws.region());
        ensure!(
            observed.id == name && observed.attributes["arn"] == arn && observed.attributes["name"] == name,
            "{observed:?}"
        );
        check_tags(aws, &client, &provider, &target, &observed).await?;

        for _ in 0..3 {
            let request = client.start_backup_job().backup_vault_name(&name).resource_arn(CLUSTER);
            request
                .iam_role_arn("arn:aws:iam::000000000000:role/backup")
                .send()
                .await?;
        }
        // A locked vault keeps what is in it, and says so before anything is called.
        client
            .put_backup_vault_lock_configuration()
            .backup_vault_name(&name)
            .send()
            .await?;
        let before = aws.calls()?.len();
        match provider.delete(&target, &observed).await? {
            Progress::Blocked { reason } => ensure!(
                reason.contains("locked") && reason.contains("3 recovery points"),
                "{reason}"
            ),
            other => bail!("a locked vault: {other:?}"),
        }
        ensure!(operations(aws, before)?.is_empty());
        client
            .delete_backup_vault_lock_configuration()
            .backup_vault_name(&name)
            .send()
            .await?;

        // One point with each call, then the vault.
        let before = aws.calls()?.len();
        remove(&provider, &target).await?;
        let point = || "DeleteRecoveryPoint".to_owned();
        ensure!(operations(aws, before)? == [point(), point(), point(), "DeleteBackupVault".to_owned()]);
        let progress = provider.delete(&target, &observed).await?;
        ensure!(progress == Progress::Done, "{progress:?}");
        Ok(())
    })
}

#[test]
fn plans_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = Backups::new(&aws.aws());
        let vault = vault(aws);
        settle(&provider, &target(&vault, TOKEN)).await?;
        let wanted = properties(&vault);
        check(aws, &provider, &plan(aws, &wanted), None).await?;
        check_faults(aws, &provider, &plan(aws, &wanted), ["backup", "CreateBackupPlan"]).await?;

        let given = target(&plan(aws, &wanted), TOKEN);
        let observed = settle(&provider, &given).await?;
        let id = observed.id.clone();
        let shown = async || {
            let output = client.get_backup_plan().backup_plan_id(&id).send().await?;
            output.backup_plan.context("no plan")
        };
        let there = shown().await?;
        let [rule] = there.rules.as_slice() else {
            bail!("{there:?}")
        };
        let days = |lifecycle: Option<&aws_sdk_backup::types::Lifecycle>| lifecycle.and_then(|of| of.delete_after_days);
        ensure!(
            there.backup_plan_name == "data-processing-production-daily",
            "{there:?}"
        );
        ensure!(rule.target_backup_vault_name == vault.physical_name, "{rule:?}");
        ensure!(
            rule.schedule_expression.as_deref() == Some("cron(0 5 ? * * *)"),
            "{rule:?}"
        );
        ensure!(
            rule.start_window_minutes == Some(60) && days(rule.lifecycle.as_ref()) == Some(7),
            "{rule:?}"
        );
        let [copy] = rule.copy_actions.as_deref().unwrap_or_default() else {
            bail!("{rule:?}")
        };
        ensure!(
            copy.destination_backup_vault_arn == ELSEWHERE && days(copy.lifecycle.as_ref()) == Some(7),
            "{copy:?}"
        );
        ensure!(
            rule.recovery_point_tags
                .as_ref()
                .is_some_and(|tags| tags["outrigger:stack"] == "data-processing")
        );
        check_tags(aws, &client, &provider, &given, &observed).await?;

        // Everything else in one call, which makes another version of the same plan.
        let other = BackupPlan {
            window_start: "23:30".to_owned(),
            retention_days: 30,
            copies: Vec::new(),
            ..wanted.clone()
        };
        let other = Target {
            id: Some(id.clone()),
            ..target(&plan(aws, &other), TOKEN)
        };
        let told = differences(&provider, &other).await?;
        let expected = [
            r#"window_start: "23:30" / "05:00""#.to_owned(),
            "retention_days: 30 / 7".to_owned(),
            format!(r#"copies: [] / ["{ELSEWHERE}"]"#),
        ];
        ensure!(told == expected, "{told:?}");
        let before = aws.calls()?.len();
        ensure!(settle(&provider, &other).await?.id == id);
        ensure!(operations(aws, before)? == ["UpdateBackupPlan"]);

        // What somebody else makes of it is told and put back; whatever it is called, it is known by its id.
        let theirs = aws_sdk_backup::types::BackupPlanInput::builder()
            .backup_plan_name("theirs")
            .rules(
                aws_sdk_backup::types::BackupRuleInput::builder()
                    .rule_name("weekly")
                    .target_backup_vault_name("Default")
                    .schedule_expression("cron(0 5 ? * MON *)")
                    .build()?,
            );
        client
            .update_backup_plan()
            .backup_plan_id(&id)
            .backup_plan(theirs.build()?)
            .send()
            .await?;
        let told = differences(&provider, &other).await?;
        let expected = [
            r#"name: "data-processing-production-daily" / "theirs""#,
            r#"vault: "data-processing-production-daily" / "Default""#,
            r#"window_start: "23:30" / "cron(0 5 ? * MON *)""#,
            "retention_days: 30 / null",
            "start_window_minutes: 60 / null",
            r#"recovery_point_tags: {"outrigger:environment":"production","outrigger:stack":"data-processing"} / {}"#,
        ];
        ensure!(told == expected, "{told:?}");
        settle(&provider, &other).await?;

        // Another plan of the name is no hindrance, and none of ours.
        let foreign = client.create_backup_plan().backup_plan(
            aws_sdk_backup::types::BackupPlanInput::builder()
                .backup_plan_name("data-processing-production-daily")
                .rules(
                    aws_sdk_backup::types::BackupRuleInput::builder()
                        .rule_name("theirs")
                        .target_backup_vault_name("Default")
                        .build()?,
                )
                .build()?,
        );
        let foreign = foreign.send().await?.backup_plan_id.context("no id")?;
        let seen = provider.observe(&target(&plan(aws, &wanted), TOKEN)).await?;
        ensure!(seen.is_some_and(|seen| seen.ours && seen.id == id && seen.duplicates.is_empty()));
        remove(&provider, &other).await?;
        ensure!(client.get_backup_plan().backup_plan_id(&foreign).send().await.is_ok());
        let progress = provider.delete(&other, &observed).await?;
        ensure!(progress == Progress::Done, "{progress:?}");
        Ok(())
    })
}

#[test]
fn selections_are_made_anew() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = Backups::new(&aws.aws());
        let vault = vault(aws);
        settle(&provider, &target(&vault, TOKEN)).await?;
        let of_plan = target(&plan(aws, &properties(&vault)), TOKEN);
        let plan_id = settle(&provider, &of_plan).await?.id;
        let role_arn = role(aws, "backup", "backup.amazonaws.com").await?;
        let wanted = selection(aws, &plan_id, &role_arn, &[CLUSTER, DATABASE]);
        check(aws, &provider, &wanted, None).await?;
        check_faults(aws, &provider, &wanted, ["backup", "CreateBackupSelection"]).await?;

        // A role that Backup cannot take on yet is waited for.
        let other = role(aws, "other", "ec2.amazonaws.com").await?;
        let fresh = target(&selection(aws, &plan_id, &other, &[DATABASE]), TOKEN);
        let error = provider.ensure(&fresh, None).await.unwrap_err();
        ensure!(error.kind == CallErrorKind::NotYet, "{error}");

        // An account that has Aurora switched off is told so, with what to do.
        let settings = |on: bool| {
            let request = client.update_region_settings();
            request.resource_type_opt_in_preference("Aurora", on).send()
        };
        settings(false).await?;
        let given = target(&wanted, TOKEN);
        let error = provider.ensure(&given, None).await.unwrap_err();
        ensure!(
            error.kind == CallErrorKind::Invalid
                && error.message.contains("--resource-type-opt-in-preference Aurora=true"),
            "{error}"
        );
        settings(true).await?;

        let observed = settle(&provider, &given).await?;
        let request = client
            .get_backup_selection()
            .backup_plan_id(&plan_id)
            .selection_id(&observed.id);
        let there = request.send().await?.backup_selection.context("no selection")?;
        ensure!(
            there.selection_name == "data-processing-production-daily" && there.iam_role_arn == role_arn,
            "{there:?}"
        );
        let mut resources = there.resources().to_vec();
        resources.sort();
        ensure!(resources == [CLUSTER, DATABASE], "{resources:?}");

        // A plan with selections does not go.
        let plan = provider.observe(&of_plan).await?.context("no plan")?;
        let error = provider.delete(&of_plan, &plan).await.unwrap_err();
        ensure!(error.kind == CallErrorKind::NotYet, "{error}");

        // One that backs up something else goes, and another takes its place.
        let less = Target {
            id: Some(observed.id.clone()),
            ..target(
                &selection(aws, &plan_id, &role_arn, &[CLUSTER]),
                "0001700000000001-test",
            )
        };
        let told = differences(&provider, &less).await?;
        ensure!(
            told == [format!(r#"resources: ["{CLUSTER}"] / ["{CLUSTER}","{DATABASE}"]"#)],
            "{told:?}"
        );
        let before = aws.calls()?.len();
        let replaced = settle(&provider, &less).await?;
        ensure!(replaced.id != observed.id);
        ensure!(operations(aws, before)? == ["DeleteBackupSelection", "CreateBackupSelection"]);

        remove(&provider, &less).await?;
        let progress = provider.delete(&less, &replaced).await?;
        ensure!(progress == Progress::Done, "{progress:?}");
        remove(&provider, &of_plan).await?;
        // With its plan it went as well.
        ensure!(provider.observe(&less).await?.is_none());
        Ok(())
    })
}
