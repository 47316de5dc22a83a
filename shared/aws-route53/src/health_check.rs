//! `AWS::Route53::HealthCheck`. It has no name, and gets its tags by a second call: its caller reference tells whose it is,
//! from the first moment on.
//!
//! # Caveats
//! - Route 53 answers a reference of a health check that was deleted with `HealthCheckAlreadyExists`, for days. Each create
//!   of ours has a token of its own; where one is refused so, the next has another.

use std::collections::BTreeMap;

use aws_sdk_route53::Client;
use aws_sdk_route53::types::{HealthCheck as Actual, HealthCheckConfig, HealthCheckType, Tag, TagResourceType};
use outrigger_aws::{
    Candidate, TAGS, TAGS_GONE, call_error, choose, is_code, missing_tags, number, pages, surplus_keys, surplus_tags,
    unchangeable,
};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::name::content_hash;
use outrigger_model::properties::{HealthCheck, HealthCheckProtocol};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_INTENT, TAG_RESOURCE, TAG_STACK};
use serde_json::{Value, json};

use crate::{CODES, NOT_FOUND, POLL_SECONDS};

const HOST: &str = "host";
const PROTOCOL: &str = "protocol";
const PORT: &str = "port";
const PATH: &str = "path";
const INTERVAL: &str = "interval_seconds";
const FAILURES: &str = "failures";
const DISABLED: &str = "disabled";
const INVERTED: &str = "inverted";
/// Of so many the tags are told at once: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListTagsForResources.html>.
const CANDIDATES_MAX: usize = 10;

type Tags = BTreeMap<String, String>;

/// ListHealthChecks and ListTagsForResources:
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHealthChecks.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &HealthCheck,
) -> Result<Option<Observed>, CallError> {
    let list = client.list_health_checks().into_paginator().send();
    let all = pages("route53:ListHealthChecks", CODES, list, |page| Some(page.health_checks)).await?;
    let begins = format!("{}-", owner(target));
    let may_be = |of: &Actual| of.caller_reference().starts_with(&begins) || target.id.as_deref() == Some(of.id());
    let found: Vec<Actual> = all.into_iter().filter(may_be).take(CANDIDATES_MAX).collect();
    let tags = tags(client, &found).await?;
    Ok(seen(found, &tags, target, wanted))
}

/// What begins the caller reference of every health check that was ever created for a resource.
fn owner(target: &Target) -> String {
    let tag = |key: &str| target.resource.tags.get(key).map(String::as_str).unwrap_or_default();
    content_hash(&format!(
        "{}/{}/{}",
        tag(TAG_STACK),
        tag(TAG_ENVIRONMENT),
        tag(TAG_RESOURCE)
    ))
}

/// 50 of at most 64 characters.
fn caller_reference(target: &Target) -> String {
    format!("{}-{}", owner(target), target.token)
}

fn seen(found: Vec<Actual>, tags: &BTreeMap<String, Tags>, target: &Target, wanted: &HealthCheck) -> Option<Observed> {
    let begins = format!("{}-", owner(target));
    let candidates = found.into_iter().map(|object| {
        let mut identity = tags.get(object.id()).cloned().unwrap_or_default();
        if let Some(token) = object.caller_reference().strip_prefix(&begins) {
            identity.insert(TAG_INTENT.to_owned(), token.to_owned());
            for tag in [TAG_STACK, TAG_ENVIRONMENT, TAG_RESOURCE] {
                identity.extend(
                    target
                        .resource
                        .tags
                        .get_key_value(tag)
                        .map(|(key, value)| (key.clone(), value.clone())),
                );
            }
        }
        Candidate {
            id: object.id().to_owned(),
            tags: identity,
            object,
        }
    });
    let choice = choose(candidates.collect(), target)?;
    let actual_tags = tags.get(&choice.id).cloned().unwrap_or_default();
    let arn = format!("arn:{}:route53:::healthcheck/{}", wanted.region.partition(), choice.id);
    Some(Observed {
        attributes: BTreeMap::from([("arn".to_owned(), arn)]),
        condition: Condition::Ready,
        ours: choice.ours,
        differences: differences(wanted, choice.object.health_check_config())
            .into_iter()
            .chain(missing_tags(&target.resource.tags, &actual_tags))
            .chain(surplus_tags(&target.tags_gone, &actual_tags))
            .collect(),
        pending: Vec::new(),
        duplicates: choice.duplicates,
        id: choice.id,
    })
}

