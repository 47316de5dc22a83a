//! Backups.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, any_text, list, number, text};
use super::super::nearest::nearest;
use super::super::problem::{Code, Problem};
use super::super::{Backup, ComponentPath, defaults};
use super::regions::home;
use super::{Known, tags, window};
use crate::key::Region;

/// The parts whose components AWS Backup backs up.
#[cfg(feature = "schema")]
pub(in crate::document) const PARTS: [&str; 3] = ["databases", "clusters", "tables"];

/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html>
const RETENTION_DAYS_MAX: u64 = 36_500;

pub(super) fn backup(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Backup> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    // Where its own region could not be read, nothing is said of theirs.
    let user = region
        .as_ref()
        .and_then(|said| said.as_ref().or_else(|| known.regions.first()));
    let of = fields.required("of", "[clusters.main]", |value, place, problems| {
        components(value, place, known, user, problems)
    });
    let window_start = fields.or(
        "window_start",
        defaults::window_start(),
        text(Code::Form, window::is_time),
    );
    let retention_days = fields.required("retention_days", "7", number(1, RETENTION_DAYS_MAX));
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(Backup {
        region: region?,
        of: of?,
        window_start: window_start?,
        retention_days: retention_days?,
        tags: tags?,
    })
}

fn components(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    user: Option<&Region>,
    problems: &mut Problems,
) -> Option<BTreeSet<ComponentPath>> {
    let of = list(|value, place, problems| component(value, place, known, user, problems))(value, place, problems)?;
    problems.unless(!of.is_empty(), || {
        Problem::at(Code::Missing, place, "there is nothing in it").help("name what is to be backed up")
    });
    Some(of.into_iter().collect())
}

/// Something that is backed up where its backups are made:
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources.html>.
fn component(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    user: Option<&Region>,
    problems: &mut Problems,
) -> Option<ComponentPath> {
    let written = any_text(value, place, problems)?;
    let possible: Vec<String> = known
        .all()
        .filter(is_backed_up)
        .map(|component| component.to_string())
        .collect();
    let component: Option<ComponentPath> = written.parse().ok();
    if let Some(component) = component.filter(|_| possible.contains(&written)) {
        let users: Vec<&str> = user.into_iter().map(Region::as_str).collect();
        if let Some(of) = written.split_once('.') {
            problems.extend(known.apart(of, &users, place));
        }
        return Some(component);
    }
    let is_other = written.parse().is_ok_and(|component| known.has(&component));
    let message = match is_other {
        true => format!("AWS Backup backs up no `{}`", shown(&written)),
        false => format!("the document has no `{}`", shown(&written)),
    };
    let help = match nearest(&written, possible.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if possible.is_empty() => "the document has neither databases nor clusters".to_owned(),
        None => format!(
            "for instance {}",
            possible.iter().take(8).cloned().collect::<Vec<_>>().join(", ")
        ),
    };
    problems.add(Problem::at(Code::Reference, place, message).help(help));
    None
}

fn is_backed_up(component: &ComponentPath) -> bool {
    match component {
        ComponentPath::Database(_) | ComponentPath::Cluster(_) | ComponentPath::Table(_) => true,
        ComponentPath::Cache(_)
        | ComponentPath::Stream(_)
        | ComponentPath::Topic(_)
        | ComponentPath::Api(_)
        | ComponentPath::Bucket(_)
        | ComponentPath::Parameter(_)
        | ComponentPath::Backup(_)
        | ComponentPath::Function(_)
        | ComponentPath::Gate(_)
        | ComponentPath::Accelerator(_)
        | ComponentPath::HealthCheck(_)
        | ComponentPath::Bus(_) => false,
    }
}

/// Why there is no plan where an output names one, and what would be right: it has a home, and its vaults are in each region.
pub(super) fn missing(known: &Known<'_>, name: &str, region: &Region, attribute: &str) -> Option<(String, String)> {
    let homes = known.homes("backups", name);
    let is_elsewhere = attribute == "plan_id" && !homes.is_empty() && !homes.contains(&region.as_str());
    is_elsewhere.then(|| {
        let message = format!("the plan of `backups.{}` is not in {region}", shown(name));
        (message, format!("leave the region out: `backups.{name}.plan_id`"))
    })
}
