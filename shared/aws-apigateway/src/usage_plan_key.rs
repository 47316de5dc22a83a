//! `AWS::ApiGateway::UsagePlanKey`: that a key is one of a plan's. It has no tags: it belongs to what has.

use aws_sdk_apigateway::Client;
use outrigger_aws::unchangeable;
use outrigger_engine::ports::provider::{CallError, Condition, Observed, Progress, Target};
use outrigger_model::properties::UsagePlanKey;

use crate::call::{POLL_SECONDS, deleted, found, joined, not_created, parted};

/// What a key is to a plan; there is nothing else.
const KEY_TYPE: &str = "API_KEY";

/// The pair that is wanted; or else the recorded one, so that none is left behind where nobody looks.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &UsagePlanKey,
) -> Result<Option<Observed>, CallError> {
    const CALL: &str = "apigateway:GetUsagePlanKey";
    let (plan, key) = (wanted.plan.text(), wanted.key.text());
    let wanted_id = (!plan.is_empty() && !key.is_empty()).then(|| joined(plan, key));
    let recorded = target.id.clone().filter(|id| wanted_id.as_ref() != Some(id));
    for id in wanted_id.into_iter().chain(recorded) {
        if target.not.contains(&id) {
            continue;
        }
        let (plan, key) = parted(CALL, &id)?;
        // https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsagePlanKey.html
        let answer = client.get_usage_plan_key().usage_plan_id(plan).key_id(key).send().await;
        if found(CALL, answer)?.is_some() {
            return Ok(Some(Observed {
                id,
                condition: Condition::Ready,
                ours: true,
                ..Observed::default()
            }));
        }
    }
    Ok(None)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateUsagePlanKey.html>
pub(crate) async fn ensure(
    client: &Client,
    wanted: &UsagePlanKey,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    if let Some(observed) = observed {
        let first = observed.differences.first();
        return Ok(first.map_or(Progress::Done, |difference| {
            unchangeable("a usage plan's key", difference)
        }));
    }
    let (plan, key) = (wanted.plan.text(), wanted.key.text());
    let request = client.create_usage_plan_key().usage_plan_id(plan).key_id(key);
    match request.key_type(KEY_TYPE).send().await {
        Ok(_) => Ok(Progress::created(joined(plan, key), POLL_SECONDS)),
        Err(error) => Err(not_created("apigateway:CreateUsagePlanKey", &error)),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteUsagePlanKey.html>
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "apigateway:DeleteUsagePlanKey";
    let (plan, key) = parted(CALL, id)?;
    let request = client.delete_usage_plan_key().usage_plan_id(plan).key_id(key);
    deleted(CALL, request.send().await)
}
