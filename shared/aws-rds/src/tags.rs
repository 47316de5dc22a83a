//! Tags of RDS: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddTagsToResource.html>.

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::Tag;
use outrigger_aws::call_error;
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Difference};

const CODES: &[(&str, CallErrorKind)] = &[("InvalidDBInstanceState", CallErrorKind::NotYet)];

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

/// Wanted tags that are missing or have another value; tags that others have set stay.
pub(crate) fn missing(wanted: &BTreeMap<String, String>, actual: &BTreeMap<String, String>) -> Option<Difference> {
    let missing: BTreeMap<_, _> = wanted
        .iter()
        .filter(|(key, value)| actual.get(*key) != Some(value))
        .collect();
    let instead: BTreeMap<_, _> = actual.iter().filter(|(key, _)| missing.contains_key(key)).collect();
    Difference::between("tags", &missing, &instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_tags_are_no_difference() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let (wanted, actual) = (
            of(&[("Name", "s"), ("a", "1")]),
            of(&[("Name", "s"), ("a", "2"), ("foreign", "x")]),
        );
        let difference = missing(&wanted, &actual).unwrap();
        assert_eq!(
            (difference.wanted.as_str(), difference.actual.as_str()),
            (r#"{"a": "1"}"#, r#"{"a": "2"}"#)
        );
        assert_eq!(missing(&of(&[("Name", "s")]), &actual), None);
        assert_eq!(from_sdk(&to_sdk(&actual)), actual);
    }
}
