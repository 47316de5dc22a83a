//! The Resource Groups Tagging API: what carries a stack's tags.

mod arn;

use aws_sdk_resourcegroupstagging::Client;
use aws_sdk_resourcegroupstagging::types::{Tag, TagFilter};
use outrigger_aws::{Aws, pages};
use outrigger_engine::ports::catalog::Tagged;
use outrigger_engine::ports::provider::CallError;
use outrigger_model::resource::{TAG_DELETION, TAG_ENVIRONMENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Region, StackId};

const GET_RESOURCES: &str = "tag:GetResources";

/// Every object in a region that carries a stack's tags and is of a kind that Outrigger stands up, as [GetResources]
/// lists them. What AWS makes along with those (cache nodes, snapshots, rules of security groups) is left out.
///
/// [GetResources]: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
///
/// # Caveats
/// - It lags behind: what is new may be missing, and what is deleted may still be listed for a while.
/// - It knows no roles: IAM's are not among what the Tagging API lists.
///
/// # Errors
/// When a call fails, or there is no end of pages.
pub async fn tagged(aws: &Aws, region: &Region, stack: &StackId) -> Result<Vec<Tagged>, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let filter = |key: &str, value: &str| TagFilter::builder().key(key).values(value).build();
    let request = client
        .get_resources()
        .tag_filters(filter(TAG_STACK, &stack.stack))
        .tag_filters(filter(TAG_ENVIRONMENT, &stack.environment))
        .resources_per_page(100);
    let listed = pages(GET_RESOURCES, &[], request.into_paginator().send(), |page| {
        page.resource_tag_mapping_list
    });
    let mut tagged: Vec<Tagged> = listed
        .await?
        .iter()
        // What AWS deletes later is told where it was let go.
        .filter(|mapping| !mapping.tags().iter().any(|tag| tag.key() == TAG_DELETION))
        .filter_map(|mapping| {
            let mut tags = mapping.tags().iter();
            let resource = tags.find(|tag| tag.key() == TAG_RESOURCE).map(Tag::value);
            arn::tagged(mapping.resource_arn()?, resource)
        })
        .collect();
    tagged.sort_by(|one, other| one.arn.cmp(&other.arn));
    Ok(tagged)
}
