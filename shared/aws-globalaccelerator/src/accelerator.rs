//! `AWS::GlobalAccelerator::Accelerator`. Its name is not unique: its tags tell whose it is.
//!
//! # Caveats
//! - Only what carries the resource's name, or has the recorded ARN, is looked at: tags are told accelerator by accelerator.

use std::collections::BTreeMap;

use aws_sdk_globalaccelerator::Client;
use aws_sdk_globalaccelerator::types::{Accelerator as Actual, AcceleratorStatus, IpAddressType, Tag};
use outrigger_aws::{Candidate, TAGS, TAGS_GONE, call_error, choose, is_code, pages, surplus_keys, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::Accelerator;

use crate::{CODES, NOT_FOUND, POLL_SECONDS};

const NAME: &str = "name";
const ENABLED: &str = "enabled";
const ADDRESS_TYPE: &str = "ip_address_type";
/// So many are listed at once.
const PAGE: i32 = 100;
/// So many of one name are looked at. An account has 20 at most, unless AWS lets it have more.
const CANDIDATES_MAX: usize = 20;

/// ListAccelerators and ListTagsForResource:
/// <https://docs.aws.amazon.com/global-accelerator/latest/api/API_ListAccelerators.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &Accelerator,
) -> Result<Option<Observed>, CallError> {
    let list = client.list_accelerators().max_results(PAGE).into_paginator().send();
    let all = pages("globalaccelerator:ListAccelerators", CODES, list, |page| {
        page.accelerators
    })
    .await?;
    let may_be = |of: &Actual| {
        of.name() == Some(target.resource.physical_name.as_str())
            || of
                .accelerator_arn()
                .is_some_and(|arn| target.id.as_deref() == Some(arn))
    };
    let mut candidates = Vec::new();
    for object in all.into_iter().filter(may_be).take(CANDIDATES_MAX) {
        if let Some(id) = object.accelerator_arn().map(str::to_owned)
            && let Some(tags) = tags(client, &id).await?
        {
            candidates.push(Candidate { id, tags, object });
        }
    }
    Ok(seen(candidates, target, wanted))
}

fn seen(candidates: Vec<Candidate<Actual>>, target: &Target, wanted: &Accelerator) -> Option<Observed> {
    let choice = choose(candidates, target)?;
    let condition = condition(&choice.object);
    let attributes = attributes(&choice.object);
    let differences = differences(&target.resource.physical_name, wanted, &choice.object);
    Some(Observed {
        attributes,
        ..choice.observed(target, condition, differences)
    })
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Accelerator,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        // https://docs.aws.amazon.com/global-accelerator/latest/api/API_TagResource.html
        TAGS => client
            .tag_resource()
            .resource_arn(&observed.id)
            .set_tags(Some(to_sdk(&target.resource.tags)?))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("globalaccelerator:TagResource", CODES, &error))?,
        // https://docs.aws.amazon.com/global-accelerator/latest/api/API_UntagResource.html
        TAGS_GONE => client
            .untag_resource()
            .resource_arn(&observed.id)
            .set_tag_keys(Some(surplus_keys(first)))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("globalaccelerator:UntagResource", CODES, &error))?,
        // https://docs.aws.amazon.com/global-accelerator/latest/api/API_UpdateAccelerator.html
        NAME | ENABLED | ADDRESS_TYPE => client
            .update_accelerator()
            .accelerator_arn(&observed.id)
            .name(&target.resource.physical_name)
            .enabled(wanted.enabled)
            .ip_address_type(IpAddressType::Ipv4)
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("globalaccelerator:UpdateAccelerator", CODES, &error))?,
        _ => return Ok(unchangeable("an accelerator", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateAccelerator: <https://docs.aws.amazon.com/global-accelerator/latest/api/API_CreateAccelerator.html>.
async fn create(client: &Client, target: &Target, wanted: &Accelerator) -> Result<Progress, CallError> {
    let call = "globalaccelerator:CreateAccelerator";
    let answer = client
        .create_accelerator()
        .name(&target.resource.physical_name)
        .enabled(wanted.enabled)
        .ip_address_type(IpAddressType::Ipv4)
        .idempotency_token(&target.token)
        .set_tags(Some(to_sdk(&target.resource.tags)?))
        .send()
        .await
        .map_err(|error| call_error(call, CODES, &error))?;
    match answer.accelerator.and_then(|made| made.accelerator_arn) {
        Some(arn) => Ok(Progress::created(arn, POLL_SECONDS)),
        None => Err(CallError::invalid(call, "the answer holds no ARN")),
    }
}

/// DeleteAccelerator, of one that is disabled and at rest:
/// <https://docs.aws.amazon.com/global-accelerator/latest/api/API_DeleteAccelerator.html>.
pub(crate) async fn delete(client: &Client, arn: &str) -> Result<Progress, CallError> {
    let Some(there) = describe(client, arn).await? else {
        return Ok(Progress::Done);
    };
    if there.status() == Some(&AcceleratorStatus::InProgress) {
        return Ok(Progress::changed(POLL_SECONDS));
    }
    let failed = if there.enabled() == Some(true) {
        let request = client.update_accelerator().accelerator_arn(arn).enabled(false);
        match request.send().await {
            Ok(_) => None,
            Err(error) if is_code(&error, NOT_FOUND) => return Ok(Progress::Done),
            Err(error) => Some(call_error("globalaccelerator:UpdateAccelerator", CODES, &error)),
        }
    } else {
        match client.delete_accelerator().accelerator_arn(arn).send().await {
            Ok(_) => None,
            Err(error) if is_code(&error, NOT_FOUND) => return Ok(Progress::Done),
            Err(error) => Some(call_error("globalaccelerator:DeleteAccelerator", CODES, &error)),
        }
    };
    failed.map_or(Ok(Progress::changed(POLL_SECONDS)), Err)
}

/// DescribeAccelerator: <https://docs.aws.amazon.com/global-accelerator/latest/api/API_DescribeAccelerator.html>.
pub(crate) async fn describe(client: &Client, arn: &str) -> Result<Option<Actual>, CallError> {
    match client.describe_accelerator().accelerator_arn(arn).send().await {
        Ok(answer) => Ok(answer.accelerator),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("globalaccelerator:DescribeAccelerator", CODES, &error)),
    }
}

/// An accelerator's tags; nothing where there is no accelerator:
/// <https://docs.aws.amazon.com/global-accelerator/latest/api/API_ListTagsForResource.html>.
async fn tags(client: &Client, arn: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    match client.list_tags_for_resource().resource_arn(arn).send().await {
        Ok(output) => Ok(Some(from_sdk(output.tags()))),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("globalaccelerator:ListTagsForResource", CODES, &error)),
    }
}

