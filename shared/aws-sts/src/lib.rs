//! STS: who the caller is.

use aws_sdk_sts::Client;
use outrigger_aws::{Aws, call_error};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

/// The ARN of whoever the credentials are of, as [GetCallerIdentity] tells it; no permission is needed for that.
///
/// [GetCallerIdentity]: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
///
/// # Errors
/// When the call fails.
pub async fn caller(aws: &Aws, region: Option<&Region>) -> Result<String, CallError> {
    let call = "sts:GetCallerIdentity";
    Client::new(&aws.config(region).await)
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| call_error(call, &[], &error))?
        .arn
        .ok_or_else(|| CallError::invalid(call, "the answer holds no ARN"))
}
