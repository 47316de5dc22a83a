//! A dashboard.

use serde_json::Value;

use super::super::Dashboard;
use super::super::collect::Problems;
use super::super::fields::Fields;
use super::regions::home;
use super::{Known, tags};

pub(super) fn dashboard(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Dashboard> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(Dashboard {
        region: region?,
        tags: tags?,
    })
}
