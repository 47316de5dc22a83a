//! An event bus, with its rules and the endpoint over both regions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, any_text};
use super::super::nearest::nearest;
use super::super::problem::{Code, Problem};
use super::super::{Bus, EventRule, GlobalEndpoint};
use super::regions::home;
use super::{Known, components, event_pattern, tags};
use crate::key::Region;

/// A bus has 300 rules, of which an endpoint's own is one:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>.
const RULES_MAX: usize = 299;

pub(super) fn bus(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Bus> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    // Where its own region could not be read, nothing is said of what it refers to.
    let users: Vec<&str> = match &region {
        None => Vec::new(),
        Some(Some(region)) => vec![region.as_str()],
        Some(None) => known.regions.iter().map(Region::as_str).collect(),
    };
    let rules = fields.collection("rules", |value, place, problems| {
        rules(value, place, known, &users, problems)
    });
    let global_endpoint = fields.option("global_endpoint", |value, place, problems| {
        global_endpoint(value, place, known, &users, problems)
    });
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(Bus {
        region: region?,
        rules: rules?,
        global_endpoint: global_endpoint?,
        tags: tags?,
    })
}

fn rules(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    users: &[&str],
    problems: &mut Problems,
) -> Option<BTreeMap<String, EventRule>> {
    let count = value.as_object().map_or(0, serde_json::Map::len);
    problems.unless(count <= RULES_MAX, || {
        Problem::at(Code::Range, place, format!("there are {count} rules"))
            .help(format!("at most {RULES_MAX} are possible on one bus"))
    });
    components(|value, place, problems| rule(value, place, known, users, problems))(value, place, problems)
}

fn rule(value: &Value, place: &str, known: &Known<'_>, users: &[&str], problems: &mut Problems) -> Option<EventRule> {
    let mut fields = Fields::of(value, place, problems)?;
    let pattern = fields.required("pattern", "{source: [shop]}", event_pattern::pattern);
    let function = fields.required("function", "recorder", |value, place, problems| {
        one_of("functions", "function", value, place, known, users, problems)
    });
    fields.finish();
    Some(EventRule {
        pattern: pattern?,
        function: function?,
    })
}

fn global_endpoint(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    users: &[&str],
    problems: &mut Problems,
) -> Option<GlobalEndpoint> {
    let mut fields = Fields::of(value, place, problems)?;
    // It is the primary's health that it asks for, which is the first region's to begin with.
    let first: Vec<&str> = known.regions.iter().take(1).map(Region::as_str).collect();
    let health_check = fields.required("health_check", "main", |value, place, problems| {
        one_of("health_checks", "health check", value, place, known, &first, problems)
    });
    // Where regions could not be read, nothing is said of them.
    let is_in_one = users.len() == 1;
    fields.problems.unless(!is_in_one, || {
        let message = format!(
            "an endpoint has the buses of two regions, and this one is in {}",
            users.join(" and ")
        );
        Problem::at(Code::Conflict, place, message)
            .help("give the stack two `regions` and the bus no `region`, or take the endpoint away")
    });
    fields.finish();
    Some(GlobalEndpoint {
        health_check: health_check?,
    })
}

/// The name of a component that is there, in each of these regions.
fn one_of(
    part: &'static str,
    what: &str,
    value: &Value,
    place: &str,
    known: &Known<'_>,
    users: &[&str],
    problems: &mut Problems,
) -> Option<String> {
    let name = any_text(value, place, problems)?;
    let names = known.named(part);
    problems.unless(names.contains(name.as_str()), || {
        let message = format!("the document has no {what} `{}`", shown(&name));
        Problem::at(Code::Reference, place, message).help(match nearest(&name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => format!("the document has no `{part}`"),
            None => "expected the name of one of them".to_owned(),
        })
    });
    problems.extend(known.apart((part, &name), users, place));
    Some(name)
}

/// Why a bus does not have what an output names, and what would be right.
pub(super) fn missing(document: &Value, name: &str, attribute: &str) -> Option<(String, String)> {
    let bus = document.get("buses").and_then(|buses| buses.get(name))?;
    let is_without = bus.get("global_endpoint").is_none_or(Value::is_null);
    (attribute.starts_with("endpoint_") && is_without).then(|| {
        (
            format!("the bus `{}` has no endpoint", shown(name)),
            "for instance `global_endpoint: {health_check: main}`".to_owned(),
        )
    })
}
