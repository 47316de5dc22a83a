//! What the documentation shows: its documents, and the commands in their blocks of code.

use std::path::{Path, PathBuf};

/// The repository's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The README and every document under docs/, each by its path in the repository, with its text.
///
/// # Errors
/// When one cannot be read.
pub fn documents() -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut files = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path)?;
            Ok((path.strip_prefix(root()).unwrap_or(&path).to_owned(), text))
        })
        .collect()
}

/// A command of `outrigger` that a document shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its words after `outrigger`.
    pub words: Vec<String>,
    /// Whether the document shows that it fails.
    pub fails: bool,
}

/// The commands of `outrigger` in the blocks of code of a document: `outrigger ...`, with or without a prompt, and
/// `cargo run -- ...`; what a shell does with their output is left out.
pub fn commands(text: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut in_block = false;
    let mut follows = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            in_block = !in_block;
            continue;
        }
        if !in_block {
            continue;
        }
        if let (true, Some(last)) = (follows, found.last_mut()) {
            last.fails = line.starts_with("error:");
        }
        follows = false;
        let prompted = line.strip_prefix("$ ").unwrap_or(line);
        let Some(rest) = ["outrigger ", "cargo run -- "]
            .iter()
            .find_map(|start| prompted.strip_prefix(start))
        else {
            continue;
        };
        // `outrigger in the local AWS at ...` is what a command prints.
        if rest.starts_with("in ") {
            continue;
        }
        let ends = [" #", " | ", " > ", " >> "];
        let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        found.push(Shown {
            words: shlex::split(rest.get(..end).unwrap_or_default()).unwrap_or_default(),
            fails: false,
        });
        follows = true;
    }
    found
}
