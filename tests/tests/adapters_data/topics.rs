//! Topics and subscriptions.

use anyhow::{Result, ensure};
use outrigger_aws_sns::Topics;
use outrigger_engine::ports::provider::{CallErrorKind, Provider, Target};
use outrigger_model::properties::{Protocol, Subscription, Topic};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;

use crate::changes::changes_since;
use crate::harness::{TOKEN, check, check_faults, differences, remove, resource, settle, target, text, with_aws, work};

pub(crate) fn topic(aws: &LocalAws) -> Resource {
    resource(aws, "alerts", Properties::Topic(Topic {}))
}

fn subscription(aws: &LocalAws, topic: &str, protocol: Protocol, endpoint: &str) -> Resource {
    let properties = Subscription {
        topic: text(topic),
        protocol,
        endpoint: endpoint.to_owned(),
    };
    resource(aws, "alerts-on-call", Properties::Subscription(properties))
}

#[test]
fn topics() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_sns::Client::new(&aws.sdk_config(aws.region()));
        let provider = Topics::new(&aws.aws());
        let wanted = topic(aws);
        let name = wanted.physical_name.clone();
        // Ones whose names begin and end the same are others; with more than a page of them, it is found nevertheless.
        for number in 0..120 {
            let of = format!("{number:03}-{name}");
            client.create_topic().name(of).send().await?;
        }
        client.create_topic().name(format!("{name}-2")).send().await?;
        let arn = format!("arn:aws:sns:{}:000000000000:{name}", aws.region());
        let (take, give_back) = (name.clone(), arn.clone());
        let taken = (
            work(&client, move |client| {
                let request = client.create_topic().name(&take);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_topic().topic_arn(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["sns", "CreateTopic"]).await?;

        // A create that races with somebody else's is told as what it is.
        client.create_topic().name(&name).send().await?;
        let target = target(&wanted, TOKEN);
        let raced = provider.ensure(&target, None).await.map_err(|error| error.kind);
        ensure!(raced == Err(CallErrorKind::Exists), "{raced:?}");
        client.delete_topic().topic_arn(&arn).send().await?;

        let observed = settle(&provider, &target).await?;
        ensure!(
            observed.id == arn && observed.attributes["arn"] == arn && observed.attributes["name"] == name,
            "{observed:?}"
        );
        client
            .untag_resource()
            .resource_arn(&arn)
            .tag_keys("Environment")
            .send()
            .await?;
        let told = differences(&provider, &target).await?;
        ensure!(
            told == [r#"tags: {"Environment":"production"} / {"Environment":null}"#],
            "{told:?}"
        );
        settle(&provider, &target).await?;
        // With the ARN at hand, no list is read.
        let known = Target {
            id: Some(arn.clone()),
            ..target.clone()
        };
        let before = aws.calls()?.len();
        ensure!(provider.observe(&known).await?.is_some_and(|seen| seen.ours));
        let calls = aws.calls()?;
        let calls: Vec<_> = calls[before..].iter().map(|call| call.operation.as_str()).collect();
        ensure!(calls == ["ListTagsForResource"], "{calls:?}");
        remove(&provider, &known).await
    })
}

#[test]
fn subscriptions() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_sns::Client::new(&aws.sdk_config(aws.region()));
        let provider = Topics::new(&aws.aws());
        let arn = settle(&provider, &target(&topic(aws), TOKEN)).await?.id;
        let listed = async || {
            let list = client.list_subscriptions_by_topic().topic_arn(&arn).send().await?;
            let shown = list.subscriptions().iter().map(|of| {
                let arn = of.subscription_arn().unwrap_or_default();
                let arn = if arn.starts_with("arn:") { "confirmed" } else { arn };
                [
                    arn,
                    of.protocol().unwrap_or_default(),
                    of.endpoint().unwrap_or_default(),
                ]
                .join(" ")
            });
            anyhow::Ok(shown.collect::<Vec<_>>())
        };

        // A queue is subscribed at once, and taken off.
        let queue = "arn:aws:sqs:us-east-1:000000000000:alerts";
        let to_queue = subscription(aws, &arn, Protocol::Sqs, queue);
        check(aws, &provider, &to_queue, None).await?;
        check_faults(aws, &provider, &to_queue, ["sns", "Subscribe"]).await?;
        let to_queue = target(&to_queue, TOKEN);
        settle(&provider, &to_queue).await?;
        ensure!(listed().await? == [format!("confirmed sqs {queue}")]);

        // Mail waits for whoever reads it; that is as far as anybody but them can get.
        let mail = target(&subscription(aws, &arn, Protocol::Email, "on-call@example.com"), TOKEN);
        let seen = settle(&provider, &mail).await?;
        ensure!(seen.id == "email:on-call@example.com", "{seen:?}");
        let expected = [
            format!("confirmed sqs {queue}"),
            "PendingConfirmation email on-call@example.com".to_owned(),
        ];
        ensure!(listed().await? == expected);
        let before = aws.calls()?.len();
        settle(&provider, &mail).await?;
        ensure!(changes_since(aws, before)?.is_empty(), "the mail is sent once");
        // Nobody can take it back, so it counts as gone when it is to go; SNS forgets it.
        let going = Target {
            going: true,
            ..mail.clone()
        };
        ensure!(provider.observe(&going).await?.is_none());
        provider.delete(&going, &seen).await?;
        ensure!(changes_since(aws, before)?.is_empty(), "there is nothing to call");

        remove(&provider, &to_queue).await?;
        ensure!(listed().await? == expected[1..]);
        // With the topic goes everything.
        client.delete_topic().topic_arn(&arn).send().await?;
        ensure!(provider.observe(&mail).await?.is_none());
        let subscribe = provider.ensure(&to_queue, None).await.map_err(|error| error.kind);
        ensure!(subscribe == Err(CallErrorKind::NotYet), "{subscribe:?}");
        Ok(())
    })
}
