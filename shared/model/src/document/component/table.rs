//! A table.

use serde_json::Value;

use super::super::Table;
use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, boolean, text};
use super::super::problem::{Code, Problem};
use super::regions::home;
use super::{Known, tags};

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_KeySchemaElement.html>
pub(in crate::document) const ATTRIBUTE_LENGTH_MAX: usize = 255;

pub(super) fn table(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Table> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let key = fields.required("key", "id", text(Code::Form, attribute));
    let sort_key = fields.option("sort_key", text(Code::Form, attribute));
    let point_in_time_recovery = fields.or("point_in_time_recovery", true, boolean);
    let deletion_protection = fields.or("deletion_protection", true, boolean);
    let allow_replace = fields.or("allow_replace", false, boolean);
    let tags = fields.collection("tags", tags);
    if let (Some(key), Some(Some(sort_key))) = (&key, &sort_key)
        && key == sort_key
    {
        let message = format!("both keys are named `{}`", shown(key));
        let problem = Problem::at(Code::Conflict, fields.at("sort_key"), message);
        fields
            .problems
            .add(problem.help("give one of them another name, or leave `sort_key` out"));
    }
    fields.finish();
    Some(Table {
        region: region?,
        key: key?,
        sort_key: sort_key?,
        point_in_time_recovery: point_in_time_recovery?,
        deletion_protection: deletion_protection?,
        allow_replace: allow_replace?,
        tags: tags?,
    })
}

/// Of what DynamoDB takes, what every tool shows as it is.
fn attribute(name: &str) -> Result<(), (String, String)> {
    let is_good = |char: char| char.is_ascii_alphanumeric() || "_.-".contains(char);
    if (1..=ATTRIBUTE_LENGTH_MAX).contains(&name.len()) && name.chars().all(is_good) {
        return Ok(());
    }
    Err((
        format!("`{}` cannot be an attribute's name", shown(name)),
        format!("expected 1 to {ATTRIBUTE_LENGTH_MAX} letters, digits, _, . and -"),
    ))
}
