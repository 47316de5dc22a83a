//! The network of a region: VPC, subnets, gateways, routes, endpoints.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use outrigger_model::document::{Code, ENDPOINTS_GROUP, Nat, Problem};
use outrigger_model::properties::{self, IngressRule, Input, Reached, RouteTarget};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::{Expansion, NetworkKeys, VPC};
use crate::endpoints;

impl Expansion<'_> {
    /// The network in the region at hand.
    pub(super) fn network(&mut self) -> Option<NetworkKeys> {
        let (network, region) = (&self.document.network, self.region);
        let Some(&cidr) = network.cidr.of(region) else {
            let message = format!("says no range for {region}");
            self.problems
                .push(Problem::at(Code::AddressRange, "network.cidr", message));
            return None;
        };
        let vpc = self.add(Kind::Vpc, VPC, Properties::Vpc(properties::Vpc { cidr }));
        let zones = self.resolved.zones(region).len();
        if zones < network.zones {
            self.problems.push(Problem::at(
                Code::Zones,
                "network.zones",
                format!(
                    "the region {region} has {zones} zones, the document wants {}",
                    network.zones
                ),
            ));
        }
        let mut route_tables = Vec::new();
        let public = network.public.as_ref().map(|_| {
            let gateway = self.add(
                Kind::InternetGateway,
                "internet-gateway",
                Properties::InternetGateway(properties::InternetGateway {
                    vpc: Input::id_of(&vpc),
                }),
            );
            let table = self.route_table("public", &vpc);
            self.internet("public-internet", &table, RouteTarget::Gateway(Input::id_of(&gateway)));
            route_tables.push(table.clone());
            let tables = vec![(table, None); network.zones];
            (
                gateway,
                self.subnets("public", network.public_ranges(region), &vpc, &tables),
            )
        });
        let mut private_subnets = Vec::new();
        if network.private.is_some() {
            let nat_gateways = match &public {
                Some((gateway, subnets)) => self.nat_gateways(network.nat, gateway, subnets),
                None => Vec::new(),
            };
            let tables = self.private_tables(network.nat, &nat_gateways, &vpc);
            private_subnets = self.subnets("private", network.private_ranges(region), &vpc, &tables);
            self.endpoints((&vpc, cidr), &tables, &private_subnets);
            let tables: BTreeSet<ResourceKey> = tables.into_iter().map(|(table, _)| table).collect();
            route_tables.extend(tables);
        }
        let (internet_gateway, public_subnets) = public.unzip();
        Some(NetworkKeys {
            vpc,
            cidr,
            route_tables,
            public_subnets: public_subnets.unwrap_or_default(),
            private_subnets,
            internet_gateway,
        })
    }

    /// The NAT gateways, each with an address of its own: one for all zones, or one per zone.
    fn nat_gateways(&mut self, nat: Nat, internet: &ResourceKey, public_subnets: &[ResourceKey]) -> Vec<ResourceKey> {
        let count = match nat {
            Nat::None => 0,
            Nat::Single => 1,
            Nat::PerZone => public_subnets.len(),
        };
        let subnets = public_subnets.iter().take(count).enumerate();
        subnets
            .map(|(index, subnet)| {
                let name = format!("nat-{}", index + 1);
                let address = self.add(Kind::ElasticIp, &name, Properties::ElasticIp(properties::ElasticIp {}));
                let gateway = self.add(
                    Kind::NatGateway,
                    &name,
                    Properties::NatGateway(properties::NatGateway {
                        subnet: Input::id_of(subnet),
                        address: Input::id_of(&address),
                    }),
                );
                // Without a way to the internet its creation fails, and with an address in use that way cannot be closed.
                self.after(&gateway, internet);
                gateway
            })
            .collect()
    }

    /// The private route table of each zone, with its route to the internet where there is one.
    fn private_tables(
        &mut self,
        nat: Nat,
        nat_gateways: &[ResourceKey],
        vpc: &ResourceKey,
    ) -> Vec<(ResourceKey, Option<ResourceKey>)> {
        match nat {
            Nat::None | Nat::Single => {
                let table = self.route_table("private", vpc);
                let gateway = nat_gateways.first();
                let route = gateway.map(|gateway| {
                    let target = RouteTarget::NatGateway(Input::id_of(gateway));
                    self.internet("private-internet", &table, target)
                });
                vec![(table, route); self.document.network.zones]
            }
            Nat::PerZone => nat_gateways
                .iter()
                .enumerate()
                .map(|(index, gateway)| {
                    let table = self.route_table(&format!("private-{}", index + 1), vpc);
                    let target = RouteTarget::NatGateway(Input::id_of(gateway));
                    let route = self.internet(&format!("private-internet-{}", index + 1), &table, target);
                    (table, Some(route))
                })
                .collect(),
        }
    }

    /// A route to everywhere.
    fn internet(&mut self, name: &str, table: &ResourceKey, target: RouteTarget) -> ResourceKey {
        self.add(
            Kind::Route,
            name,
            Properties::Route(properties::Route {
                route_table: Input::id_of(table),
                destination: Ipv4Net::default(),
                target,
            }),
        )
    }

    /// The endpoints of services of AWS, and the security group of those that have addresses.
    fn endpoints(
        &mut self,
        (vpc, cidr): (&ResourceKey, Ipv4Net),
        tables: &[(ResourceKey, Option<ResourceKey>)],
        subnets: &[ResourceKey],
    ) {
        let services = endpoints::wanted(self.document, self.region);
        if services.iter().any(|service| !endpoints::is_gateway(service)) {
            self.add(
                Kind::SecurityGroup,
                ENDPOINTS_GROUP,
                Properties::SecurityGroup(properties::SecurityGroup {
                    vpc: Input::id_of(vpc),
                    description: format!("VPC endpoints of {}", self.document.id()),
                    ingress: vec![IngressRule {
                        port: 443,
                        source: cidr,
                        description: "HTTPS from within the VPC".to_owned(),
                    }],
                }),
            );
        }
        let group = ResourceKey::new(self.region, Kind::SecurityGroup, ENDPOINTS_GROUP);
        for service in &services {
            let offered = self.resolved.endpoints.get(self.region);
            let Some(offered) = offered.and_then(|offered| offered.get(service)) else {
                self.problems.push(Problem::at(
                    Code::Endpoint,
                    format!("network.endpoints.{service}"),
                    "has not been resolved",
                ));
                continue;
            };
            let reached = if offered.is_gateway {
                let ids: BTreeSet<Input> = tables.iter().map(|(table, _)| Input::id_of(table)).collect();
                Reached::Gateway {
                    route_tables: ids.into_iter().collect(),
                }
            } else {
                let of_zones = subnets.iter().zip(self.resolved.zones(self.region));
                let of_zones = of_zones.filter(|(_, zone)| offered.zones.contains(*zone));
                Reached::Interface {
                    subnets: of_zones.map(|(subnet, _)| Input::id_of(subnet)).collect(),
                    security_groups: vec![Input::id_of(&group)],
                    private_dns: offered.private_dns,
                }
            };
            let endpoint = properties::VpcEndpoint {
                vpc: Input::id_of(vpc),
                service: offered.name.clone(),
                reached,
            };
            self.add(Kind::VpcEndpoint, service, Properties::VpcEndpoint(endpoint));
        }
    }

    fn route_table(&mut self, name: &str, vpc: &ResourceKey) -> ResourceKey {
        self.add(
            Kind::RouteTable,
            name,
            Properties::RouteTable(properties::RouteTable { vpc: Input::id_of(vpc) }),
        )
    }

    fn subnets(
        &mut self,
        kind: &str,
        ranges: Vec<Ipv4Net>,
        vpc: &ResourceKey,
        tables: &[(ResourceKey, Option<ResourceKey>)],
    ) -> Vec<ResourceKey> {
        let zones = self.resolved.zones(self.region).to_vec();
        ranges
            .into_iter()
            .zip(zones)
            .zip(tables)
            .enumerate()
            .map(|(index, ((cidr, zone), (table, route)))| {
                let name = format!("{kind}-{}", index + 1);
                let subnet = self.add_tagged(
                    Kind::Subnet,
                    &name,
                    Properties::Subnet(properties::Subnet {
                        vpc: Input::id_of(vpc),
                        cidr,
                        zone,
                        public_address_on_launch: kind == "public",
                    }),
                    &BTreeMap::from([("Type".to_owned(), kind.to_owned())]),
                );
                let association = self.add(
                    Kind::RouteTableAssociation,
                    &name,
                    Properties::RouteTableAssociation(properties::RouteTableAssociation {
                        route_table: Input::id_of(table),
                        subnet: Input::id_of(&subnet),
                    }),
                );
                // A subnet that moves to another table never loses its way to the internet.
                if let Some(route) = route {
                    self.after(&association, route);
                }
                subnet
            })
            .collect()
    }
}
