//! KMS keys and aliases; and what is encrypted with them.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_kms::Client;
use aws_sdk_kms::types::{KeyState, Tag};
use outrigger_aws_kinesis::Streams;
use outrigger_aws_kms::Keys;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::provider::{Progress, Provider, Target};
use outrigger_model::properties::{KmsAlias, KmsKey, Secret, Stream};
use outrigger_model::{Input, Properties, Resource};
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::changes::{Change, Standing, told};
use crate::harness::{TOKEN, check, check_faults, differences, remove, resource, settle, target, text, with_aws, work};

fn wanted(rotation: bool, description: &str) -> Properties {
    Properties::KmsKey(KmsKey {
        description: description.to_owned(),
        rotation,
        deletion_window_days: 7,
    })
}

pub(crate) fn key(aws: &LocalAws) -> Resource {
    resource(aws, "data", wanted(true, "data"))
}

fn alias(aws: &LocalAws, key: &str) -> Resource {
    let mut alias = resource(aws, "data", Properties::KmsAlias(KmsAlias { key: text(key) }));
    alias.physical_name = "alias/data-processing-data-production".to_owned();
    alias
}

fn client(aws: &LocalAws) -> Client {
    Client::new(&aws.sdk_config(aws.region()))
}

/// What the SDK shows of a key.
async fn shown(client: &Client, id: &str) -> Result<Value> {
    let key = client
        .describe_key()
        .key_id(id)
        .send()
        .await?
        .key_metadata
        .context("no key")?;
    let rotation = client.get_key_rotation_status().key_id(id).send().await?;
    let policy = client.get_key_policy().key_id(id).policy_name("default").send().await?;
    let policy: Value = serde_json::from_str(policy.policy().context("no policy")?)?;
    Ok(json!({
        "state": key.key_state.map(|state| state.as_str().to_owned()),
        "description": key.description,
        "rotation": rotation.key_rotation_enabled,
        "statements": policy["Statement"].as_array().map(Vec::len),
        "via": policy["Statement"][1]["Condition"]["StringEquals"]["kms:ViaService"],
    }))
}

#[test]
fn keys() -> Result<()> {
    with_aws(async |aws| {
        let provider = Keys::new(&aws.aws());
        check(aws, &provider, &key(aws), None).await
    })
}

#[test]
fn keys_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let client = client(aws);
        let provider = Keys::new(&aws.aws());
        let mut standing = Standing {
            aws,
            provider: &provider,
            resource: key(aws),
        };
        let id = settle(&provider, &standing.target()).await?.id;
        let snapshot = async || shown(&client, &id).await;
        let services = ["elasticache", "kinesis", "rds", "secretsmanager"];
        let services = services.map(|service| format!("{service}.{}.amazonaws.com", aws.region()));
        let seen = snapshot().await?;
        ensure!(
            seen == json!({
                "state": "Enabled", "description": "data", "rotation": true, "statements": 3,
                "via": services,
            }),
            "{seen}"
        );

        // As the document asks for it.
        let change = Change {
            to: wanted(false, "data"),
            differs: json!([["rotation", false, true]]),
            calls: &["DisableKeyRotation"],
            read: json!({"rotation": false}),
        };
        standing.check(change, &snapshot).await?;
        let change = Change {
            to: wanted(true, "more data"),
            differs: json!([["rotation", true, false], ["description", "more data", "data"]]),
            calls: &["EnableKeyRotation", "UpdateKeyDescription"],
            read: json!({"rotation": true, "description": "more data"}),
        };
        standing.check(change, &snapshot).await?;

        // Behind its back.
        client.disable_key().key_id(&id).send().await?;
        let change = Change {
            to: wanted(true, "more data"),
            differs: json!([["state", "Enabled", "Disabled"]]),
            calls: &["EnableKey"],
            read: json!({"state": "Enabled"}),
        };
        standing.check(change, &snapshot).await?;
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"
        }]});
        let put = client.put_key_policy().key_id(&id).policy_name("default");
        put.policy(policy.to_string()).send().await?;
        let found = told(&standing.observe().await?);
        ensure!(found[0][0] == "policy" && found[0][2] == policy, "{found}");
        settle(&provider, &standing.target()).await?;
        ensure!(snapshot().await?["statements"] == 3, "{}", snapshot().await?);
        let untag = client
            .untag_resource()
            .key_id(&id)
            .tag_keys("Environment")
            .tag_keys("Name");
        untag.send().await?;
        let owner = Tag::builder().tag_key("Owner").tag_value("data").build()?;
        client.tag_resource().key_id(&id).tags(owner).send().await?;
        let without_owner = Target {
            tags_gone: BTreeSet::from(["Owner".to_owned()]),
            ..standing.target()
        };
        let properties: Vec<_> = provider.observe(&without_owner).await?.context("no key")?.differences;
        let properties: Vec<_> = properties.iter().map(|difference| difference.property).collect();
        ensure!(properties == ["tags", "tags_gone"], "{properties:?}");
        settle(&provider, &without_owner).await?;

        // Scheduled for deletion by somebody: taken back, where it is recorded. Else it is none of ours any more.
        client.schedule_key_deletion().key_id(&id).send().await?;
        ensure!(provider.observe(&standing.target()).await?.is_none());
        let recorded = Target {
            id: Some(id.clone()),
            ..standing.target()
        };
        let found = differences(&provider, &recorded).await?;
        ensure!(found == [r#"state: "Enabled" / "PendingDeletion""#], "{found:?}");
        settle(&provider, &recorded).await?;
        ensure!(snapshot().await?["state"] == "Enabled");

        // By us: it is gone for the stack, and told as kept; the next one is another.
        remove(&provider, &recorded).await?;
        ensure!(snapshot().await?["state"] == "PendingDeletion");
        let kept = provider.kept(&recorded).await?;
        ensure!(kept.len() == 1 && kept[0].contains(&id), "{kept:?}");
        let next = settle(&provider, &target(&standing.resource, "0001700000000001-next")).await?;
        ensure!(next.id != id && next.duplicates.is_empty(), "{next:?}");
        Ok(())
    })
}

