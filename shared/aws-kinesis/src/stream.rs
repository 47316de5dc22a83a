//! `AWS::Kinesis::Stream`, with its retention and its shard metrics.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{
    EncryptionType, MetricsName, ScalingType, StreamDescriptionSummary, StreamMode, StreamModeDetails, StreamStatus,
};
use outrigger_aws::{
    TAGS, TAGS_GONE, call_error, encryption_key, gone_meanwhile, is_code, missing_tags, number, surplus_keys,
    surplus_tags, unchangeable,
};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::Stream;
use outrigger_model::resource::is_ours;

use crate::POLL_SECONDS;

/// Streams are always provisioned; somebody may have made one on-demand.
const MODE: &str = "mode";

/// What CreateStream gives: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html>.
const RETENTION_HOURS_DEFAULT: u32 = 24;
/// A stream carries at most 50 tags, and a page holds at least 10.
const TAG_PAGES_MAX: usize = 10;

const UPDATE_SHARD_COUNT: &str = "kinesis:UpdateShardCount";
const UPDATE_STREAM_MODE: &str = "kinesis:UpdateStreamMode";

const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];
/// Whatever changes a stream needs it `ACTIVE`.
const CODES: &[(&str, CallErrorKind)] = &[
    ("ResourceInUseException", CallErrorKind::NotYet),
    // A key that is created, but that not every part of KMS shows yet.
    ("KMSNotFoundException", CallErrorKind::NotYet),
    ("KMSThrottlingException", CallErrorKind::Throttled),
];
/// CreateStream says the same of a name that is taken.
const CREATE_CODES: &[(&str, CallErrorKind)] = &[("ResourceInUseException", CallErrorKind::Exists)];

/// DescribeStreamSummary and ListTagsForStream:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html>.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &Stream) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let (summary, tags) = futures::try_join!(describe(client, name), tags(client, name))?;
    let (Some(summary), Some(tags)) = (summary, tags) else {
        return Ok(None);
    };
    let condition = condition(&summary.stream_status);
    let differences = match condition {
        Condition::Ready => differences(wanted, &Actual::of(&summary), &target.resource.tags, &tags)
            .into_iter()
            .chain(surplus_tags(&target.tags_gone, &tags))
            .collect(),
        // What is being created or changed does not show its values yet.
        Condition::Changing { .. } | Condition::Deleting | Condition::Broken { .. } => Vec::new(),
    };
    Ok(Some(Observed {
        id: summary.stream_name.clone(),
        attributes: BTreeMap::from([
            ("arn".to_owned(), summary.stream_arn),
            ("name".to_owned(), summary.stream_name),
        ]),
        condition,
        ours: is_ours(&tags, &target.resource.tags),
        differences,
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Stream,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        TAGS => {
            client
                .add_tags_to_stream()
                .stream_name(name)
                .set_tags(Some(target.resource.tags.clone().into_iter().collect()))
                .send()
                .await
                .map_err(|error| rate_or_quota(call_error("kinesis:AddTagsToStream", CODES, &error)))?;
            Ok(Progress::changed(POLL_SECONDS))
        }
        TAGS_GONE => remove_tags(client, name, first).await,
        "retention_hours" => set_retention(client, name, wanted).await,
        "shard_metrics" => set_metrics(client, name, wanted).await,
        "encryption_key" => set_encryption(client, name, wanted, first).await,
        MODE => set_mode(client, name).await,
        "shards" => set_shards(client, name, wanted).await,
        _ => Ok(unchangeable("a stream", first)),
    }
}

/// CreateStream: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html>. It takes neither the
/// retention nor the shard metrics; those are differences once the stream is `ACTIVE`.
async fn create(client: &Client, target: &Target, wanted: &Stream) -> Result<Progress, CallError> {
    let call = "kinesis:CreateStream";
    let name = &target.resource.physical_name;
    client
        .create_stream()
        .stream_name(name)
        .shard_count(number(call, "shards", wanted.shards)?)
        .stream_mode_details(provisioned(call)?)
        .set_tags(Some(target.resource.tags.clone().into_iter().collect()))
        .send()
        .await
        .map_err(|error| rate_or_quota(call_error(call, CREATE_CODES, &error)))?;
    Ok(Progress::created(name, POLL_SECONDS))
}

/// RemoveTagsFromStream, of at most 50 tags, which is as many as a stream has:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RemoveTagsFromStream.html>.
async fn remove_tags(client: &Client, name: &str, gone: &Difference) -> Result<Progress, CallError> {
    client
        .remove_tags_from_stream()
        .stream_name(name)
        .set_tag_keys(Some(surplus_keys(gone)))
        .send()
        .await
        .map_err(|error| rate_or_quota(call_error("kinesis:RemoveTagsFromStream", CODES, &error)))?;
    Ok(Progress::changed(POLL_SECONDS))
}

/// IncreaseStreamRetentionPeriod and its opposite:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html>.
async fn set_retention(client: &Client, name: &str, wanted: &Stream) -> Result<Progress, CallError> {
    let Some(summary) = describe(client, name).await? else {
        return Err(gone_meanwhile("kinesis:IncreaseStreamRetentionPeriod", "the stream"));
    };
    let hours = number(
        "kinesis:IncreaseStreamRetentionPeriod",
        "retention_hours",
        wanted.retention_hours,
    )?;
    match hours.cmp(&summary.retention_period_hours) {
        std::cmp::Ordering::Equal => return Ok(Progress::Done),
        std::cmp::Ordering::Greater => client
            .increase_stream_retention_period()
            .stream_name(name)
            .retention_period_hours(hours)
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("kinesis:IncreaseStreamRetentionPeriod", CODES, &error)),
        std::cmp::Ordering::Less => client
            .decrease_stream_retention_period()
            .stream_name(name)
            .retention_period_hours(hours)
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("kinesis:DecreaseStreamRetentionPeriod", CODES, &error)),
    }
    .map_err(rate_or_quota)?;
    Ok(Progress::changed(POLL_SECONDS))
}

