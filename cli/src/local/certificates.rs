//! The certificates in the package of `database-agent`: of databases, it trusts those alone that lead to one of them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::Project;

/// Where the package has them, as the template packs it.
pub(super) fn path(project: &Project) -> PathBuf {
    project.lambda_directory().join("database-agent/certificates.pem")
}

/// Puts certificates, in PEM, into the package. A file that would not change is not touched.
///
/// # Errors
/// When it cannot be written.
pub fn trust(project: &Project, certificates: &[u8]) -> Result<()> {
    let path = path(project);
    put(project, certificates).with_context(|| format!("put the certificates to trust into {}", path.display()))
}

fn put(project: &Project, certificates: &[u8]) -> Result<()> {
    let path = path(project);
    if std::fs::read(&path).is_ok_and(|there| there == certificates) {
        return Ok(());
    }
    std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
    // Of the function's folder everything is packed, so what is not whole yet is kept beside it.
    let fresh = tempfile::Builder::new()
        .prefix(".certificates-")
        .tempfile_in(project.lambda_directory())?;
    std::fs::write(fresh.path(), certificates)?;
    // Lambda runs the function as another user.
    std::fs::set_permissions(fresh.path(), std::fs::Permissions::from_mode(0o644))?;
    fresh.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::functions::file_stamp;

    #[test]
    fn certificates_are_put_once_and_again_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bootstrap")).unwrap();
        for file in ["Cargo.toml", "bootstrap/template.yaml"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let project = Project::above(folder.path()).unwrap();
        trust(&project, b"one").unwrap();
        let before = file_stamp(&path(&project)).unwrap();
        trust(&project, b"one").unwrap();
        assert_eq!(file_stamp(&path(&project)).unwrap(), before, "it was written again");
        trust(&project, b"another").unwrap();
        assert_eq!(std::fs::read(path(&project)).unwrap(), b"another");
        let mode = std::fs::metadata(path(&project)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
}
