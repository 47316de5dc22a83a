//! Bad documents, and what is said about each: one file in `tests/documents/`, one golden file in `tests/snapshots/`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};

use common::{outrigger, outrigger_reads};
use outrigger::local::Project;

/// What is said of a bad document: on standard error, with exit code 2.
fn said(directory: &Path, arguments: &[&str], stdin: &[u8]) -> String {
    let output = outrigger_reads(directory, arguments, stdin);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn bad_documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents")
}

#[test]
fn bad_documents_are_told_so() {
    let folder = bad_documents();
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert!(files.len() >= 60, "{}", files.len());
    for file in files {
        let name = file.strip_suffix(".yaml").unwrap();
        let said = said(&folder, &["validate", &file], b"");
        assert!(!said.contains("hunter2"), "{file}: a secret is shown: {said}");
        insta::assert_snapshot!(name, said);
    }
}

/// The example of docs/environments.md.
fn shop() -> String {
    let project = Project::of_test().unwrap();
    let text = std::fs::read_to_string(project.root().join("docs/environments.md")).unwrap();
    let (_, rest) = text.split_once("```yaml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn what_is_chosen_beside_a_document_is_told_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.yaml"), shop()).unwrap();
    let table: &[(&str, &[&str])] = &[
        ("chosen_environment", &["--environment", "prodction"]),
        ("chosen_variable", &["--set", "storage=20"]),
        (
            "chosen_value",
            &["--set", "class=db.t3.micro", "--set", "storage_gib=20GB"],
        ),
        ("chosen_value_that_is_no_yaml", &["--set", "class=[db.t3.micro"]),
        ("chosen_value_of_a_variable", &["--set", "class=${storage_gib}"]),
        ("chosen_nothing", &["--set", "class="]),
    ];
    for (name, chosen) in table {
        for command in ["validate", "plan", "up", "graph"] {
            let arguments = [&[command, "shop.yaml"], *chosen].concat();
            insta::assert_snapshot!(*name, said(folder.path(), &arguments, b""));
        }
    }
}

#[test]
fn documents_come_from_standard_input_too() {
    insta::assert_snapshot!(said(Path::new("/"), &["validate", "-"], b"stack: Shop\n"));
    let output = outrigger_reads(Path::new("/"), &["validate", "-"], shop().as_bytes());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "- is valid: shop/staging, 11 resources\n"
    );
}

#[test]
fn a_document_that_is_too_long_is_not_read() {
    let long = "# more than is possible\n".repeat(12_000);
    let error = said(Path::new("/"), &["validate", "-"], long.as_bytes());
    assert!(
        error.contains("document::too_large") && error.contains("at most 262144"),
        "{error}"
    );
}

#[test]
fn many_problems_are_not_all_told() {
    let many: String = (0..500).map(|number| format!("unknown_{number}: 1\n")).collect();
    let error = said(Path::new("/"), &["validate", "-"], many.as_bytes());
    assert!(
        error.starts_with("error: standard input is not valid: 100 problems, and there may be more\n"),
        "{error}"
    );
}

/// What a terminal would obey is not printed.
#[test]
fn documents_do_not_control_the_terminal() {
    let documents: [&[u8]; 3] = [
        b"stack: \"a\\e[31mb\"\n",
        b"stack: a\x1b[31mb\n",
        "stack: a\u{9b}31mb\nregion: \u{1b}]0;x\u{7}\n".as_bytes(),
    ];
    for text in documents {
        let error = said(Path::new("/"), &["validate", "-"], text);
        let wrong = error.chars().find(|char| char.is_control() && *char != '\n');
        assert_eq!(wrong, None, "{error:?}");
    }
}

#[test]
fn programs_get_json() {
    let folder = bad_documents();
    let arguments = [
        "validate",
        "units.yaml",
        "empty.yaml",
        "no-such.yaml",
        "--output",
        "json",
    ];
    let output = outrigger(&folder, &arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    insta::assert_json_snapshot!(json);

    let root = Project::of_test().unwrap().root().to_owned();
    let arguments = [
        "validate",
        "stacks/data-processing.yaml",
        "stacks/postgres-ha.yaml",
        "--output",
        "json",
    ];
    let output = outrigger(&root, &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    insta::assert_json_snapshot!("programs_get_json_of_good_documents", json);
}

#[test]
fn of_several_documents_each_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("good.yaml"), shop()).unwrap();
    std::fs::write(folder.path().join("bad.yaml"), "stack: Shop\n").unwrap();
    let output = outrigger(folder.path(), &["validate", "bad.yaml", "no-such.yaml", "good.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "good.yaml is valid: shop/staging, 11 resources\n"
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: bad.yaml is not valid: 4 problems\nread the document no-such.yaml: "),
        "{stderr}"
    );
}

/// Every `$ outrigger` line in a block of a document of ours answers what stands below it.
#[test]
fn what_the_docs_show_is_what_is_seen() {
    let project = Project::of_test().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.yaml"), shop()).unwrap();
    std::fs::copy(bad_documents().join("stack.yaml"), folder.path().join("stack.yaml")).unwrap();
    let mut seen = 0;
    for file in ["docs/environments.md", "README.md"] {
        let text = std::fs::read_to_string(project.root().join(file)).unwrap();
        for block in text
            .split("```\n")
            .filter(|block| block.starts_with("$ outrigger validate "))
        {
            let mut shown = String::new();
            for line in block.lines().filter_map(|line| line.strip_prefix("$ outrigger ")) {
                let arguments: Vec<&str> = line.split(' ').collect();
                let output = outrigger(folder.path(), &arguments);
                shown.push_str(&format!("$ outrigger {line}\n"));
                shown.push_str(&String::from_utf8(output.stdout).unwrap());
                shown.push_str(&String::from_utf8(output.stderr).unwrap());
                seen += 1;
            }
            assert_eq!(shown, block, "{file}");
        }
    }
    assert_eq!(seen, 4);
}
