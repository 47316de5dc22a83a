//! `outrigger destroy`: take a stack down.

use outrigger_engine::state::content::Workflow;
use serde_json::json;

use crate::arguments::{Destroy, Format};
use crate::context::{Context, say};
use crate::control_plane::connect;
use crate::failure::Failure;
use crate::operation::{follow, start};
use crate::output::{print_json, print_text, span};

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Destroy) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let stack = options.stack.stack.resolve(&control_plane).await?;
    let question = format!(
        "Take {stack} down and delete everything in it ({})?",
        control_plane.place
    );
    context.confirm(&question, options.yes)?;
    let input = json!({"stack": stack.stack, "environment": stack.environment, "reason": options.reason});
    let operation = start(&control_plane, &stack, Workflow::Destroy, &input).await?;
    say(&format!(
        "operation {} on {stack}, {}",
        operation.id, control_plane.place
    ));
    let ended = follow(context, &control_plane, &operation).await?;
    if context.options.output == Format::Json {
        print_json(&ended)?;
    } else if ended.succeeded {
        let deleted = ended.resources.get("deleted").copied().unwrap_or(0);
        print_text(&format!(
            "{stack} is down, after {}: {deleted} resources deleted",
            span(ended.elapsed_ms)
        ))?;
    }
    ended.failure(context, &format!("destroy {stack}")).map_or(Ok(()), Err)
}
