//! Cache subnet groups and replication groups.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use outrigger_aws::Aws;
use outrigger_aws_elasticache::{Caches, redis_versions};
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::provider::{CallErrorKind, Provider, Target};
use outrigger_model::Properties;
use outrigger_model::properties::{Apply, CacheSubnetGroup, ReplicationGroup};
use serde_json::json;

use crate::harness::{
    TOKEN, check, check_faults, region, remove, resource, settle, slow, subnet_texts, target, text, vpc, with_aws, work,
};

/// The provider, with the secrets that it reads AUTH tokens from.
pub(crate) fn caches(aws: &Aws) -> Caches {
    Caches::new(aws, Arc::new(Secrets::new(aws)))
}

#[test]
fn cache_subnet_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_elasticache::Client::new(&aws.sdk_config(aws.region()));
        let provider = crate::caches::caches(&aws.aws());
        let vpc = vpc(aws).await?;
        let group = |description: &str| {
            let properties = CacheSubnetGroup {
                vpc: outrigger_model::Input::Text("vpc-0".to_owned()),
                description: description.to_owned(),
                subnets: vpc.subnets.clone(),
            };
            resource(aws, "cache", Properties::CacheSubnetGroup(properties))
        };
        let name = group("private").physical_name;
        let (take, give_back, subnets) = (name.clone(), name.clone(), subnet_texts(&vpc));
        let taken = (
            work(&client, move |client| {
                let request = client.create_cache_subnet_group().cache_subnet_group_name(&take);
                let request = request
                    .cache_subnet_group_description("theirs")
                    .set_subnet_ids(Some(subnets.clone()));
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_cache_subnet_group().cache_subnet_group_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &group("private"), Some(taken)).await?;
        check_faults(
            aws,
            &provider,
            &group("private"),
            ["elasticache", "CreateCacheSubnetGroup"],
        )
        .await?;
        let target_one = target(&group("private"), TOKEN);
        settle(&provider, &target_one).await?;
        settle(&provider, &target(&group("another description"), TOKEN)).await?;
        remove(&provider, &target_one).await
    })
}

#[test]
fn replication_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_elasticache::Client::new(&aws.sdk_config(aws.region()));
        let versions = redis_versions(&aws.aws(), &region(aws)).await?;
        ensure!(versions.iter().any(|version| version == "7.0"), "{versions:?}");
        let provider = crate::caches::caches(&aws.aws());
        let vpc = vpc(aws).await?;
        let group = Properties::CacheSubnetGroup(CacheSubnetGroup {
            vpc: outrigger_model::Input::Text("vpc-0".to_owned()),
            description: "private".to_owned(),
            subnets: vpc.subnets.clone(),
        });
        let group = target(&resource(aws, "cache", group), TOKEN);
        settle(&provider, &group).await?;
        let properties = ReplicationGroup {
            description: "sessions".to_owned(),
            engine_version: "7.0".to_owned(),
            node_type: "cache.t3.micro".to_owned(),
            nodes: 2,
            port: 6379,
            automatic_failover: true,
            multi_az: true,
            subnet_group: text(&group.resource.physical_name),
            security_groups: vec![text(&vpc.group)],
            encryption_key: None,
            auth_secret: None,
            apply: Apply::Now,
            allow_replace: false,
        };
        let wanted = resource(aws, "cache", Properties::ReplicationGroup(properties));
        let name = wanted.physical_name.clone();
        let taken = || {
            let (take, give_back) = (name.clone(), name.clone());
            (
                work(&client, move |client| {
                    let request = client
                        .create_replication_group()
                        .replication_group_id(&take)
                        .engine("redis");
                    let request = request
                        .replication_group_description("theirs")
                        .cache_node_type("cache.t3.micro");
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let request = client.delete_replication_group().replication_group_id(&give_back);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
            )
        };
        check(aws, &provider, &wanted, Some(taken())).await?;
        slow(aws, "elasticache")?;
        check(aws, &provider, &wanted, Some(taken())).await?;
        aws.set_faults(&json!({}))?;
        check_faults(aws, &provider, &wanted, ["elasticache", "CreateReplicationGroup"]).await?;

        let wanted = target(&wanted, TOKEN);
        let observed = settle(&provider, &wanted).await?;
        let shown = client
            .describe_replication_groups()
            .replication_group_id(&name)
            .send()
            .await?;
        let shown = shown.replication_groups().first().context("no group")?;
        ensure!(shown.at_rest_encryption_enabled() == Some(true), "{shown:?}");
        ensure!(shown.transit_encryption_enabled() == Some(true), "{shown:?}");
        let members: Vec<_> = ["member_1", "member_2"]
            .iter()
            .filter_map(|name| observed.attributes.get(*name).cloned())
            .collect();
        ensure!(members == shown.member_clusters() && members.len() == 2, "{observed:?}");
        ensure!(
            observed.attributes.get("port").map(String::as_str) == Some("6379"),
            "{observed:?}"
        );

        // Its subnet group stays as long as it does.
        let in_use = provider.observe(&group).await?.context("no subnet group")?;
        let refused = provider.delete(&group, &in_use).await.map_err(|error| error.kind);
        ensure!(
            refused == Err(CallErrorKind::NotYet),
            "a subnet group in use: {refused:?}"
        );

        // Tags cannot be read while it is not available: then it is ours if our create was answered, else unknown.
        aws.set_faults(&json!({"fail": [{
            "service": "elasticache", "operation": "ListTagsForResource", "times": -1, "code": "CacheClusterNotFound",
            "status": 404
        }]}))?;
        let unknown = provider.observe(&wanted).await.map_err(|error| error.kind);
        ensure!(unknown == Err(CallErrorKind::NotYet), "{unknown:?}");
        let known = Target {
            id: Some(name.clone()),
            ..wanted.clone()
        };
        ensure!(provider.observe(&known).await?.is_some_and(|observed| observed.ours));
        aws.set_faults(&json!({}))?;
        remove(&provider, &wanted).await?;
        remove(&provider, &group).await
    })
}
