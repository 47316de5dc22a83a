//! `AWS::RDS::DBInstance` in a cluster, of the class `db.serverless`.
//!
//! Port, version, security groups, backups and encryption are the cluster's. Which instance writes is Aurora's to say.

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDbInstanceInputBuilder;
use aws_sdk_rds::types::DbInstance as SdkInstance;
use outrigger_aws::{TAGS, TAGS_GONE, call_error, gone_meanwhile, is_code, missing_tags, surplus_tags};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Target};
use outrigger_model::properties::{Apply, DbClusterInstance};
use outrigger_model::resource::is_ours;

use crate::cluster::ENGINE;
use crate::compare::{Closable, Compared, Comparison, Values, why_not};
use crate::instance::{NOT_FOUND, condition, describe};
use crate::{POLL_SECONDS, fresh_references_wait, tags};

const MODIFY: &str = "rds:ModifyDBInstance";
const CLASS: &str = "db.serverless";

const CODES: &[(&str, CallErrorKind)] = &[
    ("DBInstanceAlreadyExists", CallErrorKind::Exists),
    // The cluster is created, but not every part of RDS sees it yet.
    ("DBClusterNotFoundFault", CallErrorKind::NotYet),
    ("InsufficientDBInstanceCapacity", CallErrorKind::NotYet),
    // Being created, changed, failing over or deleted, it or the cluster.
    ("InvalidDBInstanceState", CallErrorKind::NotYet),
    ("InvalidDBClusterStateFault", CallErrorKind::NotYet),
];

