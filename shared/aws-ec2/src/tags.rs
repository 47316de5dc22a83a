//! Tags: what an object carries from its creation on, what finds it again, and what is put right on it.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use outrigger_engine::ports::provider::{CallError, Progress, Target};
use outrigger_model::Identity;
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_INTENT, TAG_RESOURCE, TAG_STACK};

use crate::call::changed;

/// An object's tags as a map.
pub(crate) fn read(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

/// The tags that an object gets with the call that creates it: the resource's, and the intent where only tags identify.
pub(crate) fn at_creation(kind: ResourceType, target: &Target) -> TagSpecification {
    let mut tags = write(&target.resource.tags);
    match target.resource.key.kind.identity() {
        Identity::TagOnly => tags.push(Tag::builder().key(TAG_INTENT).value(&target.token).build()),
        Identity::ClientToken | Identity::UniqueName => {}
    }
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(tags))
        .build()
}

/// Filters for the objects that carry the resource's own tags.
pub(crate) fn own(target: &Target) -> Vec<Filter> {
    [TAG_STACK, TAG_ENVIRONMENT, TAG_RESOURCE]
        .iter()
        .map(|key| {
            let value = target.resource.tags.get(*key).map(String::as_str).unwrap_or_default();
            Filter::builder().name(format!("tag:{key}")).values(value).build()
        })
        .collect()
}

/// Puts the resource's tags on an object; those that it already has stay as they are.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>.
pub(crate) async fn put(client: &Client, id: &str, target: &Target) -> Result<Progress, CallError> {
    let result = client
        .create_tags()
        .resources(id)
        .set_tags(Some(write(&target.resource.tags)))
        .send()
        .await;
    changed("ec2:CreateTags", result)
}

fn write(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Properties;

    #[test]
    fn the_intent_is_a_tag_where_only_tags_identify() {
        let vpc = outrigger_model::properties::Vpc {
            cidr: "10.0.0.0/16".parse().unwrap(),
        };
        let table = outrigger_model::properties::RouteTable {
            vpc: outrigger_model::Input::Text("vpc-1".to_owned()),
        };
        for (kind, properties, tagged) in [
            (ResourceType::Vpc, Properties::Vpc(vpc), true),
            (ResourceType::RouteTable, Properties::RouteTable(table), false),
        ] {
            let target = crate::find::tests::target(properties, None);
            let mut expected = target.resource.tags.clone();
            expected.extend(tagged.then(|| (TAG_INTENT.to_owned(), target.token.clone())));
            let specification = at_creation(kind.clone(), &target);
            assert_eq!(specification.resource_type(), Some(&kind));
            assert_eq!(read(specification.tags()), expected);
        }
    }
}
