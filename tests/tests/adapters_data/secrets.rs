//! Secrets, their attachments, and reading them.

use anyhow::{Context, Result, ensure};
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::ports::provider::{CallErrorKind, Condition, Progress, Provider};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::{Secret, SecretAttachment};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::harness::{TOKEN, check, check_faults, remove, resource, settle, target, text, with_aws, work};

pub(crate) fn secret(aws: &LocalAws) -> Resource {
    let properties = Secret {
        description: "the database's master user".to_owned(),
        username: "dbadmin".to_owned(),
        engine: "postgres".to_owned(),
        port: 5432,
        database: "tapdb".to_owned(),
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

        // What the value says besides is compared, and not shown.
        let other = json!({"username": "somebody", "password": password, "engine": "postgres", "dbname": "tapdb"});
        client
            .put_secret_value()
            .secret_id(&observed.id)
            .secret_string(other.to_string())
            .send()
            .await?;
        let seen = provider.observe(&target).await?.context("gone")?;
        let progress = provider.ensure(&target, Some(&seen)).await?;
        let reason = "the property username of a secret cannot be changed by this version: wanted dbadmin, \
            there is another value";
        ensure!(
            progress
                == Progress::Blocked {
                    reason: reason.to_owned()
                },
            "{progress:?}"
        );

        // A secret that somebody has scheduled for deletion is on its way out, and goes at once when we delete it.
        client
            .delete_secret()
            .secret_id(&observed.id)
            .recovery_window_in_days(7)
            .send()
            .await?;
        let scheduled = provider.observe(&target).await?.context("gone")?;
        ensure!(
            scheduled.condition == Condition::Deleting && scheduled.ours,
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
        Ok(())
    })
}
