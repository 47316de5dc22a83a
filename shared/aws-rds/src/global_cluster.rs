//! `AWS::RDS::GlobalCluster`, of Aurora PostgreSQL: what the clusters of a global database are members of.
//!
//! It lives in no region, and each region that it has a member in, or is to have one in, answers for it. So it is looked for
//! in the first of these that answers, and changed there: one that is dead is in nobody's way.

use aws_sdk_rds::Client;
use aws_sdk_rds::types::GlobalCluster as SdkGlobalCluster;
use outrigger_aws::{
    Clients, TAGS, TAGS_GONE, call_error, gone_meanwhile, is_code, missing_tags, surplus_tags, unchangeable,
};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::GlobalCluster;
use outrigger_model::resource::is_ours;

use crate::cluster::ENGINE;
use crate::{POLL_SECONDS, tags};

pub(crate) const NOT_FOUND: &[&str] = &["GlobalClusterNotFoundFault"];
pub(crate) const CODES: &[(&str, CallErrorKind)] = &[
    ("GlobalClusterAlreadyExistsFault", CallErrorKind::Exists),
    // A member is being attached or removed, or another one is about to write; or, of a deletion, it has members.
    ("InvalidGlobalClusterStateFault", CallErrorKind::NotYet),
    ("InvalidDBClusterStateFault", CallErrorKind::NotYet),
];
const DELETION_PROTECTION: &str = "deletion_protection";

/// DescribeGlobalClusters, which shows the tags too. Which member writes is not looked at: that changes.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeGlobalClusters.html>.
pub(crate) async fn observe(
    clients: &Clients<Client>,
    target: &Target,
    wanted: &GlobalCluster,
) -> Result<Option<Observed>, CallError> {
    let (_, found) = find(clients, &target.resource.physical_name, wanted).await?;
    Ok(found.map(|found| observed(target, wanted, &found)))
}

fn observed(target: &Target, wanted: &GlobalCluster, actual: &SdkGlobalCluster) -> Observed {
    let actual_tags = tags::from_sdk(actual.tag_list());
    let condition = condition(actual.status().unwrap_or_default());
    let differences = match condition {
        Condition::Ready => [
            missing_tags(&target.resource.tags, &actual_tags),
            surplus_tags(&target.tags_gone, &actual_tags),
            Difference::between(
                DELETION_PROTECTION,
                &wanted.deletion_protection,
                &actual.deletion_protection().unwrap_or_default(),
            ),
            Difference::between(
                "storage_encrypted",
                &true,
                &actual.storage_encrypted().unwrap_or_default(),
            ),
        ]
        .into_iter()
        .flatten()
        .collect(),
        // What is being created or changed does not show its values yet.
        Condition::Changing { .. } | Condition::Deleting | Condition::Broken { .. } => Vec::new(),
    };
    let arn = actual.global_cluster_arn().map(str::to_owned);
    Observed {
        id: actual.global_cluster_identifier().unwrap_or_default().to_owned(),
        attributes: arn.map(|arn| ("arn".to_owned(), arn)).into_iter().collect(),
        condition,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences,
        pending: Vec::new(),
        duplicates: Vec::new(),
    }
}

