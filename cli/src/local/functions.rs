//! Building the functions for the local AWS: the host's own architecture, the workspace's own profile.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use super::{Authority, Progress, Project, trust};

/// The architecture that functions are built for, as Lambda names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit ARM.
    Arm64,
    /// 64-bit x86.
    X86_64,
}

impl Architecture {
    /// This machine's.
    ///
    /// # Errors
    /// When Lambda has none such.
    pub fn of_host() -> Result<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Architecture::X86_64),
            "aarch64" => Ok(Architecture::Arm64),
            other => bail!("functions cannot be built on this machine: Lambda has no architecture {other}"),
        }
    }

    /// As the template's parameter `Architecture` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Architecture::Arm64 => "arm64",
            Architecture::X86_64 => "x86_64",
        }
    }
}

/// A built function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// Its package's name.
    pub name: String,
    /// The executable that Lambda runs.
    pub bootstrap: PathBuf,
}

/// The names of the packages under `functions/`, sorted.
///
/// # Errors
/// When the folder cannot be read.
pub fn functions(project: &Project) -> Result<Vec<String>> {
    let folder = project.root().join("functions");
    let what = || format!("list {}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(what)? {
        let entry = entry.with_context(what)?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds every function for this machine and puts it where the template looks: `target/lambda/<function>/bootstrap`; with the
/// database agent the certificate of the local AWS's own authority.
///
/// Idempotent: what is built is not built again, and a file that would not change is not touched.
///
/// # Errors
/// When there is no `cargo`, or it fails; what it says goes to standard error as it comes.
pub fn build_functions(project: &Project, progress: Progress<'_>) -> Result<Vec<Function>> {
    let names = functions(project)?;
    let built = build(project, &names, progress)?;
    let mut functions = Vec::new();
    for name in names {
        let Some((_, executable)) = built.iter().find(|(target, _)| *target == name) else {
            bail!("cargo built no executable {name}: functions/{name} has no binary of its package's name");
        };
        let bootstrap = project.lambda_directory().join(&name).join("bootstrap");
        let stamp = project.work_directory().join("functions").join(&name);
        install(executable, &bootstrap, &stamp)
            .with_context(|| format!("put the function {name} into {}", bootstrap.display()))?;
        functions.push(Function { name, bootstrap });
    }
    let authority = Authority::of(project)?;
    let certificate =
        std::fs::read(&authority.certificate).with_context(|| format!("read {}", authority.certificate.display()))?;
    trust(project, &certificate)?;
    Ok(functions)
}

/// All of the workspace's binaries, and not just the functions: Cargo unites the features of what it builds together,
/// so this shares every compiled dependency with `cargo test --workspace`.
fn build(project: &Project, names: &[String], progress: Progress<'_>) -> Result<Vec<(String, PathBuf)>> {
    progress(&format!("building {}", names.join(", ")));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(&cargo);
    for (name, _) in std::env::vars_os() {
        // What Cargo tells the program it runs is not meant for another Cargo.
        if is_of_running_package(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
        .args([
            "build",
            "--workspace",
            "--bins",
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(project.root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "cargo is not on the PATH, and the functions must be built; install Rust (https://rustup.rs), then try again"
        ),
        Err(error) => return Err(error).context("run cargo build"),
    };
    let output = child.stdout.take().context("read what cargo build says")?;
    let mut executables = Vec::new();
    for message in Message::parse_stream(std::io::BufReader::new(output)) {
        if let Message::CompilerArtifact(artifact) = message.context("read what cargo build says")?
            && let Some(executable) = artifact.executable
        {
            executables.push((artifact.target.name, executable.into_std_path_buf()));
        }
    }
    let status = child.wait().context("wait for cargo build")?;
    if !status.success() {
        bail!("cargo build --workspace --bins failed with {status}");
    }
    Ok(executables)
}

fn is_of_running_package(name: &str) -> bool {
    [
        "CARGO_PKG_",
        "CARGO_BIN_",
        "CARGO_MANIFEST_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// Copies an executable without its symbols: through a file beside it, so that nobody ever runs half of one.
fn install(executable: &Path, bootstrap: &Path, stamp_path: &Path) -> Result<()> {
    if let Ok(stamp) = std::fs::read_to_string(stamp_path)
        && stamp == stamp_of(executable, bootstrap)?
    {
        return Ok(());
    }
    let folder = bootstrap.parent().context("find its folder")?;
    std::fs::create_dir_all(folder)?;
    let fresh = tempfile::Builder::new()
        .prefix(".bootstrap-")
        // Of the function's folder everything is packed, so what is not whole yet is kept beside it.
        .tempfile_in(folder.parent().unwrap_or(folder))?
        .into_temp_path();
    std::fs::copy(executable, &fresh)?;
    strip(&fresh);
    if std::fs::read(&fresh)? != std::fs::read(bootstrap).unwrap_or_default() {
        fresh.persist(bootstrap)?;
    }
    if let Some(folder) = stamp_path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(stamp_path, stamp_of(executable, bootstrap)?)?;
    Ok(())
}

/// What tells, without reading them, that neither of the two files has changed.
fn stamp_of(executable: &Path, bootstrap: &Path) -> Result<String> {
    Ok(format!("{}\n{}\n", file_stamp(executable)?, file_stamp(bootstrap)?))
}

/// What changes with every write of a file: its path, length and time of modification.
pub(super) fn file_stamp(path: &Path) -> Result<String> {
    let Ok(metadata) = std::fs::metadata(path) else {
        return Ok(format!("{} absent", path.display()));
    };
    let modified = metadata
        .modified()
        .with_context(|| format!("read the time of {}", path.display()))?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(format!("{} {} {}", path.display(), metadata.len(), modified.as_nanos()))
}

/// Symbols are most of a debug build's size, and every start of a function reads it; without `strip` it works too.
fn strip(executable: &Path) {
    let _ = Command::new("strip")
        .arg(executable)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_is_installed_once_and_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (executable, bootstrap) = (folder.path().join("plan"), folder.path().join("lambda/plan/bootstrap"));
        let stamp = folder.path().join("functions/plan");
        std::fs::write(&executable, "one").unwrap();
        install(&executable, &bootstrap, &stamp).unwrap();
        assert_eq!(std::fs::read_to_string(&bootstrap).unwrap(), "one");

        let before = file_stamp(&bootstrap).unwrap();
        install(&executable, &bootstrap, &stamp).unwrap();
        assert_eq!(file_stamp(&bootstrap).unwrap(), before, "it was written again");

        std::fs::write(&executable, "another").unwrap();
        install(&executable, &bootstrap, &stamp).unwrap();
        assert_eq!(std::fs::read_to_string(&bootstrap).unwrap(), "another");
        // Whoever else builds into this folder (cargo lambda) is noticed too.
        std::fs::write(&bootstrap, "for another architecture").unwrap();
        install(&executable, &bootstrap, &stamp).unwrap();
        assert_eq!(std::fs::read_to_string(&bootstrap).unwrap(), "another");
    }
}
