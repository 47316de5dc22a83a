//! Tags of RDS: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddTagsToResource.html>.

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::Tag;
use outrigger_aws::{call_error, surplus_keys};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Difference};

const CODES: &[(&str, CallErrorKind)] = &[
    ("InvalidDBInstanceState", CallErrorKind::NotYet),
    ("InvalidDBClusterStateFault", CallErrorKind::NotYet),
];

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

/// AddTagsToResource: adds and overwrites, never removes.
pub(crate) async fn add(client: &Client, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
    client
        .add_tags_to_resource()
        .resource_name(arn)
        .set_tags(Some(to_sdk(tags)))
        .send()
        .await
        .map(drop)
        .map_err(|error| call_error("rds:AddTagsToResource", CODES, &error))
}

/// RemoveTagsFromResource: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RemoveTagsFromResource.html>.
pub(crate) async fn remove(client: &Client, arn: &str, gone: &Difference) -> Result<(), CallError> {
    client
        .remove_tags_from_resource()
        .resource_name(arn)
        .set_tag_keys(Some(surplus_keys(gone)))
        .send()
        .await
        .map(drop)
        .map_err(|error| call_error("rds:RemoveTagsFromResource", CODES, &error))
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
