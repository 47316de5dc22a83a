//! The data stack's adapters over the wire: each kind passes the conformance suite, and what only the wire can do.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use outrigger_aws::Aws;
use outrigger_aws_cloudwatch::Alarms;
use outrigger_aws_ec2::Network;
use outrigger_aws_elasticache::{Caches, redis_versions};
use outrigger_aws_kinesis::Streams;
use outrigger_aws_rds::{Databases, postgres_versions};
use outrigger_aws_s3::S3Documents;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::conformance;
use outrigger_engine::ports::document_source::DocumentSource;
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Provider, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::name::physical_name;
use outrigger_model::properties::{
    Alarm, CacheSubnetGroup, Comparison, DbInstance, DbSubnetGroup, MissingData, ReplicationGroup, Secret,
    SecretAttachment, Statistic, Stream,
};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Input, Kind, Properties, Region, Resource, ResourceKey, StackId};
use outrigger_tests::LocalAws;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const TOKEN: &str = "0001700000000000-test";
/// Long enough to be seen, short enough to wait for.
const SLOW_SECONDS: f64 = 0.5;

fn with_aws(test: impl AsyncFnOnce(&LocalAws) -> Result<()>) -> Result<()> {
    let aws = LocalAws::start_for_test()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(test(&aws))
}

fn slow(aws: &LocalAws, kind: &str) -> Result<()> {
    aws.set_faults(&json!({"slow_provisioning": {"seconds": SLOW_SECONDS, "kinds": [kind]}}))
}

fn region(aws: &LocalAws) -> Region {
    Region::new(aws.region())
}

fn text(text: impl Into<String>) -> Input {
    Input::Text(text.into())
}

fn resource(aws: &LocalAws, name: &str, properties: Properties) -> Resource {
    let stack = StackId {
        stack: "data-processing".to_owned(),
        environment: "production".to_owned(),
    };
    let key = ResourceKey::new(&region(aws), properties.kind(), name);
    let physical_name = physical_name(&stack, &key);
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Resource {
        tags: BTreeMap::from([
            tag("Name", &physical_name),
            tag("Environment", "production"),
            tag(TAG_STACK, &stack.stack),
            tag(TAG_ENVIRONMENT, &stack.environment),
            tag(TAG_RESOURCE, &key.to_string()),
        ]),
        key,
        physical_name,
        properties,
        depends_on: BTreeSet::new(),
    }
}

fn target(resource: &Resource, token: &str) -> Target {
    Target {
        resource: resource.clone(),
        id: None,
        token: token.to_owned(),
    }
}

/// Drives a resource until it is as it is wanted, as the executor does.
async fn settle(provider: &dyn Provider, target: &Target) -> Result<Observed> {
    let mut target = target.clone();
    for _ in 0..80 {
        let observed = provider.observe(&target).await?;
        match &observed {
            Some(Observed {
                condition: Condition::Changing { .. },
                ..
            }) => {}
            Some(there) if there.condition == Condition::Ready && there.differences.is_empty() => {
                return Ok(there.clone());
            }
            _ => match provider.ensure(&target, observed.as_ref()).await {
                Ok(Progress::InProgress { id, .. }) => target.id = target.id.or(id),
                Ok(other) => bail!("ensure answered {other:?} on {observed:?}"),
                Err(error) if error.is_retryable() => {}
                Err(error) => return Err(error.into()),
            },
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{} does not come to rest", target.resource.key)
}

async fn remove(provider: &dyn Provider, target: &Target) -> Result<()> {
    for _ in 0..80 {
        let Some(observed) = provider.observe(target).await? else {
            return Ok(());
        };
        match provider.delete(target, &observed).await {
            Ok(Progress::Done | Progress::InProgress { .. }) => {}
            Ok(other) => bail!("delete answered {other:?}"),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{} does not go", target.resource.key)
}

type Work = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

/// Makes a [`Work`] of a client and what to do with it.
fn work<Client, Done>(client: &Client, work: impl Fn(Client) -> Done + Send + Sync + 'static) -> Work
where
    Client: Clone + Send + Sync + 'static,
    Done: Future<Output = Result<()>> + Send + 'static,
{
    let client = client.clone();
    Box::new(move || Box::pin(work(client.clone())))
}

/// A provider that is watched: it observes without changing anything, and changes one thing at a time.
struct Watched<'a> {
    aws: &'a LocalAws,
    provider: &'a dyn Provider,
}

impl Watched<'_> {
    async fn watch<T>(
        &self,
        changes_max: usize,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let changes = || {
            let calls = self
                .aws
                .calls()
                .map_err(|error| CallError::invalid("watch", error.to_string()))?;
            let changes = calls
                .into_iter()
                .filter(|call| call.mutating)
                .map(|call| call.operation);
            Ok::<Vec<_>, CallError>(changes.collect())
        };
        let before = changes()?.len();
        let result = call.await;
        match changes()?.get(before..) {
            Some(made) if made.len() > changes_max => Err(CallError::invalid("watch", format!("it calls {made:?}"))),
            _ => result,
        }
    }
}

#[async_trait]
impl Provider for Watched<'_> {
    fn kinds(&self) -> &'static [Kind] {
        self.provider.kinds()
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        self.watch(0, self.provider.observe(target)).await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        self.watch(1, self.provider.ensure(target, observed)).await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        self.watch(1, self.provider.delete(target, observed)).await
    }
}

struct Case<'a> {
    provider: Watched<'a>,
    resource: Resource,
    /// Takes the name, and gives it back.
    name: Option<(Work, Work)>,
}

