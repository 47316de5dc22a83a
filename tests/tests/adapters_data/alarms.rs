//! CloudWatch alarms.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use outrigger_aws_cloudwatch::Alarms;
use outrigger_engine::ports::provider::{CallErrorKind, Provider};
use outrigger_model::Properties;
use outrigger_model::properties::{Alarm, Comparison, MissingData, Statistic};
use serde_json::json;

use crate::changes::{Change, Standing};
use crate::harness::{TOKEN, check, check_faults, remove, resource, settle, target, text, with_aws, work};

const OURS: &str = "arn:aws:sns:us-east-1:000000000000:ours";

#[test]
fn alarms() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_cloudwatch::Client::new(&aws.sdk_config(aws.region()));
        let provider = Alarms::new(&aws.aws());
        let alarm = |threshold| {
            let properties = Alarm {
                description: "no records".to_owned(),
                namespace: "AWS/Kinesis".to_owned(),
                metric: "IncomingRecords".to_owned(),
                dimensions: BTreeMap::from([("StreamName".to_owned(), text("events"))]),
                statistic: Statistic::Sum,
                comparison: Comparison::LessThan,
                threshold,
                period_seconds: 300,
                periods: 3,
                missing_data: MissingData::Breaching,
                topics: vec![text(OURS)],
            };
            resource(aws, "events-silent", Properties::Alarm(properties))
        };
        let name = alarm(1.0).physical_name;
        let put = |client: &aws_sdk_cloudwatch::Client, name: &str| {
            client
                .put_metric_alarm()
                .alarm_name(name)
                .namespace("Theirs")
                .metric_name("Theirs")
                .statistic("Average".into())
                .comparison_operator("GreaterThanThreshold".into())
                .threshold(1.0)
                .period(60)
                .evaluation_periods(1)
        };
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let request = put(&client, &take);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_alarms().alarm_names(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &alarm(1.0), Some(taken)).await?;

        // One that is not ours is not replaced, although the call would.
        put(&client, &name).send().await?;
        let target_one = target(&alarm(1.0), TOKEN);
        let create = provider.ensure(&target_one, None).await.map_err(|error| error.kind);
        ensure!(create == Err(CallErrorKind::Exists), "{create:?}");
        client.delete_alarms().alarm_names(&name).send().await?;
        check_faults(aws, &provider, &alarm(1.0), ["cloudwatch", "PutMetricAlarm"]).await?;

        let observed = settle(&provider, &target_one).await?;
        let shown = client.describe_alarms().alarm_names(&name).send().await?;
        let shown = shown.metric_alarms().first().context("no alarm")?;
        ensure!(
            shown.treat_missing_data() == Some("breaching") && shown.evaluation_periods() == Some(3),
            "{shown:?}"
        );
        ensure!(
            observed.attributes.get("arn").map(String::as_str) == shown.alarm_arn(),
            "{observed:?}"
        );

        // A change puts the topics back, and keeps what somebody has added for want of data, and their tags.
        let topic = "arn:aws:sns:us-east-1:000000000000:theirs";
        put(&client, &name)
            .alarm_actions(topic)
            .insufficient_data_actions(topic)
            .send()
            .await?;
        let foreign = aws_sdk_cloudwatch::types::Tag::builder()
            .key("foreign")
            .value("stays")
            .build();
        let arn = shown.alarm_arn().context("no ARN")?;
        client.tag_resource().resource_arn(arn).tags(foreign).send().await?;
        client
            .untag_resource()
            .resource_arn(arn)
            .tag_keys("Environment")
            .send()
            .await?;
        settle(&provider, &target(&alarm(5.0), TOKEN)).await?;
        let shown = client.describe_alarms().alarm_names(&name).send().await?;
        let shown = shown.metric_alarms().first().context("no alarm")?;
        ensure!(
            shown.threshold() == Some(5.0)
                && shown.alarm_actions() == [OURS]
                && shown.ok_actions() == [OURS]
                && shown.insufficient_data_actions() == [topic],
            "{shown:?}"
        );
        let tags = client.list_tags_for_resource().resource_arn(arn).send().await?;
        ensure!(tags.tags().len() == 6, "{tags:?}");
        remove(&provider, &target_one).await
    })
}

