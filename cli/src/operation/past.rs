//! How an operation ended that has ended already.

use anyhow::Result;
use outrigger_aws_sfn::{Execution, ExecutionStatus};

use super::execution::successor;
use super::{Ended, Operation, Picture};
use crate::control_plane::ControlPlane;
use crate::progress::Snapshot;

/// An execution hands over to a successor at most so often.
const HOPS_MAX: usize = 100;

/// How an operation that is closed ended: from its execution, or from its record where that is not kept any more.
///
/// # Errors
/// When the execution cannot be read.
pub(crate) async fn past(control_plane: &ControlPlane, picture: Picture) -> Result<(Ended, Option<Execution>)> {
    let state = &control_plane.state;
    let outputs = state
        .stack(&picture.record.stack)
        .await?
        .map(|(known, _)| known.outputs)
        .unwrap_or_default();
    let operation = Operation {
        stack: picture.record.stack.clone(),
        id: picture.record.operation.clone(),
        execution_arn: picture.record.execution_arn.clone(),
    };
    let execution = last_execution(control_plane, &operation.execution_arn).await?;
    let snapshots: [Snapshot; 2] = [picture.forward(), picture.back().unwrap_or_default()];
    let [forward, back] = &snapshots;
    let ended = match &execution {
        Some(execution) => Ended::new(&operation, execution, Some(picture.record), outputs, [forward, back]),
        None => Ended::of_record(picture.record, outputs, [forward, back]),
    };
    Ok((ended, execution))
}

/// The execution that an operation ended with; none if it is not kept any more, or was none.
async fn last_execution(control_plane: &ControlPlane, arn: &str) -> Result<Option<Execution>> {
    let mut arn = arn.to_owned();
    for _ in 0..HOPS_MAX {
        if !arn.contains(":execution:") {
            return Ok(None);
        }
        let looked = control_plane.executions.describe_execution(&arn).await;
        // The record tells enough where the region that ran it does not answer.
        if looked.is_err() && !control_plane.runs_here(&arn) {
            return Ok(None);
        }
        let Some(execution) = looked? else {
            return Ok(None);
        };
        match successor(&execution) {
            Some(next) => arn = next.to_owned(),
            None => return Ok(Some(execution).filter(|execution| execution.status != ExecutionStatus::Running)),
        }
    }
    Ok(None)
}
