//! `AWS::ApiGateway::Deployment`: an API as it was when it was deployed.
//!
//! A deployment has no tags. Its description names the resource and the intent that made it, in place of them.

use std::collections::BTreeMap;

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::types::Deployment as SdkDeployment;
use outrigger_aws::{Candidate, choose, is_code, pages, unchangeable};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Target};
use outrigger_model::properties::ApiDeployment;
use outrigger_model::resource::TAG_INTENT;

use crate::call::{CODES, NOT_FOUND, PAGE, created, deleted, joined, parted, refused, sent_once};

/// In the API that is wanted; or else where it is recorded, so that none is left behind where nobody looks.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &ApiDeployment,
) -> Result<Option<Observed>, CallError> {
    let recorded = target
        .id
        .as_deref()
        .and_then(|id| id.split_once(':'))
        .map(|(api, _)| api);
    let mut apis = vec![wanted.api.text()];
    apis.extend(recorded.filter(|api| *api != wanted.api.text()));
    for api in apis {
        let candidates = list(client, target, api).await?;
        if let Some(choice) = choose(candidates, target) {
            let deployment = choice.object.id().unwrap_or_default().to_owned();
            return Ok(Some(Observed {
                attributes: BTreeMap::from([("deployment_id".to_owned(), deployment)]),
                // What was deployed never changes.
                differences: Vec::new(),
                ..choice.observed(target, Condition::Ready, Vec::new())
            }));
        }
    }
    Ok(None)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_GetDeployments.html>
async fn list(client: &Client, target: &Target, api: &str) -> Result<Vec<Candidate<SdkDeployment>>, CallError> {
    if api.is_empty() {
        return Ok(Vec::new());
    }
    let request = client.get_deployments().rest_api_id(api).limit(PAGE).into_paginator();
    let listed = match pages("apigateway:GetDeployments", CODES, request.send(), |page| page.items).await {
        Err(error) if NOT_FOUND.contains(&error.code.as_str()) => return Ok(Vec::new()),
        listed => listed?,
    };
    let candidates = listed.into_iter().filter_map(|deployment| {
        Some(Candidate {
            id: joined(api, deployment.id()?),
            tags: marks(target, deployment.description().unwrap_or_default()),
            object: deployment,
        })
    });
    Ok(candidates.collect())
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &ApiDeployment,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    const CALL: &str = "apigateway:CreateDeployment";
    if let Some(observed) = observed {
        let first = observed.differences.first();
        return Ok(first.map_or(Progress::Done, |difference| unchangeable("a deployment", difference)));
    }
    // https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDeployment.html
    let api = wanted.api.text();
    let answer = client
        .create_deployment()
        .rest_api_id(api)
        .description(description(target))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.id().map(|id| joined(api, id)).as_deref())
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteDeployment.html>
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "apigateway:DeleteDeployment";
    let (api, deployment) = parted(CALL, id)?;
    let request = client.delete_deployment().rest_api_id(api).deployment_id(deployment);
    match request.send().await {
        // "Active stages pointing to this deployment must be moved or deleted"
        Err(error) if is_code(&error, &["BadRequestException"]) => Err(CallError {
            kind: CallErrorKind::NotYet,
            ..refused(CALL, &error)
        }),
        done => deleted(CALL, done),
    }
}

/// What tells whose a deployment is.
fn description(target: &Target) -> String {
    format!("outrigger {} {}", target.resource.key.current(), target.token)
}

/// The tags that a description stands for.
fn marks(target: &Target, description: &str) -> BTreeMap<String, String> {
    let own = format!("outrigger {} ", target.resource.key.current());
    let mut tags = BTreeMap::new();
    if let Some(token) = description.strip_prefix(&own) {
        tags.extend(target.resource.tags.clone());
        tags.insert(TAG_INTENT.to_owned(), token.to_owned());
    }
    tags
}
