//! Tags, by ARN: <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging.html>.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigateway::Client;
use outrigger_aws::surplus_keys;
use outrigger_engine::ports::provider::{CallError, Difference, Progress, Target};
use outrigger_model::resource::TAG_INTENT;

use crate::call::changed;

/// The ARN of what has tags; `path` is such as `/restapis/abc`.
fn arn(target: &Target, path: &str) -> String {
    let region = &target.resource.key.region;
    format!("arn:{}:apigateway:{region}::{path}", region.partition())
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_TagResource.html>
pub(crate) async fn put(client: &Client, target: &Target, path: &str) -> Result<Progress, CallError> {
    let request = client.tag_resource().resource_arn(arn(target, path));
    let tags = target.resource.tags.clone().into_iter().collect();
    changed("apigateway:TagResource", request.set_tags(Some(tags)).send().await)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_UntagResource.html>
pub(crate) async fn remove(
    client: &Client,
    target: &Target,
    path: &str,
    difference: &Difference,
) -> Result<Progress, CallError> {
    let request = client.untag_resource().resource_arn(arn(target, path));
    let keys = surplus_keys(difference);
    changed(
        "apigateway:UntagResource",
        request.set_tag_keys(Some(keys)).send().await,
    )
}

/// The tags of what is created: the intent's is among them.
pub(crate) fn at_creation(target: &Target) -> HashMap<String, String> {
    let intent = (TAG_INTENT.to_owned(), target.token.clone());
    target.resource.tags.clone().into_iter().chain([intent]).collect()
}

pub(crate) fn read(tags: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    tags.cloned().unwrap_or_default().into_iter().collect()
}
