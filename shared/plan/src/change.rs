//! What a change of one property means: made in place, with a restart, or only by a new object; and AWS's own limits.
//!
//! Sources: ModifyDBInstance, "Settings for DB instances" in the RDS User Guide, ModifyDBCluster, ModifyReplicationGroup, UpdateShardCount,
//! and the update behaviour of each property in the CloudFormation template reference.

use std::collections::BTreeMap;

use outrigger_model::document::{Code, Problem};
use outrigger_model::{Kind, Record, ResourceKey, UnixMs};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A property that is to be another one than is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The property, or an entry of it: `class`, `tags.Environment`.
    pub property: String,
    /// What is recorded; `null` where there is nothing.
    pub from: Value,
    /// What is wanted; `null` where there is to be nothing.
    pub to: Value,
    /// What it does to the resource.
    pub effect: Effect,
    /// What else there is to know, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a change does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It goes on working.
    InPlace,
    /// It restarts, or fails over: its clients lose their connections.
    Restarts,
    /// Another object takes its place.
    Replaces,
}

/// What a change of a resource's property does, by what it is changed from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The same, whatever the values are.
    Always(Effect),
    /// A number or a version: more means one thing, less another.
    Directed { raised: Effect, lowered: Effect },
    /// Something that may be there or not: given one thing, taken away another.
    Taken { given: Effect, taken: Effect },
    /// A number: from 0 or to 0 means something else than between two others.
    Switched { switched: Effect, otherwise: Effect },
}

/// What a change is judged by, besides the property itself.
pub(crate) struct Circumstances<'a> {
    pub(crate) key: &'a ResourceKey,
    pub(crate) record: &'a Record,
    pub(crate) now_ms: UnixMs,
}

/// Every property that differs, its entries one by one, with what each does; and the changes that AWS does not make, with
/// why.
pub(crate) fn changes(
    circumstances: &Circumstances<'_>,
    wanted: &Value,
    wanted_tags: &BTreeMap<String, String>,
) -> (Vec<Change>, Vec<Problem>) {
    let record = &circumstances.record.resource;
    let recorded = serde_json::to_value(&record.properties).unwrap_or_default();
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for (property, from, to) in differing(wanted, &recorded) {
        match judge(circumstances, &property, &from, &to) {
            Ok((effect, note)) => found.extend(entries(&property, from, to, effect, note)),
            Err(message) => problems.push(Problem::at(
                Code::Change,
                format!("{}.{property}", circumstances.key),
                message,
            )),
        }
    }
    if has_tags(circumstances.key.kind) && *wanted_tags != record.tags {
        let texts = |tags: &BTreeMap<String, String>| serde_json::to_value(tags).unwrap_or_default();
        found.extend(entries("tags", texts(&record.tags), texts(wanted_tags), TAGS, None));
    }
    (found, problems)
}

fn differing(wanted: &Value, recorded: &Value) -> Vec<(String, Value, Value)> {
    let (Some(wanted), Some(recorded)) = (wanted.as_object(), recorded.as_object()) else {
        return Vec::new();
    };
    wanted
        .keys()
        .chain(recorded.keys().filter(|key| !wanted.contains_key(*key)))
        .map(|key| {
            let of = |values: &serde_json::Map<String, Value>| values.get(key).cloned().unwrap_or_default();
            (key.clone(), of(recorded), of(wanted))
        })
        .filter(|(_, from, to)| from != to)
        .collect()
}

/// A change of a mapping is one of each of its entries.
fn entries(property: &str, from: Value, to: Value, effect: Effect, note: Option<String>) -> Vec<Change> {
    match (&from, &to) {
        (Value::Object(before), Value::Object(after)) => differing(&to, &from)
            .into_iter()
            .map(|(key, from, to)| Change {
                property: format!("{property}.{key}"),
                from,
                to,
                effect,
                note: note.clone(),
            })
            .filter(|_| !before.is_empty() || !after.is_empty())
            .collect(),
        _ => vec![Change {
            property: property.to_owned(),
            from,
            to,
            effect,
            note,
        }],
    }
}

/// What a change of tags does.
pub(crate) const TAGS: Effect = Effect::InPlace;

