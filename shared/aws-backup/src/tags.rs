//! Tags, by ARN.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_backup::Client;
use outrigger_aws::{TAGS, TAGS_GONE, is_code, surplus_keys};
use outrigger_engine::ports::provider::{CallError, Difference, Target};
use outrigger_model::resource::TAG_INTENT;

use crate::{NOT_FOUND, failed};

/// The tags of what an ARN names; nothing where that is not there:
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListTags.html>. One page holds them all.
pub(crate) async fn of(client: &Client, arn: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    match client.list_tags().resource_arn(arn).send().await {
        Ok(output) => Ok(Some(output.tags.unwrap_or_default().into_iter().collect())),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(failed("backup:ListTags", &error)),
    }
}

/// The tags of what is created: the intent's is among them.
pub(crate) fn at_creation(target: &Target) -> HashMap<String, String> {
    let intent = (TAG_INTENT.to_owned(), target.token.clone());
    target.resource.tags.clone().into_iter().chain([intent]).collect()
}

/// Makes the call that closes a difference of tags; answers `false` where it is none.
///
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_TagResource.html>,
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_UntagResource.html>
pub(crate) async fn put_right(
    client: &Client,
    target: &Target,
    arn: &str,
    difference: &Difference,
) -> Result<bool, CallError> {
    match difference.property {
        TAGS => client
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(target.resource.tags.clone().into_iter().collect()))
            .send()
            .await
            .map(|_| true)
            .map_err(|error| failed("backup:TagResource", &error)),
        TAGS_GONE => client
            .untag_resource()
            .resource_arn(arn)
            .set_tag_key_list(Some(surplus_keys(difference)))
            .send()
            .await
            .map(|_| true)
            .map_err(|error| failed("backup:UntagResource", &error)),
        _ => Ok(false),
    }
}
