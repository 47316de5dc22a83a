//! The EC2 adapter: the kinds of the network lane, one module each, and the zones of a region.
//!
//! EC2 is eventually consistent: what one call has made, the next may not see yet. So an id that a create or a change
//! refers to and that EC2 does not know is [`NotYet`], never a verdict.
//! Source: <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>.
//!
//! [`NotYet`]: outrigger_engine::ports::provider::CallErrorKind::NotYet

#[macro_use]
mod find;
mod call;
mod count;
mod elastic_ip;
mod endpoint_services;
mod internet_gateway;
mod nat_gateway;
mod route;
mod route_table;
mod route_table_association;
mod rule;
mod security_group;
mod subnet;
mod tags;
mod vpc;
mod vpc_endpoint;
mod vpc_peering;
mod zones;

use async_trait::async_trait;
use aws_sdk_ec2::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::properties::VpcPeering;
use outrigger_model::{Kind, Properties};

pub use count::{count, nat_gateways};
pub use endpoint_services::endpoint_services;
pub use zones::zones;

const SERVICE: &str = "ec2";

/// The network lane's resources, over EC2. One client per region, each made when first needed.
///
/// # Guarantees
/// - `ensure` and `delete` make at most one mutating call; where one of them must know more than it was told (an
///   internet gateway's attachment, a security group's rules), it reads first.
/// - Creates that nothing but a tag identifies are sent once: the SDK's retries are off for them.
/// - Tags of others are never removed.
/// - Of objects with the same tags, those that [`Target::not`] names are never chosen nor counted as duplicates; a former
///   object is found by its recorded id alone, or else by the tag of the intent that made it.
///
/// # Caveats
/// - A route, and a subnet's association with a route table, carry no tags. What already leads there is ours when it
///   leads where we want it, or when one of ours is recorded there.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/OperationList-query-vpc.html>.
#[derive(Debug)]
pub struct Network {
    clients: Clients<Client>,
}

/// Calls the function of the target's kind; other lanes' kinds are refused.
macro_rules! by_kind {
    ($target:expr, $module:ident, $wanted:ident => $call:expr) => {
        match &$target.resource.properties {
            Properties::Vpc($wanted) => {
                use vpc as $module;
                $call
            }
            Properties::Subnet($wanted) => {
                use subnet as $module;
                $call
            }
            Properties::InternetGateway($wanted) => {
                use internet_gateway as $module;
                $call
            }
            Properties::ElasticIp($wanted) => {
                use elastic_ip as $module;
                $call
            }
            Properties::NatGateway($wanted) => {
                use nat_gateway as $module;
                $call
            }
            Properties::RouteTable($wanted) => {
                use route_table as $module;
                $call
            }
            Properties::Route($wanted) => {
                use route as $module;
                $call
            }
            Properties::RouteTableAssociation($wanted) => {
                use route_table_association as $module;
                $call
            }
            Properties::SecurityGroup($wanted) => {
                use security_group as $module;
                $call
            }
            Properties::VpcEndpoint($wanted) => {
                use vpc_endpoint as $module;
                $call
            }
            other => Err(CallError::invalid(
                SERVICE,
                format!("the provider of the network was asked for a {}", other.kind()),
            )),
        }
    };
}

impl Network {
    /// Connects to nothing yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }

    /// What is wanted of a peering, with a client for each of its regions; it is the one kind that lives in two.
    async fn peering<'a>(&self, target: &'a Target) -> Option<(vpc_peering::Sides, &'a VpcPeering)> {
        let Properties::VpcPeering(wanted) = &target.resource.properties else {
            return None;
        };
        let sides = vpc_peering::Sides {
            own: self.clients.of(&target.resource.key.region).await,
            peer: self.clients.of(&wanted.peer_region).await,
        };
        Some((sides, wanted))
    }
}

#[async_trait]
impl Provider for Network {
    fn kinds(&self) -> &'static [Kind] {
        &[
            Kind::Vpc,
            Kind::Subnet,
            Kind::InternetGateway,
            Kind::ElasticIp,
            Kind::NatGateway,
            Kind::RouteTable,
            Kind::Route,
            Kind::RouteTableAssociation,
            Kind::VpcPeering,
            Kind::SecurityGroup,
            Kind::VpcEndpoint,
        ]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        if let Some((sides, wanted)) = self.peering(target).await {
            let observing = vpc_peering::observe(&sides, target, wanted);
            return in_time(SERVICE, "observe", target, observing).await;
        }
        let client = self.clients.of(&target.resource.key.region).await;
        in_time(SERVICE, "observe", target, async {
            by_kind!(target, kind, wanted => kind::observe(&client, target, wanted).await)
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        if let Some(progress) = not_at_rest(observed, call::POLL_AFTER_SECONDS) {
            return Ok(progress);
        }
        if let Some((sides, wanted)) = self.peering(target).await {
            let ensuring = vpc_peering::ensure(&sides, target, wanted, observed);
            return in_time(SERVICE, "ensure", target, ensuring).await;
        }
        let client = self.clients.of(&target.resource.key.region).await;
        in_time(SERVICE, "ensure", target, async {
            by_kind!(target, kind, wanted => kind::ensure(&client, target, wanted, observed).await)
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        if let Some((sides, _)) = self.peering(target).await {
            let deleting = vpc_peering::delete(&sides, &observed.id);
            return in_time(SERVICE, "delete", target, deleting).await;
        }
        let client = self.clients.of(&target.resource.key.region).await;
        in_time(SERVICE, "delete", target, async {
            by_kind!(target, kind, _wanted => kind::delete(&client, &observed.id).await)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Lane;

    #[test]
    fn kinds_are_those_of_the_lane() {
        let network = Network::new(&Aws::new());
        let lane: Vec<Kind> = Kind::ALL
            .iter()
            .copied()
            .filter(|kind| kind.lane() == Lane::Network)
            .collect();
        assert_eq!(network.kinds(), lane);
    }
}
