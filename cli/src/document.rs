//! The stack document in a file.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use outrigger_model::document::{self, Document, Problem};
use serde_json::Value;

use crate::failure::{Class, Classify, Failure};

/// A document that was read and is valid.
#[derive(Debug)]
pub(crate) struct Source {
    /// As it was written.
    pub(crate) text: String,
    /// As it is sent.
    pub(crate) value: Value,
    /// As it is understood.
    pub(crate) document: Document,
}

/// Reads and validates the document in a file; `-` is standard input.
///
/// # Errors
/// When it cannot be read; when it is not YAML, with line and column; all that is wrong with it, each with its place.
pub(crate) fn read(path: &Path) -> Result<Source, Failure> {
    let text = text_of(path).class(Class::Usage)?;
    let value = document::from_text(&text).map_err(|problem| invalid(path, &[problem]))?;
    let document = document::parse(&value).map_err(|problems| invalid(path, &problems))?;
    Ok(Source { text, value, document })
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("read the document from standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("read the document {}", path.display()))
}

fn invalid(path: &Path, problems: &[Problem]) -> Failure {
    let mut message = format!("the document {} is not valid:", path.display());
    for problem in problems {
        // Writing to a string does not fail.
        let _ = write!(message, "\n  {problem}");
    }
    Failure::new(Class::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stack.yaml");
        std::fs::write(&path, text).unwrap();
        let failure = read(&path).unwrap_err();
        assert_eq!(failure.class, Class::Usage);
        failure.to_string().replace(&path.display().to_string(), "stack.yaml")
    }

    #[test]
    fn mistakes_are_shown_with_their_place() {
        let syntax = error_of("stack: shop\nnetwork: [10.0.0.0/16\n");
        assert!(
            syntax.starts_with("the document stack.yaml is not valid:\n  "),
            "{syntax}"
        );
        assert!(syntax.contains("line 2 column 10"), "{syntax}");
        let several = error_of("stack: shop\ndatabase: {}\n");
        assert!(several.contains("\n  database: unknown key"), "{several}");
        assert!(several.lines().count() > 2, "{several}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let failure = read(Path::new("no-such.yaml")).unwrap_err();
        assert_eq!(failure.class, Class::Usage);
        assert!(
            failure.to_string().starts_with("read the document no-such.yaml: "),
            "{failure}"
        );
    }
}