/// The tags of each; of what is gone since, none.
async fn tags(client: &Client, of: &[Actual]) -> Result<BTreeMap<String, Tags>, CallError> {
    if of.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids = of.iter().map(|check| check.id().to_owned()).collect();
    let request = client
        .list_tags_for_resources()
        .resource_type(TagResourceType::Healthcheck);
    match request.set_resource_ids(Some(ids)).send().await {
        Ok(answer) => Ok(answer
            .resource_tag_sets
            .into_iter()
            .filter_map(|set| Some((set.resource_id.clone()?, from_sdk(set.tags()))))
            .collect()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(BTreeMap::new()),
        Err(error) => Err(call_error("route53:ListTagsForResources", CODES, &error)),
    }
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &HealthCheck,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        TAGS | TAGS_GONE => {
            let add = (first.property == TAGS).then(|| to_sdk(&target.resource.tags));
            let remove = (first.property == TAGS_GONE).then(|| surplus_keys(first));
            // https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeTagsForResource.html
            client
                .change_tags_for_resource()
                .resource_type(TagResourceType::Healthcheck)
                .resource_id(&observed.id)
                .set_add_tags(add)
                .set_remove_tag_keys(remove)
                .send()
                .await
                .map(drop)
                .map_err(|error| call_error("route53:ChangeTagsForResource", CODES, &error))?;
        }
        HOST | PORT | PATH | FAILURES | DISABLED | INVERTED => update(client, wanted, &observed.id).await?,
        _ => return Ok(unchangeable("a health check", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateHealthCheck: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html>.
async fn create(client: &Client, target: &Target, wanted: &HealthCheck) -> Result<Progress, CallError> {
    let call = "route53:CreateHealthCheck";
    let config = HealthCheckConfig::builder()
        .r#type(to_type(wanted.protocol))
        .fully_qualified_domain_name(wanted.host.text())
        .port(wanted.port.into())
        .resource_path(&wanted.path)
        .request_interval(number(call, INTERVAL, wanted.interval_seconds)?)
        .failure_threshold(number(call, FAILURES, wanted.failures)?)
        .set_enable_sni(is_secure(wanted.protocol).then_some(true))
        .build()
        .map_err(|error| CallError::invalid(call, error.to_string()))?;
    let answer = client
        .create_health_check()
        .caller_reference(caller_reference(target))
        .health_check_config(config)
        .send()
        .await
        .map_err(|error| call_error(call, CODES, &error))?;
    match answer.health_check {
        Some(made) => Ok(Progress::created(made.id, POLL_SECONDS)),
        None => Err(CallError::invalid(call, "the answer holds no health check")),
    }
}

/// UpdateHealthCheck: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html>. Type and interval
/// stay as they were created.
async fn update(client: &Client, wanted: &HealthCheck, id: &str) -> Result<(), CallError> {
    let call = "route53:UpdateHealthCheck";
    let request = client
        .update_health_check()
        .health_check_id(id)
        .fully_qualified_domain_name(wanted.host.text())
        .port(wanted.port.into())
        .resource_path(&wanted.path)
        .failure_threshold(number(call, FAILURES, wanted.failures)?)
        .disabled(false)
        .inverted(false);
    let answer = request.send().await;
    answer.map(drop).map_err(|error| call_error(call, CODES, &error))
}

/// DeleteHealthCheck: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHealthCheck.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    match client.delete_health_check().health_check_id(id).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("route53:DeleteHealthCheck", CODES, &error)),
    }
}

fn to_type(protocol: HealthCheckProtocol) -> HealthCheckType {
    match protocol {
        HealthCheckProtocol::Http => HealthCheckType::Http,
        HealthCheckProtocol::Https => HealthCheckType::Https,
    }
}

fn is_secure(protocol: HealthCheckProtocol) -> bool {
    match protocol {
        HealthCheckProtocol::Http => false,
        HealthCheckProtocol::Https => true,
    }
}

/// Its type as the document's protocols are called; as AWS does where that is another.
fn protocol_of(actual: Option<&HealthCheckType>) -> Value {
    match actual {
        Some(HealthCheckType::Http) => json!(HealthCheckProtocol::Http),
        Some(HealthCheckType::Https) => json!(HealthCheckProtocol::Https),
        other => json!(other.map(HealthCheckType::as_str)),
    }
}

fn differences(wanted: &HealthCheck, actual: Option<&HealthCheckConfig>) -> Vec<Difference> {
    let Some(actual) = actual else {
        return Vec::new();
    };
    // Names in the DNS are the same in either case.
    let host = wanted.host.text();
    let there = actual.fully_qualified_domain_name().unwrap_or_default();
    let host = (!there.eq_ignore_ascii_case(host)).then(|| Difference::new(HOST, &host, &there));
    // Where nothing is said, AWS has its defaults.
    [
        host,
        Difference::between(PROTOCOL, &json!(wanted.protocol), &protocol_of(Some(actual.r#type()))),
        Difference::between(PORT, &json!(wanted.port), &json!(actual.port())),
        Difference::between(PATH, &json!(wanted.path), &json!(actual.resource_path())),
        Difference::between(
            INTERVAL,
            &json!(wanted.interval_seconds),
            &json!(actual.request_interval().unwrap_or(30)),
        ),
        Difference::between(
            FAILURES,
            &json!(wanted.failures),
            &json!(actual.failure_threshold().unwrap_or(3)),
        ),
        Difference::between(DISABLED, &false, &actual.disabled().unwrap_or_default()),
        Difference::between(INVERTED, &false, &actual.inverted().unwrap_or_default()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn to_sdk(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

fn from_sdk(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}
