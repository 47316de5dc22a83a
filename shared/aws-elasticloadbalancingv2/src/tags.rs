//! Tags, by ARN.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::Tag;
use outrigger_aws::surplus_keys;
use outrigger_engine::ports::provider::{CallError, Difference, Progress, Target};

use crate::call::{changed, found};

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html>; `None` where there is nothing of
/// that ARN any more.
pub(crate) async fn of(client: &Client, arn: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    let answer = client.describe_tags().resource_arns(arn).send().await;
    let described = found("elasticloadbalancing:DescribeTags", answer)?;
    let described = described.and_then(|answer| answer.tag_descriptions?.into_iter().next());
    Ok(described.map(|described| from_sdk(described.tags())))
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html>
pub(crate) async fn put(client: &Client, target: &Target, arn: &str) -> Result<Progress, CallError> {
    let request = client.add_tags().resource_arns(arn);
    let tags = to_sdk(&target.resource.tags);
    changed(
        "elasticloadbalancing:AddTags",
        request.set_tags(Some(tags)).send().await,
    )
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RemoveTags.html>
pub(crate) async fn remove(client: &Client, arn: &str, difference: &Difference) -> Result<Progress, CallError> {
    let request = client.remove_tags().resource_arns(arn);
    let keys = surplus_keys(difference);
    changed(
        "elasticloadbalancing:RemoveTags",
        request.set_tag_keys(Some(keys)).send().await,
    )
}

pub(crate) fn to_sdk(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

fn from_sdk(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}
