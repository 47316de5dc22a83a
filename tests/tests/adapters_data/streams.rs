//! Kinesis data streams.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use outrigger_aws_kinesis::Streams;
use outrigger_engine::ports::provider::{CallErrorKind, Provider};
use outrigger_model::Properties;
use outrigger_model::properties::Stream;
use serde_json::json;

use crate::changes::{Change, Standing, told};
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
                encryption_key: None,
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
        remove(&provider, &target_one).await
    })
}

#[test]
fn streams_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_kinesis::Client::new(&aws.sdk_config(aws.region()));
        let provider = Streams::new(&aws.aws());
        let wanted = |shards, retention_hours, metrics: &[&str]| {
            Properties::Stream(Stream {
                shards,
                retention_hours,
                shard_metrics: metrics.iter().map(|name| (*name).to_owned()).collect(),
                encryption_key: None,
            })
        };
        let mut standing = Standing {
            aws,
            provider: &provider,
            resource: resource(aws, "events", wanted(2, 24, &[])),
        };
        let name = settle(&provider, &standing.target()).await?.id;
        let snapshot = async || {
            let summary = client.describe_stream_summary().stream_name(&name).send().await?;
            let summary = summary.stream_description_summary.context("no summary")?;
            let metrics = summary
                .enhanced_monitoring
                .iter()
                .flat_map(|of| of.shard_level_metrics());
            let metrics: Vec<_> = metrics.map(|metric| metric.as_str()).collect();
            Ok(json!({
                "shards": summary.open_shard_count, "retention": summary.retention_period_hours, "metrics": metrics
            }))
        };
        // Scaling takes time, and goes on when the stream is active again.
        slow(aws, "kinesis")?;
        let table: [(Properties, _, &'static [&'static str], _); 7] = [
            (
                wanted(9, 24, &[]),
                json!([["shards", 9, 2]]),
                &["UpdateShardCount", "UpdateShardCount", "UpdateShardCount"],
                json!({"shards": 9}),
            ),
            (
                wanted(5, 24, &[]),
                json!([["shards", 5, 9]]),
                &["UpdateShardCount"],
                json!({"shards": 5}),
            ),
            (
                wanted(1, 24, &[]),
                json!([["shards", 1, 5]]),
                &["UpdateShardCount", "UpdateShardCount", "UpdateShardCount"],
                json!({"shards": 1}),
            ),
            (
                wanted(1, 48, &[]),
                json!([["retention_hours", 48, 24]]),
                &["IncreaseStreamRetentionPeriod"],
                json!({"retention": 48}),
            ),
            (
                wanted(1, 36, &[]),
                json!([["retention_hours", 36, 48]]),
                &["DecreaseStreamRetentionPeriod"],
                json!({"retention": 36}),
            ),
            (
                wanted(1, 36, &["IncomingBytes", "OutgoingBytes"]),
                json!([["shard_metrics", ["IncomingBytes", "OutgoingBytes"], []]]),
                &["EnableEnhancedMonitoring"],
                json!({"metrics": ["IncomingBytes", "OutgoingBytes"]}),
            ),
            (
                wanted(2, 24, &["IncomingBytes", "IncomingRecords"]),
                json!([
                    ["retention_hours", 24, 36],
                    [
                        "shard_metrics",
                        ["IncomingBytes", "IncomingRecords"],
                        ["IncomingBytes", "OutgoingBytes"]
                    ],
                    ["shards", 2, 1]
                ]),
                &[
                    "DecreaseStreamRetentionPeriod",
                    "EnableEnhancedMonitoring",
                    "DisableEnhancedMonitoring",
                    "UpdateShardCount",
                ],
                json!({"shards": 2, "retention": 24, "metrics": ["IncomingBytes", "IncomingRecords"]}),
            ),
        ];
        let last = wanted(2, 24, &["IncomingBytes", "IncomingRecords"]);
        for (to, differs, calls, read) in table {
            let change = Change {
                to,
                differs,
                calls,
                read,
            };
            standing.check(change, &snapshot).await?;
        }
        aws.set_faults(&json!({}))?;

        // Behind the document's back.
        let update = client.update_shard_count().stream_name(&name).target_shard_count(4);
        update.scaling_type("UNIFORM_SCALING".into()).send().await?;
        let longer = client.increase_stream_retention_period().stream_name(&name);
        longer.retention_period_hours(30).send().await?;
        let off = client.disable_enhanced_monitoring().stream_name(&name);
        off.shard_level_metrics("IncomingRecords".into()).send().await?;
        client
            .remove_tags_from_stream()
            .stream_name(&name)
            .tag_keys("Environment")
            .send()
            .await?;
        let change = Change {
            to: last,
            differs: json!([
                ["tags", {"Environment": "production"}, {"Environment": null}],
                ["retention_hours", 24, 30],
                ["shard_metrics", ["IncomingBytes", "IncomingRecords"], ["IncomingBytes"]],
                ["shards", 2, 4]
            ]),
            calls: &[
                "AddTagsToStream",
                "DecreaseStreamRetentionPeriod",
                "EnableEnhancedMonitoring",
                "UpdateShardCount",
            ],
            read: json!({"shards": 2, "retention": 24, "metrics": ["IncomingBytes", "IncomingRecords"]}),
        };
        standing.check(change, &snapshot).await?;

        // The eleventh time in a day is an error that says so, and no endless retry.
        standing.resource.properties = wanted(4, 24, &["IncomingBytes", "IncomingRecords"]);
        let observed = standing.observe().await?;
        ensure!(told(&observed) == json!([["shards", 4, 2]]), "{observed:?}");
        let limit = provider.ensure(&standing.target(), Some(&observed)).await;
        ensure!(
            limit.as_ref().is_err_and(|error| {
                error.kind == CallErrorKind::Invalid && error.message.contains("at most ten times in 24 hours")
            }),
            "{limit:?}"
        );
        remove(&provider, &standing.target()).await
    })
}

#[test]
fn a_stream_in_another_mode_is_told() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_kinesis::Client::new(&aws.sdk_config(aws.region()));
        let provider = Streams::new(&aws.aws());
        let wanted = Stream {
            shards: 2,
            retention_hours: 24,
            shard_metrics: BTreeSet::new(),
            encryption_key: None,
        };
        let standing = Standing {
            aws,
            provider: &provider,
            resource: resource(aws, "events", Properties::Stream(wanted)),
        };
        let on_demand = aws_sdk_kinesis::types::StreamModeDetails::builder().stream_mode("ON_DEMAND".into());
        let create = client.create_stream().stream_name(&standing.resource.physical_name);
        create
            .stream_mode_details(on_demand.build()?)
            .set_tags(Some(standing.resource.tags.clone().into_iter().collect()))
            .send()
            .await?;
        let observed = standing.observe().await?;
        // How many shards it has is then AWS's own affair.
        ensure!(
            told(&observed) == json!([["mode", "PROVISIONED", "ON_DEMAND"]]),
            "{observed:?}"
        );
        remove(&provider, &standing.target()).await
    })
}
