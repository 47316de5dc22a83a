//! `AWS::Backup::BackupPlan`, with one rule: a backup every day, and copies of it.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_backup::Client;
use aws_sdk_backup::operation::get_backup_plan::GetBackupPlanOutput;
use aws_sdk_backup::types::{BackupPlanInput, BackupRule, BackupRuleInput, CopyAction, Lifecycle};
use outrigger_aws::{Candidate, choose, is_code, pages};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{BackupPlan, Input};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_STACK};

use crate::{CODES, NOT_FOUND, POLL_SECONDS, failed, not_deleted, tags};

const CREATE: &str = "backup:CreateBackupPlan";
const UPDATE: &str = "backup:UpdateBackupPlan";

/// The name of the one rule of a plan.
const RULE: &str = "daily";
/// How long after its time a backup may begin: the least that Backup takes (BackupRuleInput).
const START_WINDOW_MINUTES: i64 = 60;

/// ListBackupPlans, ListTags and GetBackupPlan: names of plans are not unique.
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListBackupPlans.html>
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &BackupPlan,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let list = client.list_backup_plans().into_paginator().send();
    let plans = pages("backup:ListBackupPlans", CODES, list, |page| page.backup_plans_list).await?;
    let mut candidates = Vec::new();
    for plan in plans {
        let (Some(id), Some(arn)) = (plan.backup_plan_id, plan.backup_plan_arn) else {
            continue;
        };
        // Whatever somebody has called it since, a recorded one is known by its id.
        if plan.backup_plan_name.as_deref() != Some(name.as_str()) && target.id.as_ref() != Some(&id) {
            continue;
        }
        if let Some(tags) = tags::of(client, &arn).await? {
            candidates.push(Candidate { id, tags, object: arn });
        }
    }
    let Some(choice) = choose(candidates, target) else {
        return Ok(None);
    };
    let plan = match client.get_backup_plan().backup_plan_id(&choice.id).send().await {
        Ok(plan) if plan.deletion_date.is_none() => plan,
        // What is deleted goes on being told for a while.
        Ok(_) => return Ok(None),
        Err(error) if is_code(&error, NOT_FOUND) => return Ok(None),
        Err(error) => return Err(failed("backup:GetBackupPlan", &error)),
    };
    let arn = choice.object.clone();
    let differences = differences(target, wanted, &plan);
    let mut observed = choice.observed(target, Condition::Ready, differences);
    observed.attributes.insert("arn".to_owned(), arn);
    Ok(Some(observed))
}

fn differences(target: &Target, wanted: &BackupPlan, actual: &GetBackupPlanOutput) -> Vec<Difference> {
    let plan = actual.backup_plan.as_ref();
    let name = plan.map(|plan| plan.backup_plan_name.as_str()).unwrap_or_default();
    let name = Difference::between("name", &target.resource.physical_name.as_str(), &name);
    let rules = plan.map(|plan| plan.rules.as_slice()).unwrap_or_default();
    let of_rule = match rules {
        [rule] => of_rule(target, wanted, rule),
        rules => vec![Difference::new("rules", &1, &rules.len())],
    };
    name.into_iter().chain(of_rule).collect()
}

