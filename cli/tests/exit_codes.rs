//! The exit codes that scripts rely on, and where a command writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::outrigger;
use outrigger::local::Project;

/// Runs a command that fails: its exit code, nothing on standard output, and what its error says.
fn check(directory: &Path, arguments: &[&str], code: i32, error: &str) {
    let output = outrigger(directory, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(stderr.contains(error), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
}

#[test]
fn a_wrong_command_line_or_document_is_2() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stack.yaml"), "stack: shop\ndatabase: {}\n").unwrap();
    let root = folder.path();
    check(root, &["upp"], 2, "unrecognized subcommand");
    check(root, &["up"], 2, "required arguments");
    check(root, &["status", "a/b/c"], 2, "expected name or name/environment");
    check(root, &["up", "no-such.yaml"], 2, "read the document no-such.yaml");
    check(root, &["up", "stack.yaml"], 2, "unknown key `database`");
    check(root, &["plan", "stack.yaml"], 2, "unknown key `database`");
    check(root, &["validate", "stack.yaml"], 2, "unknown key `database`");
    check(root, &["validate"], 2, "required arguments");
    check(root, &["plan", "stack.yaml", "--set", "size"], 2, "expected NAME=VALUE");
    check(root, &["graph", "stack.yaml"], 2, "unknown key `database`");
    check(root, &["unlock", "shop"], 2, "--reason <TEXT>");
    check(root, &["unlock", "shop", "--reason", " "], 2, "--reason is empty");
    check(root, &["demo", "--target", "aws"], 2, "the demo runs in the local AWS");
}

#[test]
fn what_is_missing_is_4_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let message = "is not in a checkout of Outrigger";
    for arguments in [
        &["local", "status"][..],
        &["local", "up"],
        &["demo"],
        &["list"],
        &["status"],
        &["watch", "shop"],
        &["outputs", "shop", "--format", "dotenv"],
        &["history", "shop"],
        &["show", "shop-production-provision-20251120T103658Z-1a2b"],
        &["drift", "shop"],
        &["lock", "shop"],
        &["unlock", "shop", "--reason", "it hangs"],
        &["destroy", "shop"],
        &["bootstrap"],
    ] {
        check(folder.path(), arguments, 4, message);
    }
}

#[test]
fn a_tool_that_is_missing_is_named_with_how_to_get_it() {
    // A checkout of its own, and a PATH with nothing on it.
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [("Cargo.toml", ""), ("bootstrap/template.yaml", "")] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_outrigger"))
        .args(["local", "up"])
        .current_dir(folder.path())
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(
        stderr.contains("python3 is not on the PATH") && stderr.contains("apt-get install"),
        "{stderr}"
    );
}

#[test]
fn a_graph_needs_no_aws() {
    let project = Project::of_test().unwrap();
    let document = project.root().join("stacks/postgres-ha.yaml");
    let arguments = |more: &[&'static str]| {
        let mut arguments = vec!["graph", document.to_str().unwrap()];
        arguments.extend(more);
        let output = outrigger(Path::new("/"), &arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(arguments(&[]).starts_with("digraph \"postgres-ha/production\" {"));
    assert!(arguments(&["--format", "mermaid"]).starts_with("flowchart LR"));
    let json: serde_json::Value = serde_json::from_str(&arguments(&["--output", "json"])).unwrap();
    assert_eq!(json["stack"], "postgres-ha/production");
}

#[test]
fn without_a_terminal_it_does_not_ask() {
    let project = Project::of_test().unwrap();
    let output = outrigger(project.root(), &["bootstrap", "--target", "aws"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("answer with --yes"), "{stderr}");
}

#[test]
fn the_exit_codes_are_in_the_help() {
    let output = outrigger(Path::new("/"), &["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8_lossy(&output.stdout);
    for line in [
        "1    the operation failed",
        "3    another operation holds the stack",
        "5    `drift` found something that is not as it is recorded",
        "130  stopped by Ctrl-C",
    ] {
        assert!(stdout.contains(line), "{stdout}");
    }
}

#[test]
fn with_json_an_error_is_an_object_too() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code, kind, message) in [
        (&["list"][..], 4, "environment", "is not in a checkout"),
        (&["up", "no-such.yaml"], 2, "usage", "read the document no-such.yaml: "),
        (&["upp"], 2, "usage", "unrecognized subcommand 'upp'"),
    ] {
        let arguments = [arguments, &["--output", "json"]].concat();
        let output = outrigger(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["error"]["kind"], kind, "{json}");
        assert_eq!(json["error"]["exit_code"], code, "{json}");
        assert!(json["error"]["message"].as_str().unwrap().contains(message), "{json}");
        // People are told on standard error, as ever.
        assert!(String::from_utf8_lossy(&output.stderr).contains(message), "{output:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_fine() {
    let outrigger = |arguments: &[&str], of_stderr: bool| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_outrigger"));
        command.args(arguments).current_dir("/").stdin(Stdio::null());
        match of_stderr {
            true => command.stdout(Stdio::piped()).stderr(writer),
            false => command.stdout(writer).stderr(Stdio::piped()),
        };
        command.spawn().unwrap().wait_with_output().unwrap()
    };
    for arguments in [&["completions", "bash"][..], &["--help"], &["--version"]] {
        let output = outrigger(arguments, false);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
    assert_eq!(outrigger(&["list"], true).status.code(), Some(4));
    assert_eq!(outrigger(&["upp"], true).status.code(), Some(2));
}

#[test]
fn every_shell_gets_its_completions() {
    for (shell, words) in [
        ("bash", "complete -F _outrigger"),
        ("zsh", "#compdef outrigger"),
        ("fish", "complete -c outrigger"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[outrigger]"),
    ] {
        let output = outrigger(Path::new("/"), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            script.contains(words) && script.contains("history"),
            "{shell}: {script}"
        );
    }
    check(Path::new("/"), &["completions", "tcsh"], 2, "invalid value 'tcsh'");
}

/// `doctor` where hardly anything is there: every finding is a line, and its colours are for terminals alone.
#[test]
fn doctor_says_what_is_missing_and_paints_it_for_terminals_only() {
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &mut Command| {
        let output = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let program = env!("CARGO_BIN_EXE_outrigger");
    let (code, text) = run(Command::new(program).arg("doctor"));
    assert_eq!(code, Some(4), "{text}");
    assert!(
        text.contains("\nfail  local AWS") && text.contains("ok    python3"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let (code, json) = run(Command::new(program).args(["doctor", "--output", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["healthy"]), (Some(4), &false.into()), "{json}");
    assert_eq!(json["findings"][0]["check"], "checkout", "{json}");

    // The same on a terminal; Python's is at hand wherever Outrigger is.
    let terminal = |variables: &[(&str, &str)]| {
        let script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
        let mut command = Command::new("python3");
        command.args(["-c", script, program, "doctor"]);
        command
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE");
        run(command.envs(variables.iter().copied()))
    };
    let (code, text) = terminal(&[]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("\u{1b}[31mfail"), "{text:?}");
    assert!(!terminal(&[("NO_COLOR", "1")]).1.contains('\u{1b}'));
}
