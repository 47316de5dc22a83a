//! `outrigger bootstrap`: install or update the control plane.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use crate::arguments::{Format, Target};
use crate::context::{Context, blocking, say};
use crate::failure::{Class, Classify, Failure};
use crate::local::{self, Deployed, LocalAws, Project, cargo_lambda_venv, sam, tools_venv};
use crate::output::{print_json, print_text};

const EXAMPLES: &str = "\
Examples:
  outrigger bootstrap
  outrigger bootstrap --target aws --config-env prod";

/// What `bootstrap` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bootstrap {
    /// With --target aws: the environment of samconfig.toml that says how to install it
    #[arg(long, value_name = "ENVIRONMENT", default_value = "dev")]
    pub config_env: String,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Runs the command.
pub(super) fn run(context: &Context, options: &Bootstrap) -> Result<(), Failure> {
    let project = Project::find().class(Class::Environment)?;
    match context.options.target {
        Target::Local => {
            let running = blocking(|| LocalAws::running(&project)).class(Class::Environment)?;
            let Some(local) = running else {
                let hint = context.own_command("local up");
                let message = format!("the local AWS is not running; start it with `{hint}`");
                return Err(Failure::new(Class::Environment, message));
            };
            let question = format!(
                "Install the control plane {} in the local AWS at {}?",
                context.options.control_plane,
                local.endpoint()
            );
            context.confirm(&question, options.yes)?;
            let deployed = install_locally(context, &project, &local)?;
            report(context, deployed)
        }
        Target::Aws => {
            let question = format!(
                "Build the functions and install the control plane of samconfig.toml's environment {} into the AWS account \
                 of your credentials?",
                options.config_env
            );
            context.confirm(&question, options.yes)?;
            blocking(|| install_in_aws(&project, options))?;
            report(context, Deployed::Now)
        }
    }
}

/// Builds the functions and installs the control plane in a local AWS, if anything has changed.
pub(super) fn install_locally(context: &Context, project: &Project, local: &LocalAws) -> Result<Deployed, Failure> {
    blocking(|| {
        local::build_functions(project, &mut say)?;
        local::deploy(project, local, &context.options.control_plane, &mut say)
    })
    .class(Class::Environment)
}

fn report(context: &Context, deployed: Deployed) -> Result<(), Failure> {
    let (changed, text) = match deployed {
        Deployed::Now => (true, "the control plane is installed"),
        Deployed::Already => (false, "the control plane is up to date; nothing was changed"),
    };
    if context.options.output == Format::Json {
        let name = &context.options.control_plane;
        return Ok(print_json(&json!({"control_plane": name, "changed": changed}))?);
    }
    Ok(print_text(text)?)
}

/// What README.md says to do by hand: build for Lambda's ARM machines, then `sam deploy` with samconfig.toml.
///
/// SAM and Cargo talk to the user themselves, on standard error.
fn install_in_aws(project: &Project, options: &Bootstrap) -> Result<()> {
    let tools = tools_venv(project, &mut say)?;
    let venv = cargo_lambda_venv(project, &mut say)?;
    say("building the functions for Lambda (arm64, release); the first time takes many minutes");
    let mut build = Command::new(venv.join("bin/cargo-lambda"));
    build
        .args(["lambda", "build", "--release", "--arm64", "--lambda-dir"])
        .arg(project.lambda_directory())
        .current_dir(project.root());
    for function in local::functions(project)? {
        build.args(["--package", &function]);
    }
    // cargo-lambda finds Zig, its linker, beside itself.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(venv.join("bin")).chain(std::env::split_paths(&path));
    build.env(
        "PATH",
        std::env::join_paths(paths).context("put the tools on the PATH")?,
    );
    run_visibly(&mut build, "cargo lambda build")?;

    let mut deploy = sam(project, &tools);
    deploy
        .args(["deploy", "--config-env", &options.config_env])
        .stdin(Stdio::inherit());
    if options.yes {
        deploy.arg("--no-confirm-changeset");
    }
    run_visibly(&mut deploy, "sam deploy")
}

/// Runs a command whose output is for people: to standard error, so that standard output stays for results.
fn run_visibly(command: &mut Command, name: &str) -> Result<()> {
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("run {name}"))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}
