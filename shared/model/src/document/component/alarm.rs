//! Alarms and outputs: what refers to components.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::collect::{Problems, inside, shown};
use super::super::fields::{Fields, any_text, choice, decimal, list, number, text};
use super::super::nearest::nearest;
use super::super::problem::{Code, Problem};
use super::super::{Alarm, ComponentPath, OutputPath};
use super::{api, metrics, regions};
use crate::key::Region;
use crate::properties::MissingData;

/// The components that a document names, as far as they can be read.
pub(in super::super) struct Known<'a> {
    pub(super) databases: BTreeSet<&'a str>,
    pub(super) clusters: BTreeSet<&'a str>,
    pub(super) caches: BTreeSet<&'a str>,
    pub(super) streams: BTreeSet<&'a str>,
    pub(super) keys: BTreeSet<&'a str>,
    pub(super) topics: BTreeSet<&'a str>,
    pub(super) apis: BTreeSet<&'a str>,
    pub(super) regions: Vec<Region>,
    document: &'a Value,
}

impl<'a> Known<'a> {
    pub(super) fn of(document: &'a Value) -> Self {
        let names = |part: &str| {
            let entries = document.get(part).and_then(Value::as_object);
            entries.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
        };
        Self {
            databases: names("databases"),
            clusters: names("clusters"),
            caches: names("caches"),
            streams: names("streams"),
            keys: names("keys"),
            topics: names("topics"),
            apis: names("apis"),
            regions: regions::of(document),
            document,
        }
    }

    /// Where what a part names is, as far as it can be read: where it says, or else in the first region, or in each.
    pub(super) fn places(&self, part: &str, name: &str) -> Vec<&str> {
        let component = self.document.get(part).and_then(|part| part.get(name));
        let said = component.and_then(|component| component.get("region"));
        let regions = self.regions.iter().map(Region::as_str);
        match said {
            None | Some(Value::Null) if EVERYWHERE.contains(&part) => regions.collect(),
            None | Some(Value::Null) => regions.take(1).collect(),
            Some(said) => regions.filter(|region| said.as_str() == Some(region)).collect(),
        }
    }

    /// What is wrong with something in some regions that refers to what is not in each of them: streams, keys and topics are
    /// used in their own region alone. Of regions that cannot be read nothing is said.
    pub(super) fn apart(&self, (part, name): (&str, &str), users: &[&str], place: &str) -> Option<Problem> {
        let of = self.places(part, name);
        let message = format!(
            "`{}` is in {}, and what refers to it is in {}",
            shown(name),
            of.join(" and "),
            users.join(" and ")
        );
        let help = match users {
            [home] => {
                format!("both must be in one region: change the `region` of one of them, or have another one in {home}")
            }
            _ => "both must be in one region: give both the same `region`".to_owned(),
        };
        let is_apart = !of.is_empty() && users.iter().any(|user| !of.contains(user));
        is_apart.then(|| Problem::at(Code::Conflict, place, message).help(help))
    }

    /// Whether a component is in a region of the stack, as far as it can be read.
    fn is_in(&self, component: &ComponentPath, region: &Region) -> bool {
        let path = component.to_string();
        let places = path.split_once('.').map(|(part, name)| self.places(part, name));
        places.is_none_or(|places| places.is_empty() || places.contains(&region.as_str()))
    }

    fn has(&self, component: &ComponentPath) -> bool {
        match component {
            ComponentPath::Database(name) => self.databases.contains(name.as_str()),
            ComponentPath::Cluster(name) => self.clusters.contains(name.as_str()),
            ComponentPath::Cache(name) => self.caches.contains(name.as_str()),
            ComponentPath::Stream(name) => self.streams.contains(name.as_str()),
            ComponentPath::Topic(name) => self.topics.contains(name.as_str()),
            ComponentPath::Api(name) => self.apis.contains(name.as_str()),
        }
    }

    fn all(&self) -> impl Iterator<Item = ComponentPath> {
        let of = |names: &BTreeSet<&'a str>, make: fn(String) -> ComponentPath| -> Vec<ComponentPath> {
            names.iter().map(|name| make((*name).to_owned())).collect()
        };
        of(&self.databases, ComponentPath::Database)
            .into_iter()
            .chain(of(&self.clusters, ComponentPath::Cluster))
            .chain(of(&self.caches, ComponentPath::Cache))
            .chain(of(&self.streams, ComponentPath::Stream))
            .chain(of(&self.topics, ComponentPath::Topic))
            .chain(of(&self.apis, ComponentPath::Api))
            // To guess what was meant, so many are enough.
            .take(100)
    }

    /// How many nodes a cache has.
    fn nodes(&self, cache: &str) -> u64 {
        self.count("caches", cache, "nodes")
    }

    /// How many instances a cluster has.
    pub(super) fn instances(&self, cluster: &str) -> u64 {
        self.count("clusters", cluster, "instances")
    }

    fn count(&self, part: &str, component: &str, key: &str) -> u64 {
        let component = self.document.get(part).and_then(|part| part.get(component));
        component
            .and_then(|component| component.get(key))
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }
}

