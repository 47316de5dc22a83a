//! Alarms and outputs: what refers to components.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::collect::{Problems, inside, shown};
use super::super::fields::{Fields, any_text, choice, decimal, list, number, text};
use super::super::nearest::nearest;
use super::super::problem::{Code, Problem};
use super::super::{Alarm, ComponentPath, FunctionCode, OutputPath};
use super::{api, backup, bus, function, metrics, regions};
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
    pub(super) tables: BTreeSet<&'a str>,
    pub(super) functions: BTreeSet<&'a str>,
    pub(super) gates: BTreeSet<&'a str>,
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
            tables: names("tables"),
            functions: names("functions"),
            gates: names("gates"),
            regions: regions::of(document),
            document,
        }
    }

    /// The names in a part of the document.
    pub(super) fn named(&self, part: &str) -> BTreeSet<&'a str> {
        let entries = self.document.get(part).and_then(Value::as_object);
        entries.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
    }

    /// Where what a part names is, as far as it can be read: where it says, or else in the first region, or in each.
    pub(super) fn places(&self, part: &str, name: &str) -> Vec<&str> {
        if part == "health_checks" {
            let check = self.document.get(part).and_then(|part| part.get(name));
            let gate = check.and_then(|check| check.get("gate"));
            return self.places("gates", gate.and_then(Value::as_str).unwrap_or_default());
        }
        if let (Some((databases, database)), None) = (self.database_of(part, name), self.said(part, name)) {
            return self.places(databases, database);
        }
        let regions = self.regions.iter().map(Region::as_str);
        match self.said(part, name) {
            // Whichever its plan is in, there is a vault in each.
            _ if part == "backups" => regions.collect(),
            None if EVERYWHERE.contains(&part) || part == "clusters" && self.is_global(name) => regions.collect(),
            None | Some(_) => self.homes(part, name),
        }
    }

    /// Where a component is that has a home: where it says, or else in the first region; in none, where that cannot be read.
    pub(super) fn homes(&self, part: &str, name: &str) -> Vec<&str> {
        let regions = self.regions.iter().map(Region::as_str);
        match self.said(part, name) {
            None => regions.take(1).collect(),
            Some(said) => regions.filter(|region| said.as_str() == Some(region)).collect(),
        }
    }

    fn said(&self, part: &str, name: &str) -> Option<&Value> {
        let component = self.document.get(part).and_then(|part| part.get(name));
        let said = component.and_then(|component| component.get("region"));
        said.filter(|said| !said.is_null())
    }

    /// The part and the name of what a function logs in to.
    fn database_of(&self, part: &str, name: &str) -> Option<(&'a str, &'a str)> {
        let (databases, database) = self.text_of((part, name), "database")?.split_once('.')?;
        (part == "functions" && function::DATABASES.contains(&databases)).then_some((databases, database))
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
            _ if part == "keys" => {
                "a key encrypts in its own region alone: take it away here, and each region's key of AWS's own does"
                    .to_owned()
            }
            _ => "both must be in one region: give both the same `region`".to_owned(),
        };
        let is_apart = !of.is_empty() && users.iter().any(|user| !of.contains(user));
        is_apart.then(|| Problem::at(Code::Conflict, place, message).help(help))
    }

    /// Where an alarm on a component is, as far as it can be read: where its metrics are.
    fn places_of_alarm(&self, component: &ComponentPath) -> Vec<&str> {
        if let Some(only) = metrics::only_in(component) {
            return vec![only];
        }
        let path = component.to_string();
        let place = path.split_once('.').map(|(part, name)| self.places(part, name));
        place.unwrap_or_default()
    }

    /// Whether a component is in a region of the stack, as far as it can be read.
    fn is_in(&self, component: &ComponentPath, region: &Region) -> bool {
        if matches!(component, ComponentPath::Accelerator(_)) {
            return false;
        }
        let path = component.to_string();
        let places = path.split_once('.').map(|(part, name)| self.places(part, name));
        places.is_none_or(|places| places.is_empty() || places.contains(&region.as_str()))
    }

    pub(super) fn has(&self, component: &ComponentPath) -> bool {
        let (part, name) = component.parts();
        let components = self.document.get(part).and_then(Value::as_object);
        components.is_some_and(|components| components.contains_key(name))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = ComponentPath> {
        let parts = ComponentPath::PARTS.iter();
        let of = |part: &&str| {
            let components = self.document.get(*part).and_then(Value::as_object);
            let names = components.into_iter().flatten().map(|(name, _)| name);
            names
                .filter_map(|name| ComponentPath::of(part, name))
                .collect::<Vec<_>>()
        };
        // To guess what was meant, so many are enough.
        parts.flat_map(of).take(100)
    }

    /// Whether the network has subnets that the internet cannot reach, as far as it can be read.
    pub(super) fn has_private_subnets(&self) -> bool {
        let network = self.document.get("network");
        network.is_none_or(|network| network.get("private").is_some_and(|private| !private.is_null()))
    }

    /// The functions that are in the VPC, and so have a security group.
    pub(super) fn functions_in_vpc(&self) -> BTreeSet<&'a str> {
        let functions = self.document.get("functions");
        let said = |function: &str| functions.and_then(|part| part.get(function)?.get("in_vpc")?.as_bool());
        let is_in_vpc = |function: &&str| said(function).unwrap_or_default() || self.is_agent(function);
        self.functions.iter().copied().filter(is_in_vpc).collect()
    }

    /// Whether a function has the code of the database agent.
    fn is_agent(&self, function: &str) -> bool {
        self.text_of(("functions", function), "code") == Some(FunctionCode::DatabaseAgent.as_str())
    }

    /// Whether there is a function that needs Secrets Manager in the VPC.
    pub(super) fn has_agents(&self) -> bool {
        self.functions.iter().any(|function| self.is_agent(function))
    }

    /// A text that a component says.
    pub(super) fn text_of(&self, (part, name): (&str, &str), key: &str) -> Option<&'a str> {
        self.document.get(part)?.get(name)?.get(key)?.as_str()
    }

    /// Whether there is a second bucket that a bucket's objects are copied to, as far as it can be read.
    fn is_replicated(&self, bucket: &str) -> bool {
        let component = self.document.get("buckets").and_then(|part| part.get(bucket));
        let said = component.and_then(|component| component.get("replication"));
        self.regions.is_empty()
            || self.places("buckets", bucket).len() != 1 && said.and_then(Value::as_bool) != Some(false)
    }

    /// Whether a cluster is a global database.
    fn is_global(&self, cluster: &str) -> bool {
        let component = self.document.get("clusters").and_then(|part| part.get(cluster));
        let global = component.and_then(|component| component.get("global"));
        global.and_then(Value::as_bool).unwrap_or_default()
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
        let component = component(value, place, known, problems)?;
        problems.extend(elsewhere(&component, known, place));
        Some(component)
    });
    let metric = fields.required("metric", "CPUUtilization", |value, place, problems| {
        metric(value, place, component.as_ref(), known, problems)
    });
    if let Some(ComponentPath::Bucket(bucket)) = &component
        && !known.is_replicated(bucket)
    {
        let message = format!(
            "`{}` is not replicated, and its metrics are those of replication",
            shown(bucket)
        );
        let problem = Problem::at(Code::Conflict, fields.at("component"), message);
        fields
            .problems
            .add(problem.help("take the alarm away, or have the bucket in two regions"));
    }
    let statistic = fields.required("statistic", "average", choice);
    let comparison = fields.required("comparison", "greater_than", choice);
    let threshold = fields.required("threshold", "80", decimal);
    let periods = fields.required("periods", "2", number(1, 1440));
    let period_seconds = fields.required("period_seconds", "300", period);
    let missing_data = fields.or("missing_data", MissingData::default(), choice);
    let users = component.as_ref().map(|component| known.places_of_alarm(component));
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