fn of_rule(target: &Target, wanted: &BackupPlan, rule: &BackupRule) -> Vec<Difference> {
    let copies: BTreeSet<&str> = wanted.copies.iter().map(Input::text).collect();
    let actual_copies = rule.copy_actions.as_deref().unwrap_or_default();
    let told_copies: BTreeSet<&str> = actual_copies
        .iter()
        .map(|copy| copy.destination_backup_vault_arn.as_str())
        .collect();
    // Backups and copies are kept equally long: the first of them that is not tells.
    let lifecycles = [rule.lifecycle.as_ref()]
        .into_iter()
        .chain(actual_copies.iter().map(|copy| copy.lifecycle.as_ref()));
    let days = lifecycles.map(|lifecycle| lifecycle.and_then(|of| of.delete_after_days));
    let wanted_days = Some(i64::from(wanted.retention_days));
    let kept = days.into_iter().find(|days| *days != wanted_days);
    let schedule = rule.schedule_expression.as_deref().unwrap_or_default();
    let zone = rule.schedule_expression_timezone.as_deref().unwrap_or(UTC);
    [
        Difference::between("vault", &wanted.vault.text(), &rule.target_backup_vault_name.as_str()),
        Difference::between("window_start", &wanted.window_start, &time_of(schedule, zone)),
        kept.map(|days| Difference::new("retention_days", &wanted.retention_days, &days)),
        Difference::between("copies", &copies, &told_copies),
        Difference::between(
            "start_window_minutes",
            &Some(START_WINDOW_MINUTES),
            &rule.start_window_minutes,
        ),
        Difference::between(
            "recovery_point_tags",
            &recovery_point_tags(target),
            &rule.recovery_point_tags.clone().unwrap_or_default(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a schedule without a time zone is in.
const UTC: &str = "Etc/UTC";

/// Every day at a time: <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html>.
fn schedule(time: &str) -> String {
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    let (hours, minutes) = time.split_once(':').unwrap_or((time, ""));
    format!("cron({} {} ? * * *)", number(minutes), number(hours))
}

/// The time of a schedule that is every day at one; of any other, its text.
fn time_of(expression: &str, zone: &str) -> String {
    let parts: Vec<&str> = expression
        .strip_prefix("cron(")
        .and_then(|rest| rest.strip_suffix(')'))
        .map(|fields| fields.split(' ').collect())
        .unwrap_or_default();
    if let [minutes, hours, ..] = parts.as_slice()
        && let (Ok(minutes), Ok(hours)) = (minutes.parse::<u32>(), hours.parse::<u32>())
    {
        let time = format!("{hours:02}:{minutes:02}");
        if schedule(&time) == expression && ["UTC", UTC].contains(&zone) {
            return time;
        }
    }
    match zone {
        UTC => expression.to_owned(),
        zone => format!("{expression} {zone}"),
    }
}

/// Recovery points tell whose they are.
fn recovery_point_tags(target: &Target) -> HashMap<String, String> {
    let own = |key: &&str| Some(((*key).to_owned(), target.resource.tags.get(*key)?.clone()));
    [TAG_STACK, TAG_ENVIRONMENT].iter().filter_map(own).collect()
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &BackupPlan,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
    if !tags::put_right(client, target, arn, first).await? {
        // It says everything anew, and is another version of the plan:
        // https://docs.aws.amazon.com/aws-backup/latest/devguide/API_UpdateBackupPlan.html
        client
            .update_backup_plan()
            .backup_plan_id(&observed.id)
            .backup_plan(input(UPDATE, target, wanted)?)
            .send()
            .await
            .map_err(|error| failed(UPDATE, &error))?;
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateBackupPlan, whose CreatorRequestId answers with the plan that there is when it is repeated:
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupPlan.html>.
async fn create(client: &Client, target: &Target, wanted: &BackupPlan) -> Result<Progress, CallError> {
    let output = client
        .create_backup_plan()
        .backup_plan(input(CREATE, target, wanted)?)
        .set_backup_plan_tags(Some(tags::at_creation(target)))
        .creator_request_id(&target.token)
        .send()
        .await
        .map_err(|error| failed(CREATE, &error))?;
    match output.backup_plan_id {
        Some(id) => Ok(Progress::created(id, POLL_SECONDS)),
        None => Err(CallError::invalid(CREATE, "the answer holds no id")),
    }
}

fn input(call: &str, target: &Target, wanted: &BackupPlan) -> Result<BackupPlanInput, CallError> {
    let invalid = |error: &dyn std::error::Error| CallError::invalid(call, error.to_string());
    let lifecycle = Lifecycle::builder()
        .delete_after_days(wanted.retention_days.into())
        .build();
    let mut rule = BackupRuleInput::builder()
        .rule_name(RULE)
        .target_backup_vault_name(wanted.vault.text())
        .schedule_expression(schedule(&wanted.window_start))
        .start_window_minutes(START_WINDOW_MINUTES)
        .lifecycle(lifecycle.clone())
        .set_recovery_point_tags(Some(recovery_point_tags(target)));
    for copy in &wanted.copies {
        let copy = CopyAction::builder()
            .destination_backup_vault_arn(copy.text())
            .lifecycle(lifecycle.clone());
        rule = rule.copy_actions(copy.build().map_err(|error| invalid(&error))?);
    }
    BackupPlanInput::builder()
        .backup_plan_name(&target.resource.physical_name)
        .rules(rule.build().map_err(|error| invalid(&error))?)
        .build()
        .map_err(|error| invalid(&error))
}

/// DeleteBackupPlan: <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupPlan.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    match client.delete_backup_plan().backup_plan_id(id).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(not_deleted("backup:DeleteBackupPlan", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_told_as_its_time_and_any_other_as_it_is() {
        for (time, cron) in [
            ("05:00", "cron(0 5 ? * * *)"),
            ("00:30", "cron(30 0 ? * * *)"),
            ("23:59", "cron(59 23 ? * * *)"),
        ] {
            assert_eq!(schedule(time), cron);
            assert_eq!(time_of(cron, UTC), time);
            assert_eq!(time_of(cron, "UTC"), time);
            assert_eq!(time_of(cron, "Europe/Berlin"), format!("{cron} Europe/Berlin"));
        }
        for other in ["cron(0 5 ? * MON *)", "cron(0/15 5 ? * * *)", "rate(1 day)", ""] {
            assert_eq!(time_of(other, UTC), other);
        }
    }
}
