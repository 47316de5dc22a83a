//! The stack document in a file: reading it, and showing what is wrong with it.

mod excerpt;
mod options;
mod report;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use outrigger_engine::tasks::problems_in;
use outrigger_model::document::{self, BYTES_MAX, Choice, Document, Problem, Read};
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
    /// As it was written.
    pub(crate) text: String,
    /// What was chosen beside it.
    pub(crate) choice: Choice,
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
    let found = chosen.choice().and_then(|choice| {
        let read = document::read(&bytes, &choice)?;
        Ok((read, choice))
    });
    match found {
        Ok((read, choice)) => Ok(Source {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            choice,
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
    use outrigger_engine::tasks::TaskError;
    use outrigger_model::document::Code;
    use serde_json::json;

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

    /// Problems that the control plane found are marked as those that were found before.
    #[test]
    fn what_the_control_plane_answers_is_marked_in_the_document() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks/data-processing.yaml");
        let read = read(&DocumentFile::new(&path)).unwrap();
        let refused = TaskError::PlanRefused(vec![
            Problem::at(Code::Version, "databases.database.version", "AWS offers no 15.15"),
            Problem::at(
                Code::Change,
                "us-east-1/replication-group/cache.engine_version",
                "it cannot go back to 7.0",
            ),
            Problem::at(Code::Quota, "quotas.VPCs per Region", "1 more is needed"),
        ]);
        let failure = read.explain(Failure::new(Class::Usage, refused.to_string()));
        assert_eq!(
            failure.to_string(),
            "the stack cannot be brought to this document; 3 problems"
        );
        let report = failure.report().unwrap();
        insta::assert_snapshot!(
            report
                .plain()
                .replace(&path.display().to_string(), "data-processing.yaml")
        );
        let places: Vec<Value> = report.json().iter().map(|problem| problem["line"].clone()).collect();
        assert_eq!(places, [json!(35), json!(23), Value::Null]);

        // What lists no problems stays as it is.
        let other = read.explain(Failure::new(Class::Operation, "its execution timed out"));
        assert!(other.report().is_none() && other.to_string() == "its execution timed out");
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
