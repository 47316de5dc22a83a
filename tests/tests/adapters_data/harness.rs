//! What every test of an adapter needs: resources, a provider that is watched, and the conformance suite over it.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use outrigger_engine::conformance;
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Observed, Progress, Provider, Target};
use outrigger_model::name::physical_name;
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Input, Kind, Properties, Region, Resource, ResourceKey, StackId};
use outrigger_tests::LocalAws;
use serde_json::json;

pub(crate) const TOKEN: &str = "0001700000000000-test";
/// Long enough to be seen, short enough to wait for.
const SLOW_SECONDS: f64 = 0.5;

pub(crate) fn with_aws(test: impl AsyncFnOnce(&LocalAws) -> Result<()>) -> Result<()> {
    let aws = LocalAws::start_for_test()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(test(&aws))
}

pub(crate) fn slow(aws: &LocalAws, kind: &str) -> Result<()> {
    aws.set_faults(&json!({"slow_provisioning": {"seconds": SLOW_SECONDS, "kinds": [kind]}}))
}

pub(crate) fn region(aws: &LocalAws) -> Region {
    Region::new(aws.region())
}

pub(crate) fn text(text: impl Into<String>) -> Input {
    Input::Text(text.into())
}

pub(crate) fn resource(aws: &LocalAws, name: &str, properties: Properties) -> Resource {
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

pub(crate) fn target(resource: &Resource, token: &str) -> Target {
    Target {
        resource: resource.clone(),
        id: None,
        token: token.to_owned(),
        not: BTreeSet::new(),
        tags_gone: BTreeSet::new(),
        unprotect: false,
        going: false,
    }
}

/// Drives a resource until it is as it is wanted, as the executor does.
pub(crate) async fn settle(provider: &dyn Provider, target: &Target) -> Result<Observed> {
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

pub(crate) async fn remove(provider: &dyn Provider, target: &Target) -> Result<()> {
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

pub(crate) type Work = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

/// Makes a [`Work`] of a client and what to do with it.
pub(crate) fn work<Client, Done>(client: &Client, work: impl Fn(Client) -> Done + Send + Sync + 'static) -> Work
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

pub(crate) async fn check(
    aws: &LocalAws,
    provider: &dyn Provider,
    resource: &Resource,
    name: Option<(Work, Work)>,
) -> Result<()> {
    let case = Case {
        provider: Watched { aws, provider },
        resource: resource.clone(),
        name,
    };
    conformance::provider::check(&case).await.map_err(anyhow::Error::msg)
}

/// What becomes of a create whose answers are throttled, lost once, and lost for good.
pub(crate) async fn check_faults(
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

/// A VPC with two private subnets in different zones, and a security group.
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) subnets: Vec<Input>,
    pub(crate) group: String,
}

pub(crate) async fn vpc(aws: &LocalAws) -> Result<Vpc> {
    vpc_in(aws, &region(aws)).await
}

pub(crate) async fn vpc_in(aws: &LocalAws, region: &Region) -> Result<Vpc> {
    let client = aws_sdk_ec2::Client::new(&aws.sdk_config(region.as_str()));
    let vpc = client.create_vpc().cidr_block("10.0.0.0/16").send().await?;
    let vpc = vpc.vpc().and_then(|vpc| vpc.vpc_id()).context("no VPC")?.to_owned();
    let mut subnets = Vec::new();
    for (cidr, zone) in [("10.0.10.0/24", "a"), ("10.0.11.0/24", "b")] {
        let zone = format!("{region}{zone}");
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
        id: vpc,
        subnets,
        group: group.group_id().context("no group")?.to_owned(),
    })
}

pub(crate) fn subnet_texts(vpc: &Vpc) -> Vec<String> {
    vpc.subnets.iter().map(|subnet| subnet.text().to_owned()).collect()
}

/// The differences of a resource that is at rest, as `property: wanted / actual`.
pub(crate) async fn differences(provider: &dyn Provider, target: &Target) -> Result<Vec<String>> {
    for _ in 0..80 {
        let observed = provider.observe(target).await?.context("nothing is there")?;
        match observed.condition {
            Condition::Ready => {
                let told = observed
                    .differences
                    .iter()
                    .map(|of| format!("{}: {} / {}", of.property, of.wanted, of.actual));
                return Ok(told.collect());
            }
            Condition::Changing { .. } => tokio::time::sleep(Duration::from_millis(100)).await,
            other => bail!("it is {other:?}"),
        }
    }
    bail!("{} does not come to rest", target.resource.key)
}

/// How often an operation was called so far with success.
pub(crate) fn called(aws: &LocalAws, operation: &str) -> Result<usize> {
    let calls = aws.calls()?.into_iter();
    Ok(calls
        .filter(|call| call.operation == operation && call.succeeded())
        .count())
}
