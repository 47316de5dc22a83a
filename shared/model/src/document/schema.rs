//! The JSON Schema of the stack document, made from its Rust types: for editors, and for whoever explains the document.
//!
//! It never refuses what [`super::parse`] takes. The reverse does not hold: what concerns several values at once (as many
//! ranges as zones, windows that overlap) only validation finds.
//!
//! It is of draft 7, which every editor knows.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Document;

/// What tells of a value, and does not restrict it.
const ANNOTATIONS: [&str; 4] = ["title", "description", "default", "examples"];

type Object = Map<String, Value>;

/// The schema. `more` has for a property, such as `databases.storage_gib`, what else its description is to tell.
pub fn schema(more: &dyn Fn(&str) -> Option<String>) -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let generated = settings.into_generator().into_root_schema_for::<Document>();
    let Value::Object(mut root) = generated.to_value() else {
        return Value::Bool(true);
    };
    simplify(&mut root);
    root.insert("additionalProperties".to_owned(), false.into());
    describe(&mut root, "", more);
    let required = root.get("required").cloned().unwrap_or_default();
    for (name, part) in children(&mut root, "properties") {
        if !required.as_array().is_some_and(|names| names.contains(&name.into())) {
            allow_nothing(part);
        }
    }
    let mut overlay = root.clone();
    make_partial(&mut overlay);
    allow_nothing(&mut overlay);
    for key in ["$schema", "title", "description"] {
        overlay.remove(key);
    }
    if let Some(Value::Object(properties)) = root.get_mut("properties") {
        properties.insert("variables".to_owned(), variables());
        properties.insert("environments".to_owned(), environments(overlay));
        for (name, part) in properties.iter_mut() {
            if let (true, Value::Object(part)) = (name != "variables", part) {
                allow_variables(part);
            }
        }
    }
    describe_one(&mut root, "variables", more);
    describe_one(&mut root, "environments", more);
    root.insert("title".to_owned(), "Outrigger stack document".into());
    root.insert(
        "description".to_owned(),
        "What an AWS data stack is to be. `outrigger explain` tells the same on the command line.".into(),
    );
    root.insert("definitions".to_owned(), json!({ "variable": variable() }));
    Value::Object(root)
}

/// Every property of a document, in the schema's order, by its path: `databases.storage_gib` is that of every database.
/// What stands in `environments` is told by the properties that it overlays.
pub fn properties(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(schema, "", &mut found);
    found
}

fn collect<'a>(schema: &'a Value, place: &str, found: &mut Vec<(String, &'a Value)>) {
    if place == "environments" {
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = joined(place, name);
        found.push((path.clone(), property));
        collect(property, &path, found);
        collect(&property["additionalProperties"], &path, found);
    }
}

fn joined(place: &str, name: &str) -> String {
    match place {
        "" => name.to_owned(),
        place => format!("{place}.{name}"),
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

const VARIABLE_NAME: &str = "[a-z][a-z0-9_]*";

fn variables() -> Value {
    json!({
        "description": "Values by names of your own. Elsewhere in the document `${name}`, as a whole value, stands for one.",
        "default": {},
        "type": ["object", "null"],
        "propertyNames": {
            "pattern": format!("^{VARIABLE_NAME}$"),
            "errorMessage": "lower case letters, digits and _, the first a letter",
        },
        "additionalProperties": { "type": ["string", "number", "boolean"] },
        "errorMessage": "texts, numbers and booleans",
    })
}

fn environments(overlay: Object) -> Value {
    let name = overlay
        .get("properties")
        .and_then(|properties| properties.get("environment"));
    let restriction = |key: &str| name.and_then(|name| name.get(key)).cloned().unwrap_or_default();
    json!({
        "description": "What is different in an environment, by its name: a part of a document that is laid over the rest of \
            it. What is `null` there is taken away.",
        "default": {},
        "type": ["object", "null"],
        "propertyNames": { "pattern": restriction("pattern"), "maxLength": restriction("maxLength") },
        "additionalProperties": overlay,
        "errorMessage": "parts of documents",
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
    schema.remove("required");
    schema.remove("default");
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
