//! Tags that are no longer wanted are taken off, of every kind that carries tags.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use outrigger_aws_cloudwatch::Alarms;
use outrigger_aws_cloudwatchlogs::LogGroups;
use outrigger_aws_iam::Roles;
use outrigger_aws_kinesis::Streams;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_aws_sns::Topics;
use outrigger_engine::ports::provider::{Observed, Provider, Target};
use outrigger_model::properties::{
    Alarm, Apply, CacheSubnetGroup, Comparison, LogGroup, MissingData, ReplicationGroup, Statistic, Stream,
};
use outrigger_model::resource::TAG_STACK;
use outrigger_model::{Kind, Properties, Resource};
use outrigger_tests::LocalAws;

use crate::caches::caches as provider_of_caches;
use crate::changes::changes_since;
use crate::clusters;
use crate::databases::{instance, parameter_group, scene};
use crate::harness::{TOKEN, Vpc, differences, resource, settle, target, text, with_aws};
use crate::roles::monitoring_role;
use crate::secrets::secret;
use crate::topics::topic;

fn cache_subnet_group(aws: &LocalAws, vpc: &Vpc) -> Resource {
    let properties = CacheSubnetGroup {
        vpc: text(&vpc.id),
        description: "private".to_owned(),
        subnets: vpc.subnets.clone(),
    };
    resource(aws, "cache", Properties::CacheSubnetGroup(properties))
}

fn cache(aws: &LocalAws, vpc: &Vpc) -> Resource {
    let properties = ReplicationGroup {
        description: "sessions".to_owned(),
        engine_version: "7.0".to_owned(),
        node_type: "cache.t3.micro".to_owned(),
        nodes: 1,
        port: 6379,
        automatic_failover: false,
        multi_az: false,
        subnet_group: text(cache_subnet_group(aws, vpc).physical_name),
        security_groups: vec![text(&vpc.group)],
        encryption_key: None,
        auth_secret: None,
        apply: Apply::Now,
        allow_replace: false,
    };
    resource(aws, "cache", Properties::ReplicationGroup(properties))
}

fn stream(aws: &LocalAws) -> Resource {
    let properties = Stream {
        shards: 1,
        retention_hours: 24,
        shard_metrics: Default::default(),
        encryption_key: None,
    };
    resource(aws, "events", Properties::Stream(properties))
}

fn alarm(aws: &LocalAws) -> Resource {
    let properties = Alarm {
        description: "no records".to_owned(),
        namespace: "AWS/Kinesis".to_owned(),
        metric: "IncomingRecords".to_owned(),
        dimensions: BTreeMap::from([("StreamName".to_owned(), text("events"))]),
        statistic: Statistic::Sum,
        comparison: Comparison::LessThan,
        threshold: 1.0,
        period_seconds: 300,
        periods: 3,
        missing_data: MissingData::Breaching,
        topics: Vec::new(),
    };
    resource(aws, "events-silent", Properties::Alarm(properties))
}

/// The tags of a resource as the SDK reads them.
async fn tags(aws: &LocalAws, resource: &Resource, observed: &Observed) -> Result<BTreeMap<String, String>> {
    let config = aws.sdk_config(aws.region());
    let name = &resource.physical_name;
    let arn = |service: &str, kind: &str| format!("arn:aws:{service}:{}:000000000000:{kind}:{name}", aws.region());
    let shown = || observed.attributes.get("arn").cloned().context("no ARN");
    let of_rds = async |kind: &str| {
        let client = aws_sdk_rds::Client::new(&config);
        let request = client.list_tags_for_resource().resource_name(arn("rds", kind));
        let tags = request.send().await?.tag_list.unwrap_or_default().into_iter();
        anyhow::Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
    };
    let of_elasticache = async |kind: &str| {
        let client = aws_sdk_elasticache::Client::new(&config);
        let request = client.list_tags_for_resource().resource_name(arn("elasticache", kind));
        let tags = request.send().await?.tag_list.unwrap_or_default().into_iter();
        anyhow::Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
    };
    match resource.key.kind {
        Kind::DbSubnetGroup => of_rds("subgrp").await,
        Kind::DbParameterGroup => of_rds("pg").await,
        Kind::DbInstance | Kind::DbClusterInstance => of_rds("db").await,
        Kind::DbCluster => of_rds("cluster").await,
        Kind::CacheSubnetGroup => of_elasticache("subnetgroup").await,
        Kind::ReplicationGroup => of_elasticache("replicationgroup").await,
        Kind::Stream => {
            let client = aws_sdk_kinesis::Client::new(&config);
            let tags = client.list_tags_for_stream().stream_name(name).send().await?.tags;
            let tags = tags.into_iter();
            Ok(tags.filter_map(|tag| Some((tag.key, tag.value?))).collect())
        }
        Kind::Secret => {
            let client = aws_sdk_secretsmanager::Client::new(&config);
            let tags = client.describe_secret().secret_id(name).send().await?.tags;
            let tags = tags.unwrap_or_default().into_iter();
            Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
        }
        Kind::Alarm => {
            let client = aws_sdk_cloudwatch::Client::new(&config);
            let request = client.list_tags_for_resource().resource_arn(shown()?);
            let tags = request.send().await?.tags.unwrap_or_default().into_iter();
            Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
        }
        Kind::LogGroup => {
            let client = aws_sdk_cloudwatchlogs::Client::new(&config);
            let request = client.list_tags_for_resource().resource_arn(shown()?);
            let tags = request.send().await?.tags.unwrap_or_default();
            Ok(tags.into_iter().collect())
        }
        Kind::Topic => {
            let client = aws_sdk_sns::Client::new(&config);
            let request = client.list_tags_for_resource().resource_arn(shown()?);
            let tags = request.send().await?.tags.unwrap_or_default().into_iter();
            Ok(tags.map(|tag| (tag.key, tag.value)).collect())
        }
        Kind::Role => {
            let client = aws_sdk_iam::Client::new(&config);
            let tags = client.list_role_tags().role_name(name).send().await?.tags;
            Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
        }
        other => bail!("{other} carries no tags here"),
    }
}

