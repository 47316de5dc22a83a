//! From a document with environments and variables to one without: which environment, what its overlay changes, what its
//! variables stand for.
//!
//! A value that is exactly `${name}` is replaced by the variable's value. There is nothing else to it: no text around it,
//! no expressions; and as a variable's own value is not looked into, variables cannot refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::collect::{Problems, inside, shown};
use super::nearest::{expected, instead, nearest};
use super::problem::{Code, Problem};
use super::tree::{Entry, Node, Origin, Span, Trail, Tree};
use super::{component, secrets, text};

/// What is chosen beside a document.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The environment, over the document's own.
    pub environment: Option<String>,
    /// The values of variables, over all others.
    set: Vec<(String, Node)>,
}

impl Choice {
    /// An environment, and variables with their values.
    pub fn new(environment: Option<String>, set: &BTreeMap<String, Value>) -> Self {
        let set = set.iter().map(|(name, value)| (name.clone(), Node::from(value)));
        Self {
            environment,
            set: set.collect(),
        }
    }

    /// Sets a variable to a value that is written as in a document. The variables are numbered in the order in which
    /// they are set: [`Origin::Set`].
    ///
    /// # Errors
    /// Where the value is no YAML.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let origin = Origin::Set(self.set.len());
        let moved = |span: Span| Span { origin, ..span };
        let mut read = text::read(value, origin).map_err(|mut problem| {
            problem.span = problem.span.map(moved);
            problem
        })?;
        if read.tree.is_null() {
            // `--set name=` is the empty text.
            read.tree.value = Tree::Scalar(Value::String(String::new()));
        }
        self.set.push((name.to_owned(), read.tree));
        Ok(())
    }
}

const VARIABLES: &str = "variables";
const ENVIRONMENT: &str = "environment";
const ENVIRONMENTS: &str = "environments";

/// Resolves a document; as far as that is possible if there are problems.
pub(super) fn resolve(document: Node, choice: &Choice, problems: &mut Problems) -> Node {
    let Tree::Mapping(mut parts) = document.value else {
        return document;
    };
    let own_variables = parts.get(VARIABLES).map(|entry| entry.node.clone());
    let environments = parts.remove(ENVIRONMENTS);
    let overlays = overlays(environments.as_ref(), own_variables.as_ref(), problems);
    let mut used = BTreeSet::new();
    let overlaid = overlays.values().filter_map(|overlay| match &overlay.node.value {
        Tree::Mapping(parts) => Some(parts),
        Tree::Scalar(_) | Tree::List(_) => None,
    });
    for parts in std::iter::once(&parts).chain(overlaid) {
        uses_of(parts, &mut Trail::default(), &mut |of| {
            used.insert(of.name.to_owned());
        });
    }
    let declared = declared(own_variables.as_ref(), &overlays);
    let chosen = choose(&parts, &overlays, environments.is_some(), choice, problems);
    let mut root = Node {
        value: Tree::Mapping(std::mem::take(&mut parts)),
        span: document.span,
    };
    if let Some(overlay) = chosen.as_deref().and_then(|name| overlays.get(name)) {
        let mut trail = Trail::from(&[ENVIRONMENTS, chosen.as_deref().unwrap_or_default()]);
        merge(&mut root, &without_own(overlay), &mut trail, problems);
    }
    let Tree::Mapping(parts) = &mut root.value else {
        return root;
    };
    let variables = variables(parts.remove(VARIABLES), &declared, &used, choice, problems);
    let mut substitution = Substitution {
        variables: &variables,
        trail: Trail::default(),
        problems,
    };
    substitution.node(&mut root);
    if let (Tree::Mapping(parts), Some(name)) = (&mut root.value, chosen) {
        name_environment(parts, name);
    }
    root
}

