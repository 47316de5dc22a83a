//! `AWS::ApiGateway::BasePathMapping`: where below a domain name a stage answers. It has no tags: it belongs to its domain name.

use aws_sdk_apigateway::Client;
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::ApiMapping;

use crate::call::{POLL_SECONDS, changed, deleted, found, joined, not_created, parted};
use crate::patch;

/// The base path of what answers at the root.
const ROOT: &str = "(none)";

fn base_path(wanted: &ApiMapping) -> &str {
    wanted.base_path.as_deref().unwrap_or(ROOT)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_GetBasePathMapping.html>
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &ApiMapping,
) -> Result<Option<Observed>, CallError> {
    let (domain, path) = (wanted.domain.text(), base_path(wanted));
    let id = joined(domain, path);
    if domain.is_empty() || target.not.contains(&id) {
        return Ok(None);
    }
    let request = client.get_base_path_mapping().domain_name(domain).base_path(path);
    let Some(there) = found("apigateway:GetBasePathMapping", request.send().await)? else {
        return Ok(None);
    };
    let differences = [
        Difference::between("api", &wanted.api.text(), &there.rest_api_id().unwrap_or_default()),
        Difference::between("stage", &wanted.stage.as_str(), &there.stage().unwrap_or_default()),
    ];
    Ok(Some(Observed {
        id,
        attributes: [("url".to_owned(), url(domain, wanted.base_path.as_deref()))].into(),
        condition: Condition::Ready,
        ours: true,
        differences: differences.into_iter().flatten().collect(),
        ..Observed::default()
    }))
}

/// Where the API's routes begin.
fn url(domain: &str, base_path: Option<&str>) -> String {
    match base_path {
        Some(path) => format!("https://{domain}/{path}"),
        None => format!("https://{domain}"),
    }
}

pub(crate) async fn ensure(
    client: &Client,
    wanted: &ApiMapping,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let (domain, path) = (wanted.domain.text(), base_path(wanted));
    let Some(observed) = observed else {
        // https://docs.aws.amazon.com/apigateway/latest/api/API_CreateBasePathMapping.html
        let request = client.create_base_path_mapping().domain_name(domain).base_path(path);
        let answer = request.rest_api_id(wanted.api.text()).stage(&wanted.stage).send().await;
        return match answer {
            Ok(_) => Ok(Progress::created(joined(domain, path), POLL_SECONDS)),
            Err(error) => Err(not_created("apigateway:CreateBasePathMapping", &error)),
        };
    };
    if observed.differences.is_empty() {
        return Ok(Progress::Done);
    }
    // Both at once: the stage is one of that API.
    // https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateBasePathMapping.html
    let request = client.update_base_path_mapping().domain_name(domain).base_path(path);
    let answer = request
        .patch_operations(patch::replace("/restapiId", wanted.api.text()))
        .patch_operations(patch::replace("/stage", &wanted.stage))
        .send()
        .await;
    changed("apigateway:UpdateBasePathMapping", answer)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteBasePathMapping.html>
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "apigateway:DeleteBasePathMapping";
    let (domain, path) = parted(CALL, id)?;
    let request = client.delete_base_path_mapping().domain_name(domain).base_path(path);
    deleted(CALL, request.send().await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_begin_below_the_base_path() {
        assert_eq!(url("api.example.com", None), "https://api.example.com");
        assert_eq!(url("api.example.com", Some("v1")), "https://api.example.com/v1");
    }
}
