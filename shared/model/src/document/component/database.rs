//! A database.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, boolean, choice, named, number, some_of, text, wrong_type};
use super::super::problem::{Code, Problem};
use super::super::{Backups, Database, StorageType, VersionPolicy, defaults};
use super::regions::home;
use super::{Known, key, rotation, tags, window};
use crate::properties::Apply;

/// How often enhanced monitoring can look; 0 is never
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>).
pub(in crate::document) const MONITORING_INTERVALS_SECONDS: [u32; 7] = [0, 1, 5, 10, 15, 30, 60];
/// The logs of PostgreSQL that RDS can export
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.html>).
pub(in crate::document) const LOG_EXPORTS: [&str; 2] = ["postgresql", "upgrade"];

/// RDS for PostgreSQL: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html>.
const STORAGE_GIB: (u64, u64) = (20, 65_536);

pub(super) fn database(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Database> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let engine = fields.required("engine", "postgres", choice);
    let version = fields.required("version", "\"15.15\"", text(Code::Form, version));
    let version_policy = fields.or("version_policy", VersionPolicy::default(), choice);
    let class = fields.required("class", "db.t3.micro", text(Code::Form, class));
    let storage_gib = fields.required("storage_gib", "20", number(STORAGE_GIB.0, STORAGE_GIB.1));
    let storage_gib_max = fields.option("storage_gib_max", number(STORAGE_GIB.0, STORAGE_GIB.1));
    let storage_type = fields.or("storage_type", StorageType::default(), choice);
    let multi_az = fields.or("multi_az", defaults::yes(), boolean);
    let database = fields.required("database", "shop", text(Code::Name, identifier));
    let user = fields.required("user", "shop_owner", text(Code::Name, user));
    let port = fields.or("port", defaults::postgres_port(), number(1150, u64::from(u16::MAX)));
    let encryption_key = fields.option("encryption_key", key::name(known, region.as_ref()));
    let backups = fields.or("backups", Backups::default(), backups);
    let maintenance_window = fields.or(
        "maintenance_window",
        defaults::maintenance_window(),
        text(Code::Form, window::is_weekly),
    );
    let minor_upgrades = fields.or("minor_upgrades", defaults::yes(), boolean);
    let deletion_protection = fields.or("deletion_protection", defaults::yes(), boolean);
    let final_snapshot = fields.or("final_snapshot", defaults::yes(), boolean);
    let parameters = fields.collection("parameters", parameters);
    let monitoring_interval_seconds = fields.or("monitoring_interval_seconds", 0, interval);
    let log_exports = fields.collection("log_exports", some_of("log of PostgreSQL", &LOG_EXPORTS));
    let rotation = fields.option("rotation", rotation);
    let apply = fields.or("apply", Apply::default(), choice);
    let allow_replace = fields.or("allow_replace", false, boolean);
    let tags = fields.collection("tags", tags);

    if let (Some(least), Some(Some(most))) = (storage_gib, storage_gib_max) {
        let place = fields.at("storage_gib_max");
        grows(least, most, &place, fields.problems);
    }
    if let (Some(backups), Some(maintenance)) = (&backups, &maintenance_window)
        && backups.retention_days > 0
    {
        windows_apart(&backups.window, maintenance, &mut fields);
    }
    if (allow_replace, deletion_protection) == (Some(true), Some(true)) {
        never_replaced(&mut fields);
    }
    fields.finish();
    Some(Database {
        region: region?,
        engine: engine?,
        version: version?,
        version_policy: version_policy?,
        class: class?,
        storage_gib: storage_gib?,
        storage_gib_max: storage_gib_max?,
        storage_type: storage_type?,
        multi_az: multi_az?,
        database: database?,
        user: user?,
        port: port?,
        encryption_key: encryption_key?,
        backups: backups?,
        maintenance_window: maintenance_window?,
        minor_upgrades: minor_upgrades?,
        deletion_protection: deletion_protection?,
        final_snapshot: final_snapshot?,
        parameters: parameters?,
        monitoring_interval_seconds: monitoring_interval_seconds?,
        log_exports: log_exports?,
        rotation: rotation?,
        apply: apply?,
        allow_replace: allow_replace?,
        tags: tags?,
    })
}

/// The windows for backups and maintenance must not overlap.
pub(super) fn windows_apart(backup: &str, maintenance: &str, fields: &mut Fields<'_, '_>) {
    let place = fields.at("maintenance_window");
    fields.problems.unless(!window::overlap(backup, maintenance), || {
        let message = format!("{maintenance} overlaps with the backup window {backup}");
        Problem::at(Code::Conflict, place, message).help("RDS refuses that; move one of them")
    });
}