/// EnableEnhancedMonitoring for what is missing, else DisableEnhancedMonitoring for what is too much:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_EnableEnhancedMonitoring.html>.
async fn set_metrics(client: &Client, name: &str, wanted: &Stream) -> Result<Progress, CallError> {
    let Some(summary) = describe(client, name).await? else {
        return Err(gone_meanwhile("kinesis:EnableEnhancedMonitoring", "the stream"));
    };
    let (wanted, actual) = (
        all_spelled_out(&wanted.shard_metrics),
        Actual::of(&summary).shard_metrics,
    );
    let names = |metrics: Vec<&String>| Some(metrics.into_iter().map(|name| name.as_str().into()).collect());
    let missing: Vec<_> = wanted.difference(&actual).collect();
    let unwanted: Vec<_> = actual.difference(&wanted).collect();
    if !missing.is_empty() {
        client
            .enable_enhanced_monitoring()
            .stream_name(name)
            .set_shard_level_metrics(names(missing))
            .send()
            .await
            .map_err(|error| rate_or_quota(call_error("kinesis:EnableEnhancedMonitoring", CODES, &error)))?;
    } else if !unwanted.is_empty() {
        client
            .disable_enhanced_monitoring()
            .stream_name(name)
            .set_shard_level_metrics(names(unwanted))
            .send()
            .await
            .map_err(|error| rate_or_quota(call_error("kinesis:DisableEnhancedMonitoring", CODES, &error)))?;
    } else {
        return Ok(Progress::Done);
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// StartStreamEncryption, which takes another key as well, or StopStreamEncryption:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StartStreamEncryption.html>.
async fn set_encryption(
    client: &Client,
    name: &str,
    wanted: &Stream,
    difference: &Difference,
) -> Result<Progress, CallError> {
    match &wanted.encryption_key {
        Some(key) => {
            client
                .start_stream_encryption()
                .stream_name(name)
                .encryption_type(EncryptionType::Kms)
                .key_id(key.text())
                .send()
                .await
                .map_err(|error| daily_limit(call_error("kinesis:StartStreamEncryption", CODES, &error)))?;
        }
        None => {
            client
                .stop_stream_encryption()
                .stream_name(name)
                .encryption_type(EncryptionType::Kms)
                .key_id(difference.actual.as_str().unwrap_or_default())
                .send()
                .await
                .map_err(|error| daily_limit(call_error("kinesis:StopStreamEncryption", CODES, &error)))?;
        }
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// UpdateShardCount, one step of those that lead from what is there to what is wanted; the next one goes when the stream
/// is `ACTIVE` again: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>.
async fn set_shards(client: &Client, name: &str, wanted: &Stream) -> Result<Progress, CallError> {
    let call = UPDATE_SHARD_COUNT;
    let Some(summary) = describe(client, name).await? else {
        return Err(gone_meanwhile(call, "the stream"));
    };
    let actual = Actual::of(&summary).shards;
    if actual == wanted.shards {
        return Ok(Progress::Done);
    }
    client
        .update_shard_count()
        .stream_name(name)
        .target_shard_count(number(call, "shards", next_shards(actual, wanted.shards))?)
        .scaling_type(ScalingType::UniformScaling)
        .send()
        .await
        .map_err(|error| daily_limit(call_error(call, CODES, &error)))?;
    Ok(Progress::changed(POLL_SECONDS))
}

/// How far one UpdateShardCount may go: to no more than double, and to no less than half.
fn next_shards(actual: u32, wanted: u32) -> u32 {
    wanted.clamp(actual.div_ceil(2), actual.saturating_mul(2))
}

/// UpdateStreamMode, back to provisioned:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html>.
async fn set_mode(client: &Client, name: &str) -> Result<Progress, CallError> {
    let call = UPDATE_STREAM_MODE;
    let Some(summary) = describe(client, name).await? else {
        return Err(gone_meanwhile(call, "the stream"));
    };
    client
        .update_stream_mode()
        .stream_arn(summary.stream_arn)
        .stream_mode_details(provisioned(call)?)
        .send()
        .await
        .map_err(|error| daily_limit(call_error(call, CODES, &error)))?;
    Ok(Progress::changed(POLL_SECONDS))
}

fn provisioned(call: &str) -> Result<StreamModeDetails, CallError> {
    StreamModeDetails::builder()
        .stream_mode(StreamMode::Provisioned)
        .build()
        .map_err(|error| CallError::invalid(call, error.to_string()))
}

/// DeleteStream, with the consumers that are registered with the stream: they are nothing without it.
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteStream.html>.
pub(crate) async fn delete(client: &Client, target: &Target) -> Result<Progress, CallError> {
    match client
        .delete_stream()
        .stream_name(&target.resource.physical_name)
        .enforce_consumer_deletion(true)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(rate_or_quota(call_error("kinesis:DeleteStream", CODES, &error))),
    }
}

async fn describe(client: &Client, name: &str) -> Result<Option<StreamDescriptionSummary>, CallError> {
    match client.describe_stream_summary().stream_name(name).send().await {
        Ok(output) => Ok(output.stream_description_summary),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(rate_or_quota(call_error(
            "kinesis:DescribeStreamSummary",
            CODES,
            &error,
        ))),
    }
}

/// ListTagsForStream: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForStream.html>.
async fn tags(client: &Client, name: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    let mut tags = BTreeMap::new();
    let mut after = None;
    for _ in 0..TAG_PAGES_MAX {
        let page = match client
            .list_tags_for_stream()
            .stream_name(name)
            .set_exclusive_start_tag_key(after)
            .send()
            .await
        {
            Ok(page) => page,
            Err(error) if is_code(&error, NOT_FOUND) => return Ok(None),
            Err(error) => return Err(rate_or_quota(call_error("kinesis:ListTagsForStream", CODES, &error))),
        };
        after = page.tags.last().map(|tag| tag.key.clone());
        for tag in page.tags {
            tags.insert(tag.key, tag.value.unwrap_or_default());
        }
        if !page.has_more_tags || after.is_none() {
            break;
        }
    }
    Ok(Some(tags))
}

fn condition(status: &StreamStatus) -> Condition {
    match status {
        StreamStatus::Active => Condition::Ready,
        StreamStatus::Deleting => Condition::Deleting,
        other => Condition::Changing {
            status: other.as_str().to_owned(),
        },
    }
}

/// LimitExceededException is both: too many calls at a time, which time heals, and a quota, which it does not.
pub(crate) fn rate_or_quota(error: CallError) -> CallError {
    let quota = ["shard limit", "stream limit", "service limits", "service quota"];
    let message = error.message.to_lowercase();
    if error.code == "LimitExceededException" && !quota.iter().any(|word| message.contains(word)) {
        CallError {
            kind: CallErrorKind::Throttled,
            ..error
        }
    } else {
        error
    }
}

/// Of the calls that Kinesis takes only so often in a day, LimitExceededException is no matter of seconds, unless it names
/// a rate.
fn daily_limit(error: CallError) -> CallError {
    if error.code != "LimitExceededException" {
        return error;
    }
    let message = error.message.to_lowercase();
    if ["rate exceeded", "concurrent", "simultaneous"]
        .iter()
        .any(|word| message.contains(word))
    {
        return CallError {
            kind: CallErrorKind::Throttled,
            ..error
        };
    }
    CallError {
        kind: CallErrorKind::Invalid,
        message: format!(
            "{}; Kinesis scales a stream at most ten times in 24 hours, changes its mode at most twice and its encryption at \
             most 25 times, and opens no more shards than the account may have: once that allows it, the same operation goes on from here",
            error.message.trim_end_matches('.')
        ),
        ..error
    }
}

/// What of a stream can differ, as AWS shows it.
struct Actual {
    provisioned: bool,
    shards: u32,
    retention_hours: u32,
    shard_metrics: BTreeSet<String>,
    /// Empty where it is not encrypted.
    key: String,
}

impl Actual {
    fn of(summary: &StreamDescriptionSummary) -> Self {
        Self {
            provisioned: summary
                .stream_mode_details
                .as_ref()
                .is_none_or(|details| details.stream_mode == StreamMode::Provisioned),
            shards: u32::try_from(summary.open_shard_count).unwrap_or_default(),
            retention_hours: u32::try_from(summary.retention_period_hours).unwrap_or(RETENTION_HOURS_DEFAULT),
            shard_metrics: summary
                .enhanced_monitoring
                .iter()
                .flat_map(|metrics| metrics.shard_level_metrics())
                .map(|metric| metric.as_str().to_owned())
                .collect(),
            key: match summary.encryption_type {
                Some(EncryptionType::Kms) => summary.key_id.clone().unwrap_or_default(),
                _ => String::new(),
            },
        }
    }
}

/// `ALL` stands for every metric, and is not what AWS shows afterwards.
fn all_spelled_out(metrics: &BTreeSet<String>) -> BTreeSet<String> {
    let all = MetricsName::All.as_str();
    if metrics.contains(all) {
        let every = MetricsName::values().iter().copied();
        every.filter(|name| *name != all).map(str::to_owned).collect()
    } else {
        metrics.clone()
    }
}

/// Where a stream differs from what is wanted; what can be closed comes first.
fn differences(
    wanted: &Stream,
    actual: &Actual,
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let mode = if actual.provisioned {
        StreamMode::Provisioned
    } else {
        StreamMode::OnDemand
    };
    [
        missing_tags(wanted_tags, actual_tags),
        // Before anything else, so that as little as possible is written in the clear.
        encryption_key(wanted.encryption_key.as_ref(), &actual.key),
        Difference::between("retention_hours", &wanted.retention_hours, &actual.retention_hours),
        Difference::between(
            "shard_metrics",
            &all_spelled_out(&wanted.shard_metrics),
            &actual.shard_metrics,
        ),
        Difference::between(MODE, &StreamMode::Provisioned.as_str(), &mode.as_str()),
        // In on-demand mode they are AWS's own affair.
        Difference::between("shards", &wanted.shards, &actual.shards).filter(|_| actual.provisioned),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use outrigger_model::Input;

    use super::*;

    fn metrics(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn wanted() -> Stream {
        Stream {
            shards: 2,
            retention_hours: 24,
            shard_metrics: metrics(&["IncomingBytes"]),
            encryption_key: None,
        }
    }

    fn actual() -> Actual {
        Actual {
            provisioned: true,
            shards: 2,
            retention_hours: 24,
            shard_metrics: metrics(&["IncomingBytes"]),
            key: String::new(),
        }
    }

    fn check(wanted: &Stream, actual: &Actual, expected: &[&str]) {
        let tags = BTreeMap::from([("Name".to_owned(), "s".to_owned())]);
        let found: Vec<_> = differences(wanted, actual, &tags, &tags)
            .iter()
            .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn differences_are_told() {
        check(&wanted(), &actual(), &[]);
        let longer = Actual {
            retention_hours: 48,
            ..actual()
        };
        check(&wanted(), &longer, &["retention_hours: 24 / 48"]);
        let encrypted = Actual {
            key: "alias/theirs".to_owned(),
            ..actual()
        };
        check(&wanted(), &encrypted, &[r#"encryption_key: null / "alias/theirs""#]);
        let ours = Stream {
            encryption_key: Some(Input::Text("arn:aws:kms:us-east-1:1:key/a".to_owned())),
            ..wanted()
        };
        let expected = r#"encryption_key: "arn:aws:kms:us-east-1:1:key/a" / "alias/theirs""#;
        check(&ours, &encrypted, &[expected]);
        let on_demand = Actual {
            provisioned: false,
            ..actual()
        };
        check(&wanted(), &on_demand, &[r#"mode: "PROVISIONED" / "ON_DEMAND""#]);
        let other = Actual {
            shards: 1,
            shard_metrics: metrics(&["OutgoingBytes"]),
            ..actual()
        };
        let expected = [
            r#"shard_metrics: ["IncomingBytes"] / ["OutgoingBytes"]"#,
            "shards: 2 / 1",
        ];
        check(&wanted(), &other, &expected);
        let all = Stream {
            shard_metrics: metrics(&["ALL"]),
            ..wanted()
        };
        let seven = Actual {
            shard_metrics: metrics(&[
                "IncomingBytes",
                "IncomingRecords",
                "OutgoingBytes",
                "OutgoingRecords",
                "WriteProvisionedThroughputExceeded",
                "ReadProvisionedThroughputExceeded",
                "IteratorAgeMilliseconds",
            ]),
            ..actual()
        };
        check(&all, &seven, &[]);
    }

    #[test]
    fn steps_are_no_larger_than_aws_takes() {
        let steps = |mut actual: u32, wanted: u32| {
            let mut steps = Vec::new();
            while actual != wanted && steps.len() < 20 {
                actual = next_shards(actual, wanted);
                steps.push(actual);
            }
            steps
        };
        assert_eq!(steps(2, 9), [4, 8, 9]);
        assert_eq!(steps(9, 2), [5, 3, 2]);
        assert_eq!(steps(1, 1), [0; 0]);
        assert_eq!(steps(1, 2), [2]);
        assert_eq!(steps(3, 1), [2, 1]);
        assert_eq!(steps(4, 5), [5]);
    }

    #[test]
    fn a_daily_limit_is_not_waited_for() {
        let of = |code: &str, message: &str| {
            daily_limit(CallError {
                code: code.to_owned(),
                ..CallError::invalid(UPDATE_SHARD_COUNT, message)
            })
        };
        let limit = of("LimitExceededException", "Scaled too often.");
        assert_eq!(limit.kind, CallErrorKind::Invalid);
        assert!(limit.message.starts_with("Scaled too often; Kinesis scales"), "{limit}");
        let rate = of("LimitExceededException", "Rate exceeded for stream s");
        assert_eq!(rate.kind, CallErrorKind::Throttled);
        assert_eq!(of("ValidationException", "no").message, "no");
    }

    #[test]
    fn statuses() {
        assert_eq!(condition(&StreamStatus::Active), Condition::Ready);
        assert_eq!(condition(&StreamStatus::Deleting), Condition::Deleting);
        for status in [StreamStatus::Creating, StreamStatus::Updating] {
            let text = status.as_str().to_owned();
            assert_eq!(condition(&status), Condition::Changing { status: text });
        }
    }

    #[test]
    fn a_limit_is_a_rate_unless_it_is_a_quota() {
        let of = |message: &str| {
            let error = CallError {
                code: "LimitExceededException".to_owned(),
                ..CallError::invalid("kinesis:CreateStream", message)
            };
            rate_or_quota(error).kind
        };
        assert_eq!(of("Rate exceeded for stream s"), CallErrorKind::Throttled);
        let quota = "This request would exceed the shard limit for the account 1 in us-east-1. Limit: 10. \
            Refer to the AWS Service Limits page";
        assert_eq!(of(quota), CallErrorKind::Invalid);
    }
}
