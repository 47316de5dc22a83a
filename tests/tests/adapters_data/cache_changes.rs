//! Caches, changed in place: by the document, and behind its back.

use anyhow::{Context, Result, ensure};
use aws_sdk_elasticache::Client;
use outrigger_aws_elasticache::Caches;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::provider::{Progress, Provider};
use outrigger_model::Properties;
use outrigger_model::properties::{Apply, CacheSubnetGroup, ReplicationGroup, Secret};
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::changes::{Change, Standing, changes_since, told};
use crate::harness::{TOKEN, Vpc, remove, resource, settle, slow, subnet_texts, target, text, vpc, with_aws};

const MODIFY: &[&str] = &["ModifyReplicationGroup"];

async fn subnet_group(aws: &LocalAws, provider: &Caches, vpc: &Vpc) -> Result<String> {
    let group = Properties::CacheSubnetGroup(CacheSubnetGroup {
        vpc: outrigger_model::Input::Text("vpc-0".to_owned()),
        description: "private".to_owned(),
        subnets: vpc.subnets.clone(),
    });
    let group = target(&resource(aws, "cache", group), TOKEN);
    Ok(settle(provider, &group).await?.id)
}

fn cache(subnet_group: &str, vpc: &Vpc) -> ReplicationGroup {
    ReplicationGroup {
        description: "sessions".to_owned(),
        engine_version: "6.2".to_owned(),
        node_type: "cache.t3.micro".to_owned(),
        nodes: 1,
        port: 6379,
        automatic_failover: false,
        multi_az: false,
        subnet_group: text(subnet_group),
        security_groups: vec![text(&vpc.group)],
        encryption_key: None,
        auth_secret: None,
        apply: Apply::Now,
        allow_replace: false,
    }
}

/// What the SDK shows of a cache.
async fn shown(client: &Client, name: &str) -> Result<Value> {
    let groups = client.describe_replication_groups().replication_group_id(name);
    let groups = groups.send().await?;
    let group = groups.replication_groups().first().context("no group")?;
    let member = group.member_clusters().first().context("no member")?;
    let members = client.describe_cache_clusters().cache_cluster_id(member).send().await?;
    let member = members.cache_clusters().first().context("no member")?;
    let pending = member.pending_modified_values();
    Ok(json!({
        "description": group.description(),
        "members": group.member_clusters(),
        "node_type": group.cache_node_type(),
        "automatic_failover": group.automatic_failover().map(|status| status.as_str()),
        "multi_az": group.multi_az().map(|status| status.as_str()),
        "version": member.engine_version(),
        "security_groups": member
            .security_groups()
            .iter()
            .map(|group| group.security_group_id())
            .collect::<Vec<_>>(),
        "pending_node_type": pending.and_then(|pending| pending.cache_node_type()),
        "pending_version": pending.and_then(|pending| pending.engine_version()),
    }))
}

