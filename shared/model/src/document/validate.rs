//! What must hold of a document beyond its shape. Limits are those of each service's API reference.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Alarm, Cache, ComponentPath, Database, Document, Network, OutputPath, Problem, Stream, Subnets};

/// Every problem of a document whose parts could be read.
pub(super) fn problems(document: &Document) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    tags("tags", &document.tags, &mut problems);
    for (place, tags_of) in component_tags(document) {
        tags(&format!("{place}.tags"), tags_of, &mut problems);
        problems.unless(
            tags_of.len() + document.tags.len() <= TAGS_MAX,
            format!("{place}.tags"),
            format!("there are more than {TAGS_MAX} together with the document's own"),
        );
    }
    network(document, &mut problems);
    for (name, stream) in &document.streams {
        problems.name(&format!("streams.{name}"), name, 60);
        check_stream(&format!("streams.{name}"), stream, &mut problems);
    }
    for (name, cache) in &document.caches {
        problems.name(&format!("caches.{name}"), name, 60);
        check_cache(&format!("caches.{name}"), cache, &mut problems);
    }
    for (name, database) in &document.databases {
        problems.name(&format!("databases.{name}"), name, 60);
        check_database(&format!("databases.{name}"), database, &mut problems);
    }
    for (name, alarm) in &document.alarms {
        problems.name(&format!("alarms.{name}"), name, 60);
        check_alarm(&format!("alarms.{name}"), alarm, document, &mut problems);
    }
    for (name, path) in &document.outputs {
        if let OutputPath::Component(component, _) = path
            && !exists(document, component)
        {
            problems.add(
                format!("outputs.{name}"),
                format!("the document has no component `{component}`"),
            );
        }
    }
    problems.0
}

/// Every problem of the names, as far as they could be read: told even when the rest could not be.
pub(super) fn problems_of_names(
    stack: Option<&String>,
    environment: Option<&String>,
    region_name: Option<&String>,
) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    if let Some(stack) = stack {
        problems.name("stack", stack, 30);
        // EC2 reserves group names that begin so, and groups are named after their stack.
        problems.unless(
            !stack.starts_with("sg-") && stack != "sg",
            "stack",
            "must not begin with `sg-`: EC2 reserves such names of security groups",
        );
    }
    if let Some(environment) = environment {
        problems.name("environment", environment, 20);
    }
    if let Some(region_name) = region_name {
        region(region_name, &mut problems);
    }
    problems.0
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem::at(place, message));
    }

    fn unless(&mut self, holds: bool, place: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.add(place, message);
        }
    }

    /// Names become parts of RDS identifiers, which are the strictest: lower case letters, digits, single hyphens.
    fn name(&mut self, place: &str, name: &str, length_max: usize) {
        let good = name.len() <= length_max
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && !name.ends_with('-')
            && !name.contains("--")
            && name
                .chars()
                .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-');
        self.unless(
            good,
            place,
            format!(
                "`{name}` cannot be a name; expected at most {length_max} lower case letters, digits and single \
                 hyphens, the first a letter, the last no hyphen"
            ),
        );
    }

    fn range<T: PartialOrd + std::fmt::Display>(&mut self, place: String, value: T, least: T, most: T) {
        self.unless(
            value >= least && value <= most,
            place,
            format!("{value} is out of range; expected {least} to {most}"),
        );
    }
}

fn region(region: &str, problems: &mut Problems) {
    let parts: Vec<&str> = region.split('-').collect();
    let good = parts.len() >= 3
        && parts
            .last()
            .is_some_and(|last| !last.is_empty() && last.chars().all(|char| char.is_ascii_digit()))
        && parts
            .iter()
            .rev()
            .skip(1)
            .all(|part| !part.is_empty() && part.chars().all(|char| char.is_ascii_lowercase()));
    problems.unless(
        good,
        "region",
        format!("`{region}` is no AWS region; expected for instance us-east-1"),
    );
}

