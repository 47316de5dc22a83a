//! The calls that change a replication group in place.

use std::cmp::Ordering;

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::operation::modify_replication_group::builders::ModifyReplicationGroupFluentBuilder;
use outrigger_aws::{TAGS, TAGS_GONE, call_error, number, unchangeable};
use outrigger_engine::ports::provider::{CallError, Difference, Observed, Progress, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::{Apply, ReplicationGroup};

use super::CODES;
use super::compare::{PENDING_ENGINE_VERSION, PENDING_FAILOVER, PENDING_NODE_TYPE, numbers};
use crate::auth::{self, AUTH_TOKEN};
use crate::{ENGINE, POLL_SECONDS, fresh_references_wait, tags};

const MODIFY: &str = "elasticache:ModifyReplicationGroup";
const INCREASE: &str = "elasticache:IncreaseReplicaCount";
const DECREASE: &str = "elasticache:DecreaseReplicaCount";

/// What one call does.
#[derive(Debug, PartialEq)]
enum Change {
    Tags,
    TagsGone,
    /// Replicas are added or removed, always at once.
    Replicas {
        grows: bool,
    },
    /// Everything about the group that restarts no node, in one call.
    Settings(Vec<&'static str>),
    /// A larger or smaller machine, on its own.
    NodeType,
    /// A newer version, on its own.
    EngineVersion,
    /// What waits for the window is replaced by what is there.
    CallOff(Vec<&'static str>),
    /// The token that clients need, step by step.
    AuthToken,
    /// No call does that.
    Nothing(Progress),
}

/// The call that closes the first difference, and those that can go with it.
fn change(wanted: &ReplicationGroup, differences: &[Difference], first: &Difference) -> Change {
    let those = |names: &[&'static str]| -> Vec<&'static str> {
        let all = differences.iter().map(|difference| difference.property);
        all.filter(|property| names.contains(property)).collect()
    };
    match first.property {
        TAGS => Change::Tags,
        TAGS_GONE => Change::TagsGone,
        PENDING_FAILOVER | PENDING_NODE_TYPE | PENDING_ENGINE_VERSION => {
            Change::CallOff(those(&[PENDING_FAILOVER, PENDING_NODE_TYPE, PENDING_ENGINE_VERSION]))
        }
        "nodes" => Change::Replicas {
            grows: first.actual.as_u64() < Some(wanted.nodes.into()),
        },
        "automatic_failover" | "multi_az" | "description" | "security_groups" => Change::Settings(those(&[
            "automatic_failover",
            "multi_az",
            "description",
            "security_groups",
        ])),
        AUTH_TOKEN => Change::AuthToken,
        "node_type" => Change::NodeType,
        "engine_version" => match first.actual.as_str() {
            Some(actual) if numbers(actual).cmp(&numbers(&wanted.engine_version)) == Ordering::Greater => {
                Change::Nothing(Progress::Blocked {
                    reason: format!(
                        "ElastiCache does not go back from version {actual} to {}: state {actual} in the document, or \
                         have the cache replaced",
                        wanted.engine_version
                    ),
                })
            }
            _ => Change::EngineVersion,
        },
        _ => Change::Nothing(unchangeable("a cache", first)),
    }
}

/// Whether settings take effect at once.
///
/// Where the document asks for the window, automatic failover waits for it. What AWS does not show as waiting (and what
/// interrupts nothing) does not, unless that would bring forward something that waits: "this parameter causes the
/// modifications in this request and any pending modifications to be applied".
fn settings_at_once(wanted: &ReplicationGroup, observed: &Observed, properties: &[&'static str]) -> bool {
    let last_replica_goes = wanted.nodes == 1 && observed.differences.iter().any(|other| other.property == "nodes");
    let waits = properties.contains(&"automatic_failover") && !last_replica_goes;
    wanted.apply == Apply::Now || (!waits && observed.pending.is_empty())
}

/// Closes the first difference by one call.
pub(super) async fn ensure(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &ReplicationGroup,
    observed: &Observed,
) -> Result<Progress, CallError> {
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let id = target.resource.physical_name.as_str();
    let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
    let modify = || client.modify_replication_group().replication_group_id(id);
    let now = wanted.apply == Apply::Now;
    match change(wanted, &observed.differences, first) {
        Change::Tags => tags::add(client, arn, &target.resource.tags).await?,
        Change::TagsGone => tags::remove(client, arn, first).await?,
        Change::Replicas { grows: true } => increase(client, id, wanted).await?,
        Change::Replicas { grows: false } => decrease(client, id, wanted).await?,
        Change::Settings(properties) => {
            let at_once = settings_at_once(wanted, observed, &properties);
            let request = properties.iter().fold(modify(), |request, property| match *property {
                "automatic_failover" => request.automatic_failover_enabled(wanted.automatic_failover),
                "multi_az" => request.multi_az_enabled(wanted.multi_az),
                "description" => request.replication_group_description(&wanted.description),
                _ => request.set_security_group_ids(Some(security_group_ids(wanted))),
            });
            send(request.apply_immediately(at_once)).await?;
        }
        Change::AuthToken => {
            let actual = tags::list(client, arn).await?.unwrap_or_default();
            return auth::ensure(client, secrets, id, arn, wanted, &actual).await;
        }
        Change::NodeType => send(modify().cache_node_type(&wanted.node_type).apply_immediately(now)).await?,
        Change::EngineVersion => {
            let actual = first.actual.as_str().unwrap_or_default();
            let parameters = default_parameters(client, actual, &wanted.engine_version).await?;
            let request = modify().engine_version(&wanted.engine_version);
            send(
                request
                    .set_cache_parameter_group_name(parameters)
                    .apply_immediately(now),
            )
            .await?;
        }
        Change::CallOff(properties) => {
            let request = properties.iter().fold(modify(), |request, property| match *property {
                PENDING_FAILOVER => request.automatic_failover_enabled(wanted.automatic_failover),
                PENDING_NODE_TYPE => request.cache_node_type(&wanted.node_type),
                _ => request.engine_version(&wanted.engine_version),
            });
            // What is there already takes no effect; whatever else waits is not to be brought forward.
            // https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.CancelPending.html
            send(request.apply_immediately(observed.pending.is_empty())).await?;
        }
        Change::Nothing(progress) => return Ok(progress),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

pub(super) fn security_group_ids(wanted: &ReplicationGroup) -> Vec<String> {
    wanted
        .security_groups
        .iter()
        .map(|group| group.text().to_owned())
        .collect()
}

/// ModifyReplicationGroup:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html>.
async fn send(request: ModifyReplicationGroupFluentBuilder) -> Result<(), CallError> {
    request
        .send()
        .await
        .map(drop)
        .map_err(|error| fresh_references_wait(call_error(MODIFY, CODES, &error)))
}

/// IncreaseReplicaCount: "ApplyImmediately=False is not currently supported".
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_IncreaseReplicaCount.html>
async fn increase(client: &Client, id: &str, wanted: &ReplicationGroup) -> Result<(), CallError> {
    client
        .increase_replica_count()
        .replication_group_id(id)
        .new_replica_count(number(INCREASE, "nodes", wanted.nodes.saturating_sub(1))?)
        .apply_immediately(true)
        .send()
        .await
        .map(drop)
        .map_err(|error| call_error(INCREASE, CODES, &error))
}

/// DecreaseReplicaCount; AWS chooses which replicas go.
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DecreaseReplicaCount.html>
async fn decrease(client: &Client, id: &str, wanted: &ReplicationGroup) -> Result<(), CallError> {
    client
        .decrease_replica_count()
        .replication_group_id(id)
        .new_replica_count(number(DECREASE, "nodes", wanted.nodes.saturating_sub(1))?)
        .apply_immediately(true)
        .send()
        .await
        .map(drop)
        .map_err(|error| call_error(DECREASE, CODES, &error))
}

/// A new major version needs parameters of its own family: AWS's defaults, as at creation. `None` within a major version.
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/VersionManagement.html>
async fn default_parameters(client: &Client, actual: &str, wanted: &str) -> Result<Option<String>, CallError> {
    let call = "elasticache:DescribeCacheEngineVersions";
    if numbers(actual).first() == numbers(wanted).first() {
        return Ok(None);
    }
    let output = client
        .describe_cache_engine_versions()
        .engine(ENGINE)
        .engine_version(wanted)
        .send()
        .await
        .map_err(|error| call_error(call, &[], &error))?;
    let family = output
        .cache_engine_versions()
        .iter()
        .find_map(|version| version.cache_parameter_group_family());
    match family {
        Some(family) => Ok(Some(format!("default.{family}"))),
        None => Err(CallError::invalid(
            call,
            format!("ElastiCache offers no Redis {wanted} here"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::replication_group::tests::wanted;

    fn difference(property: &'static str, wanted: serde_json::Value, actual: serde_json::Value) -> Difference {
        Difference {
            property,
            wanted,
            actual,
        }
    }

    fn of(differences: &[Difference]) -> Change {
        let mut wanted = wanted();
        wanted.nodes = 3;
        change(&wanted, differences, &differences[0])
    }

    #[test]
    fn settings_go_together_and_the_rest_alone() {
        let failover = difference("automatic_failover", json!(true), json!(false));
        let description = difference("description", json!("a"), json!("b"));
        let larger = difference("node_type", json!("a"), json!("b"));
        let nodes = |actual| difference("nodes", json!(3), json!(actual));
        let together = Change::Settings(vec!["automatic_failover", "description"]);
        assert_eq!(of(&[failover.clone(), description, nodes(5), larger.clone()]), together);
        assert_eq!(of(&[nodes(1), failover]), Change::Replicas { grows: true });
        assert_eq!(of(&[nodes(5)]), Change::Replicas { grows: false });
        let version = |actual: &str| difference("engine_version", json!("7.0"), json!(actual));
        assert_eq!(of(&[larger, version("6.2")]), Change::NodeType);
        assert_eq!(of(&[version("6.2")]), Change::EngineVersion);
        assert!(matches!(
            of(&[version("7.1")]),
            Change::Nothing(Progress::Blocked { .. })
        ));
        let port = difference("port", json!(1), json!(2));
        assert!(matches!(of(&[port]), Change::Nothing(Progress::Blocked { .. })));
        let pending = |property| difference(property, json!("a"), json!("b"));
        assert_eq!(
            of(&[pending(PENDING_NODE_TYPE), pending(PENDING_ENGINE_VERSION)]),
            Change::CallOff(vec![PENDING_NODE_TYPE, PENDING_ENGINE_VERSION])
        );
    }

    #[test]
    fn what_waits_is_not_brought_forward() {
        let check =
            |apply: Apply, nodes: u32, pending: &[&'static str], properties: &[&'static str], expected: bool| {
                let wanted = ReplicationGroup {
                    apply,
                    nodes,
                    ..wanted()
                };
                let observed = Observed {
                    differences: vec![difference("nodes", json!(nodes), json!(2))],
                    pending: pending.to_vec(),
                    ..Observed::default()
                };
                assert_eq!(
                    settings_at_once(&wanted, &observed, properties),
                    expected,
                    "{properties:?}"
                );
            };
        let both = ["automatic_failover", "multi_az"];
        check(Apply::Now, 3, &[], &both, true);
        check(Apply::InWindow, 3, &[], &both, false);
        check(Apply::InWindow, 3, &[], &["multi_az", "description"], true);
        check(Apply::InWindow, 3, &["node_type"], &["multi_az"], false);
        check(Apply::InWindow, 1, &[], &both, true);
        check(Apply::InWindow, 1, &["node_type"], &both, false);
    }
}
