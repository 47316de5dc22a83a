//! `AWS::Backup::BackupSelection`: what a plan backs up, by ARN, and the role that may do so. It has no tags, and belongs to
//! whom its plan belongs to.

use std::collections::BTreeSet;

use aws_sdk_backup::Client;
use aws_sdk_backup::types::{BackupSelection as Actual, BackupSelectionsListMember};
use outrigger_aws::{is_code, pages};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{BackupSelection, Input};

use crate::{CODES, NOT_FOUND, POLL_SECONDS, failed, opt_in};

const CREATE: &str = "backup:CreateBackupSelection";

/// ListBackupSelections and GetBackupSelection:
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListBackupSelections.html>,
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_GetBackupSelection.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &BackupSelection,
) -> Result<Option<Observed>, CallError> {
    let plan = wanted.plan.text();
    let list = client.list_backup_selections().backup_plan_id(plan);
    let listed = pages(
        "backup:ListBackupSelections",
        CODES,
        list.into_paginator().send(),
        |page| page.backup_selections_list,
    )
    .await;
    let listed = match listed {
        Ok(listed) => listed,
        // With its plan it went as well.
        Err(error) if NOT_FOUND.contains(&error.code.as_str()) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(id) = chosen(&listed, target) else {
        return Ok(None);
    };
    let request = client.get_backup_selection().backup_plan_id(plan);
    let selection = match request.selection_id(&id).send().await {
        Ok(output) => output.backup_selection,
        Err(error) if is_code(&error, NOT_FOUND) => return Ok(None),
        Err(error) => return Err(failed("backup:GetBackupSelection", &error)),
    };
    Ok(Some(Observed {
        id,
        condition: Condition::Ready,
        ours: true,
        differences: selection.map_or_else(Vec::new, |actual| differences(wanted, &actual)),
        ..Observed::default()
    }))
}

/// The recorded one, or else the one with the name.
fn chosen(listed: &[BackupSelectionsListMember], target: &Target) -> Option<String> {
    let ids = || listed.iter().filter_map(|one| one.selection_id.as_ref());
    if let Some(recorded) = ids().find(|id| target.id.as_ref() == Some(*id)) {
        return Some(recorded.clone());
    }
    // What was replaced is known by its id alone.
    if target.resource.key.is_former() && target.id.is_some() {
        return None;
    }
    let name = Some(target.resource.physical_name.as_str());
    let named = listed.iter().filter(|one| one.selection_name.as_deref() == name);
    let mut named: Vec<&String> = named.filter_map(|one| one.selection_id.as_ref()).collect();
    named.retain(|id| !target.not.contains(*id));
    named.sort();
    named.first().map(|id| (*id).clone())
}

fn differences(wanted: &BackupSelection, actual: &Actual) -> Vec<Difference> {
    let resources: BTreeSet<&str> = wanted.resources.iter().map(Input::text).collect();
    let told: BTreeSet<&str> = actual.resources().iter().map(String::as_str).collect();
    [
        Difference::between("resources", &resources, &told),
        Difference::between("role", &wanted.role.text(), &actual.iam_role_arn.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One that is not as it is wanted goes, and the next call makes another: no call changes a selection, and it holds nothing.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &BackupSelection,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    match observed {
        None => create(client, target, wanted).await,
        Some(observed) if observed.differences.is_empty() => Ok(Progress::Done),
        Some(observed) => delete(client, wanted.plan.text(), &observed.id).await,
    }
}

/// CreateBackupSelection: <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupSelection.html>.
async fn create(client: &Client, target: &Target, wanted: &BackupSelection) -> Result<Progress, CallError> {
    opt_in::check(client, &target.resource.key.region, wanted).await?;
    let selection = Actual::builder()
        .selection_name(&target.resource.physical_name)
        .iam_role_arn(wanted.role.text())
        .set_resources(Some(wanted.resources.iter().map(|arn| arn.text().to_owned()).collect()))
        .build()
        .map_err(|error| CallError::invalid(CREATE, error.to_string()))?;
    let output = client
        .create_backup_selection()
        .backup_plan_id(wanted.plan.text())
        .backup_selection(selection)
        .creator_request_id(&target.token)
        .send()
        .await
        .map_err(|error| fresh_role(failed(CREATE, &error)))?;
    match output.selection_id {
        Some(id) => Ok(Progress::created(id, POLL_SECONDS)),
        None => Err(CallError::invalid(CREATE, "the answer holds no id")),
    }
}

/// A role that was just made, or its policy, is not seen everywhere yet; Backup tries both:
/// <https://github.com/hashicorp/terraform-provider-aws/issues/9297>,
/// <https://github.com/hashicorp/terraform-provider-aws/issues/10511>.
fn fresh_role(error: CallError) -> CallError {
    let words = ["cannot be assumed", "is not authorized to call"];
    let is_fresh =
        error.code == "InvalidParameterValueException" && words.iter().any(|words| error.message.contains(words));
    match is_fresh {
        true => CallError {
            kind: CallErrorKind::NotYet,
            ..error
        },
        false => error,
    }
}

/// DeleteBackupSelection: <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupSelection.html>.
pub(crate) async fn delete(client: &Client, plan: &str, id: &str) -> Result<Progress, CallError> {
    let request = client.delete_backup_selection().backup_plan_id(plan);
    match request.selection_id(id).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(failed("backup:DeleteBackupSelection", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fresh_role_is_waited_for() {
        let kind = |code: &str, message: &str| {
            let error = CallError {
                code: code.to_owned(),
                ..CallError::invalid(CREATE, message)
            };
            fresh_role(error).kind
        };
        let code = "InvalidParameterValueException";
        let assumed = "IAM Role arn:aws:iam::123456789012:role/a cannot be assumed by AWS Backup";
        assert_eq!(kind(code, assumed), CallErrorKind::NotYet);
        let policy = "IAM Role a is not authorized to call tag:GetResources";
        assert_eq!(kind(code, policy), CallErrorKind::NotYet);
        assert_eq!(kind(code, "Invalid ARN"), CallErrorKind::Invalid);
        assert_eq!(kind("ValidationException", assumed), CallErrorKind::Invalid);
    }
}
