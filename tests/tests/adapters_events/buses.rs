//! Event buses, their rules and the rules' targets.

use anyhow::{Result, ensure};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::Target as SdkTarget;
use outrigger_aws_eventbridge::{Buses, Rules};
use outrigger_engine::ports::provider::{CallErrorKind, Provider};
use outrigger_model::properties::{EventBus, EventRule, EventTarget};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;

use crate::harness::{TOKEN, check, check_faults, differences, remove, resource, settle, target, text, with_aws, work};

const PATTERN: &str = r#"{"detail":{"total":[{"numeric":[">",100]}]},"source":["shop"]}"#;

pub(crate) fn client(aws: &LocalAws) -> Client {
    Client::new(&aws.sdk_config(aws.region()))
}

fn bus(aws: &LocalAws, description: &str) -> Resource {
    let description = description.to_owned();
    resource(aws, "events", Properties::EventBus(EventBus { description }))
}

fn rule(aws: &LocalAws, bus: &str, pattern: &str) -> Resource {
    let properties = EventRule {
        bus: text(bus),
        description: "what is recorded".to_owned(),
        pattern: pattern.to_owned(),
    };
    resource(aws, "events.recorded", Properties::EventRule(properties))
}

fn event_target(aws: &LocalAws, bus: &str, rule: &str, function: &str) -> Resource {
    let properties = EventTarget {
        bus: text(bus),
        rule: text(rule),
        function: text(format!(
            "arn:aws:lambda:{}:000000000000:function:{function}",
            aws.region()
        )),
    };
    resource(aws, "events.recorded", Properties::EventTarget(properties))
}

#[test]
fn buses() -> Result<()> {
    with_aws(async |aws| {
        let (client, provider) = (client(aws), Buses::new(&aws.aws()));
        let wanted = bus(aws, "for the shop");
        let name = wanted.physical_name.clone();
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let request = client.create_event_bus().name(&take);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_event_bus().name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["events", "CreateEventBus"]).await?;

        let observed = settle(&provider, &target(&wanted, TOKEN)).await?;
        let arn = format!("arn:aws:events:{}:000000000000:event-bus/{name}", aws.region());
        ensure!(
            observed.attributes["arn"] == arn && observed.attributes["name"] == name,
            "{observed:?}"
        );
        // Changed in place, and put right when somebody else has changed it.
        let other = target(&bus(aws, "for the bank"), TOKEN);
        let told = differences(&provider, &other).await?;
        ensure!(told == [r#"description: "for the bank" / "for the shop""#], "{told:?}");
        settle(&provider, &other).await?;
        client
            .untag_resource()
            .resource_arn(&arn)
            .tag_keys("Environment")
            .send()
            .await?;
        let told = differences(&provider, &other).await?;
        ensure!(
            told == [r#"tags: {"Environment":"production"} / {"Environment":null}"#],
            "{told:?}"
        );
        settle(&provider, &other).await?;

        // It waits for its rules.
        client
            .put_rule()
            .event_bus_name(&name)
            .name("theirs")
            .event_pattern(PATTERN)
            .send()
            .await?;
        let refused = provider.delete(&other, &observed).await.map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::NotYet), "{refused:?}");
        client.delete_rule().event_bus_name(&name).name("theirs").send().await?;
        remove(&provider, &other).await
    })
}

#[test]
fn rules_and_targets() -> Result<()> {
    with_aws(async |aws| {
        let (client, buses, provider) = (client(aws), Buses::new(&aws.aws()), Rules::new(&aws.aws()));
        let the_bus = target(&bus(aws, "for the shop"), TOKEN);
        let bus_name = settle(&buses, &the_bus).await?.id;
        let wanted = rule(aws, &bus_name, PATTERN);
        let name = wanted.physical_name.clone();
        check(aws, &provider, &wanted, None).await?;
        check_faults(aws, &provider, &wanted, ["events", "PutRule"]).await?;

        // PutRule replaces what is there, so what is somebody else's is told by what is observed before.
        let request = client.put_rule().event_bus_name(&bus_name).name(&name);
        request.event_pattern(PATTERN).send().await?;
        let foreign = provider.observe(&target(&wanted, TOKEN)).await?;
        ensure!(foreign.as_ref().is_some_and(|seen| !seen.ours), "{foreign:?}");
        client
            .delete_rule()
            .event_bus_name(&bus_name)
            .name(&name)
            .send()
            .await?;

        // A rule of the same name on the default bus is another one.
        client.put_rule().name(&name).event_pattern(PATTERN).send().await?;
        let standing = target(&wanted, TOKEN);
        let observed = settle(&provider, &standing).await?;
        ensure!(observed.id == format!("{bus_name}/{name}"), "{observed:?}");
        // Changed in place; switched off by somebody else, it is told, and switched on.
        let pattern = r#"{"source":["bank"]}"#;
        let other = target(&rule(aws, &bus_name, pattern), TOKEN);
        let told = differences(&provider, &other).await?;
        ensure!(told.len() == 1 && told[0].starts_with("pattern: "), "{told:?}");
        settle(&provider, &other).await?;
        client
            .disable_rule()
            .event_bus_name(&bus_name)
            .name(&name)
            .send()
            .await?;
        let told = differences(&provider, &other).await?;
        ensure!(told == [r#"state: "ENABLED" / "DISABLED""#], "{told:?}");
        settle(&provider, &other).await?;
        let there = client
            .describe_rule()
            .event_bus_name(&bus_name)
            .name(&name)
            .send()
            .await?;
        ensure!(there.event_pattern() == Some(pattern), "{there:?}");

        let wanted = event_target(aws, &bus_name, &name, "recorder");
        check(aws, &provider, &wanted, None).await?;
        check_faults(aws, &provider, &wanted, ["events", "PutTargets"]).await?;
        let to_recorder = target(&wanted, TOKEN);
        let seen = settle(&provider, &to_recorder).await?;
        // Another function, in place; and somebody changes what it gets.
        let to_other = target(&event_target(aws, &bus_name, &name, "other"), TOKEN);
        let told = differences(&provider, &to_other).await?;
        ensure!(told.len() == 1 && told[0].starts_with("function: "), "{told:?}");
        settle(&provider, &to_other).await?;
        let arn = format!("arn:aws:lambda:{}:000000000000:function:other", aws.region());
        let changed = SdkTarget::builder()
            .id(&wanted.physical_name)
            .arn(&arn)
            .input("{}")
            .build()?;
        client
            .put_targets()
            .event_bus_name(&bus_name)
            .rule(&name)
            .targets(changed)
            .send()
            .await?;
        let told = differences(&provider, &to_other).await?;
        ensure!(told == [r#"input: null / "{}""#], "{told:?}");
        settle(&provider, &to_other).await?;
        let listed = client
            .list_targets_by_rule()
            .event_bus_name(&bus_name)
            .rule(&name)
            .send()
            .await?;
        ensure!(
            listed.targets().len() == 1 && listed.targets()[0].arn() == arn && listed.targets()[0].input().is_none(),
            "{listed:?}"
        );

        // A rule goes after its target, and its target is gone with it.
        let refused = provider.delete(&other, &observed).await.map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::NotYet), "{refused:?}");
        remove(&provider, &to_other).await?;
        remove(&provider, &other).await?;
        ensure!(provider.observe(&to_other).await?.is_none());
        provider.delete(&to_other, &seen).await?;
        client.delete_rule().name(&name).send().await?;
        remove(&buses, &the_bus).await
    })
}
