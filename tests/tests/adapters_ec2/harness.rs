//! What every test of the adapter needs: resources of each kind, a provider that is watched, and the conformance suite
//! over it.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use async_trait::async_trait;
use aws_sdk_ec2::Client;
use outrigger::local::LocalAws;
use outrigger_aws_ec2::Network;
use outrigger_engine::conformance::provider::{Case, check};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::name::physical_name;
use outrigger_model::properties::{
    ElasticIp, IngressRule, InternetGateway, NatGateway, Reached, Route, RouteTable, RouteTableAssociation,
    RouteTarget, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Input, Kind, Properties, Region, Resource, ResourceKey, StackId};

pub(crate) const REGION: &str = "us-east-1";

/// How often a test looks before it gives up.
pub(crate) const TURNS_MAX: usize = 60;

/// Runs a test on a local AWS of its own.
pub(crate) fn with_local_aws(test: impl AsyncFnOnce(&Watched) -> Result<()>) -> Result<()> {
    let aws = LocalAws::start_for_test()?;
    let watched = Watched {
        network: Network::new(&aws.aws()),
        client: Client::new(&aws.sdk_config(REGION)),
        aws,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(test(&watched))
}

/// The provider, with an eye on the calls that it makes: none that changes anything to observe, else one at most.
pub(crate) struct Watched {
    network: Network,
    /// For what the provider does not do, and to look at what it did.
    pub(crate) client: Client,
    pub(crate) aws: LocalAws,
}

impl Watched {
    async fn watch<T>(
        &self,
        calls_max: usize,
        work: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let before = self.changes()?;
        let result = work.await;
        let after = self.changes()?;
        let made: Vec<&String> = after.iter().skip(before.len()).collect();
        if made.len() > calls_max {
            return Err(CallError::invalid("ec2", format!("it made these calls: {made:?}")));
        }
        result
    }

    /// The calls so far that changed something, or were refused to; those that a fault kept away do not count.
    pub(crate) fn changes(&self) -> Result<Vec<String>, CallError> {
        let calls = self.aws.calls();
        let calls = calls.map_err(|error| CallError::invalid("the call log", error.to_string()))?;
        let changes = calls.into_iter().filter(|call| call.mutating && call.fault.is_none());
        Ok(changes.map(|call| call.operation).collect())
    }

    /// How often an operation was asked for, whatever became of it.
    pub(crate) fn count(&self, operation: &str) -> Result<usize> {
        Ok(self
            .aws
            .calls()?
            .iter()
            .filter(|call| call.operation == operation)
            .count())
    }
}

#[async_trait]
impl Provider for Watched {
    fn kinds(&self) -> &'static [Kind] {
        self.network.kinds()
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        self.watch(0, self.network.observe(target)).await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        self.watch(1, self.network.ensure(target, observed)).await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        self.watch(1, self.network.delete(target, observed)).await
    }
}

pub(crate) fn resource_of(stack: &str, name: &str, properties: Properties) -> Resource {
    let id = StackId {
        stack: stack.to_owned(),
        environment: "test".to_owned(),
    };
    let key = ResourceKey::new(&Region::new(REGION), properties.kind(), name);
    let physical_name = physical_name(&id, &key);
    let tags = [
        ("Name", physical_name.clone()),
        (TAG_STACK, id.stack),
        (TAG_ENVIRONMENT, id.environment),
        (TAG_RESOURCE, key.to_string()),
        ("Environment", "production".to_owned()),
    ];
    Resource {
        key,
        physical_name,
        properties,
        tags: tags.into_iter().map(|(tag, value)| (tag.to_owned(), value)).collect(),
        depends_on: Default::default(),
    }
}

pub(crate) fn resource(name: &str, properties: Properties) -> Resource {
    resource_of("shop", name, properties)
}

pub(crate) fn target(resource: &Resource, id: Option<&str>) -> Target {
    target_of(resource, id, &token(resource))
}

pub(crate) fn token(resource: &Resource) -> String {
    format!("0001700000000000-{}", resource.key.name)
}

