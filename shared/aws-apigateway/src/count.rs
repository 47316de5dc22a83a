//! How much of an account's quotas is used.

use aws_sdk_apigateway::Client;
use outrigger_aws::{Aws, pages};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::{Kind, Region};

use crate::SERVICE;
use crate::call::{CODES, PAGE};

/// How many objects of a kind a region has: regional APIs ([GetRestApis]), API keys ([GetApiKeys], without their values) or
/// domain names ([GetDomainNames]).
///
/// [GetRestApis]: https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApis.html
/// [GetApiKeys]: https://docs.aws.amazon.com/apigateway/latest/api/API_GetApiKeys.html
/// [GetDomainNames]: https://docs.aws.amazon.com/apigateway/latest/api/API_GetDomainNames.html
///
/// # Errors
/// When a call fails, or of another kind.
pub async fn count(aws: &Aws, region: &Region, kind: Kind) -> Result<u64, CallError> {
    use aws_sdk_apigateway::types::{EndpointConfiguration, EndpointType};

    let client = Client::new(&aws.config(Some(region)).await);
    let is_regional = |of: Option<&EndpointConfiguration>| {
        of.is_none_or(|of| of.types().is_empty() || of.types().contains(&EndpointType::Regional))
    };
    let count = match kind {
        Kind::RestApi => {
            let request = client.get_rest_apis().limit(PAGE).into_paginator().send();
            let listed = pages("apigateway:GetRestApis", CODES, request, |page| page.items).await?;
            let regional = listed.iter().filter(|api| is_regional(api.endpoint_configuration()));
            regional.count()
        }
        Kind::ApiKey => {
            let request = client.get_api_keys().include_values(false).limit(PAGE);
            let request = request.into_paginator().send();
            pages("apigateway:GetApiKeys", CODES, request, |page| page.items)
                .await?
                .len()
        }
        Kind::ApiDomain => {
            let request = client.get_domain_names().limit(PAGE).into_paginator().send();
            pages("apigateway:GetDomainNames", CODES, request, |page| page.items)
                .await?
                .len()
        }
        other => {
            return Err(CallError::invalid(
                SERVICE,
                format!("asked to count objects of kind {other}"),
            ));
        }
    };
    Ok(count as u64)
}
