//! Log groups.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use outrigger_aws_cloudwatchlogs::LogGroups;
use outrigger_model::Properties;
use outrigger_model::properties::LogGroup;

use crate::harness::{TOKEN, check, check_faults, differences, remove, resource, settle, target, with_aws, work};

#[test]
fn log_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_cloudwatchlogs::Client::new(&aws.sdk_config(aws.region()));
        let provider = LogGroups::new(&aws.aws());
        let mut wanted = resource(aws, "database-postgresql", Properties::LogGroup(LogGroup {}));
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
