//! `outrigger plan`: what `up` would do.

use clap::Args;

use crate::arguments::Format;
use crate::context::{Context, say};
use crate::control_plane::connect;
use crate::document::{self, DocumentFile};
use crate::failure::Failure;
use crate::operation::{About, HandedOver, propose};
use crate::output::{print_json, print_text};
use crate::plan_view::{Paint, View, render, view};

const EXAMPLES: &str = "\
Examples:
  outrigger plan shop.yaml
  outrigger plan shop.yaml --environment staging --set storage_gib=100
  outrigger plan shop.yaml --output json";

/// What `plan` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Plan {
    /// Which document.
    #[command(flatten)]
    pub document: DocumentFile,
}

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Plan) -> Result<(), Failure> {
    let read = document::read(&options.document)?;
    let control_plane = connect(context).await?;
    let about = About::new(&control_plane, None).await;
    let handed_over = HandedOver::new(&control_plane, &read).await?;
    let proposed = propose(&control_plane, &read, &handed_over, &about).await?;
    let view = view(&proposed.stack, Some(&proposed.id), &proposed.plan);
    if context.options.output == Format::Json {
        return Ok(print_json(&view)?);
    }
    print_text(&render(&view, Paint::of_stdout()))?;
    say(&next(context, &view, &options.document));
    Ok(())
}

/// The plan's id, and the command that carries it out.
fn next(context: &Context, view: &View, file: &DocumentFile) -> String {
    let Some(id) = view.plan.as_ref().filter(|_| !view.nothing_to_do) else {
        return format!(
            "to look for what was changed behind Outrigger's back: {}",
            context.own_command(&format!("drift {}/{}", view.stack, view.environment))
        );
    };
    format!(
        "plan id: {id}\nto carry it out within an hour: {}",
        context.own_command(&format!("up {} --plan {id}", file.typed()))
    )
}

#[cfg(test)]
mod tests {
    use outrigger_model::StackId;

    use super::*;
    use crate::context::tests::context;

    #[test]
    fn a_plan_says_how_it_is_carried_out() {
        let stack = StackId {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
        };
        let mut view = view(&stack, Some("0a1b"), &outrigger_plan::Plan::default());
        let text =
            |view: &View| next(&context(), view, &DocumentFile::new("shop.yaml")).replace("cargo run --", "outrigger");
        insta::assert_snapshot!(
            text(&view),
            @"to look for what was changed behind Outrigger's back: outrigger drift shop/production --target aws --control-plane outrigger-dev"
        );
        view.nothing_to_do = false;
        insta::assert_snapshot!(text(&view), @r"
        plan id: 0a1b
        to carry it out within an hour: outrigger up shop.yaml --plan 0a1b --target aws --control-plane outrigger-dev
        ");
    }
}
