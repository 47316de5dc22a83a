//! Where a control plane is installed, and how it is built for there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use outrigger_aws::Aws;
use outrigger_model::Region;
use serde::Deserialize;

use super::certificates;
use super::regions::parameters;
use crate::context::{blocking, say};
use crate::local::{self, Deployment, LocalAws, Project, cargo_lambda_venv, run_logged, sam, tools_venv};

/// Where a control plane is installed: one region of it.
#[derive(Clone)]
pub(crate) struct Place {
    /// The control plane's name: that of its CloudFormation stack.
    pub(crate) name: String,
    /// Where that is, for people.
    pub(crate) place: String,
    pub(super) aws: Aws,
    pub(super) region: Region,
    /// What the template takes of the regions, as `Name=value`.
    parameters: Vec<String>,
    /// How often CloudFormation is asked how it goes.
    pub(super) poll: Duration,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// The AWS on this machine.
    Local(Arc<LocalAws>),
    /// The account of the environment's credentials, as an environment of samconfig.toml says.
    Aws { config_env: String },
}

impl Place {
    /// The local AWS, in the region asked for or its own.
    pub(crate) fn local(local: LocalAws, name: &str, region: Option<&Region>) -> Self {
        let region = region.cloned().unwrap_or_else(|| Region::new(local.region()));
        let mut place = format!("the local AWS at {}", local.endpoint());
        if region.as_str() != local.region() {
            place.push_str(&format!(", {region}"));
        }
        Self {
            name: name.to_owned(),
            place,
            aws: local.aws(),
            region,
            parameters: Vec::new(),
            poll: Duration::from_millis(300),
            kind: Kind::Local(Arc::new(local)),
        }
    }

    /// The account of the environment's credentials, in the region asked for or the environment's own.
    ///
    /// # Errors
    /// When samconfig.toml has no such environment, or no region is known.
    pub(crate) async fn aws(project: &Project, config_env: &str, region: Option<&Region>) -> Result<Self> {
        let name = stack_name(
            &std::fs::read_to_string(samconfig(project)).context("read samconfig.toml")?,
            config_env,
        )?;
        let aws = Aws::new();
        let region = match region {
            Some(region) => region.clone(),
            None => crate::control_plane::region_of(&aws).await?,
        };
        Ok(Self {
            name,
            place: format!("AWS, {region}"),
            aws,
            region,
            parameters: Vec::new(),
            poll: Duration::from_secs(2),
            kind: Kind::Aws {
                config_env: config_env.to_owned(),
            },
        })
    }

    /// The same control plane in each of its regions, the home region first.
    pub(crate) fn in_regions(&self, regions: &[Region]) -> Vec<Self> {
        let of = |region: &Region| Self {
            region: region.clone(),
            place: match &self.kind {
                Kind::Local(local) if regions.len() == 1 => format!("the local AWS at {}", local.endpoint()),
                Kind::Local(local) => format!("the local AWS at {}, {region}", local.endpoint()),
                Kind::Aws { .. } => format!("AWS, {region}"),
            },
            parameters: parameters(regions),
            ..self.clone()
        };
        regions.iter().map(of).collect()
    }

    /// Whether it is the local AWS.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.kind, Kind::Local(_))
    }

    /// The region.
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    fn deployment(&self) -> Deployment<'_> {
        Deployment {
            name: &self.name,
            region: self.region.as_str(),
            parameters: &self.parameters,
        }
    }

    /// Builds the functions for there; with the database agent the certificates of the databases there.
    ///
    /// # Errors
    /// When a tool is missing or fails; what it says goes to standard error. When there are no certificates, before anything
    /// is built.
    pub(crate) async fn build(&self, project: &Project) -> Result<()> {
        match &self.kind {
            Kind::Local(_) => blocking(|| local::build_functions(project, &mut say).map(|_| ())),
            Kind::Aws { .. } => {
                let certificates = certificates::of(project, &self.region).await?;
                blocking(|| build_for_lambda(project))?;
                local::trust(project, &certificates)
            }
        }
    }

    /// Whether this machine knows, without asking, that nothing has changed since it was last installed.
    ///
    /// # Errors
    /// When a function is not built.
    pub(crate) fn is_known_to_be_installed(&self, project: &Project) -> Result<bool> {
        match &self.kind {
            Kind::Local(local) => local::is_deployed(project, local, &self.deployment()),
            Kind::Aws { .. } => Ok(false),
        }
    }

    /// Remembers that it is installed, where a machine can know that.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(crate) fn note_installed(&self, project: &Project) -> Result<()> {
        match &self.kind {
            Kind::Local(local) => local::note_deployed(project, local, &self.deployment()),
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
            Kind::Local(local) => local::sam_deploy(project, local, &self.deployment(), &venv)?,
            Kind::Aws { config_env } => {
                let mut command = sam(project, &venv);
                command.args(["deploy", "--config-env", config_env, "--region", self.region.as_str()]);
                command.args([
                    "--no-confirm-changeset",
                    "--no-fail-on-empty-changeset",
                    "--no-progressbar",
                ]);
                if !self.parameters.is_empty() {
                    // On the command line they take the place of those of samconfig.toml: all of them are said.
                    let samconfig = std::fs::read_to_string(samconfig(project)).context("read samconfig.toml")?;
                    command.arg("--parameter-overrides");
                    command.args(
                        overrides(&samconfig, config_env)?
                            .into_iter()
                            .chain(self.parameters.clone()),
                    );
                }
                command
            }
        };
        command.arg("--no-execute-changeset");
        let log = match self.parameters.is_empty() {
            true => format!("sam-deploy-{}.log", self.name),
            false => format!("sam-deploy-{}-{}.log", self.name, self.region),
        };
        let log = project.work_directory().join(log);
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
    #[serde(default)]
    parameter_overrides: Option<Overrides>,
}

/// One text of many `Name=value`, or a list of them, as `sam deploy` takes both.
#[derive(Deserialize)]
#[serde(untagged)]
enum Overrides {
    Text(String),
    List(Vec<String>),
}

/// The name of the CloudFormation stack that an environment of samconfig.toml installs.
fn stack_name(samconfig: &str, config_env: &str) -> Result<String> {
    Ok(parameters_of(samconfig, config_env)?.stack_name)
}

/// The template's parameters that an environment of samconfig.toml gives.
fn overrides(samconfig: &str, config_env: &str) -> Result<Vec<String>> {
    Ok(match parameters_of(samconfig, config_env)?.parameter_overrides {
        None => Vec::new(),
        Some(Overrides::Text(text)) => vec![text],
        Some(Overrides::List(list)) => list,
    })
}

fn parameters_of(samconfig: &str, config_env: &str) -> Result<SamParameters> {
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
    Ok(environment.deploy.parameters)
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
    fn samconfig_gives_the_parameters() {
        assert_eq!(
            overrides(SAMCONFIG, "prod").unwrap(),
            ["Name=outrigger", "Environment=prod", "LogRetentionDays=90"]
        );
        let text = "[dev.deploy.parameters]\nstack_name = 'a'\nparameter_overrides = 'Name=a Notify=all'\n";
        assert_eq!(overrides(text, "dev").unwrap(), ["Name=a Notify=all"]);
        let text = "[dev.deploy.parameters]\nstack_name = 'a'\n";
        assert!(overrides(text, "dev").unwrap().is_empty());
    }

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
