//! Parameters.

use anyhow::{Context, Result, ensure};
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterType as SdkType, ResourceTypeForTagging, Tag};
use outrigger_aws_ssm::Parameters;
use outrigger_engine::ports::provider::{CallErrorKind, Progress, Provider, Target};
use outrigger_model::properties::{Parameter, ParameterType};
use outrigger_model::resource::TAG_RESOURCE;
use outrigger_model::{Properties, Region, Resource, ResourceKey};
use outrigger_tests::LocalAws;

use crate::changes::changes_since;
use crate::harness::{TOKEN, check, check_faults, differences, remove, resource, settle, target, text, with_aws, work};

const OTHER: &str = "us-east-2";

fn plain(aws: &LocalAws, value: &str) -> Resource {
    let properties = Parameter {
        kind: ParameterType::String,
        value: Some(text(value)),
        copy_of: None,
    };
    resource(aws, "feature-flags", Properties::Parameter(properties))
}

fn generated(aws: &LocalAws) -> Resource {
    let properties = Parameter {
        kind: ParameterType::SecureString,
        value: None,
        copy_of: None,
    };
    resource(aws, "api-key", Properties::Parameter(properties))
}

/// The one in the other region that follows it.
fn copy(aws: &LocalAws, arn: &str) -> Resource {
    let mut resource = generated(aws);
    resource.key = ResourceKey::new(&Region::new(OTHER), resource.key.kind, resource.key.name);
    resource.tags.insert(TAG_RESOURCE.to_owned(), resource.key.to_string());
    resource.properties = Properties::Parameter(Parameter {
        kind: ParameterType::SecureString,
        value: None,
        copy_of: Some(text(arn)),
    });
    resource
}

async fn value(client: &Client, name: &str) -> Result<String> {
    let output = client.get_parameter().name(name).with_decryption(true).send().await?;
    output.parameter.and_then(|of| of.value).context("no value")
}

/// Sets a value behind Outrigger's back.
async fn set(client: &Client, name: &str, value: &str) -> Result<()> {
    client
        .put_parameter()
        .name(name)
        .value(value)
        .overwrite(true)
        .send()
        .await?;
    Ok(())
}

