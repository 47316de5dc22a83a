//! A function.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, any_text, boolean, choice, number};
use super::super::nearest::nearest;
use super::super::problem::{Code, Problem};
use super::super::{ComponentPath, Function, FunctionCode, defaults};
use super::regions::home;
use super::{Known, tags};

/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MEMORY_MB: [u64; 2] = [128, 10_240];
/// An invocation of these functions is a matter of one call; a minute is long.
const TIMEOUT_SECONDS_MAX: u64 = 60;

/// The parts whose components `database-agent` logs in to.
pub(in crate::document) const DATABASES: [&str; 2] = ["databases", "clusters"];

pub(super) fn function(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Function> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let code: Option<FunctionCode> = fields.required("code", "event-recorder", choice);
    let is_agent = code == Some(FunctionCode::DatabaseAgent);
    let said = region.as_ref().and_then(Option::as_ref).map(crate::Region::as_str);
    let table = fields.option("table", |value, place, problems| {
        table(value, place, known, said, problems)
    });
    let database = fields.option("database", |value, place, problems| {
        database(value, place, known, said, problems)
    });
    let in_vpc = fields.or("in_vpc", is_agent, |value, place, problems| {
        let in_vpc = boolean(value, place, problems)?;
        problems.unless(!in_vpc || known.has_private_subnets(), || {
            Problem::at(
                Code::Conflict,
                place,
                "the network has no private subnets, which functions live in",
            )
            .help("add `private: {}` to the network, or leave this out")
        });
        problems.unless(in_vpc || !is_agent, || {
            let message = "database-agent is always in the VPC, from which alone the database is reached";
            Problem::at(Code::Conflict, place, message).help("take it away")
        });
        Some(in_vpc)
    });
    let [least, most] = MEMORY_MB;
    let memory_mb = fields.or("memory_mb", defaults::memory_mb(), number(least, most));
    let timeout_seconds = match is_agent {
        true => defaults::agent_timeout_seconds(),
        false => defaults::timeout_seconds(),
    };
    let timeout_seconds = fields.or("timeout_seconds", timeout_seconds, number(1, TIMEOUT_SECONDS_MAX));
    let tags = fields.collection("tags", tags);
    if let Some(code) = code {
        let has = [
            ("table", table.as_ref().map(Option::is_some)),
            ("database", database.as_ref().map(Option::is_some)),
        ];
        for (key, is_said) in has {
            needs(code, key, is_said, &mut fields);
        }
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
        database: database?,
        in_vpc: in_vpc?,
        memory_mb: memory_mb?,
        timeout_seconds: timeout_seconds?,
        tags: tags?,
    })
}

/// Whether what a function's code works with is said: where it needs it, and only there. What could not be read was told.
fn needs(code: FunctionCode, key: &str, is_said: Option<bool>, fields: &mut Fields<'_, '_>) {
    let (does, missing, help) = match key {
        "table" => (
            "writes to a table",
            "writes to no table",
            "say which, for instance `table: events`, one of the document's `tables`",
        ),
        _ => (
            "logs in to a database",
            "logs in to no database",
            "say which, for instance `database: clusters.main`, one of the document's `databases` or `clusters`",
        ),
    };
    let is_needed = match code {
        FunctionCode::EventRecorder => key == "table",
        FunctionCode::DatabaseAgent => key == "database",
        FunctionCode::RegionGate => false,
    };
    let code = code.as_str();
    let problem = match (is_needed, is_said) {
        (true, Some(false)) => {
            let message = format!("{code} {does}, and none is said");
            Problem::at(Code::Conflict, fields.at("code"), message).help(help)
        }
        (false, Some(true)) => {
            let message = format!("{code} {missing}");
            let problem = Problem::at(Code::Conflict, fields.at(key), message).of_key();
            problem.help("take it away")
        }
        (true, Some(true)) | (false, Some(false)) | (_, None) => return,
    };
    fields.problems.add(problem);
}

/// A database or a cluster of the document, which is in the region that the function says.
fn database(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    said: Option<&str>,
    problems: &mut Problems,
) -> Option<ComponentPath> {
    let written = any_text(value, place, problems)?;
    let possible: Vec<String> = known
        .all()
        .filter(|component| DATABASES.contains(&component.parts().0))
        .map(|component| component.to_string())
        .collect();
    let component: Option<ComponentPath> = written.parse().ok();
    if let Some(component) = component.filter(|_| possible.contains(&written)) {
        let users: Vec<&str> = said.into_iter().collect();
        problems.extend(known.apart(component.parts(), &users, place));
        return Some(component);
    }
    let is_other = written.parse().is_ok_and(|component| known.has(&component));
    let message = match is_other {
        true => format!("`{}` is no database that takes SQL", shown(&written)),
        false => format!("the document has no `{}`", shown(&written)),
    };
    let help = match nearest(&written, possible.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if possible.is_empty() => "the document has neither databases nor clusters".to_owned(),
        None => {
            let some: Vec<String> = possible.iter().take(8).cloned().collect();
            format!("for instance {}", some.join(", "))
        }
    };
    problems.add(Problem::at(Code::Reference, place, message).help(help));
    None
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