/// The overlays by their environments' names, each checked as far as it can be without being chosen.
fn overlays(
    environments: Option<&Entry>,
    own_variables: Option<&Node>,
    problems: &mut Problems,
) -> BTreeMap<String, Entry> {
    let Some(environments) = environments else {
        return BTreeMap::new();
    };
    let Tree::Mapping(entries) = &environments.node.value else {
        let problem = Problem::at(
            Code::WrongType,
            ENVIRONMENTS,
            "expected a mapping of names to what they change",
        );
        problems.add(problem.spanning(environments.node.span.or(environments.key)));
        return BTreeMap::new();
    };
    for (name, overlay) in entries {
        let place = inside(ENVIRONMENTS, name);
        if let Some(problem) = component::name_problem(&place, name, component::ENVIRONMENT_LENGTH_MAX) {
            problems.add(problem.of_key().spanning(overlay.key));
        }
        let parts = match &overlay.node.value {
            Tree::Mapping(parts) => parts,
            Tree::Scalar(Value::Null) => continue,
            Tree::Scalar(_) | Tree::List(_) => {
                let problem = Problem::at(Code::WrongType, place, "expected a mapping of what it changes");
                problems.add(problem.spanning(overlay.node.span.or(overlay.key)));
                continue;
            }
        };
        for (part, entry) in parts {
            let problem = match part.as_str() {
                "stack" | ENVIRONMENT | ENVIRONMENTS => Problem::at(
                    Code::Overlay,
                    inside(&place, part),
                    format!("an environment cannot set `{part}`"),
                )
                .help("it is what the environments have in common; leave it out here"),
                known if known == VARIABLES || component::PARTS.contains(&known) => continue,
                unknown => Problem::at(
                    Code::UnknownKey,
                    inside(&place, part),
                    format!("unknown key `{}`", shown(unknown)),
                )
                .help(instead(unknown, &component::PARTS)),
            };
            problems.add(problem.of_key().spanning(entry.key));
        }
        let mut trail = Trail::from(&[ENVIRONMENTS, name]);
        secrets::find(&overlay.node, &mut trail, problems);
        let known = names_of([own_variables, variables_of(overlay)]);
        uses_of(parts, &mut trail, &mut |of| {
            if !known.contains(of.name) && !problems.is_full() {
                problems.add(unknown_variable(of, &known));
            }
        });
    }
    entries.clone()
}

fn variables_of(overlay: &Entry) -> Option<&Node> {
    match &overlay.node.value {
        Tree::Mapping(parts) => parts.get(VARIABLES).map(|entry| &entry.node),
        Tree::Scalar(_) | Tree::List(_) => None,
    }
}

fn names_of<'a>(declarations: impl IntoIterator<Item = Option<&'a Node>>) -> BTreeSet<&'a str> {
    let mappings = declarations.into_iter().flatten().filter_map(|node| match &node.value {
        Tree::Mapping(entries) => Some(entries.keys().map(String::as_str)),
        Tree::Scalar(_) | Tree::List(_) => None,
    });
    mappings.flatten().collect()
}

/// Every variable that is declared anywhere, and where.
fn declared(own: Option<&Node>, overlays: &BTreeMap<String, Entry>) -> BTreeMap<String, (String, Option<Span>)> {
    let mut declared = BTreeMap::new();
    let own = own.map(|node| (VARIABLES.to_owned(), node));
    let overlays = overlays.iter().filter_map(|(name, overlay)| {
        let place = inside(&inside(ENVIRONMENTS, name), VARIABLES);
        variables_of(overlay).map(|node| (place, node))
    });
    for (place, node) in own.into_iter().chain(overlays) {
        if let Tree::Mapping(entries) = &node.value {
            for (name, entry) in entries {
                let place = inside(&place, name);
                declared.entry(name.clone()).or_insert((place, entry.key));
            }
        }
    }
    declared
}

/// Which environment; `None` where none is chosen or it is no text, which reading the document tells.
fn choose(
    parts: &BTreeMap<String, Entry>,
    overlays: &BTreeMap<String, Entry>,
    is_closed: bool,
    choice: &Choice,
    problems: &mut Problems,
) -> Option<String> {
    let own = parts.get(ENVIRONMENT);
    let known: Vec<&str> = overlays.keys().map(String::as_str).collect();
    let (name, span) = match (&choice.environment, own) {
        (Some(name), _) => (name.as_str(), None),
        (None, Some(own)) => (own.node.as_text()?, own.node.span),
        (None, None) if is_closed => {
            let problem = Problem::at(
                Code::Missing,
                ENVIRONMENT,
                "no environment is chosen, and the document has no default",
            );
            problems.add(problem.help(format!(
                "choose one with `--environment NAME`, or give a default with `environment: NAME`; {}",
                expected(&known)
            )));
            return None;
        }
        (None, None) => return None,
    };
    if is_closed && !overlays.contains_key(name) {
        let message = format!("the document has no environment `{}`", shown(name));
        let problem = Problem::at(Code::UnknownEnvironment, ENVIRONMENT, message).help(instead(name, &known));
        problems.add(problem.spanning(span));
    }
    Some(name.to_owned())
}

