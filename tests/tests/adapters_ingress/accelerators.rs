//! Accelerators, with their listeners and endpoint groups.

use anyhow::{Context, Result, ensure};
use aws_sdk_globalaccelerator::Client;
use aws_sdk_globalaccelerator::types::{EndpointConfiguration, PortRange};
use outrigger_aws_globalaccelerator::Accelerators;
use outrigger_engine::ports::provider::{Observed, Progress, Provider, Target};
use outrigger_model::properties::{Accelerator, AcceleratorListener, EndpointGroup};
use outrigger_model::{Properties, Region, Resource};
use outrigger_tests::LocalAws;

use crate::harness::{
    TOKEN, called, check, check_faults, differences, remove, resource, settle, slow, target, text, with_aws,
};

/// The API is in us-west-2, wherever the stack is.
fn client(aws: &LocalAws) -> Client {
    Client::new(&aws.sdk_config("us-west-2"))
}

fn accelerator(aws: &LocalAws, enabled: bool) -> Resource {
    resource(aws, "main", Properties::Accelerator(Accelerator { enabled }))
}

fn listener(aws: &LocalAws, accelerator: &str, port: u16) -> Resource {
    let accelerator = text(accelerator);
    let properties = AcceleratorListener { accelerator, port };
    resource(aws, "main", Properties::AcceleratorListener(properties))
}

fn group(aws: &LocalAws, listener: &str, endpoint: &str) -> Resource {
    let properties = EndpointGroup {
        listener: text(listener),
        region: Region::new(aws.region()),
        load_balancer: text(endpoint),
    };
    resource(aws, "main.here", Properties::EndpointGroup(properties))
}

/// As the executor knows it once it stands.
async fn stand(provider: &Accelerators, resource: &Resource) -> Result<(Target, Observed)> {
    let mut wanted = target(resource, TOKEN);
    let observed = settle(provider, &wanted).await?;
    wanted.id = Some(observed.id.clone());
    Ok((wanted, observed))
}

/// Something that an endpoint group can have in the place of a load balancer.
async fn endpoint(aws: &LocalAws) -> Result<String> {
    let ec2 = aws_sdk_ec2::Client::new(&aws.sdk_config(aws.region()));
    let address = ec2.allocate_address().domain("vpc".into()).send().await?;
    address.allocation_id.context("no address")
}