#[async_trait]
impl conformance::provider::Case for Case<'_> {
    fn provider(&self) -> &dyn Provider {
        &self.provider
    }

    fn resource(&self) -> Resource {
        self.resource.clone()
    }

    async fn take_name(&self) -> Result<bool, String> {
        match &self.name {
            Some((take, _)) => take()
                .await
                .map(|()| true)
                .map_err(|error| format!("take the name: {error:#}")),
            None => Ok(false),
        }
    }

    async fn give_name_back(&self) -> Result<(), String> {
        match &self.name {
            Some((_, give_back)) => give_back()
                .await
                .map_err(|error| format!("give the name back: {error:#}")),
            None => Ok(()),
        }
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration.min(Duration::from_millis(100))).await;
    }
}

async fn check(aws: &LocalAws, provider: &dyn Provider, resource: &Resource, name: Option<(Work, Work)>) -> Result<()> {
    let case = Case {
        provider: Watched { aws, provider },
        resource: resource.clone(),
        name,
    };
    conformance::provider::check(&case).await.map_err(anyhow::Error::msg)
}

/// What becomes of a create whose answers are throttled, lost once, and lost for good.
async fn check_faults(
    aws: &LocalAws,
    provider: &dyn Provider,
    resource: &Resource,
    operation: [&str; 2],
) -> Result<()> {
    let [service, operation] = operation;
    let faults = |name: &str, times: i32| {
        aws.set_faults(&json!({name: [{"service": service, "operation": operation, "times": times}]}))
    };
    let target = target(resource, TOKEN);
    let kind = async || provider.ensure(&target, None).await.map_err(|error| error.kind);

    faults("throttle", -1)?;
    ensure!(
        kind().await == Err(CallErrorKind::Throttled),
        "throttled: {:?}",
        kind().await
    );
    ensure!(
        provider.observe(&target).await?.is_none(),
        "a throttled create had an effect"
    );
    faults("lose_requests", -1)?;
    ensure!(
        kind().await == Err(CallErrorKind::Unknown),
        "lost requests: {:?}",
        kind().await
    );
    ensure!(
        provider.observe(&target).await?.is_none(),
        "a lost request had an effect"
    );
    faults("lose_answers", -1)?;
    ensure!(
        kind().await == Err(CallErrorKind::Unknown),
        "lost answers: {:?}",
        kind().await
    );
    aws.set_faults(&json!({}))?;
    let observed = settle(provider, &target).await?;
    ensure!(observed.ours, "not recognised after its answer was lost: {observed:?}");
    remove(provider, &target).await?;

    // The SDK repeats a create whose answer was lost once; then the name is taken, by ourselves.
    faults("lose_answers", 1)?;
    match provider.ensure(&target, None).await {
        Ok(Progress::InProgress { .. }) => {}
        Err(error) if error.kind == CallErrorKind::Exists => {}
        other => bail!("a create whose answer was lost once: {other:?}"),
    }
    aws.set_faults(&json!({}))?;
    ensure!(
        settle(provider, &target).await?.ours,
        "not recognised after the SDK repeated its create"
    );
    remove(provider, &target).await
}