#[test]
fn keys_whose_answer_is_lost_are_found_again() -> Result<()> {
    with_aws(async |aws| {
        let provider = Keys::new(&aws.aws());
        let target = target(&key(aws), TOKEN);
        aws.set_faults(&json!({"lose_answers": [{"service": "kms", "operation": "CreateKey", "times": 1}]}))?;
        ensure!(provider.ensure(&target, None).await.is_err());
        let first = provider.observe(&target).await?.context("the lost key is not found")?;
        // A repeat makes a second one, which is told.
        let Progress::InProgress { id: Some(second), .. } = provider.ensure(&target, None).await? else {
            anyhow::bail!("no second key");
        };
        let recorded = Target {
            id: Some(second.clone()),
            ..target
        };
        let observed = provider.observe(&recorded).await?.context("no key")?;
        ensure!(
            observed.id == second && observed.duplicates == [first.id],
            "{observed:?}"
        );
        Ok(())
    })
}

#[test]
fn aliases() -> Result<()> {
    with_aws(async |aws| {
        let client = client(aws);
        let provider = Keys::new(&aws.aws());
        let key_of_stack = settle(&provider, &target(&key(aws), TOKEN)).await?.id;
        let theirs = client.create_key().send().await?.key_metadata.context("no key")?.key_id;
        let wanted = alias(aws, &key_of_stack);
        let name = wanted.physical_name.clone();
        let taken = || {
            let (take, give_back, theirs) = (name.clone(), name.clone(), theirs.clone());
            Some((
                work(&client, move |client| {
                    let request = client.create_alias().alias_name(&take).target_key_id(&theirs);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let request = client.delete_alias().alias_name(&give_back);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
            ))
        };
        check(aws, &provider, &wanted, taken()).await?;
        check_faults(aws, &provider, &wanted, ["kms", "CreateAlias"]).await?;

        // To another key of the stack's it moves in place; one that somebody has moved to a key of theirs is not ours.
        settle(&provider, &target(&wanted, TOKEN)).await?;
        let mut other = resource(aws, "other", self::wanted(true, "other"));
        other.tags.insert("Owner".to_owned(), "data".to_owned());
        let other = settle(&provider, &target(&other, TOKEN)).await?.id;
        let moved = target(&alias(aws, &other), TOKEN);
        let found = differences(&provider, &moved).await?;
        ensure!(found == [format!("key: {other:?} / {key_of_stack:?}")], "{found:?}");
        settle(&provider, &moved).await?;
        let shown = client
            .describe_key()
            .key_id(&name)
            .send()
            .await?
            .key_metadata
            .context("no key")?;
        ensure!(
            shown.key_id == other && shown.key_state == Some(KeyState::Enabled),
            "{shown:?}"
        );
        client
            .update_alias()
            .alias_name(&name)
            .target_key_id(&theirs)
            .send()
            .await?;
        ensure!(!provider.observe(&moved).await?.context("no alias")?.ours);
        Ok(())
    })
}

#[test]
fn streams_and_secrets_change_their_key_in_place() -> Result<()> {
    with_aws(async |aws| {
        let keys = Keys::new(&aws.aws());
        let key_of = async |name: &str| {
            let resource = resource(aws, name, self::wanted(true, name));
            let observed = settle(&keys, &target(&resource, TOKEN)).await?;
            observed.attributes.get("arn").cloned().context("no ARN")
        };
        let (one, two) = (key_of("one").await?, key_of("two").await?);
        let input = |key: &Option<&String>| key.map(|key| Input::Text(key.clone()));

        let kinesis = aws_sdk_kinesis::Client::new(&aws.sdk_config(aws.region()));
        let streams = Streams::new(&aws.aws());
        let stream = |key: Option<&String>| {
            Properties::Stream(Stream {
                shards: 1,
                retention_hours: 24,
                shard_metrics: BTreeSet::new(),
                encryption_key: input(&key),
            })
        };
        let mut standing = Standing {
            aws,
            provider: &streams,
            resource: resource(aws, "events", stream(Some(&one))),
        };
        settle(&streams, &standing.target()).await?;
        let name = standing.resource.physical_name.clone();
        let snapshot = async || {
            let shown = kinesis.describe_stream_summary().stream_name(&name).send().await?;
            let shown = shown.stream_description_summary.context("no stream")?;
            let encryption = shown.encryption_type.map(|of| of.as_str().to_owned());
            Ok(json!({"type": encryption, "key": shown.key_id}))
        };
        ensure!(snapshot().await? == json!({"type": "KMS", "key": one}));
        for (from, to, call) in [
            (Some(&one), Some(&two), "StartStreamEncryption"),
            (Some(&two), None, "StopStreamEncryption"),
            (None, Some(&one), "StartStreamEncryption"),
        ] {
            let calls: &'static [&'static str] = match call {
                "StopStreamEncryption" => &["StopStreamEncryption"],
                _ => &["StartStreamEncryption"],
            };
            let change = Change {
                to: stream(to),
                differs: json!([["encryption_key", to, from]]),
                calls,
                read: json!({"type": if to.is_some() { "KMS" } else { "NONE" }, "key": to}),
            };
            standing.check(change, &snapshot).await?;
        }

        let client = aws_sdk_secretsmanager::Client::new(&aws.sdk_config(aws.region()));
        let secrets = Secrets::new(&aws.aws());
        let secret = |key: Option<&String>| {
            Properties::Secret(Secret {
                replicas: Default::default(),
                description: "token".to_owned(),
                username: "default".to_owned(),
                engine: "redis".to_owned(),
                port: 6379,
                database: "0".to_owned(),
                encryption_key: input(&key),
            })
        };
        let mut standing = Standing {
            aws,
            provider: &secrets,
            resource: resource(aws, "cache", secret(Some(&one))),
        };
        let observed = settle(&secrets, &standing.target()).await?;
        let snapshot = async || {
            let shown = client.describe_secret().secret_id(&observed.id).send().await?;
            Ok(json!({"key": shown.kms_key_id}))
        };
        ensure!(snapshot().await? == json!({"key": one}));
        let value = client.get_secret_value().secret_id(&observed.id).send().await?;
        let value: Value = serde_json::from_str(value.secret_string().context("no text")?)?;
        let token = value["password"].as_str().context("no token")?;
        ensure!(
            token.len() == 32 && token.chars().all(|char| char.is_ascii_alphanumeric()),
            "its form"
        );
        let aws_own = "alias/aws/secretsmanager".to_owned();
        for (from, to, shown) in [(&one, Some(&two), &two), (&two, None, &aws_own)] {
            let change = Change {
                to: secret(to),
                differs: json!([["encryption_key", to, from]]),
                calls: &["UpdateSecret"],
                read: json!({"key": shown}),
            };
            standing.check(change, &snapshot).await?;
        }
        Ok(())
    })
}
