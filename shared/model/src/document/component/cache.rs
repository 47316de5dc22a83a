//! A cache.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, boolean, choice, number, text};
use super::super::problem::{Code, Problem};
use super::super::{Cache, VersionPolicy, defaults};
use super::regions::home;
use super::{Known, key, rotation, tags};
use crate::properties::Apply;

pub(super) fn cache(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Cache> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let engine = fields.required("engine", "redis", choice);
    let version = fields.required("version", "\"7.0\"", text(Code::Form, version));
    let version_policy = fields.or("version_policy", VersionPolicy::default(), choice);
    let node_type = fields.required("node_type", "cache.t3.micro", text(Code::Form, node_type));
    let nodes = fields.required("nodes", "2", number(1, 6));
    let port = fields.or("port", defaults::redis_port(), number(1, u64::from(u16::MAX)));
    let automatic_failover = fields.or("automatic_failover", defaults::yes(), boolean);
    let multi_az = fields.or("multi_az", defaults::yes(), boolean);
    let rotation = fields.option("rotation", rotation);
    let encryption_key = fields.option("encryption_key", key::name(known, region.as_ref()));
    let auth_token = fields.or("auth_token", false, boolean);
    let apply = fields.or("apply", Apply::default(), choice);
    let allow_replace = fields.or("allow_replace", false, boolean);
    let tags = fields.collection("tags", tags);
    let (failover_place, multi_az_place) = (fields.at("automatic_failover"), fields.at("multi_az"));
    fields.problems.unless(
        automatic_failover != Some(true) || nodes.is_none_or(|nodes: u32| nodes >= 2),
        || {
            Problem::at(
                Code::Conflict,
                failover_place,
                "automatic failover, which is on by default, needs at least 2 nodes",
            )
            .help("give it `nodes: 2`, or switch it off: `automatic_failover: false` and `multi_az: false`")
        },
    );
    fields
        .problems
        .unless(multi_az != Some(true) || automatic_failover != Some(false), || {
            Problem::at(
                Code::Conflict,
                multi_az_place,
                "`multi_az`, which is on by default, needs `automatic_failover`",
            )
            .help("switch both on, or both off")
        });
    let rotation_place = fields.at("rotation");
    fields
        .problems
        .unless(!matches!(rotation, Some(Some(_))) || auth_token == Some(true), || {
            Problem::at(
                Code::Conflict,
                rotation_place,
                "there is no token that could be replaced",
            )
            .help("say `auth_token: true` as well, or leave `rotation` out")
        });
    fields.finish();
    Some(Cache {
        region: region?,
        engine: engine?,
        version: version?,
        version_policy: version_policy?,
        node_type: node_type?,
        nodes: nodes?,
        port: port?,
        automatic_failover: automatic_failover?,
        multi_az: multi_az?,
        rotation: rotation?,
        encryption_key: encryption_key?,
        auth_token: auth_token?,
        apply: apply?,
        allow_replace: allow_replace?,
        tags: tags?,
    })
}

/// ElastiCache has Redis 4 to 7; what came after is another engine.
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/supported-engine-versions.html>
fn version(version: &str) -> Result<(), (String, String)> {
    let parts = super::numbers(version);
    match parts.as_deref() {
        Some([4..=7]) | Some([4..=7, _]) | Some([4..=7, _, _]) => Ok(()),
        Some(_) => Err((
            format!("there is no Redis {} on ElastiCache", shown(version)),
            "expected 4 to 7, for instance \"7.0\"".to_owned(),
        )),
        None => Err((
            format!("`{}` is no version", shown(version)),
            "for instance \"7.0\", in quotes".to_owned(),
        )),
    }
}

fn node_type(node_type: &str) -> Result<(), (String, String)> {
    super::class(node_type, "cache", "node type", "cache.t3.micro")
}
