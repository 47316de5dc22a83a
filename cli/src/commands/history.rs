//! `outrigger history`: a stack's operations, the newest first.

use clap::Args;
use outrigger_engine::state::content::{OperationRecord, Outcome, Workflow};
use outrigger_engine::state::rfc3339;
use outrigger_model::UnixMs;
use serde::Serialize;

use crate::arguments::Format;
use crate::context::Context;
use crate::control_plane::connect;
use crate::failure::Failure;
use crate::output::{print_json, print_text, span, table_within, width_of_stdout};
use crate::stack::Stack;

const EXAMPLES: &str = "\
Examples:
  outrigger history shop
  outrigger history shop/production --limit 5 --output json";

/// What `history` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct History {
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,

    /// How many operations at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
}

/// An operation, as it is listed.
#[derive(Debug, Serialize)]
struct Entry {
    operation: String,
    workflow: Workflow,
    started_at: String,
    /// None while it has not ended.
    closed_at: Option<String>,
    /// Until now, while it has not ended.
    elapsed_ms: u64,
    outcome: Option<Outcome>,
    by: Option<String>,
    reason: Option<String>,
}

/// Runs the command.
pub(super) async fn run(context: &Context, options: &History) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let stack = options.stack.stack.resolve(&control_plane).await?;
    let limit = usize::try_from(options.limit).unwrap_or(usize::MAX);
    let records = control_plane.state.operations(&stack, limit).await?;
    let now_ms = control_plane.state.now_ms();
    let entries: Vec<Entry> = records.into_iter().map(|record| entry(record, now_ms)).collect();
    if context.options.output == Format::Json {
        return Ok(print_json(&serde_json::json!({
            "stack": stack.stack,
            "environment": stack.environment,
            "operations": entries,
        }))?);
    }
    Ok(print_text(&render(&entries, width_of_stdout()))?)
}

fn entry(record: OperationRecord, now_ms: UnixMs) -> Entry {
    let elapsed_ms = record
        .closed_at_ms
        .unwrap_or(now_ms)
        .saturating_sub(record.started_at_ms);
    Entry {
        operation: record.operation,
        workflow: record.workflow,
        started_at: rfc3339(record.started_at_ms),
        closed_at: record.closed_at_ms.map(rfc3339),
        elapsed_ms,
        outcome: record.outcome,
        by: record.by,
        reason: record.reason,
    }
}

fn render(entries: &[Entry], width: Option<usize>) -> String {
    if entries.is_empty() {
        return "no operation is on record".to_owned();
    }
    let mut rows = vec![["operation", "what", "started", "took", "outcome", "who", "why"].map(str::to_owned)];
    for entry in entries {
        rows.push([
            entry.operation.clone(),
            entry.workflow.as_str().to_owned(),
            entry.started_at.clone(),
            span(entry.elapsed_ms),
            entry.outcome.map_or("under way", Outcome::as_str).to_owned(),
            entry.by.clone().unwrap_or_default(),
            entry.reason.clone().unwrap_or_default(),
        ]);
    }
    table_within(&rows, width)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan_view::golden::{reference, standing};

    #[tokio::test]
    async fn operations_are_listed_the_newest_first() {
        let document = reference("postgres-ha");
        let world = standing(&document).await;
        let stack = outrigger_model::document::parse(&document).unwrap().id();
        world.clock.advance(3_600_000);
        world.drift("second", "postgres-ha", "production", false).await;
        let mut records = world.state.operations(&stack, 10).await.unwrap();
        records[0].by = Some("arn:aws:iam::123456789012:user/ada".to_owned());
        records[0].reason = Some("somebody was in the console".to_owned());
        (records[1].closed_at_ms, records[1].outcome) = (None, None);
        let now_ms = records[1].started_at_ms + 66_000;
        let entries: Vec<Entry> = records.into_iter().map(|record| entry(record, now_ms)).collect();
        insta::assert_snapshot!(render(&entries, None), @r"
        operation  what       started               took       outcome    who                                 why
        second     drift      2023-11-14T23:18:18Z  0.0 s      succeeded  arn:aws:iam::123456789012:user/ada  somebody was in the console
        first      provision  2023-11-14T22:13:20Z  1 min 6 s  under way
        ");
        assert_eq!(
            serde_json::to_value(&entries[1]).unwrap(),
            json!({
                "operation": "first", "workflow": "provision", "started_at": "2023-11-14T22:13:20Z", "closed_at": null,
                "elapsed_ms": 66_000, "outcome": null, "by": null, "reason": null,
            })
        );
    }
}
