//! `AWS::CloudWatch::Alarm`, on one metric.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, Dimension, MetricAlarm, StandardUnit, Statistic as SdkStatistic, Tag,
};
use outrigger_aws::{TAGS, TAGS_GONE, call_error, is_code, missing_tags, number, surplus_keys, surplus_tags};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Input;
use outrigger_model::properties::{Alarm, Comparison, MissingData, Statistic};
use outrigger_model::resource::is_ours;
use serde::Serialize;
use serde_json::Value;

use crate::POLL_SECONDS;

const PUT_METRIC_ALARM: &str = "cloudwatch:PutMetricAlarm";
const NOT_FOUND: &[&str] = &["ResourceNotFound", "ResourceNotFoundException"];
pub(crate) const CODES: &[(&str, CallErrorKind)] = &[
    ("ConcurrentModificationException", CallErrorKind::NotYet),
    ("ConflictException", CallErrorKind::NotYet),
    ("ResourceConflict", CallErrorKind::NotYet),
    // A quota: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    ("LimitExceeded", CallErrorKind::Invalid),
    ("LimitExceededFault", CallErrorKind::Invalid),
];

/// What has the name.
enum Found {
    Nothing,
    Metric {
        alarm: Box<MetricAlarm>,
        tags: BTreeMap<String, String>,
    },
    /// A composite alarm: names are one for both.
    Composite,
}

pub(crate) async fn observe(client: &Client, target: &Target, wanted: &Alarm) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    match find(client, name).await? {
        Found::Nothing => Ok(None),
        Found::Composite => Ok(Some(Observed {
            id: name.clone(),
            ours: false,
            ..Observed::default()
        })),
        Found::Metric { alarm, tags } => Ok(Some(Observed {
            id: alarm.alarm_name().unwrap_or_default().to_owned(),
            attributes: alarm
                .alarm_arn()
                .map(|arn| ("arn".to_owned(), arn.to_owned()))
                .into_iter()
                .collect(),
            condition: Condition::Ready,
            ours: is_ours(&tags, &target.resource.tags),
            differences: differences(wanted, &alarm, &target.resource.tags, &tags)
                .into_iter()
                .chain(surplus_tags(&target.tags_gone, &tags))
                .collect(),
            duplicates: Vec::new(),
            pending: Vec::new(),
        })),
    }
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Alarm,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let first = match observed {
        Some(observed) => match observed.differences.first() {
            Some(first) => Some(first),
            None => return Ok(Progress::Done),
        },
        None => None,
    };
    // PutMetricAlarm replaces whatever has the name, so that is looked at again just before.
    let there = match find(client, &target.resource.physical_name).await? {
        Found::Nothing => None,
        Found::Metric { alarm, tags } if is_ours(&tags, &target.resource.tags) => Some(alarm),
        Found::Metric { .. } | Found::Composite => {
            return Err(CallError {
                kind: CallErrorKind::Exists,
                ..CallError::invalid(PUT_METRIC_ALARM, "an alarm of that name exists, and is not ours")
            });
        }
    };
    match (first, there) {
        (Some(first), Some(there)) if first.property == TAGS => {
            // TagResource adds and overwrites, never removes; PutMetricAlarm leaves an alarm's tags as they are.
            // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html
            client
                .tag_resource()
                .set_resource_arn(there.alarm_arn)
                .set_tags(Some(to_sdk(&target.resource.tags)))
                .send()
                .await
                .map_err(|error| call_error("cloudwatch:TagResource", CODES, &error))?;
            Ok(Progress::changed(POLL_SECONDS))
        }
        (Some(first), Some(there)) if first.property == TAGS_GONE => {
            // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_UntagResource.html
            client
                .untag_resource()
                .set_resource_arn(there.alarm_arn)
                .set_tag_keys(Some(surplus_keys(first)))
                .send()
                .await
                .map_err(|error| call_error("cloudwatch:UntagResource", CODES, &error))?;
            Ok(Progress::changed(POLL_SECONDS))
        }
        (_, there) => put(client, target, wanted, there).await,
    }
}

