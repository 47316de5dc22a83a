//! Reading a mapping key by key, so that everything that is wrong in it is told, not only the first thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Error};
use serde_json::{Map, Value};

use super::collect::{Problems, inside, shown};
use super::nearest::{expected, instead, nearest};
use super::problem::{Code, Problem};
use super::tree::kind_of;

/// A mapping with known keys.
pub(super) struct Fields<'a, 'p> {
    place: String,
    entries: &'a Map<String, Value>,
    known: Vec<&'static str>,
    pub(super) problems: &'p mut Problems,
}

impl<'a, 'p> Fields<'a, 'p> {
    /// Of a value that is to be a mapping.
    pub(super) fn of(value: &'a Value, place: &str, problems: &'p mut Problems) -> Option<Self> {
        let Some(entries) = value.as_object() else {
            let problem = wrong_type(place, "a mapping", value);
            problems.add(match value {
                Value::Null => problem.help("indent what belongs to it below it, or take it away"),
                _ => problem,
            });
            return None;
        };
        Some(Self {
            place: place.to_owned(),
            entries,
            known: Vec::new(),
            problems,
        })
    }

    /// The path of one of its values.
    pub(super) fn at(&self, key: &str) -> String {
        inside(&self.place, key)
    }

    /// What must be there; `example` is a value that it could have.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(&'a Value, &str, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        self.known.push(key);
        let place = self.at(key);
        let missing = |message: &str| {
            Problem::at(Code::Missing, &place, format!("`{key}` {message}"))
                .help(format!("for instance `{key}: {example}`"))
        };
        match self.entries.get(key) {
            None => self.problems.add(missing("is missing")),
            Some(Value::Null) => self.problems.add(missing("has no value")),
            Some(value) => return read(value, &place, self.problems),
        }
        None
    }

    /// What may be left out.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&'a Value, &str, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        self.known.push(key);
        let place = self.at(key);
        match self.entries.get(key) {
            None => Some(default),
            Some(Value::Null) => {
                let problem = Problem::at(Code::Missing, place, format!("`{key}` has no value"));
                self.problems
                    .add(problem.help("leave it out for its default, or give it one"));
                None
            }
            Some(value) => read(value, &place, self.problems),
        }
    }

    /// What may be left out, or be nothing.
    pub(super) fn option<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'a Value, &str, &mut Problems) -> Option<T>,
    ) -> Option<Option<T>> {
        self.known.push(key);
        let place = self.at(key);
        match self.entries.get(key) {
            None | Some(Value::Null) => Some(None),
            Some(value) => read(value, &place, self.problems).map(Some),
        }
    }

    /// A mapping or list of any size, which may be left out or be empty.
    pub(super) fn collection<T: Default>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'a Value, &str, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        self.option(key, read).map(Option::unwrap_or_default)
    }

    /// Tells every key that is not known.
    pub(super) fn finish(self) {
        let known = self.known.clone();
        self.finish_with(&known);
    }

    /// Tells every key that is not known; these are those that could be meant.
    pub(super) fn finish_with(self, candidates: &[&str]) {
        for key in self.entries.keys().filter(|key| !self.known.contains(&key.as_str())) {
            if self.problems.is_full() {
                return;
            }
            let message = format!("unknown key `{}`", shown(key));
            let problem = Problem::at(Code::UnknownKey, inside(&self.place, key), message).of_key();
            self.problems.add(problem.help(instead(key, candidates)));
        }
    }
}

/// A whole number. Its unit is the end of its key: `storage_gib`.
pub(super) fn number<T: TryFrom<u64>>(least: u64, most: u64) -> impl Fn(&Value, &str, &mut Problems) -> Option<T> {
    move |value, place, problems| {
        let (what, unit) = match unit_of(place) {
            Some(unit) => (format!("a number of {unit}"), format!(" {unit}")),
            None => ("a whole number".to_owned(), String::new()),
        };
        let Some(number) = value.as_u64() else {
            let is_number = value.is_number();
            problems.add(match is_number {
                true => Problem::at(
                    Code::Range,
                    place,
                    format!("{value} is no whole number from {least} to {most}"),
                )
                .help(format!("expected {what}, such as {least}")),
                false => wrong_type(place, &what, value).help(number_help(value, least, unit.trim())),
            });
            return None;
        };
        problems.unless((least..=most).contains(&number), || {
            Problem::at(Code::Range, place, format!("{number}{unit} is out of range"))
                .help(format!("expected {least} to {most}"))
        });
        T::try_from(number).ok()
    }
}

/// The unit that a key ends with.
fn unit_of(place: &str) -> Option<&'static str> {
    let key = place.rsplit('.').next().unwrap_or_default();
    let units = [
        ("_gib", "GiB"),
        ("_hours", "hours"),
        ("_days", "days"),
        ("_seconds", "seconds"),
    ];
    let found = units
        .iter()
        .find(|(end, _)| key.trim_end_matches("_max").ends_with(end));
    found.map(|(_, unit)| *unit)
}

/// `20GB` was meant to be 20; what `1 day` is in hours is not guessed.
fn number_help(value: &Value, least: u64, unit: &str) -> String {
    let text = value.as_str().unwrap_or_default().trim();
    let length = text.bytes().take_while(u8::is_ascii_digit).take(9).count();
    let (digits, rest) = text.split_at(length);
    let initial = |text: &str| text.trim().chars().next().map(|first| first.to_ascii_lowercase());
    if digits.is_empty() || (!rest.is_empty() && initial(rest) != initial(unit)) {
        format!("write the number alone, for instance {least}")
    } else if rest.is_empty() {
        format!("write {digits}, without quotes")
    } else {
        format!("write the number alone: {digits}")
    }
}