/// AWS allows 50, and Outrigger needs some itself.
const TAGS_MAX: usize = 40;

fn component_tags(document: &Document) -> impl Iterator<Item = (String, &BTreeMap<String, String>)> {
    let streams = document
        .streams
        .iter()
        .map(|(name, of)| (format!("streams.{name}"), &of.tags));
    let caches = document
        .caches
        .iter()
        .map(|(name, of)| (format!("caches.{name}"), &of.tags));
    let databases = document
        .databases
        .iter()
        .map(|(name, of)| (format!("databases.{name}"), &of.tags));
    streams.chain(caches).chain(databases)
}

fn tags(at: &str, tags: &BTreeMap<String, String>, problems: &mut Problems) {
    problems.unless(
        tags.len() <= TAGS_MAX,
        at,
        "there are more than 40; AWS allows 50, and Outrigger needs some itself",
    );
    for (key, value) in tags {
        let place = format!("{at}.{key}");
        let reserved =
            key.to_lowercase().starts_with("aws:") || key.starts_with("outrigger:") || key == "Name" || key == "Type";
        problems.unless(
            !reserved,
            &place,
            "the tags Name, Type, aws:* and outrigger:* are set by AWS or Outrigger; choose another key",
        );
        let good = |text: &str| {
            text.chars()
                .all(|char| char.is_alphanumeric() || " _.:/=+-@".contains(char))
        };
        problems.unless(
            !key.is_empty() && key.len() <= 128 && value.len() <= 256 && good(key) && good(value),
            &place,
            "a tag's key has 1 to 128 characters, its value at most 256: letters, digits, spaces and _ . : / = + - @",
        );
    }
}

fn network(document: &Document, problems: &mut Problems) {
    let network = &document.network;
    let cidr = network.cidr;
    problems.unless(
        (16..=28).contains(&cidr.prefix_len()) && cidr == cidr.trunc(),
        "network.cidr",
        format!("`{cidr}` cannot be a VPC's range; expected a network address with a prefix of /16 to /28, for instance 10.0.0.0/16"),
    );
    problems.range("network.zones".to_owned(), network.zones, 1, 6);
    let ranges: Vec<(String, Ipv4Net)> = [("public", &network.public, 0), ("private", &network.private, 10)]
        .into_iter()
        .filter_map(|(kind, subnets, first)| Some((kind, subnets.as_ref()?, first)))
        .flat_map(|(kind, subnets, first)| subnet_ranges(network, kind, subnets, first, problems))
        .collect();
    for (index, (place, range)) in ranges.iter().enumerate() {
        problems.unless(
            cidr.contains(range),
            place,
            format!("{range} is not within the VPC's {cidr}"),
        );
        problems.unless(
            (16..=28).contains(&range.prefix_len()) && *range == range.trunc(),
            place,
            format!("`{range}` cannot be a subnet's range; expected a network address with a prefix of /16 to /28"),
        );
        for (other_place, other) in ranges.iter().skip(index + 1) {
            problems.unless(
                !range.contains(other) && !other.contains(range),
                other_place,
                format!("{other} overlaps with {range} of {place}"),
            );
        }
    }
    let needs_private = !document.caches.is_empty() || !document.databases.is_empty();
    if needs_private {
        problems.unless(
            network.private.is_some(),
            "network.private",
            "is missing; databases and caches live in private subnets only: add `private: {}`",
        );
        problems.unless(
            network.zones >= 2,
            "network.zones",
            "databases need subnets in at least 2 zones",
        );
    }
}

