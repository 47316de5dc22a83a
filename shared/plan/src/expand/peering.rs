//! The peering of the VPCs of two regions, with the routes that lead through it.

use std::collections::BTreeMap;

use outrigger_model::properties::{self, Input, RouteTarget};
use outrigger_model::{Kind, Properties, Region, ResourceKey};

use super::{Expansion, NetworkKeys};

impl<'a> Expansion<'a> {
    /// The region whose name comes first asks the other one, whichever begins as primary: what the document's order of
    /// regions becomes leaves the peering alone.
    pub(super) fn peering(&mut self, networks: &BTreeMap<&'a Region, NetworkKeys>) {
        let mut networks = networks.iter();
        let (Some((&region, network)), Some((&peer_region, peer))) = (networks.next(), networks.next()) else {
            return;
        };
        let peering = self.at(region, |expansion| {
            expansion.add(
                Kind::VpcPeering,
                &to(peer_region),
                Properties::VpcPeering(properties::VpcPeering {
                    vpc: Input::id_of(&network.vpc),
                    peer_vpc: Input::id_of(&peer.vpc),
                    peer_region: peer_region.clone(),
                }),
            )
        });
        self.at(region, |expansion| {
            expansion.routes_to(peer_region, network, peer, &peering)
        });
        self.at(peer_region, |expansion| {
            expansion.routes_to(region, peer, network, &peering)
        });
    }

    /// The routes from a network's tables into another one's range.
    fn routes_to(&mut self, region: &Region, from: &NetworkKeys, into: &NetworkKeys, peering: &ResourceKey) {
        for table in &from.route_tables {
            self.add(
                Kind::Route,
                &format!("{}-{}", table.name, to(region)),
                Properties::Route(properties::Route {
                    route_table: Input::id_of(table),
                    destination: into.cidr,
                    target: RouteTarget::VpcPeering(Input::id_of(peering)),
                }),
            );
        }
    }
}

/// What leads into a region is named after it.
fn to(region: &Region) -> String {
    format!("to-{region}")
}
