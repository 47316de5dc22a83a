//! STS: who the caller is, and what time AWS has.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sts::Client;
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_sdk_sts::primitives::{DateTime, DateTimeFormat};
use outrigger_aws::{Aws, call_error};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::{Region, UnixMs};

/// The ARN of whoever the credentials are of, as [GetCallerIdentity] tells it; no permission is needed for that.
///
/// [GetCallerIdentity]: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
///
/// # Errors
/// When the call fails.
pub async fn caller(aws: &Aws, region: Option<&Region>) -> Result<String, CallError> {
    caller_and_time(aws, region).await.0
}

/// The [`caller`], and what time it was in AWS when it answered, to the second: it does so even when it refuses.
pub async fn caller_and_time(aws: &Aws, region: Option<&Region>) -> (Result<String, CallError>, Option<UnixMs>) {
    let call = "sts:GetCallerIdentity";
    let clock = AwsClock::default();
    let answer = Client::new(&aws.config(region).await)
        .get_caller_identity()
        .customize()
        .interceptor(clock.clone())
        .send()
        .await;
    let caller = answer
        .map_err(|error| call_error(call, &[], &error))
        .and_then(|answer| {
            answer
                .arn
                .ok_or_else(|| CallError::invalid(call, "the answer holds no ARN"))
        });
    (caller, clock.read())
}

/// Notes the date that an answer carries.
#[derive(Clone, Debug, Default)]
struct AwsClock(Arc<Mutex<Option<UnixMs>>>);

impl AwsClock {
    fn read(&self) -> Option<UnixMs> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for AwsClock {
    fn name(&self) -> &'static str {
        "AwsClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(moment);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

/// An HTTP date, such as `Fri, 20 Nov 2026 16:55:08 GMT`.
fn moment(date: &str) -> Option<UnixMs> {
    let moment = DateTime::from_str(date, DateTimeFormat::HttpDate).ok()?;
    UnixMs::try_from(moment.to_millis().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        assert_eq!(moment("Thu, 20 Nov 2025 10:36:58 GMT"), Some(1_763_635_018_000));
        assert_eq!(moment("yesterday"), None);
    }
}
