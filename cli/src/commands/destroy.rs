//! `outrigger destroy`: take a stack down.

use clap::Args;
use outrigger_engine::state::content::Workflow;
use outrigger_model::{Problem, StackId};
use outrigger_plan::Protection;
use serde_json::json;

use crate::arguments::Format;
use crate::context::{Context, say};
use crate::control_plane::connect;
use crate::failure::{Class, Failure};
use crate::operation::{About, Ended, follow, start};
use crate::output::{print_json, print_text, span};
use crate::plan_view::{Paint, render, view};
use crate::stack::Stack;

const EXAMPLES: &str = "\
Examples:
  outrigger destroy shop/staging
  outrigger destroy shop/staging --yes --reason \"the trial is over\"";

/// What `destroy` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Destroy {
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,

    /// Why; it is kept with the operation's record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Do not ask to type the stack's name
    #[arg(long, short)]
    pub yes: bool,
}

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Destroy) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let stack = options.stack.stack.resolve(&control_plane).await?;
    let records = control_plane.state.records(&stack).await?;
    let plan = outrigger_plan::destroy(&records, Protection::Heeded)
        .map_err(|problems| Failure::new(Class::Operation, protected(&stack, &problems)))?;
    let view = view(&stack, None, &plan);
    if view.nothing_to_do {
        say(&format!("nothing is recorded of {stack} any more; closing it"));
    } else {
        say(&render(&view, Paint::of_stderr()));
        let question = format!(
            "This takes {stack} down and deletes everything in it ({}).",
            control_plane.place
        );
        context.confirm_by_name(&question, &stack.to_string(), options.yes)?;
    }
    let about = About::new(&control_plane, options.reason.as_deref()).await;
    let input = about.input(json!({"stack": stack.stack, "environment": stack.environment}));
    let operation = start(&control_plane, &stack, Workflow::Destroy, &input).await?;
    say(&format!(
        "operation {} on {stack}, {}",
        operation.id, control_plane.place
    ));
    let ended = follow(context, &control_plane, &operation).await?;
    if context.options.output == Format::Json {
        print_json(&ended)?;
    } else if ended.succeeded {
        print_text(&text(&stack, &ended))?;
    }
    ended.failure(context, &format!("destroy {stack}")).map_or(Ok(()), Err)
}

/// Why nothing was started; each problem says how the protection is switched off.
fn protected(stack: &StackId, problems: &[Problem]) -> String {
    let mut text = format!("{stack} is protected, nothing was changed:");
    for problem in problems {
        text.push_str(&format!("\n  {problem}"));
    }
    text
}

pub(super) fn text(stack: &StackId, ended: &Ended) -> String {
    let deleted = ended.resources.get("deleted").copied().unwrap_or(0);
    let mut text = format!(
        "{stack} is down, after {}: {deleted} resources deleted\n",
        span(ended.elapsed_ms)
    );
    for kept in &ended.kept {
        text.push_str(&format!("kept: {kept}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plan_view::golden::{reference, standing};

    fn stack(name: &str) -> StackId {
        StackId {
            stack: name.to_owned(),
            environment: "production".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_protected_stack_is_refused_with_how_to_switch_that_off() {
        let world = standing(&reference("postgres-ha")).await;
        let stack = stack("postgres-ha");
        let records = world.state.records(&stack).await.unwrap();
        let problems = outrigger_plan::destroy(&records, Protection::Heeded).unwrap_err();
        insta::assert_snapshot!(protected(&stack, &problems), @r"
        postgres-ha/production is protected, nothing was changed:
          us-west-2/db-instance/database: is protected from deletion; set `deletion_protection: false` in the document, run `outrigger up` with it, then try again
        ");
    }

    #[tokio::test]
    async fn what_will_be_deleted_is_shown() {
        let mut document = reference("postgres-ha");
        document["databases"]["database"]["deletion_protection"] = false.into();
        let world = standing(&document).await;
        let stack = stack("postgres-ha");
        let records = world.state.records(&stack).await.unwrap();
        let plan = outrigger_plan::destroy(&records, Protection::Heeded).unwrap();
        insta::assert_snapshot!(render(&view(&stack, None, &plan), Paint::Plain));
    }

    #[test]
    fn what_was_kept_is_told() {
        let ended = Ended {
            succeeded: true,
            elapsed_ms: 66_000,
            resources: BTreeMap::from([("deleted", 21)]),
            kept: vec!["postgres-ha-production-database-final-snapshot".to_owned()],
            ..Ended::default()
        };
        insta::assert_snapshot!(text(&stack("postgres-ha"), &ended), @r"
        postgres-ha/production is down, after 1 min 6 s: 21 resources deleted
        kept: postgres-ha-production-database-final-snapshot
        ");
    }
}