#[test]
fn streams() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_kinesis::Client::new(&aws.sdk_config(aws.region()));
        let provider = Streams::new(&aws.aws());
        let wanted = |retention_hours, metrics: &[&str]| {
            Properties::Stream(Stream {
                shards: 2,
                retention_hours,
                shard_metrics: metrics.iter().map(|name| (*name).to_owned()).collect(),
            })
        };
        let four = ["IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords"];
        let resource_one = resource(aws, "events", wanted(48, &four));
        let name = resource_one.physical_name.clone();
        let taken = || {
            let (take, give_back) = (name.clone(), name.clone());
            Some((
                work(&client, move |client| {
                    let request = client.create_stream().stream_name(&take).shard_count(1);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let request = client.delete_stream().stream_name(&give_back);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
            ))
        };
        check(aws, &provider, &resource_one, taken()).await?;
        slow(aws, "kinesis")?;
        check(aws, &provider, &resource_one, taken()).await?;
        aws.set_faults(&json!({}))?;
        check_faults(aws, &provider, &resource_one, ["kinesis", "CreateStream"]).await?;

        let target_one = target(&resource_one, TOKEN);
        let observed = settle(&provider, &target_one).await?;
        let summary = client.describe_stream_summary().stream_name(&name).send().await?;
        let summary = summary.stream_description_summary.context("no summary")?;
        ensure!(
            summary.open_shard_count == 2 && summary.retention_period_hours == 48,
            "{summary:?}"
        );
        ensure!(
            observed.attributes.get("arn") == Some(&summary.stream_arn),
            "{observed:?}"
        );
        ensure!(observed.attributes.get("name") == Some(&name), "{observed:?}");
        let metrics: BTreeSet<_> = summary
            .enhanced_monitoring
            .iter()
            .flat_map(|of| of.shard_level_metrics())
            .collect();
        ensure!(metrics.iter().map(|metric| metric.as_str()).eq(four), "{metrics:?}");

        // Retention and metrics change in both directions, and tags that somebody took away come back.
        let untag = client.remove_tags_from_stream().stream_name(&name).tag_keys("Name");
        untag.send().await?;
        client
            .add_tags_to_stream()
            .stream_name(&name)
            .tags("foreign", "stays")
            .send()
            .await?;
        let target_two = target(
            &resource(aws, "events", wanted(24, &["IteratorAgeMilliseconds"])),
            TOKEN,
        );
        settle(&provider, &target_two).await?;
        let tags = client.list_tags_for_stream().stream_name(&name).send().await?;
        ensure!(
            tags.tags.iter().any(|tag| tag.key == "foreign") && tags.tags.len() == 6,
            "{tags:?}"
        );
        // What cannot be changed says so.
        let three = Properties::Stream(Stream {
            shards: 3,
            retention_hours: 24,
            shard_metrics: BTreeSet::from(["IteratorAgeMilliseconds".to_owned()]),
        });
        let target_three = target(&resource(aws, "events", three), TOKEN);
        let observed = provider.observe(&target_three).await?.context("gone")?;
        let progress = provider.ensure(&target_three, Some(&observed)).await?;
        let reason = "the property shards of a stream cannot be changed by this version: wanted 3, there is 2";
        ensure!(
            progress
                == Progress::Blocked {
                    reason: reason.to_owned()
                },
            "{progress:?}"
        );
        remove(&provider, &target_one).await
    })
}

