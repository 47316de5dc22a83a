//! The calls about tables, each in the region of its client.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateReplicationGroupMemberAction, DeleteReplicationGroupMemberAction,
    KeySchemaElement, KeyType, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, ReplicationGroupUpdate,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription, Tag,
};
use outrigger_aws::{call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Progress, Target};
use outrigger_model::Region;
use outrigger_model::properties::Table;

use super::POLL_SECONDS;

const NOT_FOUND: &[&str] = &["ResourceNotFoundException", "TableNotFoundException"];
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html#API_UpdateTable_Errors>
const CODES: &[(&str, CallErrorKind)] = &[
    // Something else is being done to it.
    ("ResourceInUseException", CallErrorKind::NotYet),
    ("ReplicatedWriteConflictException", CallErrorKind::NotYet),
    ("ContinuousBackupsUnavailableException", CallErrorKind::NotYet),
    // Created, but not shown everywhere yet.
    ("ResourceNotFoundException", CallErrorKind::NotYet),
    ("TableNotFoundException", CallErrorKind::NotYet),
    // Too many tables are being changed at a time.
    ("LimitExceededException", CallErrorKind::Throttled),
];
/// CreateTable says the same of a name that is taken.
const CREATE_CODES: &[(&str, CallErrorKind)] = &[
    ("ResourceInUseException", CallErrorKind::Exists),
    ("LimitExceededException", CallErrorKind::Throttled),
];
/// A table has 50 tags at most, and a page holds at least 10.
const TAG_PAGES_MAX: usize = 10;

/// DescribeTable: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html>.
pub(super) async fn table(client: &Client, name: &str) -> Result<Option<TableDescription>, CallError> {
    match client.describe_table().table_name(name).send().await {
        Ok(output) => Ok(output.table),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("dynamodb:DescribeTable", CODES, &error)),
    }
}

/// ListTagsOfResource: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html>.
pub(super) async fn tags(client: &Client, arn: &str) -> Result<BTreeMap<String, String>, CallError> {
    let mut tags = BTreeMap::new();
    let mut next = None;
    for _ in 0..TAG_PAGES_MAX {
        let request = client.list_tags_of_resource().resource_arn(arn).set_next_token(next);
        let page = request
            .send()
            .await
            .map_err(|error| call_error("dynamodb:ListTagsOfResource", CODES, &error))?;
        next = page.next_token;
        tags.extend(page.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)));
        if next.is_none() {
            break;
        }
    }
    Ok(tags)
}

/// DescribeContinuousBackups: whether it can be restored.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html>
pub(super) async fn recovery(client: &Client, name: &str) -> Result<bool, CallError> {
    let request = client.describe_continuous_backups().table_name(name);
    let output = request
        .send()
        .await
        .map_err(|error| call_error("dynamodb:DescribeContinuousBackups", CODES, &error))?;
    let backups = output.continuous_backups_description;
    let recovery = backups.and_then(|backups| backups.point_in_time_recovery_description);
    let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status);
    Ok(status == Some(PointInTimeRecoveryStatus::Enabled))
}

/// CreateTable, with the stream that replicas need:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html>. Its replicas are differences once
/// it is `ACTIVE`.
pub(super) async fn create(client: &Client, target: &Target, wanted: &Table) -> Result<Progress, CallError> {
    let call = "dynamodb:CreateTable";
    let name = &target.resource.physical_name;
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .deletion_protection_enabled(wanted.deletion_protection)
        .set_tags(Some(to_sdk(call, &target.resource.tags)?));
    let keys = [
        (Some(&wanted.key), KeyType::Hash),
        (wanted.sort_key.as_ref(), KeyType::Range),
    ];
    for (key, kind) in keys {
        let Some(key) = key else { continue };
        let attribute = AttributeDefinition::builder().attribute_name(key);
        let attribute = attribute
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(|error| wrong(call, error))?;
        let element = KeySchemaElement::builder().attribute_name(key).key_type(kind);
        request = request
            .attribute_definitions(attribute)
            .key_schema(element.build().map_err(|error| wrong(call, error))?);
    }
    if !wanted.replicas.is_empty() {
        request = request.stream_specification(stream(call)?);
    }
    request
        .send()
        .await
        .map_err(|error| call_error(call, CREATE_CODES, &error))?;
    Ok(Progress::created(name, POLL_SECONDS))
}

