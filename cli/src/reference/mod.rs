//! What there is to know of every property of the stack document: what its schema says, and what changing it does.

mod changing;
#[cfg(test)]
mod markdown;
mod nearest;
mod pages;
pub(crate) mod text;

use outrigger_model::document::schema;
use outrigger_plan::{Consequence, consequence};
use serde::Serialize;
use serde_json::Value;

/// The JSON Schema of the stack document. A property's description says what changing it does, too.
pub(crate) fn schema() -> Value {
    schema::schema(&|property| consequence(property).map(|consequence| changing::sentence(property, &consequence)))
}

/// The whole reference.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Every property by its path's order: what must be given first, each followed by its own properties.
    entries: Vec<Entry>,
}

/// What there is to know of a property.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// Its path: `databases.storage_gib`.
    pub(crate) property: String,
    /// What it is.
    pub(crate) description: String,
    /// Its type, in words.
    #[serde(rename = "type")]
    pub(crate) of_type: String,
    /// Whether it must be given.
    pub(crate) required: bool,
    /// Its number among those that must be given.
    #[serde(skip)]
    number: Option<usize>,
    /// What it is when it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<Value>,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<&'static str>,
    /// What it can be, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allowed: Option<String>,
    /// What it can be, where there are but some values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) choices: Vec<Choice>,
    /// What it can be, for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) example: Option<Value>,
    /// What changing it does.
    pub(crate) changing: Consequence,
}

/// One of the values that are possible.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Choice {
    /// The value.
    pub(crate) value: Value,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

impl Reference {
    /// The reference, from the schema and the planner.
    pub(crate) fn new() -> Self {
        let schema = schema::schema(&|_| None);
        let entries = schema::properties(&schema)
            .into_iter()
            .filter_map(|(path, property)| Some(pages::entry(consequence(&path)?, path, &property)))
            .collect();
        let mut reference = Self { entries };
        reference.order();
        reference
    }

    /// Puts what must be given first, and the rest by the alphabet, level by level.
    fn order(&mut self) {
        let mut ordered = Vec::new();
        self.take(None, &mut ordered);
        self.entries = ordered;
    }

    fn take(&self, within: Option<&str>, ordered: &mut Vec<Entry>) {
        let mut entries: Vec<&Entry> = self.children(within).collect();
        entries.sort_by_key(|entry| (!entry.required, entry.number));
        for entry in entries {
            ordered.push(entry.clone());
            self.take(Some(&entry.property), ordered);
        }
    }

    /// The properties of the document itself, or directly within one of its properties.
    pub(crate) fn children<'a>(&'a self, within: Option<&'a str>) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.parent() == within)
    }

    /// The property that is meant by a path: as it stands here, or as an error tells it, with a component's name in it.
    ///
    /// # Errors
    /// When there is none: what is near, or what there is.
    pub(crate) fn find(&self, path: &str) -> Result<&Entry, String> {
        let plain = pages::without_names(path, |candidate| self.get(candidate).is_some());
        self.get(&plain).ok_or_else(|| {
            let all = self.entries.iter().map(|entry| entry.property.as_str());
            let nearest = nearest::nearest(&plain, all).map(|near| format!("; did you mean `{near}`?"));
            let there_is = || {
                let parts: Vec<&str> = self.children(None).map(|entry| entry.property.as_str()).collect();
                format!("; expected one of {}, or a property of one", parts.join(", "))
            };
            format!("a document has no `{path}`{}", nearest.unwrap_or_else(there_is))
        })
    }

    fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.property == path)
    }
}

impl Entry {
    /// The property that it is directly within.
    pub(crate) fn parent(&self) -> Option<&str> {
        self.property.rsplit_once('.').map(|(parent, _)| parent)
    }

    /// Its own name.
    pub(crate) fn name(&self) -> &str {
        self.property.rsplit('.').next().unwrap_or(&self.property)
    }

    /// What its value is when it is not given, in words; `None` for what must be given.
    pub(crate) fn default_words(&self) -> Option<String> {
        match (&self.default, self.required) {
            (_, true) => None,
            (None, false) => Some("none".to_owned()),
            (Some(default), false) => Some(pages::value_words(default)),
        }
    }

    /// Every value it can have, in words.
    pub(crate) fn allowed_words(&self) -> Option<String> {
        if self.choices.is_empty() {
            return self.allowed.clone();
        }
        let values: Vec<String> = self
            .choices
            .iter()
            .map(|choice| pages::value_words(&choice.value))
            .collect();
        let choices = values.join(", ");
        Some(match &self.allowed {
            Some(allowed) => format!("{allowed}{choices}"),
            None => choices,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_errors_are_found_as_well() {
        let reference = Reference::new();
        let table = [
            ("databases", "databases"),
            ("databases.storage_gib", "databases.storage_gib"),
            ("databases.main.storage_gib", "databases.storage_gib"),
            ("databases.<name>.backups.window", "databases.backups.window"),
            ("databases.backups.window", "databases.backups.window"),
            ("network.public.cidrs[1]", "network.public.cidrs"),
            ("network.public", "network.public"),
            ("environments.staging.databases.main.class", "databases.class"),
        ];
        for (path, property) in table {
            assert_eq!(reference.find(path).unwrap().property, property, "{path}");
        }
    }

    #[test]
    fn strangers_are_told_what_is_near() {
        let reference = Reference::new();
        let table = [
            ("databases.storage", "did you mean `databases.storage_gib`?"),
            ("database", "did you mean `databases`?"),
            ("database.class", "did you mean `databases.class`?"),
            ("storage_gib", "did you mean `databases.storage_gib`?"),
            ("streams.shard", "did you mean `streams.shards`?"),
            ("network.cdir", "did you mean `network.cidr`?"),
            (
                "lambda",
                "expected one of stack, environment, network, accelerators, alarms,",
            ),
            ("", "expected one of stack"),
        ];
        for (path, words) in table {
            let said = reference.find(path).unwrap_err();
            assert!(said.contains(words), "{path}: {said}");
        }
    }

    #[test]
    fn every_entry_says_what_there_is_to_say() {
        let reference = Reference::new();
        for entry in &reference.entries {
            let property = &entry.property;
            assert!(!entry.description.is_empty() && !entry.of_type.is_empty(), "{property}");
            let is_simple = ["a text", "a number", "a whole number"].contains(&entry.of_type.as_str());
            assert!(
                !is_simple || entry.allowed_words().is_some() || property == "alarms.threshold",
                "{property}"
            );
            let ends_in_unit = ["_gib", "_hours", "_days", "_seconds"]
                .iter()
                .any(|unit| property.ends_with(unit));
            assert!(!ends_in_unit || entry.unit.is_some(), "{property}");
        }
    }
}
