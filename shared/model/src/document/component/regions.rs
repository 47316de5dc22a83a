//! Regions: those of the stack, what is said of each, and where a component lives.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::ByRegion;
use super::super::collect::{Problems, inside, shown};
use super::super::fields::{Fields, any_text, list, named, text};
use super::super::nearest::instead;
use super::super::problem::{Code, Problem};
use super::region;
use crate::key::Region;

const REGION: &str = "region";
const REGIONS: &str = "regions";
/// A stack has so many at most, for now.
const REGIONS_MAX: usize = 2;

/// The regions that a document names, as far as they can be read; none where something is wrong with them.
pub(super) fn of(document: &Value) -> Vec<Region> {
    let one = document.get(REGION).and_then(Value::as_str);
    let several = document.get(REGIONS).and_then(Value::as_array).into_iter().flatten();
    let named: Vec<&str> = one.into_iter().chain(several.filter_map(Value::as_str)).collect();
    let is_twice = |index: usize, name: &&str| named.iter().take(index).any(|other| other == name);
    let is_good = named.len() <= REGIONS_MAX
        && named.iter().all(|name| region(name).is_ok())
        && !named.iter().enumerate().any(|(index, name)| is_twice(index, name));
    match is_good {
        true => named.into_iter().map(Region::new).collect(),
        false => Vec::new(),
    }
}

/// The stack's regions, the first first: either `region` or `regions` must say them.
pub(super) fn regions(document: &Value, fields: &mut Fields<'_, '_>) -> Option<Vec<Region>> {
    if document.get(REGIONS).is_none() {
        let one = fields.required(REGION, "us-east-1", text(Code::Form, region))?;
        return Some(vec![Region::new(one)]);
    }
    let several = fields.required(REGIONS, "[us-east-1, us-east-2]", several);
    if document.get(REGION).is_some() {
        let problem = Problem::at(Code::Conflict, REGIONS, "`region` and `regions` are both given").of_key();
        let help = "a stack in one region has `region`, one in two has `regions`; take one of them away";
        fields.problems.add(problem.help(help));
        // Whatever else is wrong with it is told too.
        fields.required(REGION, "us-east-1", text(Code::Form, region));
        return None;
    }
    several
}

fn several(value: &Value, place: &str, problems: &mut Problems) -> Option<Vec<Region>> {
    let names = list(text(Code::Form, region))(value, place, problems)?;
    let count = names.len();
    problems.unless((1..=REGIONS_MAX).contains(&count), || {
        let message = match count {
            0 => "there is no region in it".to_owned(),
            count => format!("{count} regions are not possible yet"),
        };
        Problem::at(Code::Range, place, message).help(format!("expected one or {REGIONS_MAX}"))
    });
    for (index, name) in names.iter().enumerate() {
        problems.unless(!names.iter().take(index).any(|other| other == name), || {
            Problem::at(
                Code::Conflict,
                format!("{place}[{index}]"),
                format!("{name} is there twice"),
            )
            .help("take one of them away")
        });
    }
    Some(names.into_iter().map(Region::new).collect())
}

/// A value that is the same in every region, or a mapping that says it for each.
pub(super) fn by_region<T>(
    regions: &[Region],
    read: impl Fn(&Value, &str, &mut Problems) -> Option<T>,
) -> impl Fn(&Value, &str, &mut Problems) -> Option<ByRegion<T>> {
    move |value, place, problems| {
        if !value.is_object() {
            return read(value, place, problems).map(ByRegion::Everywhere);
        }
        let each = named(value, place, problems, |name, value, place, problems| {
            if let Some(problem) = foreign(name, regions, place) {
                problems.add(problem.of_key());
                return None;
            }
            read(value, place, problems)
        });
        for region in regions.iter().filter(|region| value.get(region.as_str()).is_none()) {
            let message = format!("`{region}` is missing: the stack is in {}", listed(regions));
            let problem = Problem::at(Code::Missing, inside(place, region.as_str()), message);
            problems.add(problem.help("say it for each region, or once for all of them"));
        }
        let each: BTreeMap<String, T> = each?;
        Some(ByRegion::Each(
            each.into_iter()
                .map(|(name, value)| (Region::new(name), value))
                .collect(),
        ))
    }
}

/// Where a component lives that says so.
pub(super) fn home(regions: &[Region]) -> impl Fn(&Value, &str, &mut Problems) -> Option<Region> {
    move |value, place, problems| {
        let name = any_text(value, place, problems)?;
        match foreign(&name, regions, place) {
            None => Some(Region::new(name)),
            Some(problem) => {
                problems.add(problem);
                None
            }
        }
    }
}

/// What is wrong with a region that is none of the stack's. Where those are not known, only its form is looked at.
fn foreign(name: &str, regions: &[Region], place: &str) -> Option<Problem> {
    if regions.is_empty() {
        let (message, help) = region(name).err()?;
        return Some(Problem::at(Code::Form, place, message).help(help));
    }
    if regions.iter().any(|region| region.as_str() == name) {
        return None;
    }
    let known: Vec<&str> = regions.iter().map(Region::as_str).collect();
    let message = format!("the stack is in {}, not in `{}`", listed(regions), shown(name));
    Some(Problem::at(Code::Reference, place, message).help(instead(name, &known)))
}

/// The regions, as they are shown in a problem.
pub(super) fn listed(regions: &[Region]) -> String {
    let names: Vec<&str> = regions.iter().map(Region::as_str).collect();
    names.join(" and ")
}
