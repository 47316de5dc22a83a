//! From JSON to a document: every part is read by itself, so that each part's problem is told at once.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Document, Problem, validate};
use crate::key::Region;

/// The longest document, in bytes of its text.
pub const BYTES_MAX: usize = 256 * 1024;

const PARTS: [&str; 11] = [
    "stack",
    "environment",
    "region",
    "on_failure",
    "tags",
    "network",
    "streams",
    "caches",
    "databases",
    "alarms",
    "outputs",
];

/// Reads a document's text, YAML or JSON, as far as its syntax goes.
///
/// # Errors
/// Where the text is no YAML, with its line and column, or longer than [`BYTES_MAX`].
pub fn from_text(text: &str) -> Result<Value, Problem> {
    if text.len() > BYTES_MAX {
        return Err(Problem::at(
            "",
            format!("it is {} bytes long; at most {BYTES_MAX} are possible", text.len()),
        ));
    }
    serde_saphyr::from_str(text).map_err(|error| Problem::at("", error.to_string()))
}

/// Reads and validates a document.
///
/// # Errors
/// Every problem there is, each with its place.
pub fn parse(value: &Value) -> Result<Document, Vec<Problem>> {
    let Some(parts) = value.as_object() else {
        return Err(vec![Problem::at(
            "",
            format!(
                "a stack document is a mapping with the keys {}; this is {}",
                PARTS.join(", "),
                kind_of(value)
            ),
        )]);
    };
    let mut problems = Vec::new();
    for key in parts.keys().filter(|key| !PARTS.contains(&key.as_str())) {
        problems.push(Problem::at(
            key,
            format!("unknown key; expected one of {}", PARTS.join(", ")),
        ));
    }
    find_passwords(value, "", &mut problems);
    let document = read(parts, &mut problems);
    if let Some(document) = &document {
        problems.extend(validate::problems(document));
    }
    match document {
        Some(document) if problems.is_empty() => Ok(document),
        _ => Err(problems),
    }
}

/// Reads every part; `None` when one of those that must be there could not be read.
fn read(parts: &Map<String, Value>, problems: &mut Vec<Problem>) -> Option<Document> {
    let stack: Option<String> = required(parts, "stack", problems);
    let environment: Option<String> = required(parts, "environment", problems);
    let region: Option<String> = required(parts, "region", problems);
    let network = required(parts, "network", problems);
    let on_failure = optional(parts, "on_failure", problems);
    let tags = named(parts, "tags", problems);
    let streams = named(parts, "streams", problems);
    let caches = named(parts, "caches", problems);
    let databases = named(parts, "databases", problems);
    let alarms = named(parts, "alarms", problems);
    let outputs = named(parts, "outputs", problems);
    problems.extend(validate::problems_of_names(
        stack.as_ref(),
        environment.as_ref(),
        region.as_ref(),
    ));
    Some(Document {
        stack: stack?,
        environment: environment?,
        region: Region::new(region?),
        on_failure: on_failure?,
        network: network?,
        tags,
        streams,
        caches,
        databases,
        alarms,
        outputs,
    })
}

fn required<T: DeserializeOwned>(parts: &Map<String, Value>, key: &str, problems: &mut Vec<Problem>) -> Option<T> {
    match parts.get(key) {
        Some(value) => part(value, key, problems),
        None => {
            problems.push(Problem::at(key, "is missing"));
            None
        }
    }
}

/// A part that has a default; `None` when it is there and could not be read.
fn optional<T: DeserializeOwned + Default>(
    parts: &Map<String, Value>,
    key: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    match parts.get(key) {
        None | Some(Value::Null) => Some(T::default()),
        Some(value) => part(value, key, problems),
    }
}

/// A mapping of names to parts, each read by itself.
fn named<T: DeserializeOwned>(
    parts: &Map<String, Value>,
    key: &str,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, T> {
    match parts.get(key) {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Object(entries)) => entries
            .iter()
            .filter_map(|(name, value)| {
                let read = part(value, &format!("{key}.{name}"), problems)?;
                Some((name.clone(), read))
            })
            .collect(),
        Some(other) => {
            problems.push(Problem::at(
                key,
                format!("expected a mapping of names, found {}", kind_of(other)),
            ));
            BTreeMap::new()
        }
    }
}

fn part<T: DeserializeOwned>(value: &Value, place: &str, problems: &mut Vec<Problem>) -> Option<T> {
    match serde_path_to_error::deserialize(value) {
        Ok(read) => Some(read),
        Err(error) => {
            let path = error.path().to_string();
            let place = if path == "." {
                place.to_owned()
            } else {
                format!("{place}.{path}")
            };
            problems.push(Problem::at(place, error.into_inner().to_string()));
            None
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn find_passwords(value: &Value, place: &str, problems: &mut Vec<Problem>) {
    match value {
        Value::Object(entries) => {
            for (key, inner) in entries {
                let place = if place.is_empty() {
                    key.clone()
                } else {
                    format!("{place}.{key}")
                };
                if key.to_lowercase().contains("password") {
                    problems.push(Problem::at(
                        &place,
                        "a password must not stand in a document; leave it out: it is generated, and kept in Secrets \
                         Manager alone",
                    ));
                }
                find_passwords(inner, &place, problems);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                find_passwords(inner, &format!("{place}[{index}]"), problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
