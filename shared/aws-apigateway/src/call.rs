//! What API Gateway's error codes mean, and what a call came to.

use aws_sdk_apigateway::config::retry::RetryConfig;
use aws_sdk_apigateway::error::SdkError;
use outrigger_aws::{Failure, call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Progress};

/// How long to leave an object alone after a call: it is done when it is answered.
pub(crate) const POLL_SECONDS: u32 = 1;

/// How many objects a page of a list has at most.
pub(crate) const PAGE: i32 = 500;

pub(crate) const NOT_FOUND: &[&str] = &["NotFoundException"];

/// <https://docs.aws.amazon.com/apigateway/latest/api/CommonErrors.html>, and the errors of each call.
pub(crate) const CODES: &[(&str, CallErrorKind)] = &[
    // Somebody else changes it at this moment.
    ("ConflictException", CallErrorKind::NotYet),
    // What it names is not there any more, or not shown everywhere yet.
    ("NotFoundException", CallErrorKind::NotYet),
];

/// What stands between the id of what something is a part of and its own.
const SEPARATOR: char = ':';

/// An id of something that is a part of something else, and has no id without it.
pub(crate) fn joined(whole: &str, part: &str) -> String {
    format!("{whole}{SEPARATOR}{part}")
}

/// The two ids of [`joined`].
pub(crate) fn parted<'a>(call: &str, id: &'a str) -> Result<(&'a str, &'a str), CallError> {
    id.split_once(SEPARATOR)
        .ok_or_else(|| CallError::invalid(call, format!("`{id}` is not the id of a part of something")))
}

/// The error of a call that was made to read or change something.
pub(crate) fn refused<E: Failure>(call: &str, error: &SdkError<E>) -> CallError {
    quota_or_rate(call_error(call, CODES, error))
}

/// The error of a create whose name may be taken.
pub(crate) fn not_created<E: Failure>(call: &str, error: &SdkError<E>) -> CallError {
    let mut refused = refused(call, error);
    if refused.code == "ConflictException" && !refused.message.to_lowercase().contains("concurrent") {
        refused.kind = CallErrorKind::Exists;
    }
    refused
}

/// LimitExceededException is both: too many calls at a time, which time heals, and a quota, which it does not.
fn quota_or_rate(error: CallError) -> CallError {
    let is_quota = error.message.to_lowercase().contains("maximum number");
    match error.code == "LimitExceededException" && is_quota {
        true => CallError {
            kind: CallErrorKind::Invalid,
            ..error
        },
        false => error,
    }
}

/// The progress after a call that changed something.
pub(crate) fn changed<T, E: Failure>(call: &str, result: Result<T, SdkError<E>>) -> Result<Progress, CallError> {
    match result {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) => Err(refused(call, &error)),
    }
}

/// The progress after a call that deleted something: what is not there is done.
pub(crate) fn deleted<T, E: Failure>(call: &str, result: Result<T, SdkError<E>>) -> Result<Progress, CallError> {
    match result {
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        other => changed(call, other),
    }
}

/// The progress after a create that answered with an id.
pub(crate) fn created(call: &str, id: Option<&str>) -> Result<Progress, CallError> {
    match id {
        Some(id) => Ok(Progress::created(id, POLL_SECONDS)),
        // It was answered, so it was made: the next observation will find it.
        None => Err(CallError {
            kind: CallErrorKind::Unknown,
            ..CallError::invalid(call, "the answer holds no id")
        }),
    }
}

/// What is there; `None` where there is no such thing.
pub(crate) fn found<T, E: Failure>(call: &str, result: Result<T, SdkError<E>>) -> Result<Option<T>, CallError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(refused(call, &error)),
    }
}

/// For creates that nothing but a tag identifies: a repeat would make a second object, so the SDK must not repeat them.
pub(crate) fn sent_once() -> aws_sdk_apigateway::config::Builder {
    aws_sdk_apigateway::Config::builder().retry_config(RetryConfig::disabled())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_rate_unless_it_is_a_quota() {
        let of = |message: &str| {
            quota_or_rate(CallError {
                code: "LimitExceededException".to_owned(),
                kind: CallErrorKind::Throttled,
                ..CallError::invalid("apigateway:CreateRestApi", message)
            })
            .kind
        };
        assert_eq!(of("Too many requests"), CallErrorKind::Throttled);
        let quota = "Maximum number of Regional APIs for this account has been reached.";
        assert_eq!(of(quota), CallErrorKind::Invalid);
    }

    #[test]
    fn ids_of_parts_read_back() {
        assert_eq!(parted("call", &joined("abc", "prod")).unwrap(), ("abc", "prod"));
        assert!(parted("call", "abc").is_err());
    }
}