/// An overlay without what it may not set, which was told.
fn without_own(overlay: &Entry) -> Node {
    let mut node = overlay.node.clone();
    if let Tree::Mapping(parts) = &mut node.value {
        for own in ["stack", ENVIRONMENT, ENVIRONMENTS] {
            parts.remove(own);
        }
    }
    node
}

/// Merges an overlay over what is there: mappings one by one, everything else replaced, `null` takes away.
fn merge(base: &mut Node, overlay: &Node, trail: &mut Trail, problems: &mut Problems) {
    let Tree::Mapping(changes) = &overlay.value else {
        if !overlay.is_null() {
            base.clone_from(overlay);
        }
        return;
    };
    if !matches!(base.value, Tree::Mapping(_)) {
        *base = Node {
            span: overlay.span,
            ..Node::empty()
        };
    }
    let Tree::Mapping(entries) = &mut base.value else {
        return;
    };
    for (name, change) in changes {
        let back = trail.to_key(name);
        if !change.node.is_null() {
            let entry = entries.entry(name.clone()).or_insert_with(|| Entry {
                key: change.key,
                node: Node::empty(),
            });
            merge(&mut entry.node, &change.node, trail, problems);
        } else if entries.remove(name).is_none() && !problems.is_full() {
            let message = format!("there is no `{}` to take away", shown(name));
            let problem = Problem::at(Code::Overlay, trail.as_str(), message);
            let problem = problem.of_key().spanning(change.key);
            problems.add(match nearest(name, entries.keys().map(String::as_str)) {
                Some(known) => problem.help(format!("did you mean `{known}`?")),
                None => problem.help("`null` takes away what the document says; leave this out"),
            });
        }
        trail.back(back);
    }
}

/// The variables with their values, as the overlay and what was set beside the document make them.
fn variables(
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
    for (name, node) in &choice.set {
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

fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_-".contains(char))
}

/// A value that is a variable.
struct Use<'a> {
    place: &'a str,
    name: &'a str,
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

/// Every variable that the parts of a document or an overlay use, but in the values of variables.
fn uses_of(parts: &BTreeMap<String, Entry>, trail: &mut Trail, found: &mut dyn FnMut(&Use<'_>)) {
    for (part, entry) in parts.iter().filter(|(part, _)| *part != VARIABLES) {
        let back = trail.to_key(part);
        uses(&entry.node, trail, found);
        trail.back(back);
    }
}

fn uses(node: &Node, trail: &mut Trail, found: &mut dyn FnMut(&Use<'_>)) {
    match &node.value {
        Tree::Scalar(Value::String(text)) => {
            if let Some(Ok(name)) = variable_in(text) {
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
                let back = trail.to_item(index);
                uses(item, trail, found);
                trail.back(back);
            }
        }
        Tree::Mapping(entries) => {
            for (name, entry) in entries {
                let back = trail.to_key(name);
                uses(&entry.node, trail, found);
                trail.back(back);
            }
        }
    }
}

fn unknown_variable(of: &Use<'_>, known: &BTreeSet<&str>) -> Problem {
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
                    Some(Ok(name)) => self.value_of(&name.to_owned(), node.span),
                    Some(Err(())) => {
                        let message = format!("`{}` is no variable, and holds the sign of one", shown(text));
                        let problem = Problem::at(Code::Variable, self.trail.as_str(), message).spanning(node.span);
                        self.problems.add(problem.help(
                            "a variable stands for a whole value: write `${name}` alone, and the whole text into the variable",
                        ));
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
                    let back = self.trail.to_item(index);
                    self.node(item);
                    self.trail.back(back);
                }
            }
            Tree::Mapping(entries) => {
                for (name, entry) in entries {
                    let back = self.trail.to_key(name);
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

/// Makes the chosen environment the document's.
fn name_environment(parts: &mut BTreeMap<String, Entry>, name: String) {
    let own = parts.get(ENVIRONMENT);
    let is_own = own.is_some_and(|own| own.node.as_text() == Some(&name));
    if is_own {
        return;
    }
    let node = Node {
        value: Tree::Scalar(Value::String(name)),
        span: None,
    };
    parts.insert(ENVIRONMENT.to_owned(), Entry { key: None, node });
}
