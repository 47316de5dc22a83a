//! Functions, whose code is the control plane's, and who may invoke them.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, ensure};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use outrigger_aws_lambda::Functions;
use outrigger_engine::ports::provider::{CallErrorKind, Provider};
use outrigger_model::properties::{Function, FunctionPermission};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;

use crate::harness::{
    TOKEN, called, check, check_faults, differences, region, remove, resource, settle, subnet_texts, target, text, vpc,
    with_aws, work,
};

const CONTROL_PLANE: &str = "control";
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;

fn client(aws: &LocalAws) -> Client {
    Client::new(&aws.sdk_config(aws.region()))
}

/// A package with an executable of these bytes: a zip file whose one entry is stored as it is.
fn package(executable: &[u8]) -> Blob {
    const NAME: &[u8] = b"bootstrap";
    let mut crc = flate2::Crc::new();
    crc.update(executable);
    let length = u32::try_from(executable.len()).unwrap();
    let mut about = Vec::new();
    // Version, flags, method, time, date.
    about.extend([20, 0, 0, 0, 0, 0, 0, 0, 33, 0]);
    about.extend(crc.sum().to_le_bytes());
    about.extend(length.to_le_bytes());
    about.extend(length.to_le_bytes());
    about.extend(u16::try_from(NAME.len()).unwrap().to_le_bytes());
    about.extend([0, 0]);
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&about);
    zip.extend(NAME);
    zip.extend(executable);
    let directory = u32::try_from(zip.len()).unwrap();
    // Made on Unix; comment, disk, attributes, and where it is.
    zip.extend(b"PK\x01\x02\x14\x03");
    zip.extend(&about);
    zip.extend([0, 0, 0, 0, 0, 0, 0, 0, 0xed, 0x81]);
    zip.extend(0_u32.to_le_bytes());
    zip.extend(NAME);
    let end = u32::try_from(zip.len()).unwrap();
    zip.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    zip.extend((end - directory).to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0, 0]);
    Blob::new(zip)
}

async fn role(aws: &LocalAws, name: &str) -> Result<String> {
    let client = aws_sdk_iam::Client::new(&aws.sdk_config(aws.region()));
    let request = client.create_role().role_name(name).assume_role_policy_document(TRUST);
    let role = request.send().await?.role.context("no role")?;
    Ok(role.arn)
}

async fn function_of(client: &Client, name: &str, role: &str, package: Blob) -> Result<()> {
    client
        .create_function()
        .function_name(name)
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .role(role)
        .code(FunctionCode::builder().zip_file(package).build())
        .send()
        .await?;
    Ok(())
}

fn recorder(role: &str) -> Function {
    Function {
        description: "records events".to_owned(),
        code: "event-recorder".to_owned(),
        role: text(role),
        environment: BTreeMap::from([("EVENT_TABLE".to_owned(), text("events"))]),
        memory_mb: 128,
        timeout_seconds: 10,
        subnets: Vec::new(),
        security_groups: Vec::new(),
    }
}

fn named(aws: &LocalAws, properties: &Function) -> Resource {
    resource(aws, "recorder", Properties::Function(properties.clone()))
}

