//! What Elastic Load Balancing's error codes mean, and what a call came to.

use aws_sdk_elasticloadbalancingv2::error::SdkError;
use outrigger_aws::{Failure, call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Progress};

/// How long to leave an object alone after a call: all but load balancers are done when the call is answered.
pub(crate) const POLL_SECONDS: u32 = 1;

const NOT_FOUND: &[&str] = &[
    "ListenerNotFound",
    "LoadBalancerNotFound",
    "RuleNotFound",
    "TargetGroupNotFound",
];

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html>, and the errors of each call.
const CODES: &[(&str, CallErrorKind)] = &[
    ("DuplicateListener", CallErrorKind::Exists),
    ("DuplicateLoadBalancerName", CallErrorKind::Exists),
    ("DuplicateTargetGroupName", CallErrorKind::Exists),
    ("PriorityInUse", CallErrorKind::Exists),
    // What it names is not shown everywhere yet, or not there any more.
    ("InvalidSecurityGroup", CallErrorKind::NotYet),
    ("InvalidSubnet", CallErrorKind::NotYet),
    // Of an application load balancer: whose listener is not known yet.
    ("InvalidTarget", CallErrorKind::NotYet),
    ("ListenerNotFound", CallErrorKind::NotYet),
    ("LoadBalancerNotFound", CallErrorKind::NotYet),
    ("RuleNotFound", CallErrorKind::NotYet),
    ("SubnetNotFound", CallErrorKind::NotYet),
    ("TargetGroupNotFound", CallErrorKind::NotYet),
    // Something still forwards to it, or reaches its target by it.
    ("ResourceInUse", CallErrorKind::NotYet),
    // Its former load balancer is still there.
    ("TargetGroupAssociationLimit", CallErrorKind::NotYet),
];

/// The error of a call that was made to read or change something.
pub(crate) fn refused<E: Failure>(call: &str, error: &SdkError<E>) -> CallError {
    awaiting_permission(call_error(call, CODES, error))
}

/// A function's permission for Elastic Load Balancing is not known everywhere at once; that its own role may not do this is
/// told with the same code.
fn awaiting_permission(error: CallError) -> CallError {
    match error.kind == CallErrorKind::Denied && error.message.contains("permission to invoke") {
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

/// The progress after a create that answered with an ARN.
pub(crate) fn created(call: &str, arn: Option<&str>, poll_seconds: u32) -> Result<Progress, CallError> {
    match arn {
        Some(arn) => Ok(Progress::created(arn, poll_seconds)),
        // It was answered, so it was made: the next observation will find it.
        None => Err(CallError {
            kind: CallErrorKind::Unknown,
            ..CallError::invalid(call, "the answer holds no ARN")
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

/// A list that was read page by page; `None` where there is no such thing to list of.
pub(crate) fn listed<T>(result: Result<Vec<T>, CallError>) -> Result<Option<Vec<T>>, CallError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if NOT_FOUND.contains(&error.code.as_str()) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_s_permission_is_waited_for_and_one_s_own_is_not() {
        let of = |message: &str| {
            awaiting_permission(CallError {
                code: "AccessDenied".to_owned(),
                kind: CallErrorKind::Denied,
                ..CallError::invalid("elasticloadbalancing:RegisterTargets", message)
            })
            .kind
        };
        let of_function = "elasticloadbalancing principal does not have permission to invoke \
                           arn:aws:lambda:us-east-1:123456789012:function:gate from target group g";
        assert_eq!(of(of_function), CallErrorKind::NotYet);
        let own = "User: r is not authorized to perform: elasticloadbalancing:RegisterTargets";
        assert_eq!(of(own), CallErrorKind::Denied);
    }
}
