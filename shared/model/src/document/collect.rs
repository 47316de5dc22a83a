//! Collecting problems: each place once, and not without end.

use std::collections::BTreeSet;

use super::problem::{Code, Problem};

/// So many problems are told at once; whoever has more is helped by the first ones.
pub const PROBLEMS_MAX: usize = 100;
/// So much of a text of the document is shown in a problem.
const SHOWN_MAX: usize = 60;

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    /// What has been told to be wrong: nothing more is said about it.
    places: BTreeSet<String>,
}

impl Problems {
    /// Adds a problem, unless its place was told to be wrong before.
    pub(super) fn add(&mut self, problem: Problem) {
        if self.is_full() {
            return;
        }
        // What is there twice may be wrong beside that.
        if problem.code == Code::DuplicateKey || self.places.insert(problem.place.clone()) {
            self.found.push(problem);
        }
    }

    /// Adds a problem, unless something holds.
    pub(super) fn unless(&mut self, holds: bool, problem: impl FnOnce() -> Problem) {
        if !holds {
            self.add(problem());
        }
    }

    /// Has nothing be said about a place: why is told elsewhere.
    pub(super) fn silence(&mut self, place: &str) {
        if !self.is_full() {
            self.places.insert(place.to_owned());
        }
    }

    /// Whether looking on is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= PROBLEMS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, in the order in which they are written.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.span);
        // What an overlay and the document it makes were both told of is one problem.
        self.found
            .dedup_by(|one, other| one.span.is_some() && one.span == other.span && one.message == other.message);
        self.found
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Problem> {
        self.found.iter_mut()
    }
}

impl Extend<Problem> for Problems {
    fn extend<T: IntoIterator<Item = Problem>>(&mut self, problems: T) {
        for problem in problems {
            self.add(problem);
        }
    }
}

/// A text of the document, as it is shown in a problem: on one line, and not too long.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    // Quotes need no escaping here.
    shown = shown.replace("\\'", "'").replace("\\\"", "\"");
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

/// The path of a value of a mapping.
pub(super) fn inside(place: &str, key: &str) -> String {
    match place {
        "" => key.to_owned(),
        place => format!("{place}.{key}"),
    }
}
