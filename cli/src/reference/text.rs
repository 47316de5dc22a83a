//! What there is to know of a property, for a terminal.

use console::Style;

use super::changing::{exception, outcome};
use super::pages::value_words;
use super::{Entry, Reference};
use crate::plan_view::Paint;

const LABEL_WIDTH: usize = 13;

/// What a document consists of.
pub(crate) fn overview(reference: &Reference, width: usize, paint: Paint) -> String {
    let mut text = String::from("A stack document consists of\n");
    text.push_str(&list(reference.children(None), width, paint));
    let more = "`outrigger explain COMPONENT[.PROPERTY]` tells more of each, for instance of databases.class.";
    text.push_str(&format!("\n{}", wrapped(more, 0, width)));
    text
}

/// What there is to know of a property, and which properties it has itself.
pub(crate) fn page(reference: &Reference, entry: &Entry, width: usize, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.apply(Style::new().bold(), &entry.property));
    text.push_str(&wrapped(&entry.description, 2, width));
    text.push('\n');
    for (label, words) in rows(entry) {
        let label = paint.apply(Style::new().dim(), &format!("  {label:LABEL_WIDTH$}  "));
        let words = wrapped(&words, LABEL_WIDTH + 4, width);
        text.push_str(&format!("{label}{}", words.trim_start()));
    }
    let described: Vec<(String, &str)> = entry
        .choices
        .iter()
        .filter_map(|choice| Some((value_words(&choice.value), choice.description.as_deref()?)))
        .collect();
    if !described.is_empty() {
        text.push('\n');
        let rows = described
            .iter()
            .map(|(value, description)| (value.as_str(), *description));
        text.push_str(&aligned(rows, width, paint));
    }
    let mut children = reference.children(Some(&entry.property)).peekable();
    if children.peek().is_some() {
        text.push_str("\nIts properties\n");
        text.push_str(&list(children, width, paint));
    }
    text
}

fn rows(entry: &Entry) -> Vec<(&'static str, String)> {
    let property = &entry.property;
    let mut rows = vec![("type", entry.of_type.clone())];
    let mut row = |label: &'static str, words: Option<String>| rows.extend(words.map(|words| (label, words)));
    row("unit", entry.unit.map(str::to_owned));
    row("allowed", entry.allowed_words());
    row("for instance", entry.example.as_ref().map(value_words));
    row(
        "default",
        Some(
            entry
                .default_words()
                .unwrap_or_else(|| "none; it must be given".to_owned()),
        ),
    );
    row("changing it", Some(outcome(property, entry.changing.outcome)));
    if let Some((when, what)) = exception(property, &entry.changing) {
        row(when, Some(what.to_owned()));
    }
    let limits = entry.changing.limits.join("; ");
    row("AWS's limits", Some(limits).filter(|limits| !limits.is_empty()));
    row("note", entry.changing.note.map(str::to_owned));
    rows
}

/// Names, and the first sentence of what each is; what must be given is marked.
fn list<'a>(entries: impl Iterator<Item = &'a Entry>, width: usize, paint: Paint) -> String {
    let rows: Vec<(String, String)> = entries
        .map(|entry| {
            let sentence = entry
                .description
                .split_inclusive(". ")
                .next()
                .unwrap_or_default()
                .trim_end();
            let must = if entry.required { " It must be given." } else { "" };
            (entry.name().to_owned(), format!("{sentence}{must}"))
        })
        .collect();
    aligned(
        rows.iter().map(|(name, words)| (name.as_str(), words.as_str())),
        width,
        paint,
    )
}

/// Two columns, the second wrapped.
fn aligned<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>, width: usize, paint: Paint) -> String {
    let rows: Vec<(&str, &str)> = rows.collect();
    let names_width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (name, words) in rows {
        let name = paint.apply(Style::new().cyan(), &format!("  {name:names_width$}  "));
        let words = wrapped(words, names_width + 4, width);
        text.push_str(&format!("{name}{}", words.trim_start()));
    }
    text
}

/// Text wrapped to a width, each line indented.
fn wrapped(words: &str, indentation: usize, width: usize) -> String {
    let indentation = " ".repeat(indentation);
    // However narrow the terminal is, some words fit beside the labels.
    let options = textwrap::Options::new(width.max(indentation.len() + 20))
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit)
        .initial_indent(&indentation)
        .subsequent_indent(&indentation);
    format!("{}\n", textwrap::fill(words, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_consists_of() {
        insta::assert_snapshot!(overview(&Reference::new(), 100, Paint::Plain));
    }

    #[test]
    fn a_property_of_each_sort() {
        let reference = Reference::new();
        for property in [
            "databases",
            "databases.storage_gib",
            "databases.version_policy",
            "databases.backups.retention_days",
            "databases.parameters",
            "network.public.cidrs",
            "streams.shard_metrics",
            "alarms.component",
            "outputs",
            "environments",
        ] {
            let text = page(&reference, reference.find(property).unwrap(), 100, Paint::Plain);
            insta::assert_snapshot!(property.replace('.', "_"), text);
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let reference = Reference::new();
        for width in [60, 80, 120] {
            for entry in &reference.entries {
                let text = page(&reference, entry, width, Paint::Plain);
                for line in text.lines() {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn colours_change_no_word() {
        let reference = Reference::new();
        let entry = reference.find("databases.version_policy").unwrap();
        let coloured = page(&reference, entry, 80, Paint::Coloured);
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(
            console::strip_ansi_codes(&coloured),
            page(&reference, entry, 80, Paint::Plain)
        );
    }
}
