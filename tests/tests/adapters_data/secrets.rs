//! Secrets, their attachments, and reading them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use aws_config::SdkConfig;
use outrigger_aws::Aws;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::provider::{CallErrorKind, Condition, Progress, Provider};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::{Secret, SecretAttachment};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::changes::{Change, Standing, changes_since, told};
use crate::harness::{TOKEN, check, check_faults, remove, resource, settle, target, text, with_aws, work};

pub(crate) fn secret(aws: &LocalAws) -> Resource {
    let properties = Secret {
        replicas: Default::default(),
        description: "the database's master user".to_owned(),
        username: "dbadmin".to_owned(),
        engine: "postgres".to_owned(),
        port: 5432,
        database: "tapdb".to_owned(),
        encryption_key: None,
    };
    resource(aws, "database-credentials", Properties::Secret(properties))
}

async fn secret_value(client: &aws_sdk_secretsmanager::Client, id: &str) -> Result<Value> {
    let value = client.get_secret_value().secret_id(id).send().await?;
    Ok(serde_json::from_str(value.secret_string().context("no string")?)?)
}

#[test]
fn secrets() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_secretsmanager::Client::new(&aws.sdk_config(aws.region()));
        let provider = Secrets::new(&aws.aws());
        let resource = secret(aws);
        let (take, give_back) = (resource.physical_name.clone(), resource.physical_name.clone());
        let taken = (
            work(&client, move |client| {
                let request = client.create_secret().name(&take).secret_string("theirs");
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client
                    .delete_secret()
                    .secret_id(&give_back)
                    .force_delete_without_recovery(true);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &resource, Some(taken)).await?;
        check_faults(aws, &provider, &resource, ["secretsmanager", "CreateSecret"]).await?;

        let target = target(&resource, TOKEN);
        let observed = settle(&provider, &target).await?;
        let mut value = secret_value(&client, &observed.id).await?;
        let password = value["password"].as_str().context("no password")?.to_owned();
        ensure!(
            password.len() == 32 && !password.contains(['/', '@', '"', '\'', ' ', '\\']),
            "an unfit password"
        );
        value["password"] = json!("");
        let expected =
            json!({"username": "dbadmin", "password": "", "engine": "postgres", "port": 5432, "dbname": "tapdb"});
        ensure!(value == expected, "{value}");
        let credentials = provider.credentials(&observed.id).await?;
        ensure!(credentials.username == "dbadmin" && credentials.password.expose_secret() == password);
        ensure!(
            !format!("{credentials:?} {observed:?}").contains(&password),
            "the password shows"
        );

        // A repeated create keeps the password.
        let repeated = provider.ensure(&target, None).await.map_err(|error| error.kind);
        ensure!(repeated == Err(CallErrorKind::Exists), "{repeated:?}");
        ensure!(
            secret_value(&client, &observed.id).await?["password"] == json!(password),
            "another password"
        );

        // What the value says besides is compared and put back, in a new version that keeps the password.
        let other = json!({"username": "somebody", "password": password, "engine": "postgres", "dbname": "tapdb"});
        client
            .put_secret_value()
            .secret_id(&observed.id)
            .secret_string(other.to_string())
            .send()
            .await?;
        let seen = provider.observe(&target).await?.context("gone")?;
        let expected = json!([["username", "dbadmin", "somebody"], ["port", 5432, null]]);
        ensure!(told(&seen) == expected, "{seen:?}");
        let before = aws.calls()?.len();
        settle(&provider, &target).await?;
        let calls = changes_since(aws, before)?;
        ensure!(calls.len() == 1 && calls[0].operation == "PutSecretValue", "{calls:?}");
        value["password"] = json!(password);
        ensure!(secret_value(&client, &observed.id).await? == value, "another value");

        // A rotated password, and a version that is being rotated to, are no difference.
        let mut rotated = value.clone();
        rotated["password"] = json!("rotated-by-somebody");
        let put = || client.put_secret_value().secret_id(&observed.id);
        put().secret_string(rotated.to_string()).send().await?;
        let pending = put().secret_string(json!({"username": "next"}).to_string());
        pending.version_stages("AWSPENDING").send().await?;
        let seen = provider.observe(&target).await?.context("gone")?;
        ensure!(seen.differences.is_empty(), "{seen:?}");
        ensure!(
            !format!("{seen:?}").contains("rotated-by-somebody"),
            "the password shows"
        );

        // What is no JSON object is left alone.
        put().secret_string("a password alone").send().await?;
        let seen = provider.observe(&target).await?.context("gone")?;
        ensure!(
            seen.differences.len() == 4 && !format!("{seen:?}").contains("alone"),
            "{seen:?}"
        );
        let progress = provider.ensure(&target, Some(&seen)).await?;
        let reason = format!(
            "the value of {} is no JSON object: put one with username and password",
            observed.id
        );
        ensure!(progress == Progress::Blocked { reason }, "{progress:?}");
        put().secret_string(value.to_string()).send().await?;

        // A secret that somebody has scheduled for deletion cannot be read, nor its name be used.
        client
            .delete_secret()
            .secret_id(&observed.id)
            .recovery_window_in_days(7)
            .send()
            .await?;
        let scheduled = provider.observe(&target).await?.context("gone")?;
        ensure!(
            scheduled.condition == Condition::Ready && scheduled.ours,
            "{scheduled:?}"
        );
        ensure!(
            told(&scheduled) == json!([["scheduled_for_deletion", false, true]]),
            "{scheduled:?}"
        );
        let create = provider.ensure(&target, None).await.map_err(|error| error.kind);
        ensure!(create == Err(CallErrorKind::NotYet), "{create:?}");
        let read = provider
            .credentials(&observed.id)
            .await
            .map(drop)
            .map_err(|error| error.to_string());
        ensure!(read.is_err_and(|error| error.contains("is scheduled for deletion")));
        // Wanted, it is restored and used again, with the password that it has.
        settle(&provider, &target).await?;
        ensure!(secret_value(&client, &observed.id).await? == value, "another value");
        let delete = client.delete_secret().secret_id(&observed.id);
        delete.recovery_window_in_days(7).send().await?;
        provider.delete(&target, &scheduled).await?;
        ensure!(provider.observe(&target).await?.is_none(), "still there");
        ensure!(
            provider
                .credentials("not-an-arn")
                .await
                .is_err_and(|error| error.kind == CallErrorKind::Invalid)
        );

        // Every call so far, and no trace of the password in the log of calls.
        let calls = format!("{:?}", aws.calls()?);
        ensure!(!calls.contains(&password), "the password is in the log of calls");
        Ok(())
    })
}

