//! Aurora global databases: a global cluster and its members, whichever of them writes; and the replicas of a secret.

use anyhow::{Context, Result, ensure};
use aws_sdk_rds::Client;
use outrigger_aws_rds::Databases;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::provider::{CallErrorKind, Progress, Provider, Target};
use outrigger_model::properties::{DbCluster, DbSubnetGroup, GlobalCluster, Secret};
use outrigger_model::resource::TAG_RESOURCE;
use outrigger_model::{Properties, Region, Resource, ResourceKey};
use outrigger_tests::LocalAws;
use serde_json::json;

use crate::clusters::properties;
use crate::databases::databases;
use crate::harness::{
    TOKEN, called, check, check_faults, differences, region, remove, resource, settle, slow, target, text, vpc_in,
    with_aws, work,
};
use crate::secrets::secret;

/// The region of the member that does not begin as the writer.
fn further(aws: &LocalAws) -> Region {
    Region::new(if aws.region() == "us-east-2" {
        "us-west-2"
    } else {
        "us-east-2"
    })
}

fn global(aws: &LocalAws, deletion_protection: bool) -> Resource {
    let properties = GlobalCluster {
        engine_version: "15.10".to_owned(),
        regions: vec![region(aws), further(aws)],
        deletion_protection,
    };
    moved(
        resource(aws, "main", Properties::GlobalCluster(properties)),
        Region::global(),
    )
}

/// The same resource elsewhere.
fn moved(mut resource: Resource, region: &Region) -> Resource {
    resource.key = ResourceKey::new(region, resource.key.kind, resource.key.name);
    resource.tags.insert(TAG_RESOURCE.to_owned(), resource.key.to_string());
    resource
}

#[test]
fn global_clusters() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = databases(&aws.aws());
        let wanted = global(aws, false);
        let name = wanted.physical_name.clone();
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let request = client.create_global_cluster().global_cluster_identifier(&take);
                let request = request.engine("aurora-postgresql");
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_global_cluster().global_cluster_identifier(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["rds", "CreateGlobalCluster"]).await?;

        slow(aws, "rds")?;
        let observed = settle(&provider, &target(&wanted, TOKEN)).await?;
        ensure!(
            observed
                .attributes
                .get("arn")
                .is_some_and(|arn| arn.contains("global-cluster")),
            "{observed:?}"
        );
        // In place, and behind its back.
        let protected = target(&global(aws, true), TOKEN);
        let told = differences(&provider, &protected).await?;
        ensure!(told == ["deletion_protection: true / false"], "{told:?}");
        settle(&provider, &protected).await?;
        let seen = provider.observe(&protected).await?.context("gone")?;
        let progress = provider.delete(&protected, &seen).await?;
        ensure!(
            matches!(&progress, Progress::Blocked { reason } if reason.contains("protected")),
            "{progress:?}"
        );

        // The region that it was created in does not answer: another one does.
        aws.set_faults(&json!({"dead_regions": [aws.region()]}))?;
        let elsewhere = provider.observe(&protected).await?.context("gone with the region")?;
        ensure!(elsewhere.ours && elsewhere.id == name, "{elsewhere:?}");
        aws.set_faults(&json!({}))?;

        // What an operation made itself goes again.
        let unprotect = Target {
            unprotect: true,
            ..protected
        };
        remove(&provider, &unprotect).await
    })
}

/// A member of the global cluster in a region, with what it needs there.
async fn member(aws: &LocalAws, provider: &Databases, place: &Region, secret: &str, global: &str) -> Result<Target> {
    let vpc = vpc_in(aws, place).await?;
    let group = Properties::DbSubnetGroup(DbSubnetGroup {
        vpc: text("vpc-0"),
        description: "private".to_owned(),
        subnets: vpc.subnets.clone(),
    });
    let group = target(&moved(resource(aws, "main", group), place), TOKEN);
    settle(provider, &group).await?;
    let properties = DbCluster {
        zones: ["a", "b"].map(|zone| format!("{place}{zone}")).to_vec(),
        global_cluster: Some(text(global)),
        ..properties(aws, text(secret), text(&group.resource.physical_name), &vpc.group)
    };
    Ok(target(
        &moved(resource(aws, "main", Properties::DbCluster(properties)), place),
        TOKEN,
    ))
}

