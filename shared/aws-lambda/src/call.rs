//! What Lambda's error codes mean.

use aws_sdk_lambda::error::SdkError;
use outrigger_aws::{Failure, call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Progress};

/// How long to leave an object alone after a call.
pub(crate) const POLL_SECONDS: u32 = 2;

pub(crate) const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];

/// <https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html>, and the errors of each call.
const CODES: &[(&str, CallErrorKind)] = &[
    // An earlier change is still under way, or somebody else changes it at this moment.
    ("ResourceConflictException", CallErrorKind::NotYet),
    ("PreconditionFailedException", CallErrorKind::NotYet),
    ("ResourceNotReadyException", CallErrorKind::NotYet),
    // What it names is not shown everywhere yet.
    ("ResourceNotFoundException", CallErrorKind::NotYet),
    ("CodeStorageExceededException", CallErrorKind::Invalid),
];

/// The error of a call that was made to read or change something.
pub(crate) fn refused<E: Failure>(call: &str, error: &SdkError<E>) -> CallError {
    fresh_roles_wait(call_error(call, CODES, error))
}

/// The error of a create: its name is taken.
pub(crate) fn not_created<E: Failure>(call: &str, error: &SdkError<E>) -> CallError {
    let mut refused = refused(call, error);
    if refused.code == "ResourceConflictException" {
        refused.kind = CallErrorKind::Exists;
    }
    refused
}

/// A role that is there, but that Lambda cannot take on everywhere yet, or that has its policies not everywhere yet: time heals
/// it, and the executor bounds the time. <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html>
fn fresh_roles_wait(error: CallError) -> CallError {
    const FRESH: [&str; 2] = [
        "cannot be assumed by lambda",
        "execution role does not have permissions",
    ];
    let message = error.message.to_lowercase();
    match error.kind == CallErrorKind::Invalid && FRESH.iter().any(|words| message.contains(words)) {
        true => CallError {
            kind: CallErrorKind::NotYet,
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

/// What is there; `None` where there is no such thing.
pub(crate) fn found<T, E: Failure>(call: &str, result: Result<T, SdkError<E>>) -> Result<Option<T>, CallError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(refused(call, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_role_is_waited_for() {
        let kind = |message: &str| fresh_roles_wait(CallError::invalid("lambda:CreateFunction", message)).kind;
        let fresh = "The role defined for the function cannot be assumed by Lambda.";
        assert_eq!(kind(fresh), CallErrorKind::NotYet);
        let without = "The provided execution role does not have permissions to call CreateNetworkInterface on EC2";
        assert_eq!(kind(without), CallErrorKind::NotYet);
        assert_eq!(kind("The runtime parameter is not supported."), CallErrorKind::Invalid);
    }
}
