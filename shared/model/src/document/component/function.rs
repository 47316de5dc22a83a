//! A function.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, any_text, boolean, choice, number};
use super::super::nearest::nearest;
use super::super::problem::{Code, Problem};
use super::super::{Function, FunctionCode, defaults};
use super::regions::home;
use super::{Known, tags};

/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MEMORY_MB: [u64; 2] = [128, 10_240];
/// An invocation of these functions is a matter of one call; a minute is long.
const TIMEOUT_SECONDS_MAX: u64 = 60;

pub(super) fn function(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Function> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let code: Option<FunctionCode> = fields.required("code", "event-recorder", choice);
    let said = region.as_ref().and_then(Option::as_ref).map(crate::Region::as_str);
    let table = fields.option("table", |value, place, problems| {
        table(value, place, known, said, problems)
    });
    let in_vpc = fields.or("in_vpc", false, |value, place, problems| {
        let in_vpc = boolean(value, place, problems)?;
        problems.unless(!in_vpc || known.has_private_subnets(), || {
            Problem::at(
                Code::Conflict,
                place,
                "the network has no private subnets, which functions live in",
            )
            .help("add `private: {}` to the network, or leave this out")
        });
        Some(in_vpc)
    });
    let [least, most] = MEMORY_MB;
    let memory_mb = fields.or("memory_mb", defaults::memory_mb(), number(least, most));
    let timeout_seconds = fields.or(
        "timeout_seconds",
        defaults::timeout_seconds(),
        number(1, TIMEOUT_SECONDS_MAX),
    );
    let tags = fields.collection("tags", tags);
    match (code, &table) {
        (Some(FunctionCode::EventRecorder), Some(None)) => {
            let message = "event-recorder writes to a table, and none is said";
            let problem = Problem::at(Code::Conflict, fields.at("code"), message);
            let help = "say which, for instance `table: events`, one of the document's `tables`";
            fields.problems.add(problem.help(help));
        }
        (Some(FunctionCode::RegionGate), Some(Some(_))) => {
            let problem = Problem::at(Code::Conflict, fields.at("table"), "region-gate writes to no table").of_key();
            fields.problems.add(problem.help("take it away"));
        }
        _ => {}
    }
    if code == Some(FunctionCode::RegionGate) && known.regions.len() == 1 {
        let message = "the stack is in one region, and has no other that could be primary";
        let problem = Problem::at(Code::Conflict, fields.at("code"), message);
        fields
            .problems
            .add(problem.help("give the stack `regions`, two of them"));
    }
    fields.finish();
    Some(Function {
        region: region?,
        code: code?,
        table: table?,
        in_vpc: in_vpc?,
        memory_mb: memory_mb?,
        timeout_seconds: timeout_seconds?,
        tags: tags?,
    })
}

/// A table of the document, which is in each region that the function is in, and whose only key is what an event is known by.
fn table(value: &Value, place: &str, known: &Known<'_>, said: Option<&str>, problems: &mut Problems) -> Option<String> {
    let name = any_text(value, place, problems)?;
    if !known.tables.contains(name.as_str()) {
        let message = format!("the document has no table `{}`", shown(&name));
        problems.add(Problem::at(Code::Reference, place, message).help(
            match nearest(&name, known.tables.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if known.tables.is_empty() => "the document has no `tables`".to_owned(),
                None => {
                    let some: Vec<&str> = known.tables.iter().take(8).copied().collect();
                    format!("for instance {}", some.join(", "))
                }
            },
        ));
        return None;
    }
    let everywhere = known.regions.iter().map(crate::Region::as_str);
    let users: Vec<&str> = said.map_or_else(|| everywhere.collect(), |said| vec![said]);
    problems.extend(known.apart(("tables", &name), &users, place));
    let of = |key: &str| known.text_of(("tables", &name), key);
    let is_fit = of("key").is_none_or(|key| key == EVENT_KEY) && of("sort_key").is_none();
    problems.unless(is_fit, || {
        let message = format!(
            "events cannot be kept in `{}`: they are known by their id alone",
            shown(&name)
        );
        Problem::at(Code::Conflict, place, message)
            .help(format!("expected a table with `key: {EVENT_KEY}` and no `sort_key`"))
    });
    Some(name)
}

/// The key of the table that events are kept in.
const EVENT_KEY: &str = "id";
