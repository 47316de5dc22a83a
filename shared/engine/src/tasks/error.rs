//! What a task can fail with.

use outrigger_model::Problem;

use crate::ports::database::DatabaseError;
use crate::ports::provider::{CallError, CallErrorKind};
use crate::state::StateError;

/// Why a task failed. [`TaskError::error_type`] is what a state machine's `Retry` and `Catch` name.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The execution's input is not what the workflow takes.
    #[error("the execution's input is wrong: {0}")]
    InvalidInput(String),
    /// The document has problems.
    #[error("the document has {}:\n{}", count(.0), list(.0))]
    InvalidDocument(Vec<Problem>),
    /// AWS, the account's quotas or what is there stand in the way of the document.
    #[error("the stack cannot be brought to this document; {}:\n{}", count(.0), list(.0))]
    PlanRefused(Vec<Problem>),
    /// The state has moved on since the plan was made that the operation was to carry out.
    #[error("the plan no longer fits, nothing was changed; plan again; {}:\n{}", count(.0), list(.0))]
    PlanOutdated(Vec<Problem>),
    /// What is to be deleted is protected.
    #[error("the stack is protected; {}:\n{}", count(.0), list(.0))]
    Protected(Vec<Problem>),
    /// There is no such stack.
    #[error("there is no stack {0}; `outrigger status` lists those there are")]
    UnknownStack(String),
    /// The operation was aborted before this call.
    #[error("the operation {operation} was aborted ({}); start another", .failures.join("; "))]
    Aborted {
        /// Which.
        operation: String,
        /// Why.
        failures: Vec<String>,
    },
    /// The state could not be read or changed.
    #[error(transparent)]
    State(#[from] StateError),
    /// AWS did not answer what the task had to know.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A database did not do what it was asked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// What is stored does not fit together.
    #[error("{0}")]
    Internal(String),
}

/// Every name that [`TaskError::error_type`] can answer.
pub fn error_types() -> &'static [&'static str] {
    &[
        "InvalidInput",
        "InvalidDocument",
        "PlanRefused",
        "PlanOutdated",
        "Protected",
        "UnknownStack",
        "LeaseHeld",
        "LeaseLost",
        "Busy",
        "TooLarge",
        "Unavailable",
        "AccessDenied",
        "DatabaseUnreachable",
        "DatabaseUntrusted",
        "DatabaseLoginRefused",
        "DatabaseReadOnly",
        "DatabaseStatementTimeout",
        "DatabaseNotPrepared",
        "DatabaseHeartbeatOutdated",
        "DatabaseRefused",
        "Internal",
    ]
}

impl TaskError {
    /// The name that `Retry` and `Catch` of a state machine know it by.
    pub fn error_type(&self) -> &'static str {
        match self {
            TaskError::InvalidInput(_) => "InvalidInput",
            TaskError::InvalidDocument(_) => "InvalidDocument",
            TaskError::PlanRefused(_) => "PlanRefused",
            TaskError::PlanOutdated(_) => "PlanOutdated",
            TaskError::Protected(_) => "Protected",
            TaskError::UnknownStack(_) => "UnknownStack",
            // Whoever aborted it took the lease from it.
            TaskError::Aborted { .. } => "LeaseLost",
            TaskError::State(error) => error.error_type(),
            TaskError::Call(error) => match error.kind {
                CallErrorKind::Throttled | CallErrorKind::NotYet | CallErrorKind::Unknown | CallErrorKind::Exists => {
                    "Unavailable"
                }
                CallErrorKind::Invalid => "InvalidInput",
                CallErrorKind::Denied => "AccessDenied",
            },
            TaskError::Database(error) => error.error_type(),
            TaskError::Internal(_) => "Internal",
        }
    }

    /// Whether the same invocation may succeed later, by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            TaskError::State(error) => error.is_retryable(),
            TaskError::Call(error) => error.is_retryable(),
            TaskError::Database(error) => error.is_retryable(),
            TaskError::InvalidInput(_)
            | TaskError::InvalidDocument(_)
            | TaskError::PlanRefused(_)
            | TaskError::PlanOutdated(_)
            | TaskError::Protected(_)
            | TaskError::UnknownStack(_)
            | TaskError::Aborted { .. }
            | TaskError::Internal(_) => false,
        }
    }
}

fn count(problems: &[Problem]) -> String {
    match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    }
}

/// A line each: `- place: what is wrong; what would be right (code)`.
fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| {
            let line = problem.to_string().replace('\n', " ");
            format!("- {line} ({})", problem.code)
        })
        .collect();
    lines.join("\n")
}

/// The problems that the message of a [`TaskError`] lists, read back from it; what would be right stays part of what is
/// wrong.
pub fn problems_in(message: &str) -> Vec<Problem> {
    let lines = message.lines().filter_map(|line| line.strip_prefix("- "));
    lines
        .filter_map(|line| {
            let (text, code) = line.strip_suffix(')')?.rsplit_once(" (")?;
            let (place, text) = text.split_once(": ").unwrap_or(("", text));
            Some(Problem::at(code.parse().ok()?, place, text))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use outrigger_model::document::Code;

    use super::*;

    #[test]
    fn problems_are_read_back_from_the_message() {
        let problems = vec![
            Problem::at(Code::Version, "databases.main.version", "there is no 15.99 (of 12)").help("take 15.15"),
            Problem::at(Code::Quota, "quotas.VPCs per Region", "1 more is needed"),
            Problem::at(Code::Change, "", "make them one after the other"),
        ];
        let message = TaskError::PlanRefused(problems).to_string();
        assert_eq!(
            message,
            "the stack cannot be brought to this document; 3 problems:\n\
             - databases.main.version: there is no 15.99 (of 12); take 15.15 (plan::version)\n\
             - quotas.VPCs per Region: 1 more is needed (plan::quota)\n\
             - make them one after the other (plan::change)"
        );
        assert_eq!(
            problems_in(&message),
            [
                Problem::at(
                    Code::Version,
                    "databases.main.version",
                    "there is no 15.99 (of 12); take 15.15"
                ),
                Problem::at(Code::Quota, "quotas.VPCs per Region", "1 more is needed"),
                Problem::at(Code::Change, "", "make them one after the other"),
            ]
        );
        assert_eq!(problems_in("its execution timed out\n- nothing of ours"), []);
    }
}
