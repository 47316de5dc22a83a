//! Health checks of a gate.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, number, text};
use super::super::problem::{Code, Problem};
use super::super::{HealthCheck, defaults};
use super::accelerator::gate;
use super::{Known, tags};

/// RequestInterval: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>.
pub(in crate::document) const INTERVALS_SECONDS: [u32; 2] = [10, 30];
/// ResourcePath (same source).
pub(in crate::document) const PATH_LENGTH_MAX: usize = 255;

pub(super) fn health_check(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    problems: &mut Problems,
) -> Option<HealthCheck> {
    let mut fields = Fields::of(value, place, problems)?;
    let gate = fields.required("gate", "main", gate(known));
    let path = fields.or("path", defaults::active(), text(Code::Form, path));
    let interval_seconds = fields.or("interval_seconds", defaults::interval_seconds(), interval);
    let failures = fields.or("failures", defaults::failures(), number(1, 10));
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(HealthCheck {
        gate: gate?,
        path: path?,
        interval_seconds: interval_seconds?,
        failures: failures?,
        tags: tags?,
    })
}

/// What can stand in the first line of a request as it is.
fn path(path: &str) -> Result<(), (String, String)> {
    let good = |char: char| char.is_ascii_graphic() && char != '#';
    match path.starts_with('/') && path.len() <= PATH_LENGTH_MAX && path.chars().all(good) {
        true => Ok(()),
        false => Err((
            format!("`{}` cannot be a path", shown(path)),
            format!(
                "expected `/` and up to {} more characters, for instance /active",
                PATH_LENGTH_MAX - 1
            ),
        )),
    }
}

fn interval(value: &Value, place: &str, problems: &mut Problems) -> Option<u32> {
    let seconds = number(10, 30)(value, place, problems)?;
    problems.unless(INTERVALS_SECONDS.contains(&seconds), || {
        Problem::at(
            Code::UnknownValue,
            place,
            format!("{seconds} seconds cannot be the interval of a health check"),
        )
        .help("expected 10 or 30")
    });
    Some(seconds)
}
