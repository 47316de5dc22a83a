//! `outrigger bootstrap`: install or update the control plane.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use clap::Args;
use outrigger_aws_cloudformation::StackDescription;
use outrigger_model::Region;
use serde_json::json;

use crate::arguments::{Format, Target};
use crate::context::{Context, blocking, say};
use crate::failure::{Class, Classify, Failure};
use crate::installation::{self, Installation, Place, Proposal, Step, VERSION, changes_text, is_up_to_date, regions};
use crate::local::{self, Deployed, LocalAws, Project};
use crate::output::{print_json, print_text};

const EXAMPLES: &str = "\
Examples:
  outrigger bootstrap
  outrigger bootstrap --target aws --config-env prod
  outrigger bootstrap --target aws --regions eu-central-1 --yes
  outrigger bootstrap --target aws --config-env prod --regions us-east-1,us-east-2,us-west-2";

/// What `bootstrap` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bootstrap {
    /// With --target aws: the environment of samconfig.toml that says how to install it
    #[arg(long, value_name = "ENVIRONMENT", default_value = "dev")]
    pub config_env: String,

    /// The region that it is installed in, or three whose tables can vote, the home region first; without it, the regions of
    /// the one that is installed, else the region that the environment's credentials mean
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub regions: Vec<String>,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// One region's part of the installation.
struct Part {
    place: Place,
    installation: Installation,
    /// The stack as it is.
    before: Option<StackDescription>,
    step: Step,
    /// What there is to do; none where nothing has changed.
    proposal: Option<Proposal>,
}

/// Runs the command.
///
/// # Guarantees
/// - What is shown is what is done: the change sets that were confirmed. Not confirmed, nothing is left of them.
/// - Of three regions, all are looked at before anything is changed in one. The home region comes first, and the others
///   begin once its table is whole. Cut off in between, the same command goes on where it was.
pub(super) async fn run(context: &Context, options: &Bootstrap) -> Result<(), Failure> {
    let asked = regions::asked(&options.regions).class(Class::Usage)?;
    let project = Project::find().class(Class::Environment)?;
    can_ask(options.yes)?;
    let first = place(
        context,
        options,
        &project,
        asked.as_ref().and_then(|asked| asked.first()),
    )
    .await?;
    let mut parts = parts(&first, asked.as_deref()).await.class(Class::Environment)?;
    for Part { place, step, .. } in &parts {
        say(&format!("{} in {}: {}", place.name, place.place, words(step)));
    }
    first.build(&project).await.class(Class::Environment)?;
    if let Err(failure) = propose(&project, &mut parts).await {
        discard(&parts).await?;
        return Err(failure);
    }
    let changed = parts.iter().any(|part| part.proposal.is_some());
    if !changed {
        return report(context, &parts, None);
    }
    show(&parts);
    let question = format!("Do this in {}?", whole_place(&parts));
    if let Err(refused) = context.confirm(&question, options.yes) {
        discard(&parts).await?;
        return Err(refused);
    }
    say("CloudFormation is at work; Ctrl-C leaves it so");
    let stack = carry_out(&project, &parts).await?;
    report(context, &parts, stack.as_ref())
}

/// What there is in each region, if it can be what is asked for; nothing is changed.
async fn parts(first: &Place, asked: Option<&[Region]>) -> Result<Vec<Part>> {
    let mut found: BTreeMap<Region, Option<StackDescription>> = BTreeMap::new();
    let mut wanted = asked.map_or_else(|| vec![first.region().clone()], <[Region]>::to_vec);
    // Without a word of regions, those of what is installed here are looked at next; more there are not.
    loop {
        for place in first.in_regions(&wanted) {
            if !found.contains_key(place.region()) {
                let stack = Installation::new(&place).installed().await?;
                found.insert(place.region().clone(), stack);
            }
        }
        let installed = found
            .iter()
            .filter_map(|(region, stack)| Some((region, stack.as_ref()?)))
            .map(|(region, stack)| (region.clone(), regions::recorded(stack.outputs.get("Regions"), region)))
            .collect();
        let settled = regions::settled(&first.name, asked, first.region(), &installed)?;
        if settled.iter().all(|region| found.contains_key(region)) {
            wanted = settled;
            break;
        }
        wanted = settled;
    }
    let part = |place: Place| {
        let before = found.remove(place.region()).flatten();
        let version = before
            .as_ref()
            .map(|stack| stack.outputs.get("Version").map(String::as_str));
        Ok(Part {
            installation: Installation::new(&place),
            step: installation::step(version, VERSION).with_context(|| format!("look at {}", place.place))?,
            before,
            proposal: None,
            place,
        })
    };
    first.in_regions(&wanted).into_iter().map(part).collect()
}

