//! An accelerator.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, boolean, text};
use super::super::nearest::nearest;
use super::super::problem::Code;
use super::super::{Accelerator, defaults};
use super::{Known, tags};

pub(super) fn accelerator(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    problems: &mut Problems,
) -> Option<Accelerator> {
    let mut fields = Fields::of(value, place, problems)?;
    let gate = fields.required("gate", "main", gate(known));
    let enabled = fields.or("enabled", defaults::yes(), boolean);
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(Accelerator {
        gate: gate?,
        enabled: enabled?,
        tags: tags?,
    })
}

/// The name of a gate that the document has.
pub(super) fn gate(known: &Known<'_>) -> impl Fn(&Value, &str, &mut Problems) -> Option<String> {
    text(Code::Reference, |name| match known.gates.contains(name) {
        true => Ok(()),
        false => Err((
            format!("the document has no gate `{}`", shown(name)),
            match nearest(name, known.gates.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if known.gates.is_empty() => "the document has no `gates`".to_owned(),
                None => format!(
                    "for instance {}",
                    known.gates.iter().take(8).copied().collect::<Vec<_>>().join(", ")
                ),
            },
        )),
    })
}
