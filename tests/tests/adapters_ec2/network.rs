//! A network of every kind, as a stack has one, and how the SDK sees it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{GatewayType, IpPermission, NatGatewayState, RouteTable, Tag, VpcAttributeName};
use outrigger_engine::ports::provider::{Observed, Progress, Provider, Target};
use outrigger_model::properties::Vpc;
use outrigger_model::{Properties, Resource};
use serde_json::{Value, json};

use crate::harness::{
    TURNS_MAX, Watched, association, at_addresses, by_routes, converge, elastic_ip, endpoint, internet_gateway,
    nat_gateway, pause, private_route, resource, route, route_table, rule, security_group, subnet, target_of, token,
};

/// A resource that was stood up, and what is recorded of it.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) resource: Resource,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) not: BTreeSet<String>,
}

impl Standing {
    pub(crate) fn target(&self) -> Target {
        self.target_as(&self.resource)
    }

    /// The same, wanted otherwise.
    pub(crate) fn target_as(&self, resource: &Resource) -> Target {
        Target {
            not: self.not.clone(),
            ..target_of(resource, Some(&self.id), &self.token)
        }
    }
}

/// A VPC with a public and a private subnet, in the order in which they were made.
pub(crate) struct Network {
    pub(crate) vpc: Standing,
    pub(crate) public: Standing,
    pub(crate) private: Standing,
    pub(crate) gateway: Standing,
    pub(crate) table: Standing,
    pub(crate) other_table: Standing,
    pub(crate) route: Standing,
    pub(crate) association: Standing,
    pub(crate) group: Standing,
    pub(crate) address: Standing,
    pub(crate) nat: Standing,
    pub(crate) private_route: Standing,
    pub(crate) by_routes: Standing,
    pub(crate) at_addresses: Standing,
}

impl Network {
    /// Stands one up in `10.<octet>.0.0/16`, in the place of `replaced` where there is one.
    pub(crate) async fn stand_up(provider: &Watched, octet: u8, replaced: Option<&Network>) -> Result<Self> {
        let make = async |resource: Resource, replaces: Option<&Standing>| -> Result<Standing> {
            let token = format!("{}-{octet}", token(&resource));
            let not: BTreeSet<String> = replaces.map(|replaced| replaced.id.clone()).into_iter().collect();
            let target = Target {
                not: not.clone(),
                ..target_of(&resource, None, &token)
            };
            let Observed { id, duplicates, .. } = converge(provider, target).await?;
            if not.contains(&id) || !duplicates.is_empty() {
                bail!(
                    "{} is {id} with the duplicates {duplicates:?}, and not {not:?}",
                    resource.key
                );
            }
            Ok(Standing {
                resource,
                id,
                token,
                not,
            })
        };
        let range = |third: u8| format!("10.{octet}.{third}.0/24");
        let cidr = format!("10.{octet}.0.0/16").parse()?;
        let vpc = resource("vpc", Properties::Vpc(Vpc { cidr }));
        let vpc = make(vpc, replaced.map(|network| &network.vpc)).await?;
        let public = subnet("public-1", &vpc.id, &range(0), true)?;
        let public = make(public, replaced.map(|network| &network.public)).await?;
        let private = subnet("private-1", &vpc.id, &range(10), false)?;
        let private = make(private, replaced.map(|network| &network.private)).await?;
        let gateway = internet_gateway(&vpc.id);
        let gateway = make(gateway, replaced.map(|network| &network.gateway)).await?;
        let table = route_table("public", &vpc.id);
        let table = make(table, replaced.map(|network| &network.table)).await?;
        let other_table = route_table("private", &vpc.id);
        let other_table = make(other_table, replaced.map(|network| &network.other_table)).await?;
        let route = route(&table.id, &gateway.id)?;
        let route = make(route, replaced.map(|network| &network.route)).await?;
        let association = association(&table.id, &public.id);
        let association = make(association, replaced.map(|network| &network.association)).await?;
        let group = security_group(&vpc.id, vec![rule(5432, "PostgreSQL")?, rule(6379, "Redis")?]);
        let group = make(group, replaced.map(|network| &network.group)).await?;
        let address = make(elastic_ip(), replaced.map(|network| &network.address)).await?;
        let nat = nat_gateway(&public.id, &address.id);
        let nat = make(nat, replaced.map(|network| &network.nat)).await?;
        let private_route = private_route(&other_table.id, &nat.id)?;
        let private_route = make(private_route, replaced.map(|network| &network.private_route)).await?;
        let by_routes = endpoint("s3", &vpc.id, by_routes(&[&other_table.id]));
        let by_routes = make(by_routes, replaced.map(|network| &network.by_routes)).await?;
        let at_addresses = at_addresses(&[&private.id], &[&group.id], true);
        let at_addresses = endpoint("secretsmanager", &vpc.id, at_addresses);
        let at_addresses = make(at_addresses, replaced.map(|network| &network.at_addresses)).await?;
        Ok(Self {
            vpc,
            public,
            private,
            gateway,
            table,
            other_table,
            route,
            association,
            group,
            address,
            nat,
            private_route,
            by_routes,
            at_addresses,
        })
    }

