//! Variables: what is declared, what is used, and what each stands for.
//!
//! A value that is exactly `${name}` is replaced by the variable's value. There is nothing else to it: no text around it,
//! no expressions; and as a variable's own value is not looked into, variables cannot refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::collect::{Problems, inside, shown};
use super::nearest::{instead, nearest};
use super::problem::{Code, Problem};
use super::resolve::{Choice, VARIABLES};
use super::secrets;
use super::tree::{Entry, Node, Span, Trail, Tree};

/// The variables with their values, as the overlay and what was set beside the document make them.
pub(super) fn variables(
    declarations: Option<Entry>,
    declared: &BTreeMap<String, (String, Option<Span>)>,
    used: &BTreeSet<String>,
    choice: &Choice,
    problems: &mut Problems,
) -> BTreeMap<String, Node> {
    let mut variables = BTreeMap::new();
    if let Some(declarations) = &declarations {
        secrets::find(&declarations.node, &mut Trail::from(&[VARIABLES]), problems);
    }
    match declarations {
        None => {}
        Some(Entry { node, key }) => match node.value {
            Tree::Mapping(entries) => {
                variables.extend(entries);
            }
            Tree::Scalar(Value::Null) => {}
            Tree::Scalar(_) | Tree::List(_) => {
                let problem = Problem::at(Code::WrongType, VARIABLES, "expected a mapping of names to values");
                problems.add(problem.spanning(node.span.or(key)));
            }
        },
    }
    for (name, (place, span)) in declared {
        let problem = if !is_name(name) {
            Problem::at(Code::Name, place, format!("`{}` cannot be a variable", shown(name)))
                .help("expected letters, digits, _ and -, the first a letter, 60 at most")
        } else if !used.contains(name) {
            let unknown = used
                .iter()
                .filter(|used| !declared.contains_key(*used))
                .map(String::as_str);
            let message = format!("no value uses the variable `{name}`");
            Problem::at(Code::UnusedVariable, place, message).help(match nearest(name, unknown) {
                Some(meant) => format!("is it meant by `${{{meant}}}`?"),
                None => format!("take it away, or write `${{{name}}}` where it is to stand"),
            })
        } else {
            continue;
        };
        problems.add(problem.of_key().spanning(*span));
    }
    let known: Vec<&str> = declared.keys().map(String::as_str).collect();
    for (name, node) in choice.settings() {
        if !declared.contains_key(name) {
            let message = format!("there is no variable `{}` to set", shown(name));
            let problem = Problem::at(Code::UnknownVariable, inside("set", name), message);
            problems.add(problem.spanning(node.span).help(match known.is_empty() {
                true => "the document declares no `variables`".to_owned(),
                false => instead(name, &known),
            }));
            continue;
        }
        let key = variables.get(name).and_then(|entry| entry.key);
        let node = node.clone();
        variables.insert(name.clone(), Entry { key, node });
    }
    for (name, Entry { node, key }) in &variables {
        let message = match &node.value {
            Tree::Scalar(Value::Null) => format!("the variable `{name}` has no value"),
            Tree::Scalar(Value::String(text)) if text.contains("${") => {
                format!("the variable `{name}` refers to another one: `{}`", shown(text))
            }
            Tree::Scalar(_) => continue,
            Tree::List(_) | Tree::Mapping(_) => {
                format!(
                    "the variable `{name}` stands for a text, a number, true or false, not for {}",
                    node.kind()
                )
            }
        };
        let problem = Problem::at(Code::Variable, inside(VARIABLES, name), message);
        let span = node.span.filter(|span| span.start < span.end).or(*key);
        problems.add(problem.spanning(span).help(match &node.value {
            Tree::Scalar(Value::Null) => format!("give it one here, in the environment, or with `--set {name}=VALUE`"),
            Tree::Scalar(_) => "a variable's value stands for itself; write it out".to_owned(),
            Tree::List(_) | Tree::Mapping(_) => {
                "write lists and mappings where they stand, or into an environment".to_owned()
            }
        }));
    }
    variables.into_iter().map(|(name, entry)| (name, entry.node)).collect()
}

pub(super) fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_-".contains(char))
}

/// A value that is a variable.
pub(super) struct Use<'a> {
    pub(super) place: &'a str,
    pub(super) name: &'a str,
    span: Option<Span>,
}