fn has_tags(kind: Kind) -> bool {
    // Parts of something that has tags.
    !matches!(
        kind,
        Kind::Route
            | Kind::RouteTableAssociation
            | Kind::SecretAttachment
            | Kind::KmsAlias
            | Kind::Subscription
            | Kind::ApiDeployment
            | Kind::UsagePlanKey
            | Kind::FunctionPermission
            | Kind::BucketReplication
            | Kind::Target
            | Kind::AcceleratorListener
            | Kind::EndpointGroup
            | Kind::BackupSelection
            | Kind::ApiMapping
            | Kind::EventTarget
            | Kind::GlobalEndpoint
    )
}

fn judge(
    circumstances: &Circumstances<'_>,
    property: &str,
    from: &Value,
    to: &Value,
) -> Result<(Effect, Option<String>), String> {
    let effect = effect(circumstances.key.kind, property, from, to);
    let note = match (circumstances.key.kind, property) {
        (Kind::DbInstance, "storage_gib") if effect == Effect::InPlace => storage(circumstances, from, to)?,
        (Kind::DbInstance, "storage_type") => storage_rest(circumstances, property, to).map(|()| None)?,
        (Kind::DbInstance | Kind::DbCluster, "secret") => {
            return Err(
                "its secret is another one now, whose password the database does not know; restore the secret that was \
                 deleted, then try again"
                    .to_owned(),
            );
        }
        (Kind::ReplicationGroup, "auth_secret") if !from.is_null() && !to.is_null() => {
            return Err(
                "its secret is another one now, whose token the cache does not know; restore the secret that was \
                 deleted, then try again"
                    .to_owned(),
            );
        }
        (Kind::GlobalCluster, "engine_version") => return Err(GLOBAL_VERSION.to_owned()),
        (Kind::DbCluster, "zones") => {
            Some("AWS took the zones of its storage when it created it; they stay".to_owned())
        }
        (Kind::Stream, "shards") => shards(from, to)?,
        _ => None,
    };
    Ok((effect, note))
}

fn effect(kind: Kind, property: &str, from: &Value, to: &Value) -> Effect {
    match rule(kind, property) {
        Rule::Always(effect) => effect,
        Rule::Directed { raised, lowered } => match is_lower(to, from) {
            true => lowered,
            false => raised,
        },
        Rule::Taken { given, taken } => match to.is_null() {
            true => taken,
            false => given,
        },
        Rule::Switched { switched, otherwise } => match (number(from) == 0) != (number(to) == 0) {
            true => switched,
            false => otherwise,
        },
    }
}