pub(crate) async fn ensure(
    clients: &Clients<Client>,
    target: &Target,
    wanted: &GlobalCluster,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let first = match observed {
        None => None,
        Some(observed) => match observed.differences.first() {
            None => return Ok(Progress::Done),
            difference => difference,
        },
    };
    let (client, found) = find(clients, name, wanted).await?;
    let Some(first) = first else {
        return create(&client, target, wanted).await;
    };
    let Some(found) = found else {
        return Err(gone_meanwhile("rds:ModifyGlobalCluster", "the global cluster"));
    };
    let arn = found.global_cluster_arn().unwrap_or_default();
    match first.property {
        TAGS => tags::add(&client, arn, &target.resource.tags).await?,
        TAGS_GONE => tags::remove(&client, arn, first).await?,
        DELETION_PROTECTION => protect(&client, name, wanted.deletion_protection).await?,
        _ => return Ok(unchangeable("a global cluster", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateGlobalCluster, without a member:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateGlobalCluster.html>.
async fn create(client: &Client, target: &Target, wanted: &GlobalCluster) -> Result<Progress, CallError> {
    let output = client
        .create_global_cluster()
        .global_cluster_identifier(&target.resource.physical_name)
        .engine(ENGINE)
        .engine_version(&wanted.engine_version)
        .storage_encrypted(true)
        .deletion_protection(wanted.deletion_protection)
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| call_error("rds:CreateGlobalCluster", CODES, &error))?;
    Ok(Progress::InProgress {
        id: output
            .global_cluster
            .and_then(|cluster| cluster.global_cluster_identifier),
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

/// ModifyGlobalCluster: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyGlobalCluster.html>.
async fn protect(client: &Client, name: &str, is_wanted: bool) -> Result<(), CallError> {
    client
        .modify_global_cluster()
        .global_cluster_identifier(name)
        .deletion_protection(is_wanted)
        .send()
        .await
        .map(drop)
        .map_err(|error| call_error("rds:ModifyGlobalCluster", CODES, &error))
}

/// DeleteGlobalCluster, once its members have left it:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteGlobalCluster.html>.
pub(crate) async fn delete(
    clients: &Clients<Client>,
    target: &Target,
    wanted: &GlobalCluster,
) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let (client, found) = find(clients, name, wanted).await?;
    let Some(found) = found else {
        return Ok(Progress::Done);
    };
    if condition(found.status().unwrap_or_default()) == Condition::Deleting {
        return Ok(Progress::changed(POLL_SECONDS));
    }
    if found.deletion_protection().unwrap_or_default() {
        if target.unprotect {
            protect(&client, name, false).await?;
            return Ok(Progress::changed(POLL_SECONDS));
        }
        return Ok(Progress::Blocked {
            reason: format!("{name} is protected against deletion: set `deletion_protection: false`, and provision"),
        });
    }
    match client
        .delete_global_cluster()
        .global_cluster_identifier(name)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("rds:DeleteGlobalCluster", CODES, &error)),
    }
}

/// What the first of its regions that answers knows of it, and that region's client.
async fn find(
    clients: &Clients<Client>,
    name: &str,
    wanted: &GlobalCluster,
) -> Result<(Client, Option<SdkGlobalCluster>), CallError> {
    let mut silent = None;
    for region in &wanted.regions {
        let client = clients.of(region).await;
        match describe(&client, name).await {
            Ok(found) => return Ok((client, found)),
            Err(error) if error.kind == CallErrorKind::Unknown => silent = Some(error),
            Err(error) => return Err(error),
        }
    }
    let none = || CallError::invalid("rds:DescribeGlobalClusters", format!("{name} is in no region"));
    Err(silent.unwrap_or_else(none))
}

async fn describe(client: &Client, name: &str) -> Result<Option<SdkGlobalCluster>, CallError> {
    match client
        .describe_global_clusters()
        .global_cluster_identifier(name)
        .send()
        .await
    {
        Ok(output) => Ok(output.global_clusters.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("rds:DescribeGlobalClusters", CODES, &error)),
    }
}

/// What the status of a global cluster means. AWS documents no list of them; these are seen, and while any other lasts, AWS
/// is at work: `creating`, `modifying`, `switching-over`, `failing-over`, ...
fn condition(status: &str) -> Condition {
    match status {
        "available" => Condition::Ready,
        "deleting" => Condition::Deleting,
        other => Condition::Changing {
            status: other.to_owned(),
        },
    }
}

/// A global cluster as one of its members sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Membership {
    /// The endpoint that leads to whichever member writes.
    pub(crate) writer_endpoint: Option<String>,
    /// Whether the cluster is a member, and if so whether it writes.
    pub(crate) writes: Option<bool>,
    /// The ARNs of the other members.
    pub(crate) others: Vec<String>,
}

impl Membership {
    /// Of the cluster with an ARN; of one that is not there yet, none has it.
    fn of(global: &SdkGlobalCluster, arn: &str) -> Self {
        let members = || global.global_cluster_members().iter();
        let own = members().find(|member| member.db_cluster_arn() == Some(arn));
        let others = members().filter_map(|member| member.db_cluster_arn());
        Self {
            writer_endpoint: global.endpoint().map(str::to_owned),
            writes: own.map(|own| own.is_writer().unwrap_or_default()),
            others: others.filter(|other| *other != arn).map(str::to_owned).collect(),
        }
    }
}

/// How a cluster stands to the global cluster of this identifier; nothing where there is no such one.
pub(crate) async fn membership(client: &Client, global: &str, arn: &str) -> Result<Option<Membership>, CallError> {
    let found = describe(client, global).await?;
    Ok(found.map(|found| Membership::of(&found, arn)))
}

/// RemoveFromGlobalCluster, where a cluster is still a member: `None` once it is none. The one that writes can only be the
/// last to leave, whichever was created first.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RemoveFromGlobalCluster.html>,
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-deleting.html>.
pub(crate) async fn leave(client: &Client, global: &str, arn: &str) -> Result<Option<Progress>, CallError> {
    let call = "rds:RemoveFromGlobalCluster";
    let Some(membership) = membership(client, global, arn).await? else {
        return Ok(None);
    };
    match membership.writes {
        None => return Ok(None),
        // Refused so often at most as other deletions are: the others may never leave.
        Some(true) if !membership.others.is_empty() => {
            let others = membership.others.join(", ");
            let message = format!("it writes for {global}, and waits until the other members have left: {others}");
            return Err(CallError {
                kind: CallErrorKind::NotYet,
                ..CallError::invalid(call, message)
            });
        }
        Some(_) => {}
    }
    match client
        .remove_from_global_cluster()
        .global_cluster_identifier(global)
        .db_cluster_identifier(arn)
        .send()
        .await
    {
        Ok(_) => Ok(Some(Progress::changed(POLL_SECONDS))),
        // It has left by now.
        Err(error) if is_code(&error, &["GlobalClusterNotFoundFault", "DBClusterNotFoundFault"]) => {
            Ok(Some(Progress::changed(POLL_SECONDS)))
        }
        Err(error) => Err(call_error(call, CODES, &error)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_sdk_rds::types::{GlobalClusterMember, Tag};
    use outrigger_model::{Kind, Properties, Region, Resource, ResourceKey};

    use super::*;

    fn member(arn: &str, writes: bool) -> GlobalClusterMember {
        GlobalClusterMember::builder()
            .db_cluster_arn(arn)
            .is_writer(writes)
            .build()
    }

    #[test]
    fn members_and_roles() {
        let global = |members: &[(&str, bool)]| {
            let members = members.iter().map(|(arn, writes)| member(arn, *writes)).collect();
            SdkGlobalCluster::builder()
                .endpoint("main.global-1.global.rds.amazonaws.com")
                .set_global_cluster_members(Some(members))
                .build()
        };
        let of = |members: &[(&str, bool)]| {
            let seen = Membership::of(&global(members), "a");
            assert!(seen.writer_endpoint.is_some());
            (seen.writes, seen.others)
        };
        assert_eq!(of(&[]), (None, vec![]));
        assert_eq!(of(&[("a", true)]), (Some(true), vec![]));
        assert_eq!(of(&[("a", false), ("b", true)]), (Some(false), vec!["b".to_owned()]));
        assert_eq!(of(&[("b", true)]), (None, vec!["b".to_owned()]));
    }

    fn target(wanted: &GlobalCluster) -> Target {
        let tag = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let resource = Resource {
            key: ResourceKey::new(Region::global(), Kind::GlobalCluster, "main"),
            physical_name: "shop-production-main".to_owned(),
            properties: Properties::GlobalCluster(wanted.clone()),
            tags: BTreeMap::from([
                tag((outrigger_model::resource::TAG_STACK, "shop")),
                tag((outrigger_model::resource::TAG_ENVIRONMENT, "production")),
                tag((outrigger_model::resource::TAG_RESOURCE, "global/global-cluster/main")),
            ]),
            depends_on: Default::default(),
        };
        Target {
            resource,
            id: None,
            token: "token".to_owned(),
            not: Default::default(),
            tags_gone: Default::default(),
            unprotect: false,
            going: false,
        }
    }

    #[test]
    fn who_writes_is_no_difference() {
        let wanted = GlobalCluster {
            engine_version: "15.10".to_owned(),
            regions: vec![Region::new("us-east-1"), Region::new("us-east-2")],
            deletion_protection: false,
        };
        let target = target(&wanted);
        let actual = |protected: bool, first_writes: bool| {
            let tags = target.resource.tags.iter();
            let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
            SdkGlobalCluster::builder()
                .global_cluster_identifier("shop-production-main")
                .status("available")
                .storage_encrypted(true)
                .deletion_protection(protected)
                .global_cluster_members(member("a", first_writes))
                .global_cluster_members(member("b", !first_writes))
                .set_tag_list(Some(tags.collect()))
        };
        for first_writes in [true, false] {
            let seen = observed(&target, &wanted, &actual(false, first_writes).build());
            assert!(
                seen.ours && seen.differences.is_empty() && seen.condition == Condition::Ready,
                "{seen:?}"
            );
        }
        let seen = observed(&target, &wanted, &actual(true, true).build());
        assert_eq!(
            seen.differences,
            [Difference::new("deletion_protection", &false, &true)]
        );
        let seen = observed(&target, &wanted, &actual(true, true).status("switching-over").build());
        assert!(matches!(seen.condition, Condition::Changing { .. }) && seen.differences.is_empty());
    }
}
