//! What a user names where either a stack or an operation can be meant.

use anyhow::Context as _;
use outrigger_aws_sfn::{Execution, ExecutionStatus, execution_arn};
use outrigger_engine::state::content::Workflow;
use outrigger_model::StackId;

use crate::control_plane::ControlPlane;
use crate::failure::{Class, Failure};
use crate::operation::{class_of, failure, repeat};
use crate::stack::StackName;

/// What is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A stack.
    Stack(StackId),
    /// An operation on a stack.
    Operation(StackId, String),
}

impl Subject {
    /// What is meant by a name: an operation that is on record, or a stack, or an operation that was only just started.
    ///
    /// # Errors
    /// When it is neither; when the operation that was just started failed before it began.
    pub(crate) async fn resolve(control_plane: &ControlPlane, name: &str) -> Result<Self, Failure> {
        if let Some(stack) = control_plane.state.stack_of(name).await? {
            return Ok(Self::Operation(stack, name.to_owned()));
        }
        let stack: StackName = name
            .parse()
            .map_err(|reason: String| Failure::new(Class::Usage, reason))?;
        let unknown = match stack.resolve(control_plane).await {
            Ok(stack) => return Ok(Self::Stack(stack)),
            Err(unknown) => unknown,
        };
        match started(control_plane, name).await? {
            Some(stack) => Ok(Self::Operation(stack, name.to_owned())),
            None => Err(Failure::new(
                unknown.class,
                format!("{unknown}; no operation {name} is on record either"),
            )),
        }
    }
}

/// The stack of an operation that was started a moment ago and is not on record yet; none if there is no such execution.
async fn started(control_plane: &ControlPlane, name: &str) -> Result<Option<StackId>, Failure> {
    if name.contains('/') {
        return Ok(None);
    }
    for workflow in [Workflow::Provision, Workflow::Destroy, Workflow::Drift] {
        let arn = execution_arn(control_plane.machine(workflow)?, name);
        if control_plane.executions.describe_execution(&arn).await?.is_some() {
            return noted(control_plane, name, &arn).await.map(Some);
        }
    }
    Ok(None)
}

/// Waits until an operation is on record.
async fn noted(control_plane: &ControlPlane, name: &str, arn: &str) -> Result<StackId, Failure> {
    let seen: Result<StackId, Execution> = repeat(control_plane, async || {
        let execution = control_plane.executions.describe_execution(arn).await?;
        // The execution first: what it has done by then is in the state that is read after.
        if let Some(stack) = control_plane.state.stack_of(name).await? {
            return Ok(Some(Ok(stack)));
        }
        Ok(execution
            .filter(|execution| execution.status != ExecutionStatus::Running)
            .map(Err))
    })
    .await
    .with_context(|| format!("look for the operation {name}"))?;
    seen.map_err(|execution| Failure::new(class_of(execution.error.as_deref()), failure(&execution)))
}