fn stream(call: &str) -> Result<StreamSpecification, CallError> {
    StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()
        .map_err(|error| wrong(call, error))
}

/// What one UpdateTable changes.
pub(super) enum Setting<'a> {
    OnDemand,
    Stream,
    Protection(bool),
    Replica(&'a Region),
    NoReplica(&'a Region),
}

/// UpdateTable, of one setting, and of one replica at a time:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html>.
pub(super) async fn set(client: &Client, name: &str, setting: Setting<'_>) -> Result<(), CallError> {
    let call = "dynamodb:UpdateTable";
    let request = client.update_table().table_name(name);
    let request = match setting {
        Setting::OnDemand => request.billing_mode(BillingMode::PayPerRequest),
        Setting::Stream => request.stream_specification(stream(call)?),
        Setting::Protection(on) => request.deletion_protection_enabled(on),
        Setting::Replica(region) => {
            let create = CreateReplicationGroupMemberAction::builder().region_name(region.as_str());
            let create = create.build().map_err(|error| wrong(call, error))?;
            request.replica_updates(ReplicationGroupUpdate::builder().create(create).build())
        }
        Setting::NoReplica(region) => {
            let delete = DeleteReplicationGroupMemberAction::builder().region_name(region.as_str());
            let delete = delete.build().map_err(|error| wrong(call, error))?;
            request.replica_updates(ReplicationGroupUpdate::builder().delete(delete).build())
        }
    };
    let answer = request.send().await.map(drop);
    answer.map_err(|error| call_error(call, CODES, &error))
}

/// UpdateContinuousBackups:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html>.
pub(super) async fn set_recovery(client: &Client, name: &str, on: bool) -> Result<(), CallError> {
    let call = "dynamodb:UpdateContinuousBackups";
    let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(on);
    let recovery = recovery.build().map_err(|error| wrong(call, error))?;
    let request = client.update_continuous_backups().table_name(name);
    let answer = request.point_in_time_recovery_specification(recovery).send().await;
    answer.map(drop).map_err(|error| call_error(call, CODES, &error))
}

/// The ARN of a table or of its replica in a region: the same but for that.
fn arn_in(attributes: &BTreeMap<String, String>, region: &Region) -> Result<String, CallError> {
    let arn = attributes.get("arn").map(String::as_str).unwrap_or_default();
    // arn:<partition>:dynamodb:<region>:<account>:table/<name>
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        [arn, partition, service, _, account, table] => {
            Ok([arn, partition, service, region.as_str(), account, table].join(":"))
        }
        _ => Err(CallError::invalid("dynamodb:TagResource", format!("`{arn}` is no ARN"))),
    }
}

/// TagResource: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html>.
pub(super) async fn tag(
    client: &Client,
    attributes: &BTreeMap<String, String>,
    region: &Region,
    tags: &BTreeMap<String, String>,
) -> Result<(), CallError> {
    let call = "dynamodb:TagResource";
    let request = client.tag_resource().resource_arn(arn_in(attributes, region)?);
    let answer = request.set_tags(Some(to_sdk(call, tags)?)).send().await;
    answer.map(drop).map_err(|error| call_error(call, CODES, &error))
}

/// UntagResource: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UntagResource.html>.
pub(super) async fn untag(
    client: &Client,
    attributes: &BTreeMap<String, String>,
    region: &Region,
    keys: Vec<String>,
) -> Result<(), CallError> {
    let request = client.untag_resource().resource_arn(arn_in(attributes, region)?);
    let answer = request.set_tag_keys(Some(keys)).send().await;
    answer
        .map(drop)
        .map_err(|error| call_error("dynamodb:UntagResource", CODES, &error))
}

/// DeleteTable: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html>.
pub(super) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    match client.delete_table().table_name(name).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("dynamodb:DeleteTable", CODES, &error)),
    }
}

fn to_sdk(call: &str, tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| wrong(call, error))
}

/// A request that cannot be made.
fn wrong(call: &str, error: impl std::fmt::Display) -> CallError {
    CallError::invalid(call, error.to_string())
}
