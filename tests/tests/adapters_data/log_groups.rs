//! Log groups.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, ensure};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use outrigger_aws_cloudwatchlogs::{LogEvents, LogGroups, LogReader, Window};
use outrigger_model::Properties;
use outrigger_model::properties::LogGroup;

use crate::harness::{
    TOKEN, check, check_faults, differences, region, remove, resource, settle, target, with_aws, work,
};

#[test]
fn log_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_cloudwatchlogs::Client::new(&aws.sdk_config(aws.region()));
        let provider = LogGroups::new(&aws.aws());
        let mut wanted = resource(aws, "database-postgresql", Properties::LogGroup(LogGroup::default()));
        wanted.physical_name = "/aws/rds/instance/data-processing-production-database/postgresql".to_owned();
        let name = wanted.physical_name.clone();
        // One whose name begins the same is another one.
        let longer = format!("{name}-2");
        client.create_log_group().log_group_name(&longer).send().await?;
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let request = client.create_log_group().log_group_name(&take);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_log_group().log_group_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["logs", "CreateLogGroup"]).await?;

        let target = target(&wanted, TOKEN);
        let observed = settle(&provider, &target).await?;
        let arn = observed.attributes.get("arn").context("no ARN")?;
        ensure!(arn.ends_with(&name) && observed.id == name, "{observed:?}");
        client
            .untag_resource()
            .resource_arn(arn)
            .tag_keys("Environment")
            .send()
            .await?;
        let theirs =
            HashMap::from([("foreign", "stays"), ("Name", "theirs")].map(|(key, value)| (key.into(), value.into())));
        client
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(theirs))
            .send()
            .await?;
        let expected =
            format!(r#"tags: {{"Environment":"production","Name":"{name}"}} / {{"Environment":null,"Name":"theirs"}}"#);
        let told = differences(&provider, &target).await?;
        ensure!(told == [expected.replace(&name, &wanted.tags["Name"])], "{told:?}");
        settle(&provider, &target).await?;
        let tags = client.list_tags_for_resource().resource_arn(arn).send().await?;
        ensure!(tags.tags().is_some_and(|tags| tags.len() == 6), "{tags:?}");
        remove(&provider, &target).await?;
        let rest = client.describe_log_groups().send().await?;
        let rest: Vec<_> = rest
            .log_groups()
            .iter()
            .filter_map(|group| group.log_group_name())
            .collect();
        ensure!(rest == [longer], "{rest:?}");
        Ok(())
    })
}

#[test]
fn what_is_in_them_is_read_page_by_page() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_cloudwatchlogs::Client::new(&aws.sdk_config(aws.region()));
        let (group, begun_ms) = ("/aws/lambda/outrigger-plan-stack", 1_700_000_000_000_u64);
        let reader = LogReader::new(&aws.aws(), &region(aws));
        let window = |containing: &str, from_ms, until_ms| Window {
            containing: containing.to_owned(),
            from_ms: begun_ms + from_ms,
            until_ms: Some(begun_ms + until_ms),
        };
        let none = reader.read(group, &window("", 0, 100_000)).await?;
        ensure!(none == LogEvents::default(), "{none:?}");

        client.create_log_group().log_group_name(group).send().await?;
        // More than one page, in two streams.
        for stream in ["one", "two"] {
            client
                .create_log_stream()
                .log_group_name(group)
                .log_stream_name(stream)
                .send()
                .await?;
            let events = (0..6_000_u32).map(|number| {
                InputLogEvent::builder()
                    .timestamp(i64::try_from(begun_ms).unwrap_or_default() + i64::from(number))
                    .message(format!("{stream} of shop/production, {number}"))
                    .build()
            });
            client
                .put_log_events()
                .log_group_name(group)
                .log_stream_name(stream)
                .set_log_events(Some(events.collect::<Result<_, _>>()?))
                .send()
                .await?;
        }
        for (window, expected) in [
            (window("", 0, 100_000), 12_000),
            (window("shop/production", 0, 100_000), 12_000),
            (window("two of", 0, 100_000), 6_000),
            (window("shop/staging", 0, 100_000), 0),
            (window("", 5_998, 5_998), 2),
        ] {
            let read = reader.read(group, &window).await?;
            let ids: BTreeSet<&str> = read.events.iter().map(|event| event.id.as_str()).collect();
            ensure!(
                ids.len() == expected && read.events.len() == expected,
                "{window:?}: {} events",
                ids.len()
            );
            ensure!(
                read.events.is_sorted_by_key(|event| event.at_ms) && !read.truncated,
                "{window:?}"
            );
        }
        Ok(())
    })
}