/// Has CloudFormation make out what would change in each region.
async fn propose(project: &Project, parts: &mut [Part]) -> Result<(), Failure> {
    for part in parts {
        let place = &part.place;
        let known = blocking(|| place.is_known_to_be_installed(project)).class(Class::Environment)?;
        if known && part.before.is_some() {
            continue;
        }
        let said = blocking(|| place.propose(project)).class(Class::Environment)?;
        if is_up_to_date(&said) && part.before.is_some() {
            blocking(|| place.note_installed(project))?;
            continue;
        }
        part.proposal = Some(part.installation.proposal(&said, part.before.clone()).await?);
    }
    Ok(())
}

fn show(parts: &[Part]) {
    for part in parts {
        if parts.len() > 1 {
            say(&format!("{}:", part.place.place));
        }
        match &part.proposal {
            Some(proposal) => say(&changes_text(&proposal.changes, part.step == Step::Install)),
            None => say("  nothing changes"),
        }
    }
}

/// Leaves everything as it is.
async fn discard(parts: &[Part]) -> Result<(), Failure> {
    for part in parts {
        if let Some(proposal) = &part.proposal {
            part.installation.discard(proposal).await?;
        }
    }
    Ok(())
}

/// Does what was confirmed, one region after the other; the home region's stack as it then is, if it was changed.
async fn carry_out(project: &Project, parts: &[Part]) -> Result<Option<StackDescription>, Failure> {
    let all: Vec<Region> = parts.iter().map(|part| part.place.region().clone()).collect();
    let mut home = None;
    for (index, part) in parts.iter().enumerate() {
        let done = async {
            if let Some(proposal) = &part.proposal {
                let stack = part.installation.carry_out(proposal).await?;
                blocking(|| part.place.note_installed(project))?;
                if index == 0 {
                    home = Some(stack);
                }
            }
            if index == 0 && all.len() > 1 {
                part.installation.table_is_whole(&all).await?;
            }
            anyhow::Ok(())
        };
        if let Err(error) = done.await {
            // Nobody is to carry out by hand what was proposed before this failed.
            discard(parts.get(index + 1..).unwrap_or_default()).await?;
            let what = match all.len() {
                1 => return Err(error.into()),
                _ => format!(
                    "install {} in {}; what comes before it stands",
                    part.place.name, part.place.place
                ),
            };
            return Err(error.context(what).into());
        }
    }
    Ok(home)
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
    region: Option<&Region>,
) -> Result<Place, Failure> {
    match context.options.target {
        Target::Local => {
            let running = blocking(|| LocalAws::running(project)).class(Class::Environment)?;
            let Some(local) = running else {
                let hint = context.own_command("local up");
                let message = format!("the local AWS is not running; start it with `{hint}`");
                return Err(Failure::new(Class::Environment, message));
            };
            Ok(Place::local(local, &context.options.control_plane, region))
        }
        Target::Aws => Place::aws(project, &options.config_env, region)
            .await
            .class(Class::Environment),
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

/// Where all of it is, for people.
fn whole_place(parts: &[Part]) -> String {
    match parts {
        [part] => part.place.place.clone(),
        _ => regions::list(&all_regions(parts)),
    }
}

fn all_regions(parts: &[Part]) -> Vec<Region> {
    parts.iter().map(|part| part.place.region().clone()).collect()
}

/// `changed` is the home region's stack, where that was changed.
fn report(context: &Context, parts: &[Part], changed: Option<&StackDescription>) -> Result<(), Failure> {
    let has_changed = parts.iter().any(|part| part.proposal.is_some());
    let Some(home) = parts.first() else {
        return Ok(());
    };
    let name = &home.place.name;
    let nothing = BTreeMap::new();
    let outputs = changed
        .or(home.before.as_ref())
        .map_or(&nothing, |stack| &stack.outputs);
    if context.options.output == Format::Json {
        return Ok(print_json(&json!({
            "control_plane": name,
            "region": home.place.region(),
            "regions": all_regions(parts),
            "version": VERSION,
            "changed": has_changed,
            "outputs": outputs,
        }))?);
    }
    let text = match has_changed {
        true => format!(
            "version {VERSION} of the control plane {name} is installed in {}",
            whole_place(parts)
        ),
        false => format!("nothing to do: version {VERSION} of the control plane {name} is up to date"),
    };
    Ok(print_text(&format!("{text}\n\n{}", next(&home.place, outputs)))?)
}

/// What to do next.
fn next(place: &Place, outputs: &BTreeMap<String, String>) -> String {
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
        if let Some(value) = outputs.get(output) {
            lines.push(format!("{what} {value}"));
        }
    }
    lines.join("\n")
}
