//! `AWS::ApiGateway::UsagePlan`.

use std::collections::BTreeSet;

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::types::{ApiStage as SdkStage, PatchOperation, ThrottleSettings, UsagePlan as SdkPlan};
use outrigger_aws::{Candidate, TAGS, TAGS_GONE, choose, number, pages, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::UsagePlan;

use crate::call::{CODES, PAGE, changed, created, deleted, found, joined, parted, refused, sent_once};
use crate::{patch, tags};

const CREATE: &str = "apigateway:CreateUsagePlan";
const STAGE: &str = "stage";
const RATE: &str = "rate_per_second";
const BURST: &str = "burst";
const DESCRIPTION: &str = "description";

/// GetUsagePlans, which shows the tags too: <https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsagePlans.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &UsagePlan,
) -> Result<Option<Observed>, CallError> {
    let request = client.get_usage_plans().limit(PAGE).into_paginator();
    let listed = pages("apigateway:GetUsagePlans", CODES, request.send(), |page| page.items).await?;
    let mut candidates: Vec<Candidate<SdkPlan>> = listed.into_iter().filter_map(candidate).collect();
    if let Some(id) = &target.id
        && !candidates.iter().any(|candidate| candidate.id == *id)
    {
        candidates.extend(get(client, id).await?.and_then(candidate));
    }
    let Some(choice) = choose(candidates, target) else {
        return Ok(None);
    };
    let differences = differences(wanted, &choice.object);
    Ok(Some(choice.observed(target, Condition::Ready, differences)))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &UsagePlan,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let path = format!("/usageplans/{}", observed.id);
    match difference.property {
        TAGS => tags::put(client, target, &path).await,
        TAGS_GONE => tags::remove(client, target, &path, difference).await,
        // One call for all of them: API Gateway takes one in 20 s.
        STAGE | RATE | BURST | DESCRIPTION => {
            let operations = observed
                .differences
                .iter()
                .flat_map(|of| operations(wanted, of))
                .collect();
            update(client, &observed.id, operations).await
        }
        _ => Ok(unchangeable("a usage plan", difference)),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateUsagePlan.html>
async fn update(client: &Client, id: &str, operations: Vec<PatchOperation>) -> Result<Progress, CallError> {
    let request = client.update_usage_plan().usage_plan_id(id);
    let request = request.set_patch_operations(Some(operations));
    changed("apigateway:UpdateUsagePlan", request.send().await)
}

/// What closes a difference:
/// <https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateUsagePlan-Patch>.
fn operations(wanted: &UsagePlan, difference: &Difference) -> Vec<PatchOperation> {
    match difference.property {
        STAGE => {
            let wanted = wanted.stage.text();
            let there: BTreeSet<&str> = difference
                .actual
                .as_str()
                .unwrap_or_default()
                .split_whitespace()
                .collect();
            let surplus = there.iter().filter(|stage| **stage != wanted);
            let mut operations: Vec<_> = surplus.map(|stage| patch::remove("/apiStages", *stage)).collect();
            if !there.contains(wanted) {
                operations.push(patch::add("/apiStages", wanted));
            }
            operations
        }
        RATE => vec![patch::replace(
            "/throttle/rateLimit",
            wanted.rate_per_second.to_string(),
        )],
        BURST => vec![patch::replace("/throttle/burstLimit", wanted.burst.to_string())],
        DESCRIPTION => vec![patch::replace("/description", &wanted.description)],
        _ => Vec::new(),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateUsagePlan.html>
async fn create(client: &Client, target: &Target, wanted: &UsagePlan) -> Result<Progress, CallError> {
    let (api, stage) = parted(CREATE, wanted.stage.text())?;
    let throttle = ThrottleSettings::builder()
        .rate_limit(f64::from(wanted.rate_per_second))
        .burst_limit(number(CREATE, BURST, wanted.burst)?);
    let answer = client
        .create_usage_plan()
        .name(&target.resource.physical_name)
        .description(&wanted.description)
        .api_stages(SdkStage::builder().api_id(api).stage(stage).build())
        .throttle(throttle.build())
        .set_tags(Some(tags::at_creation(target)))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CREATE, &error))?;
    created(CREATE, answer.id())
}

/// DeleteUsagePlan refuses a plan with stages; these are taken off it first:
/// <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteUsagePlan.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let Some(there) = get(client, id).await? else {
        return Ok(Progress::Done);
    };
    let stages = stages(&there);
    if !stages.is_empty() {
        let operations = stages.iter().map(|stage| patch::remove("/apiStages", stage)).collect();
        return update(client, id, operations).await;
    }
    let request = client.delete_usage_plan().usage_plan_id(id);
    deleted("apigateway:DeleteUsagePlan", request.send().await)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsagePlan.html>
async fn get(client: &Client, id: &str) -> Result<Option<SdkPlan>, CallError> {
    let answer = client.get_usage_plan().usage_plan_id(id).send().await;
    let found = found("apigateway:GetUsagePlan", answer)?;
    Ok(found.map(|plan| {
        SdkPlan::builder()
            .id(id)
            .set_description(plan.description)
            .set_api_stages(plan.api_stages)
            .set_throttle(plan.throttle)
            .set_tags(plan.tags)
            .build()
    }))
}

fn candidate(plan: SdkPlan) -> Option<Candidate<SdkPlan>> {
    Some(Candidate {
        id: plan.id()?.to_owned(),
        tags: tags::read(plan.tags()),
        object: plan,
    })
}

/// The ids of its stages.
fn stages(plan: &SdkPlan) -> BTreeSet<String> {
    let stages = plan.api_stages().iter();
    stages
        .map(|of| joined(of.api_id().unwrap_or_default(), of.stage().unwrap_or_default()))
        .collect()
}

fn differences(wanted: &UsagePlan, actual: &SdkPlan) -> Vec<Difference> {
    let throttle = actual.throttle();
    // Neither is ever fractional or negative here; what somebody made so differs in any case.
    let rate = throttle.map_or(0.0, ThrottleSettings::rate_limit);
    let burst = throttle.map_or(0, ThrottleSettings::burst_limit);
    let stages: Vec<String> = stages(actual).into_iter().collect();
    [
        Difference::between(STAGE, &wanted.stage.text(), &stages.join(" ").as_str()),
        (rate != f64::from(wanted.rate_per_second)).then(|| Difference::new(RATE, &wanted.rate_per_second, &rate)),
        Difference::between(BURST, &i64::from(wanted.burst), &i64::from(burst)),
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
