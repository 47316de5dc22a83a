//! Opinions on the definitions that are not ours: cfn-lint, SAM and statelint.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use outrigger_tests::Project;
use serde_json::json;

fn root() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?)
}

fn state_machines() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root()?.join("statemachines"))? {
        files.push(entry?.path());
    }
    ensure!(!files.is_empty(), "there are no state machines");
    Ok(files)
}

/// Runs a tool from the virtual environment of the tools. Returns whether it was content, and what it said.
fn run(tool: &str, arguments: &[&str]) -> Result<(bool, String)> {
    let program = outrigger::local::tools_venv(&Project::of_test()?, &mut |line| eprintln!("{line}"))?
        .join("bin")
        .join(tool);
    let output = Command::new(&program)
        .args(arguments)
        .current_dir(root()?)
        .env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Ok((output.status.success(), said.into_owned()))
}

fn check(tool: &str, arguments: &[&str]) -> Result<()> {
    let (content, said) = run(tool, arguments)?;
    ensure!(content, "{tool} {}:\n{said}", arguments.join(" "));
    Ok(())
}

#[test]
fn cfn_lint_accepts_the_template() -> Result<()> {
    check("cfn-lint", &["bootstrap/template.yaml"])
}

#[test]
fn sam_accepts_the_template() -> Result<()> {
    check("sam", &["validate", "--lint", "-t", "bootstrap/template.yaml"])
}

/// cfn-lint knows the language of state machines, but reads it in templates only.
#[test]
fn cfn_lint_accepts_the_state_machines() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for file in state_machines()? {
        let definition = std::fs::read_to_string(&file)?
            .replace("${", "")
            .replace("FunctionArn}", "");
        let template = json!({"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {
            "RoleArn": "arn:aws:iam::123456789012:role/outrigger/any",
            "DefinitionString": definition,
        }}}});
        let path = directory
            .path()
            .join(file.file_name().context("a file without a name")?);
        std::fs::write(&path, serde_json::to_string(&template)?)?;
        check("cfn-lint", &[path.to_str().context("a path that is no text")?])?;
    }
    Ok(())
}

/// statelint follows the specification of the language; what it says beyond its one known mistake is a failure.
#[test]
fn statelint_accepts_the_state_machines() -> Result<()> {
    for file in state_machines()? {
        let (_, said) = run("statelint", &[file.to_str().context("a path that is no text")?])?;
        let problems: Vec<&str> = said
            .lines()
            .filter(|line| line.starts_with(' ') && !is_computed_wait(line))
            .collect();
        ensure!(problems.is_empty(), "{}:\n{}", file.display(), problems.join("\n"));
    }
    Ok(())
}

/// statelint 3.1.0 takes the `Seconds` of a wait for a number, though the specification allows JSONata there.
fn is_computed_wait(line: &str) -> bool {
    line.contains(".Seconds is \"{%") && line.ends_with("but should be an Integer")
}
