//! Reading the parts of a document, each with what must hold of it. Limits are those of each service's API reference.

mod accelerator;
mod alarm;
pub(super) mod api;
pub(super) mod backup;
mod bucket;
mod bus;
mod cache;
mod cluster;
mod dashboard;
pub(super) mod database;
pub(super) mod domain;
mod event_pattern;
pub(super) mod function;
mod gate;
pub(super) mod health_check;
mod key;
pub(super) mod metrics;
mod network;
pub(super) mod parameter;
mod regions;
mod stream;
pub(super) mod table;
mod topic;
mod window;

use std::collections::BTreeMap;

use serde_json::Value;

use super::collect::{Problems, inside, shown};
use super::fields::{Fields, any_text, choice, named, number, text};
use super::nearest::nearest;
use super::problem::{Code, Problem};
use super::{Document, Nat, Network, OnFailure, Rotation};

pub(super) use alarm::Known;
pub use metrics::{OPERATIONS_FAILED_REPLICATION, REPLICATION_LATENCY, only_in as metrics_only_in};
#[cfg(feature = "schema")]
pub(super) use network::{ENDPOINT_LENGTH_MAX, ENDPOINT_NAME};

/// The parts of a document.
pub(super) const PARTS: [&str; 26] = [
    "stack",
    "environment",
    "region",
    "regions",
    "on_failure",
    "tags",
    "network",
    "keys",
    "streams",
    "caches",
    "databases",
    "clusters",
    "apis",
    "tables",
    "functions",
    "buckets",
    "gates",
    "buses",
    "accelerators",
    "health_checks",
    "dashboards",
    "parameters",
    "backups",
    "alarms",
    "topics",
    "outputs",
];

const STACK_LENGTH_MAX: usize = 30;
pub(super) const ENVIRONMENT_LENGTH_MAX: usize = 20;
const COMPONENT_LENGTH_MAX: usize = 60;