/// PutMetricAlarm: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>.
///
/// It replaces the whole alarm. What somebody has added for want of data stays: the document says nothing of that. Whether
/// actions are enabled is not theirs to say: an alarm that is silenced is none.
async fn put(
    client: &Client,
    target: &Target,
    wanted: &Alarm,
    there: Option<Box<MetricAlarm>>,
) -> Result<Progress, CallError> {
    let call = PUT_METRIC_ALARM;
    let name = &target.resource.physical_name;
    let dimensions = wanted
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value.text()).build())
        .collect();
    let mut request = client
        .put_metric_alarm()
        .alarm_name(name)
        .alarm_description(&wanted.description)
        .namespace(&wanted.namespace)
        .metric_name(&wanted.metric)
        .set_dimensions(Some(dimensions))
        .statistic(statistic(wanted.statistic))
        .comparison_operator(comparison(wanted.comparison))
        .threshold(wanted.threshold)
        .period(number(call, "period_seconds", wanted.period_seconds)?)
        .evaluation_periods(number(call, "periods", wanted.periods)?)
        .treat_missing_data(missing_data(wanted.missing_data))
        .actions_enabled(true)
        .set_tags(Some(to_sdk(&target.resource.tags)));
    for topic in &wanted.topics {
        request = request.alarm_actions(topic.text()).ok_actions(topic.text());
    }
    if let Some(there) = there {
        request = request.set_insufficient_data_actions(there.insufficient_data_actions);
    }
    request.send().await.map_err(|error| call_error(call, CODES, &error))?;
    Ok(Progress::created(name, POLL_SECONDS))
}

/// DeleteAlarms: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html>.
pub(crate) async fn delete(client: &Client, target: &Target) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    match find(client, name).await? {
        Found::Metric { .. } => {}
        Found::Nothing | Found::Composite => return Ok(Progress::Done),
    }
    match client.delete_alarms().alarm_names(name).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("cloudwatch:DeleteAlarms", CODES, &error)),
    }
}

/// DescribeAlarms and ListTagsForResource:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>.
async fn find(client: &Client, name: &str) -> Result<Found, CallError> {
    let output = client
        .describe_alarms()
        .alarm_names(name)
        // Unless asked for, composite alarms are not shown.
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .send()
        .await
        .map_err(|error| call_error("cloudwatch:DescribeAlarms", CODES, &error))?;
    if !output.composite_alarms().is_empty() {
        return Ok(Found::Composite);
    }
    let Some(alarm) = output.metric_alarms.unwrap_or_default().into_iter().next() else {
        return Ok(Found::Nothing);
    };
    match client
        .list_tags_for_resource()
        .set_resource_arn(alarm.alarm_arn.clone())
        .send()
        .await
    {
        Ok(output) => Ok(Found::Metric {
            alarm: Box::new(alarm),
            tags: from_sdk(output.tags()),
        }),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Found::Nothing),
        Err(error) => Err(call_error("cloudwatch:ListTagsForResource", CODES, &error)),
    }
}