    /// What is in it, in the order in which it can be deleted.
    pub(crate) fn in_order_of_deletion(&self) -> [&Standing; 14] {
        [
            &self.association,
            &self.route,
            &self.private_route,
            &self.by_routes,
            &self.at_addresses,
            &self.nat,
            &self.address,
            &self.group,
            &self.other_table,
            &self.table,
            &self.gateway,
            &self.private,
            &self.public,
            &self.vpc,
        ]
    }

    /// What can carry tags.
    pub(crate) fn tagged(&self) -> [&Standing; 9] {
        [
            &self.vpc,
            &self.public,
            &self.gateway,
            &self.table,
            &self.group,
            &self.address,
            &self.nat,
            &self.by_routes,
            &self.at_addresses,
        ]
    }
}

/// A gateway to somewhere else than the internet, attached to the VPC.
pub(crate) async fn vpn_gateway(client: &Client, vpc: &str) -> Result<String> {
    let vpn = client.create_vpn_gateway().r#type(GatewayType::Ipsec1).send().await?;
    let vpn = vpn.vpn_gateway().and_then(|vpn| vpn.vpn_gateway_id());
    let vpn = vpn.context("a VPN gateway")?.to_owned();
    for _ in 0..TURNS_MAX {
        let shown = client.describe_vpn_gateways().vpn_gateway_ids(&vpn).send().await;
        let is_shown = shown.is_ok_and(|shown| {
            let mut gateways = shown.vpn_gateways().iter();
            gateways.any(|gateway| gateway.vpn_gateway_id() == Some(&vpn))
        });
        if is_shown {
            break;
        }
        pause().await;
    }
    let attach = client.attach_vpn_gateway().vpc_id(vpc).vpn_gateway_id(&vpn);
    attach.send().await?;
    Ok(vpn)
}

/// Everything that the region's network holds, by id. Associations have ids that change; they show with their tables.
pub(crate) async fn snapshot(client: &Client) -> Result<BTreeMap<String, Value>> {
    let mut there = BTreeMap::new();
    for vpc in client.describe_vpcs().send().await?.vpcs() {
        let id = vpc.vpc_id().context("a VPC's id")?;
        let dns = |attribute| client.describe_vpc_attribute().vpc_id(id).attribute(attribute).send();
        let support = dns(VpcAttributeName::EnableDnsSupport).await?;
        let host_names = dns(VpcAttributeName::EnableDnsHostnames).await?;
        let held = json!({
            "cidr": vpc.cidr_block(),
            "dns_support": support.enable_dns_support().and_then(|value| value.value()),
            "dns_host_names": host_names.enable_dns_hostnames().and_then(|value| value.value()),
            "tags": tags(vpc.tags()),
        });
        there.insert(id.to_owned(), held);
    }
    for subnet in client.describe_subnets().send().await?.subnets() {
        let held = json!({
            "vpc": subnet.vpc_id(),
            "cidr": subnet.cidr_block(),
            "zone": subnet.availability_zone(),
            "public": subnet.map_public_ip_on_launch(),
            "tags": tags(subnet.tags()),
        });
        there.insert(subnet.subnet_id().context("a subnet's id")?.to_owned(), held);
    }
    for gateway in client.describe_internet_gateways().send().await?.internet_gateways() {
        let vpcs: Vec<_> = gateway
            .attachments()
            .iter()
            .map(|attachment| attachment.vpc_id())
            .collect();
        let held = json!({ "vpcs": vpcs, "tags": tags(gateway.tags()) });
        there.insert(
            gateway.internet_gateway_id().context("a gateway's id")?.to_owned(),
            held,
        );
    }
    for table in client.describe_route_tables().send().await?.route_tables() {
        let held = json!({
            "vpc": table.vpc_id(),
            "routes": routes(table),
            "subnets": table.associations().iter().filter_map(|one| one.subnet_id()).collect::<BTreeSet<_>>(),
            "tags": tags(table.tags()),
        });
        there.insert(table.route_table_id().context("a route table's id")?.to_owned(), held);
    }
    for address in client.describe_addresses().send().await?.addresses() {
        let held = json!({ "address": address.public_ip(), "tags": tags(address.tags()) });
        there.insert(address.allocation_id().context("an address's id")?.to_owned(), held);
    }
    for gateway in client.describe_nat_gateways().send().await?.nat_gateways() {
        if gateway.state() == Some(&NatGatewayState::Deleted) {
            continue;
        }
        let addresses = gateway.nat_gateway_addresses().iter();
        let held = json!({
            "subnet": gateway.subnet_id(),
            "addresses": addresses.map(|address| address.allocation_id()).collect::<Vec<_>>(),
            "tags": tags(gateway.tags()),
        });
        there.insert(gateway.nat_gateway_id().context("a NAT gateway's id")?.to_owned(), held);
    }
    for endpoint in client.describe_vpc_endpoints().send().await?.vpc_endpoints() {
        let groups = endpoint.groups().iter().filter_map(|group| group.group_id());
        let held = json!({
            "vpc": endpoint.vpc_id(),
            "service": endpoint.service_name(),
            "route_tables": endpoint.route_table_ids().iter().collect::<BTreeSet<_>>(),
            "subnets": endpoint.subnet_ids().iter().collect::<BTreeSet<_>>(),
            "groups": groups.collect::<BTreeSet<_>>(),
            "interfaces": endpoint.network_interface_ids().len(),
            "private_dns": endpoint.private_dns_enabled(),
            "tags": tags(endpoint.tags()),
        });
        there.insert(endpoint.vpc_endpoint_id().context("an endpoint's id")?.to_owned(), held);
    }
    for group in client.describe_security_groups().send().await?.security_groups() {
        let held = json!({
            "vpc": group.vpc_id(),
            "name": group.group_name(),
            "description": group.description(),
            "ingress": rules(group.ip_permissions()),
            "egress": rules(group.ip_permissions_egress()),
            "tags": tags(group.tags()),
        });
        there.insert(group.group_id().context("a group's id")?.to_owned(), held);
    }
    Ok(there)
}

