//! `outrigger demo`: everything, from nothing, without an AWS account.

use std::time::Instant;

use anyhow::anyhow;
use console::style;
use serde_json::json;

use super::{bootstrap, local, up};
use crate::arguments::{Format, Target};
use crate::context::{Context, blocking, say};
use crate::control_plane::connect_local;
use crate::document::{self, DocumentFile};
use crate::failure::{Class, Classify, Failure};
use crate::local::{self as local_aws, Deployed, LocalAws, Project};
use crate::operation::{About, Ended};
use crate::output::{print_json, print_text, span, table};

/// The stack that it stands up.
const DOCUMENT: &str = "stacks/data-processing.yaml";
const STEPS: usize = 3;

pub(crate) const EXAMPLES: &str = "\
Examples:
  outrigger demo";

/// Runs the command.
pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    if context.options.target != Target::Local {
        return Err(Failure::new(
            Class::Usage,
            "the demo runs in the local AWS; leave --target out",
        ));
    }
    let started = Instant::now();
    let project = Project::find().class(Class::Environment)?;
    let read = document::read(&DocumentFile::new(project.root().join(DOCUMENT)))?;

    step(1, "a local AWS");
    let (local, fresh) = blocking(|| local_aws::start(&project, &mut say)).class(Class::Environment)?;
    let reused = if fresh { "" } else { " already" };
    say(&format!("it answers{reused} at {}", local.endpoint()));

    step(2, "the control plane");
    match bootstrap::install_locally(context, &project, &local)? {
        Deployed::Now => say("it is installed"),
        Deployed::Already => say("it is installed already, and nothing in it has changed"),
    }

    step(3, &format!("the stack of {DOCUMENT}"));
    let control_plane = connect_local(context, &local).await?;
    let about = About::new(&control_plane, Some("the demo")).await;
    // As `up --yes` does it: first what will be done, then that.
    let ended = up::carry_out(context, &control_plane, &read, None, &about, true).await?;
    if context.options.output == Format::Json {
        let result = serde_json::to_value(&ended).map_err(|error| anyhow!("write the result as JSON: {error}"))?;
        print_json(&json!({"endpoint": local.endpoint(), "operation": result}))?;
    } else if ended.succeeded {
        say("");
        print_text(&up::text(&ended))?;
        say(&next(context, &local, &ended));
        let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        say(&format!(
            "\nthe demo took {}; run it again: it changes nothing",
            span(elapsed)
        ));
    }
    ended.failure(context, "demo").map_or(Ok(()), Err)
}

fn step(number: usize, what: &str) {
    say(&style(format!("\n[{number}/{STEPS}] {what}"))
        .bold()
        .for_stderr()
        .to_string());
}

fn next(context: &Context, local: &LocalAws, ended: &Ended) -> String {
    let stack = format!("{}/{}", ended.stack, ended.environment);
    let rows = [
        (
            format!("status {stack}"),
            "every resource, and how the last operation ended",
        ),
        (format!("logs {stack}"), "what the functions have told meanwhile"),
        (
            format!("plan {DOCUMENT}"),
            "after you have changed something in it: what would be done",
        ),
        (format!("up {DOCUMENT}"), "do it"),
        (
            format!("drift {stack}"),
            "after you have changed something in the local AWS by hand",
        ),
        (format!("outputs {stack} --output json"), "for scripts"),
        (format!("destroy {stack}"), "take the stack down"),
        ("local down".to_owned(), "stop the local AWS"),
    ]
    .map(|(command, what)| [context.own_command(&command), what.to_owned()]);
    format!(
        "\nwhat to try next:\n{}\n{}",
        up::indented(&table(&rows)),
        local::shell_hint(context, local)
    )
}
