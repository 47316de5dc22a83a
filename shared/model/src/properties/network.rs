//! What makes a network: VPCs, subnets, gateways, routes, peerings, security groups, endpoints.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::Input;
use crate::key::Region;

/// A VPC; DNS support and host names are always on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its address range.
    pub cidr: Ipv4Net,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// The VPC's id.
    pub vpc: Input,
    /// Its address range.
    pub cidr: Ipv4Net,
    /// Its availability zone's name.
    pub zone: String,
    /// Whether what starts in it gets a public address.
    pub public_address_on_launch: bool,
}

/// An internet gateway, attached to a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// The VPC's id.
    pub vpc: Input,
}

/// An Elastic IP address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticIp {}

/// A public NAT gateway, with one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    /// The id of the public subnet that it is in.
    pub subnet: Input,
    /// The allocation id of its Elastic IP address.
    pub address: Input,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    /// The VPC's id.
    pub vpc: Input,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// The route table's id.
    pub route_table: Input,
    /// Where packets want to go.
    pub destination: Ipv4Net,
    /// What leads there.
    #[serde(flatten)]
    pub target: RouteTarget,
}

/// What a route leads to: one property of it, named after its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteTarget {
    /// An internet gateway's id.
    Gateway(Input),
    /// A NAT gateway's id.
    NatGateway(Input),
    /// A VPC peering connection's id.
    VpcPeering(Input),
}

impl RouteTarget {
    /// The name of the property that says it.
    pub fn property(&self) -> &'static str {
        match self {
            RouteTarget::Gateway(_) => "gateway",
            RouteTarget::NatGateway(_) => "nat_gateway",
            RouteTarget::VpcPeering(_) => "vpc_peering",
        }
    }

    /// The id.
    pub fn id(&self) -> &Input {
        match self {
            RouteTarget::Gateway(id) | RouteTarget::NatGateway(id) | RouteTarget::VpcPeering(id) => id,
        }
    }
}

/// The association of a subnet with a route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTableAssociation {
    /// The route table's id.
    pub route_table: Input,
    /// The subnet's id.
    pub subnet: Input,
}

/// A VPC peering connection to a VPC in another region, accepted there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcPeering {
    /// The id of the VPC that asks for it, in the resource's own region.
    pub vpc: Input,
    /// The id of the VPC that accepts it.
    pub peer_vpc: Input,
    /// That one's region.
    pub peer_region: Region,
}

/// A security group: one rule for what may come in per entry, and everything may go out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// The VPC's id.
    pub vpc: Input,
    /// What it is for.
    pub description: String,
    /// What may come in.
    pub ingress: Vec<IngressRule>,
}

/// TCP traffic that may come in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IngressRule {
    /// The port.
    pub port: u16,
    /// From where.
    pub source: Ipv4Net,
    /// Why.
    pub description: String,
}

/// An endpoint of a service of AWS within a VPC, with AWS's default policy: everything may pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    /// The VPC's id.
    pub vpc: Input,
    /// The service's full name, such as `com.amazonaws.us-east-1.s3`.
    pub service: String,
    /// How it is reached.
    #[serde(flatten)]
    pub reached: Reached,
}

/// How an endpoint is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reached {
    /// By routes: a gateway endpoint, which costs nothing.
    Gateway {
        /// The ids of the route tables that lead to it.
        route_tables: Vec<Input>,
    },
    /// At addresses in subnets: an interface endpoint.
    Interface {
        /// The subnets' ids, one per zone.
        subnets: Vec<Input>,
        /// The security groups' ids.
        security_groups: Vec<Input>,
        /// Whether the service's public name leads to it within the VPC.
        private_dns: bool,
    },
}
