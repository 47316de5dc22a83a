//! What AWS asks for what costs money by the hour, whether it is used or not. Data only.
//!
//! List prices of us-east-1 in US dollars; other regions ask up to twice as much, and what passes through is billed by the
//! GiB besides. Sources: <https://aws.amazon.com/vpc/pricing/>, <https://aws.amazon.com/privatelink/pricing/>, as they were in
//! 2025.

use outrigger_model::Properties;
use outrigger_model::properties::Reached;

/// As AWS counts a month: 365 days in twelve.
const HOURS_A_MONTH: u32 = 730;

/// Thousandths of a dollar an hour.
const NAT_GATEWAY: u32 = 45;
/// In use or not, since February 2024.
const PUBLIC_ADDRESS: u32 = 5;
/// In each zone.
const INTERFACE_ENDPOINT: u32 = 10;

/// About how many dollars a resource costs a month by its mere being there, in cents; `None` where it costs nothing, or
/// where its price is not known here.
pub fn cents_a_month(properties: &Properties) -> Option<u32> {
    let thousandths_an_hour = match properties {
        Properties::NatGateway(_) => NAT_GATEWAY,
        Properties::ElasticIp(_) => PUBLIC_ADDRESS,
        Properties::VpcEndpoint(endpoint) => match &endpoint.reached {
            Reached::Gateway { .. } => return None,
            Reached::Interface { subnets, .. } => {
                INTERFACE_ENDPOINT.saturating_mul(u32::try_from(subnets.len()).unwrap_or(u32::MAX))
            }
        },
        Properties::Vpc(_)
        | Properties::Subnet(_)
        | Properties::InternetGateway(_)
        | Properties::RouteTable(_)
        | Properties::Route(_)
        | Properties::VpcPeering(_)
        | Properties::RouteTableAssociation(_)
        | Properties::SecurityGroup(_)
        | Properties::DbSubnetGroup(_)
        | Properties::DbParameterGroup(_)
        | Properties::DbInstance(_)
        | Properties::DbCluster(_)
        | Properties::DbClusterInstance(_)
        | Properties::KmsKey(_)
        | Properties::KmsAlias(_)
        | Properties::Role(_)
        | Properties::CacheSubnetGroup(_)
        | Properties::ReplicationGroup(_)
        | Properties::Stream(_)
        | Properties::Secret(_)
        | Properties::SecretAttachment(_)
        | Properties::Alarm(_)
        | Properties::RestApi(_)
        | Properties::ApiDeployment(_)
        | Properties::ApiStage(_)
        | Properties::UsagePlan(_)
        | Properties::ApiKey(_)
        | Properties::UsagePlanKey(_)
        | Properties::LogGroup(_)
        | Properties::Topic(_)
        | Properties::Subscription(_) => return None,
    };
    Some(thousandths_an_hour.saturating_mul(HOURS_A_MONTH) / 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Input;
    use outrigger_model::properties::{ElasticIp, NatGateway, VpcEndpoint};

    #[test]
    fn a_month_costs_as_much_as_its_hours() {
        let id = |id: &str| Input::Text(id.to_owned());
        let endpoint = |reached| {
            Properties::VpcEndpoint(VpcEndpoint {
                vpc: id("vpc-1"),
                service: "com.amazonaws.us-east-1.s3".to_owned(),
                reached,
            })
        };
        let nat = NatGateway {
            subnet: id("subnet-1"),
            address: id("eipalloc-1"),
        };
        assert_eq!(cents_a_month(&Properties::NatGateway(nat)), Some(3285));
        assert_eq!(cents_a_month(&Properties::ElasticIp(ElasticIp {})), Some(365));
        let route_tables = Vec::new();
        assert_eq!(cents_a_month(&endpoint(Reached::Gateway { route_tables })), None);
        let interface = Reached::Interface {
            subnets: vec![id("subnet-1"), id("subnet-2")],
            security_groups: Vec::new(),
            private_dns: true,
        };
        assert_eq!(cents_a_month(&endpoint(interface)), Some(1460));
    }
}