fn tags(tags: &[Tag]) -> BTreeMap<&str, &str> {
    tags.iter().filter_map(|tag| Some((tag.key()?, tag.value()?))).collect()
}

/// Destination, gateway and state.
fn routes(table: &RouteTable) -> BTreeSet<String> {
    let routes = table.routes().iter().map(|route| {
        let state = route.state().map_or("", |state| state.as_str());
        let destination = route.destination_cidr_block().unwrap_or_default();
        let gateway = route.gateway_id().or_else(|| route.nat_gateway_id());
        format!("{destination} {} {state}", gateway.unwrap_or_default())
    });
    routes.collect()
}

/// Protocol, port, range and description.
fn rules(permissions: &[IpPermission]) -> BTreeSet<String> {
    let rules = permissions.iter().flat_map(|permission| {
        let protocol = permission.ip_protocol().unwrap_or_default();
        let port = permission.from_port().map(|port| format!(" {port}"));
        let port = port.filter(|_| protocol != "-1").unwrap_or_default();
        permission.ip_ranges().iter().map(move |range| {
            let description = range.description().unwrap_or_default();
            format!("{protocol}{port} {} {description}", range.cidr_ip().unwrap_or_default())
        })
    });
    rules.collect()
}

/// Brings the target to what is wanted; the calls that this took.
pub(crate) async fn calls_to(provider: &Watched, target: Target) -> Result<Vec<String>> {
    let before = provider.changes()?;
    let observed = converge(provider, target.clone()).await?;
    assert_eq!(observed.differences, [], "{}", target.resource.key);
    Ok(provider.changes()?.split_off(before.len()))
}

/// What cannot be changed is said so, with the id, and nothing is called.
pub(crate) async fn is_blocked(provider: &Watched, target: &Target, property: &str) -> Result<()> {
    let key = &target.resource.key;
    let observed = provider
        .observe(target)
        .await?
        .with_context(|| format!("{key} is not there"))?;
    assert_eq!(
        observed.differences.first().map(|first| first.property),
        Some(property),
        "{key}"
    );
    assert!(observed.ours, "{key}");
    let before = provider.changes()?;
    match provider.ensure(target, Some(&observed)).await? {
        Progress::Blocked { reason } => assert!(reason.contains(&observed.id), "{reason}"),
        other => bail!("{key} answered {other:?}"),
    }
    assert_eq!(provider.changes()?, before);
    Ok(())
}
