//! `outrigger bootstrap`: install or update the control plane.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use clap::Args;
use outrigger_aws_cloudformation::StackDescription;
use serde_json::json;

use crate::arguments::{Format, Target};
use crate::context::{Context, blocking, say};
use crate::failure::{Class, Classify, Failure};
use crate::installation::{self, Installation, Place, Step, VERSION, changes_text, is_up_to_date};
use crate::local::{self, Deployed, LocalAws, Project};
use crate::output::{print_json, print_text};

const EXAMPLES: &str = "\
Examples:
  outrigger bootstrap
  outrigger bootstrap --target aws --config-env prod
  outrigger bootstrap --target aws --regions eu-central-1 --yes";

/// What `bootstrap` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bootstrap {
    /// With --target aws: the environment of samconfig.toml that says how to install it
    #[arg(long, value_name = "ENVIRONMENT", default_value = "dev")]
    pub config_env: String,

    /// The region that it is installed in; without it, the one that the environment's credentials mean
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub regions: Vec<String>,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Runs the command.
///
/// # Guarantees
/// - What is shown is what is done: the change set that was confirmed. Not confirmed, nothing is left of it.
pub(super) async fn run(context: &Context, options: &Bootstrap) -> Result<(), Failure> {
    let region = only_region(&options.regions)?;
    let project = Project::find().class(Class::Environment)?;
    can_ask(options.yes)?;
    let place = place(context, options, &project, region).await?;
    let installation = Installation::new(&place);
    let before = installation.installed().await.class(Class::Environment)?;
    let installed = before
        .as_ref()
        .map(|stack| stack.outputs.get("Version").map(String::as_str));
    let step = installation::step(installed, VERSION)?;
    say(&format!("{} in {}: {}", place.name, place.place, words(&step)));

    let known = blocking(|| {
        place.build(&project)?;
        place.is_known_to_be_installed(&project)
    })
    .class(Class::Environment)?;
    if known && let Some(stack) = &before {
        return report(context, &place, stack, false);
    }
    let said = blocking(|| place.propose(&project)).class(Class::Environment)?;
    if is_up_to_date(&said)
        && let Some(stack) = &before
    {
        blocking(|| place.note_installed(&project))?;
        return report(context, &place, stack, false);
    }
    let proposal = installation.proposal(&said, before).await?;
    say(&changes_text(&proposal.changes, step == Step::Install));
    let question = format!("Do this in {}?", place.place);
    if let Err(refused) = context.confirm(&question, options.yes) {
        installation.discard(&proposal).await?;
        return Err(refused);
    }
    say("CloudFormation is at work; Ctrl-C leaves it so");
    let stack = installation.carry_out(&proposal).await?;
    blocking(|| place.note_installed(&project))?;
    report(context, &place, &stack, true)
}

/// Builds the functions and installs the control plane in a local AWS, if anything has changed.
pub(super) fn install_locally(context: &Context, project: &Project, local: &LocalAws) -> Result<Deployed, Failure> {
    blocking(|| {
        local::build_functions(project, &mut say)?;
        local::deploy(project, local, &context.options.control_plane, &mut say)
    })
    .class(Class::Environment)
}

async fn place(
    context: &Context,
    options: &Bootstrap,
    project: &Project,
    region: Option<&str>,
) -> Result<Place, Failure> {
    match context.options.target {
        Target::Local => {
            let running = blocking(|| LocalAws::running(project)).class(Class::Environment)?;
            let Some(local) = running else {
                let hint = context.own_command("local up");
                let message = format!("the local AWS is not running; start it with `{hint}`");
                return Err(Failure::new(Class::Environment, message));
            };
            Place::local(local, &context.options.control_plane, region).class(Class::Usage)
        }
        Target::Aws => Place::aws(project, &options.config_env, region)
            .await
            .class(Class::Environment),
    }
}

/// The one region to install in, if it is named.
fn only_region(regions: &[String]) -> Result<Option<&str>, Failure> {
    let different: BTreeSet<&String> = regions.iter().collect();
    let wrong = |message: &str| Err(Failure::new(Class::Usage, message));
    match regions {
        [] => Ok(None),
        _ if different.len() < regions.len() => wrong("--regions names a region twice"),
        [region] => Ok(Some(region)),
        [_, _, _] => wrong(
            "a control plane in three regions is not possible yet: it needs a table that is the same in all of them; name \
             one region",
        ),
        _ => wrong("--regions takes one region (later also three, whose tables can vote; never two)"),
    }
}

/// Who cannot be asked is told before anything is built.
fn can_ask(yes: bool) -> Result<(), Failure> {
    if yes || std::io::stdin().is_terminal() {
        return Ok(());
    }
    let message = "there is no terminal to ask on: whether to install what is shown; answer with --yes";
    Err(Failure::new(Class::Usage, message))
}

fn words(step: &Step) -> String {
    match step {
        Step::Install => format!("nothing is installed; version {VERSION} will be"),
        Step::Same => format!("version {VERSION} is installed, and this is the same version"),
        Step::Update(Some(version)) => format!("version {version} is installed; {VERSION} takes its place"),
        Step::Update(None) => {
            format!("a version is installed that does not say which; {VERSION} takes its place")
        }
    }
}

fn report(context: &Context, place: &Place, stack: &StackDescription, changed: bool) -> Result<(), Failure> {
    if context.options.output == Format::Json {
        return Ok(print_json(&json!({
            "control_plane": place.name,
            "region": place.region(),
            "version": VERSION,
            "changed": changed,
            "outputs": stack.outputs,
        }))?);
    }
    let text = match changed {
        true => format!(
            "version {VERSION} of the control plane {} is installed in {}",
            place.name, place.place
        ),
        false => format!(
            "nothing to do: version {VERSION} of the control plane {} is up to date",
            place.name
        ),
    };
    Ok(print_text(&format!("{text}\n\n{}", next(place, stack)))?)
}

/// What to do next.
fn next(place: &Place, stack: &StackDescription) -> String {
    let mut lines = vec!["next:".to_owned()];
    if !place.is_local() {
        lines.push(format!(
            "  export OUTRIGGER_TARGET=aws OUTRIGGER_CONTROL_PLANE={} AWS_REGION={}",
            place.name,
            place.region()
        ));
    } else if place.name != "outrigger" {
        lines.push(format!("  export OUTRIGGER_CONTROL_PLANE={}", place.name));
    }
    lines.push("  outrigger plan stacks/data-processing.yaml".to_owned());
    for (output, what) in [
        ("NotificationsTopicArn", "who is to hear of failures subscribes to"),
        ("Dashboard", "how it does is on CloudWatch's dashboard"),
    ] {
        if let Some(value) = stack.outputs.get(output) {
            lines.push(format!("{what} {value}"));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_region_is_enough_and_three_are_not_yet_possible() {
        let of = |regions: &[&str]| {
            let regions: Vec<String> = regions.iter().map(|region| (*region).to_owned()).collect();
            match only_region(&regions) {
                Ok(region) => Ok(region.map(str::to_owned)),
                Err(failure) => Err((failure.class, failure.to_string())),
            }
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["us-east-1"]), Ok(Some("us-east-1".to_owned())));
        for (regions, words) in [
            (&["us-east-1", "us-east-2", "us-west-2"][..], "not possible yet"),
            (&["us-east-1", "us-east-1", "us-west-2"], "twice"),
            (&["us-east-1", "us-east-2"], "takes one region"),
        ] {
            let (class, message) = of(regions).unwrap_err();
            assert_eq!(class, Class::Usage);
            assert!(message.contains(words), "{message}");
        }
    }
}