#[test]
fn accelerators() -> Result<()> {
    with_aws(async |aws| {
        let client = client(aws);
        let provider = Accelerators::new(&aws.aws());
        let wanted = accelerator(aws, true);
        // The name of somebody else's may be the same: it is no reason, and stays as it is.
        let theirs = client
            .create_accelerator()
            .name(&wanted.physical_name)
            .idempotency_token("theirs");
        let theirs = theirs.send().await?.accelerator.context("no accelerator")?;
        check(aws, &provider, &wanted, None).await?;
        check_faults(aws, &provider, &wanted, ["globalaccelerator", "CreateAccelerator"]).await?;

        let (known, observed) = stand(&provider, &wanted).await?;
        ensure!(
            observed.id != theirs.accelerator_arn().unwrap_or_default(),
            "{observed:?}"
        );
        let shown = client
            .describe_accelerator()
            .accelerator_arn(&observed.id)
            .send()
            .await?;
        let shown = shown.accelerator.context("no accelerator")?;
        let addresses = shown.ip_sets().iter().flat_map(|set| set.ip_addresses()).cloned();
        let addresses: Vec<String> = addresses.collect();
        ensure!(addresses.len() == 2, "{shown:?}");
        ensure!(
            observed.attributes["addresses"] == addresses.join(",")
                && observed.attributes["address_1"] == addresses[0]
                && observed.attributes["address_2"] == addresses[1]
                && Some(observed.attributes["dns_name"].as_str()) == shown.dns_name()
                && observed.attributes["arn"] == observed.id,
            "{observed:?}"
        );

        // It is switched off in place, and keeps its addresses.
        let off = Target {
            resource: accelerator(aws, false),
            ..known.clone()
        };
        let told = differences(&provider, &off).await?;
        ensure!(told == ["enabled: false / true"], "{told:?}");
        let after = settle(&provider, &off).await?;
        ensure!(after.attributes == observed.attributes, "{after:?}");
        settle(&provider, &known).await?;

        // What somebody else changes is told, property by property, and put right.
        client
            .update_accelerator()
            .accelerator_arn(&observed.id)
            .name("by-hand")
            .send()
            .await?;
        client
            .untag_resource()
            .resource_arn(&observed.id)
            .tag_keys("Environment")
            .send()
            .await?;
        let told = differences(&provider, &known).await?;
        let name = format!(r#"name: "{}" / "by-hand""#, wanted.physical_name);
        let tags = r#"tags: {"Environment":"production"} / {"Environment":null}"#;
        ensure!(told == [name.as_str(), tags], "{told:?}");
        settle(&provider, &known).await?;
        let mut gone = known.clone();
        gone.resource.tags.remove("Environment");
        gone.tags_gone.insert("Environment".to_owned());
        settle(&provider, &gone).await?;
        let tags = client
            .list_tags_for_resource()
            .resource_arn(&observed.id)
            .send()
            .await?;
        ensure!(!tags.tags().iter().any(|tag| tag.key() == "Environment"), "{tags:?}");

        remove(&provider, &known).await?;
        let left = client.list_accelerators().send().await?;
        let left: Vec<_> = left.accelerators().iter().map(|of| of.accelerator_arn()).collect();
        ensure!(left == [theirs.accelerator_arn()], "{left:?}");
        ensure!(called(aws, "DeleteAccelerator")? > 0);
        Ok(())
    })
}

#[test]
fn what_is_in_an_accelerator() -> Result<()> {
    with_aws(async |aws| {
        let client = client(aws);
        let provider = Accelerators::new(&aws.aws());
        let (known, made) = stand(&provider, &accelerator(aws, true)).await?;

        let wanted = listener(aws, &made.id, 443);
        check(aws, &provider, &wanted, None).await?;
        check_faults(aws, &provider, &wanted, ["globalaccelerator", "CreateListener"]).await?;
        let (listening, seen) = stand(&provider, &wanted).await?;
        // A listener is found by its ARN whatever its ports are.
        let range = PortRange::builder().from_port(80).to_port(90).build();
        client
            .update_listener()
            .listener_arn(&seen.id)
            .port_ranges(range)
            .send()
            .await?;
        let told = differences(&provider, &listening).await?;
        ensure!(told == ["port: 443 / [[80,90]]"], "{told:?}");
        settle(&provider, &listening).await?;
        let shown = client.describe_listener().listener_arn(&seen.id).send().await?;
        let ranges: Vec<_> = shown
            .listener()
            .iter()
            .flat_map(|of| of.port_ranges())
            .map(|range| (range.from_port(), range.to_port()))
            .collect();
        ensure!(ranges == [(Some(443), Some(443))], "{ranges:?}");

        let (one, other) = (endpoint(aws).await?, endpoint(aws).await?);
        let wanted = group(aws, &seen.id, &one);
        check(aws, &provider, &wanted, None).await?;
        check_faults(aws, &provider, &wanted, ["globalaccelerator", "CreateEndpointGroup"]).await?;
        let (grouped, group_seen) = stand(&provider, &wanted).await?;

        // Dial and weight belong to operating; an endpoint that somebody added goes, and the dial stays.
        let of = |id: &str| EndpointConfiguration::builder().endpoint_id(id).weight(7).build();
        client
            .update_endpoint_group()
            .endpoint_group_arn(&group_seen.id)
            .traffic_dial_percentage(10.0)
            .endpoint_configurations(of(&one))
            .endpoint_configurations(of(&other))
            .send()
            .await?;
        let told = differences(&provider, &grouped).await?;
        ensure!(told.len() == 1 && told[0].starts_with("load_balancer: "), "{told:?}");
        settle(&provider, &grouped).await?;
        let shown = client
            .describe_endpoint_group()
            .endpoint_group_arn(&group_seen.id)
            .send()
            .await?;
        let shown = shown.endpoint_group.context("no endpoint group")?;
        let endpoints: Vec<_> = shown
            .endpoint_descriptions()
            .iter()
            .map(|of| (of.endpoint_id(), of.weight()))
            .collect();
        ensure!(endpoints == [(Some(one.as_str()), Some(7))], "{endpoints:?}");
        ensure!(shown.traffic_dial_percentage() == Some(10.0), "{shown:?}");
        // Another load balancer takes its place in the same group.
        let moved = Target {
            resource: group(aws, &seen.id, &other),
            ..grouped.clone()
        };
        ensure!(settle(&provider, &moved).await?.id == group_seen.id);

        // Neither goes before what is in it; and the accelerator is switched off first, and deployed again.
        let early = provider.delete(&listening, &seen).await;
        ensure!(early.as_ref().is_err_and(|error| error.is_retryable()), "{early:?}");
        slow(aws, "globalaccelerator")?;
        remove(&provider, &grouped).await?;
        remove(&provider, &listening).await?;
        let before = called(aws, "DeleteAccelerator")?;
        let off = provider.delete(&known, &made).await?;
        ensure!(matches!(off, Progress::InProgress { .. }), "{off:?}");
        ensure!(
            called(aws, "DeleteAccelerator")? == before,
            "it is deleted before it is disabled"
        );
        remove(&provider, &known).await?;
        ensure!(provider.observe(&grouped).await?.is_none());
        ensure!(provider.observe(&listening).await?.is_none());
        Ok(())
    })
}
