//! What is known of an execution.

use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::ExecutionStatus as SdkStatus;
use outrigger_model::UnixMs;
use serde_json::Value;

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// It has not ended.
    Running,
    /// It ended in a `Succeed` state.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// It took longer than its `TimeoutSeconds`.
    TimedOut,
    /// It was stopped.
    Aborted,
}

/// An execution as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// When it started, in milliseconds since the Unix epoch.
    pub started_at_ms: UnixMs,
    /// When it ended.
    pub stopped_at_ms: Option<UnixMs>,
    /// Its input.
    pub input: Option<Value>,
    /// Its output, once it has succeeded.
    pub output: Option<Value>,
    /// The name of the error it failed with.
    pub error: Option<String>,
    /// What it failed of, in the words of whoever failed; see [`Execution::cause_message`].
    pub cause: Option<String>,
}

impl Execution {
    /// The cause for people: of a Lambda function's error, whose cause is a JSON object, the message alone.
    pub fn cause_message(&self) -> Option<String> {
        let cause = self.cause.as_deref()?;
        let message = serde_json::from_str::<Value>(cause)
            .ok()
            .and_then(|cause| cause.get("errorMessage")?.as_str().map(str::to_owned));
        Some(message.unwrap_or_else(|| cause.to_owned()))
    }
}

impl From<DescribeExecutionOutput> for Execution {
    fn from(answer: DescribeExecutionOutput) -> Self {
        Self {
            arn: answer.execution_arn,
            status: match answer.status {
                SdkStatus::Succeeded => ExecutionStatus::Succeeded,
                SdkStatus::Failed => ExecutionStatus::Failed,
                SdkStatus::TimedOut => ExecutionStatus::TimedOut,
                SdkStatus::Aborted => ExecutionStatus::Aborted,
                // PENDING_REDRIVE, and whatever will be added: it may go on.
                _ => ExecutionStatus::Running,
            },
            started_at_ms: answer
                .start_date
                .to_millis()
                .ok()
                .and_then(|ms| ms.try_into().ok())
                .unwrap_or(0),
            stopped_at_ms: answer
                .stop_date
                .and_then(|date| date.to_millis().ok())
                .and_then(|ms| ms.try_into().ok()),
            input: answer.input.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            output: answer
                .output
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok()),
            error: answer.error,
            cause: answer.cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_shown_as_people_wrote_them() {
        let table = [
            (
                r#"{"errorType":"LeaseHeld","errorMessage":"operation a holds it"}"#,
                "operation a holds it",
            ),
            ("failed: us-east-1/vpc/vpc", "failed: us-east-1/vpc/vpc"),
            ("{}", "{}"),
        ];
        for (cause, message) in table {
            let execution = Execution {
                arn: String::new(),
                status: ExecutionStatus::Failed,
                started_at_ms: 0,
                stopped_at_ms: None,
                input: None,
                output: None,
                error: None,
                cause: Some(cause.to_owned()),
            };
            assert_eq!(execution.cause_message().unwrap(), message);
        }
    }
}
