//! Tags of ElastiCache: <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_AddTagsToResource.html>.

use std::collections::BTreeMap;

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::Tag;
use outrigger_aws::{call_error, is_code, surplus_keys};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Difference};

/// What it answers about an object that is gone, or that is not available.
const NOT_READABLE: &[&str] = &[
    "CacheClusterNotFound",
    "CacheSubnetGroupNotFoundFault",
    "InvalidReplicationGroupState",
    "ReplicationGroupNotFoundFault",
];

/// What it answers when somebody else took one of the tags off.
const TAG_NOT_FOUND: &str = "TagNotFound";

pub(crate) fn to_sdk(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

pub(crate) fn from_sdk(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

/// ListTagsForResource:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ListTagsForResource.html>.
/// "If the cluster is not in the available state, ListTagsForResource returns an error." That is `None` here.
pub(crate) async fn list(client: &Client, arn: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    match client.list_tags_for_resource().resource_name(arn).send().await {
        Ok(output) => Ok(Some(from_sdk(output.tag_list()))),
        Err(error) if is_code(&error, NOT_READABLE) => Ok(None),
        Err(error) => Err(call_error("elasticache:ListTagsForResource", &[], &error)),
    }
}

/// AddTagsToResource: adds and overwrites, never removes.
pub(crate) async fn add(client: &Client, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
    let codes = not_yet();
    client
        .add_tags_to_resource()
        .resource_name(arn)
        .set_tags(Some(to_sdk(tags)))
        .send()
        .await
        .map(drop)
        .map_err(|error| call_error("elasticache:AddTagsToResource", &codes, &error))
}

/// RemoveTagsFromResource: <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_RemoveTagsFromResource.html>.
pub(crate) async fn remove(client: &Client, arn: &str, gone: &Difference) -> Result<(), CallError> {
    let codes = not_yet();
    client
        .remove_tags_from_resource()
        .resource_name(arn)
        .set_tag_keys(Some(surplus_keys(gone)))
        .send()
        .await
        .map(drop)
        .map_err(|error| call_error("elasticache:RemoveTagsFromResource", &codes, &error))
}

fn not_yet() -> Vec<(&'static str, CallErrorKind)> {
    let codes = NOT_READABLE.iter().copied().chain([TAG_NOT_FOUND]);
    codes.map(|code| (code, CallErrorKind::NotYet)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_as_they_were() {
        let tags = BTreeMap::from([("Name", "s"), ("a", "2")].map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(from_sdk(&to_sdk(&tags)), tags);
    }
}