#[test]
fn secret_attachments() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_secretsmanager::Client::new(&aws.sdk_config(aws.region()));
        let provider = Secrets::new(&aws.aws());
        let secret = target(&secret(aws), TOKEN);
        let arn = settle(&provider, &secret).await?.id;
        let before = secret_value(&client, &arn).await?;
        let attachment = |host: &str, port: &str| {
            let properties = SecretAttachment {
                secret: text(&arn),
                host: text(host),
                port: text(port),
            };
            target(
                &resource(aws, "database", Properties::SecretAttachment(properties)),
                TOKEN,
            )
        };
        check(aws, &provider, &attachment("db.example", "5432").resource, None).await?;
        ensure!(
            secret_value(&client, &arn).await? == before,
            "detaching does not restore the value"
        );

        // Attached, moved, detached and attached again, all under one token.
        for (host, port) in [("db.example", 5432), ("db.other", 5433), ("db.example", 5432)] {
            let target = attachment(host, &port.to_string());
            settle(&provider, &target).await?;
            let mut expected = before.clone();
            expected["host"] = json!(host);
            expected["port"] = json!(port);
            ensure!(
                secret_value(&client, &arn).await? == expected,
                "another value than wanted for {host}"
            );
            if host == "db.other" {
                remove(&provider, &target).await?;
            }
        }
        // The secret itself is as it was wanted, host or not.
        let observed = provider.observe(&secret).await?.context("gone")?;
        ensure!(observed.differences.is_empty(), "{:?}", observed.differences);

        // An answer that is lost: the SDK repeats the call with its token, which is the new version's id.
        let target = attachment("db.moved", "5432");
        aws.set_faults(&json!({"lose_answers": [{"service": "secretsmanager", "operation": "PutSecretValue"}]}))?;
        let observed = provider.observe(&target).await?;
        provider.ensure(&target, observed.as_ref()).await?;
        aws.set_faults(&json!({}))?;
        let calls = aws.calls()?;
        let puts: Vec<_> = calls
            .iter()
            .rev()
            .filter(|call| call.operation == "PutSecretValue")
            .take(2)
            .collect();
        let tokens: Vec<_> = puts
            .iter()
            .map(|call| call.parameters["ClientRequestToken"].as_str())
            .collect();
        ensure!(puts.iter().filter(|call| call.fault.is_some()).count() == 1, "{puts:?}");
        let version = client.get_secret_value().secret_id(&arn).send().await?.version_id;
        ensure!(
            version.is_some() && tokens == [version.as_deref(), version.as_deref()],
            "{puts:?} {version:?}"
        );
        settle(&provider, &target).await?;

        // A secret that is on its way out, and one that is gone: nothing is attached, and nothing is left to detach.
        let observed = provider.observe(&target).await?.context("gone")?;
        client
            .delete_secret()
            .secret_id(&arn)
            .recovery_window_in_days(7)
            .send()
            .await?;
        for _ in 0..2 {
            ensure!(provider.observe(&target).await?.is_none());
            ensure!(provider.delete(&target, &observed).await? == Progress::Done);
            ensure!(provider.ensure(&target, None).await.is_err());
            client
                .delete_secret()
                .secret_id(&arn)
                .force_delete_without_recovery(true)
                .send()
                .await?;
        }

        // The functions' role reads only values of secrets that carry a tag, which one that is gone does not.
        let role = Secrets::new(&Aws::with_config(tagged_values_alone(aws).await?));
        ensure!(role.observe(&target).await?.is_none());
        ensure!(role.delete(&target, &observed).await? == Progress::Done);
        // One that is there and not ours stays denied.
        let theirs = client.create_secret().name("theirs").secret_string("{}").send().await?;
        let mut target = target.clone();
        target.resource.properties = Properties::SecretAttachment(SecretAttachment {
            secret: text(theirs.arn.context("no ARN")?),
            host: text("db.example"),
            port: text("5432"),
        });
        let denied = role.observe(&target).await.map_err(|error| error.code);
        ensure!(denied == Err("AccessDeniedException".to_owned()), "{denied:?}");
        Ok(())
    })
}

