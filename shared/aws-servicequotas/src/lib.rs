//! Service Quotas: how much of a thing an account may have.

use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::ServiceQuota;
use outrigger_aws::{Aws, call_error, is_code};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

const GET: &str = "servicequotas:GetServiceQuota";
const GET_DEFAULT: &str = "servicequotas:GetAWSDefaultServiceQuota";

/// The value of a quota in a region, such as of `vpc` and `L-F678F1CE` (VPCs per Region), as [GetServiceQuota] tells it;
/// where that knows no value of the account's own, AWS's default, of [GetAWSDefaultServiceQuota].
///
/// [GetServiceQuota]: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
/// [GetAWSDefaultServiceQuota]:
///     https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetAWSDefaultServiceQuota.html
///
/// # Errors
/// When a call fails, a quota that Service Quotas does not know among them.
pub async fn quota(aws: &Aws, region: &Region, service_code: &str, quota_code: &str) -> Result<u64, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let own = client
        .get_service_quota()
        .service_code(service_code)
        .quota_code(quota_code)
        .send()
        .await;
    match own {
        Ok(output) => value(GET, output.quota(), service_code, quota_code),
        Err(error) if is_code(&error, &["NoSuchResourceException"]) => {
            let output = client
                .get_aws_default_service_quota()
                .service_code(service_code)
                .quota_code(quota_code)
                .send()
                .await
                .map_err(|error| named(call_error(GET_DEFAULT, &[], &error), service_code, quota_code))?;
            value(GET_DEFAULT, output.quota(), service_code, quota_code)
        }
        Err(error) => Err(named(call_error(GET, &[], &error), service_code, quota_code)),
    }
}

/// An error that says of which quota.
fn named(error: CallError, service_code: &str, quota_code: &str) -> CallError {
    CallError {
        message: format!("quota {quota_code} of {service_code}: {}", error.message),
        ..error
    }
}

/// Quotas are whole numbers, in a number that need not be.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive whole number below 2^53"
)]
fn value(call: &str, quota: Option<&ServiceQuota>, service_code: &str, quota_code: &str) -> Result<u64, CallError> {
    quota
        .and_then(ServiceQuota::value)
        .filter(|value| (0.0..9e15).contains(value))
        .map(|value| value.floor() as u64)
        .ok_or_else(|| {
            named(
                CallError::invalid(call, "the answer holds no value"),
                service_code,
                quota_code,
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_whole_numbers() {
        let of = |number: Option<f64>| {
            let quota = ServiceQuota::builder().set_value(number).build();
            value(GET, Some(&quota), "vpc", "L-1").map_err(|error| error.message)
        };
        let none = Err("quota L-1 of vpc: the answer holds no value".to_owned());
        assert_eq!(of(Some(5.0)), Ok(5));
        assert_eq!(of(Some(0.0)), Ok(0));
        assert_eq!(of(Some(-1.0)), none);
        assert_eq!(of(Some(f64::NAN)), none);
        assert_eq!(of(None), none);
        assert!(value(GET, None, "vpc", "L-1").is_err());
    }
}