#[test]
fn the_members_of_a_global_cluster() -> Result<()> {
    with_aws(async |aws| {
        let (provider, secrets) = (databases(&aws.aws()), Secrets::new(&aws.aws()));
        let client = Client::new(&aws.sdk_config(aws.region()));
        let secret = settle(&secrets, &target(&secret(aws), TOKEN)).await?.id;
        let global = target(&global(aws, false), TOKEN);
        let name = global.resource.physical_name.clone();
        let places = [region(aws), further(aws)];
        let first = member(aws, &provider, &places[0], &secret, &name).await?;
        let second = member(aws, &provider, &places[1], &secret, &name).await?;

        // What they are members of may show late.
        let early = provider.ensure(&first, None).await.map_err(|error| error.kind);
        ensure!(early == Err(CallErrorKind::NotYet), "{early:?}");
        settle(&provider, &global).await?;

        slow(aws, "rds")?;
        let mut arns = Vec::new();
        for member in [&first, &second] {
            let observed = settle(&provider, member).await?;
            arns.push(observed.attributes.get("arn").cloned().context("no ARN")?);
            let endpoint = observed.attributes.get("writer_endpoint");
            ensure!(
                endpoint.is_some_and(|endpoint| endpoint.contains(".global-")),
                "{observed:?}"
            );
        }
        let shown = async || {
            let output = client
                .describe_global_clusters()
                .global_cluster_identifier(&name)
                .send()
                .await?;
            let global = output.global_clusters().first().cloned().context("no global cluster")?;
            let members = global.global_cluster_members().iter();
            anyhow::Ok(
                members
                    .map(|member| member.is_writer() == Some(true) && member.db_cluster_arn() == Some(&arns[0]))
                    .filter(|writes| *writes)
                    .count(),
            )
        };
        ensure!(shown().await? == 1, "the first one does not write");
        // The second one was given neither user nor password, nor a database of its own.
        let calls = aws.calls()?;
        let created = calls
            .iter()
            .rev()
            .find(|call| call.operation == "CreateDBCluster" && call.region.as_deref() == Some(places[1].as_str()));
        let given = &created.context("no call")?.parameters;
        for absent in ["MasterUsername", "MasterUserPassword", "DatabaseName"] {
            ensure!(given.get(absent).is_none(), "{absent} was given: {given}");
        }
        ensure!(given["GlobalClusterIdentifier"] == name.as_str(), "{given}");

        // As long as the other one is a member, the one that writes stays.
        aws.set_faults(&json!({}))?;
        let going = |target: &Target| Target {
            going: true,
            ..target.clone()
        };
        let seen = provider.observe(&going(&first)).await?.context("gone")?;
        let refused = provider.delete(&going(&first), &seen).await;
        ensure!(
            refused.as_ref().is_err_and(|error| {
                error.kind == CallErrorKind::NotYet && error.message.contains("waits until the other members have left")
            }),
            "{refused:?}"
        );

        // Which one writes is no difference, and decides who leaves first.
        let second_client = Client::new(&aws.sdk_config(places[1].as_str()));
        let switch = second_client
            .switchover_global_cluster()
            .global_cluster_identifier(&name);
        switch.target_db_cluster_identifier(&arns[1]).send().await?;
        ensure!(shown().await? == 0, "the first one still writes");
        for member in [&first, &second] {
            let told = differences(&provider, member).await?;
            ensure!(told.is_empty(), "{told:?}");
        }
        ensure!(differences(&provider, &global).await?.is_empty());
        let seen = provider.observe(&going(&second)).await?.context("gone")?;
        let refused = provider
            .delete(&going(&second), &seen)
            .await
            .map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::NotYet), "{refused:?}");
        slow(aws, "rds")?;
        remove(&provider, &going(&first)).await?;

        // One that is created anew copies the one that writes now, and may then leave by hand: it does not come back so.
        aws.set_faults(&json!({}))?;
        settle(&provider, &first).await?;
        ensure!(shown().await? == 0, "what was created anew writes");
        let removed = client.remove_from_global_cluster().global_cluster_identifier(&name);
        removed.db_cluster_identifier(&arns[0]).send().await?;
        let told = differences(&provider, &first).await?;
        ensure!(told == [format!("global_cluster: \"{name}\" / null")], "{told:?}");
        let seen = provider.observe(&first).await?;
        let progress = provider.ensure(&first, seen.as_ref()).await?;
        ensure!(
            matches!(&progress, Progress::Blocked { reason } if reason.contains("only when it is created")),
            "{progress:?}"
        );
        remove(&provider, &going(&first)).await?;

        // The last one leaves and goes; with members there is no end of the global cluster.
        let seen = provider.observe(&global).await?.context("gone")?;
        let refused = provider.delete(&global, &seen).await.map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::NotYet), "{refused:?}");
        let before = called(aws, "RemoveFromGlobalCluster")?;
        remove(&provider, &going(&second)).await?;
        ensure!(called(aws, "RemoveFromGlobalCluster")? == before + 1);
        remove(&provider, &global).await
    })
}

