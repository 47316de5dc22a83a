//! A cluster.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, boolean, choice, decimal, number, some_of, text};
use super::super::problem::{Code, Problem};
use super::super::{Cluster, ClusterBackups, VersionPolicy, defaults};
use super::database::{identifier, never_replaced, user, windows_apart};
use super::regions::home;
use super::{Known, key, rotation, tags, window};
use crate::properties::Apply;

/// One writer and 15 readers:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.html>.
pub(super) const INSTANCES_MAX: u64 = 16;

/// Of ServerlessV2ScalingConfiguration:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ServerlessV2ScalingConfiguration.html>.
const CAPACITY_ACU_MAX: f64 = 256.0;
/// "The maximum capacity must be higher than 0.5 ACUs":
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html>.
const CAPACITY_ACU_MAX_LEAST: f64 = 1.0;

pub(super) fn cluster(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Cluster> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let global = fields.or("global", false, boolean);
    let engine = fields.required("engine", "aurora_postgresql", choice);
    let version = fields.required("version", "\"15.15\"", text(Code::Form, version));
    let version_policy = fields.or("version_policy", VersionPolicy::default(), choice);
    let capacity_acu_min = fields.required("capacity_acu_min", "0.5", capacity(0.0));
    let capacity_acu_max = fields.required("capacity_acu_max", "4", capacity(CAPACITY_ACU_MAX_LEAST));
    let instances = fields.required("instances", "2", number(1, INSTANCES_MAX));
    let data_api = fields.or("data_api", false, boolean);
    let database = fields.required("database", "shop", text(Code::Name, identifier));
    let user = fields.required("user", "shop_owner", text(Code::Name, user));
    let port = fields.or("port", defaults::postgres_port(), number(1150, u64::from(u16::MAX)));
    let encryption_key = match global {
        Some(true) => fields.option("encryption_key", key::in_each_region(known)),
        Some(false) | None => fields.option("encryption_key", key::name(known, region.as_ref())),
    };
    let backups = fields.or("backups", ClusterBackups::default(), backups);
    let maintenance_window = fields.or(
        "maintenance_window",
        defaults::maintenance_window(),
        text(Code::Form, window::is_weekly),
    );
    let minor_upgrades = fields.or("minor_upgrades", defaults::yes(), boolean);
    let deletion_protection = fields.or("deletion_protection", defaults::yes(), boolean);
    let final_snapshot = fields.or("final_snapshot", defaults::yes(), boolean);
    let log_exports = fields.collection(
        "log_exports",
        some_of("log of Aurora PostgreSQL", &["postgresql", "instance"]),
    );
    let rotation = fields.option("rotation", rotation);
    let apply = fields.or("apply", Apply::default(), choice);
    let allow_replace = fields.or("allow_replace", false, boolean);
    let tags = fields.collection("tags", tags);

    if let (Some(least), Some(most)) = (capacity_acu_min, capacity_acu_max) {
        let place = fields.at("capacity_acu_max");
        fields.problems.unless(least <= most, || {
            Problem::at(
                Code::Conflict,
                place,
                format!("{most} ACU is less than `capacity_acu_min`, {least}"),
            )
            .help(format!("expected {least} or more"))
        });
    }
    if global == Some(true) {
        in_several_regions(known, region.as_ref().is_some_and(Option::is_some), &mut fields);
    }
    if let (Some(backups), Some(maintenance)) = (&backups, &maintenance_window) {
        windows_apart(&backups.window, maintenance, &mut fields);
    }
    if (allow_replace, deletion_protection) == (Some(true), Some(true)) {
        never_replaced(&mut fields);
    }
    fields.finish();
    Some(Cluster {
        region: region?,
        global: global?,
        engine: engine?,
        version: version?,
        version_policy: version_policy?,
        capacity_acu_min: capacity_acu_min?,
        capacity_acu_max: capacity_acu_max?,
        instances: instances?,
        data_api: data_api?,
        database: database?,
        user: user?,
        port: port?,
        encryption_key: encryption_key?,
        backups: backups?,
        maintenance_window: maintenance_window?,
        minor_upgrades: minor_upgrades?,
        deletion_protection: deletion_protection?,
        final_snapshot: final_snapshot?,
        log_exports: log_exports?,
        rotation: rotation?,
        apply: apply?,
        allow_replace: allow_replace?,
        tags: tags?,
    })
}

/// A global database has a cluster in each region of a stack that has several.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database.html>
fn in_several_regions(known: &Known<'_>, says_region: bool, fields: &mut Fields<'_, '_>) {
    let place = fields.at("global");
    if says_region {
        let message = "a global database is in each region of the stack, and this one has a `region`";
        let problem = Problem::at(Code::Conflict, &place, message);
        fields.problems.add(problem.help("take one of them away"));
    }
    if let [only] = known.regions.as_slice() {
        let message = format!("a global database needs several regions, and the stack is in {only} alone");
        let help = "have `regions: [us-east-1, us-east-2]` instead of `region`, or take `global` away";
        fields
            .problems
            .add(Problem::at(Code::Conflict, &place, message).help(help));
    }
}

/// Aurora capacity units, in steps of a half.
fn capacity(least: f64) -> impl Fn(&Value, &str, &mut Problems) -> Option<f64> {
    move |value, place, problems| {
        let units = decimal(value, place, problems)?;
        problems.unless((least..=CAPACITY_ACU_MAX).contains(&units), || {
            Problem::at(Code::Range, place, format!("{units} ACU is out of range"))
                .help(format!("expected {least} to {CAPACITY_ACU_MAX}"))
        });
        problems.unless((units * 2.0).fract() == 0.0, || {
            Problem::at(Code::Range, place, format!("{units} is no multiple of half an ACU"))
                .help(format!("for instance {}", (units * 2.0).ceil() / 2.0))
        });
        Some(units)
    }
}

/// Aurora cannot do without: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>.
fn backups(value: &Value, place: &str, problems: &mut Problems) -> Option<ClusterBackups> {
    let mut fields = Fields::of(value, place, problems)?;
    let retention_days = fields.required("retention_days", "7", number(1, 35));
    let window = fields.or("window", defaults::backup_window(), text(Code::Form, window::is_daily));
    fields.finish();
    Some(ClusterBackups {
        retention_days: retention_days?,
        window: window?,
    })
}

/// Serverless v2 is there from PostgreSQL 13 on:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.Aurora_Fea_Regions_DB-eng.Feature.ServerlessV2.html>.
fn version(version: &str) -> Result<(), (String, String)> {
    let parts = super::numbers(version);
    match parts.as_deref() {
        Some([major] | [major, _]) if *major >= 13 => Ok(()),
        Some(_) => Err((
            format!("there is no Aurora PostgreSQL {} of Serverless v2", shown(version)),
            "expected a major version from 13 on and a minor one, for instance \"15.15\"".to_owned(),
        )),
        None => Err((
            format!("`{}` is no version", shown(version)),
            "for instance \"15.15\", in quotes".to_owned(),
        )),
    }
}
