//! The EC2 adapter over the wire: the suite that every provider passes, and what only EC2 has.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use async_trait::async_trait;
use outrigger::local::LocalAws;
use outrigger_aws_ec2::sdk::Client;
use outrigger_aws_ec2::sdk::types::{AttributeBooleanValue, GatewayType, Tag, VpcAttributeName};
use outrigger_aws_ec2::{Network, zones};
use outrigger_engine::conformance::provider::{Case, check};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_model::name::physical_name;
use outrigger_model::properties::{
    IngressRule, InternetGateway, Route, RouteTable, RouteTableAssociation, SecurityGroup, Subnet, Vpc,
};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_INTENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Input, Kind, Properties, Region, Resource, ResourceKey, StackId};
use serde_json::json;

const REGION: &str = "us-east-1";

/// How often a test looks before it gives up.
const TURNS_MAX: usize = 60;

/// Runs a test on a local AWS of its own.
fn with_local_aws(test: impl AsyncFnOnce(&Watched) -> Result<()>) -> Result<()> {
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
struct Watched {
    network: Network,
    /// For what the provider does not do, and to look at what it did.
    client: Client,
    aws: LocalAws,
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
    fn changes(&self) -> Result<Vec<String>, CallError> {
        let calls = self.aws.calls();
        let calls = calls.map_err(|error| CallError::invalid("the call log", error.to_string()))?;
        let changes = calls.into_iter().filter(|call| call.mutating && call.fault.is_none());
        Ok(changes.map(|call| call.operation).collect())
    }

    /// How often an operation was asked for, whatever became of it.
    fn count(&self, operation: &str) -> Result<usize> {
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

fn resource_of(stack: &str, name: &str, properties: Properties) -> Resource {
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

fn resource(name: &str, properties: Properties) -> Resource {
    resource_of("shop", name, properties)
}

fn target(resource: &Resource, id: Option<&str>) -> Target {
    target_of(resource, id, &token(resource))
}

fn token(resource: &Resource) -> String {
    format!("0001700000000000-{}", resource.key.name)
}

fn target_of(resource: &Resource, id: Option<&str>, token: &str) -> Target {
    Target {
        resource: resource.clone(),
        id: id.map(str::to_owned),
        token: token.to_owned(),
    }
}

fn text(id: &str) -> Input {
    Input::Text(id.to_owned())
}

fn vpc() -> Result<Resource> {
    let cidr = "10.0.0.0/16".parse()?;
    Ok(resource("vpc", Properties::Vpc(Vpc { cidr })))
}

fn subnet(name: &str, vpc: &str, cidr: &str, public: bool) -> Result<Resource> {
    let properties = Subnet {
        vpc: text(vpc),
        cidr: cidr.parse()?,
        zone: format!("{REGION}a"),
        public_address_on_launch: public,
    };
    Ok(resource(name, Properties::Subnet(properties)))
}

fn internet_gateway(vpc: &str) -> Resource {
    resource(
        "gateway",
        Properties::InternetGateway(InternetGateway { vpc: text(vpc) }),
    )
}

fn route_table(name: &str, vpc: &str) -> Resource {
    resource(name, Properties::RouteTable(RouteTable { vpc: text(vpc) }))
}

fn route(route_table: &str, gateway: &str) -> Result<Resource> {
    let properties = Route {
        route_table: text(route_table),
        destination: "0.0.0.0/0".parse()?,
        gateway: text(gateway),
    };
    Ok(resource("public-internet", Properties::Route(properties)))
}

fn association(route_table: &str, subnet: &str) -> Resource {
    let properties = RouteTableAssociation {
        route_table: text(route_table),
        subnet: text(subnet),
    };
    resource("public-1", Properties::RouteTableAssociation(properties))
}

fn rule(port: u16, description: &str) -> Result<IngressRule> {
    Ok(IngressRule {
        port,
        source: "10.0.0.0/16".parse()?,
        description: description.to_owned(),
    })
}

fn security_group_of(stack: &str, vpc: &str, ingress: Vec<IngressRule>) -> Resource {
    let properties = SecurityGroup {
        vpc: text(vpc),
        description: "who may talk to the database".to_owned(),
        ingress,
    };
    resource_of(stack, "database", Properties::SecurityGroup(properties))
}

fn security_group(vpc: &str, ingress: Vec<IngressRule>) -> Resource {
    security_group_of("shop", vpc, ingress)
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Makes a resource as it is wanted, as the executor would; its id.
async fn stand_up(provider: &dyn Provider, resource: &Resource) -> Result<String> {
    let mut id: Option<String> = None;
    for _ in 0..TURNS_MAX {
        let target = target(resource, id.as_deref());
        let observed = provider.observe(&target).await?;
        if observed.is_none() && id.is_some() {
            // Made, but not shown yet.
            pause().await;
            continue;
        }
        match provider.ensure(&target, observed.as_ref()).await {
            Ok(Progress::Done) => return observed.map(|observed| observed.id).context("done, but not there"),
            Ok(Progress::InProgress { id: created, .. }) => id = created.or(id),
            Ok(Progress::Blocked { reason }) => bail!("{} is blocked: {reason}", resource.key),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error.into()),
        }
        pause().await;
    }
    bail!("{} does not become ready", resource.key)
}

async fn tear_down(provider: &dyn Provider, resource: &Resource) -> Result<()> {
    let target = target(resource, None);
    for _ in 0..TURNS_MAX {
        let Some(observed) = provider.observe(&target).await? else {
            return Ok(());
        };
        match provider.delete(&target, &observed).await {
            Ok(Progress::Done | Progress::InProgress { .. }) => {}
            Ok(Progress::Blocked { reason }) => bail!("{} is blocked: {reason}", resource.key),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error.into()),
        }
        pause().await;
    }
    bail!("{} does not go", resource.key)
}

async fn observe(provider: &dyn Provider, resource: &Resource, id: Option<&str>) -> Result<Observed> {
    let observed = provider.observe(&target(resource, id)).await?;
    observed.with_context(|| format!("{} is not there", resource.key))
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

async fn conforms(provider: &Watched, resource: &Resource, foreign: Option<Resource>) -> Result<()> {
    let case = KindCase {
        provider,
        resource: resource.clone(),
        foreign,
    };
    check(&case).await.map_err(|error| anyhow!(error))
}

/// Every kind, each among what it depends on; nothing is left afterwards.
async fn every_kind_conforms(provider: &Watched) -> Result<()> {
    let vpc = vpc()?;
    conforms(provider, &vpc, None).await?;
    let vpc_id = stand_up(provider, &vpc).await?;

    let subnet = subnet("public-1", &vpc_id, "10.0.0.0/24", true)?;
    conforms(provider, &subnet, None).await?;
    let subnet_id = stand_up(provider, &subnet).await?;

    let gateway = internet_gateway(&vpc_id);
    conforms(provider, &gateway, None).await?;
    let gateway_id = stand_up(provider, &gateway).await?;

    let table = route_table("public", &vpc_id);
    conforms(provider, &table, None).await?;
    let table_id = stand_up(provider, &table).await?;

    // Somebody else's route to the same destination leads through a VPN gateway.
    let client = &provider.client;
    let vpn = client.create_vpn_gateway().r#type(GatewayType::Ipsec1).send().await?;
    let vpn_id = vpn
        .vpn_gateway()
        .and_then(|vpn| vpn.vpn_gateway_id())
        .context("a VPN gateway")?;
    for _ in 0..TURNS_MAX {
        if client
            .describe_vpn_gateways()
            .vpn_gateway_ids(vpn_id)
            .send()
            .await
            .is_ok_and(|answer| {
                let mut gateways = answer.vpn_gateways().iter();
                gateways.any(|gateway| gateway.vpn_gateway_id() == Some(vpn_id))
            })
        {
            break;
        }
        pause().await;
    }
    client
        .attach_vpn_gateway()
        .vpc_id(&vpc_id)
        .vpn_gateway_id(vpn_id)
        .send()
        .await?;
    conforms(
        provider,
        &route(&table_id, &gateway_id)?,
        Some(route(&table_id, vpn_id)?),
    )
    .await?;
    client
        .detach_vpn_gateway()
        .vpc_id(&vpc_id)
        .vpn_gateway_id(vpn_id)
        .send()
        .await?;
    client.delete_vpn_gateway().vpn_gateway_id(vpn_id).send().await?;

    let private = route_table("private", &vpc_id);
    let private_id = stand_up(provider, &private).await?;
    let foreign = association(&private_id, &subnet_id);
    conforms(provider, &association(&table_id, &subnet_id), Some(foreign)).await?;

    // The same physical name with the tags of another stack.
    let rules = vec![rule(5432, "PostgreSQL")?, rule(6379, "Redis")?];
    let group = security_group(&vpc_id, rules);
    let mut foreign = security_group_of("another", &vpc_id, Vec::new());
    foreign.physical_name.clone_from(&group.physical_name);
    conforms(provider, &group, Some(foreign)).await?;

    for resource in [&private, &table, &gateway, &subnet, &vpc] {
        tear_down(provider, resource).await?;
    }
    Ok(())
}

#[test]
fn kinds_conform() -> Result<()> {
    with_local_aws(every_kind_conforms)
}

#[test]
fn kinds_conform_where_ec2_shows_them_late() -> Result<()> {
    with_local_aws(async |provider| {
        provider
            .aws
            .set_faults(&json!({"late_visibility": {"seconds": 0.4, "services": ["ec2"]}}))?;
        every_kind_conforms(provider).await
    })
}

#[test]
fn zones_are_sorted() -> Result<()> {
    with_local_aws(async |provider| {
        for region in [REGION, "us-west-2"] {
            let zones = zones(&provider.aws.aws(), &Region::new(region)).await?;
            assert_eq!(zones, ["a", "b", "c"].map(|letter| format!("{region}{letter}")));
        }
        Ok(())
    })
}

#[test]
fn a_network_is_as_it_is_wanted_and_drift_is_put_right() -> Result<()> {
    with_local_aws(async |provider| {
        let client = &provider.client;

        // DNS support and host names are on; every tag is there.
        let vpc = vpc()?;
        let vpc_id = stand_up(provider, &vpc).await?;
        let dns = |attribute| {
            client
                .describe_vpc_attribute()
                .vpc_id(&vpc_id)
                .attribute(attribute)
                .send()
        };
        let support = dns(VpcAttributeName::EnableDnsSupport).await?;
        let host_names = dns(VpcAttributeName::EnableDnsHostnames).await?;
        assert_eq!(support.enable_dns_support().and_then(|value| value.value()), Some(true));
        assert_eq!(
            host_names.enable_dns_hostnames().and_then(|value| value.value()),
            Some(true)
        );
        let mut tags = vpc.tags.clone();
        tags.insert(TAG_INTENT.to_owned(), token(&vpc));
        assert_eq!(tags_of_vpc(client, &vpc_id).await?, tags);

        // Addresses on launch as they are wanted.
        let public = subnet("public-1", &vpc_id, "10.0.0.0/24", true)?;
        let private = subnet("private-1", &vpc_id, "10.0.10.0/24", false)?;
        let public_id = stand_up(provider, &public).await?;
        let private_id = stand_up(provider, &private).await?;
        for (id, on_launch) in [(&public_id, true), (&private_id, false)] {
            let subnets = client.describe_subnets().subnet_ids(id).send().await?;
            let subnets: Vec<_> = subnets
                .subnets()
                .iter()
                .map(|subnet| subnet.map_public_ip_on_launch())
                .collect();
            assert_eq!(subnets, [Some(on_launch)]);
        }
        // A second subnet with the same range is refused as taken, and not doubled.
        let same_range = subnet("public-9", &vpc_id, "10.0.0.0/24", true)?;
        let conflict = provider.ensure(&target(&same_range, None), None).await;
        assert_eq!(conflict.map_err(|error| error.kind), Err(CallErrorKind::Exists));

        // Rules with their descriptions, and everything may go out.
        let group = security_group(&vpc_id, vec![rule(5432, "PostgreSQL")?]);
        let group_id = stand_up(provider, &group).await?;
        assert_eq!(
            rules(client, &group_id).await?,
            ["-1 0.0.0.0/0 ", "tcp 5432 10.0.0.0/16 PostgreSQL"]
        );

        let gateway = internet_gateway(&vpc_id);
        let gateway_id = stand_up(provider, &gateway).await?;
        let table = route_table("public", &vpc_id);
        let table_id = stand_up(provider, &table).await?;
        let route = route(&table_id, &gateway_id)?;
        assert_eq!(stand_up(provider, &route).await?, format!("{table_id}|0.0.0.0/0"));
        let association = association(&table_id, &public_id);
        assert!(stand_up(provider, &association).await?.starts_with("rtbassoc-"));

        // Drift: host names off, a tag changed, one taken away; a tag of others stays.
        let off = AttributeBooleanValue::builder().value(false).build();
        let modify = client.modify_vpc_attribute().vpc_id(&vpc_id);
        modify.enable_dns_hostnames(off).send().await?;
        client
            .create_tags()
            .resources(&vpc_id)
            .tags(Tag::builder().key("Name").value("renamed").build())
            .tags(Tag::builder().key("CostCentre").value("1234").build())
            .send()
            .await?;
        let environment = Tag::builder().key("Environment").build();
        client.delete_tags().resources(&vpc_id).tags(environment).send().await?;
        let drifted = observe(provider, &vpc, Some(&vpc_id)).await?;
        assert_eq!(properties(&drifted), ["dns_host_names", "tags"]);
        assert_eq!(stand_up(provider, &vpc).await?, vpc_id);
        tags.insert("CostCentre".to_owned(), "1234".to_owned());
        assert_eq!(tags_of_vpc(client, &vpc_id).await?, tags);

        // Drift: another rule instead of ours, and no way out.
        let changed = security_group(&vpc_id, vec![rule(22, "by hand")?]);
        stand_up(provider, &changed).await?;
        let groups = client.describe_security_groups().group_ids(&group_id).send().await?;
        let egress = groups
            .security_groups()
            .iter()
            .flat_map(|group| group.ip_permissions_egress());
        let revoke = client.revoke_security_group_egress().group_id(&group_id);
        revoke
            .set_ip_permissions(Some(egress.cloned().collect()))
            .send()
            .await?;
        let drifted = observe(provider, &group, Some(&group_id)).await?;
        assert_eq!(properties(&drifted), ["ingress", "ingress", "egress"]);
        assert_eq!(stand_up(provider, &group).await?, group_id);
        assert_eq!(
            rules(client, &group_id).await?,
            ["-1 0.0.0.0/0 ", "tcp 5432 10.0.0.0/16 PostgreSQL"]
        );

        // Drift: another description. MiniStack does not know the call, so what counts is what was asked for.
        let described = security_group(&vpc_id, vec![rule(5432, "the database")?]);
        let drifted = observe(provider, &described, Some(&group_id)).await?;
        assert_eq!(properties(&drifted), ["ingress"]);
        let _ = provider
            .ensure(&target(&described, Some(&group_id)), Some(&drifted))
            .await;
        let calls = provider.aws.calls()?;
        let asked = calls.iter().rfind(|call| call.mutating).context("a call")?;
        assert_eq!(asked.operation, "UpdateSecurityGroupRuleDescriptionsIngress");
        for (parameter, value) in [
            ("GroupId", group_id.as_str()),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "5432"),
            ("IpPermissions.1.ToPort", "5432"),
            ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/16"),
            ("IpPermissions.1.IpRanges.1.Description", "the database"),
        ] {
            assert_eq!(asked.parameters.get(parameter), Some(&json!(value)), "{parameter}");
        }

        // Drift: the gateway detached.
        let detach = client.detach_internet_gateway().internet_gateway_id(&gateway_id);
        detach.vpc_id(&vpc_id).send().await?;
        assert_eq!(properties(&observe(provider, &gateway, None).await?), ["attachment"]);
        assert_eq!(stand_up(provider, &gateway).await?, gateway_id);

        // Drift: the association moved; only what is recorded as ours is moved back.
        let other = route_table("private", &vpc_id);
        let other_id = stand_up(provider, &other).await?;
        let here = observe(provider, &association, None).await?;
        let replace = client.replace_route_table_association().association_id(&here.id);
        let moved = replace.route_table_id(&other_id).send().await?;
        let moved_id = moved.new_association_id().context("the new association's id")?;
        assert!(!observe(provider, &association, None).await?.ours);
        let recorded = observe(provider, &association, Some(moved_id)).await?;
        assert_eq!((recorded.ours, properties(&recorded)), (true, vec!["route_table"]));
        provider
            .ensure(&target(&association, Some(moved_id)), Some(&recorded))
            .await?;
        assert!(observe(provider, &association, None).await?.ours);

        // What cannot be changed in place is said so, and nothing is called.
        let before = provider.changes()?;
        let moved = [
            (
                resource(
                    "vpc",
                    Properties::Vpc(Vpc {
                        cidr: "10.9.0.0/16".parse()?,
                    }),
                ),
                "cidr",
            ),
            (subnet("public-1", &vpc_id, "10.0.5.0/24", true)?, "cidr"),
            (internet_gateway("vpc-0123"), "vpc"),
            (route_table("public", "vpc-0123"), "vpc"),
        ];
        for (resource, property) in moved {
            let observed = observe(provider, &resource, None).await?;
            assert_eq!(properties(&observed), [property], "{}", resource.key);
            match provider.ensure(&target(&resource, None), Some(&observed)).await? {
                Progress::Blocked { reason } => ensure!(reason.contains(&observed.id), "{reason}"),
                other => bail!("{} answered {other:?}", resource.key),
            }
        }
        assert_eq!(provider.changes()?, before);

        // What something hangs on does not go yet.
        let in_use = [(&vpc, &vpc_id), (&table, &table_id)];
        for (resource, id) in in_use {
            let observed = observe(provider, resource, Some(id)).await?;
            let refused = provider.delete(&target(resource, Some(id)), &observed).await;
            assert_eq!(refused.map_err(|error| error.kind), Err(CallErrorKind::NotYet), "{id}");
        }
        for resource in [
            &association,
            &route,
            &other,
            &table,
            &gateway,
            &group,
            &private,
            &public,
            &vpc,
        ] {
            tear_down(provider, resource).await?;
        }
        Ok(())
    })
}

/// A group's rules, sorted: protocol, port, range, description.
async fn rules(client: &Client, group: &str) -> Result<Vec<String>> {
    let groups = client.describe_security_groups().group_ids(group).send().await?;
    let group = groups.security_groups().first().context("the group")?;
    let permissions = group.ip_permissions().iter().chain(group.ip_permissions_egress());
    let mut rules: Vec<String> = permissions
        .flat_map(|permission| {
            let protocol = permission.ip_protocol().unwrap_or_default();
            let port = permission.from_port().map(|port| format!(" {port}"));
            let port = port.filter(|_| protocol != "-1").unwrap_or_default();
            permission.ip_ranges().iter().map(move |range| {
                let description = range.description().unwrap_or_default();
                format!("{protocol}{port} {} {description}", range.cidr_ip().unwrap_or_default())
            })
        })
        .collect();
    rules.sort();
    Ok(rules)
}

async fn tags_of_vpc(client: &Client, id: &str) -> Result<BTreeMap<String, String>> {
    let vpcs = client.describe_vpcs().vpc_ids(id).send().await?;
    let tags = vpcs.vpcs().iter().flat_map(|vpc| vpc.tags());
    let tags = tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())));
    Ok(tags.collect())
}

