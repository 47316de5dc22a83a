//! What EC2's error codes mean, and what a call came to.

use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::error::SdkError;
use outrigger_aws::{Failure, call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Difference, Observed, Progress};

/// How long to leave EC2 alone after a call: its network objects are there within seconds.
pub(crate) const POLL_AFTER_SECONDS: u32 = 1;

/// What EC2 says of an object that is not there, or not there yet.
pub(crate) const NOT_FOUND: &[&str] = &[
    "InvalidVpcID.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidInternetGatewayID.NotFound",
    "InvalidGatewayID.NotFound",
    "InvalidAllocationID.NotFound",
    "InvalidElasticIpID.NotFound",
    "NatGatewayNotFound",
    "InvalidNatGatewayID.NotFound",
    // What the calls about endpoints say of everything that they name.
    "InvalidVpcEndpointId.NotFound",
    "InvalidVpcId.NotFound",
    "InvalidSubnetId.NotFound",
    "InvalidRouteTableId.NotFound",
    "InvalidRouteTableID.NotFound",
    "InvalidRoute.NotFound",
    "InvalidAssociationID.NotFound",
    "InvalidVpcPeeringConnectionID.NotFound",
    "InvalidGroup.NotFound",
    "InvalidGroupId.NotFound",
    "InvalidSecurityGroupID.NotFound",
];

/// EC2's codes, beyond [`NOT_FOUND`], that mean more than "invalid".
/// Quotas (`VpcLimitExceeded` and its like) stay invalid: waiting does not raise them.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.
pub(crate) const CODES: &[(&str, CallErrorKind)] = &[
    ("InvalidGroup.Duplicate", CallErrorKind::Exists),
    ("InvalidSubnet.Conflict", CallErrorKind::Exists),
    ("Resource.AlreadyAssociated", CallErrorKind::Exists),
    ("RouteAlreadyExists", CallErrorKind::Exists),
    ("VpcPeeringConnectionAlreadyExists", CallErrorKind::Exists),
    // Of a peering that is on its way to another state.
    ("InvalidStateTransition", CallErrorKind::NotYet),
    // Something still hangs on it.
    ("DependencyViolation", CallErrorKind::NotYet),
    ("InvalidGroup.InUse", CallErrorKind::NotYet),
    ("InvalidIPAddress.InUse", CallErrorKind::NotYet),
    // Still being made, changed or attached.
    ("IncorrectState", CallErrorKind::NotYet),
    ("Gateway.NotAttached", CallErrorKind::NotYet),
    // Somebody else tags the same object at this moment.
    ("ConcurrentTagAccess", CallErrorKind::NotYet),
    // The rules were not as they had been read: read again.
    ("InvalidPermission.Duplicate", CallErrorKind::NotYet),
    ("InvalidPermission.NotFound", CallErrorKind::NotYet),
];

/// The error of a call that was made to read, create or change.
pub(crate) fn refused<E: Failure>(call: &str, error: &SdkError<E>) -> CallError {
    let mut refused = call_error(call, CODES, error);
    if NOT_FOUND.contains(&refused.code.as_str()) {
        refused.kind = CallErrorKind::NotYet;
    }
    refused
}

/// The progress after a call that changed something.
pub(crate) fn changed<T, E: Failure>(call: &str, result: Result<T, SdkError<E>>) -> Result<Progress, CallError> {
    match result {
        Ok(_) => Ok(Progress::changed(POLL_AFTER_SECONDS)),
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
        Some(id) => Ok(Progress::created(id, POLL_AFTER_SECONDS)),
        // It was answered, so it was made: the next observation will find it.
        None => Err(CallError {
            call: call.to_owned(),
            kind: CallErrorKind::Unknown,
            code: String::new(),
            message: "the answer holds no id".to_owned(),
            request_id: None,
        }),
    }
}

/// A difference that no call closes.
pub(crate) fn blocked(observed: &Observed, difference: &Difference) -> Progress {
    Progress::Blocked {
        reason: format!(
            "the {} of {} is {}, and EC2 cannot change it to {}: put the old value back into the document, or destroy \
             the stack and provision it again",
            difference.property, observed.id, difference.actual, difference.wanted
        ),
    }
}

/// `Some` when the two texts differ.
pub(crate) fn differs(property: &'static str, wanted: &str, actual: &str) -> Option<Difference> {
    Difference::between(property, &wanted, &actual)
}

/// For creates that nothing but a tag identifies: a repeat would make a second object, so the SDK must not repeat them.
pub(crate) fn sent_once() -> aws_sdk_ec2::config::Builder {
    aws_sdk_ec2::Config::builder().retry_config(RetryConfig::disabled())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::config::http::HttpResponse;
    use aws_sdk_ec2::error::ErrorMetadata;
    use aws_sdk_ec2::operation::create_vpc::CreateVpcError;

    fn error(code: &str) -> SdkError<CreateVpcError> {
        SdkError::service_error(
            CreateVpcError::generic(ErrorMetadata::builder().code(code).message("a message").build()),
            HttpResponse::new(400.try_into().unwrap(), "".into()),
        )
    }

    #[test]
    fn codes_mean_what_ec2_says() {
        let table = [
            ("InvalidVpcID.NotFound", CallErrorKind::NotYet),
            ("InvalidGroup.NotFound", CallErrorKind::NotYet),
            ("DependencyViolation", CallErrorKind::NotYet),
            ("IncorrectState", CallErrorKind::NotYet),
            ("RouteAlreadyExists", CallErrorKind::Exists),
            ("Resource.AlreadyAssociated", CallErrorKind::Exists),
            ("InvalidSubnet.Conflict", CallErrorKind::Exists),
            ("InvalidGroup.Duplicate", CallErrorKind::Exists),
            ("VpcLimitExceeded", CallErrorKind::Invalid),
            ("InvalidVpc.Range", CallErrorKind::Invalid),
            ("RequestLimitExceeded", CallErrorKind::Throttled),
            ("UnauthorizedOperation", CallErrorKind::Denied),
        ];
        for (code, kind) in table {
            let refused = refused("ec2:CreateVpc", &error(code));
            assert_eq!((refused.kind, refused.code.as_str()), (kind, code));
            assert_eq!(refused.message, "a message");
        }
    }

    #[test]
    fn what_is_not_there_is_deleted() {
        for code in NOT_FOUND {
            assert_eq!(
                deleted::<(), _>("ec2:DeleteVpc", Err(error(code))),
                Ok(Progress::Done),
                "{code}"
            );
        }
        let in_use = deleted::<(), _>("ec2:DeleteVpc", Err(error("DependencyViolation")));
        assert_eq!(in_use.map_err(|error| error.kind), Err(CallErrorKind::NotYet));
    }
}
