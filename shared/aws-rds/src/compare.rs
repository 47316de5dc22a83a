//! How what RDS shows stands to what is wanted: what instances and clusters have in common. Pure.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, PendingCloudwatchLogsExports, VpcSecurityGroupMembership};
use outrigger_aws::surplus_tags;
use outrigger_engine::ports::provider::{Condition, Difference, Observed, Target};
use outrigger_model::Input;
use outrigger_model::properties::Apply;
use outrigger_model::resource::is_ours;
use serde::Serialize;

/// How an instance or a cluster stands to what is wanted.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Properties that AWS is at work on, while it says that the instance is available.
    pub(crate) coming: Vec<&'static str>,
    /// Properties that AWS has accepted as they are wanted, for the maintenance window.
    pub(crate) pending: Vec<&'static str>,
    /// What some call closes.
    pub(crate) closable: Vec<Difference>,
    /// What no call closes.
    pub(crate) fixed: Vec<Difference>,
    /// Which of `closable` are as they are wanted, and about to become something else.
    pub(crate) reverts: Vec<&'static str>,
    /// Whether AWS has given up on the parameters of its group.
    pub(crate) parameters_failed: bool,
}

impl Compared {
    /// Every difference; what can be closed comes first.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        self.closable.iter().chain(&self.fixed).cloned().collect()
    }

    /// Whether a call would give it more storage.
    pub(crate) fn grows(&self) -> bool {
        self.closable
            .iter()
            .any(|difference| difference.property == "storage_gib")
    }

    /// What is there, as the executor sees it.
    pub(crate) fn observed(
        &self,
        id: &str,
        attributes: BTreeMap<String, String>,
        condition: Condition,
        target: &Target,
        actual_tags: &BTreeMap<String, String>,
    ) -> Observed {
        let (pending, differences) = match condition {
            Condition::Ready => {
                let surplus = surplus_tags(&target.tags_gone, actual_tags);
                let differences = self.differences().into_iter().chain(surplus).collect();
                (self.pending.clone(), differences)
            }
            // What is being created or changed does not show its values yet.
            Condition::Changing { .. } | Condition::Deleting | Condition::Broken { .. } => (Vec::new(), Vec::new()),
        };
        Observed {
            id: id.to_owned(),
            attributes,
            condition,
            ours: is_ours(actual_tags, &target.resource.tags),
            differences,
            pending,
            duplicates: Vec::new(),
        }
    }

    /// Whether a call that closes these properties has AWS change them at once, and not in the window.
    ///
    /// A change that somebody asked for is taken back at once, or it would come with the window; but what the document
    /// wants in the window is not brought forward by that.
    pub(crate) fn at_once(&self, apply: Apply, properties: &[&str]) -> bool {
        let only_reverts = properties.iter().all(|property| self.reverts.contains(property));
        apply == Apply::Now || only_reverts && self.pending.is_empty()
    }
}

/// The value that is there, and the one that AWS has accepted but not applied yet.
pub(crate) struct Values<T> {
    pub(crate) actual: Option<T>,
    pub(crate) pending: Option<T>,
}

impl<T> Values<T> {
    /// Of a property that is never pending.
    pub(crate) fn of(actual: Option<T>) -> Self {
        Self { actual, pending: None }
    }
}

/// Whether some call can close a difference.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Closable {
    Yes,
    No,
}

/// A comparison, property by property.
pub(crate) struct Comparison {
    pub(crate) apply: Apply,
    pub(crate) compared: Compared,
}

impl Comparison {
    pub(crate) fn new(apply: Apply) -> Self {
        Self {
            apply,
            compared: Compared::default(),
        }
    }

    /// Adds one property.
    ///
    /// A value that is pending as it is wanted is left to the window where the document says so, and else brought forward;
    /// somebody else's pending value differs, because a window or a reboot will bring it.
    pub(crate) fn add<T: Serialize>(
        &mut self,
        property: &'static str,
        wanted: &impl Serialize,
        Values { actual, pending }: Values<T>,
        closable: Closable,
        is_as_wanted: impl Fn(&T) -> bool,
    ) {
        let is_so = actual.as_ref().is_some_and(&is_as_wanted);
        let will_be_so = pending.as_ref().map(&is_as_wanted);
        let difference = match (is_so, will_be_so) {
            (true, None | Some(true)) => return,
            (false, Some(true)) if self.apply == Apply::InWindow => return self.compared.pending.push(property),
            (false, None | Some(true)) => Difference::new(property, wanted, &actual),
            (_, Some(false)) => Difference::new(property, wanted, &pending),
        };
        if closable == Closable::No {
            self.compared.fixed.push(difference);
            return;
        }
        if is_so {
            self.compared.reverts.push(property);
        }
        self.compared.closable.push(difference);
    }

