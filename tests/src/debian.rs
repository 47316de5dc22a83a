//! Debian packages with all they need, unpacked into the ignored folder; nothing of the machine is touched, and no rights
//! are needed.
//!
//! There is no pinned version: of a package with security updates Debian's archive keeps the newest alone. apt checks what
//! it downloads against the archive's signed checksums.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::Project;

const STAMP: &str = "outrigger-stamp";

/// Packages that are unpacked.
pub(crate) struct Unpacked {
    /// What stands for `/`.
    pub(crate) root: PathBuf,
    /// The folder that `root` is in, for what else there is to keep.
    pub(crate) folder: PathBuf,
}

impl Unpacked {
    /// The packages, installed if need be: if they never were, or no longer work.
    ///
    /// # Guarantees
    /// - Of any number of processes that ask at once, one installs and the others wait.
    /// - An installation that was cut off is done again: the stamp is written last.
    pub(crate) fn ready(
        project: &Project,
        name: &str,
        packages: &[&str],
        works: impl Fn(&Path, &Path) -> bool,
    ) -> Result<Self> {
        let work = project.work_directory();
        std::fs::create_dir_all(&work).with_context(|| format!("make the folder {}", work.display()))?;
        let folder = work.join(name);
        let lock = File::create(work.join(format!("{name}.lock")))?;
        lock.lock()
            .with_context(|| format!("wait for the lock of {}", folder.display()))?;
        let unpacked = Self {
            root: folder.join("root"),
            folder: folder.clone(),
        };
        let stamp = format!("{}\n", packages.join(" "));
        let installed = std::fs::read_to_string(folder.join(STAMP)).unwrap_or_default();
        // What the machine had may have gone, or be another version's.
        if installed == stamp && works(&unpacked.root, &folder) {
            return Ok(unpacked);
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("remove the outdated {}", folder.display()))?;
        }
        eprintln!("installing {} into {}", packages.join(", "), folder.display());
        unpacked.install(packages)?;
        ensure!(
            works(&unpacked.root, &folder),
            "{} is unpacked, and does not work",
            packages.join(", ")
        );
        std::fs::write(folder.join(STAMP), stamp).with_context(|| format!("stamp {}", folder.display()))?;
        Ok(unpacked)
    }

    fn install(&self, packages: &[&str]) -> Result<()> {
        let Self { root, folder } = self;
        for part in ["apt/lists/partial", "apt/cache/archives/partial", "packages", "root"] {
            std::fs::create_dir_all(folder.join(part))
                .with_context(|| format!("make a folder in {}", folder.display()))?;
        }
        // Lists of its own: those of the machine may be missing, or name versions that are no longer there. Nothing that
        // the machine does after an update is done.
        let settings = format!(
            "Dir::State::Lists \"{folder}/apt/lists\";\nDir::Cache \"{folder}/apt/cache\";\nAPT::Sandbox::User \"root\";\n\
             #clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n",
            folder = folder.display()
        );
        let settings_file = folder.join("apt.conf");
        std::fs::write(&settings_file, settings)?;
        let apt = |arguments: &[&str]| {
            let mut command = Command::new("apt-get");
            command
                .arg("-c")
                .arg(&settings_file)
                .args(arguments)
                .current_dir(folder.join("packages"));
            command
        };
        run(&mut apt(&["update"]))?;
        let mut simulation = vec!["--simulate", "--no-install-recommends", "install"];
        simulation.extend(packages);
        let wanted = wanted(&run(&mut apt(&simulation))?);
        if !wanted.is_empty() {
            let mut download = vec!["download"];
            download.extend(wanted.iter().map(String::as_str));
            run(&mut apt(&download))?;
        }
        for entry in std::fs::read_dir(folder.join("packages"))? {
            let package = entry?.path();
            run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(root))?;
            std::fs::remove_file(&package)?;
        }
        std::fs::remove_dir_all(folder.join("apt"))?;
        Ok(())
    }
}

/// What apt would install, as `name=version`; what the machine has is not among it.
fn wanted(simulated: &str) -> Vec<String> {
    let package = |line: &str| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
        // `Inst name [installed version] (version archive [architecture])`
        let version = rest.split_once('(')?.1.split_whitespace().next()?;
        Some(format!("{name}={version}"))
    };
    simulated.lines().filter_map(package).collect()
}

/// The folders with shared libraries, but those of programs that find their own.
pub(crate) fn library_folders(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("look into {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "chromium" {
                open.push(path);
            } else if name.contains(".so.") || name.ends_with(".so") {
                found.insert(folder.clone());
            }
        }
    }
    Ok(found)
}

fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.env("LC_ALL", "C").stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("{program} is not on the PATH: this is no Debian")
        }
        Err(error) => return Err(error).with_context(|| format!("run {program}")),
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?} failed with {}: {}",
        output.status,
        errors.trim()
    );
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_would_install_is_read() {
        let simulated = "Reading package lists...\nInst libogg0 (1.3.5-3 Debian:12.1/stable [amd64])\n\
                         Inst libc6 [2.36-9] (2.36-10 Debian:12.1/stable [amd64]) []\nConf libogg0 (1.3.5-3 Debian)\n";
        assert_eq!(wanted(simulated), ["libogg0=1.3.5-3", "libc6=2.36-10"]);
        assert_eq!(wanted("nothing\n"), [""; 0]);
    }
}