fn properties(observed: &Observed) -> Vec<&'static str> {
    observed
        .differences
        .iter()
        .map(|difference| difference.property)
        .collect()
}

#[test]
fn the_first_of_two_is_kept_and_the_recorded_one_before_all() -> Result<()> {
    with_local_aws(async |provider| {
        let vpc = vpc()?;
        let mut ids = Vec::new();
        for token in ["0002-second", "0001-first"] {
            match provider.ensure(&target_of(&vpc, None, token), None).await? {
                Progress::InProgress { id: Some(id), .. } => ids.push(id),
                other => bail!("a create answered {other:?}"),
            }
        }
        let [second, first] = ids.as_slice() else {
            bail!("two VPCs were to be made, not {ids:?}");
        };
        for (recorded, chosen, duplicate) in [
            (None, first, second),
            (Some(first.as_str()), first, second),
            (Some(second.as_str()), second, first),
            (Some("vpc-00000000000000000"), first, second),
        ] {
            let observed = observe(provider, &vpc, recorded).await?;
            assert_eq!((&observed.id, observed.ours), (chosen, true), "{recorded:?}");
            assert_eq!(observed.duplicates, std::slice::from_ref(duplicate), "{recorded:?}");
        }
        Ok(())
    })
}

#[test]
fn what_does_not_show_yet_is_waited_for() -> Result<()> {
    with_local_aws(async |provider| {
        let vpc_id = stand_up(provider, &vpc()?).await?;
        let table_id = stand_up(provider, &route_table("public", &vpc_id)).await?;
        let elsewhere = internet_gateway("vpc-00000000000000000");
        let Progress::InProgress { id: Some(gateway), .. } = provider.ensure(&target(&elsewhere, None), None).await?
        else {
            bail!("the gateway was not made");
        };
        let creates = [
            subnet("public-1", "vpc-00000000000000000", "10.0.0.0/24", true)?,
            route_table("private", "vpc-00000000000000000"),
            security_group("vpc-00000000000000000", Vec::new()),
            route("rtb-00000000000000000", &gateway)?,
            route(&table_id, "igw-00000000000000000")?,
            // Made, but not attached.
            route(&table_id, &gateway)?,
            association(&table_id, "subnet-00000000000000000"),
            association("rtb-00000000000000000", "subnet-00000000000000000"),
        ];
        for resource in creates {
            // What hangs on something that is not there is not there either.
            assert_eq!(
                provider.observe(&target(&resource, None)).await?,
                None,
                "{}",
                resource.key
            );
            let refused = provider.ensure(&target(&resource, None), None).await;
            assert_eq!(
                refused.map_err(|error| error.kind),
                Err(CallErrorKind::NotYet),
                "{:?}",
                resource.properties
            );
        }
        // A change of what is not there, too.
        let observed = observe(provider, &elsewhere, None).await?;
        let refused = provider.ensure(&target(&elsewhere, None), Some(&observed)).await;
        assert_eq!(refused.map_err(|error| error.kind), Err(CallErrorKind::NotYet));
        Ok(())
    })
}

