//! What must hold of the sources themselves: tiers, thin mains, pinned versions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The tiers of `shared/`, as in docs/ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    Pure,
    Engine,
    Adapter,
    /// `functions/`, `cli`, `tests`: they wire the others together.
    Edge,
}

struct Member {
    name: String,
    directory: PathBuf,
    tier: Tier,
    /// Dependencies of the product, tests' own left out.
    dependencies: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn tier(directory: &Path) -> Tier {
    let relative = directory.strip_prefix(root()).unwrap();
    let mut parts = relative.iter().map(|part| part.to_str().unwrap());
    match (parts.next().unwrap(), parts.next()) {
        ("shared", Some("model" | "plan")) => Tier::Pure,
        ("shared", Some("engine")) => Tier::Engine,
        ("shared", Some(name)) if ["aws", "lambda", "postgres"].contains(&name) || name.starts_with("aws-") => {
            Tier::Adapter
        }
        ("functions", Some(_)) | ("cli" | "tests", None) => Tier::Edge,
        other => panic!("{other:?} has no place in the layout"),
    }
}

fn members() -> Vec<Member> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let dependencies = |package: &Package| {
        package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
            .map(|dependency| dependency.name.to_string())
            .collect()
    };
    metadata
        .packages
        .iter()
        .map(|package| {
            let directory = package.manifest_path.parent().unwrap().as_std_path().to_owned();
            Member {
                name: package.name.to_string(),
                tier: tier(&directory),
                dependencies: dependencies(package),
                directory,
            }
        })
        .collect()
}

/// Every Rust source below a directory, with its text.
fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The product's part of a source: without its comments, and without its tests.
fn product(text: &str) -> String {
    if text.contains("#![cfg(test)]") {
        return String::new();
    }
    let mut lines = text.lines().peekable();
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        // A module of tests is the last thing in its file.
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.ends_with('{')) {
            break;
        }
        if !line.trim_start().starts_with("//") {
            kept.push(line);
        }
    }
    kept.join("\n")
}

fn is_sdk(dependency: &str) -> bool {
    dependency.starts_with("aws-") || dependency.starts_with("aws_")
}

#[test]
fn tiers_use_only_what_is_above_them() {
    for member in members() {
        let Member {
            name,
            tier,
            dependencies,
            ..
        } = &member;
        for dependency in dependencies {
            let allowed = match tier {
                Tier::Pure => {
                    // The planner uses the model's words.
                    let own = dependency == "outrigger-model" && name == "outrigger-plan";
                    let library = [
                        "ipnet",
                        "petgraph",
                        "schemars",
                        "serde",
                        "serde-saphyr",
                        "serde_json",
                        "sha2",
                        "strsim",
                        "thiserror",
                    ];
                    own || library.contains(&dependency.as_str())
                }
                Tier::Engine => {
                    !is_sdk(dependency)
                        && dependency != "lambda_runtime"
                        && !dependency.starts_with("outrigger-aws")
                        && dependency != "outrigger-lambda"
                }
                // No adapter uses another, but the common core.
                Tier::Adapter => {
                    !dependency.starts_with("outrigger")
                        || ["outrigger-aws", "outrigger-engine", "outrigger-model", "outrigger-plan"]
                            .contains(&dependency.as_str())
                }
                Tier::Edge => !dependency.starts_with("aws-sdk-") || name == "outrigger-tests",
            };
            assert!(allowed, "{name} ({tier:?}) must not use {dependency}");
        }
    }
}

#[test]
fn pure_crates_do_no_io_and_the_engine_reads_no_environment() {
    let pure = [
        "async ",
        "std::env",
        "std::fs",
        "std::io",
        "std::process",
        "std::thread",
        "std::time",
        "SystemTime",
        "Instant",
        "println!",
        "TcpStream",
    ];
    let engine = [
        "std::env",
        "std::fs",
        "std::process",
        "std::thread",
        "println!",
        "TcpStream",
        "tokio::time",
    ];
    for member in members() {
        let forbidden: &[&str] = match member.tier {
            Tier::Pure => &pure,
            Tier::Engine => &engine,
            Tier::Adapter | Tier::Edge => continue,
        };
        for (path, text) in sources(&member.directory.join("src")) {
            for word in forbidden {
                assert!(!product(&text).contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn each_sdk_is_linked_by_one_adapter_only() {
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for member in members().into_iter().filter(|member| member.name != "outrigger-tests") {
        for dependency in member.dependencies.iter().filter(|name| name.starts_with("aws-sdk-")) {
            users.entry(dependency.clone()).or_default().push(member.name.clone());
        }
    }
    for (sdk, users) in users {
        let area = sdk.trim_start_matches("aws-sdk-");
        assert_eq!(users, [format!("outrigger-aws-{area}")], "{sdk}");
    }
}

#[test]
fn functions_are_named_by_their_directory_and_mains_are_thin() {
    for member in members() {
        if member.directory.parent().unwrap().ends_with("functions") {
            assert_eq!(member.directory.file_name().unwrap().to_str().unwrap(), member.name);
        }
        let main = member.directory.join("src/main.rs");
        if main.exists() {
            let lines = std::fs::read_to_string(&main).unwrap().lines().count();
            assert!(
                lines <= 30,
                "{} has {lines} lines, at most 30 are wanted",
                main.display()
            );
        }
    }
}

#[test]
fn no_source_asks_whether_it_is_tested_or_local() {
    for member in members().into_iter().filter(|member| member.tier != Tier::Edge) {
        for (path, text) in sources(&member.directory.join("src")) {
            for word in ["cfg!(test)", "localhost", "127.0.0.1", "MINISTACK", "ministack"] {
                assert!(!product(&text).contains(word), "{} says {word}", path.display());
            }
        }
    }
}

#[test]
fn versions_are_pinned_once_in_the_workspace() {
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = |text: &str, name: &str| -> Vec<String> {
        text.lines()
            .skip_while(|line| *line != name)
            .skip(1)
            .take_while(|line| !line.starts_with('['))
            .filter(|line| line.contains('=') && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    let pinned = section(&workspace, "[workspace.dependencies]");
    assert!(pinned.len() > 30);
    for line in pinned {
        assert!(line.contains("\"=") || line.contains("path = "), "not pinned: {line}");
    }
    for member in members() {
        let manifest = std::fs::read_to_string(member.directory.join("Cargo.toml")).unwrap();
        for name in ["[dependencies]", "[dev-dependencies]"] {
            for line in section(&manifest, name) {
                assert!(
                    line.contains(".workspace = true") || line.contains("workspace = true"),
                    "{}: {line}",
                    member.name
                );
            }
        }
    }
}

#[test]
fn files_are_short_enough_to_be_one_thing() {
    for member in members() {
        for (path, text) in sources(&member.directory) {
            let lines = text.lines().count();
            assert!(
                lines <= 800,
                "{} has {lines} lines; is it still one thing?",
                path.display()
            );
        }
    }
}

#[test]
fn no_product_code_panics() {
    for member in members().into_iter().filter(|member| member.name != "outrigger-tests") {
        let manifest = std::fs::read_to_string(member.directory.join("Cargo.toml")).unwrap();
        // unwrap, expect, panic and unsafe are denied by the workspace's lints.
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has lints of its own",
            member.name
        );
    }
}
