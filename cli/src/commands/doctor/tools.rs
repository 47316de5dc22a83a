//! What is on this machine.

use std::process::{Command, Stdio};

use super::finding::{Finding, Health, python};
use crate::arguments::Target;
use crate::context::Context;
use crate::local::{LocalAws, Project};

/// The checkout, and the programs that commands start.
pub(super) fn tools(context: &Context) -> Vec<Finding> {
    let is_local = context.options.target == Target::Local;
    let mut findings = vec![
        checkout(is_local),
        python(first_line("python3", &["--version"]).as_deref()),
    ];
    findings.push(match first_line("cargo", &["--version"]) {
        Some(version) => Finding::ok("cargo", version.trim_start_matches("cargo ")),
        None => Finding::fail(
            "cargo",
            "it is not on the PATH; bootstrap builds the functions with it",
            "install Rust: https://rustup.rs",
        ),
    });
    if !is_local && let Ok(project) = Project::find() {
        for (check, venv, program) in [
            ("cargo-lambda", "venv-cargo-lambda", "cargo-lambda"),
            ("sam", "venv-tools", "sam"),
        ] {
            let path = project.work_directory().join(venv).join("bin").join(program);
            findings.push(match first_line(&path.to_string_lossy(), &["--version"]) {
                Some(version) => Finding::ok(check, version),
                None => Finding::ok(check, "not installed yet; bootstrap installs it"),
            });
        }
    }
    if !is_local {
        // Only to install a control plane: everything else goes without.
        for finding in findings.iter_mut().filter(|finding| finding.health == Health::Fail) {
            finding.health = Health::Warn;
        }
    }
    findings
}

fn checkout(is_needed: bool) -> Finding {
    match Project::find() {
        Ok(project) => Finding::ok("checkout", project.root().display().to_string()),
        Err(error) if is_needed => Finding::fail("checkout", format!("{error:#}"), "or use --target aws"),
        Err(_) => Finding::warn(
            "checkout",
            "this folder is in none",
            "bootstrap and the local AWS need one; the rest does not",
        ),
    }
}

/// The local AWS, where that is the target.
pub(super) fn local_aws(context: &Context) -> Finding {
    let start = format!("start it: {}", context.own_command("local up"));
    match Project::find().and_then(|project| LocalAws::running(&project)) {
        Ok(Some(local)) => Finding::ok("local AWS", format!("answers at {}", local.endpoint())),
        Ok(None) => Finding::fail("local AWS", "it is not running", start),
        Err(error) => Finding::fail("local AWS", format!("{error:#}"), start),
    }
}

/// The first line that a program prints; none if it cannot be run or fails.
fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}