/// The metrics of a global service are in one region alone, where an alarm on them must be. Of regions that cannot be read
/// nothing is said.
fn elsewhere(component: &ComponentPath, known: &Known<'_>, place: &str) -> Option<Problem> {
    let only = metrics::only_in(component)?;
    if known.regions.is_empty() || known.regions.iter().any(|region| region.as_str() == only) {
        return None;
    }
    let (_, publisher) = metrics::of(component);
    let message = format!(
        "{publisher} publishes its metrics in {only} alone, and the stack is in {}",
        regions::listed(&known.regions)
    );
    Some(Problem::at(Code::Conflict, place, message).help(format!(
        "an alarm on `{component}` must be in {only}: make that one of the stack's `regions`, or take the alarm away"
    )))
}

/// The component that an alarm is on.
fn component(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<ComponentPath> {
    let text = any_text(value, place, problems)?;
    let component: Option<ComponentPath> = text.parse().ok();
    let is_watched = |component: &ComponentPath| !matches!(component, ComponentPath::Parameter(_));
    if component
        .as_ref()
        .is_some_and(|component| known.has(component) && is_watched(component))
    {
        return component;
    }
    let message = match &component {
        Some(component) if known.has(component) => {
            format!("Parameter Store publishes no metrics of `{}`", shown(&text))
        }
        Some(_) => format!("the document has no component `{}`", shown(&text)),
        None => format!("`{}` is no component", shown(&text)),
    };
    let watched = known.all().filter(is_watched);
    let all: Vec<String> = watched.map(|component| component.to_string()).collect();
    problems.add(Problem::at(Code::Reference, place, message).help(guess(&text, &all)));
    None
}

fn guess(text: &str, all: &[String]) -> String {
    match nearest(text, all.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if all.is_empty() => format!("the document has none; expected {}", ComponentPath::expected()),
        None => format!("expected {}", ComponentPath::expected()),
    }
}

/// A metric that the component publishes.
fn metric(
    value: &Value,
    place: &str,
    component: Option<&ComponentPath>,
    components: &Known<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let name = any_text(value, place, problems)?;
    // Where the component is wrong, nothing can be said.
    if let Some(component) = component {
        if let ComponentPath::Cluster(cluster) = component
            && metrics::is_of_global_database(&name)
        {
            problems.unless(components.is_global(cluster), || {
                let message = format!("only a global database publishes `{name}`, and `{component}` is none");
                Problem::at(Code::Metric, place, message)
                    .help("say `global: true` on the cluster, or take another metric")
            });
            return Some(name);
        }
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

/// The parts whose components are in each region of the stack, if they do not say one: what serves, and what is replicated.
/// All other data has a home.
const EVERYWHERE: [&str; 8] = [
    "apis",
    "buckets",
    "buses",
    "functions",
    "gates",
    "parameters",
    "tables",
    "topics",
];

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

/// An alarm on a cache becomes one per node, one on a health check one per region that is checked, each named after it: no
/// other may have such a name.
pub(super) fn names(alarms: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) {
    let Some(entries) = alarms.as_object() else {
        return;
    };
    for (name, alarm) in entries {
        let component = alarm.get("component").and_then(Value::as_str).unwrap_or_default();
        let Some((suffixes, what)) = several(component, known) else {
            continue;
        };
        for suffix in suffixes {
            let taken = format!("{name}-{suffix}");
            // One that is several has other names itself.
            let other = entries
                .get(&taken)
                .and_then(|other| other.get("component"))
                .and_then(Value::as_str);
            if other.is_some_and(|other| several(other, known).is_none()) {
                let message = format!("the alarm `{name}` has one for each {what}, and so is named `{taken}` too");
                let problem = Problem::at(Code::Name, inside(place, &taken), message).of_key();
                problems.add(problem.help("give one of them another name"));
            }
        }
    }
}

/// What the names of an alarm end in that becomes several, and of what it has one each.
fn several(component: &str, known: &Known<'_>) -> Option<(Vec<String>, &'static str)> {
    if let Some(cache) = component.strip_prefix("caches.") {
        let nodes = 1..=known.nodes(cache).min(6);
        return Some((nodes.map(|node| node.to_string()).collect(), "node of its cache"));
    }
    let check = component.strip_prefix("health_checks.")?;
    let regions = known.places("health_checks", check).into_iter();
    Some((regions.map(str::to_owned).collect(), "region of its health check"))
}

/// What is wrong with an attribute of a cluster that is only there where it is a global database, or only in its first region.
fn of_cluster(name: &str, region: Option<&Region>, attribute: &str, known: &Known<'_>) -> Option<(String, String)> {
    let is_global = known.is_global(name);
    if attribute == "writer_endpoint" && !is_global {
        let message = format!("`clusters.{name}` is no global database, and has no `writer_endpoint`");
        return Some((message, format!("its own is `clusters.{name}.endpoint`")));
    }
    let first = known.regions.first()?;
    let is_further = region.is_some_and(|region| region != first);
    (is_global && is_further && attribute == "secret_arn").then(|| {
        let message =
            format!("the secret of `clusters.{name}` is in {first}; elsewhere it has replicas of the same name");
        (message, format!("expected `clusters.{name}.secret_arn`"))
    })
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
        Ok(OutputPath::Component(component @ ComponentPath::Backup(name), Some(region), attribute))
            if known.has(component) =>
        {
            match backup::missing(known, name, region, attribute) {
                None => return path.ok(),
                Some((message, help)) => {
                    problems.add(Problem::at(Code::Reference, place, message).help(help));
                    return None;
                }
            }
        }
        Ok(OutputPath::Component(ComponentPath::Bus(name), _, attribute))
            if bus::missing(known.document, name, attribute).is_some() =>
        {
            let (message, help) = bus::missing(known.document, name, attribute)?;
            problems.add(Problem::at(Code::Reference, place, message).help(help));
            return None;
        }
        Ok(OutputPath::VpcId(_)) => return path.ok(),
        Ok(OutputPath::Component(ComponentPath::Cluster(name), region, attribute))
            if known.clusters.contains(name.as_str()) =>
        {
            match of_cluster(name, region.as_ref(), attribute, known) {
                None => return path.ok(),
                Some((message, help)) => {
                    problems.add(Problem::at(Code::Reference, place, message).help(help));
                    return None;
                }
            }
        }
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