fn secret(aws: &LocalAws) -> Resource {
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

#[test]
fn alarms() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_cloudwatch::Client::new(&aws.sdk_config(aws.region()));
        let provider = Alarms::new(&aws.aws());
        let alarm = |threshold| {
            let properties = Alarm {
                description: "no records".to_owned(),
                namespace: "AWS/Kinesis".to_owned(),
                metric: "IncomingRecords".to_owned(),
                dimensions: BTreeMap::from([("StreamName".to_owned(), text("events"))]),
                statistic: Statistic::Sum,
                comparison: Comparison::LessThan,
                threshold,
                period_seconds: 300,
                periods: 3,
                missing_data: MissingData::Breaching,
            };
            resource(aws, "events-silent", Properties::Alarm(properties))
        };
        let name = alarm(1.0).physical_name;
        let put = |client: &aws_sdk_cloudwatch::Client, name: &str| {
            client
                .put_metric_alarm()
                .alarm_name(name)
                .namespace("Theirs")
                .metric_name("Theirs")
                .statistic("Average".into())
                .comparison_operator("GreaterThanThreshold".into())
                .threshold(1.0)
                .period(60)
                .evaluation_periods(1)
        };
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let request = put(&client, &take);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_alarms().alarm_names(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &alarm(1.0), Some(taken)).await?;

        // One that is not ours is not replaced, although the call would.
        put(&client, &name).send().await?;
        let target_one = target(&alarm(1.0), TOKEN);
        let create = provider.ensure(&target_one, None).await.map_err(|error| error.kind);
        ensure!(create == Err(CallErrorKind::Exists), "{create:?}");
        client.delete_alarms().alarm_names(&name).send().await?;
        check_faults(aws, &provider, &alarm(1.0), ["cloudwatch", "PutMetricAlarm"]).await?;

        let observed = settle(&provider, &target_one).await?;
        let shown = client.describe_alarms().alarm_names(&name).send().await?;
        let shown = shown.metric_alarms().first().context("no alarm")?;
        ensure!(
            shown.treat_missing_data() == Some("breaching") && shown.evaluation_periods() == Some(3),
            "{shown:?}"
        );
        ensure!(
            observed.attributes.get("arn").map(String::as_str) == shown.alarm_arn(),
            "{observed:?}"
        );

        // A change keeps the actions that somebody has added, and their tags.
        let topic = "arn:aws:sns:us-east-1:000000000000:theirs";
        put(&client, &name).alarm_actions(topic).send().await?;
        let foreign = aws_sdk_cloudwatch::types::Tag::builder()
            .key("foreign")
            .value("stays")
            .build();
        let arn = shown.alarm_arn().context("no ARN")?;
        client.tag_resource().resource_arn(arn).tags(foreign).send().await?;
        client
            .untag_resource()
            .resource_arn(arn)
            .tag_keys("Environment")
            .send()
            .await?;
        settle(&provider, &target(&alarm(5.0), TOKEN)).await?;
        let shown = client.describe_alarms().alarm_names(&name).send().await?;
        let shown = shown.metric_alarms().first().context("no alarm")?;
        ensure!(
            shown.threshold() == Some(5.0) && shown.alarm_actions() == [topic],
            "{shown:?}"
        );
        let tags = client.list_tags_for_resource().resource_arn(arn).send().await?;
        ensure!(tags.tags().len() == 6, "{tags:?}");
        remove(&provider, &target_one).await
    })
}

/// A VPC with two private subnets in different zones, and a security group.
struct Vpc {
    subnets: Vec<Input>,
    group: String,
}

async fn vpc(aws: &LocalAws) -> Result<Vpc> {
    let client = aws_sdk_ec2::Client::new(&aws.sdk_config(aws.region()));
    let vpc = client.create_vpc().cidr_block("10.0.0.0/16").send().await?;
    let vpc = vpc.vpc().and_then(|vpc| vpc.vpc_id()).context("no VPC")?.to_owned();
    let mut subnets = Vec::new();
    for (cidr, zone) in [("10.0.10.0/24", "a"), ("10.0.11.0/24", "b")] {
        let zone = format!("{}{zone}", aws.region());
        let subnet = client
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block(cidr)
            .availability_zone(zone)
            .send()
            .await?;
        subnets.push(text(
            subnet
                .subnet()
                .and_then(|subnet| subnet.subnet_id())
                .context("no subnet")?,
        ));
    }
    let group = client
        .create_security_group()
        .vpc_id(&vpc)
        .group_name("data")
        .description("data")
        .send()
        .await?;
    Ok(Vpc {
        subnets,
        group: group.group_id().context("no group")?.to_owned(),
    })
}

