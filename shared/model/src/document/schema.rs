//! The JSON Schema of the stack document, made from its Rust types: for editors, and for whoever explains the document.
//!
//! It never refuses what [`super::parse`] takes. The reverse does not hold: what concerns several values at once (as many
//! ranges as zones, windows that overlap) only validation finds.
//!
//! It is of draft 7, which every editor knows.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{Document, values};

/// What tells of a value, and does not restrict it.
const ANNOTATIONS: [&str; 4] = ["title", "description", "default", "examples"];

/// Of these a document has exactly one.
const EITHER: [&str; 2] = ["region", "regions"];

type Object = Map<String, Value>;

/// The schema. `more` has for a property, such as `databases.storage_gib`, what else its description is to tell.
pub fn schema(more: &dyn Fn(&str) -> Option<String>) -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let generated = settings.into_generator().into_root_schema_for::<Document>();
    let Value::Object(mut root) = generated.to_value() else {
        return Value::Bool(true);
    };
    simplify(&mut root);
    for (name, of) in [
        ("title", "Outrigger stack document".into()),
        ("description", "What an AWS data stack is to be.".into()),
        ("additionalProperties", false.into()),
    ] {
        root.insert(name.to_owned(), of);
    }
    let mut complete = take_required(&mut root);
    either_of(&mut complete, &EITHER);
    add_property(&mut root, "variables", variables());
    describe(&mut root, "", more);
    for (name, part) in children(&mut root, "properties") {
        if required(&complete, name).is_none() && !EITHER.contains(&name) {
            allow_nothing(part);
        }
    }
    let overlay = overlay(&root);
    add_property(&mut root, "environments", environments(overlay));
    describe_one(&mut root, "environments", more);
    for (_, part) in children(&mut root, "properties").filter(|(name, _)| *name != "variables") {
        allow_variables(part);
    }
    // What is missing may be in every environment's overlay.
    root.insert("if".to_owned(), json!({ "required": ["environments"] }));
    root.insert("then".to_owned(), json!({ "required": ["stack"] }));
    root.insert("else".to_owned(), complete.into());
    root.insert("definitions".to_owned(), json!({ "variable": variable() }));
    Value::Object(root)
}

/// A property of a document.
#[derive(Clone, Copy, Debug)]
pub struct Property<'a> {
    /// Its schema.
    pub schema: &'a Value,
    /// Whether it must be there where what it is a property of is there: its number among those that must.
    pub required: Option<usize>,
}

/// Every property of a document by its path: `databases.storage_gib` is that of every database. What stands in
/// `environments` is told by the properties that it overlays.
pub fn properties(schema: &Value) -> BTreeMap<String, Property<'_>> {
    let mut found = BTreeMap::new();
    collect(schema, &schema["else"], "", &mut found);
    found
}

fn collect<'a>(schema: &'a Value, complete: &Value, place: &str, found: &mut BTreeMap<String, Property<'a>>) {
    if place == "environments" {
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = joined(place, name);
        let required = complete.as_object().and_then(|complete| required(complete, name));
        found.insert(
            path.clone(),
            Property {
                schema: property,
                required,
            },
        );
        collect(property, &complete["properties"][name], &path, found);
    }
    if schema["additionalProperties"].is_object() {
        collect(
            &schema["additionalProperties"],
            &complete["additionalProperties"],
            place,
            found,
        );
    }
}

fn joined(place: &str, name: &str) -> String {
    match place {
        "" => name.to_owned(),
        place => format!("{place}.{name}"),
    }
}

/// The number of a name among those that a schema requires.
fn required(schema: &Object, name: &str) -> Option<usize> {
    let names = schema.get("required").and_then(Value::as_array)?;
    names.iter().position(|required| required == name)
}

