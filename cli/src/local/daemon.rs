//! The operator's local AWS: one per checkout, and it outlives the command that started it.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::instance::{EndpointFile, has_ended, spawn, wait_until_ready};
use super::{LocalAws, Progress, Project, local_venv, process};

const STOP_PATIENCE: Duration = Duration::from_secs(15);
/// A healthy one answers at once; one that is busy is given this long before it counts as broken.
const HEALTH_TRIES: u32 = 20;
const HEALTH_PAUSE: Duration = Duration::from_millis(250);

impl LocalAws {
    /// The operator's local AWS, if it is running. What a killed one has left behind does not count.
    ///
    /// # Errors
    /// When its process is there and does not answer.
    pub fn running(project: &Project) -> Result<Option<Self>> {
        let directory = project.local_directory();
        let Some(endpoint) = EndpointFile::read(&directory) else {
            return Ok(None);
        };
        for attempt in 0..HEALTH_TRIES {
            if !process::is_local_aws(endpoint.pid, &directory) {
                return Ok(None);
            }
            if endpoint.is_healthy() {
                return Ok(Some(Self::attached(endpoint, &directory)));
            }
            if attempt + 1 < HEALTH_TRIES {
                std::thread::sleep(HEALTH_PAUSE);
            }
        }
        bail!(
            "the local AWS at {}, process {}, does not answer; stop it with `outrigger local down`",
            endpoint.endpoint,
            endpoint.pid
        )
    }
}

/// Starts the operator's local AWS, or finds it running; whether it was started.
///
/// Idempotent, also when several processes do it at once.
///
/// # Errors
/// When the virtual environment cannot be made, or the local AWS does not start.
pub fn start(project: &Project, progress: Progress<'_>) -> Result<(LocalAws, bool)> {
    let directory = project.local_directory();
    let _lock = lock(project)?;
    if let Some(running) = LocalAws::running(project)? {
        return Ok((running, false));
    }
    let venv = local_venv(project, progress)?;
    if let Some(pid) = starting(&directory) {
        progress("waiting for the local AWS that was being started");
        let ended = || Ok((!process::is_local_aws(pid, &directory)).then(|| "its process ended".to_owned()));
        let endpoint = wait_until_ready(&directory, ended)?;
        return Ok((LocalAws::attached(endpoint, &directory), true));
    }
    // All it held went with its process; what is left are logs and files of no use.
    if directory.exists() {
        std::fs::remove_dir_all(&directory)
            .with_context(|| format!("remove what the last local AWS left in {}", directory.display()))?;
    }
    std::fs::create_dir_all(&directory).with_context(|| format!("make the folder {}", directory.display()))?;
    let mut child = spawn(project, &venv, &directory, &[])?;
    std::fs::write(pid_path(&directory), child.id().to_string()).context("record the local AWS's process")?;
    let endpoint = wait_until_ready(&directory, || has_ended(&mut child))?;
    Ok((LocalAws::attached(endpoint, &directory), true))
}

/// Stops the operator's local AWS; whether there was one. All it held is gone.
///
/// Idempotent. Only a process that is a local AWS of this checkout is ever sent a signal.
///
/// # Errors
/// When its process does not end.
pub fn stop(project: &Project) -> Result<bool> {
    let directory = project.local_directory();
    let _lock = lock(project)?;
    let recorded = EndpointFile::read(&directory).map(|endpoint| endpoint.pid);
    let mut stopped = false;
    for pid in recorded.into_iter().chain(starting(&directory)) {
        if process::is_local_aws(pid, &directory) {
            process::end(pid, &directory, STOP_PATIENCE)?;
            stopped = true;
        }
    }
    for name in ["endpoint.json", "pid"] {
        match std::fs::remove_file(directory.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("remove {name} of the local AWS")),
        }
    }
    Ok(stopped)
}

/// The process that was started and has perhaps not said yet where it listens.
fn starting(directory: &Path) -> Option<u32> {
    let pid = std::fs::read_to_string(pid_path(directory)).ok()?.trim().parse().ok()?;
    process::is_local_aws(pid, directory).then_some(pid)
}

fn pid_path(directory: &Path) -> std::path::PathBuf {
    directory.join("pid")
}

fn lock(project: &Project) -> Result<File> {
    let work = project.work_directory();
    std::fs::create_dir_all(&work).with_context(|| format!("make the folder {}", work.display()))?;
    let file = File::create(work.join("local.lock")).context("make the lock of the local AWS")?;
    file.lock().context("wait for the lock of the local AWS")?;
    Ok(file)
}
