//! From a text or a value to a document, with everything that is wrong told at once.

use serde_json::Value;

use super::collect::Problems;
use super::problem::{Code, Problem};
use super::tree::{Node, Origin, Trail, kind_of};
use super::{Choice, Document, component, resolve as resolving, secrets, text};

/// A document that was read from a text, and is valid.
#[derive(Clone, Debug)]
pub struct Read {
    /// As it is sent: without environments and variables.
    pub value: Value,
    /// As it is understood.
    pub document: Document,
    tree: Node,
}

impl Read {
    /// Says where a problem is written that was found later, by its place.
    pub fn locate(&self, problem: &mut Problem) {
        if problem.span.is_none() {
            problem.span = self.tree.locate(problem);
        }
    }
}

/// Reads, resolves and validates the text of a document, YAML or JSON.
///
/// # Errors
/// Every problem there is, in the order in which they are written, each with its place and where it is written.
pub fn read(bytes: &[u8], choice: &Choice) -> Result<Read, Vec<Problem>> {
    let text = text::decode(bytes).map_err(|problem| vec![*problem])?;
    let text::Read { tree, problems: found } = text::read(text, Origin::Document).map_err(|problem| vec![*problem])?;
    let mut problems = Problems::default();
    problems.extend(found);
    let (document, tree) = whole(tree, choice, &mut problems);
    match document {
        Some(document) if problems.is_empty() => Ok(Read {
            value: tree.to_value(),
            document,
            tree,
        }),
        _ => Err(problems.into_sorted()),
    }
}

/// Reads the text of a document, YAML or JSON, as far as its syntax goes.
///
/// # Errors
/// Where the text is no YAML, or too large; keys that are there twice.
pub fn from_text(text: &str) -> Result<Value, Vec<Problem>> {
    let text = text::decode(text.as_bytes()).map_err(|problem| vec![*problem])?;
    let read = text::read(text, Origin::Document).map_err(|problem| vec![*problem])?;
    match read.problems.is_empty() {
        true => Ok(read.tree.to_value()),
        false => Err(read.problems),
    }
}

/// Resolves and validates a document: the one without environments and variables, and what it says.
///
/// # Errors
/// Every problem there is, each with its place.
pub fn resolve(value: &Value, choice: &Choice) -> Result<(Value, Document), Vec<Problem>> {
    let mut problems = Problems::default();
    let (document, tree) = whole(Node::from(value), choice, &mut problems);
    match document {
        Some(document) if problems.is_empty() => Ok((tree.to_value(), document)),
        _ => Err(problems.into_sorted()),
    }
}

/// Validates a document without environments and variables.
///
/// # Errors
/// Every problem there is, each with its place.
pub fn parse(value: &Value) -> Result<Document, Vec<Problem>> {
    let mut problems = Problems::default();
    match validated(&Node::from(value), &mut problems) {
        Some(document) if problems.is_empty() => Ok(document),
        _ => Err(problems.into_sorted()),
    }
}

fn whole(tree: Node, choice: &Choice, problems: &mut Problems) -> (Option<Document>, Node) {
    let tree = resolving::resolve(tree, choice, problems);
    let document = validated(&tree, problems);
    for problem in problems.iter_mut() {
        if problem.span.is_none() {
            problem.span = tree.locate(problem);
        }
    }
    (document, tree)
}

fn validated(tree: &Node, problems: &mut Problems) -> Option<Document> {
    let value = tree.to_value();
    if !value.is_object() {
        let message = format!("a stack document is a mapping, and this is {}", kind_of(&value));
        let problem = Problem::at(Code::WrongType, "", message);
        problems.add(problem.help(format!("expected the keys {}", component::PARTS.join(", "))));
        return None;
    }
    secrets::find(tree, &mut Trail::default(), problems);
    component::document(&value, problems)
}
