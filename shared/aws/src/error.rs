//! From the SDK's errors to ours.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use outrigger_engine::ports::provider::{CallError, CallErrorKind};

/// Names the bounds that an operation's error must meet to become a [`CallError`]: every SDK's do.
pub trait Failure: ProvideErrorMetadata + RequestId + std::error::Error + 'static {}

impl<E> Failure for E where E: ProvideErrorMetadata + RequestId + std::error::Error + 'static {}

/// Maps an SDK error to a [`CallError`].
///
/// `call` is such as `ec2:CreateVpc`. `codes` are the service's own error codes that mean something to the executor;
/// what every service shares (throttling, denial, 5xx) is known here. An answer with any other 4xx code is `Invalid`.
pub fn call_error<E: Failure>(
    call: &str,
    codes: &[(&str, CallErrorKind)],
    error: &SdkError<E, HttpResponse>,
) -> CallError {
    let (kind, code, message, request_id) = match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            let status = service.raw().status().as_u16();
            (
                kind_of(code, status, codes),
                code.to_owned(),
                service.err().message().unwrap_or("no message").to_owned(),
                service.err().request_id().map(str::to_owned),
            )
        }
        // The request never left: nothing can have happened.
        SdkError::ConstructionFailure(_) => (CallErrorKind::Invalid, String::new(), chain(error), None),
        // No answer, or none that can be read.
        _ => (CallErrorKind::Unknown, String::new(), chain(error), None),
    };
    CallError {
        call: call.to_owned(),
        kind,
        code,
        message,
        request_id,
    }
}

/// An error and its causes, each in its own words. Never their `Debug` form: that of an answer that cannot be read quotes
/// the answer, which may hold a secret.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Whether the service answered with one of these error codes.
pub fn is_code<E>(error: &SdkError<E, HttpResponse>, codes: &[&str]) -> bool
where
    E: ProvideErrorMetadata,
{
    matches!(error, SdkError::ServiceError(service) if service.err().code().is_some_and(|code| codes.contains(&code)))
}

fn kind_of(code: &str, status: u16, codes: &[(&str, CallErrorKind)]) -> CallErrorKind {
    if let Some((_, kind)) = codes.iter().find(|(known, _)| *known == code) {
        return *kind;
    }
    match code {
        // https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html, "Errors that are throttling".
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "EC2ThrottledException" => CallErrorKind::Throttled,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthFailure"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "SignatureDoesNotMatch" => CallErrorKind::Denied,
        _ if status == 429 => CallErrorKind::Throttled,
        // An answer of success that cannot be read: the call has had its effect.
        _ if status < 400 => CallErrorKind::Unknown,
        _ if status >= 500 => CallErrorKind::Unknown,
        _ => CallErrorKind::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn codes_mean_what_aws_says() {
        let own = [("DependencyViolation", CallErrorKind::NotYet)];
        let table = [
            ("RequestLimitExceeded", 503, CallErrorKind::Throttled),
            ("Throttling", 400, CallErrorKind::Throttled),
            ("UnauthorizedOperation", 403, CallErrorKind::Denied),
            ("InternalError", 500, CallErrorKind::Unknown),
            ("ServiceUnavailable", 503, CallErrorKind::Unknown),
            ("", 429, CallErrorKind::Throttled),
            ("", 200, CallErrorKind::Unknown),
            ("DependencyViolation", 400, CallErrorKind::NotYet),
            ("InvalidParameterValue", 400, CallErrorKind::Invalid),
        ];
        for (code, status, kind) in table {
            assert_eq!(kind_of(code, status, &own), kind, "{code} {status}");
        }
    }

    /// Of an answer whose body holds a secret, and whose `Debug` form quotes it.
    #[derive(Debug)]
    struct Unreadable(#[expect(dead_code, reason = "shows in the `Debug` form")] &'static str);

    impl std::fmt::Display for Unreadable {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("it ends too early")
        }
    }

    impl std::error::Error for Unreadable {}

    #[test]
    fn an_answer_that_cannot_be_read_is_unknown_and_never_quoted() {
        let answer = || HttpResponse::new(200.try_into().unwrap(), r#"{"SecretString": "hunter2"#.into());
        let unreadable: SdkError<ErrorMetadata, _> = SdkError::response_error(Unreadable("hunter2"), answer());
        assert!(format!("{unreadable:?}").contains("hunter2"));
        let unhandled = SdkError::service_error(ErrorMetadata::builder().build(), answer());
        for (error, message) in [(unreadable, "it ends too early"), (unhandled, "no message")] {
            let error = call_error("secretsmanager:GetSecretValue", &[], &error);
            assert_eq!(error.kind, CallErrorKind::Unknown);
            assert!(error.message.contains(message), "{error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
