//! `AWS::ApiGateway::Stage`.

use std::collections::BTreeMap;

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::operation::get_stage::GetStageOutput;
use outrigger_aws::{TAGS, TAGS_GONE, missing_tags, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Region;
use outrigger_model::properties::ApiStage;
use outrigger_model::resource::is_ours;

use crate::call::{POLL_SECONDS, changed, deleted, found, joined, not_created, parted};
use crate::{patch, tags};

const DEPLOYMENT: &str = "deployment";

/// The stage that is wanted; or else the recorded one, wherever that is, so that none is left behind where nobody looks.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &ApiStage,
) -> Result<Option<Observed>, CallError> {
    let wanted_id = joined(wanted.api.text(), &wanted.stage);
    let recorded = target.id.clone().filter(|id| *id != wanted_id);
    let wanted_id = Some(wanted_id).filter(|_| !wanted.api.text().is_empty());
    for id in wanted_id.into_iter().chain(recorded) {
        if target.not.contains(&id) {
            continue;
        }
        let (api, stage) = parted("apigateway:GetStage", &id)?;
        if let Some(there) = get(client, api, stage).await? {
            return Ok(Some(observed(target, wanted, &id, &there)));
        }
    }
    Ok(None)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_GetStage.html>
async fn get(client: &Client, api: &str, stage: &str) -> Result<Option<GetStageOutput>, CallError> {
    let request = client.get_stage().rest_api_id(api).stage_name(stage);
    found("apigateway:GetStage", request.send().await)
}

fn observed(target: &Target, wanted: &ApiStage, id: &str, there: &GetStageOutput) -> Observed {
    let actual_tags = tags::read(there.tags());
    let deployment = there.deployment_id().unwrap_or_default();
    let differences = [
        Difference::between(DEPLOYMENT, &wanted.deployment.text(), &deployment),
        missing_tags(&target.resource.tags, &actual_tags),
        surplus_tags(&target.tags_gone, &actual_tags),
    ];
    let url = id
        .split_once(':')
        .map(|(api, stage)| url(&target.resource.key.region, api, stage));
    Observed {
        id: id.to_owned(),
        attributes: url
            .map(|url| ("url".to_owned(), url))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: differences.into_iter().flatten().collect(),
        pending: Vec::new(),
        duplicates: Vec::new(),
    }
}

/// Where the stage answers:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html>.
fn url(region: &Region, api: &str, stage: &str) -> String {
    let suffix = match region.partition() {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    format!("https://{api}.execute-api.{region}.{suffix}/{stage}")
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &ApiStage,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let (api, stage) = parted("apigateway:UpdateStage", &observed.id)?;
    let path = format!("/restapis/{api}/stages/{stage}");
    match difference.property {
        // https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
        DEPLOYMENT => {
            let request = client.update_stage().rest_api_id(api).stage_name(stage);
            let operation = patch::replace("/deploymentId", wanted.deployment.text());
            changed(
                "apigateway:UpdateStage",
                request.patch_operations(operation).send().await,
            )
        }
        TAGS => tags::put(client, target, &path).await,
        TAGS_GONE => tags::remove(client, target, &path, difference).await,
        _ => Ok(unchangeable("a stage", difference)),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html>
async fn create(client: &Client, target: &Target, wanted: &ApiStage) -> Result<Progress, CallError> {
    let answer = client
        .create_stage()
        .rest_api_id(wanted.api.text())
        .stage_name(&wanted.stage)
        .deployment_id(wanted.deployment.text())
        .set_tags(Some(tags::at_creation(target)))
        .send()
        .await;
    match answer {
        Ok(_) => Ok(Progress::created(
            joined(wanted.api.text(), &wanted.stage),
            POLL_SECONDS,
        )),
        Err(error) => Err(not_created("apigateway:CreateStage", &error)),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteStage.html>
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "apigateway:DeleteStage";
    let (api, stage) = parted(CALL, id)?;
    let request = client.delete_stage().rest_api_id(api).stage_name(stage);
    deleted(CALL, request.send().await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_answers_in_its_partition() {
        let of = |region: &str| url(&Region::new(region), "abc", "prod");
        assert_eq!(
            of("ca-central-1"),
            "https://abc.execute-api.ca-central-1.amazonaws.com/prod"
        );
        assert_eq!(
            of("cn-north-1"),
            "https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod"
        );
    }
}