#[test]
fn functions() -> Result<()> {
    with_aws(async |aws| {
        let client = client(aws);
        let role_arn = role(aws, "recorder").await?;
        let source = format!("{CONTROL_PLANE}-event-recorder");
        let provider = Functions::new(&aws.aws(), CONTROL_PLANE, region(aws));
        let properties = recorder(&role_arn);
        let wanted = named(aws, &properties);

        // Without its code installed there is none to give it.
        let absent = provider.ensure(&target(&wanted, TOKEN), None).await.unwrap_err();
        ensure!(
            absent.kind == CallErrorKind::Invalid && absent.message.contains(&source),
            "{absent}"
        );
        function_of(&client, &source, &role_arn, package(b"one")).await?;

        let (take, give_back) = (wanted.physical_name.clone(), wanted.physical_name.clone());
        let role_of_taken = role_arn.clone();
        let taken = (
            work(&client, move |client| {
                let (name, role) = (take.clone(), role_of_taken.clone());
                async move { function_of(&client, &name, &role, package(b"theirs")).await }
            }),
            work(&client, move |client| {
                let request = client.delete_function().function_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["lambda", "CreateFunction"]).await?;

        // It has the code that is installed, and what it was told.
        let recorder = target(&wanted, TOKEN);
        let observed = settle(&provider, &recorder).await?;
        let name = &wanted.physical_name;
        let configuration = async || client.get_function_configuration().function_name(name).send().await;
        let installed = client
            .get_function_configuration()
            .function_name(&source)
            .send()
            .await?;
        let there = configuration().await?;
        ensure!(there.code_sha256() == installed.code_sha256(), "{there:?}");
        ensure!(there.runtime() == Some(&Runtime::Providedal2023), "{there:?}");
        ensure!(
            observed.attributes.get("arn").map(String::as_str) == there.function_arn(),
            "{observed:?}"
        );
        ensure!(observed.attributes.get("name") == Some(name), "{observed:?}");

        // Everything changes in place, by one call.
        let vpc = vpc(aws).await?;
        let other_role = role(aws, "other").await?;
        let mut changed = properties.clone();
        changed.description = "records more".to_owned();
        changed.role = text(&other_role);
        changed.environment.insert("MORE".to_owned(), text("1"));
        (changed.memory_mb, changed.timeout_seconds) = (256, 20);
        (changed.subnets, changed.security_groups) = (vpc.subnets.clone(), vec![text(&vpc.group)]);
        let into_vpc = target(&named(aws, &changed), TOKEN);
        let told: Vec<String> = differences(&provider, &into_vpc).await?;
        let properties_told: Vec<&str> = told.iter().filter_map(|told| told.split(':').next()).collect();
        ensure!(
            properties_told
                == [
                    "description",
                    "role",
                    "environment",
                    "memory_mb",
                    "timeout_seconds",
                    "subnets",
                    "security_groups"
                ],
            "{told:?}"
        );
        let before = called(aws, "UpdateFunctionConfiguration")?;
        settle(&provider, &into_vpc).await?;
        ensure!(
            called(aws, "UpdateFunctionConfiguration")? == before + 1,
            "not one call"
        );
        let there = configuration().await?;
        let mut subnets = there.vpc_config().context("no VPC")?.subnet_ids().to_vec();
        let mut wanted_subnets = subnet_texts(&vpc);
        subnets.sort();
        wanted_subnets.sort();
        ensure!(
            subnets == wanted_subnets && there.memory_size() == Some(256),
            "{there:?}"
        );
        // And out of the VPC again.
        settle(&provider, &recorder).await?;
        let there = configuration().await?;
        ensure!(
            there.vpc_config().is_none_or(|vpc| vpc.subnet_ids().is_empty()),
            "{there:?}"
        );

        // A newer package is installed: the function gets it.
        client
            .update_function_code()
            .function_name(&source)
            .zip_file(package(b"two"))
            .send()
            .await?;
        let told = differences(&provider, &recorder).await?;
        ensure!(
            matches!(&told[..], [one] if one.starts_with("code_sha256: ")),
            "{told:?}"
        );
        settle(&provider, &recorder).await?;
        let installed = client
            .get_function_configuration()
            .function_name(&source)
            .send()
            .await?;
        ensure!(
            configuration().await?.code_sha256() == installed.code_sha256(),
            "it has the old code"
        );

        // Tags.
        let arn = installed.function_arn().context("no ARN")?.replace(&source, name);
        client
            .untag_resource()
            .resource(&arn)
            .tag_keys("Environment")
            .send()
            .await?;
        let theirs = HashMap::from([("foreign".to_owned(), "stays".to_owned())]);
        client
            .tag_resource()
            .resource(&arn)
            .set_tags(Some(theirs))
            .send()
            .await?;
        let told = differences(&provider, &recorder).await?;
        ensure!(
            told == [r#"tags: {"Environment":"production"} / {"Environment":null}"#],
            "{told:?}"
        );
        settle(&provider, &recorder).await?;
        let tags = client.list_tags().resource(&arn).send().await?.tags.unwrap_or_default();
        ensure!(tags.get("foreign").map(String::as_str) == Some("stays"), "{tags:?}");
        let mut without = recorder.clone();
        without.tags_gone.insert("foreign".to_owned());
        settle(&provider, &without).await?;
        let tags = client.list_tags().resource(&arn).send().await?.tags.unwrap_or_default();
        ensure!(!tags.contains_key("foreign"), "{tags:?}");

        // What goes can go, whatever is installed.
        client.delete_function().function_name(&source).send().await?;
        let mut going = recorder.clone();
        going.going = true;
        remove(&provider, &going).await?;
        remove(&provider, &going).await
    })
}

#[test]
fn permissions_of_functions() -> Result<()> {
    with_aws(async |aws| {
        let client = client(aws);
        let role_arn = role(aws, "recorder").await?;
        let function = "data-processing-production-recorder";
        let provider = Functions::new(&aws.aws(), CONTROL_PLANE, region(aws));
        let rule = "arn:aws:events:us-east-1:000000000000:rule/data-processing-production-orders";
        let permission = |source: &str| {
            resource(
                aws,
                "orders",
                Properties::FunctionPermission(FunctionPermission {
                    function: text(function),
                    service: "events.amazonaws.com".to_owned(),
                    source: Some(text(source)),
                }),
            )
        };
        let wanted = permission(rule);
        // Of a function that is not there, there is none.
        ensure!(
            provider.observe(&target(&wanted, TOKEN)).await?.is_none(),
            "it is there"
        );
        function_of(&client, function, &role_arn, package(b"one")).await?;
        check(aws, &provider, &wanted, None).await?;

        let orders = target(&wanted, TOKEN);
        settle(&provider, &orders).await?;
        let policy = async || -> Result<serde_json::Value> {
            let answer = client.get_policy().function_name(function).send().await?;
            Ok(serde_json::from_str(&answer.policy.unwrap_or_default())?)
        };
        let statement = &policy().await?["Statement"][0];
        ensure!(
            statement["Principal"]["Service"] == "events.amazonaws.com",
            "{statement}"
        );
        ensure!(
            statement["Condition"]["ArnLike"]["AWS:SourceArn"] == rule,
            "{statement}"
        );

        // Somebody lets every rule invoke it.
        let id = &wanted.physical_name;
        client
            .remove_permission()
            .function_name(function)
            .statement_id(id)
            .send()
            .await?;
        client
            .add_permission()
            .function_name(function)
            .statement_id(id)
            .action("lambda:InvokeFunction")
            .principal("events.amazonaws.com")
            .send()
            .await?;
        let told = differences(&provider, &orders).await?;
        ensure!(told == [format!("source: \"{rule}\" / null")], "{told:?}");
        settle(&provider, &orders).await?;
        let statements = policy().await?;
        ensure!(
            statements["Statement"].as_array().is_some_and(|all| all.len() == 1),
            "{statements}"
        );
        ensure!(
            statements["Statement"][0]["Condition"]["ArnLike"]["AWS:SourceArn"] == rule,
            "{statements}"
        );
        remove(&provider, &orders).await?;
        remove(&provider, &orders).await
    })
}
