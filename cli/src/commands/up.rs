//! `outrigger up`: stand a stack up, or bring it to what its document says.

use std::path::Path;

use outrigger_engine::state::content::Workflow;
use serde_json::json;

use crate::arguments::{Format, Up};
use crate::context::{Context, say};
use crate::control_plane::{ControlPlane, connect};
use crate::document;
use crate::failure::Failure;
use crate::operation::{Ended, follow, start};
use crate::output::{print_json, print_text, span, table};

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Up) -> Result<(), Failure> {
    let read = document::read(&options.file)?;
    let control_plane = connect(context).await?;
    let question = format!(
        "Stand up {} in {} ({})?",
        read.document.id(),
        read.document.region,
        control_plane.place
    );
    context.confirm(&question, options.yes)?;
    let ended = stand_up(context, &control_plane, &read, options.reason.as_deref()).await?;
    let again = format!("up {}", options.file.display());
    if context.options.output == Format::Json {
        print_json(&ended)?;
    } else if ended.succeeded {
        print_text(&text(&ended))?;
        say(&hints(context, &ended, &options.file));
    }
    ended.failure(context, &again).map_or(Ok(()), Err)
}

/// Starts the workflow on a document, and follows it to its end.
pub(super) async fn stand_up(
    context: &Context,
    control_plane: &ControlPlane,
    read: &document::Source,
    reason: Option<&str>,
) -> Result<Ended, Failure> {
    let stack = read.document.id();
    let input = json!({"document": read.value, "reason": reason});
    let operation = start(control_plane, &stack, Workflow::Provision, &input).await?;
    say(&format!(
        "operation {} on {stack}, {}",
        operation.id, control_plane.place
    ));
    follow(context, control_plane, &operation).await
}

/// What was done, and the outputs.
pub(super) fn text(ended: &Ended) -> String {
    let mut text = format!(
        "{}/{} stands, after {}",
        ended.stack,
        ended.environment,
        span(ended.elapsed_ms)
    );
    let counts: Vec<String> = ended
        .resources
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if !counts.is_empty() {
        text.push_str(&format!(" ({})", counts.join(", ")));
    }
    text.push_str("\n\n");
    text.push_str(&outputs_table(ended));
    text
}

fn outputs_table(ended: &Ended) -> String {
    let rows: Vec<[String; 2]> = ended
        .outputs
        .iter()
        .map(|(name, value)| [name.clone(), value.clone()])
        .collect();
    table(&rows)
}

fn hints(context: &Context, ended: &Ended, file: &Path) -> String {
    let stack = format!("{}/{}", ended.stack, ended.environment);
    let rows = [
        [
            context.own_command(&format!("status {stack}")),
            "where it stands".to_owned(),
        ],
        [
            context.own_command(&format!("up {}", file.display())),
            "after a change to the document".to_owned(),
        ],
        [
            context.own_command(&format!("destroy {stack}")),
            "take it down".to_owned(),
        ],
    ];
    format!("\nnext:\n{}", indented(&table(&rows)))
}

/// Each line two spaces further to the right.
pub(super) fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn outputs_are_aligned_below_what_was_done() {
        let ended = Ended {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
            operation: "shop-production-provision-20251120T103658Z-1a2b".to_owned(),
            execution_arn: "arn".to_owned(),
            succeeded: true,
            elapsed_ms: 14_200,
            resources: BTreeMap::from([("created", 3), ("unchanged", 31)]),
            outputs: BTreeMap::from([
                ("vpc_id".to_owned(), "vpc-0a1b".to_owned()),
                ("rds_endpoint".to_owned(), "shop.example.rds.amazonaws.com".to_owned()),
            ]),
            error: None,
            failures: Vec::new(),
        };
        insta::assert_snapshot!(text(&ended), @r"
        shop/production stands, after 14 s (3 created, 31 unchanged)

        rds_endpoint  shop.example.rds.amazonaws.com
        vpc_id        vpc-0a1b
        ");
    }
}
