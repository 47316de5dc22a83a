//! Elastic IP addresses: public addresses that stay the same.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Address, DomainType, ResourceType};
use outrigger_aws::{TAGS, TAGS_GONE, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Target};
use outrigger_model::properties::ElasticIp;

use crate::call::{NOT_FOUND, blocked, created, deleted, refused, sent_once};
use crate::find::{Candidate, choose};
use crate::tags;

const DESCRIBE: &str = "ec2:DescribeAddresses";

/// The list has no pages: an account has few addresses.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddresses.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    _wanted: &ElasticIp,
) -> Result<Option<Observed>, CallError> {
    let mut found = match tags::filters(target) {
        Some(filters) => {
            let answer = client.describe_addresses().set_filters(Some(filters)).send().await;
            let answer = answer.map_err(|error| refused(DESCRIBE, &error))?;
            answer.addresses.unwrap_or_default()
        }
        None => Vec::new(),
    };
    if let Some(id) = &target.id
        && !found.iter().any(|address| address.allocation_id() == Some(id.as_str()))
    {
        match client.describe_addresses().allocation_ids(id).send().await {
            Ok(answer) => found.extend(answer.addresses.unwrap_or_default()),
            Err(error) if is_code(&error, NOT_FOUND) => {}
            Err(error) => return Err(refused(DESCRIBE, &error)),
        }
    }
    Ok(seen(found, target))
}

fn seen(found: Vec<Address>, target: &Target) -> Option<Observed> {
    let candidates = found.into_iter().filter_map(|address| {
        Some(Candidate {
            id: address.allocation_id()?.to_owned(),
            tags: tags::read(address.tags()),
            object: address,
        })
    });
    let choice = choose(candidates.collect(), target)?;
    let public = choice.object.public_ip().map(str::to_owned);
    // An address has no state: it is there or not.
    let mut observed = choice.observed(target, Condition::Ready, Vec::new());
    observed.attributes = public
        .map(|address| ("public_address".to_owned(), address))
        .into_iter()
        .collect();
    Some(observed)
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    _wanted: &ElasticIp,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        TAGS => tags::put(client, &observed.id, target).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(blocked(observed, difference)),
    }
}

/// EC2 says `AuthFailure` of an address that a NAT gateway holds, as of one that is somebody else's: ours was just seen, so
/// it is only held. What takes longer than a deletion may, ends with that message.
///
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html>,
/// <https://github.com/kubernetes/kops/issues/1604>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let released = client.release_address().allocation_id(id).send().await;
    deleted("ec2:ReleaseAddress", released).map_err(|mut error| {
        if error.code == "AuthFailure" {
            error.kind = CallErrorKind::NotYet;
        }
        error
    })
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html>.
async fn create(client: &Client, target: &Target) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:AllocateAddress";
    let answer = client
        .allocate_address()
        .domain(DomainType::Vpc)
        .tag_specifications(tags::at_creation(ResourceType::ElasticIp, target))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.allocation_id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::Tag;
    use outrigger_model::Properties;

    #[test]
    fn the_address_is_told() {
        let target = crate::find::tests::target(Properties::ElasticIp(ElasticIp {}), None);
        let tags = target.resource.tags.iter();
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        let ours = Address::builder()
            .allocation_id("eipalloc-1")
            .public_ip("203.0.113.7")
            .set_tags(Some(tags.collect()));
        let observed = seen(vec![ours.clone().build()], &target).unwrap();
        assert_eq!((observed.id.as_str(), observed.ours), ("eipalloc-1", true));
        assert_eq!(
            observed.attributes.get("public_address").map(String::as_str),
            Some("203.0.113.7")
        );
        assert_eq!(seen(vec![ours.set_tags(None).build()], &target), None);
    }
}