#[test]
fn caches_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let ec2 = aws_sdk_ec2::Client::new(&aws.sdk_config(aws.region()));
        let provider = crate::caches::caches(&aws.aws());
        let vpc = vpc(aws).await?;
        let subnets = subnet_group(aws, &provider, &vpc).await?;
        let mut wanted = cache(&subnets, &vpc);
        let resource = resource(aws, "cache", Properties::ReplicationGroup(wanted.clone()));
        let name = resource.physical_name.clone();
        let mut standing = Standing {
            aws,
            provider: &provider,
            resource,
        };
        settle(&provider, &standing.target()).await?;
        let snapshot = async || shown(&client, &name).await;
        let member = |number: u32| format!("{name}-{number:03}");

        // As the document asks for it. Modifying takes time.
        slow(aws, "elasticache")?;
        wanted.description = "more sessions".to_owned();
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([["description", "more sessions", "sessions"]]),
            calls: MODIFY,
            read: json!({"description": "more sessions"}),
        };
        standing.check(change, &snapshot).await?;
        let groups = ec2.describe_vpcs().send().await?;
        let vpc_id = groups
            .vpcs()
            .iter()
            .find(|vpc| vpc.cidr_block() == Some("10.0.0.0/16"))
            .and_then(|vpc| vpc.vpc_id())
            .context("no VPC")?;
        let other = ec2
            .create_security_group()
            .vpc_id(vpc_id)
            .group_name("other")
            .description("other");
        let other = other.send().await?.group_id.context("no group")?;
        wanted.security_groups = vec![text(&other)];
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([["security_groups", [other], [vpc.group]]]),
            calls: MODIFY,
            read: json!({"security_groups": [other]}),
        };
        standing.check(change, &snapshot).await?;
        // A replica first, and then failover to it.
        (wanted.nodes, wanted.automatic_failover, wanted.multi_az) = (3, true, true);
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([
                ["nodes", 3, 1],
                ["automatic_failover", true, false],
                ["multi_az", true, false]
            ]),
            calls: &["IncreaseReplicaCount", "ModifyReplicationGroup"],
            read: json!({
                "members": [member(1), member(2), member(3)], "automatic_failover": "enabled", "multi_az": "enabled"
            }),
        };
        let observed = standing.check(change, &snapshot).await?;
        let members: Vec<_> = (1..=4)
            .map(|number| observed.attributes.get(&format!("member_{number}")).cloned())
            .collect();
        let expected = [Some(member(1)), Some(member(2)), Some(member(3)), None];
        ensure!(members == expected, "{members:?}");
        aws.set_faults(&json!({}))?;

        // What restarts nodes goes one by one, a new major version with its parameters.
        (wanted.node_type, wanted.engine_version) = ("cache.t3.small".to_owned(), "7.0".to_owned());
        let before = aws.calls()?.len();
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([
                ["node_type", "cache.t3.small", "cache.t3.micro"],
                ["engine_version", "7.0", "6.2"]
            ]),
            calls: &["ModifyReplicationGroup", "ModifyReplicationGroup"],
            read: json!({"node_type": "cache.t3.small", "version": "7.0.7"}),
        };
        standing.check(change, &snapshot).await?;
        let calls = changes_since(aws, before)?;
        let given: Vec<_> = calls
            .iter()
            .map(|call| call.parameters.get("CacheParameterGroupName"))
            .collect();
        ensure!(given == [None, Some(&json!("default.redis7"))], "{calls:?}");
        ensure!(
            calls.iter().all(|call| call.parameters["ApplyImmediately"] == "true"),
            "{calls:?}"
        );
        wanted.engine_version = "7.1".to_owned();
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([["engine_version", "7.1", "7.0"]]),
            calls: MODIFY,
            read: json!({"version": "7.1.0"}),
        };
        standing.check(change, &snapshot).await?;

        // Smaller, and then alone: failover off before the last replica goes.
        wanted.nodes = 2;
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([["nodes", 2, 3]]),
            calls: &["DecreaseReplicaCount"],
            read: json!({"automatic_failover": "enabled"}),
        };
        let observed = standing.check(change, &snapshot).await?;
        ensure!(!observed.attributes.contains_key("member_3"), "{observed:?}");
        (wanted.nodes, wanted.automatic_failover, wanted.multi_az) = (1, false, false);
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([
                ["automatic_failover", false, true],
                ["multi_az", false, true],
                ["nodes", 1, 2]
            ]),
            calls: &["ModifyReplicationGroup", "DecreaseReplicaCount"],
            read: json!({"members": [member(1)], "automatic_failover": "disabled", "multi_az": "disabled"}),
        };
        standing.check(change, &snapshot).await?;

        // Behind the document's back.
        let modify = || {
            client
                .modify_replication_group()
                .replication_group_id(&name)
                .apply_immediately(true)
        };
        modify()
            .cache_node_type("cache.t3.medium")
            .replication_group_description("theirs")
            .security_group_ids(&vpc.group)
            .send()
            .await?;
        let more = client
            .increase_replica_count()
            .replication_group_id(&name)
            .new_replica_count(1);
        more.apply_immediately(true).send().await?;
        let arn = standing
            .observe()
            .await?
            .attributes
            .get("arn")
            .cloned()
            .context("no ARN")?;
        let untag = client.remove_tags_from_resource().resource_name(&arn).tag_keys("Name");
        untag.send().await?;
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([
                ["tags", {"Name": name}, {"Name": null}],
                ["description", "more sessions", "theirs"],
                ["security_groups", [other], [vpc.group]],
                ["nodes", 1, 2],
                ["node_type", "cache.t3.small", "cache.t3.medium"]
            ]),
            calls: &[
                "AddTagsToResource",
                "ModifyReplicationGroup",
                "DecreaseReplicaCount",
                "ModifyReplicationGroup",
            ],
            read: json!({"description": "more sessions", "members": [member(1)], "node_type": "cache.t3.small"}),
        };
        standing.check(change, &snapshot).await?;

        // What no call changes: the planner replaces.
        let port = ReplicationGroup {
            port: 6380,
            ..wanted.clone()
        };
        let older = ReplicationGroup {
            engine_version: "6.2".to_owned(),
            ..wanted.clone()
        };
        for (blocked, property, reason) in [
            (port, "port", "the property port"),
            (older, "engine_version", "go back"),
        ] {
            standing.resource.properties = Properties::ReplicationGroup(blocked);
            let observed = standing.observe().await?;
            ensure!(told(&observed)[0][0] == property, "{observed:?}");
            match provider.ensure(&standing.target(), Some(&observed)).await? {
                Progress::Blocked { reason: told } => ensure!(told.contains(reason), "{told}"),
                other => anyhow::bail!("{other:?}"),
            }
        }
        remove(&provider, &standing.target()).await
    })
}

