//! Tags of buses and rules, by ARN: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-tagging.html>.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::Tag;
use outrigger_aws::surplus_keys;
use outrigger_engine::ports::provider::{CallError, Difference, Progress, Target};

use crate::call::{changed, found};

/// The tags of what has this ARN; `None` where there is no such thing:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTagsForResource.html>.
pub(crate) async fn read(client: &Client, arn: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    let answer = client.list_tags_for_resource().resource_arn(arn).send().await;
    let found = found("events:ListTagsForResource", answer)?;
    Ok(found.map(|answer| {
        let tags = answer.tags().iter();
        tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
    }))
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TagResource.html>
pub(crate) async fn put(client: &Client, target: &Target, arn: &str) -> Result<Progress, CallError> {
    let tags = to_sdk(&target.resource.tags)?;
    let request = client.tag_resource().resource_arn(arn).set_tags(Some(tags));
    changed("events:TagResource", request.send().await)
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UntagResource.html>
pub(crate) async fn remove(client: &Client, arn: &str, difference: &Difference) -> Result<Progress, CallError> {
    let keys = surplus_keys(difference);
    let request = client.untag_resource().resource_arn(arn).set_tag_keys(Some(keys));
    changed("events:UntagResource", request.send().await)
}

pub(crate) fn to_sdk(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| CallError::invalid("events:TagResource", error.to_string()))
}
