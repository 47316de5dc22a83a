//! `outrigger unlock`: take a stack from an operation that holds it and will not end.

use clap::Args;
use outrigger_engine::ports::clock::SystemClock;
use outrigger_engine::state::content::Workflow;
use outrigger_engine::tasks::unlock::{Ports, Request, unlock};
use outrigger_engine::tasks::{Invocation, TaskError};
use outrigger_model::StackId;
use serde_json::json;

use super::lock::{Holder, holder_of, render};
use crate::arguments::Format;
use crate::context::{Context, say};
use crate::control_plane::{ControlPlane, connect};
use crate::failure::{Class, Classify, Failure};
use crate::operation::new_id;
use crate::output::{print_json, print_text};
use crate::stack::Stack;

const EXAMPLES: &str = "\
Examples:
  outrigger unlock shop --reason \"its execution hangs\"";

/// What `unlock` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Unlock {
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,

    /// Why; it is kept with the records of both operations
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// How long breaking a lease may take.
const DEADLINE_MS: u64 = 60_000;

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Unlock) -> Result<(), Failure> {
    if options.reason.trim().is_empty() {
        return Err(Failure::new(
            Class::Usage,
            "--reason is empty; say why, for those who find it later",
        ));
    }
    let control_plane = connect(context).await?;
    let stack = options.stack.stack.resolve(&control_plane).await?;
    let Some(shown) = holder_of(&control_plane.state, &stack).await? else {
        return report(context, &stack, None);
    };
    say(&render(Some(&shown)));
    say(CONSEQUENCES);
    context.confirm(&format!("Take {stack} from {}?", shown.operation), options.yes)?;
    // Only that hold is broken which was shown.
    let now = holder_of(&control_plane.state, &stack).await?;
    if now
        .as_ref()
        .is_some_and(|now| (&now.operation, now.token) != (&shown.operation, shown.token))
    {
        let message = format!("another operation holds {stack} by now; nothing was changed");
        return Err(Failure::new(Class::Locked, message));
    }
    let broken = break_lease(&control_plane, &stack, &options.reason).await?;
    report(context, &stack, broken.then_some(&shown))
}

const CONSEQUENCES: &str = "\
breaking its lease means: it changes no state any more, and is closed as aborted; what it has begun in AWS may still take
effect, and the next operation looks before it acts; its execution is not stopped by this, it ends at its next task.
If it is only slow, wait: it renews its lease as long as it works.";

/// Breaks the lease; whether there was one.
async fn break_lease(control_plane: &ControlPlane, stack: &StackId, reason: &str) -> Result<bool, Failure> {
    let state = &control_plane.state;
    let ports = Ports {
        state,
        clock: &SystemClock,
    };
    let invocation = Invocation {
        id: uuid::Uuid::new_v4().to_string(),
        deadline_ms: state.now_ms().saturating_add(DEADLINE_MS),
    };
    let request = Request {
        stack: stack.clone(),
        operation: new_id(stack, Workflow::Unlock, state.now_ms()),
        reason: reason.to_owned(),
        by: control_plane.caller().await,
    };
    match unlock(&ports, &invocation, &request).await {
        Ok(broken) => Ok(broken.is_some()),
        Err(error) => {
            let class = class_of(&error);
            Err(error).class(class)
        }
    }
}

fn class_of(error: &TaskError) -> Class {
    match error.error_type() {
        "LeaseHeld" => Class::Locked,
        "UnknownStack" => Class::Usage,
        _ => Class::Operation,
    }
}

fn report(context: &Context, stack: &StackId, broken: Option<&Holder>) -> Result<(), Failure> {
    if context.options.output == Format::Json {
        return Ok(print_json(&json!({
            "stack": stack.stack,
            "environment": stack.environment,
            "unlocked": broken.is_some(),
            "broken": broken,
        }))?);
    }
    print_text(&text(stack, broken))?;
    if let Some(broken) = broken {
        say(&format!("\n{}", next(context, stack, broken)));
    }
    Ok(())
}

fn text(stack: &StackId, broken: Option<&Holder>) -> String {
    match broken {
        None => format!("{stack} is free; nothing was changed"),
        Some(broken) => format!("{stack} is free; it was held by {}", broken.operation),
    }
}

/// What to do with the execution that still runs.
fn next(context: &Context, stack: &StackId, broken: &Holder) -> String {
    let stop = match &broken.execution_arn {
        Some(arn) => format!("aws stepfunctions stop-execution --execution-arn {arn}"),
        None => format!(
            "find the execution {} in Step Functions, then: aws stepfunctions stop-execution --execution-arn ARN",
            broken.operation
        ),
    };
    format!(
        "its execution may still run; it changes no state any more, and ends at its next task. To stop it at once:\n  {stop}\n\
         then go on with `{}`, or see where the stack stands with `{}`",
        context.own_command("up FILE"),
        context.own_command(&format!("status {stack}"))
    )
}

#[cfg(test)]
mod tests {
    use super::super::lock::tests::held;
    use super::*;
    use crate::context::tests::context;

    #[test]
    fn what_to_do_with_the_execution_is_told() {
        let stack = StackId {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
        };
        let mut holder = held(false);
        let told = |holder: &Holder| next(&context(), &stack, holder).replace("cargo run --", "outrigger");
        insta::assert_snapshot!(told(&holder), @r"
        its execution may still run; it changes no state any more, and ends at its next task. To stop it at once:
          aws stepfunctions stop-execution --execution-arn arn:aws:states:us-east-1:123456789012:execution:outrigger-provision-stack:shop-production-provision-20251120T103658Z-1a2b
        then go on with `outrigger up FILE --target aws --control-plane outrigger-dev`, or see where the stack stands with `outrigger status shop/production --target aws --control-plane outrigger-dev`
        ");
        holder.execution_arn = None;
        insta::assert_snapshot!(told(&holder), @r"
        its execution may still run; it changes no state any more, and ends at its next task. To stop it at once:
          find the execution shop-production-provision-20251120T103658Z-1a2b in Step Functions, then: aws stepfunctions stop-execution --execution-arn ARN
        then go on with `outrigger up FILE --target aws --control-plane outrigger-dev`, or see where the stack stands with `outrigger status shop/production --target aws --control-plane outrigger-dev`
        ");
        assert_eq!(text(&stack, None), "shop/production is free; nothing was changed");
    }
}
