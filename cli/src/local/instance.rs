//! A running local AWS: starting one, asking it, and setting its faults.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use outrigger_aws::Aws;
use serde::Deserialize;
use tempfile::TempDir;

use super::{Call, Project, calls, http, local_venv, log, process};

const POLL: Duration = Duration::from_millis(20);
/// Starting takes about 2 s; a machine under load is given time, one where it hangs is told.
const START_PATIENCE: Duration = Duration::from_secs(120);
const STOP_PATIENCE: Duration = Duration::from_secs(10);
const LOG_LINES_MAX: usize = 20;
/// Not a secret: what an AWS that is not one takes for the root user's.
const DEFAULT_CREDENTIAL: &str = "test";

/// A local AWS that answers.
///
/// One that was started for a test ends when this is dropped, and its files with it; the operator's lives on.
#[derive(Debug)]
pub struct LocalAws {
    endpoint: EndpointFile,
    directory: PathBuf,
    // Dropped in this order: first the process, then its files.
    _process: Option<OwnedProcess>,
    _files: Option<TempDir>,
}

/// What the local AWS writes to `endpoint.json` once it answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct EndpointFile {
    pub(super) endpoint: String,
    pub(super) pid: u32,
    pub(super) started_at: String,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) region: Option<String>,
    #[serde(default)]
    pub(super) access_key_id: Option<String>,
    #[serde(default)]
    pub(super) secret_access_key: Option<String>,
}

impl EndpointFile {
    /// None when it is not there or is not whole.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(directory.join("endpoint.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    pub(super) fn is_healthy(&self) -> bool {
        http::get(&format!("{}/_outrigger/health", self.endpoint)).is_ok_and(|answer| answer.status == 200)
    }
}

#[derive(Debug)]
struct OwnedProcess(Child);