    pub(crate) fn equal<T: Serialize + PartialEq>(&mut self, property: &'static str, wanted: T, values: Values<T>) {
        self.add(property, &wanted, values, Closable::Yes, |value| *value == wanted);
    }

    pub(crate) fn fixed<T: Serialize + PartialEq>(&mut self, property: &'static str, wanted: T, actual: Option<T>) {
        self.add(property, &wanted, Values::of(actual), Closable::No, |value| {
            *value == wanted
        });
    }

    /// The logs that are sent to CloudWatch Logs.
    pub(crate) fn log_exports(
        &mut self,
        wanted: &BTreeSet<String>,
        actual: &[String],
        pending: Option<&PendingCloudwatchLogsExports>,
    ) {
        let mut exports: BTreeSet<_> = actual.iter().cloned().collect();
        if let Some(pending) = pending {
            // Always at once, whatever the window: these are on their way.
            exports.extend(pending.log_types_to_enable().iter().cloned());
            for log in pending.log_types_to_disable() {
                exports.remove(log);
            }
            let under_way = !pending.log_types_to_enable().is_empty() || !pending.log_types_to_disable().is_empty();
            if under_way && exports == *wanted {
                self.compared.coming.push("log_exports");
            }
        }
        self.equal("log_exports", wanted.clone(), Values::of(Some(exports)));
    }

    /// The security groups; one that is being taken off does not count.
    pub(crate) fn security_groups(&mut self, wanted: &[Input], actual: &[VpcSecurityGroupMembership]) {
        let wanted: BTreeSet<_> = wanted.iter().map(|group| group.text()).collect();
        let actual: BTreeSet<_> = actual
            .iter()
            .filter(|group| group.status() != Some("removing"))
            .filter_map(|group| group.vpc_security_group_id())
            .collect();
        self.equal("security_groups", wanted, Values::of(Some(actual)));
    }

    /// The engine's version, which AWS never lowers, and raises by itself where it may.
    pub(crate) fn engine_version(
        &mut self,
        wanted: &str,
        minor_upgrades: bool,
        actual: Option<&str>,
        pending: Option<&str>,
    ) {
        let closable = match (version(wanted), version(actual.unwrap_or_default())) {
            (Some(wanted), Some(there)) if wanted < there => Closable::No,
            _ => Closable::Yes,
        };
        let values = Values {
            actual: actual.map(str::to_owned),
            pending: pending.map(str::to_owned),
        };
        self.add("engine_version", &wanted, values, closable, |version| {
            is_version(wanted, version, minor_upgrades)
        });
    }
}

/// The call's part that makes the logs of `there` those that are wanted.
pub(crate) fn log_exports(wanted: &BTreeSet<String>, there: &[String]) -> CloudwatchLogsExportConfiguration {
    let enable = wanted.iter().filter(|log| !there.contains(*log));
    let disable = there.iter().filter(|log| !wanted.contains(*log));
    CloudwatchLogsExportConfiguration::builder()
        .set_enable_log_types(Some(enable.cloned().collect()))
        .set_disable_log_types(Some(disable.cloned().collect()))
        .build()
}

/// Whether a version is wanted that is later than the one that is there: only members of global databases are not upgraded.
fn is_upgrade(difference: &Difference) -> bool {
    let wanted = difference.wanted.as_str().and_then(version);
    wanted > difference.actual.as_str().and_then(version)
}

/// Why no call closes a difference, and what to do. `what` is a database or a cluster.
pub(crate) fn why_not(what: &str, difference: &Difference) -> String {
    let Difference {
        property,
        wanted,
        actual,
    } = difference;
    let rule = match *property {
        "engine_version" if is_upgrade(difference) => {
            "Outrigger does not upgrade a global database: upgrade its members in AWS, the one that writes last"
                .to_owned()
        }
        "global_cluster" => {
            "a cluster joins a global database only when it is created: delete it by hand, and the next \
                             operation creates it as a member"
                .to_owned()
        }
        "engine_version" => "AWS never downgrades: ask for the version that is there, or a later one".to_owned(),
        "storage_gib" => "storage never shrinks: ask for as much as there is, or more".to_owned(),
        other => format!("AWS sets {other} only when it creates {what}: another one needs a replacement"),
    };
    format!("{property} is {actual}, and wanted is {wanted}; {rule}")
}

pub(crate) fn unsigned(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

/// The major and the minor number of a version of PostgreSQL.
pub(crate) fn version(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, digits.parse().ok()?))
}

/// Whether a version is the wanted one, or one that AWS has upgraded it to by itself.
pub(crate) fn is_version(wanted: &str, actual: &str, minor_upgrades: bool) -> bool {
    wanted == actual
        || minor_upgrades
            && match (version(wanted), version(actual)) {
                (Some((wanted, least)), Some((major, minor))) => wanted == major && minor >= least,
                _ => false,
            }
}
