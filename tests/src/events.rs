//! The schemas of the events that tell of operations.

use std::path::PathBuf;

use jsonschema::Validator;
use serde_json::Value;

/// The events, by their type, and the name of their files under `docs/events`.
pub const EVENTS: [(&str, &str); 2] = [
    ("Outrigger Operation Started", "operation-started"),
    ("Outrigger Operation Closed", "operation-closed"),
];

/// A file of `docs/events`, as JSON.
pub fn event_file(name: &str) -> Value {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "docs", "events", name]
        .iter()
        .collect();
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

/// Fails unless the detail is as the schema of that type says.
#[track_caller]
pub fn assert_event(detail_type: &str, detail: &Value) {
    let known = EVENTS.iter().find(|(known, _)| *known == detail_type);
    let (_, file) = known.unwrap_or_else(|| panic!("{detail_type} is not documented"));
    let schema = event_file(&format!("{file}.schema.json"));
    let validator: Validator = jsonschema::draft202012::new(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(detail)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}\n{detail:#}");
}