#[test]
fn what_waits_for_the_window_is_pending() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = crate::caches::caches(&aws.aws());
        let vpc = vpc(aws).await?;
        let subnets = subnet_group(aws, &provider, &vpc).await?;
        let mut wanted = cache(&subnets, &vpc);
        let resource = resource(aws, "cache", Properties::ReplicationGroup(wanted.clone()));
        let name = resource.physical_name.clone();
        let mut standing = Standing {
            aws,
            provider: &provider,
            resource,
        };
        settle(&provider, &standing.target()).await?;
        let snapshot = async || shown(&client, &name).await;

        (wanted.node_type, wanted.engine_version) = ("cache.t3.small".to_owned(), "7.1".to_owned());
        // Replicas come at once in any case, and failover waits.
        (wanted.nodes, wanted.automatic_failover, wanted.multi_az) = (2, true, true);
        wanted.apply = Apply::InWindow;
        let differs = json!([
            ["nodes", 2, 1],
            ["automatic_failover", true, false],
            ["multi_az", true, false],
            ["node_type", "cache.t3.small", "cache.t3.micro"],
            ["engine_version", "7.1", "6.2"]
        ]);
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs,
            calls: &[
                "IncreaseReplicaCount",
                "ModifyReplicationGroup",
                "ModifyReplicationGroup",
                "ModifyReplicationGroup",
            ],
            read: json!({
                "node_type": "cache.t3.micro", "version": "6.2.6", "automatic_failover": "disabled",
                "multi_az": "disabled", "pending_node_type": "cache.t3.small", "pending_version": "7.1"
            }),
        };
        let observed = standing.check(change, &snapshot).await?;
        let waiting = ["automatic_failover", "multi_az", "node_type", "engine_version"];
        ensure!(observed.pending == waiting, "{observed:?}");
        let done = provider.ensure(&standing.target(), Some(&observed)).await?;
        ensure!(done == Progress::Done, "{done:?}");

        // Thought better of: what waits is called off, and nothing that waits beside it comes early.
        wanted.node_type = "cache.t3.micro".to_owned();
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([["pending_node_type", "cache.t3.micro", "cache.t3.small"]]),
            calls: MODIFY,
            read: json!({"version": "6.2.6", "pending_node_type": null, "pending_version": "7.1"}),
        };
        let observed = standing.check(change, &snapshot).await?;
        ensure!(
            observed.pending == ["automatic_failover", "multi_az", "engine_version"],
            "{observed:?}"
        );

        // Now after all: what waits is a difference again.
        wanted.apply = Apply::Now;
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([
                ["automatic_failover", true, false],
                ["multi_az", true, false],
                ["engine_version", "7.1", "6.2"]
            ]),
            // The first one brings the other along.
            calls: MODIFY,
            read: json!({"version": "7.1.0", "automatic_failover": "enabled", "multi_az": "enabled"}),
        };
        let observed = standing.check(change, &snapshot).await?;
        ensure!(observed.pending.is_empty(), "{observed:?}");
        remove(&provider, &standing.target()).await
    })
}

