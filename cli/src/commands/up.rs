//! `outrigger up`: stand a stack up, or bring it to what its document says.

use clap::Args;
use outrigger_engine::state::content::Workflow;
use outrigger_model::{Region, StackId};
use serde_json::json;

use crate::arguments::Format;
use crate::context::{Context, say};
use crate::control_plane::{ControlPlane, connect};
use crate::document::{self, DocumentFile};
use crate::failure::Failure;
use crate::operation::{About, Ended, HandedOver, follow, propose, start};
use crate::output::{print_json, print_text, span, table};
use crate::plan_view::{Paint, render, view};

const EXAMPLES: &str = "\
Examples:
  outrigger up shop.yaml
  outrigger up shop.yaml --environment staging
  outrigger up shop.yaml --yes --reason \"the new cache\"
  outrigger up shop.yaml --plan 137ab91506f1a4f46624cc653a99d1f1d25d74098f8756479f7895f0847fabcf";

/// What `up` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Up {
    /// Which document.
    #[command(flatten)]
    pub document: DocumentFile,

    /// Carry out this plan, which `outrigger plan` has shown, and no other; without it a plan is made and shown first
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,

    /// Why; it is kept with the operation's record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Up) -> Result<(), Failure> {
    let read = document::read(&options.document)?;
    let control_plane = connect(context).await?;
    let about = About::new(&control_plane, options.reason.as_deref()).await;
    let ended = carry_out(
        context,
        &control_plane,
        &read,
        options.plan.as_deref(),
        &about,
        options.yes,
    )
    .await?;
    let again = format!("up {}", options.document.typed());
    if context.options.output == Format::Json {
        print_json(&ended)?;
    } else if ended.succeeded {
        print_text(&text(&ended))?;
        say(&hints(context, &ended, &options.document));
    }
    ended
        .failure(context, &again)
        .map_or(Ok(()), |failure| Err(read.explain(failure)))
}

/// Carries out a plan that was shown before; without one makes it, shows it, and asks. Follows the operation to its end.
pub(super) async fn carry_out(
    context: &Context,
    control_plane: &ControlPlane,
    read: &document::Source,
    plan: Option<&str>,
    about: &About,
    yes: bool,
) -> Result<Ended, Failure> {
    let handed_over = HandedOver::new(control_plane, read).await?;
    let plan = match plan {
        Some(id) => id.to_owned(),
        None => planned(context, control_plane, read, &handed_over, about, yes).await?,
    };
    stand_up(context, control_plane, &read.document.id(), &handed_over, &plan, about).await
}

/// Makes the plan, shows it, and asks whether to carry it out; its id, so that what was shown is what runs.
async fn planned(
    context: &Context,
    control_plane: &ControlPlane,
    read: &document::Source,
    handed_over: &HandedOver,
    about: &About,
    yes: bool,
) -> Result<String, Failure> {
    let proposed = propose(control_plane, read, handed_over, about).await?;
    let view = view(&proposed.stack, Some(&proposed.id), &proposed.plan);
    if view.nothing_to_do {
        // An `up` puts back what was changed behind our back, too; that is nothing new to be agreed to.
        say("nothing to change in the plan; checking that everything is still there");
        return Ok(proposed.id);
    }
    say(&render(&view, Paint::of_stderr()));
    let regions: Vec<&str> = read.document.regions.iter().map(Region::as_str).collect();
    let question = format!(
        "Carry this out on {} in {} ({})?",
        proposed.stack,
        regions.join(" and "),
        control_plane.place
    );
    context.confirm(&question, yes)?;
    Ok(proposed.id)
}

/// Starts the workflow on a document, to carry out that plan or nothing, and follows it to its end.
async fn stand_up(
    context: &Context,
    control_plane: &ControlPlane,
    stack: &StackId,
    handed_over: &HandedOver,
    plan: &str,
    about: &About,
) -> Result<Ended, Failure> {
    let mut input = handed_over.input.clone();
    if let Some(entries) = input.as_object_mut() {
        entries.insert("plan".to_owned(), json!(plan));
    }
    let operation = start(control_plane, stack, Workflow::Provision, &about.input(input)).await?;
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
    text.push('\n');
    for (key, properties) in &ended.pending_window {
        text.push_str(&format!(
            "pending window: {key}: {} will change in the maintenance window\n",
            properties.join(", ")
        ));
    }
    for kept in &ended.kept {
        text.push_str(&format!("kept: {kept}\n"));
    }
    text.push('\n');
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

fn hints(context: &Context, ended: &Ended, file: &DocumentFile) -> String {
    let stack = format!("{}/{}", ended.stack, ended.environment);
    let rows = [
        [
            context.own_command(&format!("status {stack}")),
            "where it stands".to_owned(),
        ],
        [
            context.own_command(&format!("up {}", file.typed())),
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

    use outrigger_model::{Kind, Region, ResourceKey};

    use super::*;

    #[test]
    fn outputs_are_aligned_below_what_was_done() {
        let mut ended = Ended {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
            succeeded: true,
            elapsed_ms: 14_200,
            resources: BTreeMap::from([("created", 3), ("unchanged", 31)]),
            outputs: BTreeMap::from([
                ("vpc_id".to_owned(), "vpc-0a1b".to_owned()),
                ("rds_endpoint".to_owned(), "shop.example.rds.amazonaws.com".to_owned()),
            ]),
            ..Ended::default()
        };
        insta::assert_snapshot!(text(&ended), @r"
        shop/production stands, after 14 s (3 created, 31 unchanged)

        rds_endpoint  shop.example.rds.amazonaws.com
        vpc_id        vpc-0a1b
        ");

        ended.outputs.clear();
        ended.kept.push("shop-production-old-final-snapshot".to_owned());
        ended.pending_window.insert(
            ResourceKey::new(&Region::new("us-east-1"), Kind::DbInstance, "main"),
            vec!["class".to_owned(), "multi_az".to_owned()],
        );
        insta::assert_snapshot!(text(&ended), @r"
        shop/production stands, after 14 s (3 created, 31 unchanged)
        pending window: us-east-1/db-instance/main: class, multi_az will change in the maintenance window
        kept: shop-production-old-final-snapshot
        ");
    }
}
