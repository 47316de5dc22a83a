//! A stream.

use serde_json::Value;

use super::super::collect::Problems;
use super::super::fields::{Fields, number, some_of};
use super::super::{Stream, defaults};
use super::regions::home;
use super::{Known, key, metrics, tags};

pub(super) fn stream(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Stream> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let shards = fields.required("shards", "2", number(1, 10_000));
    let retention_hours = fields.or("retention_hours", defaults::retention_hours(), number(24, 8760));
    let shard_metrics = fields.collection("shard_metrics", some_of("shard metric", &metrics::SHARD));
    let encryption_key = fields.option("encryption_key", key::name(known, region.as_ref()));
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(Stream {
        region: region?,
        shards: shards?,
        retention_hours: retention_hours?,
        shard_metrics: shard_metrics?,
        encryption_key: encryption_key?,
        tags: tags?,
    })
}
