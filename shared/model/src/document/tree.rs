//! A document as it is written: values, and where each of them and each key stands.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::problem::Problem;

/// What a value was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The document itself.
    Document,
    /// The value of the variable that was set beside it, by its number.
    Set(usize),
}

/// Where something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// In what.
    pub origin: Origin,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
}

/// A value, and where it is written; nowhere, if it was not read from a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) value: Tree,
    pub(super) span: Option<Span>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Scalar(Value),
    List(Vec<Node>),
    Mapping(BTreeMap<String, Entry>),
}

/// A value, and its key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Where the key is written.
    pub(super) key: Option<Span>,
    pub(super) node: Node,
}

impl Node {
    /// A mapping of nothing.
    pub(super) fn empty() -> Self {
        Self {
            value: Tree::Mapping(BTreeMap::new()),
            span: None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Tree::Scalar(Value::Null))
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Tree::Scalar(Value::String(text)) => Some(text),
            Tree::Scalar(_) | Tree::List(_) | Tree::Mapping(_) => None,
        }
    }

    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Tree::Scalar(value) => kind_of(value),
            Tree::List(_) => "a list",
            Tree::Mapping(_) => "a mapping",
        }
    }

    /// The value alone.
    pub(super) fn to_value(&self) -> Value {
        match &self.value {
            Tree::Scalar(value) => value.clone(),
            Tree::List(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Tree::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(name, entry)| (name.clone(), entry.node.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// Where a problem is written: its value or key, or what is nearest around it. Values that span lines are told by
    /// their key.
    pub(super) fn locate(&self, problem: &Problem) -> Option<Span> {
        let mut node = self;
        let mut key = None;
        let mut rest = problem.place.as_str();
        while !rest.is_empty() {
            let Some((found_key, found, after)) = node.step(rest) else {
                // What is missing is told by what it is missing in.
                return key.or(node.span);
            };
            (key, node, rest) = (found_key.or(key), found, after);
        }
        match &node.value {
            Tree::Scalar(_) if !problem.is_of_key => {
                // What has no value is told by its key.
                let is_empty = |span: &Span| span.start == span.end && span.origin == Origin::Document;
                node.span.filter(|span| !is_empty(span)).or(key)
            }
            Tree::Scalar(_) | Tree::List(_) | Tree::Mapping(_) => key.or(node.span),
        }
    }

    /// One step along a path: the key's place, the value, and the rest of the path.
    fn step<'a, 'p>(&'a self, path: &'p str) -> Option<(Option<Span>, &'a Node, &'p str)> {
        match &self.value {
            Tree::Scalar(_) => None,
            Tree::List(items) => {
                let (number, rest) = path.strip_prefix('[')?.split_once(']')?;
                let item = items.get(number.parse::<usize>().ok()?)?;
                // An item has no key: it is its own place.
                Some((item.span, item, rest.strip_prefix('.').unwrap_or(rest)))
            }
            // Keys may hold dots: the longest that fits is meant.
            Tree::Mapping(entries) => ends(path).find_map(|end| {
                let (name, rest) = path.split_at(end);
                let entry = entries.get(name)?;
                Some((entry.key, &entry.node, rest.strip_prefix('.').unwrap_or(rest)))
            }),
        }
    }
}

/// What a value is, in words.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Where the first part of a path may end, the furthest first.
fn ends(path: &str) -> impl Iterator<Item = usize> {
    let marks = path.char_indices().rev().filter(|(_, char)| matches!(char, '.' | '['));
    // A key that holds more dots than that is found by what is around it.
    std::iter::once(path.len())
        .chain(marks.map(|(index, _)| index))
        .take(64)
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        let value = match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Tree::Scalar(value.clone()),
            Value::Array(items) => Tree::List(items.iter().map(Node::from).collect()),
            Value::Object(entries) => Tree::Mapping(
                entries
                    .iter()
                    .map(|(name, value)| {
                        let node = Node::from(value);
                        (name.clone(), Entry { key: None, node })
                    })
                    .collect(),
            ),
        };
        Self { value, span: None }
    }
}

/// The path of the value that is being looked at, while a tree is walked.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail(String);

impl Trail {
    /// A trail that begins at a value of the document.
    pub(super) fn from(keys: &[&str]) -> Self {
        let mut trail = Self::default();
        for key in keys {
            trail.enter_key(key);
        }
        trail
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes to a value of a mapping; the answer leads back.
    pub(super) fn enter_key(&mut self, key: &str) -> usize {
        let before = self.0.len();
        if before > 0 {
            self.0.push('.');
        }
        self.0.push_str(key);
        before
    }

    /// Goes to an item of a list; the answer leads back.
    pub(super) fn enter_item(&mut self, index: usize) -> usize {
        let before = self.0.len();
        self.0.push_str(&format!("[{index}]"));
        before
    }

    /// Goes back.
    pub(super) fn back(&mut self, before: usize) {
        self.0.truncate(before);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