fn subnet_texts(vpc: &Vpc) -> Vec<String> {
    vpc.subnets.iter().map(|subnet| subnet.text().to_owned()).collect()
}

#[test]
fn db_subnet_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_rds::Client::new(&aws.sdk_config(aws.region()));
        let provider = databases(&aws.aws());
        let vpc = vpc(aws).await?;
        let group = |description: &str| {
            let properties = DbSubnetGroup {
                description: description.to_owned(),
                subnets: vpc.subnets.clone(),
            };
            resource(aws, "database", Properties::DbSubnetGroup(properties))
        };
        let name = group("private").physical_name;
        let (take, give_back, subnets) = (name.clone(), name.clone(), subnet_texts(&vpc));
        let taken = (
            work(&client, move |client| {
                let request = client.create_db_subnet_group().db_subnet_group_name(&take);
                let request = request
                    .db_subnet_group_description("theirs")
                    .set_subnet_ids(Some(subnets.clone()));
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_db_subnet_group().db_subnet_group_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &group("private"), Some(taken)).await?;
        check_faults(aws, &provider, &group("private"), ["rds", "CreateDBSubnetGroup"]).await?;
        let target_one = target(&group("private"), TOKEN);
        settle(&provider, &target_one).await?;
        settle(&provider, &target(&group("another description"), TOKEN)).await?;
        remove(&provider, &target_one).await
    })
}

fn databases(aws: &Aws) -> Databases {
    Databases::new(aws, Arc::new(Secrets::new(aws)))
}

