//! `outrigger local`: the local AWS on this machine.

use clap::Subcommand;
use serde_json::json;

use crate::arguments::Format;
use crate::context::{Context, blocking, say};
use crate::failure::{Class, Classify, Failure};
use crate::local::{self, LocalAws, Project};
use crate::output::{print_json, print_text};

pub(crate) const EXAMPLES: &str = "\
Examples:
  outrigger local up
  outrigger local status --output json
  outrigger local down";

/// What to do with the local AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum LocalCommand {
    /// Start it; it goes on running in the background
    #[command(after_help = "Examples:\n  outrigger local up")]
    Up,
    /// Stop it; everything in it is gone
    #[command(after_help = "Examples:\n  outrigger local down")]
    Down,
    /// Show whether it runs, and its endpoint, for any AWS client
    #[command(after_help = "Examples:\n  outrigger local status\n  outrigger local status --output json")]
    Status,
}

/// Runs the command.
pub(super) fn run(context: &Context, command: LocalCommand) -> Result<(), Failure> {
    let project = Project::find().class(Class::Environment)?;
    match command {
        LocalCommand::Up => up(context, &project),
        LocalCommand::Down => down(context, &project),
        LocalCommand::Status => status(context, &project),
    }
}

fn up(context: &Context, project: &Project) -> Result<(), Failure> {
    let (local, started) = blocking(|| local::start(project, &mut say)).class(Class::Environment)?;
    if !started {
        say("it was running already");
    }
    describe(context, Some(&local))
}

fn down(context: &Context, project: &Project) -> Result<(), Failure> {
    let stopped = blocking(|| local::stop(project)).class(Class::Environment)?;
    if context.options.output == Format::Json {
        return Ok(print_json(&json!({"running": false, "stopped": stopped}))?);
    }
    let text = if stopped {
        "the local AWS is stopped; everything in it is gone"
    } else {
        "the local AWS was not running"
    };
    Ok(print_text(text)?)
}

/// That it does not run is an answer too; for scripts it is exit code 4.
fn status(context: &Context, project: &Project) -> Result<(), Failure> {
    let running = blocking(|| LocalAws::running(project)).class(Class::Environment)?;
    describe(context, running.as_ref())?;
    match running {
        Some(_) => Ok(()),
        None => Err(Failure::new(
            Class::Environment,
            format!(
                "the local AWS is not running; start it with `{}`",
                context.own_command("local up")
            ),
        )),
    }
}

fn describe(context: &Context, running: Option<&LocalAws>) -> Result<(), Failure> {
    if context.options.output == Format::Json {
        let value = match running {
            None => json!({"running": false}),
            Some(local) => json!({
                "running": true,
                "endpoint": local.endpoint(),
                "region": local.region(),
                "access_key_id": local.access_key_id(),
                "secret_access_key": local.secret_access_key(),
                "pid": local.pid(),
                "started_at": local.started_at(),
                "version": local.version(),
                "directory": local.directory(),
            }),
        };
        return Ok(print_json(&value)?);
    }
    if let Some(local) = running {
        print_text(&format!("the local AWS answers at {}", local.endpoint()))?;
        say(&shell_hint(context, local));
    }
    Ok(())
}

/// How to look into it with any other AWS client.
pub(super) fn shell_hint(context: &Context, local: &LocalAws) -> String {
    format!(
        "\nfor any AWS client:\n  export AWS_ENDPOINT_URL={} AWS_REGION={} AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}\n\
         its log and every call: {}\nto stop it: {}",
        local.endpoint(),
        local.region(),
        local.access_key_id(),
        local.secret_access_key(),
        local.directory().display(),
        context.own_command("local down")
    )
}