/// The name in `${name}`; `Err` where a text looks like it and is more or less than that.
fn variable_in(text: &str) -> Option<Result<&str, ()>> {
    if !text.contains("${") {
        return None;
    }
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    Some(name.filter(|name| is_name(name)).ok_or(()))
}

/// The first name between `${` and `}` of a text that holds more.
fn inner_name(text: &str) -> &str {
    let after = text.split_once("${").map_or("", |(_, after)| after);
    after.split_once('}').map_or("", |(name, _)| name)
}

/// Every variable that the parts of a document or an overlay use, but in the values of variables.
pub(super) fn uses_of(parts: &BTreeMap<String, Entry>, trail: &mut Trail, found: &mut dyn FnMut(&Use<'_>)) {
    for (part, entry) in parts.iter().filter(|(part, _)| *part != VARIABLES) {
        let back = trail.enter_key(part);
        uses(&entry.node, trail, found);
        trail.back(back);
    }
}

fn uses(node: &Node, trail: &mut Trail, found: &mut dyn FnMut(&Use<'_>)) {
    match &node.value {
        Tree::Scalar(Value::String(text)) => {
            if let Some(variable) = variable_in(text) {
                // One that has text around it is told where it stands; it is meant to be used all the same.
                let name = variable.unwrap_or_else(|()| inner_name(text));
                found(&Use {
                    place: trail.as_str(),
                    name,
                    span: node.span,
                });
            }
        }
        Tree::Scalar(_) => {}
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let back = trail.enter_item(index);
                uses(item, trail, found);
                trail.back(back);
            }
        }
        Tree::Mapping(entries) => {
            for (name, entry) in entries {
                let back = trail.enter_key(name);
                uses(&entry.node, trail, found);
                trail.back(back);
            }
        }
    }
}

pub(super) fn unknown_variable(of: &Use<'_>, known: &BTreeSet<&str>) -> Problem {
    let known: Vec<&str> = known.iter().copied().collect();
    Problem::at(
        Code::UnknownVariable,
        of.place,
        format!("there is no variable `{}`", of.name),
    )
    .spanning(of.span)
    .help(match known.is_empty() {
        true => format!("declare it: `variables: {{{}: VALUE}}`", of.name),
        false => instead(of.name, &known),
    })
}

/// Replaces variables by their values.
pub(super) fn substitute(root: &mut Node, variables: &BTreeMap<String, Node>, problems: &mut Problems) {
    let trail = Trail::default();
    let mut substitution = Substitution {
        variables,
        trail,
        problems,
    };
    substitution.node(root);
}

struct Substitution<'a> {
    variables: &'a BTreeMap<String, Node>,
    trail: Trail,
    problems: &'a mut Problems,
}

impl Substitution<'_> {
    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Tree::Scalar(Value::String(text)) => {
                let value = match variable_in(text) {
                    None => return,
                    Some(Ok(name)) => self.value_of(name, node.span),
                    Some(Err(())) => {
                        let message = format!("`{}` is not exactly one variable, `${{name}}`", shown(text));
                        let problem = Problem::at(Code::Variable, self.trail.as_str(), message).spanning(node.span);
                        self.problems.add(
                            problem.help("a variable stands for a whole value: write the whole text into the variable"),
                        );
                        return;
                    }
                };
                if let Some(value) = value {
                    *node = value;
                }
            }
            Tree::Scalar(_) => {}
            Tree::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let back = self.trail.enter_item(index);
                    self.node(item);
                    self.trail.back(back);
                }
            }
            Tree::Mapping(entries) => {
                for (name, entry) in entries {
                    let back = self.trail.enter_key(name);
                    self.node(&mut entry.node);
                    self.trail.back(back);
                }
            }
        }
    }

    fn value_of(&mut self, name: &str, span: Option<Span>) -> Option<Node> {
        let Some(value) = self.variables.get(name) else {
            if !self.problems.is_full() {
                let known = self.variables.keys().map(String::as_str).collect();
                let place = self.trail.as_str();
                self.problems.add(unknown_variable(&Use { place, name, span }, &known));
            }
            return None;
        };
        let is_wrong = match &value.value {
            Tree::Scalar(Value::Null) | Tree::List(_) | Tree::Mapping(_) => true,
            Tree::Scalar(Value::String(text)) => text.contains("${"),
            Tree::Scalar(_) => false,
        };
        if is_wrong {
            // That is told at the variable: nothing is said about where it stands.
            self.problems.silence(self.trail.as_str());
            return None;
        }
        Some(value.clone())
    }
}