/// `allow_replace` contradicts `deletion_protection`.
pub(super) fn never_replaced(fields: &mut Fields<'_, '_>) {
    let place = fields.at("allow_replace");
    let message = "`allow_replace` has no effect while `deletion_protection` is on, as it is by default";
    let problem = Problem::at(Code::Conflict, place, message);
    fields.problems.add(
        problem.help("what is protected is never replaced; say `deletion_protection: false` too, or leave this out"),
    );
}

/// Storage grows in steps of a tenth at least:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html>.
fn grows(least: u32, most: u32, place: &str, problems: &mut Problems) {
    let needed = least.saturating_add(least.div_ceil(10));
    problems.unless(most >= needed, || {
        let message = format!("{most} GiB leaves {least} GiB no room to grow");
        Problem::at(Code::Range, place, message).help(format!("expected at least a tenth more, {needed}"))
    });
}

fn backups(value: &Value, place: &str, problems: &mut Problems) -> Option<Backups> {
    let mut fields = Fields::of(value, place, problems)?;
    let retention_days = fields.required("retention_days", "7", number(0, 35));
    let window = fields.or("window", defaults::backup_window(), text(Code::Form, window::is_daily));
    fields.finish();
    Some(Backups {
        retention_days: retention_days?,
        window: window?,
    })
}

fn interval(value: &Value, place: &str, problems: &mut Problems) -> Option<u32> {
    let seconds: u32 = number(0, 60)(value, place, problems)?;
    problems.unless(MONITORING_INTERVALS_SECONDS.contains(&seconds), || {
        Problem::at(Code::UnknownValue, place, format!("{seconds} cannot be an interval"))
            .help("expected 0 (off), 1, 5, 10, 15, 30 or 60")
    });
    Some(seconds)
}

/// Texts, or numbers and booleans written as such. Which there are is AWS's to say.
fn parameters(value: &Value, place: &str, problems: &mut Problems) -> Option<BTreeMap<String, String>> {
    named(value, place, problems, |name, value, place, problems| {
        let is_good = (1..=255).contains(&name.len())
            && name
                .chars()
                .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_.".contains(char));
        problems.unless(is_good, || {
            Problem::at(Code::Name, place, format!("`{}` cannot be a parameter", shown(name)))
                .help("expected lower case letters, digits, _ and .")
                .of_key()
        });
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(boolean) => u8::from(*boolean).to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                problems.add(wrong_type(place, "a text, a number, true or false", value));
                return None;
            }
        };
        problems.unless(!text.is_empty(), || {
            Problem::at(
                Code::Missing,
                place,
                format!("the parameter `{}` has no value", shown(name)),
            )
            .help("leave it out for the engine's default")
        });
        Some(text)
    })
}

/// PostgreSQL has a major and a minor version; before 10 the major had two parts.
fn version(version: &str) -> Result<(), (String, String)> {
    let parts = super::numbers(version);
    match parts.as_deref() {
        Some([major] | [major, _]) if *major >= 10 => Ok(()),
        Some([9, _] | [9, _, _]) => Ok(()),
        Some(_) => Err((
            format!("there is no PostgreSQL {} on RDS", shown(version)),
            "expected a major and a minor version, for instance \"15.15\"".to_owned(),
        )),
        None => Err((
            format!("`{}` is no version", shown(version)),
            "for instance \"15.15\", in quotes".to_owned(),
        )),
    }
}

fn class(class: &str) -> Result<(), (String, String)> {
    super::class(class, "db", "instance class", "db.t3.micro")
}

/// A name in the database.
pub(super) fn identifier(name: &str) -> Result<(), (String, String)> {
    let is_good = (1..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    match is_good {
        true => Ok(()),
        false => Err((
            format!("`{}` cannot be a PostgreSQL name here", shown(name)),
            "expected 1 to 63 letters, digits and _, the first a letter".to_owned(),
        )),
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>: no reserved words.
pub(super) fn user(name: &str) -> Result<(), (String, String)> {
    identifier(name)?;
    let reserved = ["admin", "rdsadmin", "rds_superuser", "user", "public", "all"];
    match reserved.contains(&name.to_lowercase().as_str()) {
        true => Err((
            format!("`{name}` is a reserved word of RDS for PostgreSQL"),
            "choose another name".to_owned(),
        )),
        false => Ok(()),
    }
}