fn subnet_ranges(
    network: &Network,
    kind: &str,
    subnets: &Subnets,
    first: u32,
    problems: &mut Problems,
) -> Vec<(String, Ipv4Net)> {
    if let Some(cidrs) = &subnets.cidrs {
        problems.unless(
            cidrs.len() == network.zones,
            format!("network.{kind}.cidrs"),
            format!(
                "there are {} ranges for {} zones; expected one per zone",
                cidrs.len(),
                network.zones
            ),
        );
        return cidrs
            .iter()
            .enumerate()
            .map(|(index, cidr)| (format!("network.{kind}.cidrs[{index}]"), *cidr))
            .collect();
    }
    (0..network.zones.min(6))
        .filter_map(|zone| {
            let place = format!("network.{kind}");
            match network.subnet_range(first + u32::try_from(zone).unwrap_or(u32::MAX)) {
                Some(range) => Some((place, range)),
                None => {
                    problems.add(
                        place,
                        format!("{} is too small for it; give `cidrs`, or a larger VPC", network.cidr),
                    );
                    None
                }
            }
        })
        .collect()
}

impl Network {
    /// The range that subnet `number` gets when the document gives none: 8 bits longer than the VPC's, at most `/28`.
    pub fn subnet_range(&self, number: u32) -> Option<Ipv4Net> {
        let prefix = (self.cidr.prefix_len() + 8).min(28);
        let size = 1u32.checked_shl(u32::from(32 - prefix))?;
        let start = u32::from(self.cidr.network()).checked_add(size.checked_mul(number)?)?;
        let range = Ipv4Net::new(Ipv4Addr::from(start), prefix).ok()?;
        self.cidr.contains(&range).then_some(range)
    }

    /// The ranges of the public subnets, one per zone; none without.
    pub fn public_ranges(&self) -> Vec<Ipv4Net> {
        self.ranges(self.public.as_ref(), 0)
    }

    /// The ranges of the private subnets, one per zone; none without.
    pub fn private_ranges(&self) -> Vec<Ipv4Net> {
        self.ranges(self.private.as_ref(), 10)
    }

    fn ranges(&self, subnets: Option<&Subnets>, first: u32) -> Vec<Ipv4Net> {
        match subnets {
            None => Vec::new(),
            Some(Subnets { cidrs: Some(cidrs) }) => cidrs.clone(),
            Some(Subnets { cidrs: None }) => (first..)
                .take(self.zones)
                .filter_map(|number| self.subnet_range(number))
                .collect(),
        }
    }
}

fn check_stream(place: &str, stream: &Stream, problems: &mut Problems) {
    const METRICS: [&str; 7] = [
        "IncomingBytes",
        "IncomingRecords",
        "IteratorAgeMilliseconds",
        "OutgoingBytes",
        "OutgoingRecords",
        "ReadProvisionedThroughputExceeded",
        "WriteProvisionedThroughputExceeded",
    ];
    problems.range(format!("{place}.shards"), stream.shards, 1, 10_000);
    problems.range(format!("{place}.retention_hours"), stream.retention_hours, 24, 8760);
    for metric in &stream.shard_metrics {
        problems.unless(
            METRICS.contains(&metric.as_str()),
            format!("{place}.shard_metrics"),
            format!("`{metric}` is no shard metric; expected some of {}", METRICS.join(", ")),
        );
    }
}

fn check_cache(place: &str, cache: &Cache, problems: &mut Problems) {
    version(&format!("{place}.version"), &cache.version, problems);
    problems.unless(
        cache.node_type.starts_with("cache."),
        format!("{place}.node_type"),
        format!(
            "`{}` is no node type; expected for instance cache.t3.micro",
            cache.node_type
        ),
    );
    problems.range(format!("{place}.nodes"), cache.nodes, 1, 6);
    problems.range(format!("{place}.port"), cache.port, 1, u16::MAX);
    problems.unless(
        !cache.automatic_failover || cache.nodes >= 2,
        format!("{place}.automatic_failover"),
        "needs at least 2 nodes; give `nodes: 2`, or switch it off",
    );
    problems.unless(
        !cache.multi_az || cache.automatic_failover,
        format!("{place}.multi_az"),
        "needs automatic_failover; switch that on, or this off",
    );
}