#[test]
fn replicas_of_a_secret() -> Result<()> {
    with_aws(async |aws| {
        let provider = Secrets::new(&aws.aws());
        let place = further(aws);
        let there = aws_sdk_secretsmanager::Client::new(&aws.sdk_config(place.as_str()));
        let plain = secret(aws);
        let Properties::Secret(properties) = &plain.properties else {
            anyhow::bail!("no secret");
        };
        let replicated = Resource {
            properties: Properties::Secret(Secret {
                replicas: [place.clone()].into(),
                ..properties.clone()
            }),
            ..plain.clone()
        };
        let name = plain.physical_name.clone();
        check(aws, &provider, &replicated, None).await?;

        // Somebody else's secret of the name is never overwritten.
        there.create_secret().name(&name).secret_string("theirs").send().await?;
        let wanted = target(&replicated, TOKEN);
        provider.ensure(&wanted, None).await?;
        let mut blocked = None;
        for _ in 0..4 {
            let seen = provider.observe(&wanted).await?;
            if let Progress::Blocked { reason } = provider.ensure(&wanted, seen.as_ref()).await? {
                blocked = Some(reason);
                break;
            }
        }
        let is_told = |reason: &String| reason.contains(&format!("is taken in {place}"));
        ensure!(blocked.as_ref().is_some_and(is_told), "{blocked:?}");
        let theirs = there.get_secret_value().secret_id(&name).send().await?;
        ensure!(theirs.secret_string() == Some("theirs"), "it was overwritten");
        let delete = there.delete_secret().secret_id(&name);
        delete.force_delete_without_recovery(true).send().await?;

        // Added and taken away in place, one call each.
        for (resource, count, call) in [
            (&replicated, 1, "ReplicateSecretToRegions"),
            (&plain, 0, "RemoveRegionsFromReplication"),
            (&replicated, 1, "ReplicateSecretToRegions"),
        ] {
            let before = called(aws, call)?;
            settle(&provider, &target(resource, TOKEN)).await?;
            ensure!(called(aws, call)? == before + 1, "{call}");
            let shown = there.describe_secret().secret_id(&name).send().await;
            ensure!(shown.is_ok() == (count == 1), "{shown:?}");
        }
        // It goes with its replicas.
        remove(&provider, &target(&replicated, TOKEN)).await?;
        ensure!(there.describe_secret().secret_id(&name).send().await.is_err());
        Ok(())
    })
}
