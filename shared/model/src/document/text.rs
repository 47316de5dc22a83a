//! From a text, YAML or JSON, to a tree that knows where everything stands.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, MessageFormatter, Spanned, UserMessageFormatter};

use super::collect::shown;
use super::problem::{Code, Problem};
use super::tree::{Entry, Node, Origin, Span, Trail, Tree};

/// The longest document, in bytes of its text.
pub const BYTES_MAX: usize = 256 * 1024;
/// The most values a document may have, those that its anchors repeat counted each time.
const VALUES_MAX: usize = 50_000;
/// How deep values may lie in one another.
const DEPTH_MAX: usize = 32;

/// A text that was read.
pub(super) struct Read {
    /// What is in it; of a key that is there twice, the first.
    pub(super) tree: Node,
    /// The keys that are there twice.
    pub(super) problems: Vec<Problem>,
}

/// The text in some bytes.
///
/// # Errors
/// Where it is too long, or no UTF-8.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, Box<Problem>> {
    if bytes.len() > BYTES_MAX {
        let message = format!("it is {} bytes long", bytes.len());
        let problem = Problem::at(Code::TooLarge, "", message);
        return Err(Box::new(problem.help(format!("at most {BYTES_MAX} are possible"))));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let problem = Problem::at(Code::Encoding, "", "it is UTF-16");
        return Err(Box::new(problem.help("save the file in the encoding UTF-8")));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let (good, bad) = bytes.split_at(error.valid_up_to());
        let good = std::str::from_utf8(good).unwrap_or_default();
        let byte = bad.first().copied().unwrap_or_default();
        let problem = Problem::at(Code::Encoding, "", format!("the byte 0x{byte:02X} is not UTF-8"));
        let problem = problem.help("save the file in the encoding UTF-8");
        Box::new(problem.spanning(Some(span_at(good, good.len(), good.len()))))
    })
}

/// Reads a text, as far as its syntax goes.
///
/// # Errors
/// Where it is no YAML, or too large; only the first such place can be told.
pub(super) fn read(text: &str, origin: Origin) -> Result<Read, Box<Problem>> {
    let read = match spanned(text, DuplicateKeyPolicy::Error) {
        // Every key that is there twice is to be told, not only the first.
        Err(error) if matches!(error.without_snippet(), Error::DuplicateMappingKey { .. }) => {
            let told = problem_of(text, &error);
            let mut read = build(text, origin, spanned(text, DuplicateKeyPolicy::LastWins));
            if let Ok(read) = &mut read
                && read.problems.is_empty()
            {
                // Numbers that are the same number are told only that way: 1 and 0x1.
                read.problems.push(told);
            }
            read
        }
        tree => build(text, origin, tree),
    }?;
    if read.tree.is_null() && origin == Origin::Document {
        let problem = Problem::at(Code::Empty, "", "there is nothing in it");
        return Err(Box::new(problem.help(
            "a stack document has at least `stack`, `environment`, `region` and `network`; stacks/ has examples",
        )));
    }
    Ok(read)
}

fn build(text: &str, origin: Origin, raw: Result<Spanned<Raw>, Error>) -> Result<Read, Box<Problem>> {
    let raw = raw.map_err(|error| Box::new(problem_of(text, &error)))?;
    let mut builder = Builder {
        origin,
        trail: Trail::default(),
        problems: Vec::new(),
    };
    let tree = builder.node(raw);
    Ok(Read {
        tree,
        problems: builder.problems,
    })
}

fn spanned(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Spanned<Raw>, Error> {
    let options = serde_saphyr::options! {
        duplicate_keys: duplicate_keys,
        // YAML 1.2, as editors have it: `no` and `on` are texts.
        strict_booleans: true,
        with_snippet: false,
        emit_comments: false,
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_nodes: VALUES_MAX,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 2 * VALUES_MAX,
        },
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// A value as the parser hands it over, duplicate keys and all.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Mapping(Vec<(Spanned<String>, Spanned<Raw>)>),
}

struct Builder {
    origin: Origin,
    trail: Trail,
    problems: Vec<Problem>,
}

impl Builder {
    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let span = self.span(raw.defined);
        let value = match raw.value {
            Raw::Scalar(value) => Tree::Scalar(value),
            Raw::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    let back = self.trail.enter_item(index);
                    list.push(self.node(item));
                    self.trail.back(back);
                }
                Tree::List(list)
            }
            Raw::Mapping(entries) => Tree::Mapping(self.mapping(entries)),
        };
        Node { value, span }
    }

    fn mapping(&mut self, entries: Vec<(Spanned<String>, Spanned<Raw>)>) -> BTreeMap<String, Entry> {
        let mut mapping: BTreeMap<String, Entry> = BTreeMap::new();
        for (name, raw) in entries {
            let key = self.span(name.defined);
            let back = self.trail.enter_key(&name.value);
            let node = self.node(raw);
            match mapping.entry(name.value) {
                Slot::Vacant(free) => {
                    free.insert(Entry { key, node });
                }
                Slot::Occupied(taken) => {
                    let message = format!("`{}` is there twice", shown(taken.key()));
                    let first = taken.get().key.map_or(0, |first| first.line);
                    let problem = Problem::at(Code::DuplicateKey, self.trail.as_str(), message).help(format!(
                        "it is on line {first} already; put both into one, or take one away"
                    ));
                    self.problems.push(problem.of_key().spanning(key));
                }
            }
            self.trail.back(back);
        }
        mapping
    }

    fn span(&self, location: Location) -> Option<Span> {
        let span = location.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        Some(Span {
            origin: self.origin,
            start,
            end: start.checked_add(usize::try_from(span.byte_len()?).ok()?)?,
            line: usize::try_from(location.line()).ok()?,
            column: usize::try_from(location.column()).ok()?,
        })
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Raw, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("it is no finite number"))?;
        Ok(Raw::Scalar(number.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Mapping(entries))
    }
}

