//! What EventBridge's error codes mean, and what a call came to.

use aws_sdk_eventbridge::error::SdkError;
use outrigger_aws::{Failure, call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Progress};

/// How long to leave an object alone after a call: it is done when it is answered.
pub(crate) const POLL_SECONDS: u32 = 1;

pub(crate) const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html>, and the errors of each call.
pub(crate) const CODES: &[(&str, CallErrorKind)] = &[
    ("ResourceAlreadyExistsException", CallErrorKind::Exists),
    // Somebody else changes it at this moment.
    ("ConcurrentModificationException", CallErrorKind::NotYet),
    ("IllegalStatusException", CallErrorKind::NotYet),
    // What it names is not there any more, or not shown everywhere yet.
    ("ResourceNotFoundException", CallErrorKind::NotYet),
];

/// What stands between the names of a bus, its rule and the rule's target, as in ARNs; none of ours holds it.
const SEPARATOR: char = '/';

/// The id of something on a bus: what leads to it, from the bus's name on.
pub(crate) fn joined(names: &[&str]) -> String {
    names.join(&SEPARATOR.to_string())
}

/// The names of [`joined`].
pub(crate) fn parted<'a, const N: usize>(call: &str, id: &'a str) -> Result<[&'a str; N], CallError> {
    let parts: Vec<&str> = id.split(SEPARATOR).collect();
    parts
        .try_into()
        .map_err(|_| CallError::invalid(call, format!("`{id}` is not an id of {N} names")))
}

/// The progress after a call that changed something.
pub(crate) fn changed<T, E: Failure>(call: &str, result: Result<T, SdkError<E>>) -> Result<Progress, CallError> {
    match result {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) => Err(call_error(call, CODES, &error)),
    }
}

/// The progress after a call that deleted something: what is not there is done. What still has parts waits for them.
pub(crate) fn deleted<T, E: Failure>(call: &str, result: Result<T, SdkError<E>>) -> Result<Progress, CallError> {
    match result {
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        // "Rule can't be deleted since it has targets."
        Err(error) if is_code(&error, &["ValidationException"]) => Err(CallError {
            kind: CallErrorKind::NotYet,
            ..call_error(call, CODES, &error)
        }),
        other => changed(call, other),
    }
}

/// What is there; `None` where there is no such thing.
pub(crate) fn found<T, E: Failure>(call: &str, result: Result<T, SdkError<E>>) -> Result<Option<T>, CallError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error(call, CODES, &error)),
    }
}

/// PutTargets and RemoveTargets answer with success also when they did nothing: what became of the entry is in the answer.
pub(crate) fn failed_entry(call: &str, code: Option<&str>, message: Option<&str>) -> CallError {
    let code = code.unwrap_or_default();
    let known = CODES.iter().find(|(known, _)| *known == code);
    CallError {
        kind: known.map_or(CallErrorKind::Invalid, |(_, kind)| *kind),
        code: code.to_owned(),
        ..CallError::invalid(call, message.unwrap_or("no message"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        let id = joined(&["bus", "rule", "target"]);
        assert_eq!(id, "bus/rule/target");
        assert_eq!(parted::<3>("call", &id).unwrap(), ["bus", "rule", "target"]);
        assert!(parted::<2>("call", &id).is_err());
    }

    #[test]
    fn an_entry_that_failed_is_an_error_though_the_call_succeeded() {
        let of = |code: Option<&str>| failed_entry("events:PutTargets", code, Some("why")).kind;
        assert_eq!(of(Some("ConcurrentModificationException")), CallErrorKind::NotYet);
        assert_eq!(of(Some("LimitExceededException")), CallErrorKind::Invalid);
        assert_eq!(of(None), CallErrorKind::Invalid);
    }
}