pub(crate) fn target_of(resource: &Resource, id: Option<&str>, token: &str) -> Target {
    Target {
        resource: resource.clone(),
        id: id.map(str::to_owned),
        token: token.to_owned(),
        not: Default::default(),
        tags_gone: Default::default(),
        unprotect: false,
        going: false,
    }
}

pub(crate) fn text(id: &str) -> Input {
    Input::Text(id.to_owned())
}

pub(crate) fn vpc() -> Result<Resource> {
    let cidr = "10.0.0.0/16".parse()?;
    Ok(resource("vpc", Properties::Vpc(Vpc { cidr })))
}

pub(crate) fn subnet(name: &str, vpc: &str, cidr: &str, public: bool) -> Result<Resource> {
    let properties = Subnet {
        vpc: text(vpc),
        cidr: cidr.parse()?,
        zone: format!("{REGION}a"),
        public_address_on_launch: public,
    };
    Ok(resource(name, Properties::Subnet(properties)))
}

pub(crate) fn internet_gateway(vpc: &str) -> Resource {
    resource(
        "gateway",
        Properties::InternetGateway(InternetGateway { vpc: text(vpc) }),
    )
}

pub(crate) fn route_table(name: &str, vpc: &str) -> Resource {
    resource(name, Properties::RouteTable(RouteTable { vpc: text(vpc) }))
}

pub(crate) fn route(route_table: &str, gateway: &str) -> Result<Resource> {
    let properties = Route {
        route_table: text(route_table),
        destination: "0.0.0.0/0".parse()?,
        target: RouteTarget::Gateway(text(gateway)),
    };
    Ok(resource("public-internet", Properties::Route(properties)))
}

pub(crate) fn private_route(route_table: &str, nat_gateway: &str) -> Result<Resource> {
    let properties = Route {
        route_table: text(route_table),
        destination: "0.0.0.0/0".parse()?,
        target: RouteTarget::NatGateway(text(nat_gateway)),
    };
    Ok(resource("private-internet", Properties::Route(properties)))
}

pub(crate) fn elastic_ip() -> Resource {
    resource("nat-1", Properties::ElasticIp(ElasticIp {}))
}

pub(crate) fn nat_gateway(subnet: &str, address: &str) -> Resource {
    let properties = NatGateway {
        subnet: text(subnet),
        address: text(address),
    };
    resource("nat-1", Properties::NatGateway(properties))
}

pub(crate) fn endpoint(name: &str, vpc: &str, reached: Reached) -> Resource {
    let properties = VpcEndpoint {
        vpc: text(vpc),
        service: format!("com.amazonaws.{REGION}.{name}"),
        reached,
    };
    resource(name, Properties::VpcEndpoint(properties))
}

pub(crate) fn by_routes(route_tables: &[&str]) -> Reached {
    Reached::Gateway {
        route_tables: route_tables.iter().map(|id| text(id)).collect(),
    }
}

pub(crate) fn at_addresses(subnets: &[&str], security_groups: &[&str], private_dns: bool) -> Reached {
    Reached::Interface {
        subnets: subnets.iter().map(|id| text(id)).collect(),
        security_groups: security_groups.iter().map(|id| text(id)).collect(),
        private_dns,
    }
}

pub(crate) fn association(route_table: &str, subnet: &str) -> Resource {
    let properties = RouteTableAssociation {
        route_table: text(route_table),
        subnet: text(subnet),
    };
    resource("public-1", Properties::RouteTableAssociation(properties))
}

pub(crate) fn rule(port: u16, description: &str) -> Result<IngressRule> {
    Ok(IngressRule {
        port,
        source: "10.0.0.0/16".parse()?,
        description: description.to_owned(),
    })
}

pub(crate) fn security_group_of(stack: &str, vpc: &str, ingress: Vec<IngressRule>) -> Resource {
    let properties = SecurityGroup {
        vpc: text(vpc),
        description: "who may talk to the database".to_owned(),
        ingress,
    };
    resource_of(stack, "database", Properties::SecurityGroup(properties))
}

