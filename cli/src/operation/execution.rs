//! An execution: looking at it, through hand-overs, until it has ended.

use std::time::{Duration, Instant};

use anyhow::Result;
use outrigger_aws_sfn::{Execution, ExecutionStatus};
use outrigger_engine::ports::provider::{CallError, CallErrorKind};
use outrigger_engine::state::StateError;

use crate::control_plane::ControlPlane;

const POLL_LOCAL: Duration = Duration::from_millis(300);
const POLL_AWS: Duration = Duration::from_secs(2);
/// For how long nothing may be learnt before following is given up; the operation itself goes on.
const BLIND_MAX: Duration = Duration::from_secs(120);

/// Tries `look` until it answers something, with a pause in between; errors that may pass are borne for a while.
///
/// # Errors
/// What `look` fails with, if that does not pass.
pub(crate) async fn repeat<T>(
    control_plane: &ControlPlane,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let poll = if control_plane.is_local { POLL_LOCAL } else { POLL_AWS };
    let mut seen_at = Instant::now();
    loop {
        match look().await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => seen_at = Instant::now(),
            Err(error) if is_passing(&error) && seen_at.elapsed() < BLIND_MAX => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(poll).await;
    }
}

/// Whether an error may be gone with the next try.
fn is_passing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<CallError>().is_some_and(CallError::is_retryable)
        || error.downcast_ref::<StateError>().is_some_and(StateError::is_retryable)
}

/// An execution as it stands. Step Functions may show it a little after it has answered that it started it.
pub(super) async fn describe(control_plane: &ControlPlane, arn: &str) -> Result<Execution> {
    let found = control_plane.executions.describe_execution(arn).await?;
    Ok(found.ok_or_else(|| CallError {
        call: "states:DescribeExecution".to_owned(),
        kind: CallErrorKind::NotYet,
        code: "ExecutionDoesNotExist".to_owned(),
        message: format!("there is no execution {arn}"),
        request_id: None,
    })?)
}

/// The execution that goes on where this one has handed over.
pub(super) fn successor(execution: &Execution) -> Option<&str> {
    execution.output.as_ref()?.get("handed_over_to")?.as_str()
}

/// Why an execution did not succeed, in its own words.
pub(crate) fn failure(execution: &Execution) -> String {
    let how = match execution.status {
        ExecutionStatus::TimedOut => "its execution timed out",
        ExecutionStatus::Aborted => "its execution was stopped",
        ExecutionStatus::Running | ExecutionStatus::Succeeded | ExecutionStatus::Failed => "its execution failed",
    };
    let message = execution.cause_message().filter(|message| !message.is_empty());
    message
        .or_else(|| execution.error.clone())
        .unwrap_or_else(|| how.to_owned())
}
