//! `AWS::ApiGateway::ApiKey`. Its value is never asked for, and what a create answers of it is dropped unread.

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::types::ApiKey as SdkKey;
use outrigger_aws::{Candidate, TAGS, TAGS_GONE, choose, pages, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::ApiKey;

use crate::call::{CODES, PAGE, changed, created, deleted, found, refused, sent_once};
use crate::{patch, tags};

const DESCRIPTION: &str = "description";
/// Always.
const ENABLED: &str = "enabled";

/// GetApiKeys without values: <https://docs.aws.amazon.com/apigateway/latest/api/API_GetApiKeys.html>.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &ApiKey) -> Result<Option<Observed>, CallError> {
    let request = client.get_api_keys().include_values(false).limit(PAGE).into_paginator();
    let listed = pages("apigateway:GetApiKeys", CODES, request.send(), |page| page.items).await?;
    let mut candidates: Vec<Candidate<SdkKey>> = listed.into_iter().filter_map(candidate).collect();
    if let Some(id) = &target.id
        && !candidates.iter().any(|candidate| candidate.id == *id)
    {
        candidates.extend(get(client, id).await?.and_then(candidate));
    }
    let Some(choice) = choose(candidates, target) else {
        return Ok(None);
    };
    let differences = [
        Difference::between(ENABLED, &true, &choice.object.enabled()),
        Difference::between(
            DESCRIPTION,
            &wanted.description.as_str(),
            &choice.object.description().unwrap_or_default(),
        ),
    ];
    let differences = differences.into_iter().flatten().collect();
    Ok(Some(choice.observed(target, Condition::Ready, differences)))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &ApiKey,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let path = format!("/apikeys/{}", observed.id);
    // https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateApiKey.html
    let update = |operation| async {
        let request = client
            .update_api_key()
            .api_key(&observed.id)
            .patch_operations(operation);
        changed("apigateway:UpdateApiKey", request.send().await)
    };
    match difference.property {
        ENABLED => update(patch::replace("/enabled", "true")).await,
        DESCRIPTION => update(patch::replace("/description", &wanted.description)).await,
        TAGS => tags::put(client, target, &path).await,
        TAGS_GONE => tags::remove(client, target, &path, difference).await,
        _ => Ok(unchangeable("an API key", difference)),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html>
async fn create(client: &Client, target: &Target, wanted: &ApiKey) -> Result<Progress, CallError> {
    const CALL: &str = "apigateway:CreateApiKey";
    let answer = client
        .create_api_key()
        .name(&target.resource.physical_name)
        .description(&wanted.description)
        .enabled(true)
        .set_tags(Some(tags::at_creation(target)))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.id())
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteApiKey.html>
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let request = client.delete_api_key().api_key(id);
    deleted("apigateway:DeleteApiKey", request.send().await)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_GetApiKey.html>
async fn get(client: &Client, id: &str) -> Result<Option<SdkKey>, CallError> {
    let answer = client.get_api_key().api_key(id).include_value(false).send().await;
    let found = found("apigateway:GetApiKey", answer)?;
    Ok(found.map(|key| {
        SdkKey::builder()
            .id(id)
            .set_description(key.description)
            .enabled(key.enabled)
            .set_tags(key.tags)
            .build()
    }))
}

fn candidate(key: SdkKey) -> Option<Candidate<SdkKey>> {
    Some(Candidate {
        id: key.id()?.to_owned(),
        tags: tags::read(key.tags()),
        object: key,
    })
}