#[test]
fn cache_subnet_groups_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = crate::caches::caches(&aws.aws());
        let vpc = vpc(aws).await?;
        let subnets = subnet_texts(&vpc);
        let group = |description: &str, count: usize| {
            Properties::CacheSubnetGroup(CacheSubnetGroup {
                vpc: outrigger_model::Input::Text("vpc-0".to_owned()),
                description: description.to_owned(),
                subnets: vpc.subnets.iter().take(count).cloned().collect(),
            })
        };
        let mut standing = Standing {
            aws,
            provider: &provider,
            resource: resource(aws, "cache", group("private", 1)),
        };
        let name = settle(&provider, &standing.target()).await?.id;
        let snapshot = async || {
            let groups = client.describe_cache_subnet_groups().cache_subnet_group_name(&name);
            let groups = groups.send().await?;
            let group = groups.cache_subnet_groups().first().context("no group")?;
            let mut subnets: Vec<_> = group
                .subnets()
                .iter()
                .map(|subnet| subnet.subnet_identifier())
                .collect();
            subnets.sort();
            Ok(json!({"description": group.cache_subnet_group_description(), "subnets": subnets}))
        };
        let mut sorted = subnets.clone();
        sorted.sort();
        let change = Change {
            to: group("private", 2),
            differs: json!([["subnets", sorted, [subnets[0]]]]),
            calls: &["ModifyCacheSubnetGroup"],
            read: json!({"subnets": sorted}),
        };
        standing.check(change, &snapshot).await?;
        let change = Change {
            to: group("another", 2),
            differs: json!([["description", "another", "private"]]),
            calls: &["ModifyCacheSubnetGroup"],
            read: json!({"description": "another", "subnets": sorted}),
        };
        standing.check(change, &snapshot).await?;
        client
            .modify_cache_subnet_group()
            .cache_subnet_group_name(&name)
            .cache_subnet_group_description("theirs")
            .subnet_ids(&subnets[1])
            .send()
            .await?;
        let change = Change {
            to: group("another", 2),
            differs: json!([["description", "another", "theirs"], ["subnets", sorted, [subnets[1]]]]),
            calls: &["ModifyCacheSubnetGroup"],
            read: json!({"description": "another", "subnets": sorted}),
        };
        standing.check(change, &snapshot).await?;
        remove(&provider, &standing.target()).await
    })
}

/// A secret with a token, its ARN, and the token.
async fn token(aws: &LocalAws) -> Result<(String, String)> {
    let secret = Properties::Secret(Secret {
        replicas: Default::default(),
        description: "token".to_owned(),
        username: "default".to_owned(),
        engine: "redis".to_owned(),
        port: 6379,
        database: "0".to_owned(),
        encryption_key: None,
    });
    let secret = resource(aws, "cache", secret);
    let arn = settle(&Secrets::new(&aws.aws()), &target(&secret, TOKEN)).await?.id;
    let client = aws_sdk_secretsmanager::Client::new(&aws.sdk_config(aws.region()));
    let value = client.get_secret_value().secret_id(&arn).send().await?;
    let value: Value = serde_json::from_str(value.secret_string().context("no text")?)?;
    Ok((arn, value["password"].as_str().context("no token")?.to_owned()))
}

