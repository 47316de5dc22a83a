//! Health checks.

use anyhow::{Context, Result, ensure};
use aws_sdk_route53::Client;
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType, TagResourceType};
use outrigger_aws_route53::HealthChecks;
use outrigger_engine::ports::provider::{CallErrorKind, Progress, Provider, Target};
use outrigger_model::properties::{HealthCheck, HealthCheckProtocol};
use outrigger_model::{Properties, Region, Resource};
use outrigger_tests::LocalAws;

use crate::harness::{TOKEN, check, differences, remove, resource, settle, target, text, with_aws};

fn health_check(aws: &LocalAws, host: &str, path: &str, failures: u32) -> Resource {
    let properties = HealthCheck {
        host: text(host),
        region: Region::new(aws.region()),
        protocol: HealthCheckProtocol::Http,
        port: 443,
        path: path.to_owned(),
        interval_seconds: 30,
        failures,
    };
    resource(aws, "main.here", Properties::HealthCheck(properties))
}

const HOST: &str = "shop-0123456789abcdef.elb.us-east-1.amazonaws.com";

async fn ids(client: &Client) -> Result<Vec<String>> {
    let all = client.list_health_checks().send().await?;
    Ok(all.health_checks().iter().map(|of| of.id().to_owned()).collect())
}

#[test]
fn health_checks() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config("us-east-1"));
        let provider = HealthChecks::new(&aws.aws());
        let wanted = health_check(aws, HOST, "/active", 3);
        // Somebody else's of the same endpoint is another one, and stays; so do more of them than a page holds.
        for number in 0..120 {
            let config = HealthCheckConfig::builder()
                .r#type(HealthCheckType::Http)
                .fully_qualified_domain_name(HOST)
                .build()?;
            let request = client
                .create_health_check()
                .caller_reference(format!("theirs-{number}"));
            request.health_check_config(config).send().await?;
        }
        check(aws, &provider, &wanted, None).await?;

        let mut known = target(&wanted, TOKEN);
        let observed = settle(&provider, &known).await?;
        known.id = Some(observed.id.clone());
        let arn = format!("arn:aws:route53:::healthcheck/{}", observed.id);
        ensure!(observed.attributes["arn"] == arn, "{observed:?}");
        let shown = client.get_health_check().health_check_id(&observed.id).send().await?;
        let config = shown
            .health_check
            .and_then(|of| of.health_check_config)
            .context("no config")?;
        ensure!(
            config.r#type() == &HealthCheckType::Http
                && config.fully_qualified_domain_name() == Some(HOST)
                && config.port() == Some(443)
                && config.resource_path() == Some("/active")
                && config.request_interval() == Some(30)
                && config.failure_threshold() == Some(3),
            "{config:?}"
        );

        // A change is made in place, and what somebody else has changed is told and put right.
        let changed = Target {
            resource: health_check(aws, "other.elb.us-east-1.amazonaws.com", "/health", 2),
            ..known.clone()
        };
        ensure!(settle(&provider, &changed).await?.id == observed.id);
        settle(&provider, &known).await?;
        let tags = client
            .change_tags_for_resource()
            .resource_type(TagResourceType::Healthcheck);
        tags.resource_id(&observed.id)
            .remove_tag_keys("Environment")
            .send()
            .await?;
        let by_hand = client.update_health_check().health_check_id(&observed.id);
        by_hand
            .resource_path("/")
            .failure_threshold(9)
            .disabled(true)
            .send()
            .await?;
        let told = differences(&provider, &known).await?;
        let expected = [
            r#"path: "/active" / "/""#,
            "failures: 3 / 9",
            "disabled: false / true",
            r#"tags: {"Environment":"production"} / {"Environment":null}"#,
        ];
        ensure!(told == expected, "{told:?}");
        settle(&provider, &known).await?;
        let mut gone = known.clone();
        gone.resource.tags.remove("Environment");
        gone.tags_gone.insert("Environment".to_owned());
        settle(&provider, &gone).await?;

        // Type and interval stay as they were created: that is for another one, which the plan makes.
        let mut other = known.clone();
        if let Properties::HealthCheck(wanted) = &mut other.resource.properties {
            wanted.interval_seconds = 10;
        }
        let seen = provider.observe(&other).await?;
        let blocked = provider.ensure(&other, seen.as_ref()).await?;
        ensure!(matches!(blocked, Progress::Blocked { .. }), "{blocked:?}");

        remove(&provider, &known).await?;
        ensure!(ids(&client).await?.len() == 100, "the first page is theirs");
        Ok(())
    })
}

#[test]
fn a_reference_counts_once() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config("us-east-1"));
        let provider = HealthChecks::new(&aws.aws());
        let wanted = health_check(aws, HOST, "/active", 3);
        let first = target(&wanted, TOKEN);
        // A lost answer, and the same call again: there is one, and it is ours before it has any tags.
        ensure!(matches!(
            provider.ensure(&first, None).await?,
            Progress::InProgress { .. }
        ));
        ensure!(matches!(
            provider.ensure(&first, None).await?,
            Progress::InProgress { .. }
        ));
        let made = ids(&client).await?;
        ensure!(made.len() == 1, "{made:?}");
        let seen = provider.observe(&first).await?.context("it is not seen")?;
        ensure!(
            seen.ours && seen.id == made[0] && seen.duplicates.is_empty(),
            "{seen:?}"
        );

        // Another intent makes another one, which is told as what it is.
        let second = target(&wanted, "0001700000000001-test");
        provider.ensure(&second, None).await?;
        let seen = provider.observe(&first).await?.context("it is not seen")?;
        ensure!(seen.id == made[0] && seen.duplicates.len() == 1, "{seen:?}");

        // What was deleted has used up its reference: the executor comes back with another token.
        for id in ids(&client).await? {
            client.delete_health_check().health_check_id(id).send().await?;
        }
        let again = provider.ensure(&first, None).await.map_err(|error| error.kind);
        ensure!(again == Err(CallErrorKind::NotYet), "{again:?}");
        let third = target(&wanted, "0001700000000002-test");
        settle(&provider, &third).await?;
        remove(&provider, &third).await?;
        ensure!(ids(&client).await?.is_empty());
        Ok(())
    })
}
