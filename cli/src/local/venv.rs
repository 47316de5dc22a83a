//! Virtual environments in the ignored folder, installed when first needed and when what they hold changes.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::{Progress, Project, log};

const LOG_LINES_MAX: usize = 20;

/// The virtual environment of the local AWS, made if need be; its folder.
///
/// # Errors
/// When there is no Python 3 or it has no `venv` module (the error says how to get it), or `pip` fails.
pub fn local_venv(project: &Project, progress: Progress<'_>) -> Result<PathBuf> {
    let requirements = project.root().join("bootstrap/local/requirements.txt");
    ready(project, "venv-local", &requirements, "the local AWS", progress)
}

/// The virtual environment of the tools that install the control plane (SAM), made if need be; its folder.
///
/// # Errors
/// As [`local_venv`].
pub fn tools_venv(project: &Project, progress: Progress<'_>) -> Result<PathBuf> {
    let requirements = project.root().join("bootstrap/tools/requirements.txt");
    ready(project, "venv-tools", &requirements, "the tools (AWS SAM)", progress)
}

/// The virtual environment of cargo-lambda, which builds the functions for Lambda and deploys one alone; its folder.
///
/// # Errors
/// As [`local_venv`].
pub fn cargo_lambda_venv(project: &Project, progress: Progress<'_>) -> Result<PathBuf> {
    let requirements = project.root().join("bootstrap/tools/cargo-lambda.txt");
    ready(project, "venv-cargo-lambda", &requirements, "cargo-lambda", progress)
}

/// # Guarantees
/// - Of any number of processes that ask at once, one installs and the others wait.
/// - An installation that was cut off is done again: the stamp is written last.
fn ready(project: &Project, name: &str, requirements: &Path, what: &str, progress: Progress<'_>) -> Result<PathBuf> {
    let work = project.work_directory();
    std::fs::create_dir_all(&work).with_context(|| format!("make the folder {}", work.display()))?;
    let folder = work.join(name);
    let lock = File::create(work.join(format!("{name}.lock")))
        .with_context(|| format!("make the lock of {}", folder.display()))?;
    lock.lock()
        .with_context(|| format!("wait for the lock of {}", folder.display()))?;

    let python = python_version()?;
    let text = std::fs::read(requirements).with_context(|| format!("read {}", requirements.display()))?;
    let stamp = stamp_of(&text, &python, &folder);
    let stamp_path = folder.join("outrigger-stamp");
    let installed = std::fs::read_to_string(&stamp_path).unwrap_or_default();
    if installed == stamp && folder.join("bin/python").exists() {
        return Ok(folder);
    }

    progress(&format!("installing {what} into {}", folder.display()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("remove the outdated {}", folder.display()))?;
    }
    let log_path = work.join(format!("{name}.log"));
    install(&folder, requirements, &log_path, what)?;
    let mut file = File::create(&stamp_path).with_context(|| format!("stamp {}", folder.display()))?;
    file.write_all(stamp.as_bytes())
        .with_context(|| format!("stamp {}", folder.display()))?;
    Ok(folder)
}

/// A virtual environment holds absolute paths, so a checkout that was moved needs a new one.
fn stamp_of(requirements: &[u8], python: &str, folder: &Path) -> String {
    let digest = Sha256::digest(requirements);
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hash}\n{python}\n{}\n", folder.display())
}

fn python_version() -> Result<String> {
    let output = match Command::new("python3").arg("--version").stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "python3 is not on the PATH; install Python 3.11 or later with its venv module \
             (Debian and Ubuntu: apt-get install python3 python3-venv; Fedora: dnf install python3; \
             macOS: brew install python)"
        ),
        Err(error) => return Err(error).context("run python3 --version"),
    };
    if !output.status.success() {
        bail!(
            "python3 --version failed with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !is_new_enough(&version) {
        bail!("python3 is {version}; Python 3.11 or later is needed, first on the PATH");
    }
    Ok(version)
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches("Python ").split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (3, 11),
        _ => false,
    }
}

fn install(folder: &Path, requirements: &Path, log_path: &Path, what: &str) -> Result<()> {
    let log_file = File::create(log_path).with_context(|| format!("write {}", log_path.display()))?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(folder);
    if !run(&mut venv, &log_file).context("run python3 -m venv")? {
        let output = std::fs::read_to_string(log_path).unwrap_or_default();
        if output.contains("ensurepip") || output.contains("No module named venv") {
            bail!(
                "python3 has no working venv module; install it (Debian and Ubuntu: apt-get install python3-venv), \
                 then try again{}",
                log::tail(log_path, LOG_LINES_MAX)
            );
        }
        bail!(
            "cannot make the virtual environment {}{}",
            folder.display(),
            log::tail(log_path, LOG_LINES_MAX)
        );
    }
    // One command, so that pip resolves everything together. Indexes, proxies and certificates are the user's settings.
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--requirement",
    ])
    .arg(requirements);
    if !run(&mut pip, &log_file).context("run pip install")? {
        bail!(
            "pip cannot install {what} from {}{}",
            requirements.display(),
            log::tail(log_path, LOG_LINES_MAX)
        );
    }
    Ok(())
}

fn run(command: &mut Command, log_file: &File) -> Result<bool> {
    // What the caller's shell has active would be installed into, or imported from, instead.
    let status = command
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONPATH")
        .env_remove("VIRTUAL_ENV")
        .stdin(Stdio::null())
        .stdout(log_file.try_clone()?)
        .stderr(log_file.try_clone()?)
        .status()?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        for (version, expected) in [
            ("Python 3.9.18", false),
            ("Python 3.10.14", false),
            ("Python 3.13.1+", true),
            ("Python 2.7.18", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }

    #[test]
    fn a_stamp_changes_with_all_that_matters() {
        let stamp = stamp_of(b"a==1", "Python 3.11.7", Path::new("/a/venv"));
        assert_ne!(stamp, stamp_of(b"a==2", "Python 3.11.7", Path::new("/a/venv")));
        assert_ne!(stamp, stamp_of(b"a==1", "Python 3.12.0", Path::new("/a/venv")));
        assert_ne!(stamp, stamp_of(b"a==1", "Python 3.11.7", Path::new("/b/venv")));
    }
}
