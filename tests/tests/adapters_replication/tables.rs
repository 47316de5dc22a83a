//! Tables, with their replicas.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, BillingMode, PointInTimeRecoverySpecification, ProvisionedThroughput, Tag,
};
use outrigger_aws_dynamodb::Tables;
use outrigger_engine::ports::provider::{CallErrorKind, Progress, Provider, Target};
use outrigger_model::properties::Table;
use outrigger_model::{Properties, Region, Resource};
use outrigger_tests::LocalAws;

use crate::harness::{
    TOKEN, called, check, check_faults, differences, remove, resource, settle, target, with_aws, work,
};

const OTHER: &str = "us-east-2";

fn table(aws: &LocalAws, replicas: &[&str], change: impl FnOnce(&mut Table)) -> Resource {
    let mut table = Table {
        key: "id".to_owned(),
        sort_key: Some("at".to_owned()),
        replicas: replicas.iter().copied().map(Region::new).collect(),
        point_in_time_recovery: true,
        deletion_protection: false,
        allow_replace: false,
    };
    change(&mut table);
    resource(aws, "orders", Properties::Table(table))
}

fn client(aws: &LocalAws, region: &str) -> Client {
    Client::new(&aws.sdk_config(region))
}

/// The tags, whether it can be restored, and whether it is protected.
async fn own(client: &Client, name: &str) -> Result<(BTreeSet<String>, bool, bool)> {
    let described = client.describe_table().table_name(name).send().await?;
    let described = described.table.context("no table")?;
    let arn = described.table_arn.context("no ARN")?;
    let tags = client.list_tags_of_resource().resource_arn(arn).send().await?;
    let tags = tags
        .tags
        .unwrap_or_default()
        .into_iter()
        .map(|tag| format!("{}={}", tag.key, tag.value));
    let backups = client.describe_continuous_backups().table_name(name).send().await?;
    let backups = backups.continuous_backups_description.context("no backups")?;
    let recovery = backups.point_in_time_recovery_description.context("no recovery")?;
    let recovery = recovery.point_in_time_recovery_status.context("no status")?;
    let protected = described.deletion_protection_enabled.unwrap_or_default();
    Ok((tags.collect(), recovery.as_str() == "ENABLED", protected))
}

#[test]
fn tables_conform() -> Result<()> {
    with_aws(async |aws| {
        let provider = Tables::new(&aws.aws());
        let client = client(aws, aws.region());
        let wanted = table(aws, &[OTHER], |_| {});
        let name = wanted.physical_name.clone();
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let key = aws_sdk_dynamodb::types::KeySchemaElement::builder().attribute_name("id");
                let key = key.key_type(aws_sdk_dynamodb::types::KeyType::Hash).build();
                let attribute = aws_sdk_dynamodb::types::AttributeDefinition::builder().attribute_name("id");
                let attribute = attribute
                    .attribute_type(aws_sdk_dynamodb::types::ScalarAttributeType::S)
                    .build();
                let request = client
                    .create_table()
                    .table_name(&take)
                    .billing_mode(BillingMode::PayPerRequest);
                async move {
                    let request = request.key_schema(key?).attribute_definitions(attribute?);
                    Ok(request.send().await.map(drop)?)
                }
            }),
            work(&client, move |client| {
                let request = client.delete_table().table_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["dynamodb", "CreateTable"]).await
    })
}

#[test]
fn what_is_written_in_one_region_is_read_in_the_other() -> Result<()> {
    with_aws(async |aws| {
        let provider = Tables::new(&aws.aws());
        let [here, there] = [aws.region(), OTHER].map(|region| client(aws, region));
        let mut wanted = target(&table(aws, &[OTHER], |_| {}), TOKEN);
        let name = wanted.resource.physical_name.clone();
        let observed = settle(&provider, &wanted).await?;
        wanted.id = Some(observed.id.clone());
        let arn = format!("arn:aws:dynamodb:{}:000000000000:table/{name}", aws.region());
        ensure!(observed.attributes["arn"] == arn && observed.attributes["name"] == name);
        ensure!(
            observed.attributes["replica_arn"] == arn.replace(aws.region(), OTHER),
            "{observed:?}"
        );

        // As it stands, in each region.
        let described = here.describe_table().table_name(&name).send().await?;
        let described = described.table().context("no table")?;
        let keys: Vec<_> = described.key_schema().iter().map(|key| key.attribute_name()).collect();
        ensure!(keys == ["id", "at"], "{keys:?}");
        let stream = described.stream_specification().and_then(|of| of.stream_view_type());
        ensure!(
            stream.is_some_and(|view| view.as_str() == "NEW_AND_OLD_IMAGES"),
            "{described:?}"
        );
        for client in [&here, &there] {
            let (tags, recovery, protected) = own(client, &name).await?;
            ensure!(
                recovery && !protected && tags.contains("outrigger:stack=data-processing"),
                "{tags:?}"
            );
            ensure!(tags.contains("Environment=production") && tags.len() == wanted.resource.tags.len());
        }

        // Both ways.
        for (from, to, id) in [(&here, &there, "one"), (&there, &here, "two")] {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            let put = from
                .put_item()
                .table_name(&name)
                .item("id", text(id))
                .item("at", text("noon"));
            put.send().await?;
            let get = to
                .get_item()
                .table_name(&name)
                .key("id", text(id))
                .key("at", text("noon"));
            ensure!(get.send().await?.item.is_some(), "{id} did not arrive");
        }

        // What somebody changes in the other region is told, and put right.
        let replica = observed.attributes["replica_arn"].clone();
        there
            .untag_resource()
            .resource_arn(&replica)
            .tag_keys("Environment")
            .send()
            .await?;
        there
            .update_table()
            .table_name(&name)
            .deletion_protection_enabled(true)
            .send()
            .await?;
        let off = PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(false)
            .build()?;
        let request = there.update_continuous_backups().table_name(&name);
        request.point_in_time_recovery_specification(off).send().await?;
        let told = differences(&provider, &wanted).await?;
        ensure!(
            told == [
                r#"replica_tags: {"us-east-2":{"Environment":"production"}} / {"us-east-2":{"Environment":null}}"#,
                r#"replica_point_in_time_recovery: {"us-east-2":true} / {"us-east-2":false}"#,
                r#"replica_deletion_protection: {"us-east-2":false} / {"us-east-2":true}"#,
            ],
            "{told:?}"
        );
        settle(&provider, &wanted).await?;
        let foreign = Tag::builder().key("Cost").value("ours").build()?;
        there.tag_resource().resource_arn(&replica).tags(foreign).send().await?;
        ensure!(differences(&provider, &wanted).await?.is_empty(), "tags of others stay");
        let gone = Target {
            tags_gone: BTreeSet::from(["Cost".to_owned()]),
            ..wanted.clone()
        };
        settle(&provider, &gone).await?;
        ensure!(!own(&there, &name).await?.0.contains("Cost=ours"));

        // Replicas first, then the table.
        remove(&provider, &wanted).await?;
        for client in [&here, &there] {
            let left = client.list_tables().send().await?.table_names.unwrap_or_default();
            ensure!(left.is_empty(), "{left:?}");
        }
        let observed = settle(&provider, &target(&table(aws, &[OTHER], |_| {}), TOKEN)).await?;
        remove(&provider, &wanted).await?;
        ensure!(
            provider.delete(&wanted, &observed).await? == Progress::Done,
            "absent means done"
        );
        Ok(())
    })
}