/// Takes what must be there out of a schema, into one that says nothing else.
fn take_required(schema: &mut Object) -> Object {
    let mut complete = Object::new();
    complete.extend(schema.remove_entry("required"));
    let mut properties = Object::new();
    for (name, child) in children(schema, "properties") {
        let inner = take_required(child);
        if !inner.is_empty() {
            properties.insert(name.to_owned(), inner.into());
        }
    }
    if !properties.is_empty() {
        complete.insert("properties".to_owned(), properties.into());
    }
    if let Some(Value::Object(entry)) = schema.get_mut("additionalProperties") {
        let inner = take_required(entry);
        if !inner.is_empty() {
            complete.insert("additionalProperties".to_owned(), inner.into());
        }
    }
    complete
}

/// Asks for exactly one of some names, instead of all of them.
fn either_of(complete: &mut Object, names: &[&str]) {
    if let Some(Value::Array(required)) = complete.get_mut("required") {
        required.retain(|name| !names.iter().any(|of| name == of));
    }
    let one: Vec<Value> = names.iter().map(|name| json!({ "required": [name] })).collect();
    complete.insert("oneOf".to_owned(), one.into());
}

fn add_property(schema: &mut Object, name: &str, property: Value) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert(name.to_owned(), property);
    }
}

/// What a value may be instead of itself.
fn variable() -> Value {
    json!({
        "description": "The value of a variable.",
        "type": "string",
        "pattern": format!("^\\$\\{{{VARIABLE_NAME}\\}}$"),
        "errorMessage": "${name}, of a variable that the document has",
    })
}

const VARIABLE_NAME: &str = "[A-Za-z][A-Za-z0-9_-]{0,59}";

fn variables() -> Value {
    json!({
        "description": "Values by names of your own. Elsewhere in the document `${name}`, as a whole value, stands for one.",
        "default": {},
        "type": "object",
        "propertyNames": {
            "pattern": format!("^{VARIABLE_NAME}$"),
            "errorMessage": "letters, digits, _ and -, the first a letter, 60 at most",
        },
        "additionalProperties": { "type": ["string", "number", "boolean"] },
    })
}

/// A part of a document that is laid over the rest in one environment.
fn overlay(document: &Object) -> Object {
    let mut overlay = document.clone();
    for key in ["$schema", "title", "description"] {
        overlay.remove(key);
    }
    if let Some(Value::Object(properties)) = overlay.get_mut("properties") {
        // What environments have in common.
        properties.remove("stack");
        properties.remove("environment");
    }
    make_partial(&mut overlay);
    allow_nothing(&mut overlay);
    overlay
}

fn environments(overlay: Object) -> Value {
    json!({
        "description": "What is different in an environment, by the environment's name: a part of a document that is laid \
            over the rest of it. What is `null` there is taken away.",
        "default": {},
        "type": "object",
        "propertyNames": values::environment(),
        "additionalProperties": overlay,
    })
}

/// The schemas under a key, by their names.
fn children<'a>(schema: &'a mut Object, key: &str) -> impl Iterator<Item = (&'a str, &'a mut Object)> {
    let entries = schema.get_mut(key).and_then(Value::as_object_mut);
    entries
        .into_iter()
        .flatten()
        .filter_map(|(name, child)| Some((name.as_str(), child.as_object_mut()?)))
}

/// Does something to every schema directly within one that is for values within its values.
fn within(schema: &mut Object, change: &mut dyn FnMut(&mut Object)) {
    for (_, child) in children(schema, "properties") {
        change(child);
    }
    for key in ["additionalProperties", "items"] {
        if let Some(Value::Object(child)) = schema.get_mut(key) {
            change(child);
        }
    }
}

/// Of the ways in which a value may be, the mappings.
fn mappings(schema: &mut Object) -> impl Iterator<Item = &mut Object> {
    let ways = schema.get_mut("anyOf").and_then(Value::as_array_mut);
    let ways = ways.into_iter().flatten().filter_map(Value::as_object_mut);
    ways.filter(|way| way.contains_key("additionalProperties"))
}

