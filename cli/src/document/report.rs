//! What is wrong with a document, for people and programs.

use std::fmt;
use std::sync::Arc;

use console::Term;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use outrigger_model::document::{Code, Origin, PROBLEMS_MAX, Problem, Span};
use serde_json::{Value, json};

use super::Chosen;
use super::excerpt::Excerpt;

/// How wide a terminal is taken to be at most.
const WIDTH_MAX: usize = 120;

/// The texts that a document was made of.
#[derive(Debug)]
pub(crate) struct Texts {
    name: String,
    text: String,
    /// The variables that were set, each with how that was typed.
    set: Vec<(String, String)>,
}

impl Texts {
    pub(super) fn new(name: String, bytes: &[u8], chosen: &Chosen) -> Self {
        Self {
            name,
            text: harmless(&text_of(bytes)),
            set: chosen
                .set
                .iter()
                .map(|(name, value)| (name.clone(), harmless(&format!("{name}={value}"))))
                .collect(),
        }
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The name and the text of what something was written in, and where in it that is.
    fn of(&self, span: Span) -> Option<(&str, &str, Span)> {
        match span.origin {
            Origin::Document => Some((&self.name, &self.text, span)),
            // As it was typed, with the variable's name before the value.
            Origin::Set(number) => {
                let (name, typed) = self.set.get(number)?;
                if span.start == span.end {
                    // An empty value is told by all of it.
                    let (end, column) = (typed.len(), 1);
                    return Some(("--set", typed, Span { end, column, ..span }));
                }
                let before = name.len() + 1;
                let columns = if span.line == 1 { name.chars().count() + 1 } else { 0 };
                let span = Span {
                    start: span.start + before,
                    end: span.end + before,
                    column: span.column + columns,
                    ..span
                };
                Some(("--set", typed, span))
            }
        }
    }
}

/// What of the bytes is a text, from the beginning on; problems lie no further.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => {
            let (good, bad) = bytes.split_at(error.valid_up_to());
            let bad = bad.split(|byte| *byte == b'\n').next().unwrap_or_default();
            format!("{}{}", String::from_utf8_lossy(good), String::from_utf8_lossy(bad))
        }
    }
}

/// A text without what a terminal would obey, of the same length.
fn harmless(text: &str) -> String {
    let is_plain = |char: char| !char.is_control() || matches!(char, '\n' | '\r' | '\t');
    let shown = |char: char| match is_plain(char) {
        true => char.to_string(),
        false => "?".repeat(char.len_utf8()),
    };
    text.chars().map(shown).collect()
}

/// A text of the same length in which nothing is left of what stands below those keys: to the end of the line, and in
/// the lines after it that are further to the right.
fn without_secrets(text: &str, keys: &[Span]) -> String {
    let hidden = keys.iter().map(|key| {
        let line = text
            .get(..key.start)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at + 1);
        let indent = |line: &str| line.len() - line.trim_start().len();
        let own = indent(text.get(line..).unwrap_or_default());
        let mut end = key.end;
        for (number, line) in text
            .get(key.end..)
            .unwrap_or_default()
            .split_inclusive('\n')
            .enumerate()
        {
            if number > 0 && !line.trim().is_empty() && indent(line) <= own {
                break;
            }
            end += line.len();
        }
        key.end..end
    });
    let hidden: Vec<std::ops::Range<usize>> = hidden.collect();
    let shown = |(at, char): (usize, char)| match hidden.iter().any(|range| range.contains(&at)) {
        true if !char.is_whitespace() && char != ':' => "*".repeat(char.len_utf8()),
        _ => char.to_string(),
    };
    text.char_indices().map(shown).collect()
}

/// Problems, each with the texts that it is written in.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    problems: Vec<(Arc<Texts>, Problem)>,
}

impl Report {
    pub(super) fn new(texts: &Arc<Texts>, problems: Vec<Problem>) -> Self {
        let secrets: Vec<Span> = problems
            .iter()
            .filter(|problem| problem.code == Code::Secret)
            .filter_map(|problem| problem.span)
            .filter(|span| span.origin == Origin::Document)
            .collect();
        let texts = &match secrets.is_empty() {
            true => Arc::clone(texts),
            false => Arc::new(Texts {
                name: texts.name.clone(),
                text: without_secrets(&texts.text, &secrets),
                set: texts.set.clone(),
            }),
        };
        let problems = problems.into_iter().map(|problem| (Arc::clone(texts), problem));
        Self {
            problems: problems.collect(),
        }
    }

    /// The problems of several reports; none of none.
    pub(crate) fn together(reports: Vec<Self>) -> Option<Self> {
        let problems: Vec<_> = reports.into_iter().flat_map(|report| report.problems).collect();
        (!problems.is_empty()).then_some(Self { problems })
    }

    /// For the terminal, or whatever standard error is.
    pub(crate) fn for_stderr(&self) -> String {
        let terminal = Term::stderr();
        if !terminal.is_term() {
            return self.plain();
        }
        let theme = match console::colors_enabled_stderr() {
            true => GraphicalTheme::unicode(),
            false => GraphicalTheme::unicode_nocolor(),
        };
        let width = terminal
            .size_checked()
            .map_or(WIDTH_MAX, |(_, width)| usize::from(width));
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width.min(WIDTH_MAX));
        self.render(&handler)
    }

    /// Without colours, in ASCII, no line broken.
    pub(crate) fn plain(&self) -> String {
        self.render(&GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_wrap_lines(false))
    }

    fn render(&self, handler: &GraphicalReportHandler) -> String {
        let handler = handler.clone().with_context_lines(1).with_links(false);
        let mut text = String::new();
        for (texts, problem) in &self.problems {
            let source = problem.span.and_then(|span| texts.of(span));
            let excerpt = source.map(|(name, text, span)| Excerpt::new(name, text, span));
            // Writing to a string does not fail.
            let _ = handler.render_report(&mut text, &Shown { problem, excerpt });
            text.push('\n');
        }
        // What is a text of the document was made harmless before; lines end without spaces.
        let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    /// For programs.
    pub(crate) fn json(&self) -> Vec<Value> {
        let problems = self.problems.iter().map(|(texts, problem)| {
            let written = problem.span.and_then(|span| texts.of(span));
            let file = written.map_or(texts.name(), |(name, _, _)| name);
            let span = written.map(|(_, _, span)| span);
            json!({
                "code": problem.code,
                "file": file,
                "line": span.map(|span| span.line),
                "column": span.map(|span| span.column),
                "place": problem.place,
                "message": problem.message,
                "help": problem.help,
            })
        });
        problems.collect()
    }
}

/// How many problems there are.
pub(super) fn count(problems: &[Problem]) -> String {
    match problems.len() {
        1 => "1 problem".to_owned(),
        many if many >= PROBLEMS_MAX => format!("{many} problems, and there may be more"),
        many => format!("{many} problems"),
    }
}

/// A problem as miette takes it.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    excerpt: Option<Excerpt<'a>>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where nothing is marked, the place is told here.
        match (&self.excerpt, self.problem.place.as_str()) {
            (None, place) if !place.is_empty() => write!(formatter, "{place}: {}", self.problem.message),
            _ => formatter.write_str(&self.problem.message),
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.problem.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let excerpt = self.excerpt.as_ref()?;
        let place = Some(self.problem.place.clone()).filter(|place| !place.is_empty());
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            place,
            excerpt.mark(),
        ))))
    }
}