fn check_database(place: &str, database: &Database, problems: &mut Problems) {
    version(&format!("{place}.version"), &database.version, problems);
    problems.unless(
        database.class.starts_with("db."),
        format!("{place}.class"),
        format!(
            "`{}` is no instance class; expected for instance db.t3.micro",
            database.class
        ),
    );
    problems.range(format!("{place}.storage_gib"), database.storage_gib, 20, 65_536);
    problems.range(format!("{place}.port"), database.port, 1150, u16::MAX);
    problems.range(
        format!("{place}.backups.retention_days"),
        database.backups.retention_days,
        0,
        35,
    );
    monitoring_and_logs(place, database, problems);
    identifier(&format!("{place}.database"), &database.database, problems);
    identifier(&format!("{place}.user"), &database.user, problems);
    // https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html: no reserved words.
    problems.unless(
        !["admin", "rdsadmin", "rds_superuser", "user", "public", "all"]
            .contains(&database.user.to_lowercase().as_str()),
        format!("{place}.user"),
        format!(
            "`{}` is a reserved word of RDS for PostgreSQL; choose another name",
            database.user
        ),
    );
    windows(place, database, problems);
}

fn monitoring_and_logs(place: &str, database: &Database, problems: &mut Problems) {
    const LOGS: [&str; 2] = ["postgresql", "upgrade"];
    if let Some(most) = database.storage_gib_max {
        problems.unless(
            most > database.storage_gib && most <= 65_536,
            format!("{place}.storage_gib_max"),
            format!(
                "{most} is out of range; expected more than storage_gib, {}, and at most 65536",
                database.storage_gib
            ),
        );
    }
    problems.unless(
        [0, 1, 5, 10, 15, 30, 60].contains(&database.monitoring_interval_seconds),
        format!("{place}.monitoring_interval_seconds"),
        format!(
            "{} cannot be an interval; expected 0 (off), 1, 5, 10, 15, 30 or 60",
            database.monitoring_interval_seconds
        ),
    );
    for log in &database.log_exports {
        problems.unless(
            LOGS.contains(&log.as_str()),
            format!("{place}.log_exports"),
            format!("`{log}` is no log of PostgreSQL; expected some of {}", LOGS.join(", ")),
        );
    }
    for (name, value) in &database.parameters {
        let good = !name.is_empty()
            && name.len() <= 255
            && name
                .chars()
                .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_.".contains(char));
        problems.unless(
            good,
            format!("{place}.parameters"),
            format!("`{name}` cannot be a parameter; expected lower case letters, digits, _ and ."),
        );
        problems.unless(
            !value.is_empty(),
            format!("{place}.parameters.{name}"),
            "has no value; leave it out for the engine's default",
        );
    }
}

