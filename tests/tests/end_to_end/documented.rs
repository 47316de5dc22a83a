//! Every command that the documentation shows is run, on a stack of its own, and ends as the documentation says.

use outrigger_tests::documentation::{Shown, commands, documents};

use crate::harness::{command, document_of, file_of, json_of, outrigger, shared};

const STACK: &str = "documented";

/// In which order the commands make sense; those of one kind as the documents have them.
const ORDER: [&str; 12] = [
    "explain",
    "completions",
    "plan",
    "up",
    "watch",
    "status",
    "list",
    "outputs",
    "logs",
    "report",
    "drift",
    "doctor",
];

/// What other tests run: `cli/tests/local_aws.rs`, the tests of installations, `cli/tests/documents.rs`, and here last.
const ELSEWHERE: [&str; 5] = ["demo", "local", "bootstrap", "validate", "destroy"];

/// A word of a command, as it is on this stack.
fn own(word: &str, file: &str, operation: &str) -> String {
    if word.ends_with(".yaml") {
        file.to_owned()
    } else if word.starts_with("data-processing-production-provision-") {
        operation.to_owned()
    } else if ["data-processing", "shop", "shop/staging"].contains(&word) {
        STACK.to_owned()
    } else {
        word.to_owned()
    }
}

#[test]
fn every_command_of_the_documentation_ends_as_it_says() {
    let aws = shared();
    let file = file_of(&document_of(STACK));
    let path = file.path().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let documents = documents().unwrap();
    // commands.md is made from the help, whose examples the command line's own tests read.
    let written = documents.iter().filter(|(path, _)| !path.ends_with("commands.md"));
    let mut shown: Vec<Shown> = written.flat_map(|(_, text)| commands(text)).collect();
    // Of a control plane that is not there.
    shown.retain(|shown| !shown.words.iter().any(|word| word == "--control-plane"));
    let name = |shown: &Shown| shown.words.first().unwrap().clone();
    for shown in &shown {
        let known = ORDER.iter().chain(&ELSEWHERE).any(|known| *known == name(shown));
        assert!(known, "no test runs `outrigger {}`", shown.words.join(" "));
    }

    let made = json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]));
    let operation = made["operation"].as_str().unwrap();
    for kind in ORDER {
        for shown in shown.iter().filter(|shown| name(shown) == kind) {
            let mut words: Vec<String> = shown.words.iter().map(|word| own(word, path, operation)).collect();
            if kind == "up" && !words.iter().any(|word| word == "--yes") {
                words.push("--yes".to_owned());
            }
            let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut run = command(aws, &arguments);
            if kind == "report" {
                run.current_dir(folder.path());
            }
            let output = run.output().unwrap();
            assert_eq!(output.status.success(), !shown.fails, "{words:?}: {output:?}");
        }
    }
    assert!(folder.path().join(format!("{operation}.html")).exists());
    let output = outrigger(aws, &["destroy", STACK, "--yes"]);
    assert!(output.status.success(), "{output:?}");
}
