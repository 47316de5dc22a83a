//! The endpoint over the buses of two regions.

use anyhow::{Context, Result, ensure};
use aws_sdk_eventbridge::Client;
use outrigger_aws_eventbridge::Buses;
use outrigger_engine::ports::provider::Provider;
use outrigger_model::properties::GlobalEndpoint;
use outrigger_model::{Properties, Region, Resource};
use outrigger_tests::LocalAws;

use crate::buses::client;
use crate::harness::{TOKEN, check, check_faults, differences, remove, resource, settle, target, text, with_aws};

const OTHER: &str = "eu-west-3";
const BUS: &str = "shop-production-events";

/// The bus in a region.
async fn bus(client: &Client) -> Result<String> {
    let made = client.create_event_bus().name(BUS).send().await?;
    made.event_bus_arn.context("no ARN")
}

fn endpoint(aws: &LocalAws, buses: [&str; 2], health_check: &str, description: &str) -> Resource {
    let properties = GlobalEndpoint {
        description: description.to_owned(),
        health_check: text(health_check),
        primary_bus: text(buses[0]),
        secondary_bus: text(buses[1]),
        secondary_region: Region::new(OTHER),
        role: text("arn:aws:iam::000000000000:role/outrigger/shop-production-events.endpoint"),
    };
    resource(aws, "events", Properties::GlobalEndpoint(properties))
}

#[test]
fn endpoints() -> Result<()> {
    with_aws(async |aws| {
        let (here, there) = (client(aws), Client::new(&aws.sdk_config(OTHER)));
        let buses = [bus(&here).await?, bus(&there).await?];
        let buses = buses.each_ref().map(String::as_str);
        let provider = Buses::new(&aws.aws());
        let wanted = endpoint(aws, buses, "check-1", "of the shop");
        check(aws, &provider, &wanted, None).await?;
        check_faults(aws, &provider, &wanted, ["events", "CreateEndpoint"]).await?;

        let standing = target(&wanted, TOKEN);
        let observed = settle(&provider, &standing).await?;
        let id = &observed.attributes["endpoint_id"];
        ensure!(id.ends_with(".veo"), "{observed:?}");
        ensure!(
            observed.attributes["endpoint_url"] == format!("https://{id}.endpoint.events.amazonaws.com"),
            "{observed:?}"
        );
        let shown = here.describe_endpoint().name(&wanted.physical_name).send().await?;
        let failover = shown
            .routing_config()
            .and_then(|of| of.failover_config())
            .context("no routes")?;
        let primary = failover.primary().context("no primary")?;
        ensure!(
            primary.health_check() == "arn:aws:route53:::healthcheck/check-1",
            "{shown:?}"
        );
        ensure!(failover.secondary().is_some_and(|of| of.route() == OTHER), "{shown:?}");

        // Another health check, in place; and what somebody switches off is switched on.
        let other = target(&endpoint(aws, buses, "check-2", "of the shop"), TOKEN);
        let told = differences(&provider, &other).await?;
        ensure!(told == [r#"health_check: "check-2" / "check-1""#], "{told:?}");
        settle(&provider, &other).await?;
        let shown = here.describe_endpoint().name(&wanted.physical_name).send().await?;
        let off = aws_sdk_eventbridge::types::ReplicationConfig::builder()
            .state(aws_sdk_eventbridge::types::ReplicationState::Disabled)
            .build();
        here.update_endpoint()
            .name(&wanted.physical_name)
            .set_routing_config(shown.routing_config().cloned())
            .set_event_buses(Some(shown.event_buses().to_vec()))
            .replication_config(off)
            .send()
            .await?;
        let told = differences(&provider, &other).await?;
        ensure!(told == [r#"replication: "ENABLED" / "DISABLED""#], "{told:?}");
        settle(&provider, &other).await?;

        // One with another description is somebody else's.
        let foreign = target(&endpoint(aws, buses, "check-2", "of the bank"), TOKEN);
        ensure!(provider.observe(&foreign).await?.is_some_and(|seen| !seen.ours));
        remove(&provider, &other).await
    })
}
