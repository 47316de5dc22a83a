//! The checkout that everything is built from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A checkout of Outrigger: the folder with `Cargo.toml` and `bootstrap/template.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// Finds the checkout that the current directory is in.
    ///
    /// # Errors
    /// When it is in none.
    pub fn find() -> Result<Self> {
        let start = std::env::current_dir().context("find the current directory")?;
        Self::above(&start)
    }

    /// Finds the checkout that the package under test is in; Cargo names it in the test's environment.
    ///
    /// # Errors
    /// When Cargo did not start this process, and the current directory is in no checkout.
    pub fn of_test() -> Result<Self> {
        match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(manifest) => Self::above(Path::new(&manifest)),
            None => Self::find(),
        }
    }

    /// Finds the checkout that a folder is in.
    ///
    /// # Errors
    /// When it is in none.
    pub fn above(start: &Path) -> Result<Self> {
        let start = start
            .canonicalize()
            .with_context(|| format!("find the folder {}", start.display()))?;
        for folder in start.ancestors() {
            if folder.join("bootstrap/template.yaml").is_file() && folder.join("Cargo.toml").is_file() {
                return Ok(Self {
                    root: folder.to_owned(),
                });
            }
        }
        bail!(
            "{} is not in a checkout of Outrigger: neither it nor a folder above it has Cargo.toml and \
             bootstrap/template.yaml; change into the checkout and try again",
            start.display()
        )
    }

    /// Its top folder, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ignored folder for what is installed and started here.
    pub fn work_directory(&self) -> PathBuf {
        self.root.join(".outrigger")
    }

    /// Where the operator's local AWS keeps its files: in the ignored folder, or where `OUTRIGGER_LOCAL_DIRECTORY` says, so
    /// that there can be several side by side.
    pub fn local_directory(&self) -> PathBuf {
        match std::env::var_os("OUTRIGGER_LOCAL_DIRECTORY") {
            Some(directory) if !directory.is_empty() => PathBuf::from(directory),
            Some(_) | None => self.work_directory().join("local"),
        }
    }

    /// The SAM template of the control plane.
    pub fn template(&self) -> PathBuf {
        self.root.join("bootstrap/template.yaml")
    }

    /// Where the template looks for the functions: `<function>/bootstrap` below it.
    pub fn lambda_directory(&self) -> PathBuf {
        self.root.join("target/lambda")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_found_from_within_and_nowhere_else() {
        let project = Project::of_test().unwrap();
        assert_eq!(Project::above(&project.root().join("cli/src")).unwrap(), project);
        let outside = tempfile::tempdir().unwrap();
        let error = Project::above(outside.path()).unwrap_err().to_string();
        assert!(error.contains("is not in a checkout"), "{error}");
    }
}