pub(crate) fn to_sdk(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

pub(crate) fn from_sdk(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

pub(crate) fn statistic(statistic: Statistic) -> SdkStatistic {
    match statistic {
        Statistic::Average => SdkStatistic::Average,
        Statistic::Sum => SdkStatistic::Sum,
        Statistic::Minimum => SdkStatistic::Minimum,
        Statistic::Maximum => SdkStatistic::Maximum,
    }
}

fn comparison(comparison: Comparison) -> ComparisonOperator {
    match comparison {
        Comparison::GreaterThan => ComparisonOperator::GreaterThanThreshold,
        Comparison::GreaterThanOrEqual => ComparisonOperator::GreaterThanOrEqualToThreshold,
        Comparison::LessThan => ComparisonOperator::LessThanThreshold,
        Comparison::LessThanOrEqual => ComparisonOperator::LessThanOrEqualToThreshold,
    }
}

fn missing_data(missing_data: MissingData) -> &'static str {
    match missing_data {
        MissingData::Missing => "missing",
        MissingData::NotBreaching => "notBreaching",
        MissingData::Breaching => "breaching",
        MissingData::Ignore => "ignore",
    }
}

/// One of AWS's words as the document says it; as AWS does, where the document has no word for it.
fn word<T: Serialize>(ours: Option<T>, theirs: Option<&str>) -> Value {
    ours.map(json).or_else(|| theirs.map(Value::from)).unwrap_or_default()
}

fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// An alarm on a percentile has another statistic, one on a formula none.
fn actual_statistic(actual: &MetricAlarm) -> Value {
    let ours = match actual.statistic() {
        Some(SdkStatistic::Average) => Some(Statistic::Average),
        Some(SdkStatistic::Sum) => Some(Statistic::Sum),
        Some(SdkStatistic::Minimum) => Some(Statistic::Minimum),
        Some(SdkStatistic::Maximum) => Some(Statistic::Maximum),
        _ => None,
    };
    let theirs = actual.statistic().map(SdkStatistic::as_str);
    word(ours, theirs.or(actual.extended_statistic()))
}

fn actual_comparison(actual: &MetricAlarm) -> Value {
    let ours = match actual.comparison_operator() {
        Some(ComparisonOperator::GreaterThanThreshold) => Some(Comparison::GreaterThan),
        Some(ComparisonOperator::GreaterThanOrEqualToThreshold) => Some(Comparison::GreaterThanOrEqual),
        Some(ComparisonOperator::LessThanThreshold) => Some(Comparison::LessThan),
        Some(ComparisonOperator::LessThanOrEqualToThreshold) => Some(Comparison::LessThanOrEqual),
        _ => None,
    };
    word(ours, actual.comparison_operator().map(ComparisonOperator::as_str))
}

fn actual_missing_data(actual: &MetricAlarm) -> Value {
    let all = [
        MissingData::Missing,
        MissingData::NotBreaching,
        MissingData::Breaching,
        MissingData::Ignore,
    ];
    let shown = actual.treat_missing_data().unwrap_or("missing");
    word(all.into_iter().find(|known| missing_data(*known) == shown), Some(shown))
}

/// Where an alarm differs from what is wanted.
fn differences(
    wanted: &Alarm,
    actual: &MetricAlarm,
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let wanted_dimensions: BTreeMap<_, _> = wanted
        .dimensions
        .iter()
        .map(|(name, value)| (name.as_str(), value.text()))
        .collect();
    let actual_dimensions: BTreeMap<_, _> = actual
        .dimensions()
        .iter()
        .filter_map(|dimension| Some((dimension.name()?, dimension.value()?)))
        .collect();
    // In whatever order: each is told.
    let topics: BTreeSet<&str> = wanted.topics.iter().map(Input::text).collect();
    let told: fn(&[String]) -> BTreeSet<&str> = |actions| actions.iter().map(String::as_str).collect();
    let count = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let periods = count(actual.evaluation_periods());
    // Each of the periods counts; that is also what no number of data points means.
    let data_points = count(actual.datapoints_to_alarm()).filter(|points| Some(*points) != periods);
    [
        missing_tags(wanted_tags, actual_tags),
        Difference::between(
            "description",
            &wanted.description.as_str(),
            &actual.alarm_description().unwrap_or_default(),
        ),
        Difference::between("namespace", &Some(wanted.namespace.as_str()), &actual.namespace()),
        Difference::between("metric", &Some(wanted.metric.as_str()), &actual.metric_name()),
        Difference::between("dimensions", &wanted_dimensions, &actual_dimensions),
        Difference::between("statistic", &json(wanted.statistic), &actual_statistic(actual)),
        Difference::between("comparison", &json(wanted.comparison), &actual_comparison(actual)),
        Difference::between("threshold", &Some(wanted.threshold), &actual.threshold()),
        Difference::between("period_seconds", &Some(wanted.period_seconds), &count(actual.period())),
        Difference::between("periods", &Some(wanted.periods), &periods),
        Difference::between("missing_data", &json(wanted.missing_data), &actual_missing_data(actual)),
        Difference::between("topics", &topics, &told(actual.alarm_actions())),
        Difference::between("ok_actions", &topics, &told(actual.ok_actions())),
        // What the document has no word for: how many of the periods, only samples of a unit, silenced.
        data_points.map(|points| Difference::new("datapoints_to_alarm", &wanted.periods, &points)),
        Difference::between("unit", &None, &actual.unit().map(StandardUnit::as_str)),
        Difference::between("actions_enabled", &true, &actual.actions_enabled().unwrap_or(true)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudwatch::types::builders::MetricAlarmBuilder;

    fn wanted() -> Alarm {
        Alarm {
            description: "no records".to_owned(),
            namespace: "AWS/Kinesis".to_owned(),
            metric: "IncomingRecords".to_owned(),
            dimensions: BTreeMap::from([("StreamName".to_owned(), Input::Text("s".to_owned()))]),
            statistic: Statistic::Sum,
            comparison: Comparison::LessThan,
            threshold: 1.0,
            period_seconds: 300,
            periods: 3,
            missing_data: MissingData::Breaching,
            topics: vec![Input::Text("arn:b".to_owned()), Input::Text("arn:a".to_owned())],
        }
    }

    fn actual() -> MetricAlarmBuilder {
        MetricAlarm::builder()
            .alarm_description("no records")
            .namespace("AWS/Kinesis")
            .metric_name("IncomingRecords")
            .dimensions(Dimension::builder().name("StreamName").value("s").build())
            .statistic(SdkStatistic::Sum)
            .comparison_operator(ComparisonOperator::LessThanThreshold)
            .threshold(1.0)
            .period(300)
            .evaluation_periods(3)
            .treat_missing_data("breaching")
            .set_alarm_actions(Some(vec!["arn:a".to_owned(), "arn:b".to_owned()]))
            .set_ok_actions(Some(vec!["arn:b".to_owned(), "arn:a".to_owned()]))
    }

    fn check(actual: MetricAlarmBuilder, expected: &[&str]) {
        let tags = BTreeMap::new();
        let found: Vec<_> = differences(&wanted(), &actual.build(), &tags, &tags)
            .iter()
            .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn differences_are_told() {
        check(actual(), &[]);
        check(actual().datapoints_to_alarm(3), &[]);
        check(actual().datapoints_to_alarm(2), &["datapoints_to_alarm: 3 / 2"]);
        check(
            actual().evaluation_periods(5).datapoints_to_alarm(5),
            &["periods: 3 / 5"],
        );
        check(
            actual().set_treat_missing_data(None),
            &[r#"missing_data: "breaching" / "missing""#],
        );
        check(
            actual().set_statistic(None).threshold(2.5).period(60),
            &[
                r#"statistic: "sum" / null"#,
                "threshold: 1.0 / 2.5",
                "period_seconds: 300 / 60",
            ],
        );
        check(
            actual()
                .set_statistic(None)
                .extended_statistic("p99")
                .comparison_operator(ComparisonOperator::LessThanLowerThreshold),
            &[
                r#"statistic: "sum" / "p99""#,
                r#"comparison: "less_than" / "LessThanLowerThreshold""#,
            ],
        );
        check(
            actual()
                .statistic(SdkStatistic::Maximum)
                .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold),
            &[
                r#"statistic: "sum" / "maximum""#,
                r#"comparison: "less_than" / "greater_than_or_equal""#,
            ],
        );
        check(
            actual().dimensions(Dimension::builder().name("ShardId").value("1").build()),
            &[r#"dimensions: {"StreamName":"s"} / {"ShardId":"1","StreamName":"s"}"#],
        );
        check(
            actual().unit(StandardUnit::Bytes).actions_enabled(false),
            &[r#"unit: null / "Bytes""#, "actions_enabled: true / false"],
        );
        check(
            actual().alarm_actions("arn:c").set_ok_actions(None),
            &[
                r#"topics: ["arn:a","arn:b"] / ["arn:a","arn:b","arn:c"]"#,
                r#"ok_actions: ["arn:a","arn:b"] / []"#,
            ],
        );
        check(actual().set_namespace(None), &[r#"namespace: "AWS/Kinesis" / null"#]);
    }

    #[test]
    fn words() {
        let statistics = [
            Statistic::Average,
            Statistic::Sum,
            Statistic::Minimum,
            Statistic::Maximum,
        ];
        let words = statistics.map(|word| statistic(word).as_str().to_owned());
        assert_eq!(words, ["Average", "Sum", "Minimum", "Maximum"]);
        let comparisons = [
            Comparison::GreaterThan,
            Comparison::GreaterThanOrEqual,
            Comparison::LessThan,
            Comparison::LessThanOrEqual,
        ];
        let words = comparisons.map(|word| comparison(word).as_str().to_owned());
        let expected = [
            "GreaterThanThreshold",
            "GreaterThanOrEqualToThreshold",
            "LessThanThreshold",
            "LessThanOrEqualToThreshold",
        ];
        assert_eq!(words, expected);
        let missing = [
            MissingData::Missing,
            MissingData::NotBreaching,
            MissingData::Breaching,
            MissingData::Ignore,
        ];
        assert_eq!(
            missing.map(missing_data),
            ["missing", "notBreaching", "breaching", "ignore"]
        );
    }

    #[test]
    fn tags_come_back_as_they_were() {
        let tags = BTreeMap::from([("Name", "s"), ("a", "2")].map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(from_sdk(&to_sdk(&tags)), tags);
    }
}