/// Whatever is changed in it, it is the accelerator that says so.
pub(crate) fn condition(actual: &Actual) -> Condition {
    match actual.status() {
        Some(status @ AcceleratorStatus::InProgress) => Condition::Changing {
            status: status.as_str().to_owned(),
        },
        _ => Condition::Ready,
    }
}

fn attributes(actual: &Actual) -> BTreeMap<String, String> {
    let arn = actual.accelerator_arn().unwrap_or_default();
    // CloudWatch's dimension is the last part of the ARN.
    let id = arn.rsplit('/').next().unwrap_or_default();
    let addresses: Vec<&str> = actual
        .ip_sets()
        .iter()
        .flat_map(|set| set.ip_addresses())
        .map(String::as_str)
        .collect();
    let numbered = ["address_1", "address_2"].into_iter().zip(addresses.iter().copied());
    let named = [("arn", arn), ("accelerator_id", id)].into_iter();
    let name = actual.dns_name().map(|name| ("dns_name", name));
    let listed = addresses.join(",");
    let all = (!listed.is_empty()).then_some(("addresses", listed.as_str()));
    named
        .chain(name)
        .chain(all)
        .chain(numbered)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn differences(name: &str, wanted: &Accelerator, actual: &Actual) -> Vec<Difference> {
    let address_type = actual.ip_address_type().map_or("IPV4", IpAddressType::as_str);
    [
        Difference::between(NAME, &name, &actual.name().unwrap_or_default()),
        Difference::between(ENABLED, &wanted.enabled, &actual.enabled().unwrap_or_default()),
        Difference::between(ADDRESS_TYPE, &IpAddressType::Ipv4.as_str(), &address_type),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn to_sdk(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| CallError::invalid("globalaccelerator:TagResource", error.to_string()))
}

fn from_sdk(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_globalaccelerator::types::IpSet;

    use super::*;

    fn actual() -> Actual {
        Actual::builder()
            .accelerator_arn("arn:aws:globalaccelerator::123456789012:accelerator/1234abcd")
            .name("shop-test-main")
            .enabled(true)
            .ip_address_type(IpAddressType::Ipv4)
            .dns_name("a1.awsglobalaccelerator.com")
            .ip_sets(
                IpSet::builder()
                    .ip_addresses("75.2.0.1")
                    .ip_addresses("99.83.0.1")
                    .build(),
            )
            .status(AcceleratorStatus::Deployed)
            .build()
    }

    #[test]
    fn its_addresses_are_told_together_and_one_by_one() {
        let attributes = attributes(&actual());
        let told: Vec<(&str, &str)> = attributes
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("accelerator_id", "1234abcd"),
                ("address_1", "75.2.0.1"),
                ("address_2", "99.83.0.1"),
                ("addresses", "75.2.0.1,99.83.0.1"),
                ("arn", "arn:aws:globalaccelerator::123456789012:accelerator/1234abcd"),
                ("dns_name", "a1.awsglobalaccelerator.com"),
            ]
        );
    }

    #[test]
    fn every_property_is_compared() {
        let wanted = Accelerator { enabled: true };
        assert_eq!(differences("shop-test-main", &wanted, &actual()), []);
        let other = Accelerator { enabled: false };
        assert_eq!(
            differences("shop-test-other", &other, &actual()),
            [
                Difference::new(NAME, &"shop-test-other", &"shop-test-main"),
                Difference::new(ENABLED, &false, &true)
            ]
        );
    }

    #[test]
    fn what_is_deployed_is_at_rest() {
        assert_eq!(condition(&actual()), Condition::Ready);
        let mut at_work = actual();
        at_work.status = Some(AcceleratorStatus::InProgress);
        let status = "IN_PROGRESS".to_owned();
        assert_eq!(condition(&at_work), Condition::Changing { status });
    }
}
