//! The reference as Markdown, docs/document.md; and that what is generated and committed is current.

use super::changing::{exception, outcome};
use super::pages::value_words;
use super::{Entry, Reference};

const INTRODUCTION: &str = "\
<!-- Generated from the document's schema and the planner: `INSTA_UPDATE=always cargo test -p outrigger --lib reference` -->

# The stack document

YAML or JSON. Every property there is: what it is, what it can be, and what changing it does to a stack that stands.
`outrigger explain` tells the same on the command line; [editors](editors.md) tell it while you write. Whole documents are
in [stacks/](../stacks/).

A path such as `databases.class` means the property `class` of every database; in a document the database's name stands
between the two. What is marked * must be given. Any single value may be `${name}`, a variable.
";

/// The whole reference.
fn page(reference: &Reference) -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n## The document itself\n\n");
    text.push_str(&table(reference.children(None)));
    for part in reference.children(None) {
        section(reference, part, 2, &mut text);
    }
    text
}

/// A property that has properties itself, or values to choose from.
fn section(reference: &Reference, entry: &Entry, level: usize, text: &mut String) {
    let mut children = reference.children(Some(&entry.property)).peekable();
    if children.peek().is_none() {
        return;
    }
    let heading = "#".repeat(level);
    text.push_str(&format!(
        "\n{heading} {}\n\n{}\n\n",
        entry.property,
        escaped(&entry.description)
    ));
    text.push_str(&table(children));
    for child in reference.children(Some(&entry.property)) {
        section(reference, child, level + 1, text);
    }
}

fn table<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut text =
        String::from("| property | what it is | what it can be | default | changing it |\n|---|---|---|---|---|\n");
    for entry in entries {
        let must = if entry.required { " *" } else { "" };
        let cells = [
            format!("`{}`{must}", entry.name()),
            escaped(&entry.description),
            escaped(&possible(entry)),
            escaped(&entry.default_words().unwrap_or_default()),
            escaped(&changing(entry)),
        ];
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

fn possible(entry: &Entry) -> String {
    let mut said = entry.of_type.clone();
    if let Some(unit) = entry.unit {
        said.push_str(&format!(", in {unit}"));
    }
    let described = entry.choices.iter().any(|choice| choice.description.is_some());
    if described {
        for choice in &entry.choices {
            let value = value_words(&choice.value);
            said.push_str(&format!(
                "<br>`{value}`: {}",
                choice.description.as_deref().unwrap_or_default()
            ));
        }
    } else if let Some(allowed) = entry.allowed_words() {
        said.push_str(&format!(": {allowed}"));
    }
    if let Some(example) = &entry.example {
        said.push_str(&format!("; for instance `{}`", value_words(example)));
    }
    said
}

fn changing(entry: &Entry) -> String {
    let mut said = outcome(&entry.property, entry.changing.outcome);
    if let Some((when, what)) = exception(&entry.property, &entry.changing) {
        said.push_str(&format!("; {when}: {what}"));
    }
    for more in entry.changing.limits.iter().chain(entry.changing.note.iter()) {
        said.push_str(&format!("; {more}"));
    }
    said
}

/// Text that Markdown leaves as it is: no tags outside of code, no end of a cell.
fn escaped(text: &str) -> String {
    let mut is_code = false;
    let mut escaped = String::new();
    for part in text.replace('|', "\\|").split_inclusive("<br>") {
        for character in part.trim_end_matches("<br>").chars() {
            match character {
                '`' => {
                    is_code = !is_code;
                    escaped.push('`');
                }
                '<' if !is_code => escaped.push_str("&lt;"),
                '*' if !is_code => escaped.push_str("\\*"),
                '_' if !is_code => escaped.push_str("\\_"),
                other => escaped.push(other),
            }
        }
        if part.ends_with("<br>") {
            escaped.push_str("<br>");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds a file that is generated against what is generated now; `INSTA_UPDATE=always` renews it, as it does snapshots.
    fn check(path: &str, generated: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::write(&path, generated).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == generated,
            "{} is not current; renew it: INSTA_UPDATE=always cargo test -p outrigger --lib reference",
            path.display()
        );
    }

    #[test]
    fn the_document_reference_is_current() {
        check("docs/document.md", &page(&Reference::new()));
    }

    #[test]
    fn the_schema_is_current() {
        let schema = serde_json::to_string_pretty(&crate::reference::schema()).unwrap();
        check("stacks/outrigger.schema.json", &format!("{schema}\n"));
    }

    #[test]
    fn what_markdown_would_read_is_escaped() {
        let table = [
            ("databases.<name>", "databases.&lt;name>"),
            ("`databases.<name>`", "`databases.<name>`"),
            ("a | b", "a \\| b"),
            ("one<br>two", "one<br>two"),
            ("a_b and `a_b`", "a\\_b and `a_b`"),
        ];
        for (text, expected) in table {
            assert_eq!(escaped(text), expected);
        }
    }
}