impl Drop for OwnedProcess {
    fn drop(&mut self) {
        // Asked first, so that it ends what it has started itself.
        process::terminate(self.0.id());
        let until = Instant::now() + STOP_PATIENCE;
        while Instant::now() < until {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(POLL),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl LocalAws {
    /// Starts one of its own for a test, in a directory of its own, on a free port; IAM is enforced.
    ///
    /// It ends when this is dropped, and with the test's process whatever happens.
    ///
    /// # Errors
    /// When the virtual environment cannot be made or the local AWS does not start: the error shows the end of its log.
    pub fn start_for_test() -> Result<Self> {
        let project = Project::of_test()?;
        let files = tempfile::Builder::new()
            .prefix("outrigger-test-")
            .tempdir()
            .context("make a directory for the local AWS")?;
        let directory = files.path().canonicalize().context("find the local AWS's directory")?;
        let venv = local_venv(&project, &mut |line| eprintln!("{line}"))?;
        let mut process = OwnedProcess(spawn(&project, &venv, &directory, &["--exit-with-parent"])?);
        let endpoint = wait_until_ready(&directory, || has_ended(&mut process.0))?;
        Ok(Self {
            endpoint,
            directory,
            _process: Some(process),
            _files: Some(files),
        })
    }

    /// One that someone else has started and keeps.
    pub(super) fn attached(endpoint: EndpointFile, directory: &Path) -> Self {
        Self {
            endpoint,
            directory: directory.to_owned(),
            _process: None,
            _files: None,
        }
    }

    /// Its address, for any AWS client.
    pub fn endpoint(&self) -> &str {
        &self.endpoint.endpoint
    }

    /// Where it writes: `calls.jsonl`, its log, what it holds.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.endpoint.pid
    }

    /// When it was started: names this instance, since all it holds ends with it.
    pub fn started_at(&self) -> &str {
        &self.endpoint.started_at
    }

    /// The version of MiniStack in it.
    pub fn version(&self) -> &str {
        &self.endpoint.version
    }

    /// The region that is meant when none is named.
    pub fn region(&self) -> &str {
        self.endpoint.region.as_deref().unwrap_or("us-east-1")
    }

    /// Every call so far, in the order in which they were answered.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn calls(&self) -> Result<Vec<Call>> {
        calls::read(&self.directory.join("calls.jsonl"))
    }

    /// Replaces the faults that it does (`bootstrap/local` documents them); `{}` for none.
    ///
    /// # Errors
    /// When it does not know one of them.
    pub fn set_faults(&self, faults: &serde_json::Value) -> Result<()> {
        let answer = http::put(&format!("{}/_outrigger/faults", self.endpoint()), &faults.to_string())?;
        if answer.status != 200 {
            bail!(
                "the local AWS refused the faults with {}: {}",
                answer.status,
                answer.body
            );
        }
        Ok(())
    }

    /// A configuration for an SDK's client, in one region, as the root user.
    pub fn sdk_config(&self, region: &str) -> SdkConfig {
        self.sdk_config_as(region, self.access_key_id(), self.secret_access_key())
    }

    /// A configuration for an SDK's client, in one region, as the user with these credentials.
    pub fn sdk_config_as(&self, region: &str, access_key_id: &str, secret_access_key: &str) -> SdkConfig {
        let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "outrigger-local");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(self.endpoint())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// What the adapters take, as the root user.
    pub fn aws(&self) -> Aws {
        Aws::with_config(self.sdk_config(self.region()))
    }

    /// Makes a command's AWS this one: its endpoint, region and credentials, and nothing of the caller's.
    pub fn set_environment(&self, command: &mut Command) {
        scrub(command);
        let nothing = self.directory.join("no-aws-configuration");
        command
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .env("AWS_REGION", self.region())
            .env("AWS_DEFAULT_REGION", self.region())
            .env("AWS_ACCESS_KEY_ID", self.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", self.secret_access_key())
            .env("AWS_CONFIG_FILE", &nothing)
            .env("AWS_SHARED_CREDENTIALS_FILE", &nothing)
            .env("AWS_EC2_METADATA_DISABLED", "true");
    }

    /// The root user's access key, for any AWS client; it opens nothing but this.
    pub fn access_key_id(&self) -> &str {
        self.endpoint.access_key_id.as_deref().unwrap_or(DEFAULT_CREDENTIAL)
    }

    /// What belongs to [`LocalAws::access_key_id`].
    pub fn secret_access_key(&self) -> &str {
        self.endpoint.secret_access_key.as_deref().unwrap_or(DEFAULT_CREDENTIAL)
    }
}

/// Starts the process: in a process group of its own, so that the terminal's Ctrl-C is not for it.
pub(super) fn spawn(project: &Project, venv: &Path, directory: &Path, options: &[&str]) -> Result<Child> {
    let log_path = log_path(directory);
    let log_file = File::create(&log_path).with_context(|| format!("write {}", log_path.display()))?;
    let mut command = Command::new(venv.join("bin/python"));
    scrub(&mut command);
    command
        .args(["-m", "outrigger_local", "--port", "0", "--directory"])
        .arg(directory)
        .args(options)
        .env("PYTHONPATH", project.root().join("bootstrap/local"))
        // Functions look at resources by the clock on the wall: a workflow that comes back sooner only asks in vain.
        .env("SFN_WAIT_SCALE", "1")
        .env_remove("PYTHONHOME")
        .current_dir(directory)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log_file.try_clone().context("share the local AWS's log")?)
        .stderr(log_file)
        .spawn()
        .with_context(|| format!("start the local AWS with {}", venv.join("bin/python").display()))
}

/// Waits until the local AWS on a directory answers. `ended` says how its process ended, if it has.
pub(super) fn wait_until_ready(
    directory: &Path,
    mut ended: impl FnMut() -> Result<Option<String>>,
) -> Result<EndpointFile> {
    let log_path = log_path(directory);
    let until = Instant::now() + START_PATIENCE;
    loop {
        if let Some(how) = ended()? {
            bail!(
                "the local AWS did not start: {how}{}",
                log::tail(&log_path, LOG_LINES_MAX)
            );
        }
        if let Some(endpoint) = EndpointFile::read(directory)
            && endpoint.is_healthy()
        {
            return Ok(endpoint);
        }
        if Instant::now() >= until {
            bail!(
                "the local AWS does not answer after {} s{}",
                START_PATIENCE.as_secs(),
                log::tail(&log_path, LOG_LINES_MAX)
            );
        }
        std::thread::sleep(POLL);
    }
}

/// How a child ended, if it has.
pub(super) fn has_ended(child: &mut Child) -> Result<Option<String>> {
    let status = child.try_wait().context("look after the local AWS's process")?;
    Ok(status.map(|status| format!("its process ended with {status}")))
}

fn log_path(directory: &Path) -> PathBuf {
    directory.join("local-aws.log")
}

/// Takes the caller's AWS out of a command's environment, and keeps proxies out of the way to loopback.
fn scrub(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    for name in ["NO_PROXY", "no_proxy"] {
        let mut hosts = std::env::var(name).unwrap_or_default();
        if !hosts.is_empty() {
            hosts.push(',');
        }
        hosts.push_str("127.0.0.1,localhost");
        command.env(name, hosts);
    }
}
