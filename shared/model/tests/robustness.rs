//! Whatever a document is, reading it answers, and what it answers holds together.
//!
//! `PROPTEST_CASES=1000000 cargo test -p outrigger-model --test robustness` looks longer.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use outrigger_model::document::{self, Choice, Origin, PROBLEMS_MAX};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const DOCUMENTS: [&str; 3] = [
    include_str!("../../../stacks/data-processing.yaml"),
    include_str!("../../../stacks/postgres-ha.yaml"),
    include_str!("../../../docs/environments.md"),
];

/// What documents are made of, and what YAML makes something else of.
const WORDS: &[&str] = &[
    "stack: ",
    "environment: ",
    "network:",
    "databases:",
    "caches:",
    "streams:",
    "alarms:",
    "outputs:",
    "tags:",
    "variables:",
    "environments:",
    "  ",
    "    ",
    "\n",
    "\t",
    "- ",
    ": ",
    ", ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "!x ",
    "|",
    ">",
    "---\n",
    "...\n",
    "# ",
    "\"",
    "'",
    "? ",
    "~",
    "null",
    "true",
    "yes",
    "0",
    "-1",
    "20",
    "1e99",
    "0x10",
    ".nan",
    "99999999999999999999",
    "15.15",
    "10.0.0.0/16",
    "10.0.0.0/33",
    "us-east-1",
    "${size}",
    "${",
    "$",
    "}",
    "main",
    "databases.main",
    "password",
    "\u{feff}",
    "\u{0}",
    "\u{1b}[31m",
    "é",
    "😀",
    "\r\n",
    "%YAML 1.2\n",
    "@",
    "`",
    "\\",
];

fn mutated(text: &str, changes: &[(u8, Index, Index, &str)]) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for (kind, here, there, word) in changes {
        if lines.is_empty() {
            break;
        }
        let (at, other) = (here.index(lines.len()), there.index(lines.len()));
        match kind % 7 {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[other].clone()),
            2 => lines.swap(at, other),
            3 => lines[at].insert_str(0, word),
            4 => lines[at] = (*word).to_owned(),
            5 => {
                let place = there.index(lines[at].len() + 1);
                let place = (0..=place)
                    .rev()
                    .find(|place| lines[at].is_char_boundary(*place))
                    .unwrap();
                lines[at].insert_str(place, word);
            }
            _ => lines[at] = lines[at].trim_start().to_owned(),
        }
    }
    lines.concat()
}

fn text_of(index: &Index) -> &'static str {
    let document = DOCUMENTS[index.index(DOCUMENTS.len())];
    match document.split_once("```yaml\n") {
        Some((_, rest)) => rest.split("```").next().unwrap(),
        None => document,
    }
}

fn any_document() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<u8>(), any::<Index>(), any::<Index>(), select(WORDS));
    prop_oneof![
        4 => (any::<Index>(), prop::collection::vec(change, 1..8))
            .prop_map(|(document, changes)| mutated(text_of(&document), &changes).into_bytes()),
        2 => prop::collection::vec(select(WORDS), 0..60).prop_map(|words| words.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned().into_bytes()),
    ]
}

fn any_choice() -> impl Strategy<Value = Choice> {
    let environment = prop::option::of(select(vec!["staging", "production", "Nowhere"]));
    let set = prop::collection::vec((select(vec!["storage_gib", "class", "x"]), select(WORDS)), 0..3);
    (environment, set).prop_map(|(environment, set)| {
        let mut choice = Choice::new(environment.map(str::to_owned), &BTreeMap::new());
        for (name, value) in set {
            // A value that is no YAML is told by this already.
            let _ = choice.set(name, value);
        }
        choice
    })
}

/// Holds for every document: what is good reads the same again, and what is wrong is told where it is.
fn check(bytes: &[u8], choice: &Choice) {
    match document::read(bytes, choice) {
        Ok(read) => {
            assert_eq!(document::parse(&read.value).as_ref(), Ok(&read.document));
            let written = serde_json::to_value(&read.document).unwrap();
            assert_eq!(document::parse(&written).as_ref(), Ok(&read.document));
        }
        Err(problems) => {
            assert!(!problems.is_empty() && problems.len() <= PROBLEMS_MAX);
            for problem in problems {
                assert!(
                    !problem.message.is_empty() && !problem.message.contains('\n'),
                    "{problem:?}"
                );
                let Some(span) = problem.span.filter(|span| span.origin == Origin::Document) else {
                    continue;
                };
                let end = bytes.len();
                assert!(span.start <= span.end && span.end <= end, "{problem:?}");
                if let Ok(text) = std::str::from_utf8(bytes) {
                    assert!(
                        text.is_char_boundary(span.start) && text.is_char_boundary(span.end),
                        "{problem:?}"
                    );
                    assert!(span.line >= 1 && span.column >= 1, "{problem:?}");
                }
            }
        }
    }
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(cases.unwrap_or(3000))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_document_is_answered(bytes in any_document(), choice in any_choice()) {
        check(&bytes, &choice);
    }
}

/// Documents that are made to take long or much: each is answered, and with a bounded number of problems.
#[test]
fn hostile_documents_are_answered() {
    let long = "k".repeat(100_000);
    let variables: String = (0..10_000).map(|number| format!("- ${{v{number}}}\n")).collect();
    let hostile = [
        format!("{long}:\n{}", "- ${a}\n".repeat(15_000)),
        format!("{long}:\n{variables}"),
        format!(
            "databases: {{{}}}",
            (0..15_000).map(|number| format!("d{number}: ,")).collect::<String>()
        ),
        format!(
            "tags:\n{}",
            (0..15_000)
                .map(|number| format!("  t{number}: <\n"))
                .collect::<String>()
        ),
        format!(
            "alarms:\n{}",
            (0..5_000)
                .map(|number| format!("  a{number}: {{component: databases.x{number}}}\n"))
                .collect::<String>()
        ),
        format!(
            "network: {{cidr: 10.0.0.0/16, zones: 6, private: {{cidrs: [{}]}}}}",
            "10.0.0.0/28, ".repeat(15_000)
        ),
        format!("{}: 1", "a.".repeat(120_000)),
        format!("outputs: {{a: {long}}}\nstack: {long}"),
        (0..15_000).map(|number| format!("k{number}: 1\n")).collect(),
        "a: 1\n".repeat(40_000),
        format!("x: &x [{}]\ny: [{}]", "1, ".repeat(1000), "*x, ".repeat(20_000)),
        "[".repeat(200_000),
        "? ".repeat(100_000),
        "- ".repeat(100_000),
        "a: &a\n".repeat(30_000),
        format!(
            "environments:\n{}",
            (0..5_000)
                .map(|number| format!("  e{number}: {{stack: x, y: ${{z}}}}\n"))
                .collect::<String>()
        ),
    ];
    for text in &hostile {
        assert!(text.len() <= document::BYTES_MAX, "{}", &text[..40]);
        check(text.as_bytes(), &Choice::default());
        assert!(
            document::read(text.as_bytes(), &Choice::default()).is_err(),
            "{}",
            &text[..40]
        );
    }
}