#[test]
fn alarms_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_cloudwatch::Client::new(&aws.sdk_config(aws.region()));
        let provider = Alarms::new(&aws.aws());
        let first = Alarm {
            description: "no records".to_owned(),
            namespace: "AWS/Kinesis".to_owned(),
            metric: "IncomingRecords".to_owned(),
            dimensions: BTreeMap::from([("StreamName".to_owned(), text("events"))]),
            statistic: Statistic::Sum,
            comparison: Comparison::LessThan,
            threshold: 1.0,
            period_seconds: 300,
            periods: 3,
            missing_data: MissingData::Breaching,
            topics: vec![text(OURS)],
        };
        let mut standing = Standing {
            aws,
            provider: &provider,
            resource: resource(aws, "events-silent", Properties::Alarm(first.clone())),
        };
        let name = settle(&provider, &standing.target()).await?.id;
        let snapshot = async || {
            let shown = client.describe_alarms().alarm_names(&name).send().await?;
            let alarm = shown.metric_alarms().first().context("no alarm")?;
            let dimensions: BTreeMap<_, _> = alarm
                .dimensions()
                .iter()
                .filter_map(|dimension| Some((dimension.name()?, dimension.value()?)))
                .collect();
            Ok(json!({
                "description": alarm.alarm_description(),
                "namespace": alarm.namespace(),
                "metric": alarm.metric_name(),
                "dimensions": dimensions,
                "statistic": alarm.statistic().map(|statistic| statistic.as_str()),
                "comparison": alarm.comparison_operator().map(|comparison| comparison.as_str()),
                "threshold": alarm.threshold(),
                "period": alarm.period(),
                "periods": alarm.evaluation_periods(),
                "missing_data": alarm.treat_missing_data(),
                "actions_enabled": alarm.actions_enabled(),
                "alarm_actions": alarm.alarm_actions(),
                "ok_actions": alarm.ok_actions(),
            }))
        };

        // One property after the other.
        type Edit = fn(&mut Alarm);
        let table: [(Edit, _, _); 12] = [
            (
                |alarm| alarm.description = "few records".to_owned(),
                json!([["description", "few records", "no records"]]),
                json!({"description": "few records"}),
            ),
            (
                |alarm| alarm.namespace = "AWS/RDS".to_owned(),
                json!([["namespace", "AWS/RDS", "AWS/Kinesis"]]),
                json!({"namespace": "AWS/RDS"}),
            ),
            (
                |alarm| alarm.metric = "FreeStorageSpace".to_owned(),
                json!([["metric", "FreeStorageSpace", "IncomingRecords"]]),
                json!({"metric": "FreeStorageSpace"}),
            ),
            (
                |alarm| alarm.dimensions = BTreeMap::from([("DBInstanceIdentifier".to_owned(), text("db"))]),
                json!([["dimensions", {"DBInstanceIdentifier": "db"}, {"StreamName": "events"}]]),
                json!({"dimensions": {"DBInstanceIdentifier": "db"}}),
            ),
            (
                |alarm| alarm.statistic = Statistic::Minimum,
                json!([["statistic", "minimum", "sum"]]),
                json!({"statistic": "Minimum"}),
            ),
            (
                |alarm| alarm.comparison = Comparison::LessThanOrEqual,
                json!([["comparison", "less_than_or_equal", "less_than"]]),
                json!({"comparison": "LessThanOrEqualToThreshold"}),
            ),
            (
                |alarm| alarm.threshold = 0.5,
                json!([["threshold", 0.5, 1.0]]),
                json!({"threshold": 0.5}),
            ),
            (
                |alarm| alarm.period_seconds = 60,
                json!([["period_seconds", 60, 300]]),
                json!({"period": 60}),
            ),
            (
                |alarm| alarm.periods = 5,
                json!([["periods", 5, 3]]),
                json!({"periods": 5}),
            ),
            (
                |alarm| alarm.missing_data = MissingData::NotBreaching,
                json!([["missing_data", "not_breaching", "breaching"]]),
                json!({"missing_data": "notBreaching"}),
            ),
            (
                |alarm| alarm.topics.clear(),
                json!([["topics", [], [OURS]], ["ok_actions", [], [OURS]]]),
                json!({"alarm_actions": [], "ok_actions": []}),
            ),
            (
                |alarm| alarm.topics.push(text(OURS)),
                json!([["topics", [OURS], []], ["ok_actions", [OURS], []]]),
                json!({"alarm_actions": [OURS], "ok_actions": [OURS]}),
            ),
        ];
        let mut wanted = first;
        for (edit, differs, read) in table {
            edit(&mut wanted);
            let change = Change {
                to: Properties::Alarm(wanted.clone()),
                differs,
                calls: &["PutMetricAlarm"],
                read,
            };
            standing.check(change, &snapshot).await?;
        }

        // Silenced, and changed, behind the document's back.
        let topic = "arn:aws:sns:us-east-1:000000000000:theirs";
        client
            .put_metric_alarm()
            .alarm_name(&name)
            .alarm_description("few records")
            .namespace("AWS/RDS")
            .metric_name("FreeStorageSpace")
            .statistic("Maximum".into())
            .comparison_operator("GreaterThanThreshold".into())
            .threshold(2.0)
            .period(60)
            .evaluation_periods(5)
            .datapoints_to_alarm(2)
            .treat_missing_data("notBreaching")
            .alarm_actions(topic)
            .send()
            .await?;
        client.disable_alarm_actions().alarm_names(&name).send().await?;
        let change = Change {
            to: Properties::Alarm(wanted.clone()),
            differs: json!([
                ["dimensions", {"DBInstanceIdentifier": "db"}, {}],
                ["statistic", "minimum", "maximum"],
                ["comparison", "less_than_or_equal", "greater_than"],
                ["threshold", 0.5, 2.0],
                ["topics", [OURS], [topic]],
                ["ok_actions", [OURS], []],
                ["datapoints_to_alarm", 5, 2],
                ["actions_enabled", true, false]
            ]),
            calls: &["PutMetricAlarm"],
            read: json!({"actions_enabled": true, "statistic": "Minimum", "alarm_actions": [OURS]}),
        };
        standing.check(change, &snapshot).await?;
        client.disable_alarm_actions().alarm_names(&name).send().await?;
        let change = Change {
            to: Properties::Alarm(wanted),
            differs: json!([["actions_enabled", true, false]]),
            calls: &["PutMetricAlarm"],
            read: json!({"actions_enabled": true, "threshold": 0.5, "alarm_actions": [OURS]}),
        };
        standing.check(change, &snapshot).await?;
        remove(&provider, &standing.target()).await
    })
}