#[test]
fn what_can_change_changes_in_place() -> Result<()> {
    with_aws(async |aws| {
        let provider = Tables::new(&aws.aws());
        let [here, there] = [aws.region(), OTHER].map(|region| client(aws, region));
        let alone = target(&table(aws, &[], |_| {}), TOKEN);
        let name = alone.resource.physical_name.clone();
        let observed = settle(&provider, &alone).await?;
        ensure!(!observed.attributes.contains_key("replica_arn"), "{observed:?}");
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = here
            .put_item()
            .table_name(&name)
            .item("id", text("old"))
            .item("at", text("dawn"));
        put.send().await?;

        // The document's second region comes: what is in the table comes with it.
        let protected = |table: &mut Table| {
            table.deletion_protection = true;
            table.point_in_time_recovery = false;
        };
        let both = target(&table(aws, &[OTHER], protected), TOKEN);
        settle(&provider, &both).await?;
        let get = there
            .get_item()
            .table_name(&name)
            .key("id", text("old"))
            .key("at", text("dawn"));
        ensure!(
            get.send().await?.item.is_some(),
            "what was there before has not come along"
        );
        for client in [&here, &there] {
            let (_, recovery, protected) = own(client, &name).await?;
            ensure!(!recovery && protected);
        }
        ensure!(called(aws, "CreateTable")? == 1, "in place");

        // Somebody makes it provisioned.
        let units = ProvisionedThroughput::builder()
            .read_capacity_units(5)
            .write_capacity_units(5)
            .build()?;
        let request = here
            .update_table()
            .table_name(&name)
            .billing_mode(BillingMode::Provisioned);
        request.provisioned_throughput(units).send().await?;
        let told = differences(&provider, &both).await?;
        ensure!(told == [r#"billing: "PAY_PER_REQUEST" / "PROVISIONED""#], "{told:?}");
        settle(&provider, &both).await?;

        // Protected, it does not go; but what an operation made itself does.
        let observed = provider.observe(&both).await?.context("nothing is there")?;
        let refused = provider.delete(&both, &observed).await?;
        ensure!(
            matches!(&refused, Progress::Blocked { reason } if reason.contains("is protected")),
            "{refused:?}"
        );

        // The region goes, and the replica with it, protected or not.
        settle(&provider, &target(&table(aws, &[], protected), TOKEN)).await?;
        let left = there.list_tables().send().await?.table_names.unwrap_or_default();
        ensure!(left.is_empty(), "{left:?}");
        let get = here
            .get_item()
            .table_name(&name)
            .key("id", text("old"))
            .key("at", text("dawn"));
        ensure!(get.send().await?.item.is_some(), "the table's own items are gone");

        // What an operation made itself goes, protected or not.
        let unprotected = Target {
            unprotect: true,
            ..both.clone()
        };
        settle(&provider, &both).await?;
        remove(&provider, &unprotected).await?;

        // A table of the same name in the other region is not taken over.
        let foreign = settle(&provider, &alone).await;
        foreign?;
        let key = aws_sdk_dynamodb::types::KeySchemaElement::builder().attribute_name("id");
        let attribute = aws_sdk_dynamodb::types::AttributeDefinition::builder().attribute_name("id");
        let request = there
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest);
        let request = request.key_schema(key.key_type(aws_sdk_dynamodb::types::KeyType::Hash).build()?);
        let attribute = attribute
            .attribute_type(aws_sdk_dynamodb::types::ScalarAttributeType::S)
            .build()?;
        request.attribute_definitions(attribute).send().await?;
        let observed = provider.observe(&both).await?;
        let mut refused = None;
        for _ in 0..5 {
            match provider.ensure(&both, provider.observe(&both).await?.as_ref()).await {
                Ok(_) => {}
                Err(error) => refused = Some(error),
            }
        }
        let refused = refused.context("a foreign table was taken for a replica")?;
        ensure!(
            refused.kind == CallErrorKind::Invalid && refused.message.contains("already existed"),
            "{refused}"
        );
        ensure!(observed.is_some());
        Ok(())
    })
}