fn identifier(place: &str, name: &str, problems: &mut Problems) {
    let good = (1..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    problems.unless(
        good,
        place,
        format!(
            "`{name}` cannot be a PostgreSQL name here; expected 1 to 63 letters, digits and _, the first a letter"
        ),
    );
}

fn version(place: &str, version: &str, problems: &mut Problems) {
    let good = !version.is_empty()
        && version.len() <= 20
        && version
            .split('.')
            .all(|part| !part.is_empty() && part.len() <= 6 && part.chars().all(|char| char.is_ascii_digit()));
    problems.unless(
        good,
        place,
        format!("`{version}` is no version; expected for instance \"15.15\", in quotes"),
    );
}

/// Minutes of a week or a day; the week starts on Monday.
type Minutes = u32;
const DAY: Minutes = 24 * 60;
const WEEK: Minutes = 7 * DAY;

fn windows(place: &str, database: &Database, problems: &mut Problems) {
    let backup = daily_window(&database.backups.window);
    let maintenance = weekly_window(&database.maintenance_window);
    problems.unless(
        backup.is_some(),
        format!("{place}.backups.window"),
        format!(
            "`{}` is no daily window; expected hh:mm-hh:mm in UTC, at least 30 minutes, for instance 03:00-04:00",
            database.backups.window
        ),
    );
    problems.unless(
        maintenance.is_some(),
        format!("{place}.maintenance_window"),
        format!(
            "`{}` is no weekly window; expected ddd:hh:mm-ddd:hh:mm in UTC, 30 minutes to 24 hours, for instance \
             sun:04:00-sun:05:00",
            database.maintenance_window
        ),
    );
    let (Some((backup_start, backup_length)), Some((start, length))) = (backup, maintenance) else {
        return;
    };
    let overlaps = (0..8).any(|day| {
        let backup_start = day * DAY + backup_start;
        backup_start < start + length && start < backup_start + backup_length
    });
    problems.unless(
        !overlaps || database.backups.retention_days == 0,
        format!("{place}.maintenance_window"),
        format!(
            "{} overlaps with the backup window {}, which RDS refuses",
            database.maintenance_window, database.backups.window
        ),
    );
}

/// Start and length of `hh:mm-hh:mm`, at least 30 minutes, possibly over midnight.
fn daily_window(text: &str) -> Option<(Minutes, Minutes)> {
    let (start, end) = text.split_once('-')?;
    let (start, end) = (time_of_day(start)?, time_of_day(end)?);
    let length = (end + DAY - start) % DAY;
    (length >= 30).then_some((start, length))
}

/// Start and length of `ddd:hh:mm-ddd:hh:mm`, 30 minutes to 24 hours, possibly over Sunday's midnight.
fn weekly_window(text: &str) -> Option<(Minutes, Minutes)> {
    let (start, end) = text.split_once('-')?;
    let (start, end) = (time_of_week(start)?, time_of_week(end)?);
    let length = (end + WEEK - start) % WEEK;
    (30..=DAY).contains(&length).then_some((start, length))
}

fn time_of_week(text: &str) -> Option<Minutes> {
    let (day, time) = text.split_once(':')?;
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = days.iter().position(|known| *known == day.to_lowercase())?;
    Some(Minutes::try_from(day).ok()? * DAY + time_of_day(time)?)
}

fn time_of_day(text: &str) -> Option<Minutes> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str, most: Minutes| {
        (text.len() == 2 && text.chars().all(|char| char.is_ascii_digit()))
            .then(|| text.parse::<Minutes>().ok())
            .flatten()
            .filter(|number| *number <= most)
    };
    Some(two_digits(hours, 23)? * 60 + two_digits(minutes, 59)?)
}

fn check_alarm(place: &str, alarm: &Alarm, document: &Document, problems: &mut Problems) {
    problems.unless(
        exists(document, &alarm.component),
        format!("{place}.component"),
        format!("the document has no component `{}`", alarm.component),
    );
    problems.unless(
        !alarm.metric.is_empty() && alarm.metric.len() <= 255,
        format!("{place}.metric"),
        "a metric's name has 1 to 255 characters",
    );
    problems.unless(
        alarm.threshold.is_finite(),
        format!("{place}.threshold"),
        "must be a finite number",
    );
    problems.range(format!("{place}.periods"), alarm.periods, 1, 1440);
    let seconds = alarm.period_seconds;
    problems.unless(
        [10, 20, 30].contains(&seconds) || (seconds > 0 && seconds.is_multiple_of(60)),
        format!("{place}.period_seconds"),
        format!("{seconds} cannot be a period; expected 10, 20, 30 or a multiple of 60"),
    );
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: at most 7 days in all
    // for periods of an hour and longer, one day for shorter ones.
    let most = if seconds >= 3600 { 604_800 } else { 86_400 };
    problems.unless(
        u64::from(seconds) * u64::from(alarm.periods) <= most,
        format!("{place}.periods"),
        format!(
            "{} periods of {seconds} s are longer than the {most} s that CloudWatch allows",
            alarm.periods
        ),
    );
}

fn exists(document: &Document, component: &ComponentPath) -> bool {
    match component {
        ComponentPath::Database(name) => document.databases.contains_key(name),
        ComponentPath::Cache(name) => document.caches.contains_key(name),
        ComponentPath::Stream(name) => document.streams.contains_key(name),
    }
}
