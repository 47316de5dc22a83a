//! Tags: what an object carries from its creation on, what finds it again, and what is put right on it.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use outrigger_aws::surplus_keys;
use outrigger_engine::ports::provider::{CallError, Difference, Progress, Target};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_INTENT, TAG_RESOURCE, TAG_STACK};

use crate::call::changed;

/// An object's tags as a map.
pub(crate) fn read(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

/// The tags that an object gets with the call that creates it: the resource's, and the intent, which tells it from what
/// replaces it.
pub(crate) fn at_creation(kind: ResourceType, target: &Target) -> TagSpecification {
    let mut tags = write(&target.resource.tags);
    tags.push(Tag::builder().key(TAG_INTENT).value(&target.token).build());
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(tags))
        .build()
}

/// Filters for the objects that may be the resource by their tags: its own, and of a former object its intent as well.
/// `None` where tags say nothing: of a former object whose id is recorded, or whose intent is not.
pub(crate) fn filters(target: &Target) -> Option<Vec<Filter>> {
    let former = target.resource.key.is_former();
    if former && (target.id.is_some() || target.token.is_empty()) {
        return None;
    }
    let own = [TAG_STACK, TAG_ENVIRONMENT, TAG_RESOURCE];
    let own = own.map(|key| {
        (
            key,
            target.resource.tags.get(key).map(String::as_str).unwrap_or_default(),
        )
    });
    let tags = own
        .into_iter()
        .chain(former.then_some((TAG_INTENT, target.token.as_str())));
    Some(
        tags.map(|(key, value)| Filter::builder().name(format!("tag:{key}")).values(value).build())
            .collect(),
    )
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

/// Takes tags off an object, whatever their values.
///
/// "If you specify a tag key without a tag value, we delete any tag with this key regardless of its value."
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html>.
pub(crate) async fn remove(client: &Client, id: &str, gone: &Difference) -> Result<Progress, CallError> {
    let keys = surplus_keys(gone).into_iter();
    let tags = keys.map(|key| Tag::builder().key(key).build()).collect();
    let result = client.delete_tags().resources(id).set_tags(Some(tags)).send().await;
    changed("ec2:DeleteTags", result)
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

    fn target(id: Option<&str>) -> Target {
        let cidr = "10.0.0.0/16".parse().unwrap();
        crate::find::tests::target(Properties::Vpc(outrigger_model::properties::Vpc { cidr }), id)
    }

    #[test]
    fn what_is_created_carries_its_intent() {
        let target = target(None);
        let mut expected = target.resource.tags.clone();
        expected.insert(TAG_INTENT.to_owned(), target.token.clone());
        let specification = at_creation(ResourceType::Vpc, &target);
        assert_eq!(specification.resource_type(), Some(&ResourceType::Vpc));
        assert_eq!(read(specification.tags()), expected);
    }

    #[test]
    fn tags_lead_to_a_former_object_only_by_its_intent() {
        let check = |former: bool, id: Option<&str>, token: &str, expected: Option<usize>, intent: Option<&str>| {
            let mut target = target(id);
            token.clone_into(&mut target.token);
            if former {
                target.resource.key = target.resource.key.former(1);
            }
            let filters = filters(&target);
            assert_eq!(filters.as_ref().map(Vec::len), expected);
            let by_intent = filters
                .unwrap_or_default()
                .into_iter()
                .find(|filter| filter.name() == Some(format!("tag:{TAG_INTENT}").as_str()));
            let by_intent = by_intent.and_then(|filter| filter.values().first().cloned());
            assert_eq!(by_intent.as_deref(), intent);
        };
        check(false, None, "0001-a", Some(3), None);
        check(false, Some("vpc-1"), "0001-a", Some(3), None);
        check(true, None, "0001-a", Some(4), Some("0001-a"));
        check(true, Some("vpc-1"), "0001-a", None, None);
        check(true, None, "", None, None);
    }
}
