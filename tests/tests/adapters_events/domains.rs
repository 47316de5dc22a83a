//! Domain names of APIs, and where below them a stage answers.

use anyhow::{Context, Result, ensure};
use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::types::{IntegrationType, Op, PatchOperation};
use outrigger_aws_apigateway::Apis;
use outrigger_engine::ports::provider::{CallErrorKind, Provider};
use outrigger_model::properties::{ApiDomain, ApiMapping};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;

use crate::harness::{TOKEN, check, check_faults, differences, remove, resource, settle, target, text, with_aws, work};

const DOMAIN: &str = "api.example.com";

fn certificate(aws: &LocalAws, id: &str) -> String {
    format!("arn:aws:acm:{}:000000000000:certificate/{id}", aws.region())
}

fn domain(aws: &LocalAws, certificate_id: &str) -> Resource {
    let properties = ApiDomain {
        domain: DOMAIN.to_owned(),
        certificate: certificate(aws, certificate_id),
    };
    resource(aws, "shop.api.example.com", Properties::ApiDomain(properties))
}

fn mapping(aws: &LocalAws, api: &str, stage: &str) -> Resource {
    let properties = ApiMapping {
        domain: text(DOMAIN),
        base_path: Some("v1".to_owned()),
        api: text(api),
        stage: stage.to_owned(),
    };
    resource(aws, "shop.api.example.com/v1", Properties::ApiMapping(properties))
}

/// An API with two stages.
async fn api(client: &Client) -> Result<String> {
    let api = client.create_rest_api().name("shop").send().await?;
    let api = api.id.context("no id")?;
    let resources = client.get_resources().rest_api_id(&api).send().await?;
    let root = resources
        .items()
        .first()
        .and_then(|root| root.id())
        .context("no root")?;
    let request = client
        .put_method()
        .rest_api_id(&api)
        .resource_id(root)
        .http_method("GET");
    request.authorization_type("NONE").send().await?;
    let request = client
        .put_integration()
        .rest_api_id(&api)
        .resource_id(root)
        .http_method("GET");
    request.r#type(IntegrationType::Mock).send().await?;
    let deployment = client.create_deployment().rest_api_id(&api).send().await?;
    for stage in ["blue", "green"] {
        let request = client.create_stage().rest_api_id(&api).stage_name(stage);
        request.set_deployment_id(deployment.id.clone()).send().await?;
    }
    Ok(api)
}

#[test]
fn domains_and_mappings() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = Apis::new(&aws.aws());
        let wanted = domain(aws, "one");
        let arn = certificate(aws, "one");
        let taken = (
            work(&client, move |client| {
                let request = client
                    .create_domain_name()
                    .domain_name(DOMAIN)
                    .regional_certificate_arn(&arn);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_domain_name().domain_name(DOMAIN);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["apigateway", "CreateDomainName"]).await?;

        let standing = target(&wanted, TOKEN);
        let observed = settle(&provider, &standing).await?;
        ensure!(
            observed.id == DOMAIN && observed.attributes["target"].contains(".execute-api."),
            "{observed:?}"
        );
        // Another certificate, in place; and what somebody else weakens is put right.
        let other = target(&domain(aws, "two"), TOKEN);
        let told = differences(&provider, &other).await?;
        ensure!(told.len() == 1 && told[0].starts_with("certificate: "), "{told:?}");
        settle(&provider, &other).await?;
        let weaker = PatchOperation::builder()
            .op(Op::Replace)
            .path("/securityPolicy")
            .value("TLS_1_0");
        let request = client.update_domain_name().domain_name(DOMAIN);
        request.patch_operations(weaker.build()).send().await?;
        let told = differences(&provider, &other).await?;
        ensure!(told == [r#"security_policy: "TLS_1_2" / "TLS_1_0""#], "{told:?}");
        settle(&provider, &other).await?;
        // One of another region is refused for good.
        let mut elsewhere = target(&domain(aws, "two"), TOKEN);
        if let Properties::ApiDomain(properties) = &mut elsewhere.resource.properties {
            properties.certificate = "arn:aws:acm:eu-west-3:000000000000:certificate/two".to_owned();
        }
        let seen = provider.observe(&elsewhere).await?;
        let refused = provider
            .ensure(&elsewhere, seen.as_ref())
            .await
            .map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::Invalid), "{refused:?}");

        let api = api(&client).await?;
        let wanted = mapping(aws, &api, "blue");
        check(aws, &provider, &wanted, None).await?;
        let to_blue = target(&wanted, TOKEN);
        let seen = settle(&provider, &to_blue).await?;
        ensure!(seen.attributes["url"] == "https://api.example.com/v1", "{seen:?}");
        let to_green = target(&mapping(aws, &api, "green"), TOKEN);
        let told = differences(&provider, &to_green).await?;
        ensure!(told == [r#"stage: "green" / "blue""#], "{told:?}");
        settle(&provider, &to_green).await?;
        let request = client.get_base_path_mapping().domain_name(DOMAIN).base_path("v1");
        let there = request.send().await?;
        ensure!(
            there.stage() == Some("green") && there.rest_api_id() == Some(&api),
            "{there:?}"
        );
        remove(&provider, &to_green).await?;
        remove(&provider, &other).await?;
        client.delete_rest_api().rest_api_id(&api).send().await?;
        Ok(())
    })
}
