//! The network: VPC, subnets, gateways, routes.

use std::collections::BTreeMap;

use outrigger_model::document::{Code, Problem};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::{Expansion, NetworkKeys, VPC};

impl Expansion<'_> {
    pub(super) fn network(&mut self) -> NetworkKeys {
        let network = &self.document.network;
        let vpc = self.add(Kind::Vpc, VPC, Properties::Vpc(properties::Vpc { cidr: network.cidr }));
        if self.resolved.zones.len() < network.zones {
            self.problems.push(Problem::at(
                Code::Zones,
                "network.zones",
                format!(
                    "the region {} has {} zones, the document wants {}",
                    self.document.region,
                    self.resolved.zones.len(),
                    network.zones
                ),
            ));
        }
        if network.public.is_some() {
            let gateway = self.add(
                Kind::InternetGateway,
                "internet-gateway",
                Properties::InternetGateway(properties::InternetGateway {
                    vpc: Input::id_of(&vpc),
                }),
            );
            let table = self.route_table("public", &vpc);
            self.add(
                Kind::Route,
                "public-internet",
                Properties::Route(properties::Route {
                    route_table: Input::id_of(&table),
                    destination: ipnet::Ipv4Net::default(),
                    gateway: Input::id_of(&gateway),
                }),
            );
            self.subnets("public", network.public_ranges(), &vpc, &table);
        }
        let mut private_subnets = Vec::new();
        if network.private.is_some() {
            let table = self.route_table("private", &vpc);
            private_subnets = self.subnets("private", network.private_ranges(), &vpc, &table);
        }
        NetworkKeys { vpc, private_subnets }
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
        ranges: Vec<ipnet::Ipv4Net>,
        vpc: &ResourceKey,
        table: &ResourceKey,
    ) -> Vec<ResourceKey> {
        let zones = self.resolved.zones.clone();
        ranges
            .into_iter()
            .zip(zones)
            .enumerate()
            .map(|(index, (cidr, zone))| {
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
                self.add(
                    Kind::RouteTableAssociation,
                    &name,
                    Properties::RouteTableAssociation(properties::RouteTableAssociation {
                        route_table: Input::id_of(table),
                        subnet: Input::id_of(&subnet),
                    }),
                );
                subnet
            })
            .collect()
    }
}
