//! CloudWatch alarms.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use outrigger_aws_cloudwatch::Alarms;
use outrigger_engine::ports::provider::{CallErrorKind, Provider};
use outrigger_model::Properties;
use outrigger_model::properties::{Alarm, Comparison, MissingData, Statistic};

use crate::harness::{TOKEN, check, check_faults, remove, resource, settle, target, text, with_aws, work};

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

        // A change keeps the actions that somebody has added, and their tags.
        let topic = "arn:aws:sns:us-east-1:000000000000:theirs";
        put(&client, &name).alarm_actions(topic).send().await?;
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
            shown.threshold() == Some(5.0) && shown.alarm_actions() == [topic],
            "{shown:?}"
        );
        let tags = client.list_tags_for_resource().resource_arn(arn).send().await?;
        ensure!(tags.tags().len() == 6, "{tags:?}");
        remove(&provider, &target_one).await
    })
}
