//! From a document with environments and variables to one without: which environment, what its overlay changes, what its
//! variables stand for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::collect::{Problems, inside, shown};
use super::nearest::{expected, instead, nearest};
use super::problem::{Code, Problem};
use super::tree::{Entry, Node, Origin, Span, Trail, Tree};
use super::variables::{is_name, substitute, unknown_variable, uses_of, variables};
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

    /// The variables with their values, as [`Choice::new`] takes them.
    pub fn values(&self) -> BTreeMap<String, Value> {
        self.set
            .iter()
            .map(|(name, value)| (name.clone(), value.to_value()))
            .collect()
    }

    /// Sets a variable to a value that is written as in a document. The variables are numbered in the order in which
    /// they are set: [`Origin::Set`].
    ///
    /// # Errors
    /// Where the value is no YAML.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Box<Problem>> {
        let origin = Origin::Set(self.set.len());
        let mut read = match text::read(value, origin) {
            Ok(read) => read,
            Err(mut problem) => {
                // It keeps its number, so that those after it have theirs.
                self.set.push((name.to_owned(), Node::empty()));
                problem.span = problem.span.map(|span| Span { origin, ..span });
                return Err(problem);
            }
        };
        if read.tree.is_null() {
            // `--set name=` is the empty text.
            read.tree.value = Tree::Scalar(Value::String(String::new()));
        }
        self.set.push((name.to_owned(), read.tree));
        Ok(())
    }

    /// The variables that are set, in their order.
    pub(super) fn settings(&self) -> &[(String, Node)] {
        &self.set
    }
}

pub(super) const VARIABLES: &str = "variables";
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
    let overlay = chosen.as_deref().and_then(|name| overlays.get(name));
    if let Some(overlay) = overlay.filter(|overlay| matches!(overlay.node.value, Tree::Mapping(_))) {
        let mut trail = Trail::from(&[ENVIRONMENTS, chosen.as_deref().unwrap_or_default()]);
        merge(&mut root, &without_own(overlay), &mut trail, problems);
    }
    let Tree::Mapping(parts) = &mut root.value else {
        return root;
    };
    let variables = variables(parts.remove(VARIABLES), &declared, &used, choice, problems);
    substitute(&mut root, &variables, problems);
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
            if is_name(of.name) && !known.contains(of.name) && !problems.is_full() {
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
        let back = trail.enter_key(name);
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
