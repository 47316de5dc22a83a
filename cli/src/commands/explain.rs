//! `outrigger explain`: what a property of the document is, what it can be, and what changing it does.

use clap::Args;
use console::Term;
use serde_json::json;

use crate::arguments::Format;
use crate::context::Context;
use crate::failure::{Class, Failure};
use crate::output::{print_json, print_text};
use crate::plan_view::Paint;
use crate::reference::{Entry, Reference, text};

const EXAMPLES: &str = "\
Examples:
  outrigger explain
  outrigger explain databases
  outrigger explain databases.storage_gib";

/// What `explain` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// A component or a property of one, such as databases or databases.storage_gib; without it, what a document consists
    /// of
    #[arg(value_name = "COMPONENT[.PROPERTY]")]
    pub property: Option<String>,
}

/// The widest that text is easy to read.
const WIDTH_MAX: usize = 110;

/// Runs the command.
pub(super) fn run(context: &Context, options: &Explain) -> Result<(), Failure> {
    let reference = Reference::new();
    let property = options.property.as_deref();
    let entry = property.map(|property| reference.find(property)).transpose();
    let entry = entry.map_err(|message| Failure::new(Class::Usage, message))?;
    if context.options.output == Format::Json {
        return Ok(print_json(&value(&reference, entry))?);
    }
    let (_, columns) = Term::stdout().size();
    let (width, paint) = (usize::from(columns).min(WIDTH_MAX), Paint::of_stdout());
    Ok(print_text(&match entry {
        Some(entry) => text::page(&reference, entry, width, paint),
        None => text::overview(&reference, width, paint),
    })?)
}

/// A property with those within it.
fn value(reference: &Reference, entry: Option<&Entry>) -> serde_json::Value {
    let within = entry.map(|entry| entry.property.as_str());
    let properties: Vec<_> = reference
        .children(within)
        .map(|child| value(reference, Some(child)))
        .collect();
    let mut value = json!(entry);
    if entry.is_none() {
        value = json!({});
    }
    if !properties.is_empty() {
        value["properties"] = properties.into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_all_of_it() {
        let reference = Reference::new();
        let storage = value(&reference, Some(reference.find("databases.storage_gib").unwrap()));
        insta::assert_json_snapshot!(storage);
        let all = value(&reference, None);
        let named: Vec<&str> = all["properties"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["property"].as_str().unwrap())
            .collect();
        assert_eq!(named[..4], ["stack", "environment", "network", "accelerators"]);
        assert!(
            named.contains(&"variables") && named.contains(&"environments"),
            "{named:?}"
        );
        let nested = &value(&reference, Some(reference.find("databases.backups").unwrap()))["properties"];
        assert_eq!(nested[0]["property"], "databases.backups.retention_days");
    }
}