/// What the parser found, in our words where it is something that happens.
fn problem_of(text: &str, error: &Error) -> Problem {
    let error = error.without_snippet();
    let span = error.location().and_then(|location| span_of(text, location));
    let line = span.map_or("", |span| {
        text.lines().nth(span.line.saturating_sub(1)).unwrap_or_default()
    });
    let (code, message, help) = match original(error) {
        Error::DuplicateMappingKey { key, .. } => (
            Code::DuplicateKey,
            format!("`{}` is there twice", shown(key.as_deref().unwrap_or("a key"))),
            Some("put both into one, or take one away".to_owned()),
        ),
        Error::MultipleDocuments { .. } => (
            Code::Syntax,
            "a second document begins here".to_owned(),
            Some("a file holds one stack document; put the other into a file of its own".to_owned()),
        ),
        Error::Budget { breach, .. } => (Code::TooLarge, breached(breach), None),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => (
            Code::TooLarge,
            "the anchors and aliases make too many values of it".to_owned(),
            Some(format!("at most {VALUES_MAX} values are possible")),
        ),
        Error::RecursiveReferencesRequireWeakTypes { .. } => (
            Code::Syntax,
            "the alias stands within its own anchor".to_owned(),
            Some("a value cannot hold itself; write it out".to_owned()),
        ),
        Error::NullIntoString { .. } => (Code::Syntax, "a key is missing before the colon".to_owned(), None),
        _ => {
            let message = message_of(error);
            let help = help_for(&message, line);
            (Code::Syntax, message, help)
        }
    };
    let problem = Problem::at(code, "", message).spanning(span);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// What is behind an alias.
fn original(mut error: &Error) -> &Error {
    while let Error::AliasError { error: inner, .. } | Error::WithSnippet { error: inner, .. } = error {
        error = inner;
    }
    error
}

fn breached(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { .. } => format!("values lie more than {DEPTH_MAX} deep in one another"),
        BudgetBreach::Nodes { .. } => {
            format!("there are more than {VALUES_MAX} values in it, what aliases repeat counted each time")
        }
        _ => "it is too large or too complex".to_owned(),
    }
}

fn message_of(error: &Error) -> String {
    let message = UserMessageFormatter.format_message(original(error));
    let message = message.trim_end_matches('.');
    let mut chars = message.chars();
    let first: String = chars
        .next()
        .map(|first| first.to_lowercase().collect())
        .unwrap_or_default();
    format!("it is not YAML: {first}{}", chars.as_str())
}

fn help_for(message: &str, line: &str) -> Option<String> {
    let indentation: String = line.chars().take_while(|char| char.is_whitespace()).collect();
    let help = if message.contains("unknown value") || message.contains("unknown anchor") {
        "`&name` makes an anchor, and `*name` stands for it; a text that begins with * stands in quotes"
    } else if message.contains("quoted scalar") || message.contains("unclosed") {
        "what was opened with a quote, bracket or brace is not closed"
    } else if indentation.contains('\t') {
        "indent with spaces: YAML allows no tabs there"
    } else if line.contains("${") && line.contains(['{', '[']) && !line.contains("\"${") {
        "within braces or brackets a variable stands in quotes: \"${name}\""
    } else if line.contains(": @") || line.contains(": `") || line.contains(": %") || line.contains(": *") {
        "a text that begins with a sign stands in quotes"
    } else if line.matches(": ").count() > 1 {
        "a text that holds `: ` stands in quotes"
    } else if message.contains("mapping values are not allowed") {
        "keys of one mapping begin in the same column"
    } else {
        return None;
    };
    Some(help.to_owned())
}

/// Where the parser stopped: some of its errors know their line and column only.
fn span_of(text: &str, location: Location) -> Option<Span> {
    let number = usize::try_from(location.line()).ok()?.checked_sub(1)?;
    let column = usize::try_from(location.column()).ok()?.saturating_sub(1);
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(index, _)| index + 1));
    let line_start = starts.take(number + 1).last()?;
    let line = text.get(line_start..)?.lines().next().unwrap_or_default();
    // A byte order mark is no column.
    let line_start = match line_start == 0 && line.starts_with('\u{feff}') {
        true => '\u{feff}'.len_utf8(),
        false => line_start,
    };
    let line = text.get(line_start..)?.lines().next().unwrap_or_default();
    let offset = line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset);
    let width = line
        .get(offset..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    let length = location
        .span()
        .byte_len()
        .and_then(|length| usize::try_from(length).ok());
    let start = line_start + offset;
    let end = start + length.unwrap_or(width).max(width);
    Some(Span {
        origin: Origin::Document,
        start,
        end: if text.is_char_boundary(end) { end } else { start + width },
        line: number + 1,
        column: column + 1,
    })
}

/// The span from one byte to another; both are where characters begin.
fn span_at(text: &str, start: usize, end: usize) -> Span {
    let before = text.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |index| index + 1);
    Span {
        origin: Origin::Document,
        start,
        end,
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}
