//! What AWS asks for what costs money by the hour, whether it is used or not. Data only.
//!
//! List prices of us-east-1 in US dollars; other regions ask up to twice as much, and what passes through is billed by the
//! GiB besides. Sources: <https://aws.amazon.com/vpc/pricing/>, <https://aws.amazon.com/privatelink/pricing/>,
//! <https://aws.amazon.com/elasticloadbalancing/pricing/>,
//! <https://aws.amazon.com/global-accelerator/pricing/>, <https://aws.amazon.com/route53/pricing/>,
//! <https://aws.amazon.com/cloudwatch/pricing/>, as they were in 2025.

use outrigger_model::Properties;
use outrigger_model::properties::{HealthCheck, HealthCheckProtocol, Reached};

/// As AWS counts a month: 365 days in twelve.
const HOURS_A_MONTH: u32 = 730;

/// Thousandths of a dollar an hour.
const NAT_GATEWAY: u32 = 45;
/// In use or not, since February 2024.
const PUBLIC_ADDRESS: u32 = 5;
/// In each zone.
const INTERFACE_ENDPOINT: u32 = 10;
/// Its two static IPv4 addresses cost nothing besides while it stands.
const ACCELERATOR: u32 = 25;

/// Hundredths of a cent an hour: network and application load balancers alike.
const LOAD_BALANCER: u32 = 225;
/// Three of an account are free.
const DASHBOARD_CENTS_A_MONTH: u32 = 300;
/// Of an endpoint in AWS, and for each feature besides: HTTPS, and asking every 10 seconds. Fifty such checks of an account are
/// free, the features are not.
const HEALTH_CHECK_CENTS_A_MONTH: u32 = 50;
const HEALTH_CHECK_FEATURE_CENTS_A_MONTH: u32 = 100;

fn health_check(check: &HealthCheck) -> u32 {
    let is_secure = match check.protocol {
        HealthCheckProtocol::Http => false,
        HealthCheckProtocol::Https => true,
    };
    let is_fast = check.interval_seconds < 30;
    HEALTH_CHECK_CENTS_A_MONTH + HEALTH_CHECK_FEATURE_CENTS_A_MONTH * (u32::from(is_secure) + u32::from(is_fast))
}

/// About how many dollars a resource costs a month by its mere being there, in cents; `None` where it costs nothing, or
/// where its price is not known here.
pub fn cents_a_month(properties: &Properties) -> Option<u32> {
    let thousandths_an_hour = match properties {
        Properties::NatGateway(_) => NAT_GATEWAY,
        Properties::ElasticIp(_) => PUBLIC_ADDRESS,
        Properties::Accelerator(_) => ACCELERATOR,
        Properties::HealthCheck(check) => return Some(health_check(check)),
        Properties::Dashboard(_) => return Some(DASHBOARD_CENTS_A_MONTH),
        Properties::VpcEndpoint(endpoint) => match &endpoint.reached {
            Reached::Gateway { .. } => return None,
            Reached::Interface { subnets, .. } => {
                INTERFACE_ENDPOINT.saturating_mul(u32::try_from(subnets.len()).unwrap_or(u32::MAX))
            }
        },
        Properties::LoadBalancer(_) => return Some(LOAD_BALANCER.saturating_mul(HOURS_A_MONTH) / 100),
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
        | Properties::GlobalCluster(_)
        | Properties::DbCluster(_)
        | Properties::DbClusterInstance(_)
        | Properties::KmsKey(_)
        | Properties::KmsAlias(_)
        | Properties::Role(_)
        | Properties::CacheSubnetGroup(_)
        | Properties::ReplicationGroup(_)
        | Properties::Stream(_)
        | Properties::Table(_)
        | Properties::Bucket(_)
        | Properties::BucketReplication(_)
        | Properties::Secret(_)
        | Properties::SecretAttachment(_)
        | Properties::Alarm(_)
        | Properties::RestApi(_)
        | Properties::ApiDeployment(_)
        | Properties::ApiStage(_)
        | Properties::UsagePlan(_)
        | Properties::ApiKey(_)
        | Properties::UsagePlanKey(_)
        | Properties::Function(_)
        | Properties::FunctionPermission(_)
        | Properties::TargetGroup(_)
        | Properties::Listener(_)
        | Properties::ListenerRule(_)
        | Properties::Target(_)
        | Properties::Parameter(_)
        | Properties::BackupVault(_)
        | Properties::BackupPlan(_)
        | Properties::BackupSelection(_)
        | Properties::ApiDomain(_)
        | Properties::ApiMapping(_)
        | Properties::EventBus(_)
        | Properties::EventRule(_)
        | Properties::EventTarget(_)
        | Properties::GlobalEndpoint(_)
        | Properties::LogGroup(_)
        | Properties::Topic(_)
        | Properties::Subscription(_)
        | Properties::AcceleratorListener(_)
        | Properties::EndpointGroup(_) => return None,
    };
    Some(thousandths_an_hour.saturating_mul(HOURS_A_MONTH) / 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Input;
    use outrigger_model::Region;
    use outrigger_model::properties::{
        Accelerator, Dashboard, ElasticIp, LoadBalancer, LoadBalancerType, NatGateway, Scheme, VpcEndpoint,
    };

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
        let balancer = LoadBalancer {
            load_balancer_type: LoadBalancerType::Network,
            scheme: Scheme::InternetFacing,
            vpc: id("vpc-1"),
            subnets: Vec::new(),
            security_groups: Vec::new(),
        };
        assert_eq!(cents_a_month(&Properties::LoadBalancer(balancer)), Some(1642));
        let route_tables = Vec::new();
        assert_eq!(cents_a_month(&endpoint(Reached::Gateway { route_tables })), None);
        let interface = Reached::Interface {
            subnets: vec![id("subnet-1"), id("subnet-2")],
            security_groups: Vec::new(),
            private_dns: true,
        };
        assert_eq!(cents_a_month(&endpoint(interface)), Some(1460));
        let accelerator = Accelerator { enabled: true };
        assert_eq!(cents_a_month(&Properties::Accelerator(accelerator)), Some(1825));
        let dashboard = Dashboard {
            text: String::new(),
            widgets: Vec::new(),
        };
        assert_eq!(cents_a_month(&Properties::Dashboard(dashboard)), Some(300));
        let check = |protocol, interval_seconds| {
            Properties::HealthCheck(HealthCheck {
                host: id("a.elb.us-east-1.amazonaws.com"),
                region: Region::new("us-east-1"),
                protocol,
                port: 443,
                path: "/active".to_owned(),
                interval_seconds,
                failures: 3,
            })
        };
        assert_eq!(cents_a_month(&check(HealthCheckProtocol::Http, 30)), Some(50));
        assert_eq!(cents_a_month(&check(HealthCheckProtocol::Https, 30)), Some(150));
        assert_eq!(cents_a_month(&check(HealthCheckProtocol::Https, 10)), Some(250));
    }
}
