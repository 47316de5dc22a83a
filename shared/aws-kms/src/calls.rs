//! What both kinds call.

use std::collections::BTreeMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::DateTime;
use aws_sdk_kms::types::{KeyMetadata, Tag};
use outrigger_aws::{call_error, is_code, pages};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Progress};

pub(crate) const NOT_FOUND: &[&str] = &["NotFoundException"];
const DENIED: &[&str] = &["AccessDeniedException"];
pub(crate) const CODES: &[(&str, CallErrorKind)] = &[
    ("AlreadyExistsException", CallErrorKind::Exists),
    // A key that is created, but does not show everywhere yet; or one in a state that passes.
    ("NotFoundException", CallErrorKind::NotYet),
    ("KMSInvalidStateException", CallErrorKind::NotYet),
    ("DependencyTimeoutException", CallErrorKind::Unknown),
    ("KMSInternalException", CallErrorKind::Unknown),
];

/// [DescribeKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html), by a key's id or an alias;
/// nothing where there is no such key.
pub(crate) async fn describe(client: &Client, key: &str) -> Result<Option<KeyMetadata>, CallError> {
    match client.describe_key().key_id(key).send().await {
        Ok(output) => Ok(output.key_metadata),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("kms:DescribeKey", CODES, &error)),
    }
}

/// [ListResourceTags](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html): none of a key that is
/// gone, and none of one whose policy keeps them to itself, which is not ours: ours lets the account see them.
pub(crate) async fn tags(client: &Client, key: &str) -> Result<BTreeMap<String, String>, CallError> {
    let call = "kms:ListResourceTags";
    let known = client.list_resource_tags().key_id(key).send().await;
    match known {
        Ok(page) if !page.truncated => Ok(from_sdk(page.tags.unwrap_or_default())),
        Ok(_) => {
            let request = client.list_resource_tags().key_id(key);
            let tags = pages(call, CODES, request.into_paginator().send(), |page| page.tags).await?;
            Ok(from_sdk(tags))
        }
        Err(error) if is_code(&error, NOT_FOUND) || is_code(&error, DENIED) => Ok(BTreeMap::new()),
        Err(error) => Err(call_error(call, CODES, &error)),
    }
}

/// How long it may take until a key's tags count where it is decided who may change it:
/// <https://docs.aws.amazon.com/kms/latest/developerguide/tag-authorization.html>.
const TAGS_COUNT_AFTER_SECONDS: i64 = 300;

/// What is denied of a key that is that fresh is denied for now: time heals it, and the executor bounds the time.
pub(crate) async fn fresh_keys_wait(
    client: &Client,
    key: &str,
    done: Result<Progress, CallError>,
) -> Result<Progress, CallError> {
    let error = match done {
        Err(error) if error.kind == CallErrorKind::Denied && !key.is_empty() => error,
        done => return done,
    };
    let created = describe(client, key).await?.and_then(|key| key.creation_date);
    let now = DateTime::from(std::time::SystemTime::now()).secs();
    match created {
        Some(created) if now - created.secs() < TAGS_COUNT_AFTER_SECONDS => Err(CallError {
            kind: CallErrorKind::NotYet,
            ..error
        }),
        _ => Err(error),
    }
}

fn from_sdk(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect()
}

pub(crate) fn to_sdk<'a>(
    call: &str,
    tags: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<Vec<Tag>, CallError> {
    tags.into_iter()
        .map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| CallError::invalid(call, error.to_string()))
}