/// Brings what schemars makes into fewer forms: no formats that only Rust knows, no default that says nothing, a mapping
/// that may be left out as one of two types, each paragraph on one line.
fn simplify(schema: &mut Object) {
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf")
        && let Some(at) = choices.iter().position(|choice| *choice == json!({ "type": "null" }))
    {
        choices.remove(at);
        if let Some(Value::Object(only)) = choices.pop() {
            schema.remove("anyOf");
            for (key, value) in only {
                schema.entry(key).or_insert(value);
            }
            allow_nothing(schema);
        }
    }
    schema.remove("format");
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    if [json!({}), json!([])]
        .iter()
        .any(|nothing| schema.get("default") == Some(nothing))
    {
        allow_nothing(schema);
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        let paragraphs: Vec<String> = description.split("\n\n").map(|text| text.replace('\n', " ")).collect();
        *description = paragraphs.join("\n\n");
    }
    within(schema, &mut simplify);
}

/// Gives every property its path as its title, and what else there is to tell of it.
fn describe(schema: &mut Object, place: &str, more: &dyn Fn(&str) -> Option<String>) {
    let names: Vec<String> = children(schema, "properties")
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in names {
        describe_one(schema, &joined(place, &name), more);
    }
    if let Some(Value::Object(entry)) = schema.get_mut("additionalProperties") {
        describe(entry, place, more);
    }
}

fn describe_one(schema: &mut Object, path: &str, more: &dyn Fn(&str) -> Option<String>) {
    let name = path.rsplit('.').next().unwrap_or(path);
    for (_, property) in children(schema, "properties").filter(|(of, _)| *of == name) {
        property.insert("title".to_owned(), path.into());
        if let (Some(Value::String(description)), Some(more)) = (property.get_mut("description"), more(path)) {
            description.push_str("\n\n");
            description.push_str(&more);
        }
        if path != "environments" {
            describe(property, path, more);
        }
    }
}

fn allow_nothing(schema: &mut Object) {
    match schema.get_mut("type") {
        Some(Value::String(one)) => schema["type"] = json!([one, "null"]),
        Some(_) => {}
        None => choose_too(schema, json!({ "type": "null" })),
    }
}

/// Makes a part of a document of one: nothing must be there, and `null` takes away.
fn make_partial(schema: &mut Object) {
    schema.remove("default");
    // What is not said here is said by the rest of the document.
    schema.remove("minProperties");
    mappings(schema).for_each(make_partial);
    let partial = |child: &mut Object| {
        make_partial(child);
        allow_nothing(child);
    };
    for (_, child) in children(schema, "properties") {
        partial(child);
    }
    if let Some(Value::Object(child)) = schema.get_mut("additionalProperties") {
        partial(child);
    }
}

/// Lets `${name}` stand for every scalar.
fn allow_variables(schema: &mut Object) {
    let is_composed = ["properties", "additionalProperties", "items"]
        .iter()
        .any(|key| schema.contains_key(*key));
    mappings(schema).for_each(allow_variables);
    if is_composed {
        within(schema, &mut allow_variables);
    } else if !takes_every_text(schema) {
        choose_too(schema, json!({ "$ref": "#/definitions/variable" }));
    }
}

fn takes_every_text(schema: &Object) -> bool {
    let restricts = |key: &String| !ANNOTATIONS.contains(&key.as_str()) && key != "type";
    let types = schema.get("type").map(Value::to_string).unwrap_or_default();
    types.contains("\"string\"") && !schema.keys().any(restricts)
}

/// One more choice besides what a schema takes already. What tells of it stays where it is.
fn choose_too(schema: &mut Object, choice: Value) {
    if !schema.contains_key("type") {
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(mut choices)) = schema.remove(key) {
                choices.push(choice);
                schema.insert("anyOf".to_owned(), choices.into());
                return;
            }
        }
    }
    let restrictions: Vec<String> = schema
        .keys()
        .filter(|key| !ANNOTATIONS.contains(&key.as_str()))
        .cloned()
        .collect();
    let inner: Object = restrictions
        .into_iter()
        .filter_map(|key| schema.remove_entry(&key))
        .collect();
    schema.insert("anyOf".to_owned(), json!([inner, choice]));
}
