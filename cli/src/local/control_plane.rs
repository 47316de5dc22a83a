//! Installing the control plane into a local AWS, from the template that installs it into a real one.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::functions::file_stamp;
use super::{Architecture, LocalAws, Progress, Project, certificates, functions, log, tools_venv};

const LOG_LINES_MAX: usize = 40;

/// What a deployment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployed {
    /// The control plane was installed, or brought up to date.
    Now,
    /// It is there as the template and the functions want it; nothing was called.
    Already,
}

/// A control plane as it is installed in one region of a local AWS.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// Its name.
    pub name: &'a str,
    /// The region.
    pub region: &'a str,
    /// What the template takes beside the name, as `Name=value`.
    pub parameters: &'a [String],
}

/// Installs the control plane of a name from the checkout's template, in the local AWS's own region alone; the functions must
/// be built.
///
/// Idempotent: what has not changed since is not deployed again. Of several processes at once, one deploys at a time.
///
/// # Errors
/// When the tools cannot be installed or `sam deploy` fails: the error shows the end of its log.
pub fn deploy(project: &Project, local: &LocalAws, name: &str, progress: Progress<'_>) -> Result<Deployed> {
    let lock = File::create(local.directory().join("deploy.lock")).context("make the lock of sam deploy")?;
    lock.lock().context("wait for the lock of sam deploy")?;
    let deployment = Deployment {
        name,
        region: local.region(),
        parameters: &[],
    };
    if is_deployed(project, local, &deployment)? {
        return Ok(Deployed::Already);
    }
    let venv = tools_venv(project, progress)?;
    progress(&format!("installing the control plane {name} with sam deploy"));
    let command = sam_deploy(project, local, &deployment, &venv)?;
    run_logged(command, "sam deploy", &local.directory().join("sam-deploy.log"))
        .with_context(|| format!("cannot install the control plane {name} at {}", local.endpoint()))?;
    note_deployed(project, local, &deployment)?;
    Ok(Deployed::Now)
}

/// Whether that control plane is as the template and the functions want it, as far as this machine knows.
///
/// # Errors
/// When a function is not built.
pub fn is_deployed(project: &Project, local: &LocalAws, deployment: &Deployment<'_>) -> Result<bool> {
    let stamp = stamp_of(project, local, deployment)?;
    Ok(std::fs::read_to_string(stamp_path(local, deployment)).is_ok_and(|installed| installed == stamp))
}

/// Remembers that it was deployed.
///
/// # Errors
/// When that cannot be written.
pub fn note_deployed(project: &Project, local: &LocalAws, deployment: &Deployment<'_>) -> Result<()> {
    let stamp = stamp_of(project, local, deployment)?;
    std::fs::write(stamp_path(local, deployment), stamp).context("record what is deployed")
}

fn stamp_path(local: &LocalAws, deployment: &Deployment<'_>) -> PathBuf {
    let Deployment { name, region, .. } = deployment;
    local.directory().join(format!("control-plane-{name}-{region}"))
}

/// `sam deploy` of a control plane into a local AWS; it asks nothing.
///
/// # Errors
/// When Lambda has no architecture such as this machine's.
pub fn sam_deploy(project: &Project, local: &LocalAws, deployment: &Deployment<'_>, venv: &Path) -> Result<Command> {
    let Deployment {
        name,
        region,
        parameters,
    } = deployment;
    let mut command = sam(project, venv);
    local.set_environment(&mut command);
    command
        .arg("deploy")
        .args(["--stack-name", name, "--region", region, "--resolve-s3"])
        .args(["--capabilities", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"])
        .args([
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--no-progressbar",
        ])
        .arg("--template-file")
        .arg(project.template())
        .arg("--parameter-overrides")
        .arg(format!("Name={name}"))
        .arg(format!("Architecture={}", Architecture::of_host()?.as_str()))
        .args(*parameters)
        .env("SAM_CLI_POLL_DELAY", "0.3")
        .env("__SAM_CLI_APP_DIR", project.work_directory().join("sam"));
    Ok(command)
}

/// Runs a command whose output goes to a log; what it said.
///
/// # Errors
/// When it cannot be run or fails: the error shows the end of the log, and where the rest is.
pub fn run_logged(mut command: Command, what: &str, log_path: &Path) -> Result<String> {
    let log_file = File::create(log_path).with_context(|| format!("write {}", log_path.display()))?;
    let status = command
        .stdout(
            log_file
                .try_clone()
                .with_context(|| format!("share {}", log_path.display()))?,
        )
        .stderr(log_file)
        .status()
        .with_context(|| format!("run {what}"))?;
    if !status.success() {
        bail!("{what} ended with {status}{}", log::tail(log_path, LOG_LINES_MAX));
    }
    std::fs::read_to_string(log_path).with_context(|| format!("read {}", log_path.display()))
}

/// The SAM command line of a virtual environment, without telemetry, run from the checkout's top folder.
pub fn sam(project: &Project, venv: &Path) -> Command {
    let mut command = Command::new(venv.join("bin/sam"));
    command
        .current_dir(project.root())
        .env("SAM_CLI_TELEMETRY", "0")
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .stdin(Stdio::null());
    command
}

/// What a deployment depends on: the instance, since all it holds ends with it, the template with what it includes,
/// and the functions.
fn stamp_of(project: &Project, local: &LocalAws, deployment: &Deployment<'_>) -> Result<String> {
    let mut lines = vec![deployment.name.to_owned(), local.started_at().to_owned()];
    lines.extend(deployment.parameters.iter().cloned());
    for path in texts(project)? {
        let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        lines.push(format!("{} {}", path.display(), hex(&Sha256::digest(text))));
    }
    for function in functions(project)? {
        let bootstrap = project.lambda_directory().join(&function).join("bootstrap");
        if !bootstrap.is_file() {
            bail!(
                "the function {function} is not built: {} is not there",
                bootstrap.display()
            );
        }
        lines.push(file_stamp(&bootstrap)?);
    }
    lines.push(file_stamp(&certificates::path(project))?);
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn texts(project: &Project) -> Result<Vec<PathBuf>> {
    let folder = project.root().join("statemachines");
    let what = || format!("list {}", folder.display());
    let mut paths = vec![project.template()];
    for entry in std::fs::read_dir(&folder).with_context(what)? {
        let path = entry.with_context(what)?.path();
        if path.extension() == Some(OsStr::new("json")) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
