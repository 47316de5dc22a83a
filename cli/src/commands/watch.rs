//! `outrigger watch`: follow an operation that runs, or see how one ended.

use clap::Args;
use outrigger_aws_sfn::Execution;
use outrigger_engine::state::content::Workflow;
use outrigger_model::StackId;
use serde_json::Value;

use super::{destroy, drift, up};
use crate::arguments::Format;
use crate::context::{Context, say};
use crate::control_plane::{ControlPlane, connect};
use crate::failure::{Class, Failure};
use crate::operation::{Ended, Operation, Picture, follow, past};
use crate::output::{print_json, print_text};
use crate::subject::Subject;

const EXAMPLES: &str = "\
Examples:
  outrigger watch shop
  outrigger watch shop-production-provision-20261120T103658Z-1a2b
  outrigger watch shop/production --output json";

/// What `watch` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Watch {
    /// An operation's id; or a stack, for the operation that runs on it, or the last one
    #[arg(value_name = "OPERATION|STACK")]
    pub subject: String,
}

/// Runs the command: it ends as the command would have that started the operation.
pub(super) async fn run(context: &Context, options: &Watch) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let subject = Subject::resolve(&control_plane, &options.subject).await?;
    let (stack, id) = operation_of(&control_plane, subject).await?;
    let picture = Picture::read(&control_plane.state, &stack, &id).await?;
    let closed = picture.filter(|picture| picture.record.outcome.is_some());
    let (ended, execution) = match closed {
        Some(picture) => {
            say(&format!("operation {id} on {stack} has ended"));
            past(&control_plane, picture).await?
        }
        None => {
            let operation = under_way(&control_plane, &stack, &id).await?;
            say(&format!("operation {id} on {stack}, {}", control_plane.place));
            let ended = follow(context, &control_plane, &operation).await?;
            let execution = control_plane
                .executions
                .describe_execution(&operation.execution_arn)
                .await?;
            (ended, execution)
        }
    };
    conclude(context, &control_plane, &stack, &ended, execution.as_ref()).await
}

/// The operation itself, or the one that runs on the stack, or else its last one.
async fn operation_of(control_plane: &ControlPlane, subject: Subject) -> Result<(StackId, String), Failure> {
    let stack = match subject {
        Subject::Operation(stack, id) => return Ok((stack, id)),
        Subject::Stack(stack) => stack,
    };
    // Whoever holds the stack may still be planning, and is not the stack's operation yet.
    if let Some(lease) = control_plane.state.lease(&stack).await?.filter(|lease| !lease.expired) {
        return Ok((stack, lease.operation));
    }
    let last = control_plane
        .state
        .stack(&stack)
        .await?
        .and_then(|(known, _)| known.operation);
    match last {
        Some(id) => Ok((stack, id)),
        None => Err(Failure::new(
            Class::Usage,
            format!("no operation on {stack} is on record"),
        )),
    }
}

/// An operation that has not ended: with its execution, as far as that is known.
async fn under_way(control_plane: &ControlPlane, stack: &StackId, id: &str) -> Result<Operation, Failure> {
    let record = control_plane.state.operation(stack, id).await?;
    let execution_arn = match record {
        Some(record) => record.execution_arn,
        None => execution_of(control_plane, id).await?.ok_or_else(|| {
            Failure::new(
                Class::Operation,
                format!("the operation {id} has no execution, and left no record"),
            )
        })?,
    };
    Ok(Operation {
        stack: stack.clone(),
        id: id.to_owned(),
        execution_arn,
    })
}

async fn execution_of(control_plane: &ControlPlane, id: &str) -> Result<Option<String>, Failure> {
    for workflow in [Workflow::Provision, Workflow::Destroy, Workflow::Drift] {
        let arn = outrigger_aws_sfn::execution_arn(control_plane.machine(workflow)?, id);
        if control_plane.executions.describe_execution(&arn).await?.is_some() {
            return Ok(Some(arn));
        }
    }
    Ok(None)
}

/// Says how it ended, in the words of the command that starts such operations.
async fn conclude(
    context: &Context,
    control_plane: &ControlPlane,
    stack: &StackId,
    ended: &Ended,
    execution: Option<&Execution>,
) -> Result<(), Failure> {
    let workflow = ended.record.as_ref().map(|record| record.workflow);
    if workflow == Some(Workflow::Drift) {
        let records = control_plane.state.records(stack).await?;
        let accept = execution.is_some_and(accepts);
        return drift::conclude(context, stack, ended, &records, accept);
    }
    if context.options.output == Format::Json {
        print_json(ended)?;
    } else if ended.succeeded {
        print_text(&match workflow {
            Some(Workflow::Destroy) => destroy::text(stack, ended),
            Some(Workflow::Unlock | Workflow::Plan) => format!("{stack}: a lease was broken"),
            Some(Workflow::Provision | Workflow::Drift) | None => up::text(ended),
        })?;
    }
    let again = match workflow {
        Some(Workflow::Destroy) => format!("destroy {stack}"),
        _ => "up FILE".to_owned(),
    };
    ended.failure(context, &again).map_or(Ok(()), Err)
}

/// Whether an inspection was to take what it found into the record.
fn accepts(execution: &Execution) -> bool {
    let accept = execution.input.as_ref().and_then(|input| input.get("accept"));
    accept.and_then(Value::as_bool).unwrap_or_default()
}
