//! `AWS::Logs::LogGroup`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogGroup as SdkGroup;
use outrigger_aws::{TAGS, TAGS_GONE, call_error, is_code, missing_tags, surplus_keys, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::LogGroup;
use outrigger_model::resource::is_ours;

const POLL_SECONDS: u32 = 2;
const RETENTION: &str = "retention_days";

const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];
const CODES: &[(&str, CallErrorKind)] = &[
    ("ResourceAlreadyExistsException", CallErrorKind::Exists),
    // Created, but not shown everywhere yet.
    ("ResourceNotFoundException", CallErrorKind::NotYet),
    // Somebody else changes it at the same time.
    ("OperationAbortedException", CallErrorKind::NotYet),
];

/// DescribeLogGroups and ListTagsForResource:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &LogGroup,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let Some(group) = describe(client, name).await? else {
        return Ok(None);
    };
    let Some(arn) = arn_of(&group) else {
        return Ok(None);
    };
    let actual_tags: BTreeMap<_, _> = match client.list_tags_for_resource().resource_arn(&arn).send().await {
        Ok(output) => output.tags.unwrap_or_default().into_iter().collect(),
        Err(error) if is_code(&error, NOT_FOUND) => return Ok(None),
        Err(error) => return Err(call_error("logs:ListTagsForResource", CODES, &error)),
    };
    Ok(Some(Observed {
        id: name.clone(),
        attributes: BTreeMap::from([("arn".to_owned(), arn)]),
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: missing_tags(&target.resource.tags, &actual_tags)
            .into_iter()
            .chain(surplus_tags(&target.tags_gone, &actual_tags))
            .chain(retention(wanted, &group))
            .collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &LogGroup,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
    match first.property {
        // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html
        TAGS => client
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags(target)))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("logs:TagResource", CODES, &error))?,
        // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_UntagResource.html
        TAGS_GONE => client
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(surplus_keys(first)))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("logs:UntagResource", CODES, &error))?,
        // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
        RETENTION => client
            .put_retention_policy()
            .log_group_name(&target.resource.physical_name)
            .set_retention_in_days(wanted.retention_days.and_then(|days| i32::try_from(days).ok()))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("logs:PutRetentionPolicy", CODES, &error))?,
        _ => return Ok(unchangeable("a log group", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// How long what is written is kept, where that is said.
fn retention(wanted: &LogGroup, group: &SdkGroup) -> Option<Difference> {
    let wanted = wanted.retention_days?;
    let actual = group.retention_in_days().and_then(|days| u32::try_from(days).ok());
    Difference::between(RETENTION, &Some(wanted), &actual)
}

/// CreateLogGroup: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>.
async fn create(client: &Client, target: &Target) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    client
        .create_log_group()
        .log_group_name(name)
        .set_tags(Some(tags(target)))
        .send()
        .await
        .map_err(|error| call_error("logs:CreateLogGroup", CODES, &error))?;
    Ok(Progress::created(name, POLL_SECONDS))
}

/// DeleteLogGroup: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html>.
pub(crate) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    match client.delete_log_group().log_group_name(name).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("logs:DeleteLogGroup", CODES, &error)),
    }
}

/// "The results are ASCII-sorted by log group name": of all that begin with the name, the name itself is the first.
async fn describe(client: &Client, name: &str) -> Result<Option<SdkGroup>, CallError> {
    let output = client
        .describe_log_groups()
        .log_group_name_prefix(name)
        .send()
        .await
        .map_err(|error| call_error("logs:DescribeLogGroups", CODES, &error))?;
    let groups = output.log_groups.unwrap_or_default();
    Ok(groups.into_iter().find(|group| group.log_group_name() == Some(name)))
}

/// The ARN that tags are read and written by, which ends with the name: `arn` ends with `:*`.
fn arn_of(group: &SdkGroup) -> Option<String> {
    let arn = group.log_group_arn().or_else(|| group.arn())?;
    Some(arn.strip_suffix(":*").unwrap_or(arn).to_owned())
}

fn tags(target: &Target) -> HashMap<String, String> {
    target.resource.tags.clone().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_end_with_the_name() {
        let name = "arn:aws:logs:us-west-2:123456789012:log-group:/aws/rds/instance/db/postgresql";
        let with = |arn: &str| SdkGroup::builder().arn(arn);
        let starred = format!("{name}:*");
        assert_eq!(arn_of(&with(&starred).build()).as_deref(), Some(name));
        assert_eq!(
            arn_of(&with(&starred).log_group_arn(name).build()).as_deref(),
            Some(name)
        );
        assert_eq!(arn_of(&SdkGroup::builder().build()), None);
    }
}
