//! Where a control plane is installed, and how it is built for there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use outrigger_aws::Aws;
use outrigger_model::Region;
use serde::Deserialize;

use crate::context::say;
use crate::local::{self, LocalAws, Project, cargo_lambda_venv, run_logged, sam, tools_venv};

/// Where a control plane is installed.
pub(crate) struct Place {
    /// The control plane's name: that of its CloudFormation stack.
    pub(crate) name: String,
    /// Where that is, for people.
    pub(crate) place: String,
    pub(super) aws: Aws,
    pub(super) region: Region,
    /// How often CloudFormation is asked how it goes.
    pub(super) poll: Duration,
    kind: Kind,
}

enum Kind {
    /// The AWS on this machine.
    Local(Box<LocalAws>),
    /// The account of the environment's credentials, as an environment of samconfig.toml says.
    Aws { config_env: String },
}

impl Place {
    /// The local AWS, in its one region.
    ///
    /// # Errors
    /// When another region is asked for.
    pub(crate) fn local(local: LocalAws, name: &str, region: Option<&str>) -> Result<Self> {
        if let Some(region) = region.filter(|region| *region != local.region()) {
            bail!(
                "the local AWS has its control plane in {}, not in {region}",
                local.region()
            );
        }
        Ok(Self {
            name: name.to_owned(),
            place: format!("the local AWS at {}", local.endpoint()),
            aws: local.aws(),
            region: Region::new(local.region()),
            poll: Duration::from_millis(300),
            kind: Kind::Local(Box::new(local)),
        })
    }

    /// The account of the environment's credentials, in the region asked for or the environment's own.
    ///
    /// # Errors
    /// When samconfig.toml has no such environment, or no region is known.
    pub(crate) async fn aws(project: &Project, config_env: &str, region: Option<&str>) -> Result<Self> {
        let name = stack_name(
            &std::fs::read_to_string(samconfig(project)).context("read samconfig.toml")?,
            config_env,
        )?;
        let aws = Aws::new();
        let region = match region {
            Some(region) => Region::new(region),
            None => crate::control_plane::region_of(&aws).await?,
        };
        Ok(Self {
            name,
            place: format!("AWS, {region}"),
            aws,
            region,
            poll: Duration::from_secs(2),
            kind: Kind::Aws {
                config_env: config_env.to_owned(),
            },
        })
    }

    /// Whether it is the local AWS.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.kind, Kind::Local(_))
    }

    /// The region's name.
    pub(crate) fn region(&self) -> &str {
        self.region.as_str()
    }

    /// Builds the functions for there.
    ///
    /// # Errors
    /// When a tool is missing or fails; what it says goes to standard error.
    pub(crate) fn build(&self, project: &Project) -> Result<()> {
        match &self.kind {
            Kind::Local(_) => local::build_functions(project, &mut say).map(|_| ()),
            Kind::Aws { .. } => build_for_lambda(project),
        }
    }

    /// Whether this machine knows, without asking, that nothing has changed since it was last installed.
    ///
    /// # Errors
    /// When a function is not built.
    pub(crate) fn is_known_to_be_installed(&self, project: &Project) -> Result<bool> {
        match &self.kind {
            Kind::Local(local) => local::is_deployed(project, local, &self.name),
            Kind::Aws { .. } => Ok(false),
        }
    }

    /// Remembers that it is installed, where a machine can know that.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(crate) fn note_installed(&self, project: &Project) -> Result<()> {
        match &self.kind {
            Kind::Local(local) => local::note_deployed(project, local, &self.name),
            Kind::Aws { .. } => Ok(()),
        }
    }

    /// Uploads what was built and has CloudFormation make out what would change, with SAM; what SAM said.
    ///
    /// # Errors
    /// When SAM fails: the error shows the end of what it said, and where the rest is.
    pub(crate) fn propose(&self, project: &Project) -> Result<String> {
        let venv = tools_venv(project, &mut say)?;
        let mut command = match &self.kind {
            Kind::Local(local) => local::sam_deploy(project, local, &self.name, &venv)?,
            Kind::Aws { config_env } => {
                let mut command = sam(project, &venv);
                command.args(["deploy", "--config-env", config_env, "--region", self.region.as_str()]);
                command.args([
                    "--no-confirm-changeset",
                    "--no-fail-on-empty-changeset",
                    "--no-progressbar",
                ]);
                command
            }
        };
        command.arg("--no-execute-changeset");
        let log = project.work_directory().join(format!("sam-deploy-{}.log", self.name));
        std::fs::create_dir_all(project.work_directory()).context("make the folder of sam deploy's log")?;
        say(&format!(
            "uploading, and asking CloudFormation what would change; what SAM says is in {}",
            log.display()
        ));
        run_logged(command, "sam deploy", &log)
            .with_context(|| format!("cannot install the control plane {} in {}", self.name, self.place))
    }
}

fn samconfig(project: &Project) -> PathBuf {
    project.root().join("samconfig.toml")
}

/// An environment of samconfig.toml, as far as anyone here asks.
#[derive(Deserialize)]
struct SamEnvironment {
    deploy: SamCommand,
}

#[derive(Deserialize)]
struct SamCommand {
    parameters: SamParameters,
}

#[derive(Deserialize)]
struct SamParameters {
    stack_name: String,
}

/// The name of the CloudFormation stack that an environment of samconfig.toml installs.
fn stack_name(samconfig: &str, config_env: &str) -> Result<String> {
    let mut environments: BTreeMap<String, toml::Value> = toml::from_str(samconfig).context("read samconfig.toml")?;
    environments.retain(|_, value| value.is_table());
    let known: Vec<&str> = environments.keys().map(String::as_str).collect();
    let found = environments.get(config_env).cloned().ok_or_else(|| {
        anyhow!(
            "samconfig.toml has no environment {config_env}; it has {}",
            known.join(", ")
        )
    })?;
    let environment: SamEnvironment = found
        .try_into()
        .with_context(|| format!("read the environment {config_env} of samconfig.toml"))?;
    Ok(environment.deploy.parameters.stack_name)
}

/// Builds for Lambda's ARM machines. Cargo talks to the user itself, on standard error.
fn build_for_lambda(project: &Project) -> Result<()> {
    let venv = cargo_lambda_venv(project, &mut say)?;
    say("building the functions for Lambda (arm64, release); the first time takes many minutes");
    let mut build = Command::new(venv.join("bin/cargo-lambda"));
    build
        .args(["lambda", "build", "--release", "--arm64", "--lambda-dir"])
        .arg(project.lambda_directory())
        .current_dir(project.root())
        .stdin(Stdio::null())
        .stdout(std::io::stderr());
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
    let status = build.status().context("run cargo lambda build")?;
    if !status.success() {
        bail!("cargo lambda build ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMCONFIG: &str = include_str!("../../../samconfig.toml");

    #[test]
    fn samconfig_names_the_control_plane() {
        assert_eq!(stack_name(SAMCONFIG, "dev").unwrap(), "outrigger-dev");
        assert_eq!(stack_name(SAMCONFIG, "prod").unwrap(), "outrigger");
        for (text, config_env, words) in [
            (SAMCONFIG, "test", "no environment test; it has dev, prod"),
            ("[dev]\n", "dev", "read the environment dev"),
            ("dev", "dev", "read samconfig.toml"),
        ] {
            let error = stack_name(text, config_env).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