/// The table of what changes do.
pub(crate) fn rule(kind: Kind, property: &str) -> Rule {
    let replaces_if = |condition: bool| match condition {
        true => Rule::Always(Effect::Replaces),
        false => Rule::Always(Effect::InPlace),
    };
    match kind {
        Kind::Vpc => replaces_if(property == "cidr"),
        Kind::Subnet => replaces_if(property != "public_address_on_launch"),
        Kind::InternetGateway | Kind::RouteTable => replaces_if(property == "vpc"),
        // The one way to give it another subnet or address is another one.
        Kind::NatGateway => replaces_if(["subnet", "address"].contains(&property)),
        Kind::VpcEndpoint => replaces_if(["vpc", "service", "type"].contains(&property)),
        Kind::Route => replaces_if(["route_table", "destination"].contains(&property)),
        Kind::VpcPeering => replaces_if(true),
        Kind::RouteTableAssociation => replaces_if(property == "subnet"),
        Kind::SecurityGroup => replaces_if(["vpc", "description"].contains(&property)),
        // A group stays in its VPC.
        Kind::DbSubnetGroup | Kind::CacheSubnetGroup => replaces_if(property == "vpc"),
        Kind::DbParameterGroup => replaces_if(["family", "description"].contains(&property)),
        Kind::DbInstance => match property {
            "database" | "user" | "subnet_group" | "encryption_key" => Rule::Always(Effect::Replaces),
            "storage_gib" => Rule::Directed {
                raised: Effect::InPlace,
                lowered: Effect::Replaces,
            },
            "engine_version" => Rule::Directed {
                raised: Effect::Restarts,
                lowered: Effect::Replaces,
            },
            // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupRetention.html
            "backup_retention_days" => Rule::Switched {
                switched: Effect::Restarts,
                otherwise: Effect::InPlace,
            },
            "class" | "port" | "parameter_group" | "static_parameters" => Rule::Always(Effect::Restarts),
            _ => Rule::Always(Effect::InPlace),
        },
        // It is what its members are: what differs is set on it and on each of them.
        Kind::GlobalCluster => Rule::Always(Effect::InPlace),
        // Settings of a cluster: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Modifying.html
        Kind::DbCluster => match property {
            "database" | "user" | "subnet_group" | "encryption_key" | "global_cluster" => {
                Rule::Always(Effect::Replaces)
            }
            "engine_version" => Rule::Directed {
                raised: Effect::Restarts,
                lowered: Effect::Replaces,
            },
            "port" => Rule::Always(Effect::Restarts),
            _ => Rule::Always(Effect::InPlace),
        },
        Kind::DbClusterInstance => replaces_if(["cluster", "zone"].contains(&property)),
        Kind::ReplicationGroup => match property {
            "port" | "subnet_group" | "encryption_key" => Rule::Always(Effect::Replaces),
            "auth_secret" => Rule::Taken {
                given: Effect::InPlace,
                taken: Effect::Replaces,
            },
            "engine_version" => Rule::Directed {
                raised: Effect::Restarts,
                lowered: Effect::Replaces,
            },
            "node_type" => Rule::Always(Effect::Restarts),
            _ => Rule::Always(Effect::InPlace),
        },
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
        Kind::Table => replaces_if(["key", "sort_key"].contains(&property)),
        // A deployment never changes; a stage stays with its API under its name.
        Kind::ApiDeployment | Kind::UsagePlanKey => Rule::Always(Effect::Replaces),
        Kind::ApiStage => replaces_if(property != "deployment"),
        Kind::Bucket => Rule::Always(Effect::InPlace),
        Kind::BucketReplication => replaces_if(property == "bucket"),
        // Its path is part of its key.
        Kind::ApiMapping => replaces_if(["domain", "base_path"].contains(&property)),
        Kind::ApiDomain => replaces_if(property == "domain"),
        // A rule stays on its bus, a target with its rule.
        Kind::EventRule => replaces_if(property == "bus"),
        Kind::EventTarget => replaces_if(property != "function"),
        Kind::EventBus | Kind::GlobalEndpoint => Rule::Always(Effect::InPlace),
        Kind::RestApi | Kind::UsagePlan | Kind::ApiKey => Rule::Always(Effect::InPlace),
        // What there is to set of each: ModifyTargetGroup, ModifyListener, ModifyRule, SetSubnets, SetSecurityGroups.
        Kind::LoadBalancer => replaces_if(["type", "scheme", "vpc"].contains(&property)),
        Kind::TargetGroup => replaces_if(["targets", "vpc", "port"].contains(&property)),
        Kind::Listener => replaces_if(["load_balancer", "port"].contains(&property)),
        Kind::ListenerRule => replaces_if(["listener", "priority"].contains(&property)),
        Kind::Target => Rule::Always(Effect::Replaces),
        // A statement is taken away and added, never changed.
        Kind::Subscription | Kind::FunctionPermission => Rule::Always(Effect::Replaces),
        Kind::AcceleratorListener => replaces_if(property == "accelerator"),
        Kind::EndpointGroup => replaces_if(["listener", "region"].contains(&property)),
        // https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html
        Kind::HealthCheck => replaces_if(["protocol", "interval_seconds"].contains(&property)),
        // "Parameter Store doesn't support changing a parameter type in a hierarchy" (PutParameter).
        Kind::Parameter => replaces_if(property == "type"),
        // Backup knows no call that changes one.
        Kind::BackupSelection => Rule::Always(Effect::Replaces),
        Kind::BackupVault | Kind::BackupPlan => Rule::Always(Effect::InPlace),
        Kind::ElasticIp
        | Kind::KmsKey
        | Kind::KmsAlias
        | Kind::Role
        | Kind::Stream
        | Kind::Secret
        | Kind::SecretAttachment
        | Kind::Function
        | Kind::Alarm
        | Kind::LogGroup
        | Kind::Topic
        | Kind::Accelerator
        | Kind::Dashboard => Rule::Always(Effect::InPlace),
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn is_lower(value: &Value, than: &Value) -> bool {
    let numbers = |value: &Value| -> Vec<u64> {
        match value.as_str() {
            Some(version) => version.split('.').map(|part| part.parse().unwrap_or(0)).collect(),
            None => vec![number(value)],
        }
    };
    numbers(value) < numbers(than)
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-upgrade.html>
pub(crate) const GLOBAL_VERSION: &str = "Outrigger does not upgrade a global database: AWS upgrades its members in an order of \
                                         their own, the one that writes last; undo the change";
pub(crate) const STORAGE_GROWS: &str = "RDS grows storage by at least 10 %";
pub(crate) const STORAGE_RESTS: &str = "RDS changes storage once in 6 hours at most";
pub(crate) const SHARDS_DOUBLE: &str =
    "Kinesis at most doubles or halves the shards with each call, and takes 10 calls a day";

/// RDS grows storage by at least 10 %:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.ModifyingExisting.html>.
fn storage(circumstances: &Circumstances<'_>, from: &Value, to: &Value) -> Result<Option<String>, String> {
    let least = (number(from) * 11).div_ceil(10);
    if number(to) < least {
        return Err(format!("{STORAGE_GROWS}: it is {from} GiB; expected {least} or more"));
    }
    storage_rest(circumstances, "storage_gib", to).map(|()| None)
}

/// After a change of its storage RDS takes no other for 6 hours (same source).
fn storage_rest(circumstances: &Circumstances<'_>, property: &str, to: &Value) -> Result<(), String> {
    const REST_MS: UnixMs = 6 * 3_600_000;
    let changed = &circumstances.record.changed;
    // The very change that an operation has begun goes on.
    if changed.get(property).is_some_and(|last| last.to == *to) {
        return Ok(());
    }
    let last = ["storage_gib", "storage_type"].iter().filter_map(|of| changed.get(*of));
    let last_ms = last.map(|last| last.at_ms).max();
    let left_ms = last_ms.map_or(0, |last_ms| (last_ms + REST_MS).saturating_sub(circumstances.now_ms));
    if left_ms == 0 {
        return Ok(());
    }
    let minutes = left_ms.div_ceil(60_000);
    Err(format!(
        "{STORAGE_RESTS}; the next change is possible in {} h {} min",
        minutes / 60,
        minutes % 60
    ))
}

/// At most twice, at least half as many shards by each call, ten calls in 24 hours:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>.
fn shards(from: &Value, to: &Value) -> Result<Option<String>, String> {
    const CALLS_MAX: usize = 10;
    let calls = shard_counts(number(from), number(to));
    if calls.len() > CALLS_MAX {
        let possible = calls.get(CALLS_MAX - 1).copied().unwrap_or_default();
        return Err(format!(
            "{SHARDS_DOUBLE}; expected a number no further away than {possible}"
        ));
    }
    let listed: Vec<String> = calls.iter().map(u64::to_string).collect();
    Ok((calls.len() > 1).then(|| format!("in {} calls: {}", calls.len(), listed.join(", "))))
}

/// The number of shards after each call on the way.
fn shard_counts(from: u64, to: u64) -> Vec<u64> {
    let mut counts = Vec::new();
    let mut count = from.max(1);
    while count != to.max(1) {
        count = to.max(1).clamp(count.div_ceil(2), count * 2);
        counts.push(count);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_come_and_go_by_twos() {
        let table: [(u64, u64, &[u64]); 6] = [
            (2, 2, &[]),
            (2, 4, &[4]),
            (2, 9, &[4, 8, 9]),
            (9, 2, &[5, 3, 2]),
            (1, 3, &[2, 3]),
            (5, 3, &[3]),
        ];
        for (from, to, calls) in table {
            assert_eq!(shard_counts(from, to), calls, "{from} to {to}");
        }
        assert!(shards(&1.into(), &5000.into()).unwrap_err().contains("1024"));
    }
}