/// DescribeDBInstances, which shows the tags too:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &DbClusterInstance,
) -> Result<Option<Observed>, CallError> {
    let Some(instance) = describe(client, &target.resource.physical_name).await? else {
        return Ok(None);
    };
    let actual_tags = tags::from_sdk(instance.tag_list());
    let condition = condition(instance.db_instance_status().unwrap_or_default());
    let differences = match condition {
        Condition::Ready => {
            let compared = compare(wanted, &instance, &target.resource.tags, &actual_tags);
            let surplus = surplus_tags(&target.tags_gone, &actual_tags);
            compared.differences().into_iter().chain(surplus).collect()
        }
        // What is being created or changed does not show its values yet.
        Condition::Changing { .. } | Condition::Deleting | Condition::Broken { .. } => Vec::new(),
    };
    let attributes = [
        ("arn", instance.db_instance_arn()),
        ("availability_zone", instance.availability_zone()),
    ];
    Ok(Some(Observed {
        id: instance.db_instance_identifier().unwrap_or_default().to_owned(),
        attributes: attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect(),
        condition,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences,
        pending: Vec::new(),
        duplicates: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &DbClusterInstance,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
    match first.property {
        TAGS => tags::add(client, arn, &target.resource.tags).await?,
        TAGS_GONE => tags::remove(client, arn, first).await?,
        _ => return modify(client, target, wanted).await,
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateDBInstance: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>.
async fn create(client: &Client, target: &Target, wanted: &DbClusterInstance) -> Result<Progress, CallError> {
    let output = client
        .create_db_instance()
        .db_instance_identifier(&target.resource.physical_name)
        .db_cluster_identifier(wanted.cluster.text())
        .engine(ENGINE)
        .db_instance_class(CLASS)
        .availability_zone(&wanted.zone)
        .publicly_accessible(false)
        .preferred_maintenance_window(&wanted.maintenance_window)
        .auto_minor_version_upgrade(wanted.minor_upgrades)
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| fresh_references_wait(call_error("rds:CreateDBInstance", CODES, &error)))?;
    Ok(Progress::InProgress {
        id: output.db_instance.and_then(|instance| instance.db_instance_identifier),
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

/// Closes every difference that ModifyDBInstance can close, in one call:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>.
async fn modify(client: &Client, target: &Target, wanted: &DbClusterInstance) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let Some(actual) = describe(client, name).await? else {
        return Err(gone_meanwhile(MODIFY, "the instance"));
    };
    let same = &target.resource.tags;
    let compared = compare(wanted, &actual, same, same);
    if compared.closable.is_empty() {
        return Ok(match compared.fixed.first() {
            Some(difference) => Progress::Blocked {
                reason: why_not("an instance", difference),
            },
            // Closed since it was observed.
            None => Progress::changed(POLL_SECONDS),
        });
    }
    let mut request = ModifyDbInstanceInputBuilder::default()
        .db_instance_identifier(name)
        .apply_immediately(true);
    for difference in &compared.closable {
        request = match difference.property {
            "class" => request.db_instance_class(CLASS),
            "publicly_accessible" => request.publicly_accessible(false),
            "maintenance_window" => request.preferred_maintenance_window(&wanted.maintenance_window),
            "minor_upgrades" => request.auto_minor_version_upgrade(wanted.minor_upgrades),
            other => return Err(CallError::invalid(MODIFY, format!("it does not change {other}"))),
        };
    }
    request
        .send_with(client)
        .await
        .map(|_| Progress::changed(POLL_SECONDS))
        .map_err(|error| call_error(MODIFY, CODES, &error))
}

/// DeleteDBInstance. Data and snapshots are the cluster's:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>.
pub(crate) async fn delete(client: &Client, target: &Target) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let Some(instance) = describe(client, name).await? else {
        return Ok(Progress::Done);
    };
    if condition(instance.db_instance_status().unwrap_or_default()) == Condition::Deleting {
        return Ok(Progress::changed(POLL_SECONDS));
    }
    match client
        .delete_db_instance()
        .db_instance_identifier(name)
        .skip_final_snapshot(true)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("rds:DeleteDBInstance", CODES, &error)),
    }
}

/// Compares what is wanted with what DescribeDBInstances shows. Pure.
fn compare(
    wanted: &DbClusterInstance,
    actual: &SdkInstance,
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Compared {
    let mut comparison = Comparison::new(Apply::Now);
    comparison
        .compared
        .closable
        .extend(missing_tags(wanted_tags, actual_tags));
    let pending = actual.pending_modified_values();
    comparison.equal(
        "class",
        CLASS.to_owned(),
        Values {
            actual: actual.db_instance_class.clone(),
            pending: pending.and_then(|pending| pending.db_instance_class.clone()),
        },
    );
    comparison.equal("publicly_accessible", false, Values::of(actual.publicly_accessible()));
    let window = actual.preferred_maintenance_window().map(str::to_lowercase);
    comparison.equal(
        "maintenance_window",
        wanted.maintenance_window.to_lowercase(),
        Values::of(window),
    );
    comparison.equal(
        "minor_upgrades",
        wanted.minor_upgrades,
        Values::of(actual.auto_minor_version_upgrade()),
    );
    comparison.add(
        "cluster",
        &wanted.cluster,
        Values::of(actual.db_cluster_identifier.clone()),
        Closable::No,
        |cluster| cluster.eq_ignore_ascii_case(wanted.cluster.text()),
    );
    comparison.fixed("zone", wanted.zone.clone(), actual.availability_zone.clone());
    comparison.compared
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::PendingModifiedValues;
    use aws_sdk_rds::types::builders::DbInstanceBuilder;
    use outrigger_model::Input;

    use super::*;

    fn actual() -> DbInstanceBuilder {
        SdkInstance::builder()
            .db_instance_class(CLASS)
            .publicly_accessible(false)
            .preferred_maintenance_window("sun:04:00-sun:05:00")
            .auto_minor_version_upgrade(true)
            .db_cluster_identifier("a-b-main")
            .availability_zone("us-east-1a")
    }

    fn check(actual: DbInstanceBuilder, closable: &[&str], fixed: &[&str]) {
        let wanted = DbClusterInstance {
            cluster: Input::Text("a-b-main".to_owned()),
            zone: "us-east-1a".to_owned(),
            maintenance_window: "Sun:04:00-Sun:05:00".to_owned(),
            minor_upgrades: true,
        };
        let tags = BTreeMap::new();
        let compared = compare(&wanted, &actual.build(), &tags, &tags);
        let names = |differences: &[outrigger_engine::ports::provider::Difference]| -> Vec<&str> {
            differences.iter().map(|difference| difference.property).collect()
        };
        assert_eq!(names(&compared.closable), closable);
        assert_eq!(names(&compared.fixed), fixed);
    }

    #[test]
    fn differences_are_told() {
        check(actual(), &[], &[]);
        check(actual().db_instance_class("db.r6g.large"), &["class"], &[]);
        let pending = PendingModifiedValues::builder()
            .db_instance_class("db.r6g.large")
            .build();
        check(actual().pending_modified_values(pending), &["class"], &[]);
        check(
            actual()
                .publicly_accessible(true)
                .preferred_maintenance_window("mon:04:00-mon:05:00")
                .auto_minor_version_upgrade(false),
            &["publicly_accessible", "maintenance_window", "minor_upgrades"],
            &[],
        );
        check(
            actual().db_cluster_identifier("other").availability_zone("us-east-1b"),
            &[],
            &["cluster", "zone"],
        );
    }
}
