//! A bucket.

use serde_json::Value;

use super::super::Bucket;
use super::super::collect::Problems;
use super::super::fields::{Fields, boolean};
use super::super::problem::{Code, Problem};
use super::regions::home;
use super::{Known, tags};

pub(super) fn bucket(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Bucket> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let replication = fields.option("replication", boolean);
    let force_empty = fields.or("force_empty", false, boolean);
    let tags = fields.collection("tags", tags);
    let is_alone = matches!(region, Some(Some(_))) || known.regions.len() == 1;
    if replication == Some(Some(true)) && is_alone {
        let message = "there is no other region that it could be copied to";
        let problem = Problem::at(Code::Conflict, fields.at("replication"), message);
        let help = "leave it out, or have the bucket in each region of a stack that has two";
        fields.problems.add(problem.help(help));
    }
    fields.finish();
    Some(Bucket {
        region: region?,
        replication: replication?,
        force_empty: force_empty?,
        tags: tags?,
    })
}
