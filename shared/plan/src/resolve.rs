//! References between resources become the attributes that the resources have.

use outrigger_model::properties::Reference;
use outrigger_model::{Properties, Resource};
use serde_json::Value;

/// The resource with every reference replaced by what `attribute` says.
///
/// # Errors
/// The first reference that `attribute` does not know.
pub fn resolve(
    resource: &Resource,
    attribute: impl Fn(&Reference) -> Option<String>,
) -> Result<Resource, Box<Reference>> {
    let mut properties = to_json(&resource.properties);
    replace(&mut properties, &attribute)?;
    Ok(Resource {
        properties: serde_json::from_value(properties).unwrap_or_else(|_| resource.properties.clone()),
        ..resource.clone()
    })
}

/// The properties as JSON, with every reference replaced by what `value` says.
pub(crate) fn resolve_value(properties: &Properties, value: impl Fn(&Reference) -> Value) -> Value {
    let mut resolved = to_json(properties);
    replace_all(&mut resolved, &value);
    resolved
}

fn replace_all(inner: &mut Value, value: &impl Fn(&Reference) -> Value) {
    if let Some(reference) = as_reference(inner) {
        *inner = value(&reference);
        return;
    }
    match inner {
        Value::Object(entries) => entries.values_mut().for_each(|entry| replace_all(entry, value)),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_all(item, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every reference in a resource's properties.
pub fn references(properties: &Properties) -> Vec<Reference> {
    let mut found = Vec::new();
    collect(&to_json(properties), &mut found);
    found
}

fn to_json(properties: &Properties) -> Value {
    // Properties are plain data with text keys; they always serialize.
    serde_json::to_value(properties).unwrap_or(Value::Null)
}

fn as_reference(value: &Value) -> Option<Reference> {
    let object = value.as_object()?;
    if object.len() != 2 || !object.contains_key("resource") {
        return None;
    }
    serde_json::from_value(value.clone()).ok()
}

fn replace(value: &mut Value, attribute: &impl Fn(&Reference) -> Option<String>) -> Result<(), Box<Reference>> {
    if let Some(reference) = as_reference(value) {
        let Some(text) = attribute(&reference) else {
            return Err(Box::new(reference));
        };
        *value = Value::String(text);
        return Ok(());
    }
    match value {
        Value::Object(entries) => entries.values_mut().try_for_each(|inner| replace(inner, attribute)),
        Value::Array(items) => items.iter_mut().try_for_each(|inner| replace(inner, attribute)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn collect(value: &Value, found: &mut Vec<Reference>) {
    if let Some(reference) = as_reference(value) {
        found.push(reference);
        return;
    }
    match value {
        Value::Object(entries) => entries.values().for_each(|inner| collect(inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