#[test]
fn tags_that_are_no_longer_wanted_are_taken_off() -> Result<()> {
    with_aws(async |aws| {
        let scene = scene(aws).await?;
        let (databases, vpc) = (&scene.provider, &scene.vpc);
        let parameters = [("log_statement", "all"), ("max_connections", "200")];
        let parameters = parameter_group(aws, "database", "postgres15", &parameters);
        let (roles, caches) = (&Roles::new(&aws.aws(), None), &provider_of_caches(&aws.aws()));
        let (streams, secrets) = (&Streams::new(&aws.aws()), &Secrets::new(&aws.aws()));
        let (alarms, log_groups) = (&Alarms::new(&aws.aws()), &LogGroups::new(&aws.aws()));
        let logs = resource(aws, "database-postgresql", Properties::LogGroup(LogGroup::default()));
        let topics = &Topics::new(&aws.aws());
        let of = scene.properties.clone();
        let of_cluster = clusters::properties(aws, of.secret, of.subnet_group, &vpc.group);
        let cluster = clusters::cluster(aws, &of_cluster);
        let member = clusters::instance(aws, &cluster, 1);
        let table: [(&dyn Provider, Resource, &str); 13] = [
            (databases, scene.subnet_group.resource, "RemoveTagsFromResource"),
            (databases, parameters, "RemoveTagsFromResource"),
            (
                databases,
                instance(aws, &scene.properties).resource,
                "RemoveTagsFromResource",
            ),
            (databases, cluster.resource, "RemoveTagsFromResource"),
            (databases, member.resource, "RemoveTagsFromResource"),
            (caches, cache_subnet_group(aws, vpc), "RemoveTagsFromResource"),
            (caches, cache(aws, vpc), "RemoveTagsFromResource"),
            (streams, stream(aws), "RemoveTagsFromStream"),
            (secrets, secret(aws), "UntagResource"),
            (alarms, alarm(aws), "UntagResource"),
            (log_groups, logs, "UntagResource"),
            (topics, topic(aws), "UntagResource"),
            (roles, monitoring_role(aws), "UntagRole"),
        ];
        for (provider, resource, call) in table {
            let key = &resource.key;
            let mut given = target(&resource, TOKEN);
            for (tag, value) in [("Owner", "data"), ("foreign", "stays")] {
                given.resource.tags.insert(tag.to_owned(), value.to_owned());
            }
            let observed = settle(provider, &given).await?;
            ensure!(tags(aws, &resource, &observed).await? == given.resource.tags, "{key}");

            let wanted = Target {
                tags_gone: ["Owner", "absent", "Name", TAG_STACK].map(str::to_owned).into(),
                ..target(&resource, TOKEN)
            };
            let told = differences(provider, &wanted).await?;
            ensure!(
                told == [r#"tags_gone: {"Owner":null} / {"Owner":"data"}"#],
                "{key}: {told:?}"
            );
            let before = aws.calls()?.len();
            let observed = settle(provider, &wanted).await?;
            let calls = changes_since(aws, before)?;
            let calls: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
            ensure!(calls == [call], "{key}: {calls:?}");
            let mut expected = resource.tags.clone();
            expected.insert("foreign".to_owned(), "stays".to_owned());
            let left = tags(aws, &resource, &observed).await?;
            ensure!(left == expected, "{key}: {left:?}");
        }
        Ok(())
    })
}