#[test]
fn throttled_and_lost_calls_are_told_apart() -> Result<()> {
    with_local_aws(async |provider| {
        let faults = |name: &str, operation: &str| {
            let rule = json!([{"service": "ec2", "operation": operation, "times": 1}]);
            provider.aws.set_faults(&json!({ name: rule }))
        };

        // Creates that only a tag identifies are sent once.
        let vpc = vpc()?;
        faults("throttle", "CreateVpc")?;
        let throttled = provider.ensure(&target(&vpc, None), None).await;
        assert_eq!(throttled.map_err(|error| error.kind), Err(CallErrorKind::Throttled));
        assert_eq!(provider.count("CreateVpc")?, 1);
        assert_eq!(provider.observe(&target(&vpc, None)).await?, None);

        faults("lose_requests", "CreateVpc")?;
        let lost = provider.ensure(&target(&vpc, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateVpc")?, 2);
        assert_eq!(provider.observe(&target(&vpc, None)).await?, None);

        faults("lose_answers", "CreateVpc")?;
        let lost = provider.ensure(&target(&vpc, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateVpc")?, 3);
        // The answer was lost, the VPC was not: its tags find it.
        let adopted = observe(provider, &vpc, None).await?;
        assert_eq!((adopted.ours, adopted.duplicates.len()), (true, 0));
        assert_eq!(stand_up(provider, &vpc).await?, adopted.id);
        let vpc_id = adopted.id;

        let subnet = subnet("public-1", &vpc_id, "10.0.0.0/24", true)?;
        faults("lose_answers", "CreateSubnet")?;
        let lost = provider.ensure(&target(&subnet, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateSubnet")?, 1);
        let subnet_id = stand_up(provider, &subnet).await?;

        let gateway = internet_gateway(&vpc_id);
        faults("lose_answers", "CreateInternetGateway")?;
        let lost = provider.ensure(&target(&gateway, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateInternetGateway")?, 1);
        let gateway_id = stand_up(provider, &gateway).await?;

        // The SDK repeats the others: the token, or the name, recognises the repeat.
        let table = route_table("public", &vpc_id);
        faults("lose_answers", "CreateRouteTable")?;
        let Progress::InProgress { id: Some(table_id), .. } = provider.ensure(&target(&table, None), None).await?
        else {
            bail!("the repeat did not answer with the first call's route table");
        };
        assert_eq!(provider.count("CreateRouteTable")?, 2);
        let observed = observe(provider, &table, None).await?;
        assert_eq!((observed.id, observed.duplicates.len()), (table_id.clone(), 0));

        for (operation, resource) in [
            (
                "CreateSecurityGroup",
                security_group(&vpc_id, vec![rule(5432, "PostgreSQL")?]),
            ),
            ("CreateRoute", route(&table_id, &gateway_id)?),
            ("AssociateRouteTable", association(&table_id, &subnet_id)),
        ] {
            faults("lose_answers", operation)?;
            let lost = provider.ensure(&target(&resource, None), None).await;
            assert_eq!(
                lost.map_err(|error| error.kind),
                Err(CallErrorKind::Exists),
                "{operation}"
            );
            assert_eq!(provider.count(operation)?, 2, "{operation}");
            assert!(observe(provider, &resource, None).await?.ours, "{operation}");
            stand_up(provider, &resource).await?;
        }

        // A read that is throttled once is read again.
        faults("throttle", "DescribeVpcs")?;
        observe(provider, &vpc, None).await?;

        // A quota is no matter of waiting.
        let quota = json!({"service": "ec2", "operation": "CreateVpc", "code": "VpcLimitExceeded",
            "message": "The maximum number of VPCs has been reached."});
        provider.aws.set_faults(&json!({ "fail": [quota] }))?;
        let refused = provider.ensure(&target(&vpc, None), None).await;
        let refused = refused.err().context("the quota was not noticed")?;
        assert_eq!((refused.kind, refused.is_retryable()), (CallErrorKind::Invalid, false));
        ensure!(refused.to_string().contains("The maximum number of VPCs"), "{refused}");
        Ok(())
    })
}