pub(crate) fn security_group(vpc: &str, ingress: Vec<IngressRule>) -> Resource {
    security_group_of("shop", vpc, ingress)
}

pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Makes a resource as it is wanted, as the executor would; its id.
pub(crate) async fn stand_up(provider: &dyn Provider, resource: &Resource) -> Result<String> {
    Ok(converge(provider, target(resource, None)).await?.id)
}

/// Goes on until the target is as it is wanted, as the executor would; how it is observed then.
pub(crate) async fn converge(provider: &dyn Provider, mut target: Target) -> Result<Observed> {
    let key = target.resource.key.clone();
    let mut waits = false;
    for _ in 0..TURNS_MAX {
        let observed = provider.observe(&target).await?;
        if observed.is_none() && waits {
            // Made, but not shown yet.
            pause().await;
            continue;
        }
        if let Some(observed) = &observed {
            ensure!(observed.ours, "{key} is not ours: {observed:?}");
            target.id = Some(observed.id.clone());
        }
        match provider.ensure(&target, observed.as_ref()).await {
            Ok(Progress::Done) => return observed.with_context(|| format!("{key} is done, but not there")),
            Ok(Progress::InProgress { id: created, .. }) if observed.is_none() => {
                waits = created.is_some();
                target.id = created.or(target.id);
            }
            Ok(Progress::InProgress { .. }) => {}
            Ok(Progress::Blocked { reason }) => bail!("{key} is blocked: {reason}"),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error.into()),
        }
        pause().await;
    }
    bail!("{key} does not become ready")
}

pub(crate) async fn tear_down(provider: &dyn Provider, resource: &Resource) -> Result<()> {
    remove(provider, &target(resource, None)).await
}

/// Deletes the target until it is not there.
pub(crate) async fn remove(provider: &dyn Provider, target: &Target) -> Result<()> {
    for _ in 0..TURNS_MAX {
        let Some(observed) = provider.observe(target).await? else {
            return Ok(());
        };
        match provider.delete(target, &observed).await {
            Ok(Progress::Done | Progress::InProgress { .. }) => {}
            Ok(Progress::Blocked { reason }) => bail!("{} is blocked: {reason}", target.resource.key),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error.into()),
        }
        pause().await;
    }
    bail!("{} does not go", target.resource.key)
}

pub(crate) async fn observe(provider: &dyn Provider, resource: &Resource, id: Option<&str>) -> Result<Observed> {
    observe_target(provider, &target(resource, id)).await
}

pub(crate) async fn observe_target(provider: &dyn Provider, target: &Target) -> Result<Observed> {
    let observed = provider.observe(target).await?;
    observed.with_context(|| format!("{} is not there", target.resource.key))
}

pub(crate) fn properties(observed: &Observed) -> Vec<&'static str> {
    observed
        .differences
        .iter()
        .map(|difference| difference.property)
        .collect()
}

/// A resource of one kind, and one that takes its name.
struct KindCase<'a> {
    provider: &'a Watched,
    resource: Resource,
    foreign: Option<Resource>,
}

#[async_trait]
impl Case for KindCase<'_> {
    fn provider(&self) -> &dyn Provider {
        self.provider
    }

    fn resource(&self) -> Resource {
        self.resource.clone()
    }

    async fn take_name(&self) -> Result<bool, String> {
        let Some(foreign) = &self.foreign else {
            return Ok(false);
        };
        let stood_up = stand_up(self.provider, foreign).await;
        stood_up.map(|_| true).map_err(|error| format!("{error:#}"))
    }

    async fn give_name_back(&self) -> Result<(), String> {
        let Some(foreign) = &self.foreign else {
            return Ok(());
        };
        tear_down(self.provider, foreign)
            .await
            .map_err(|error| format!("{error:#}"))
    }

    async fn pause(&self, _duration: Duration) {
        pause().await;
    }
}

pub(crate) async fn conforms(provider: &Watched, resource: &Resource, foreign: Option<Resource>) -> Result<()> {
    let case = KindCase {
        provider,
        resource: resource.clone(),
        foreign,
    };
    check(&case).await.map_err(|error| anyhow!(error))
}