#[test]
fn db_instances() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_rds::Client::new(&aws.sdk_config(aws.region()));
        let versions = postgres_versions(&aws.aws(), &region(aws)).await?;
        ensure!(
            versions.iter().any(|version| version == "15.15") && versions.len() > 10,
            "{versions:?}"
        );
        let (provider, secrets) = (databases(&aws.aws()), Secrets::new(&aws.aws()));
        let arn = settle(&secrets, &target(&secret(aws), TOKEN)).await?.id;
        let password = secrets.credentials(&arn).await?.password.expose_secret().to_owned();
        let vpc = vpc(aws).await?;
        let group = Properties::DbSubnetGroup(DbSubnetGroup {
            description: "private".to_owned(),
            subnets: vpc.subnets.clone(),
        });
        let group = target(&resource(aws, "database", group), TOKEN);
        let properties = DbInstance {
            engine_version: "15.15".to_owned(),
            class: "db.t3.micro".to_owned(),
            storage_gib: 20,
            storage_type: "gp2".to_owned(),
            multi_az: true,
            database: "tapdb".to_owned(),
            port: 5432,
            secret: text(&arn),
            subnet_group: text(&group.resource.physical_name),
            security_groups: vec![text(&vpc.group)],
            backup_retention_days: 7,
            backup_window: "03:00-04:00".to_owned(),
            maintenance_window: "mon:04:00-mon:05:00".to_owned(),
            minor_upgrades: true,
            deletion_protection: false,
            final_snapshot: false,
        };
        let instance = |properties: &DbInstance| resource(aws, "database", Properties::DbInstance(properties.clone()));
        let wanted = instance(&properties);
        let name = wanted.physical_name.clone();

        // A subnet group that does not show yet is waited for.
        let create = provider
            .ensure(&target(&wanted, TOKEN), None)
            .await
            .map_err(|error| error.kind);
        ensure!(
            create == Err(CallErrorKind::NotYet),
            "without its subnet group: {create:?}"
        );
        settle(&provider, &group).await?;

        let taken = || {
            let (take, give_back) = (name.clone(), name.clone());
            (
                work(&client, move |client| {
                    let request = client
                        .create_db_instance()
                        .db_instance_identifier(&take)
                        .engine("postgres");
                    let request = request.db_instance_class("db.t3.micro").allocated_storage(20);
                    let request = request
                        .master_username("theirs")
                        .master_user_password("theirs-and-long");
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let request = client.delete_db_instance().db_instance_identifier(&give_back);
                    let request = request.skip_final_snapshot(true);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
            )
        };
        check(aws, &provider, &wanted, Some(taken())).await?;
        slow(aws, "rds")?;
        check(aws, &provider, &wanted, Some(taken())).await?;
        aws.set_faults(&json!({}))?;
        check_faults(aws, &provider, &wanted, ["rds", "CreateDBInstance"]).await?;

        let wanted = target(&wanted, TOKEN);
        let observed = settle(&provider, &wanted).await?;
        let shown = client
            .describe_db_instances()
            .db_instance_identifier(&name)
            .send()
            .await?;
        let shown = shown.db_instances().first().context("no instance")?;
        ensure!(
            shown.master_username() == Some("dbadmin") && shown.db_name() == Some("tapdb"),
            "{shown:?}"
        );
        ensure!(
            shown.storage_encrypted() == Some(true) && shown.publicly_accessible() == Some(false),
            "{shown:?}"
        );
        ensure!(
            shown.multi_az() == Some(true) && shown.copy_tags_to_snapshot() == Some(true),
            "{shown:?}"
        );
        ensure!(
            shown.backup_retention_period() == Some(7) && shown.allocated_storage() == Some(20),
            "{shown:?}"
        );
        let attributes = |name: &str| observed.attributes.get(name).map(String::as_str);
        ensure!(
            attributes("port") == Some("5432") && attributes("engine_version") == Some("15.15"),
            "{observed:?}"
        );
        ensure!(
            attributes("endpoint") == shown.endpoint().and_then(|endpoint| endpoint.address()),
            "{observed:?}"
        );

        // Its subnet group stays as long as it does.
        let in_use = provider.observe(&group).await?.context("no subnet group")?;
        let refused = provider.delete(&group, &in_use).await.map_err(|error| error.kind);
        ensure!(
            refused == Err(CallErrorKind::NotYet),
            "a subnet group in use: {refused:?}"
        );

        // What cannot be changed says so.
        let gp3 = target(
            &instance(&DbInstance {
                storage_type: "gp3".to_owned(),
                ..properties.clone()
            }),
            TOKEN,
        );
        let seen = provider.observe(&gp3).await?.context("gone")?;
        let progress = provider.ensure(&gp3, Some(&seen)).await?;
        let reason =
            "the property storage_type of a database cannot be changed by this version: wanted gp3, there is gp2";
        ensure!(
            progress
                == Progress::Blocked {
                    reason: reason.to_owned()
                },
            "{progress:?}"
        );

        // Protected, it does not go; unprotected, it does, and leaves a snapshot where one is wanted.
        let kept = DbInstance {
            deletion_protection: true,
            final_snapshot: true,
            ..properties
        };
        let protected = target(&instance(&kept), TOKEN);
        let seen = settle(&provider, &protected).await?;
        let progress = provider.delete(&protected, &seen).await?;
        ensure!(
            matches!(&progress, Progress::Blocked { reason } if reason.contains("protected")),
            "{progress:?}"
        );
        let snapshots = async || {
            let snapshots = client.describe_db_snapshots().send().await?;
            let names = snapshots
                .db_snapshots()
                .iter()
                .filter_map(|snapshot| snapshot.db_snapshot_identifier.clone());
            anyhow::Ok(names.collect::<BTreeSet<_>>())
        };
        let unprotected = DbInstance {
            deletion_protection: false,
            ..kept
        };
        for count in [1, 2] {
            let unprotected = target(&instance(&unprotected), TOKEN);
            settle(&provider, &unprotected).await?;
            remove(&provider, &unprotected).await?;
            let snapshots = snapshots().await?;
            ensure!(
                snapshots.len() == count && snapshots.contains(&format!("{name}-final-snapshot")),
                "{snapshots:?}"
            );
        }

        // No error tells the password, whatever the call came to.
        for faults in [
            json!({"fail": [{"service": "rds", "operation": "CreateDBInstance", "code": "InvalidParameterValue"}]}),
            json!({"lose_answers": [{"service": "rds", "operation": "CreateDBInstance", "times": -1}]}),
            json!({"lose_answers": [{"service": "secretsmanager", "operation": "GetSecretValue", "times": -1}]}),
        ] {
            aws.set_faults(&faults)?;
            let Err(error) = provider.ensure(&wanted, None).await else {
                bail!("{faults} had no effect");
            };
            ensure!(
                !format!("{error} {error:?}").contains(&password),
                "the password is in an error"
            );
        }
        aws.set_faults(&json!({}))?;
        remove(&provider, &wanted).await?;
        remove(&provider, &group).await?;
        ensure!(
            !format!("{:?}", aws.calls()?).contains(&password),
            "the password is in the log of calls"
        );
        Ok(())
    })
}

