//! Step Functions: starting, watching and stopping executions.

mod execution;

use std::time::Duration;

use aws_sdk_sfn::Client;
use outrigger_aws::{Aws, Clients, call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind};
use outrigger_model::Region;
use serde_json::Value;

pub use execution::{Execution, ExecutionStatus};

/// The longest input of an execution, in bytes of its JSON (Step Functions' quotas).
pub const INPUT_BYTES_MAX: usize = 256 * 1024;

/// The longest name of an execution, in characters.
pub const NAME_LENGTH_MAX: usize = 80;

const CODES: &[(&str, CallErrorKind)] = &[
    ("ExecutionLimitExceeded", CallErrorKind::Throttled),
    ("StateMachineDeleting", CallErrorKind::Invalid),
];

/// Step Functions: executions are started in one region, and looked at where they are.
#[derive(Debug)]
pub struct StepFunctions {
    clients: Clients<Client>,
    region: Region,
}

impl StepFunctions {
    /// Makes no call yet.
    pub fn new(aws: &Aws, region: &Region) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
            region: region.clone(),
        }
    }

    /// Starts the execution of a name; its ARN.
    ///
    /// # Guarantees
    /// - May be repeated with the same name and input: there is one execution, also when the first answer was lost and
    ///   it has ended meanwhile.
    ///
    /// # Errors
    /// When an execution of that name was started with another input; when the call was refused, or not answered.
    ///
    /// # Source
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html>
    pub async fn start_execution(&self, machine_arn: &str, name: &str, input: &Value) -> Result<String, CallError> {
        let client = self.clients.of(&self.region).await;
        let answer = client
            .start_execution()
            .state_machine_arn(machine_arn)
            .name(name)
            .input(input.to_string())
            .send()
            .await;
        let error = match answer {
            Ok(answer) => return Ok(answer.execution_arn),
            Err(error) => error,
        };
        if is_code(&error, &["ExecutionAlreadyExists"]) {
            let arn = execution_arn(machine_arn, name);
            if self
                .describe_execution(&arn)
                .await?
                .is_some_and(|found| found.input.as_ref() == Some(input))
            {
                return Ok(arn);
            }
        }
        Err(call_error("states:StartExecution", CODES, &error))
    }

    /// The region that an execution is in: an operation may have been started from another region of the control plane.
    fn region_of(&self, arn: &str) -> Region {
        let named = arn.split(':').nth(3).filter(|region| !region.is_empty());
        named.map_or_else(|| self.region.clone(), Region::new)
    }

    /// An execution as it stands, or none; in the region that its ARN names.
    ///
    /// # Errors
    /// When it cannot be told: the call was refused, or not answered.
    pub async fn describe_execution(&self, arn: &str) -> Result<Option<Execution>, CallError> {
        let client = self.clients.of(&self.region_of(arn)).await;
        match client.describe_execution().execution_arn(arn).send().await {
            Ok(answer) => Ok(Some(Execution::from(answer))),
            Err(error) if is_code(&error, &["ExecutionDoesNotExist"]) => Ok(None),
            Err(error) => Err(call_error("states:DescribeExecution", CODES, &error)),
        }
    }

    /// Stops an execution, in the region that its ARN names; one that has ended or is not there is fine. `cause` is shown in its history.
    ///
    /// # Errors
    /// When the call was refused, or not answered.
    pub async fn stop_execution(&self, arn: &str, cause: &str) -> Result<(), CallError> {
        let client = self.clients.of(&self.region_of(arn)).await;
        let request = client.stop_execution().execution_arn(arn).error("Stopped").cause(cause);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_code(&error, &["ExecutionDoesNotExist"]) => Ok(()),
            Err(error) => Err(call_error("states:StopExecution", CODES, &error)),
        }
    }

    /// Waits until an execution has ended, looking every `pause`.
    ///
    /// # Errors
    /// When it cannot be told, or there is no such execution.
    pub async fn wait_for_execution(&self, arn: &str, pause: Duration) -> Result<Execution, CallError> {
        loop {
            match self.describe_execution(arn).await? {
                Some(execution) if execution.status == ExecutionStatus::Running => tokio::time::sleep(pause).await,
                Some(execution) => return Ok(execution),
                None => {
                    return Err(CallError {
                        call: "states:DescribeExecution".to_owned(),
                        kind: CallErrorKind::Invalid,
                        code: "ExecutionDoesNotExist".to_owned(),
                        message: format!("there is no execution {arn}"),
                        request_id: None,
                    });
                }
            }
        }
    }
}

/// The ARN of an execution of a state machine:
/// `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME` has executions `arn:aws:states:REGION:ACCOUNT:execution:NAME:...`.
pub fn execution_arn(machine_arn: &str, name: &str) -> String {
    format!("{}:{name}", machine_arn.replacen(":stateMachine:", ":execution:", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_named_after_its_machine() {
        assert_eq!(
            execution_arn(
                "arn:aws:states:us-east-1:000000000000:stateMachine:outrigger-provision-stack",
                "a-1"
            ),
            "arn:aws:states:us-east-1:000000000000:execution:outrigger-provision-stack:a-1"
        );
    }
}
