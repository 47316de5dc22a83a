//! What of a bucket is copied to another one: all of it, with Replication Time Control.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination, Metrics, MetricsStatus, ReplicaModifications,
    ReplicaModificationsStatus, ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter,
    ReplicationRuleStatus, ReplicationTime, ReplicationTimeStatus, ReplicationTimeValue, SourceSelectionCriteria,
};
use outrigger_aws::{call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{BucketReplication, REPLICATION_RULE};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_STACK};
use serde_json::{Value, json};

use crate::{CODES, NO_BUCKET, POLL_SECONDS, bucket, wrong};

/// What Replication Time Control takes:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationTimeValue.html>.
const MINUTES: i32 = 15;
const GET: &str = "s3:GetReplicationConfiguration";
const PUT: &str = "s3:PutReplicationConfiguration";

/// GetBucketReplication: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html>. It is the stack's
/// where its bucket is.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &BucketReplication,
) -> Result<Option<Observed>, CallError> {
    // What is recorded tells where it is, when the bucket's name is no longer to be had.
    let name = match wanted.bucket.text() {
        "" => target.id.as_deref().unwrap_or_default(),
        name => name,
    };
    let Some(actual) = shown(client, name).await? else {
        return Ok(None);
    };
    let Some(tags) = bucket::tags(client, name).await? else {
        return Ok(None);
    };
    let is_same = |tag: &&str| tags.get(*tag) == target.resource.tags.get(*tag);
    let destination = actual.rules.first().and_then(|rule| rule.destination.as_ref());
    let destination = destination.map(|of| of.bucket.clone()).unwrap_or_default();
    let rules = rules_of(&configuration(wanted)?);
    Ok(Some(Observed {
        id: name.to_owned(),
        attributes: BTreeMap::new(),
        condition: Condition::Ready,
        ours: [TAG_STACK, TAG_ENVIRONMENT].iter().all(is_same),
        differences: [
            Difference::between("role", &wanted.role.text(), &actual.role.as_str()),
            Difference::between("destination", &wanted.destination.text(), &destination.as_str()),
            Difference::between("rules", &rules, &rules_of(&actual)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

/// A bucket's replication configuration; nothing where there is none, or no bucket.
async fn shown(client: &Client, name: &str) -> Result<Option<ReplicationConfiguration>, CallError> {
    match client.get_bucket_replication().bucket(name).send().await {
        Ok(output) => Ok(output.replication_configuration),
        Err(error) if is_code(&error, &["ReplicationConfigurationNotFoundError"]) => Ok(None),
        Err(error) if is_code(&error, NO_BUCKET) => Ok(None),
        Err(error) => Err(call_error(GET, CODES, &error)),
    }
}

/// PutBucketReplication, of the whole configuration:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html>.
pub(crate) async fn ensure(
    client: &Client,
    wanted: &BucketReplication,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    if observed.is_some_and(|observed| observed.differences.is_empty()) {
        return Ok(Progress::Done);
    }
    let name = wanted.bucket.text();
    let request = client.put_bucket_replication().bucket(name);
    let request = request.replication_configuration(configuration(wanted)?);
    request
        .send()
        .await
        .map_err(|error| not_versioned_yet(call_error(PUT, CODES, &error)))?;
    Ok(Progress::created(name, POLL_SECONDS))
}

/// Both buckets were seen versioned; that not every part of S3 knows it is a matter of time.
fn not_versioned_yet(error: CallError) -> CallError {
    match error.code.as_str() {
        "InvalidRequest" if error.message.to_lowercase().contains("versioning") => CallError {
            kind: CallErrorKind::NotYet,
            ..error
        },
        _ => error,
    }
}

/// DeleteBucketReplication: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketReplication.html>. It succeeds
/// where there is none, so that is looked at first.
pub(crate) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    if shown(client, name).await?.is_none() {
        return Ok(Progress::Done);
    }
    match client.delete_bucket_replication().bucket(name).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NO_BUCKET) => Ok(Progress::Done),
        // The permission to put one is also that to delete it.
        Err(error) => Err(call_error(PUT, CODES, &error)),
    }
}

/// One rule for everything: new objects, what is changed of them in either bucket, and delete markers.
fn configuration(wanted: &BucketReplication) -> Result<ReplicationConfiguration, CallError> {
    let minutes = || ReplicationTimeValue::builder().minutes(MINUTES).build();
    let time = ReplicationTime::builder()
        .status(ReplicationTimeStatus::Enabled)
        .time(minutes());
    let time = time.build().map_err(|error| wrong(PUT, error))?;
    let metrics = Metrics::builder()
        .status(MetricsStatus::Enabled)
        .event_threshold(minutes());
    let metrics = metrics.build().map_err(|error| wrong(PUT, error))?;
    let destination = Destination::builder().bucket(wanted.destination.text());
    let destination = destination.replication_time(time).metrics(metrics).build();
    let changes = ReplicaModifications::builder().status(ReplicaModificationsStatus::Enabled);
    let changes = changes.build().map_err(|error| wrong(PUT, error))?;
    let deletions = DeleteMarkerReplication::builder().status(DeleteMarkerReplicationStatus::Enabled);
    let rule = ReplicationRule::builder()
        .id(REPLICATION_RULE)
        .priority(1)
        .status(ReplicationRuleStatus::Enabled)
        .filter(ReplicationRuleFilter::builder().prefix("").build())
        .delete_marker_replication(deletions.build())
        .source_selection_criteria(
            SourceSelectionCriteria::builder()
                .replica_modifications(changes)
                .build(),
        )
        .destination(destination.map_err(|error| wrong(PUT, error))?)
        .build()
        .map_err(|error| wrong(PUT, error))?;
    let configuration = ReplicationConfiguration::builder().role(wanted.role.text()).rules(rule);
    configuration.build().map_err(|error| wrong(PUT, error))
}

/// What of a configuration's rules can differ, where they lead to aside.
fn rules_of(configuration: &ReplicationConfiguration) -> Vec<Value> {
    let minutes = |time: Option<&ReplicationTimeValue>| time.and_then(|time| time.minutes);
    let rules = configuration.rules.iter();
    rules
        .map(|rule| {
            let destination = rule.destination.as_ref();
            let time = destination.and_then(|of| of.replication_time.as_ref());
            let time = time.filter(|time| time.status == ReplicationTimeStatus::Enabled);
            let metrics = destination.and_then(|of| of.metrics.as_ref());
            let metrics = metrics.filter(|metrics| metrics.status == MetricsStatus::Enabled);
            let selection = rule.source_selection_criteria.as_ref();
            let changes = selection.and_then(|of| of.replica_modifications.as_ref());
            let deletions = rule.delete_marker_replication.as_ref();
            let filter = rule.filter.as_ref();
            json!({
                "id": rule.id,
                "enabled": rule.status == ReplicationRuleStatus::Enabled,
                "prefix": filter.and_then(|filter| filter.prefix.clone()).unwrap_or_default(),
                "of_some_tags": filter.is_some_and(|filter| filter.tag.is_some() || filter.and.is_some()),
                "changes_of_replicas": changes.is_some_and(|of| of.status == ReplicaModificationsStatus::Enabled),
                "delete_markers": deletions.is_some_and(|of| of.status == Some(DeleteMarkerReplicationStatus::Enabled)),
                "minutes": minutes(time.and_then(|time| time.time.as_ref())),
                "metrics_minutes": minutes(metrics.and_then(|metrics| metrics.event_threshold.as_ref())),
            })
        })
        .collect()
}