/// Reads every part; `None` where one cannot be, which was told.
pub(super) fn document(value: &Value, problems: &mut Problems) -> Option<Document> {
    let known = Known::of(value);
    let document_stack = value.get("stack").and_then(Value::as_str).unwrap_or_default();
    let mut fields = Fields::of(value, "", problems)?;
    let stack = fields.required("stack", "shop", text(Code::Name, stack_name));
    let environment = fields.required("environment", "production", |value, place, problems| {
        let name = any_text(value, place, problems)?;
        problems.extend(name_problem(place, &name, ENVIRONMENT_LENGTH_MAX));
        Some(name)
    });
    if let Some(stack) = value.get("stack") {
        gate::stack_name(stack, !known.gates.is_empty(), fields.problems);
    }
    let regions = regions::regions(value, &mut fields);
    let on_failure = fields.collection::<OnFailure>("on_failure", choice);
    let tags = fields.collection("tags", tags);
    let own_tags = tags.as_ref().map_or(0, BTreeMap::len);
    let keys = fields.collection(
        "keys",
        components(|value, place, problems| key::key(value, place, &known, problems)),
    );
    let databases = fields.collection(
        "databases",
        components(|value, place, problems| database::database(value, place, &known, problems)),
    );
    let clusters = fields.collection(
        "clusters",
        components(|value, place, problems| cluster::cluster(value, place, &known, problems)),
    );
    let caches = fields.collection(
        "caches",
        components(|value, place, problems| cache::cache(value, place, &known, problems)),
    );
    let needs = network::Needs {
        private: !known.databases.is_empty() || !known.clusters.is_empty() || !known.caches.is_empty(),
        gates: !known.gates.is_empty(),
    };
    let network = fields.required(
        "network",
        "{cidr: 10.0.0.0/16, zones: 2, private: {}}",
        |value, place, problems| network::network(value, place, needs, &known.regions, problems),
    );
    let streams = fields.collection(
        "streams",
        components(|value, place, problems| stream::stream(value, place, &known, problems)),
    );
    let apis = fields.collection("apis", |value, place, problems| {
        domain::shared(value, place, problems);
        components(|value, place, problems| api::api(value, place, &known, problems))(value, place, problems)
    });
    let buses = fields.collection(
        "buses",
        components(|value, place, problems| bus::bus(value, place, &known, problems)),
    );
    let tables = fields.collection(
        "tables",
        components(|value, place, problems| table::table(value, place, &known, problems)),
    );
    let functions = fields.collection(
        "functions",
        components(|value, place, problems| function::function(value, place, &known, problems)),
    );
    let buckets = fields.collection(
        "buckets",
        components(|value, place, problems| bucket::bucket(value, place, &known, problems)),
    );
    let gates = fields.collection(
        "gates",
        components(|value, place, problems| gate::gate(value, place, &known, problems)),
    );
    let accelerators = fields.collection(
        "accelerators",
        components(|value, place, problems| accelerator::accelerator(value, place, &known, problems)),
    );
    let health_checks = fields.collection(
        "health_checks",
        components(|value, place, problems| health_check::health_check(value, place, &known, problems)),
    );
    let dashboards = fields.collection(
        "dashboards",
        components(|value, place, problems| dashboard::dashboard(value, place, &known, problems)),
    );
    let parameters = fields.collection("parameters", |value, place, problems| {
        parameter::stack_name(value, document_stack, problems);
        named(value, place, problems, |name, value, place, problems| {
            problems.extend(name_problem(place, name, COMPONENT_LENGTH_MAX).map(Problem::of_key));
            parameter::parameter(name, value, place, &known, problems)
        })
    });
    let backups = fields.collection(
        "backups",
        components(|value, place, problems| backup::backup(value, place, &known, problems)),
    );
    let alarms = fields.collection("alarms", |value, place, problems| {
        let read =
            components(|value, place, problems| alarm::alarm(value, place, &known, problems))(value, place, problems);
        alarm::names(value, place, &known, problems);
        read
    });
    let topics = fields.collection(
        "topics",
        components(|value, place, problems| topic::topic(value, place, &known, problems)),
    );
    let outputs = fields.collection("outputs", |value, place, problems| {
        named(value, place, problems, |_, value, place, problems| {
            alarm::output(value, place, &known, problems)
        })
    });
    shared_names(&known, fields.problems);
    names_of_gates(&known, fields.problems);
    let has_endpoints =
        |network: &Network| !network.endpoints.is_empty() || network.nat == Nat::None && known.has_agents();
    if network.as_ref().is_some_and(has_endpoints) {
        names_of_endpoints(&known, fields.problems);
    }
    too_many_tags(value, own_tags, fields.problems);
    let candidates: Vec<&str> = PARTS.into_iter().chain(["variables", "environments"]).collect();
    fields.finish_with(&candidates);
    Some(Document {
        stack: stack?,
        environment: environment?,
        region: regions.as_ref()?.first()?.clone(),
        regions: regions?,
        on_failure: on_failure?,
        tags: tags?,
        network: network?,
        keys: keys?,
        streams: streams?,
        caches: caches?,
        databases: databases?,
        clusters: clusters?,
        apis: apis?,
        tables: tables?,
        functions: functions?,
        buckets: buckets?,
        gates: gates?,
        buses: buses?,
        accelerators: accelerators?,
        health_checks: health_checks?,
        dashboards: dashboards?,
        parameters: parameters?,
        backups: backups?,
        alarms: alarms?,
        topics: topics?,
        outputs: outputs?,
    })
}

/// Components by their names.
fn components<'a, T>(
    read: impl Fn(&'a Value, &str, &mut Problems) -> Option<T>,
) -> impl FnOnce(&'a Value, &str, &mut Problems) -> Option<BTreeMap<String, T>> {
    move |value, place, problems| {
        named(value, place, problems, |name, value, place, problems| {
            problems.extend(name_problem(place, name, COMPONENT_LENGTH_MAX).map(Problem::of_key));
            read(value, place, problems)
        })
    }
}

/// The name of the security group of the VPC endpoints.
pub const ENDPOINTS_GROUP: &str = "vpc-endpoints";

/// Caches, databases, clusters and functions in the VPC have security groups, which are named after them; and a cluster's
/// instances are named among databases.
fn shared_names(known: &Known<'_>, problems: &mut Problems) {
    let mut shared = |part: &str, name: &str, message: String| {
        let problem = Problem::at(Code::Name, inside(part, name), message).of_key();
        problems.add(problem.help("give one of them another name"));
    };
    let functions = known.functions_in_vpc();
    let pairs = [
        ("caches", &known.caches, "a database", &known.databases),
        ("caches", &known.caches, "a cluster", &known.clusters),
        ("clusters", &known.clusters, "a database", &known.databases),
        ("functions", &functions, "a cache", &known.caches),
        ("functions", &functions, "a database", &known.databases),
        ("functions", &functions, "a cluster", &known.clusters),
    ];
    for (part, names, other, others) in pairs {
        for name in names.intersection(others) {
            let message = format!(
                "{other} is named `{}` too, and their security groups would be one",
                shown(name)
            );
            shared(part, name, message);
        }
    }
    for cluster in &known.clusters {
        for number in 1..=known.instances(cluster).min(cluster::INSTANCES_MAX) {
            let instance = format!("{cluster}-{number}");
            if known.databases.contains(instance.as_str()) {
                let message = format!("an instance of the cluster `{}` has this name too", shown(cluster));
                shared("databases", &instance, message);
            }
        }
    }
}

