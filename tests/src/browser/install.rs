//! Which browser: the machine's own, or Debian's, unpacked into the ignored folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::Project;
use crate::debian::{self, Unpacked};

/// What a browser is called on the PATH of different systems; and where macOS has it.
const NAMES: [&str; 7] = [
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
/// The browser without windows, and a font: without any, pages have no text.
const PACKAGES: [&str; 2] = ["chromium-headless-shell", "fonts-dejavu-core"];

/// A browser that can be started.
#[derive(Clone, Debug)]
pub struct Chromium {
    pub(super) program: PathBuf,
    pub(super) environment: BTreeMap<String, String>,
}

impl Chromium {
    /// The machine's own browser, or else Debian's, which is downloaded (100 MB) when it is first needed.
    ///
    /// # Errors
    /// Where there is none and the machine is no Debian: what to install is in the error.
    pub fn find(project: &Project) -> Result<Self> {
        let own = NAMES.iter().map(|name| Self {
            program: PathBuf::from(name),
            environment: BTreeMap::new(),
        });
        if let Some(own) = own.into_iter().find(Self::answers) {
            return Ok(own);
        }
        let unpacked = Unpacked::ready(project, "chromium", &PACKAGES, |root, folder| {
            Self::of_debian(root, folder).is_ok_and(|chromium| chromium.answers())
        });
        let unpacked = unpacked.context(
            "there is no browser to look at pages with, and none could be installed; install Chromium or Chrome so that \
             it is on the PATH (Debian: apt-get install chromium; Fedora: dnf install chromium; Ubuntu: snap install \
             chromium; macOS: brew install --cask google-chrome)",
        )?;
        Self::of_debian(&unpacked.root, &unpacked.folder)
    }

    fn answers(&self) -> bool {
        let mut command = Command::new(&self.program);
        command.arg("--version").envs(&self.environment);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn of_debian(root: &Path, folder: &Path) -> Result<Self> {
        let fonts = folder.join("fonts.conf");
        let text = format!(
            "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig><dir>/usr/share/fonts</dir>\
             <dir>{}/usr/share/fonts</dir><cachedir>{}/fonts-cache</cachedir>{}</fontconfig>\n",
            root.display(),
            folder.display(),
            prefer("sans-serif", "DejaVu Sans") + &prefer("monospace", "DejaVu Sans Mono"),
        );
        std::fs::write(&fonts, text).with_context(|| format!("write {}", fonts.display()))?;
        let libraries = std::env::join_paths(debian::library_folders(&root.join("usr/lib"))?)?;
        let Some(libraries) = libraries.to_str() else {
            bail!("the path of {} is no text", folder.display());
        };
        Ok(Self {
            program: root.join("usr/lib/chromium/chromium-headless-shell"),
            environment: BTreeMap::from([
                ("LD_LIBRARY_PATH".to_owned(), libraries.to_owned()),
                ("FONTCONFIG_FILE".to_owned(), fonts.display().to_string()),
            ]),
        })
    }
}

fn prefer(family: &str, font: &str) -> String {
    format!("<alias><family>{family}</family><prefer><family>{font}</family></prefer></alias>")
}
