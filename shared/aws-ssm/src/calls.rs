//! What a parameter is looked at and put by.

use std::collections::BTreeMap;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::operation::RequestId;
use aws_sdk_ssm::types::{ParameterMetadata, ParameterStringFilter, ResourceTypeForTagging, Tag};
use outrigger_aws::{call_error, is_code, pages};
use outrigger_engine::ports::provider::{CallError, CallErrorKind};
use secrecy::SecretString;

pub(crate) const GET_PARAMETER: &str = "ssm:GetParameter";
pub(crate) const PUT_PARAMETER: &str = "ssm:PutParameter";
const DESCRIBE_PARAMETERS: &str = "ssm:DescribeParameters";
const LIST_TAGS: &str = "ssm:ListTagsForResource";

pub(crate) const NOT_FOUND: &[&str] = &["ParameterNotFound"];
const NO_SUCH_ID: &[&str] = &["InvalidResourceId"];
pub(crate) const DENIED: &[&str] = &["AccessDeniedException"];

/// Each call's own: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>.
const CODES: &[(&str, CallErrorKind)] = &[
    ("ParameterAlreadyExists", CallErrorKind::Exists),
    ("TooManyUpdates", CallErrorKind::NotYet),
    // Created, but not shown everywhere yet.
    ("ParameterNotFound", CallErrorKind::NotYet),
    ("InvalidResourceId", CallErrorKind::NotYet),
];

/// Maps an SDK error.
pub(crate) fn failed<E>(call: &str, error: &SdkError<E>) -> CallError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    call_error(call, CODES, error)
}

/// What is known of a parameter besides its value; nothing where there is none of the name.
///
/// DescribeParameters, which needs no permission on the parameter itself, and so tells who may only read what carries a
/// certain tag that there is none: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html>.
pub(crate) async fn describe(client: &Client, name: &str) -> Result<Option<ParameterMetadata>, CallError> {
    let filter = ParameterStringFilter::builder()
        .key("Name")
        .option("Equals")
        .values(name)
        .build()
        .map_err(|error| CallError::invalid(DESCRIBE_PARAMETERS, error.to_string()))?;
    let list = client.describe_parameters().parameter_filters(filter);
    let found = pages(DESCRIBE_PARAMETERS, CODES, list.into_paginator().send(), |page| {
        page.parameters
    })
    .await?;
    Ok(found.into_iter().find(|parameter| parameter.name() == Some(name)))
}

/// A parameter's tags; nothing where it went meanwhile:
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListTagsForResource.html>.
pub(crate) async fn tags(client: &Client, name: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    let request = client
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name);
    match request.send().await {
        Ok(output) => {
            let tags = output.tag_list.unwrap_or_default().into_iter();
            Ok(Some(tags.map(|tag| (tag.key, tag.value)).collect()))
        }
        Err(error) if is_code(&error, NO_SUCH_ID) => Ok(None),
        Err(error) => Err(failed(LIST_TAGS, &error)),
    }
}

pub(crate) fn to_sdk(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| CallError::invalid("ssm:AddTagsToResource", error.to_string()))
}

/// A parameter's value, decrypted; nothing where there is no such parameter.
///
/// GetParameter: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>. What was denied is
/// looked for: what is not there has no tags, by which it would be allowed.
pub(crate) async fn value(client: &Client, name: &str) -> Result<Option<SecretString>, CallError> {
    match client.get_parameter().name(name).with_decryption(true).send().await {
        Ok(output) => Ok(output
            .parameter
            .and_then(|parameter| parameter.value)
            .map(SecretString::from)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) if is_code(&error, DENIED) && describe(client, name).await?.is_none() => Ok(None),
        Err(error) => Err(failed(GET_PARAMETER, &error)),
    }
}