/// The function of a gate is named after it, and so has the name of another function in AWS.
fn names_of_gates(known: &Known<'_>, problems: &mut Problems) {
    for gate in &known.gates {
        let name = format!("{gate}-gate");
        if known.functions.contains(name.as_str()) {
            let message = format!("the function of the gate `{}` has this name too", shown(gate));
            let problem = Problem::at(Code::Name, inside("functions", &name), message).of_key();
            problems.add(problem.help("give one of them another name"));
        }
    }
}

/// Rotation on a schedule; Secrets Manager takes up to 1000 days.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html>
fn rotation(value: &Value, place: &str, problems: &mut Problems) -> Option<Rotation> {
    let mut fields = Fields::of(value, place, problems)?;
    let every_days = fields.required("every_days", "30", number(1, 1000));
    fields.finish();
    Some(Rotation {
        every_days: every_days?,
    })
}

/// The security group of the endpoints has a name that nothing else with a security group may have then.
fn names_of_endpoints(known: &Known<'_>, problems: &mut Problems) {
    let functions = known.functions_in_vpc();
    for (part, names) in [
        ("caches", &known.caches),
        ("databases", &known.databases),
        ("clusters", &known.clusters),
        ("functions", &functions),
    ] {
        if names.contains(ENDPOINTS_GROUP) {
            let message = format!("the security group of the VPC endpoints is named `{ENDPOINTS_GROUP}` too");
            let problem = Problem::at(Code::Name, inside(part, ENDPOINTS_GROUP), message).of_key();
            problems.add(problem.help("give it another name"));
        }
    }
}

fn stack_name(name: &str) -> Result<(), (String, String)> {
    if let Some(problem) = name_problem("stack", name, STACK_LENGTH_MAX) {
        return Err((problem.message, problem.help.unwrap_or_default()));
    }
    // EC2 reserves group names that begin so, and groups are named after their stack.
    match name.starts_with("sg-") || name == "sg" {
        true => Err((
            format!("`{name}` begins with `sg-`, which EC2 reserves"),
            "choose another name".to_owned(),
        )),
        false => Ok(()),
    }
}

/// What is wrong with a name. Names become parts of RDS identifiers, which are the strictest: lower case letters, digits,
/// single hyphens.
pub(super) fn name_problem(place: &str, name: &str, length_max: usize) -> Option<Problem> {
    let rule = format!(
        "expected at most {length_max} lower case letters, digits and single hyphens, the first a letter, the last no hyphen"
    );
    let message = match name.chars().count() {
        0 => "the name is empty".to_owned(),
        length if length > length_max => format!("the name `{}` is {length} characters long", shown(name)),
        _ if is_name(name) => return None,
        _ => format!("`{}` cannot be a name", shown(name)),
    };
    let proposal = proposed_name(name);
    Some(
        Problem::at(Code::Name, place, message).help(match is_name(&proposal) && proposal.len() <= length_max {
            true => format!("{rule}: `{proposal}`"),
            false => rule,
        }),
    )
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-')
}