pub(super) fn alarm(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Alarm> {
    let mut fields = Fields::of(value, place, problems)?;
    let component = fields.required("component", "databases.main", |value, place, problems| {
        component(value, place, known, problems)
    });
    let metric = fields.required("metric", "CPUUtilization", |value, place, problems| {
        metric(value, place, component.as_ref(), problems)
    });
    let statistic = fields.required("statistic", "average", choice);
    let comparison = fields.required("comparison", "greater_than", choice);
    let threshold = fields.required("threshold", "80", decimal);
    let periods = fields.required("periods", "2", number(1, 1440));
    let period_seconds = fields.required("period_seconds", "300", period);
    let missing_data = fields.or("missing_data", MissingData::default(), choice);
    let path = component.as_ref().map(ToString::to_string).unwrap_or_default();
    let users = path.split_once('.').map(|(part, name)| known.places(part, name));
    let notify = fields.collection("notify", |value, place, problems| {
        notify(value, place, known, users.as_deref().unwrap_or_default(), problems)
    });
    if let (Some(periods), Some(seconds)) = (periods, period_seconds) {
        let place = fields.at("periods");
        span(periods, seconds, &place, fields.problems);
    }
    fields.finish();
    Some(Alarm {
        component: component?,
        metric: metric?,
        statistic: statistic?,
        comparison: comparison?,
        threshold: threshold?,
        periods: periods?,
        period_seconds: period_seconds?,
        missing_data: missing_data?,
        notify: notify?,
    })
}

/// The component that an alarm is on.
fn component(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<ComponentPath> {
    let text = any_text(value, place, problems)?;
    let component: Option<ComponentPath> = text.parse().ok();
    if component.as_ref().is_some_and(|component| known.has(component)) {
        return component;
    }
    let message = match &component {
        Some(_) => format!("the document has no component `{}`", shown(&text)),
        None => format!("`{}` is no component", shown(&text)),
    };
    let all: Vec<String> = known.all().map(|component| component.to_string()).collect();
    problems.add(Problem::at(Code::Reference, place, message).help(guess(&text, &all)));
    None
}

fn guess(text: &str, all: &[String]) -> String {
    match nearest(text, all.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if all.is_empty() => "the document has no databases, clusters, caches, streams, topics or APIs".to_owned(),
        None => {
            "expected databases.<name>, clusters.<name>, caches.<name>, streams.<name>, topics.<name> or apis.<name>"
                .to_owned()
        }
    }
}

/// A metric that the component publishes.
fn metric(value: &Value, place: &str, component: Option<&ComponentPath>, problems: &mut Problems) -> Option<String> {
    let name = any_text(value, place, problems)?;
    // Where the component is wrong, nothing can be said.
    if let Some(component) = component {
        let (known, publisher) = metrics::of(component);
        problems.unless(known.contains(&name.as_str()), || {
            let message = format!("{publisher} publishes no metric `{}`", shown(&name));
            Problem::at(Code::Metric, place, message).help(match nearest(&name, known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!(
                    "for instance {}",
                    known.iter().take(8).copied().collect::<Vec<_>>().join(", ")
                ),
            })
        });
    }
    Some(name)
}

/// The parts whose components are in each region of the stack, if they do not say one: what serves. Data has a home.
const EVERYWHERE: [&str; 2] = ["apis", "topics"];

/// AlarmActions takes 5 ARNs:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>.
const NOTIFY_MAX: usize = 5;

/// The topics that an alarm tells.
///
/// They are in its region: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html>.
fn notify(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    users: &[&str],
    problems: &mut Problems,
) -> Option<BTreeSet<String>> {
    let check = |name: &str| match known.topics.contains(name) {
        true => Ok(()),
        false => Err((
            format!("the document has no topic `{}`", shown(name)),
            match nearest(name, known.topics.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if known.topics.is_empty() => "the document has no `topics`".to_owned(),
                None => format!(
                    "for instance {}",
                    known.topics.iter().take(8).copied().collect::<Vec<_>>().join(", ")
                ),
            },
        )),
    };
    let names = list(text(Code::Reference, check))(value, place, problems)?;
    problems.unless(names.len() <= NOTIFY_MAX, || {
        Problem::at(Code::Conflict, place, format!("{} topics are to be told", names.len()))
            .help(format!("an alarm tells at most {NOTIFY_MAX}"))
    });
    for (index, name) in names.iter().enumerate() {
        problems.extend(known.apart(("topics", name), users, &format!("{place}[{index}]")));
    }
    Some(names.into_iter().collect())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
fn period(value: &Value, place: &str, problems: &mut Problems) -> Option<u32> {
    let seconds: u32 = number(10, 86_400)(value, place, problems)?;
    problems.unless([10, 20, 30].contains(&seconds) || seconds.is_multiple_of(60), || {
        Problem::at(
            Code::UnknownValue,
            place,
            format!("{seconds} seconds cannot be a period"),
        )
        .help("expected 10, 20, 30 or a multiple of 60")
    });
    Some(seconds)
}

/// At most 7 days in all for periods of an hour and longer, one day for shorter ones (as above).
fn span(periods: u32, seconds: u32, place: &str, problems: &mut Problems) {
    let most: u64 = if seconds >= 3600 { 604_800 } else { 86_400 };
    problems.unless(u64::from(seconds) * u64::from(periods) <= most, || {
        let message =
            format!("{periods} periods of {seconds} s are longer than the {most} s that CloudWatch looks back");
        Problem::at(Code::Conflict, place, message)
            .help(format!("expected at most {}", most / u64::from(seconds.max(1))))
    });
}

/// An alarm on a cache becomes one per node, each named after it: no other may have such a name.
pub(super) fn names(alarms: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) {
    let Some(entries) = alarms.as_object() else {
        return;
    };
    for (name, alarm) in entries {
        let component = alarm.get("component").and_then(Value::as_str).unwrap_or_default();
        let Some(cache) = component.strip_prefix("caches.") else {
            continue;
        };
        for node in 1..=known.nodes(cache).min(6) {
            let taken = format!("{name}-{node}");
            // One on a cache has other names itself.
            let other = entries
                .get(&taken)
                .and_then(|other| other.get("component"))
                .and_then(Value::as_str);
            if other.is_some_and(|other| !other.starts_with("caches.")) {
                let message =
                    format!("the alarm `{name}` has one for each node of its cache, and so is named `{taken}` too");
                let problem = Problem::at(Code::Name, inside(place, &taken), message).of_key();
                problems.add(problem.help("give one of them another name"));
            }
        }
    }
}

/// What an output stands for.
pub(super) fn output(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<OutputPath> {
    let written = text(Code::Reference, |_| Ok(()))(value, place, problems)?;
    let path: Result<OutputPath, String> = written.parse();
    let problem = match &path {
        Ok(OutputPath::Key(name, _)) if known.keys.contains(name.as_str()) => return path.ok(),
        Ok(OutputPath::Key(name, _)) => {
            let message = format!("the document has no key `{}`", shown(name));
            Problem::at(Code::Reference, place, message)
        }
        Ok(OutputPath::Component(_, Some(region), _) | OutputPath::VpcId(Some(region)))
            if !known.regions.is_empty() && !known.regions.contains(region) =>
        {
            let message = format!(
                "the stack is in {}, not in `{}`",
                regions::listed(&known.regions),
                shown(region.as_str())
            );
            Problem::at(Code::Reference, place, message)
        }
        Ok(OutputPath::Component(component, Some(region), _))
            if known.has(component) && !known.is_in(component, region) =>
        {
            let message = format!("`{component}` is not in {region}");
            Problem::at(Code::Reference, place, message)
        }
        Ok(OutputPath::Component(ComponentPath::Api(name), _, attribute)) if known.apis.contains(name.as_str()) => {
            match api::missing(known.document, name, attribute) {
                None => return path.ok(),
                Some((message, help)) => {
                    problems.add(Problem::at(Code::Reference, place, message).help(help));
                    return None;
                }
            }
        }
        Ok(OutputPath::VpcId(_)) => return path.ok(),
        Ok(OutputPath::Component(component, ..)) if known.has(component) => return path.ok(),
        Ok(OutputPath::Component(component, ..)) => {
            let message = format!("the document has no component `{}`", shown(&component.to_string()));
            Problem::at(Code::Reference, place, message)
        }
        Err(_) => Problem::at(
            Code::Reference,
            place,
            format!("`{}` is no attribute of a component", shown(&written)),
        ),
    };
    let attributes = known.all().flat_map(|component| {
        let names = OutputPath::attributes(&component).iter();
        names.map(|name| format!("{component}.{name}")).collect::<Vec<_>>()
    });
    let keys = known.keys.iter().take(100);
    let of_keys = keys.flat_map(|key| OutputPath::KEY.map(|name| format!("keys.{key}.{name}")));
    let in_regions = known
        .regions
        .iter()
        .map(|region| OutputPath::VpcId(Some(region.clone())));
    let of_network = std::iter::once(OutputPath::VpcId(None)).chain(in_regions.filter(|_| known.regions.len() > 1));
    let all: Vec<String> = of_network
        .map(|path| path.to_string())
        .chain(attributes)
        .chain(of_keys)
        .collect();
    problems.add(
        problem.help(match nearest(&written, all.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                "for instance network.vpc_id, databases.<name>.endpoint, caches.<name>.endpoint, streams.<name>.name, \
                 apis.<name>.url"
                    .to_owned()
            }
        }),
    );
    None
}
