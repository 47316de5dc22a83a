//! Kinesis data streams.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use outrigger_aws_kinesis::Streams;
use outrigger_engine::ports::provider::{Progress, Provider};
use outrigger_model::Properties;
use outrigger_model::properties::Stream;
use serde_json::json;

use crate::harness::{TOKEN, check, check_faults, remove, resource, settle, slow, target, with_aws, work};

#[test]
fn streams() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_kinesis::Client::new(&aws.sdk_config(aws.region()));
        let provider = Streams::new(&aws.aws());
        let wanted = |retention_hours, metrics: &[&str]| {
            Properties::Stream(Stream {
                shards: 2,
                retention_hours,
                shard_metrics: metrics.iter().map(|name| (*name).to_owned()).collect(),
            })
        };
        let four = ["IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords"];
        let resource_one = resource(aws, "events", wanted(48, &four));
        let name = resource_one.physical_name.clone();
        let taken = || {
            let (take, give_back) = (name.clone(), name.clone());
            Some((
                work(&client, move |client| {
                    let request = client.create_stream().stream_name(&take).shard_count(1);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let request = client.delete_stream().stream_name(&give_back);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
            ))
        };
        check(aws, &provider, &resource_one, taken()).await?;
        slow(aws, "kinesis")?;
        check(aws, &provider, &resource_one, taken()).await?;
        aws.set_faults(&json!({}))?;
        check_faults(aws, &provider, &resource_one, ["kinesis", "CreateStream"]).await?;

        let target_one = target(&resource_one, TOKEN);
        let observed = settle(&provider, &target_one).await?;
        let summary = client.describe_stream_summary().stream_name(&name).send().await?;
        let summary = summary.stream_description_summary.context("no summary")?;
        ensure!(
            summary.open_shard_count == 2 && summary.retention_period_hours == 48,
            "{summary:?}"
        );
        ensure!(
            observed.attributes.get("arn") == Some(&summary.stream_arn),
            "{observed:?}"
        );
        ensure!(observed.attributes.get("name") == Some(&name), "{observed:?}");
        let metrics: BTreeSet<_> = summary
            .enhanced_monitoring
            .iter()
            .flat_map(|of| of.shard_level_metrics())
            .collect();
        ensure!(metrics.iter().map(|metric| metric.as_str()).eq(four), "{metrics:?}");

        // Retention and metrics change in both directions, and tags that somebody took away come back.
        let untag = client.remove_tags_from_stream().stream_name(&name).tag_keys("Name");
        untag.send().await?;
        client
            .add_tags_to_stream()
            .stream_name(&name)
            .tags("foreign", "stays")
            .send()
            .await?;
        let target_two = target(
            &resource(aws, "events", wanted(24, &["IteratorAgeMilliseconds"])),
            TOKEN,
        );
        settle(&provider, &target_two).await?;
        let tags = client.list_tags_for_stream().stream_name(&name).send().await?;
        ensure!(
            tags.tags.iter().any(|tag| tag.key == "foreign") && tags.tags.len() == 6,
            "{tags:?}"
        );
        // What cannot be changed says so.
        let three = Properties::Stream(Stream {
            shards: 3,
            retention_hours: 24,
            shard_metrics: BTreeSet::from(["IteratorAgeMilliseconds".to_owned()]),
        });
        let target_three = target(&resource(aws, "events", three), TOKEN);
        let observed = provider.observe(&target_three).await?.context("gone")?;
        let progress = provider.ensure(&target_three, Some(&observed)).await?;
        let reason = "the property shards of a stream cannot be changed by this version: wanted 3, there is 2";
        ensure!(
            progress
                == Progress::Blocked {
                    reason: reason.to_owned()
                },
            "{progress:?}"
        );
        remove(&provider, &target_one).await
    })
}
