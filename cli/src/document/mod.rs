//! The stack document in a file: reading it, and showing what is wrong with it.

mod excerpt;
mod options;
mod report;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use outrigger_engine::tasks::problems_in;
use outrigger_model::document::{self, BYTES_MAX, Document, Problem, Read};
use outrigger_model::{Lane, ResourceKey};
use outrigger_plan::{Graph, Resolved, expand};
use serde_json::Value;

pub use options::{Chosen, DocumentFile};
pub(crate) use report::Report;

use crate::failure::{Class, Classify, Failure};
use crate::plan_view::belongs::heart_of;
use report::Texts;

/// A document that was read and is valid.
#[derive(Debug)]
pub(crate) struct Source {
    /// As it is sent: without environments and variables.
    pub(crate) value: Value,
    /// As it is understood.
    pub(crate) document: Document,
    read: Read,
    texts: Arc<Texts>,
}

/// Reads, resolves and validates the document in a file; `-` is standard input.
///
/// # Errors
/// When it cannot be read; all that is wrong with it, each with its place.
pub(crate) fn read(file: &DocumentFile) -> Result<Source, Failure> {
    read_chosen(&file.file, &file.chosen)
}

/// As [`read`] does, with what is chosen beside the file.
///
/// # Errors
/// As those of [`read`].
pub(crate) fn read_chosen(path: &Path, chosen: &Chosen) -> Result<Source, Failure> {
    let bytes = bytes_of(path).class(Class::Usage)?;
    let name = match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    let texts = Arc::new(Texts::new(name, &bytes, chosen));
    let found = chosen.choice().and_then(|choice| document::read(&bytes, &choice));
    match found {
        Ok(read) => Ok(Source {
            value: read.value.clone(),
            document: read.document.clone(),
            read,
            texts,
        }),
        Err(problems) => {
            let headline = format!("{} is not valid: {}", texts.name(), report::count(&problems));
            Err(Failure::with_report(
                Class::Usage,
                headline,
                Report::new(&texts, problems),
            ))
        }
    }
}

fn bytes_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    // One byte more than is possible tells that it is too much.
    let limit = BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .take(limit)
            .read_to_end(&mut bytes)
            .context("read the document from standard input")?;
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .with_context(|| format!("read the document {}", path.display()))?;
    }
    Ok(bytes)
}

impl Source {
    /// The document's resources, as far as they can be told without AWS.
    ///
    /// # Errors
    /// When there is no such graph, with every reason.
    pub(crate) fn graph(&self) -> Result<Graph, Failure> {
        expand(&self.document, &Resolved::unasked(&self.document)).map_err(|problems| {
            let headline = format!("{} is not valid: {}", self.texts.name(), report::count(&problems));
            self.failure(Class::Usage, &headline, problems)
        })
    }

    /// A failure of the control plane over this document, with where each of its problems is written.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let message = failure.to_string();
        let problems = problems_in(&message);
        match problems.is_empty() {
            true => failure,
            false => {
                let first = message.lines().next().unwrap_or_default().trim_end_matches(':');
                self.failure(failure.class, first, problems)
            }
        }
    }

    /// A failure over problems that were found after the document was read.
    pub(crate) fn failure(&self, class: Class, headline: &str, mut problems: Vec<Problem>) -> Failure {
        for problem in &mut problems {
            let mut written = Problem {
                place: place_of(&problem.place),
                ..problem.clone()
            };
            self.read.locate(&mut written);
            problem.span = written.span.filter(|_| !written.place.is_empty());
        }
        Failure::with_report(class, headline, Report::new(&self.texts, problems))
    }
}

/// The part of the document that a place means: that of a resource is its component, and what is about the account as a
/// whole has none.
fn place_of(place: &str) -> String {
    let (key, property) = place.split_once('.').unwrap_or((place, ""));
    if key.contains('/') {
        let component = key.parse::<ResourceKey>().ok().and_then(|key| {
            let network = (key.kind.lane() == Lane::Network).then(|| "network".to_owned());
            heart_of(&key).map(|component| component.to_string()).or(network)
        });
        return match (component, property) {
            (None, _) => String::new(),
            (Some(component), "") => component,
            (Some(component), property) => format!("{component}.{property}"),
        };
    }
    match key {
        "quotas" | "lanes" | "plan" | "document" => String::new(),
        _ => place.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let failure = read(&DocumentFile::new("no-such.yaml")).unwrap_err();
        assert_eq!(failure.class, Class::Usage);
        assert!(
            failure.to_string().starts_with("read the document no-such.yaml: "),
            "{failure}"
        );
    }

    #[test]
    fn resources_belong_to_their_components() {
        for (place, expected) in [
            ("databases.main.version", "databases.main.version"),
            ("us-west-2/db-instance/main.class", "databases.main.class"),
            ("us-west-2/replication-group/sessions", "caches.sessions"),
            ("us-west-2/subnet/public-1.cidr", "network.cidr"),
            ("us-west-2/alarm/cpu.threshold", ""),
            ("quotas.VPCs per Region", ""),
            ("lanes.network", ""),
        ] {
            assert_eq!(place_of(place), expected, "{place}");
        }
    }
}
