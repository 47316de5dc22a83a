//! From a property's schema to what there is to know of it.

use outrigger_model::document::schema::Property;
use outrigger_plan::Consequence;
use serde_json::Value;

use super::{Choice, Entry};

/// What there is to know of a property.
pub(super) fn entry(changing: Consequence, path: String, property: &Property<'_>) -> Entry {
    let by_region = each_region(property.schema);
    let schema = by_region.unwrap_or(property.schema);
    // Of lists, and of mappings of names to single values, it is those that are restricted.
    let is_list = has_type(schema, "array");
    let entries = &schema["additionalProperties"];
    let (each, of) = if is_list {
        ("each ", &schema["items"])
    } else if entries.is_object() && entries.get("properties").is_none() {
        ("each ", entries)
    } else {
        ("", schema)
    };
    let choices = choices(of);
    let names = schema["propertyNames"]["errorMessage"].as_str();
    let allowed = match schema["errorMessage"].as_str() {
        Some(allowed) => Some(allowed.to_owned()),
        None if !choices.is_empty() => (!each.is_empty()).then(|| format!("{each}one of ")),
        None => allowed(of)
            .map(|allowed| format!("{each}{allowed}"))
            .or(names.map(|names| format!("names of {names}"))),
    };
    let example = schema["examples"].get(0).or_else(|| of["examples"].get(0)).cloned();
    let mut of_type = type_words(schema);
    if by_region.is_some() {
        of_type.push_str(", or a mapping that has one for each region");
    }
    Entry {
        description: property.schema["description"].as_str().unwrap_or_default().to_owned(),
        of_type,
        required: property.required.is_some(),
        number: property.required,
        default: property.schema.get("default").cloned(),
        unit: unit(&path),
        allowed,
        choices,
        example: example.filter(|_| schema.get("default").is_none()),
        changing,
        property: path,
    }
}

/// Where a mapping may say a value for each region: the schema of one of them.
fn each_region(schema: &Value) -> Option<&Value> {
    let is_by_region = |way: &&Value| way["propertyNames"]["errorMessage"] == "the stack's regions";
    let mapping = ways(schema).into_iter().find(is_by_region)?;
    Some(&mapping["additionalProperties"])
}

/// The ways in which a value can be what its schema asks for, but for none at all and a variable.
fn ways(schema: &Value) -> Vec<&Value> {
    let any = match schema.get("type") {
        Some(_) => None,
        None => schema["anyOf"].as_array(),
    };
    let is_own = |way: &&Value| way.get("$ref").is_none() && way["type"] != "null";
    any.map_or_else(|| vec![schema], |ways| ways.iter().filter(is_own).collect())
}

fn has_type(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::Array(types) => types.iter().any(|of| of == name),
        of => of == name,
    }
}

fn type_words(schema: &Value) -> String {
    let ways = ways(schema);
    let is = |name: &str| ways.iter().any(|way| has_type(way, name));
    let words = if is("array") {
        return format!("a list of {}", plural(&type_words(&schema["items"])));
    } else if schema.get("properties").is_some() {
        "a mapping"
    } else if is("object") {
        let entries = &schema["additionalProperties"];
        return match entries.get("properties") {
            Some(_) => "a mapping of names to mappings".to_owned(),
            None => format!("a mapping of names to {}", plural(&type_words(entries))),
        };
    } else {
        match (is("string"), is("number"), is("boolean"), is("integer")) {
            (true, true, true, _) => "a text, number or boolean",
            (true, ..) => "a text",
            (_, true, ..) => "a number",
            (_, _, true, _) => "a boolean",
            (_, _, _, true) => "a whole number",
            (false, false, false, false) => "a value",
        }
    };
    words.to_owned()
}

fn plural(of: &str) -> String {
    match of.strip_prefix("a ").unwrap_or(of) {
        "text, number or boolean" => "texts, numbers or booleans".to_owned(),
        one => format!("{one}s"),
    }
}

fn choices(schema: &Value) -> Vec<Choice> {
    let mut choices = Vec::new();
    for way in ways(schema) {
        let description = way["description"].as_str().map(str::to_owned);
        choices.extend(way.get("const").map(|value| Choice {
            value: value.clone(),
            description,
        }));
        let values = way["enum"].as_array().into_iter().flatten();
        choices.extend(values.map(|value| Choice {
            value: value.clone(),
            description: None,
        }));
    }
    choices
}

fn allowed(schema: &Value) -> Option<String> {
    let way = *ways(schema).first()?;
    let number = |key: &str| way.get(key).map(Value::to_string);
    let range = |least: &str, most: &str, unit: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        _ => None,
    };
    way["errorMessage"]
        .as_str()
        .map(str::to_owned)
        .or_else(|| range("minimum", "maximum", ""))
        .or_else(|| range("minLength", "maxLength", " characters"))
}

/// Names end in their unit.
fn unit(path: &str) -> Option<&'static str> {
    let units = [
        ("_gib", "GiB"),
        ("_hours", "hours"),
        ("_days", "days"),
        ("_seconds", "seconds"),
    ];
    let name = path.strip_suffix("_max").unwrap_or(path);
    units
        .iter()
        .find(|(ending, _)| name.ends_with(ending))
        .map(|(_, unit)| *unit)
}

/// A value as a document has it.
pub(super) fn value_words(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Object(entries) if entries.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(value_words).collect::<Vec<_>>().join(", "),
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(name, value)| format!("{name}: {}", value_words(value)));
            entries.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A path without what a document itself names: components, environments, the numbers of items.
pub(super) fn without_names(path: &str, is_known: impl Fn(&str) -> bool) -> String {
    let mut plain = String::new();
    let parts: Vec<&str> = path
        .split('.')
        .map(|part| part.split('[').next().unwrap_or(part))
        .collect();
    let parts = match parts.as_slice() {
        ["environments", _, overlaid @ ..] if !overlaid.is_empty() => overlaid,
        all => all,
    };
    for (index, part) in parts.iter().enumerate() {
        let longer = if plain.is_empty() {
            (*part).to_owned()
        } else {
            format!("{plain}.{part}")
        };
        let is_last = index + 1 == parts.len();
        if is_known(&longer) || is_last || !is_known(&plain) {
            plain = longer;
        }
    }
    plain
}