#[test]
fn values_that_are_said() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = Parameters::new(&aws.aws());
        let wanted = plain(aws, r#"{"beta": false}"#);
        let name = wanted.physical_name.clone();
        ensure!(name == "/data-processing/production/feature-flags", "{name}");
        // Others whose names begin so; with more than a page of them, it is found nevertheless.
        for number in 0..30 {
            let put = client.put_parameter().name(format!("{name}-{number}")).value("a");
            put.r#type(SdkType::String).send().await?;
        }
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let put = client
                    .put_parameter()
                    .name(&take)
                    .value("theirs")
                    .r#type(SdkType::String);
                async move { Ok(put.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_parameter().name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["ssm", "PutParameter"]).await?;

        let given = target(&wanted, TOKEN);
        let observed = settle(&provider, &given).await?;
        let arn = format!("arn:aws:ssm:{}:000000000000:parameter{name}", aws.region());
        ensure!(
            observed.id == arn && observed.attributes["arn"] == arn && observed.attributes["name"] == name,
            "{observed:?}"
        );
        let put = aws.calls()?.into_iter().rfind(|call| call.operation == "PutParameter");
        let put = put.context("nothing was put")?;
        ensure!(
            put.parameters["Tier"] == "Standard" && put.parameters["Overwrite"] == false,
            "{put:?}"
        );

        // Another value in place, with one call and without tags.
        let other = target(&plain(aws, "on"), TOKEN);
        let told = differences(&provider, &other).await?;
        ensure!(told == [r#"value: "on" / "{\"beta\": false}""#], "{told:?}");
        let before = aws.calls()?.len();
        settle(&provider, &other).await?;
        let calls = changes_since(aws, before)?;
        let calls: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
        ensure!(
            calls == ["PutParameter"] && value(&client, &name).await? == "on",
            "{calls:?}"
        );

        // Set by somebody else, it is put back; tags as well, and those that are not wanted go.
        set(&client, &name, "off").await?;
        for [key, value] in [["Environment", "other"], ["Owner", "us"], ["foreign", "stays"]] {
            let tag = Tag::builder().key(key).value(value).build()?;
            let request = client
                .add_tags_to_resource()
                .resource_type(ResourceTypeForTagging::Parameter);
            request.resource_id(&name).tags(tag).send().await?;
        }
        let tagged = Target {
            tags_gone: ["Owner".to_owned(), "Name".to_owned()].into(),
            ..other.clone()
        };
        let told = differences(&provider, &tagged).await?;
        let expected = [
            r#"value: "on" / "off""#,
            r#"tags: {"Environment":"production"} / {"Environment":"other"}"#,
            r#"tags_gone: {"Owner":null} / {"Owner":"us"}"#,
        ];
        ensure!(told == expected, "{told:?}");
        settle(&provider, &tagged).await?;
        ensure!(value(&client, &name).await? == "on");
        let request = client
            .list_tags_for_resource()
            .resource_type(ResourceTypeForTagging::Parameter);
        let left = request.resource_id(&name).send().await?.tag_list.unwrap_or_default();
        ensure!(
            left.iter().any(|tag| tag.key == "foreign") && left.len() == wanted.tags.len() + 1,
            "{left:?}"
        );

        // What is too long is told before AWS is asked.
        let long = target(&plain(aws, &"a".repeat(4097)), TOKEN);
        let observed = provider.observe(&long).await?;
        let error = provider.ensure(&long, observed.as_ref()).await.unwrap_err();
        ensure!(
            error.kind == CallErrorKind::Invalid && error.message.contains("4097 bytes"),
            "{error}"
        );

        // The type stays.
        let secure = target(&resource(aws, "feature-flags", generated(aws).properties), TOKEN);
        let told = differences(&provider, &secure).await?;
        ensure!(told == [r#"type: "secure_string" / "string""#], "{told:?}");
        let observed = provider.observe(&secure).await?;
        let progress = provider.ensure(&secure, observed.as_ref()).await?;
        ensure!(matches!(progress, Progress::Blocked { .. }), "{progress:?}");

        remove(&provider, &given).await?;
        // Gone meanwhile is gone.
        let progress = provider.delete(&given, &observed.context("nothing was there")?).await?;
        ensure!(progress == Progress::Done, "{progress:?}");
        Ok(())
    })
}

#[test]
fn a_generated_value_is_the_same_in_the_other_region_and_is_never_told() -> Result<()> {
    with_aws(async |aws| {
        let [client, there] = [aws.region(), OTHER].map(|region| Client::new(&aws.sdk_config(region)));
        let provider = Parameters::new(&aws.aws());
        let first = generated(aws);
        let name = first.physical_name.clone();
        check(aws, &provider, &first, None).await?;
        check_faults(aws, &provider, &first, ["ssm", "PutParameter"]).await?;

        let first = target(&first, TOKEN);
        let arn = format!("arn:aws:ssm:{}:000000000000:parameter{name}", aws.region());
        let second = copy(aws, &arn);
        // Before there is one in the first region, there is nothing to copy.
        let early = provider
            .ensure(&target(&second, TOKEN), None)
            .await
            .map_err(|error| error.kind);
        ensure!(early == Err(CallErrorKind::NotYet), "{early:?}");

        settle(&provider, &first).await?;
        let generated = value(&client, &name).await?;
        ensure!(
            generated.len() == 32 && generated.chars().all(|char| char.is_ascii_alphanumeric()),
            "{} characters",
            generated.len()
        );
        check(aws, &provider, &second, None).await?;
        let second = target(&second, TOKEN);
        settle(&provider, &second).await?;
        ensure!(value(&there, &name).await? == generated);
        // Nobody looks at it where there is nothing to compare it with.
        let before = aws.calls()?.len();
        provider.observe(&first).await?;
        let looks = aws.calls()?[before..].to_vec();
        ensure!(looks.iter().all(|call| call.operation != "GetParameter"), "{looks:?}");

        // Changed in the other region, it is put back; changed in the first one, it is copied.
        for (changed, set_to, left) in [
            (&there, "tampered-with", &generated),
            (&client, "by-hand", &"by-hand".to_owned()),
        ] {
            set(changed, &name, set_to).await?;
            ensure!(differences(&provider, &first).await?.is_empty());
            let told = differences(&provider, &second).await?;
            ensure!(
                told == [r#"value: "that of us-east-1" / "differs from us-east-1""#],
                "{told:?}"
            );
            settle(&provider, &second).await?;
            ensure!(value(&there, &name).await? == *left && value(&client, &name).await? == *left);
        }
        // Without the first one there is nothing to hold it against.
        remove(&provider, &first).await?;
        ensure!(differences(&provider, &second).await?.is_empty());
        remove(&provider, &second).await?;

        // The log of calls, which redacts what it is told, is all that could tell it.
        let log = format!("{:?}", aws.calls()?);
        ensure!(!log.contains(&generated) && !log.contains("by-hand"));
        Ok(())
    })
}
