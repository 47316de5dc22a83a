//! Dashboards.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use aws_sdk_cloudwatch::Client;
use outrigger_aws_cloudwatch::Alarms;
use outrigger_engine::ports::provider::{CallErrorKind, Provider, Target};
use outrigger_model::properties::{Dashboard, Statistic, Widget, WidgetMetric};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{
    TOKEN, check, check_faults, differences, region, remove, resource, settle, target, text, with_aws, work,
};

fn dashboard(aws: &LocalAws, title: &str) -> Resource {
    let metric = WidgetMetric {
        namespace: "AWS/Kinesis".to_owned(),
        metric: "IncomingRecords".to_owned(),
        dimensions: BTreeMap::from([("StreamName".to_owned(), text("events"))]),
        statistic: Statistic::Sum,
    };
    let widget = Widget {
        title: title.to_owned(),
        region: region(aws),
        metrics: vec![metric],
    };
    let properties = Dashboard {
        text: "# data-processing/production".to_owned(),
        widgets: vec![widget],
    };
    resource(aws, "main", Properties::Dashboard(properties))
}

async fn body(client: &Client, name: &str) -> Result<Value> {
    let shown = client.get_dashboard().dashboard_name(name).send().await?;
    Ok(serde_json::from_str(shown.dashboard_body().context("no body")?)?)
}

#[test]
fn dashboards() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = Alarms::new(&aws.aws());
        let wanted = dashboard(aws, "records");
        let name = wanted.physical_name.clone();
        ensure!(name.ends_with(aws.region()), "dashboards are the account's: {name}");
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let request = client.put_dashboard().dashboard_name(&take);
                let request = request.dashboard_body(json!({ "widgets": [] }).to_string());
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_dashboards().dashboard_names(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["cloudwatch", "PutDashboard"]).await?;

        // One that is not ours is not replaced, although the call would.
        let theirs = client.put_dashboard().dashboard_name(&name);
        theirs.dashboard_body(r#"{"widgets":[]}"#).send().await?;
        let known = target(&wanted, TOKEN);
        let create = provider.ensure(&known, None).await.map_err(|error| error.kind);
        ensure!(create == Err(CallErrorKind::Exists), "{create:?}");
        ensure!(body(&client, &name).await? == json!({ "widgets": [] }));
        client.delete_dashboards().dashboard_names(&name).send().await?;

        let observed = settle(&provider, &known).await?;
        let arn = observed.attributes["arn"].clone();
        let shown = body(&client, &name).await?;
        ensure!(
            shown["widgets"][1]["properties"]["metrics"]
                == json!([["AWS/Kinesis", "IncomingRecords", "StreamName", "events", { "stat": "Sum" }]]),
            "{shown}"
        );

        // Written another way it is the same; what somebody else has changed is told, and put right.
        let pretty = serde_json::to_string_pretty(&shown)?;
        let put = client.put_dashboard().dashboard_name(&name).dashboard_body(pretty);
        put.send().await?;
        ensure!(differences(&provider, &known).await?.is_empty());
        let put = client.put_dashboard().dashboard_name(&name);
        put.dashboard_body(r#"{"widgets":[]}"#).send().await?;
        client
            .untag_resource()
            .resource_arn(&arn)
            .tag_keys("Environment")
            .send()
            .await?;
        let told = differences(&provider, &known).await?;
        ensure!(told.len() == 2 && told[0].starts_with("body: "), "{told:?}");
        ensure!(
            told[1] == r#"tags: {"Environment":"production"} / {"Environment":null}"#,
            "{told:?}"
        );
        settle(&provider, &known).await?;
        ensure!(body(&client, &name).await? == shown);

        // A change is made in place, tags included.
        let mut changed = Target {
            resource: dashboard(aws, "other records"),
            ..known.clone()
        };
        changed.resource.tags.remove("Environment");
        changed.tags_gone.insert("Environment".to_owned());
        settle(&provider, &changed).await?;
        let shown = body(&client, &name).await?;
        ensure!(shown["widgets"][1]["properties"]["title"] == "other records", "{shown}");
        let tags = client.list_tags_for_resource().resource_arn(&arn).send().await?;
        ensure!(
            !tags.tags().iter().any(|tag| tag.key() == Some("Environment")),
            "{tags:?}"
        );
        remove(&provider, &changed).await
    })
}
