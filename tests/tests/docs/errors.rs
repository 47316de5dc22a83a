//! docs/errors.md has every error type, and every exit code.

use std::collections::BTreeSet;

use outrigger_model::document::Code;

use outrigger_tests::documentation::root;

#[test]
fn every_error_is_documented_and_no_other() {
    let text = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let headings: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let types: BTreeSet<&str> = outrigger_engine::error_types().iter().copied().collect();
    assert_eq!(headings, types);
}

#[test]
fn every_exit_code_is_documented_and_no_other() {
    let text = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let (_, table) = text.split_once("## Exit codes").unwrap();
    let documented: BTreeSet<u8> = table
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let codes: BTreeSet<u8> = outrigger::Class::ALL
        .iter()
        .map(|class| class.code())
        .chain([0])
        .collect();
    assert_eq!(documented, codes);
}

#[test]
fn every_code_of_a_problem_is_documented_and_no_other() {
    let text = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let documented: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|code| code.contains("::"))
        .collect();
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, codes);
}