fn proposed_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .take(100)
        .map(|char| {
            if char.is_ascii_alphanumeric() {
                char.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// The regions there are at the time of writing, to guess which one was meant; others are possible.
const REGIONS: [&str; 18] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
];

/// Every region's name is an area, words, a direction and a number: `us-gov-west-1`.
fn region(name: &str) -> Result<(), (String, String)> {
    const DIRECTIONS: [&str; 9] = [
        "north",
        "south",
        "east",
        "west",
        "central",
        "northeast",
        "northwest",
        "southeast",
        "southwest",
    ];
    let parts: Vec<&str> = name.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.chars().all(|char| char.is_ascii_lowercase());
    let is_good = match parts.as_slice() {
        [area, words @ .., direction, number] => {
            (2..=4).contains(&area.len())
                && is_word(area)
                && words.len() <= 2
                && words.iter().all(is_word)
                && DIRECTIONS.contains(direction)
                && matches!(number.as_bytes(), [b'1'..=b'9'])
        }
        _ => false,
    };
    if is_good {
        return Ok(());
    }
    let help = match nearest(name, REGIONS) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "for instance us-east-1".to_owned(),
    };
    Err((format!("`{}` is no AWS region", shown(name)), help))
}

/// AWS allows 50, and Outrigger needs some itself.
const TAGS_MAX: usize = 40;

/// Tags, of the document or of a component.
fn tags(value: &Value, place: &str, problems: &mut Problems) -> Option<BTreeMap<String, String>> {
    let read = named(value, place, problems, |key, value, place, problems| {
        let text = any_text(value, place, problems)?;
        tag(key, &text, place, problems);
        Some(text)
    });
    let count = value.as_object().map_or(0, serde_json::Map::len);
    problems.unless(count <= TAGS_MAX, || {
        Problem::at(Code::Tag, place, format!("there are {count} tags")).help(format!(
            "at most {TAGS_MAX} are possible: AWS allows 50, and Outrigger needs some itself"
        ))
    });
    read
}

fn tag(key: &str, value: &str, place: &str, problems: &mut Problems) {
    // The strictest of the services: letters, digits, spaces, and + - = . _ : / @.
    let good = |text: &str| {
        text.chars()
            .all(|char| char.is_alphanumeric() || " +-=._:/@".contains(char))
    };
    let reserved =
        ["Name", "Type"].contains(&key) || key.starts_with("outrigger:") || key.to_lowercase().starts_with("aws:");
    let signs = "letters, digits, spaces and + - = . _ : / @";
    let problem = if reserved {
        Problem::at(
            Code::Tag,
            place,
            format!("the tag `{}` is set by Outrigger or AWS", shown(key)),
        )
        .help("choose another key")
        .of_key()
    } else if key.is_empty() || key.chars().count() > 128 || !good(key) {
        Problem::at(Code::Tag, place, format!("`{}` cannot be a tag's key", shown(key)))
            .help(format!("expected 1 to 128 {signs}"))
            .of_key()
    } else if value.chars().count() > 256 || !good(value) {
        Problem::at(Code::Tag, place, format!("`{}` cannot be a tag's value", shown(value)))
            .help(format!("expected at most 256 {signs}"))
    } else {
        return;
    };
    problems.add(problem);
}

/// A component carries the document's tags beside its own.
fn too_many_tags(document: &Value, own: usize, problems: &mut Problems) {
    for part in super::ComponentPath::PARTS.iter().chain(&["keys", "dashboards"]) {
        let components = document.get(part).and_then(Value::as_object).into_iter().flatten();
        for (name, component) in components {
            let count = component
                .get("tags")
                .and_then(Value::as_object)
                .map_or(0, serde_json::Map::len);
            problems.unless(count == 0 || count + own <= TAGS_MAX, || {
                let place = inside(&inside(&inside("", part), name), "tags");
                Problem::at(
                    Code::Tag,
                    place,
                    format!("together with the document's own there are {} tags", count + own),
                )
                .help(format!("at most {TAGS_MAX} are possible"))
            });
        }
    }
}

/// The numbers of a version; `None` where it is none.
fn numbers(version: &str) -> Option<Vec<u32>> {
    let is_number = |part: &str| !part.is_empty() && part.len() <= 6 && part.chars().all(|char| char.is_ascii_digit());
    if version.len() > 20 || !version.split('.').all(is_number) {
        return None;
    }
    version.split('.').map(|part| part.parse().ok()).collect()
}

/// Whether a text is a class of instances or nodes: `db.t3.micro`. Which there are is AWS's to say.
fn class(class: &str, prefix: &str, what: &str, example: &str) -> Result<(), (String, String)> {
    let parts: Vec<&str> = class.split('.').collect();
    let is_word = |part: &&str| {
        !part.is_empty()
            && part.len() <= 20
            && part
                .chars()
                .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-')
    };
    let is_good = matches!(parts.as_slice(), [first, _, _] if *first == prefix) && parts.iter().all(is_word);
    if is_good {
        return Ok(());
    }
    let with_prefix = format!("{prefix}.{class}");
    let help = match parts.as_slice() {
        [family, size] if is_word(family) && is_word(size) => format!("did you mean `{with_prefix}`?"),
        _ => format!("for instance {example}"),
    };
    Err((format!("`{}` is no {what}", shown(class)), help))
}
