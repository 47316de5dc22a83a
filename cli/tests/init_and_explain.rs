//! `outrigger init`, `explain` and `schema`, as one runs them.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::outrigger;

/// What a command that succeeds prints.
fn printed(directory: &Path, arguments: &[&str]) -> String {
    let output = outrigger(directory, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that fails with 2, printing nothing: what its error says.
fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = outrigger(directory, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

const NAMES: [&str; 6] = ["--name", "shop", "--environment", "staging", "--region", "eu-west-1"];

#[test]
fn every_kind_of_stack_is_begun_and_can_be_gone_on_with() {
    for kind in ["data-processing", "postgres-ha"] {
        let folder = tempfile::tempdir().unwrap();
        let said = printed(folder.path(), &[&["init", kind], &NAMES[..]].concat());
        for next in [
            "outrigger validate shop.yaml",
            "outrigger plan shop.yaml",
            "outrigger up shop.yaml",
        ] {
            assert!(said.contains(next), "{said}");
        }
        let document = std::fs::read_to_string(folder.path().join("shop.yaml")).unwrap();
        assert!(
            document.starts_with("# yaml-language-server: $schema=outrigger.schema.json\n# "),
            "{document}"
        );
        let schema = std::fs::read_to_string(folder.path().join("outrigger.schema.json")).unwrap();
        assert_eq!(schema, printed(folder.path(), &["schema"]));
        let graph = printed(folder.path(), &["graph", "shop.yaml"]);
        assert!(graph.starts_with("digraph \"shop/staging\""), "{graph}");
        assert!(graph.contains("eu-west-1/vpc/vpc"), "{graph}");
    }
}

#[test]
fn programs_are_told_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        &["init", "postgres-ha", "--file", "one.yaml", "--output", "json"],
        &NAMES[..],
    ]
    .concat();
    let said: serde_json::Value = serde_json::from_str(&printed(folder.path(), &arguments)).unwrap();
    assert_eq!(said["file"], "one.yaml");
    assert_eq!(said["stack"], "shop");
    assert_eq!(said["next"][1], "outrigger plan one.yaml");
    assert!(folder.path().join("one.yaml").is_file());
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let (file, schema) = (
        folder.path().join("shop.yaml"),
        folder.path().join("outrigger.schema.json"),
    );
    std::fs::write(&file, "mine").unwrap();
    std::fs::write(&schema, "mine").unwrap();
    let arguments = [&["init", "postgres-ha"], &NAMES[..]].concat();
    let said = refused(folder.path(), &arguments);
    assert!(
        said.contains("shop.yaml is there already") && said.contains("--force"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let said = printed(folder.path(), &[&arguments[..], &["--force"]].concat());
    assert!(std::fs::read_to_string(&file).unwrap().contains("stack: shop\n"));
    // The schema beside it was somebody's already.
    assert_eq!(std::fs::read_to_string(&schema).unwrap(), "mine");
    assert!(!said.contains("outrigger.schema.json"), "{said}");
}

#[test]
fn what_cannot_be_begun_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let table: [(&[&str], &str); 5] = [
        (
            &["init"],
            "give STACK-KIND (data-processing or iot-ingest or multi-region-dr or postgres-ha or secure-pipeline), \
             --name NAME, --environment NAME, --region REGION",
        ),
        (
            &["init", "postgres-ha", "--name", "shop", "--region", "us-east-1"],
            "give --environment NAME",
        ),
        (
            &["init", "mysql"],
            "[possible values: data-processing, iot-ingest, multi-region-dr, postgres-ha, secure-pipeline]",
        ),
        (
            &[
                "init",
                "postgres-ha",
                "--name",
                "Shop",
                "--environment",
                "p",
                "--region",
                "mars",
            ],
            "--name: `Shop` cannot be a name",
        ),
        (
            &[
                "init",
                "postgres-ha",
                "--name",
                "shop",
                "--environment",
                "p",
                "--region",
                "mars",
            ],
            "--region: `mars` is no AWS region",
        ),
    ];
    for (arguments, words) in table {
        let said = refused(folder.path(), arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let nowhere = [&["init", "postgres-ha", "--file", "no/such/folder.yaml"], &NAMES[..]].concat();
    let output = outrigger(folder.path(), &nowhere);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("write no/such/folder.yaml: "),
        "{output:?}"
    );
}

#[test]
fn properties_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert!(printed(root, &["explain"]).starts_with("A stack document consists of\n  stack"));
    let class = printed(root, &["explain", "databases.main.class"]);
    assert!(
        class.starts_with("databases.class\n") && class.contains("restart"),
        "{class}"
    );
    let json: serde_json::Value = serde_json::from_str(&printed(
        root,
        &["explain", "databases.storage_gib", "--output", "json"],
    ))
    .unwrap();
    assert_eq!(
        json["changing"]["exception"],
        serde_json::json!({ "when": "lowered", "effect": "replaces" })
    );
    let said = refused(root, &["explain", "databases.storage"]);
    assert!(said.contains("did you mean `databases.storage_gib`?"), "{said}");
}