/// A number that need not be whole.
pub(super) fn decimal(value: &Value, place: &str, problems: &mut Problems) -> Option<f64> {
    let number = value.as_f64();
    if number.is_none() {
        problems.add(wrong_type(place, "a number", value).help(number_help(value, 80, "")));
    }
    number
}

/// `true` or `false`.
pub(super) fn boolean(value: &Value, place: &str, problems: &mut Problems) -> Option<bool> {
    let meant = match value.as_str().unwrap_or_default().to_lowercase().as_str() {
        "yes" | "on" | "y" | "true" => Some(true),
        "no" | "off" | "n" | "false" => Some(false),
        _ => None,
    };
    let boolean = value.as_bool();
    if boolean.is_none() {
        let problem = wrong_type(place, "true or false", value);
        problems.add(match meant {
            Some(meant) => problem.help(format!("write {meant}")),
            None => problem,
        });
    }
    boolean
}

/// A text that is as it must be: `check` answers what is wrong with it, and what would be right.
pub(super) fn text(
    code: Code,
    check: impl Fn(&str) -> Result<(), (String, String)>,
) -> impl Fn(&Value, &str, &mut Problems) -> Option<String> {
    move |value, place, problems| {
        let text = any_text(value, place, problems)?;
        if let Err((message, help)) = check(&text) {
            problems.add(Problem::at(code, place, message).help(help));
        }
        Some(text)
    }
}

/// A text.
pub(super) fn any_text(value: &Value, place: &str, problems: &mut Problems) -> Option<String> {
    if let Value::String(text) = value {
        return Some(text.clone());
    }
    let problem = wrong_type(place, "a text", value);
    problems.add(match value {
        // Not which: 15.10 was read as 15.1.
        Value::Number(_) | Value::Bool(_) => problem.help("write it in quotes, as it stands"),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => problem,
    });
    None
}

/// A text of which something is made.
pub(super) fn parsed<T: std::str::FromStr>(
    code: Code,
    what: &'static str,
    help: &'static str,
) -> impl Fn(&Value, &str, &mut Problems) -> Option<T> {
    move |value, place, problems| {
        let text = any_text(value, place, problems)?;
        let parsed = text.parse().ok();
        problems.unless(parsed.is_some(), || {
            Problem::at(code, place, format!("`{}` is no {what}", shown(&text))).help(help)
        });
        parsed
    }
}

/// One of some words.
pub(super) fn choice<T: DeserializeOwned>(value: &Value, place: &str, problems: &mut Problems) -> Option<T> {
    let text = any_text(value, place, problems)?;
    match T::deserialize(StrDeserializer::<Choices>::new(&text)) {
        Ok(chosen) => Some(chosen),
        Err(Choices(known)) => {
            let message = format!("`{}` is not possible", shown(&text));
            problems.add(Problem::at(Code::UnknownValue, place, message).help(match known.len() {
                2.. => match nearest(&text, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`? Possible are {}", known.join(", ")),
                    None => expected(known),
                },
                _ => expected(known),
            }));
            None
        }
    }
}

/// The words that an enum knows, told by its own reading.
#[derive(Debug)]
struct Choices(&'static [&'static str]);

impl Error for Choices {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self(known)
    }
}

impl std::error::Error for Choices {}

impl fmt::Display for Choices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&expected(self.0))
    }
}

/// A list, each item read by itself.
pub(super) fn list<T>(
    read: impl Fn(&Value, &str, &mut Problems) -> Option<T>,
) -> impl Fn(&Value, &str, &mut Problems) -> Option<Vec<T>> {
    move |value, place, problems| {
        let Some(items) = value.as_array() else {
            problems.add(wrong_type(place, "a list", value).help("write it in brackets: [...]"));
            return None;
        };
        let mut read_items = Some(Vec::new());
        for (index, item) in items.iter().enumerate() {
            if problems.is_full() {
                return None;
            }
            match (read(item, &format!("{place}[{index}]"), problems), &mut read_items) {
                (Some(item), Some(items)) => items.push(item),
                _ => read_items = None,
            }
        }
        read_items
    }
}

/// Some of the words that are possible.
pub(super) fn some_of(
    what: &'static str,
    known: &'static [&'static str],
) -> impl Fn(&Value, &str, &mut Problems) -> Option<BTreeSet<String>> {
    move |value, place, problems| {
        let check = |text: &str| match known.contains(&text) {
            true => Ok(()),
            false => Err((format!("`{}` is no {what}", shown(text)), instead(text, known))),
        };
        let items = list(text(Code::UnknownValue, check))(value, place, problems)?;
        Some(items.into_iter().collect())
    }
}

/// A mapping of names that a document makes up; each value is read by itself.
pub(super) fn named<'a, T>(
    value: &'a Value,
    place: &str,
    problems: &mut Problems,
    mut read: impl FnMut(&str, &'a Value, &str, &mut Problems) -> Option<T>,
) -> Option<BTreeMap<String, T>> {
    let Some(entries) = value.as_object() else {
        problems.add(wrong_type(place, "a mapping of names", value));
        return None;
    };
    let mut all = Some(BTreeMap::new());
    for (name, value) in entries {
        if problems.is_full() {
            return None;
        }
        match (read(name, value, &inside(place, name), problems), &mut all) {
            (Some(read), Some(all)) => drop(all.insert(name.clone(), read)),
            _ => all = None,
        }
    }
    all
}

/// A value of another type than is expected.
pub(super) fn wrong_type(place: &str, expected: &str, found: &Value) -> Problem {
    let found = match found {
        Value::String(text) => format!("the text `{}`", shown(text)),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => kind_of(found).to_owned(),
    };
    Problem::at(Code::WrongType, place, format!("expected {expected}, found {found}"))
}
