//! `outrigger outputs`: a stack's outputs, of the last operation that succeeded.

use crate::arguments::Format;
use crate::context::Context;
use crate::control_plane::connect;
use crate::failure::Failure;
use crate::output::{print_json, print_text, table};
use crate::stack::StackName;

/// Runs the command.
pub(super) async fn run(context: &Context, name: &StackName) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let stack = name.resolve(&control_plane).await?;
    let outputs = control_plane
        .state
        .stack(&stack)
        .await?
        .map(|(known, _)| known.outputs)
        .unwrap_or_default();
    if context.options.output == Format::Json {
        return Ok(print_json(&outputs)?);
    }
    let rows: Vec<[String; 2]> = outputs.into_iter().map(|(name, value)| [name, value]).collect();
    Ok(print_text(&table(&rows))?)
}