#[test]
fn caches_get_their_token_in_two_steps() -> Result<()> {
    with_aws(async |aws| {
        let client = Client::new(&aws.sdk_config(aws.region()));
        let provider = crate::caches::caches(&aws.aws());
        let vpc = vpc(aws).await?;
        let subnets = subnet_group(aws, &provider, &vpc).await?;
        let mut wanted = cache(&subnets, &vpc);
        let mut standing = Standing {
            aws,
            provider: &provider,
            resource: resource(aws, "cache", Properties::ReplicationGroup(wanted.clone())),
        };
        settle(&provider, &standing.target()).await?;
        let name = standing.resource.physical_name.clone();
        let snapshot = async || {
            let groups = client.describe_replication_groups().replication_group_id(&name);
            let groups = groups.send().await?;
            let group = groups.replication_groups().first().context("no group")?;
            Ok(json!({"auth": group.auth_token_enabled(), "key": group.kms_key_id()}))
        };
        let (arn, token) = token(aws).await?;
        slow(aws, "elasticache")?;
        wanted.auth_secret = Some(text(&arn));
        let change = Change {
            to: Properties::ReplicationGroup(wanted.clone()),
            differs: json!([["auth_token", "required", "off"]]),
            // ROTATE, the tag that tells how far it is, SET.
            calls: &["ModifyReplicationGroup", "AddTagsToResource", "ModifyReplicationGroup"],
            read: json!({"auth": true}),
        };
        standing.check(change, &snapshot).await?;

        // Without the tag nobody knows whether it is needed: it is found out, and AWS refuses to set it again.
        let shown = provider.observe(&standing.target()).await?.context("no cache")?;
        let group_arn = shown.attributes.get("arn").context("no ARN")?;
        let untag = client.remove_tags_from_resource().resource_name(group_arn);
        untag.tag_keys("outrigger:auth-token").send().await?;
        ensure!(told(&standing.observe().await?) == json!([["auth_token", "required", "unknown"]]));
        settle(&provider, &standing.target()).await?;

        // There is no way back without user groups.
        wanted.auth_secret = None;
        standing.resource.properties = Properties::ReplicationGroup(wanted.clone());
        let observed = standing.observe().await?;
        ensure!(
            told(&observed) == json!([["auth_token", "off", "required"]]),
            "{observed:?}"
        );
        let answer = provider.ensure(&standing.target(), Some(&observed)).await?;
        ensure!(
            matches!(&answer, Progress::Blocked { reason } if reason.contains("auth_token: true")),
            "{answer:?}"
        );
        remove(&provider, &standing.target()).await?;

        // Created with it and with a key, nothing is left to do.
        let kms = aws_sdk_kms::Client::new(&aws.sdk_config(aws.region()));
        let key = kms.create_key().send().await?.key_metadata.context("no key")?;
        let key = key.arn.context("no ARN")?;
        wanted.auth_secret = Some(text(&arn));
        wanted.encryption_key = Some(text(&key));
        standing.resource.properties = Properties::ReplicationGroup(wanted.clone());
        let before = aws.calls()?.len();
        settle(&provider, &standing.target()).await?;
        let calls = changes_since(aws, before)?;
        let calls: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
        ensure!(calls == ["CreateReplicationGroup"], "{calls:?}");
        ensure!(snapshot().await? == json!({"auth": true, "key": key}));
        // Another key is another cache.
        wanted.encryption_key = Some(text("arn:aws:kms:us-east-1:000000000000:key/other"));
        standing.resource.properties = Properties::ReplicationGroup(wanted);
        let observed = standing.observe().await?;
        ensure!(told(&observed)[0][0] == "encryption_key", "{observed:?}");
        let answer = provider.ensure(&standing.target(), Some(&observed)).await?;
        ensure!(matches!(answer, Progress::Blocked { .. }), "{answer:?}");

        // The token is in no line of the call log.
        let log = format!("{:?}", aws.calls()?);
        ensure!(!log.contains(&token), "the token is in the call log");
        Ok(())
    })
}
