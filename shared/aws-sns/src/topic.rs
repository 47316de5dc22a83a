//! `AWS::SNS::Topic`.

use std::collections::BTreeMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::Tag;
use outrigger_aws::{
    TAGS, TAGS_GONE, call_error, is_code, missing_tags, pages, surplus_keys, surplus_tags, unchangeable,
};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Target};
use outrigger_model::resource::is_ours;

use crate::{CODES, NOT_FOUND, POLL_SECONDS};

/// ListTagsForResource, which tells of a topic that is not there; ListTopics before that, where the ARN is not known yet:
/// <https://docs.aws.amazon.com/sns/latest/api/API_ListTagsForResource.html>,
/// <https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html>.
pub(crate) async fn observe(client: &Client, target: &Target) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let known = target.id.clone().filter(|id| is_named(id, name));
    let Some(arn) = (match known {
        Some(arn) => Some(arn),
        None => find(client, name).await?,
    }) else {
        return Ok(None);
    };
    let Some(actual_tags) = tags(client, &arn).await? else {
        return Ok(None);
    };
    let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Ok(Some(Observed {
        attributes: BTreeMap::from([attribute("arn", &arn), attribute("name", name)]),
        id: arn,
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: missing_tags(&target.resource.tags, &actual_tags)
            .into_iter()
            .chain(surplus_tags(&target.tags_gone, &actual_tags))
            .collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        // https://docs.aws.amazon.com/sns/latest/api/API_TagResource.html
        TAGS => client
            .tag_resource()
            .resource_arn(&observed.id)
            .set_tags(Some(to_sdk(&target.resource.tags)?))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("sns:TagResource", CODES, &error))?,
        // https://docs.aws.amazon.com/sns/latest/api/API_UntagResource.html
        TAGS_GONE => client
            .untag_resource()
            .resource_arn(&observed.id)
            .set_tag_keys(Some(surplus_keys(first)))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("sns:UntagResource", CODES, &error))?,
        _ => return Ok(unchangeable("a topic", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateTopic: <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>. It answers with the topic that has the
/// name, if there is one with the same tags, and refuses where they are others: somebody else's is never taken.
async fn create(client: &Client, target: &Target) -> Result<Progress, CallError> {
    let call = "sns:CreateTopic";
    let request = client
        .create_topic()
        .name(&target.resource.physical_name)
        .set_tags(Some(to_sdk(&target.resource.tags)?));
    let output = request.send().await.map_err(|error| {
        let error = call_error(call, CODES, &error);
        match error.message.contains("already exists") {
            true => CallError {
                kind: CallErrorKind::Exists,
                ..error
            },
            false => error,
        }
    })?;
    match output.topic_arn {
        Some(arn) => Ok(Progress::created(arn, POLL_SECONDS)),
        None => Err(CallError::invalid(call, "the answer holds no ARN")),
    }
}

/// DeleteTopic, of its subscriptions too: <https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html>. It succeeds where
/// there is no topic, so that is looked at first.
pub(crate) async fn delete(client: &Client, arn: &str) -> Result<Progress, CallError> {
    if tags(client, arn).await?.is_none() {
        return Ok(Progress::Done);
    }
    match client.delete_topic().topic_arn(arn).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("sns:DeleteTopic", CODES, &error)),
    }
}

/// A topic's tags; nothing where there is no topic.
async fn tags(client: &Client, arn: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    match client.list_tags_for_resource().resource_arn(arn).send().await {
        Ok(output) => Ok(Some(from_sdk(output.tags()))),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("sns:ListTagsForResource", CODES, &error)),
    }
}

async fn find(client: &Client, name: &str) -> Result<Option<String>, CallError> {
    let list = client.list_topics().into_paginator().send();
    let topics = pages("sns:ListTopics", CODES, list, |page| page.topics).await?;
    Ok(topics
        .into_iter()
        .filter_map(|topic| topic.topic_arn)
        .find(|arn| is_named(arn, name)))
}

/// A topic's ARN ends with its name.
fn is_named(arn: &str, name: &str) -> bool {
    arn.rsplit_once(':').is_some_and(|(_, named)| named == name)
}

fn to_sdk(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| CallError::invalid("sns:TagResource", error.to_string()))
}

fn from_sdk(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}