#[test]
fn cache_subnet_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_elasticache::Client::new(&aws.sdk_config(aws.region()));
        let provider = Caches::new(&aws.aws());
        let vpc = vpc(aws).await?;
        let group = |description: &str| {
            let properties = CacheSubnetGroup {
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
        let provider = Caches::new(&aws.aws());
        let vpc = vpc(aws).await?;
        let group = Properties::CacheSubnetGroup(CacheSubnetGroup {
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
        };
        let wanted = resource(aws, "cache", Properties::ReplicationGroup(properties.clone()));
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

        // What cannot be changed says so.
        let three = ReplicationGroup { nodes: 3, ..properties };
        let three = target(&resource(aws, "cache", Properties::ReplicationGroup(three)), TOKEN);
        let seen = provider.observe(&three).await?.context("gone")?;
        let progress = provider.ensure(&three, Some(&seen)).await?;
        let reason = "the property nodes of a cache cannot be changed by this version: wanted 3, there is 2";
        ensure!(
            progress
                == Progress::Blocked {
                    reason: reason.to_owned()
                },
            "{progress:?}"
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

#[test]
fn documents() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_s3::Client::new(&aws.sdk_config(aws.region()));
        client.create_bucket().bucket("documents").send().await?;
        for (key, body) in [("stacks/one.yaml", &b"stack: one\n"[..]), ("binary", &[0xff, 0xfe][..])] {
            client
                .put_object()
                .bucket("documents")
                .key(key)
                .body(body.to_vec().into())
                .send()
                .await?;
        }
        let documents = S3Documents::new(&aws.aws());
        ensure!(documents.read("documents", "stacks/one.yaml", 11).await? == "stack: one\n");
        for (bucket, key, bytes_max, expected) in [
            (
                "documents",
                "stacks/one.yaml",
                10,
                "s3://documents/stacks/one.yaml is longer than 10 bytes",
            ),
            (
                "documents",
                "stacks/two.yaml",
                10,
                "there is no s3://documents/stacks/two.yaml",
            ),
            (
                "absent",
                "one.yaml",
                10,
                "there is no s3://absent/one.yaml: the bucket does not exist",
            ),
            ("documents", "binary", 10, "s3://documents/binary is not UTF-8"),
        ] {
            let Err(error) = documents.read(bucket, key, bytes_max).await else {
                bail!("read s3://{bucket}/{key}");
            };
            ensure!(
                error.message == expected && error.kind == CallErrorKind::Invalid,
                "{error:?}"
            );
        }
        Ok(())
    })
}

#[test]
fn each_kind_has_one_provider() {
    let aws = Aws::new();
    let providers: [&dyn Provider; 6] = [
        &Network::new(&aws),
        &databases(&aws),
        &Caches::new(&aws),
        &Streams::new(&aws),
        &Secrets::new(&aws),
        &Alarms::new(&aws),
    ];
    let mut kinds: Vec<Kind> = providers
        .iter()
        .flat_map(|provider| provider.kinds().iter().copied())
        .collect();
    kinds.sort();
    assert_eq!(kinds, Kind::ALL);
}
