//! A key, and the name of one.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, any_text, boolean, number};
use super::super::nearest::nearest;
use super::super::problem::{Code, Problem};
use super::super::{Key, defaults};
use super::regions::home;
use super::{Known, tags};
use crate::key::Region;

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>
const DELETION_WINDOW_DAYS: (u64, u64) = (7, 30);

pub(super) fn key(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Key> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let rotation = fields.or("rotation", defaults::yes(), boolean);
    let deletion_window_days = fields.or(
        "deletion_window_days",
        defaults::deletion_window_days(),
        number(DELETION_WINDOW_DAYS.0, DELETION_WINDOW_DAYS.1),
    );
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(Key {
        region: region?,
        rotation: rotation?,
        deletion_window_days: deletion_window_days?,
        tags: tags?,
    })
}

/// The name of a key that the document has, in the region of what is encrypted with it: of a customer-managed key, no service
/// uses one of another region. <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html>
pub(super) fn name<'a>(
    known: &'a Known<'_>,
    region: Option<&'a Option<Region>>,
) -> impl Fn(&Value, &str, &mut Problems) -> Option<String> {
    // Where its own region could not be read, nothing is said of the key's.
    let home = region.and_then(|said| said.as_ref().or_else(|| known.regions.first()));
    of(known, home.iter().map(|home| home.as_str()).collect())
}

/// The name of a key that the document has in each region of the stack, for what is encrypted there.
pub(super) fn in_each_region<'a>(
    known: &'a Known<'_>,
) -> impl Fn(&Value, &str, &mut Problems) -> Option<String> + use<'a> {
    of(known, known.regions.iter().map(Region::as_str).collect())
}

fn of<'a>(
    known: &'a Known<'_>,
    users: Vec<&'a str>,
) -> impl Fn(&Value, &str, &mut Problems) -> Option<String> + use<'a> {
    move |value, place, problems| {
        let name = any_text(value, place, problems)?;
        if known.keys.contains(name.as_str()) {
            problems.extend(known.apart(("keys", &name), &users, place));
            return Some(name);
        }
        let message = format!("the document has no key `{}`", shown(&name));
        let help = match nearest(&name, known.keys.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => match known.keys.first() {
                Some(first) => format!("expected the name of one of its `keys`, for instance {}", shown(first)),
                None => "add it to the document: `keys: {data: {}}`, and name it here: `data`".to_owned(),
            },
        };
        problems.add(Problem::at(Code::Reference, place, message).help(help));
        None
    }
}
