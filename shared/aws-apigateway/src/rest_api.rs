//! `AWS::ApiGateway::RestApi`, with all that it answers: one import sets every route.

use std::collections::BTreeMap;

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::primitives::Blob;
use aws_sdk_apigateway::types::{ApiStatus, EndpointConfiguration, EndpointType, PutMode, Resource, RestApi as SdkApi};
use outrigger_aws::{Candidate, TAGS, TAGS_GONE, choose, pages, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::RestApi;

use crate::call::{CODES, PAGE, changed, created, deleted, found, refused, sent_once};
use crate::{definition, patch, tags};

const DESCRIPTION: &str = "description";
const ROUTES: &str = "routes";
/// Regional, always.
const ENDPOINT_TYPE: &str = "endpoint_type";

/// GetRestApis, which shows the tags too: <https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApis.html>.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &RestApi) -> Result<Option<Observed>, CallError> {
    let request = client.get_rest_apis().limit(PAGE).into_paginator();
    let listed = pages("apigateway:GetRestApis", CODES, request.send(), |page| page.items).await?;
    let mut candidates: Vec<Candidate<SdkApi>> = listed.into_iter().filter_map(candidate).collect();
    if let Some(id) = &target.id
        && !candidates.iter().any(|candidate| candidate.id == *id)
    {
        candidates.extend(get(client, id).await?);
    }
    let Some(choice) = choose(candidates, target) else {
        return Ok(None);
    };
    let condition = condition(choice.object.api_status());
    let mut differences = settings(wanted, &choice.object);
    // What is somebody else's is not looked into.
    if choice.ours {
        let resources = resources(client, &choice.id).await?;
        let region = &target.resource.key.region;
        let routes = definition::differing(&wanted.routes, &resources, region);
        differences.extend(routes.map(|(wanted, actual)| Difference::new(ROUTES, &wanted, &actual)));
    }
    let name = choice.object.name().unwrap_or_default().to_owned();
    Ok(Some(Observed {
        attributes: BTreeMap::from([("name".to_owned(), name)]),
        ..choice.observed(target, condition, differences)
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &RestApi,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let id = &observed.id;
    let update = |operation| async move {
        let request = client.update_rest_api().rest_api_id(id).patch_operations(operation);
        changed("apigateway:UpdateRestApi", request.send().await)
    };
    match difference.property {
        // https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-api-migration.html
        ENDPOINT_TYPE => {
            let actual = difference.actual.as_str().unwrap_or_default();
            let path = format!("/endpointConfiguration/types/{actual}");
            update(patch::replace(path, EndpointType::Regional.as_str())).await
        }
        DESCRIPTION => update(patch::replace("/description", &wanted.description)).await,
        // https://docs.aws.amazon.com/apigateway/latest/api/API_PutRestApi.html
        ROUTES => {
            let name = &target.resource.physical_name;
            let region = &target.resource.key.region;
            let document = definition::document(name, &wanted.description, &wanted.routes, region);
            let request = client.put_rest_api().rest_api_id(id).mode(PutMode::Overwrite);
            let body = Blob::new(document.to_string());
            changed("apigateway:PutRestApi", request.body(body).send().await)
        }
        TAGS => tags::put(client, target, &format!("/restapis/{id}")).await,
        TAGS_GONE => tags::remove(client, target, &format!("/restapis/{id}"), difference).await,
        _ => Ok(unchangeable("an API", difference)),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateRestApi.html>
async fn create(client: &Client, target: &Target, wanted: &RestApi) -> Result<Progress, CallError> {
    const CALL: &str = "apigateway:CreateRestApi";
    let answer = client
        .create_rest_api()
        .name(&target.resource.physical_name)
        .description(&wanted.description)
        .endpoint_configuration(EndpointConfiguration::builder().types(EndpointType::Regional).build())
        .set_tags(Some(tags::at_creation(target)))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.id())
}

/// With everything in it: <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteRestApi.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let request = client.delete_rest_api().rest_api_id(id);
    deleted("apigateway:DeleteRestApi", request.send().await)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApi.html>
async fn get(client: &Client, id: &str) -> Result<Option<Candidate<SdkApi>>, CallError> {
    let answer = client.get_rest_api().rest_api_id(id).send().await;
    let found = found("apigateway:GetRestApi", answer)?;
    Ok(found.map(|api| Candidate {
        id: id.to_owned(),
        tags: tags::read(api.tags()),
        object: SdkApi::builder()
            .id(id)
            .set_name(api.name)
            .set_description(api.description)
            .set_endpoint_configuration(api.endpoint_configuration)
            .set_api_status(api.api_status)
            .build(),
    }))
}

fn candidate(api: SdkApi) -> Option<Candidate<SdkApi>> {
    Some(Candidate {
        id: api.id()?.to_owned(),
        tags: tags::read(api.tags()),
        object: api,
    })
}

/// With their methods: <https://docs.aws.amazon.com/apigateway/latest/api/API_GetResources.html>.
async fn resources(client: &Client, id: &str) -> Result<Vec<Resource>, CallError> {
    let request = client.get_resources().rest_api_id(id).embed("methods").limit(PAGE);
    let pages_of = request.into_paginator().send();
    pages("apigateway:GetResources", CODES, pages_of, |page| page.items).await
}

fn condition(status: Option<&ApiStatus>) -> Condition {
    match status {
        Some(status @ (ApiStatus::Pending | ApiStatus::Updating)) => Condition::Changing {
            status: status.as_str().to_owned(),
        },
        Some(ApiStatus::Failed) => Condition::Broken {
            reason: "API Gateway says FAILED of it: its status message in the console says why".to_owned(),
        },
        _ => Condition::Ready,
    }
}

fn settings(wanted: &RestApi, actual: &SdkApi) -> Vec<Difference> {
    let types = actual.endpoint_configuration().map(EndpointConfiguration::types);
    let endpoint = types.and_then(|types| types.first()).map_or("", |first| first.as_str());
    [
        Difference::between(ENDPOINT_TYPE, &EndpointType::Regional.as_str(), &endpoint),
        Difference::between(
            DESCRIPTION,
            &wanted.description.as_str(),
            &actual.description().unwrap_or_default(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
