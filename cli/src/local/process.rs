//! Processes by their id: whether one is ours, and ending it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// The module that the local AWS runs as: what tells its process from another with a reused id.
const MODULE: &str = "outrigger_local";
const POLL: Duration = Duration::from_millis(20);

/// Whether the process runs a local AWS on that directory. Ids are reused, so the id alone says nothing.
pub(super) fn is_local_aws(pid: u32, directory: &Path) -> bool {
    let directory = directory.to_string_lossy();
    arguments_of(pid).is_some_and(|arguments| {
        let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
        has(MODULE) && has(&directory)
    })
}

fn arguments_of(pid: u32) -> Option<Vec<String>> {
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let arguments = bytes.split(|byte| *byte == 0);
        return Some(
            arguments
                .map(|argument| String::from_utf8_lossy(argument).into_owned())
                .collect(),
        );
    }
    // Without /proc (macOS) a path with spaces in it is not told apart, and counts as not ours.
    let output = Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let line = String::from_utf8_lossy(&output.stdout);
    output
        .status
        .success()
        .then(|| line.split_whitespace().map(str::to_owned).collect())
}

fn id(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Asks a process to end; one that has ended already is fine.
pub(super) fn terminate(pid: u32) {
    if let Some(id) = id(pid) {
        let _ = kill_process(id, Signal::TERM);
    }
}

/// Ends a local AWS that is not a child of this process, and waits until it is gone.
///
/// # Errors
/// When it is still there although it was killed.
pub(super) fn end(pid: u32, directory: &Path, patience: Duration) -> Result<()> {
    let Some(id) = id(pid) else { return Ok(()) };
    for signal in [Signal::TERM, Signal::KILL] {
        // Asked again right before each signal: only a local AWS on this directory is ever sent one.
        if !is_local_aws(pid, directory) {
            return Ok(());
        }
        if let Err(error) = kill_process(id, signal)
            && test_kill_process(id).is_ok()
        {
            return Err(error).with_context(|| format!("stop the local AWS, process {pid}"));
        }
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if !is_local_aws(pid, directory) {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
    }
    bail!("the local AWS, process {pid}, does not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_is_not_ours_and_is_left_alone() {
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_local_aws(other.id(), folder.path()));
        end(other.id(), folder.path(), Duration::from_secs(1)).unwrap();
        assert!(other.try_wait().unwrap().is_none(), "it was ended");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
