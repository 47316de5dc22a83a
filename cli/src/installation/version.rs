//! Whether a version may take the place of another.

use anyhow::{Context as _, Result, bail};
use semver::Version;

/// What installing a version comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing is installed.
    Install,
    /// The same version is.
    Same,
    /// An older one is; `None` if it does not say which.
    Update(Option<String>),
}

/// What installing version `ours` comes to where `installed` is what is there: nothing, or a control plane that says its
/// version, or one that does not.
///
/// # Errors
/// When a newer one is installed: what it has recorded may be more than an older one understands.
pub(crate) fn step(installed: Option<Option<&str>>, ours: &str) -> Result<Step> {
    let Some(installed) = installed else {
        return Ok(Step::Install);
    };
    let Some(installed) = installed else {
        return Ok(Step::Update(None));
    };
    let read = |version: &str| Version::parse(version).with_context(|| format!("read the version {version}"));
    let (theirs, own) = (read(installed)?, read(ours)?);
    match theirs.cmp_precedence(&own) {
        std::cmp::Ordering::Less => Ok(Step::Update(Some(installed.to_owned()))),
        std::cmp::Ordering::Equal => Ok(Step::Same),
        std::cmp::Ordering::Greater => bail!(
            "version {installed} is installed, and this is {ours}: what {installed} has recorded may be more than {ours} \
             understands; install from a checkout of version {installed} or later. To go back all the same, destroy the \
             stacks, remove the control plane (docs/install.md), and install {ours} anew"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_older_version_gives_way() {
        let older = |version: &str| Ok(Step::Update(Some(version.to_owned())));
        let table = [
            (None, "0.1.0", Ok(Step::Install)),
            (Some(None), "0.1.0", Ok(Step::Update(None))),
            (Some(Some("0.1.0")), "0.1.0", Ok(Step::Same)),
            (Some(Some("0.1.0")), "0.1.1", older("0.1.0")),
            (Some(Some("0.9.0")), "0.10.0", older("0.9.0")),
            (Some(Some("1.0.0-rc.1")), "1.0.0", older("1.0.0-rc.1")),
            (Some(Some("1.0.0+build.1")), "1.0.0", Ok(Step::Same)),
            (
                Some(Some("0.10.0")),
                "0.9.9",
                Err("version 0.10.0 is installed, and this is 0.9.9"),
            ),
            (Some(Some("1.0.0")), "1.0.0-rc.1", Err("version 1.0.0 is installed")),
            (Some(Some("latest")), "0.1.0", Err("read the version latest")),
        ];
        for (installed, ours, wanted) in table {
            match (step(installed, ours), wanted) {
                (Ok(step), Ok(wanted)) => assert_eq!(step, wanted, "{installed:?} {ours}"),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
                (found, wanted) => panic!("{installed:?} {ours}: {found:?}, not {wanted:?}"),
            }
        }
    }
}