/// A user with the functions' rights to secrets: to look at all, to read the values of the tagged.
async fn tagged_values_alone(aws: &LocalAws) -> Result<SdkConfig> {
    let iam = aws_sdk_iam::Client::new(&aws.sdk_config(aws.region()));
    let user = "reads-tagged-values";
    iam.create_user().user_name(user).send().await?;
    let tagged = json!({"Null": {"aws:ResourceTag/outrigger:stack": "false"}});
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "secretsmanager:DescribeSecret", "Resource": "*"},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*", "Condition": tagged},
    ]});
    let put = iam.put_user_policy().user_name(user).policy_name(user);
    put.policy_document(policy.to_string()).send().await?;
    let made = iam.create_access_key().user_name(user).send().await?;
    let key = made.access_key.context("no access key")?;
    Ok(aws.sdk_config_as(aws.region(), &key.access_key_id, &key.secret_access_key))
}

#[test]
fn secrets_change_in_place() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_secretsmanager::Client::new(&aws.sdk_config(aws.region()));
        let provider = Secrets::new(&aws.aws());
        let mut standing = Standing {
            aws,
            provider: &provider,
            resource: secret(aws),
        };
        let arn = settle(&provider, &standing.target()).await?.id;
        let password = secret_value(&client, &arn).await?["password"].clone();
        let snapshot = async || {
            let described = client.describe_secret().secret_id(&arn).send().await?;
            let tags: BTreeMap<_, _> = described.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
            let mut value = secret_value(&client, &arn).await?;
            // Whatever else changes, the password does not.
            ensure!(value["password"] == password, "another password");
            value["description"] = json!(described.description());
            value["name"] = json!(tags.get(&Some("Name")));
            Ok(value)
        };
        let mut wanted = Secret {
            replicas: Default::default(),
            description: "another".to_owned(),
            username: "dbadmin".to_owned(),
            engine: "postgres".to_owned(),
            port: 5432,
            database: "tapdb".to_owned(),
            encryption_key: None,
        };
        let change = Change {
            to: Properties::Secret(wanted.clone()),
            differs: json!([["description", "another", "the database's master user"]]),
            calls: &["UpdateSecret"],
            read: json!({"description": "another"}),
        };
        standing.check(change, &snapshot).await?;
        (wanted.username, wanted.port) = ("owner".to_owned(), 5433);
        (wanted.engine, wanted.database) = ("aurora".to_owned(), "shop".to_owned());
        let change = Change {
            to: Properties::Secret(wanted.clone()),
            differs: json!([
                ["username", "owner", "dbadmin"],
                ["engine", "aurora", "postgres"],
                ["database", "shop", "tapdb"],
                ["port", 5433, 5432]
            ]),
            calls: &["PutSecretValue"],
            read: json!({"username": "owner", "engine": "aurora", "dbname": "shop", "port": 5433}),
        };
        standing.check(change, &snapshot).await?;
        // Back again: the same write once more is another version.
        for username in ["dbadmin", "owner"] {
            let actual = secret_value(&client, &arn).await?["username"].clone();
            wanted.username = username.to_owned();
            let change = Change {
                to: Properties::Secret(wanted.clone()),
                differs: json!([["username", username, actual]]),
                calls: &["PutSecretValue"],
                read: json!({"username": username}),
            };
            standing.check(change, &snapshot).await?;
        }

        // Behind the document's back.
        let update = client.update_secret().secret_id(&arn).description("theirs");
        update.send().await?;
        client.untag_resource().secret_id(&arn).tag_keys("Name").send().await?;
        let name = standing.resource.physical_name.clone();
        let change = Change {
            to: Properties::Secret(wanted),
            differs: json!([["tags", {"Name": name}, {"Name": null}], ["description", "another", "theirs"]]),
            calls: &["TagResource", "UpdateSecret"],
            read: json!({"description": "another", "name": name}),
        };
        standing.check(change, &snapshot).await?;

        // The attachment's own fields, with what was there told.
        let properties = |host: &str, port: &str| {
            Properties::SecretAttachment(SecretAttachment {
                secret: text(&arn),
                host: text(host),
                port: text(port),
            })
        };
        let mut attachment = Standing {
            aws,
            provider: &provider,
            resource: resource(aws, "database", properties("db.example", "5432")),
        };
        settle(&provider, &attachment.target()).await?;
        let change = Change {
            to: properties("db.other", "5434"),
            differs: json!([["host", "db.other", "db.example"], ["port", "5434", "5432"]]),
            calls: &["PutSecretValue"],
            read: json!({"host": "db.other", "port": 5434, "username": "owner"}),
        };
        attachment.check(change, &snapshot).await?;
        ensure!(standing.observe().await?.differences.is_empty());
        let calls = format!("{:?}", aws.calls()?);
        let password = password.as_str().context("no password")?;
        ensure!(!calls.contains(password), "the password is in the log of calls");
        remove(&provider, &attachment.target()).await?;
        remove(&provider, &standing.target()).await
    })
}
