//! Elastic Load Balancing: network and application load balancers, their target groups, listeners with rules, and targets.

mod action;
mod call;
mod count;
mod health_check;
mod listener;
mod load_balancer;
mod observed;
mod rule;
mod tags;
mod target;
mod target_group;

pub use count::{load_balancers, target_groups};

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::Client;
use outrigger_aws::{Aws, Clients, in_time};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties};

const SERVICE: &str = "elasticloadbalancing";

/// Load balancers, over the
/// [Elastic Load Balancing API](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Operations.html).
///
/// # Caveats
/// - The same create again is answered with what is there, whoever made it: so what has the name is looked at first.
/// - The network interfaces of a load balancer that is gone hold its subnets and security groups for some minutes.
#[derive(Debug)]
pub struct LoadBalancers {
    clients: Clients<Client>,
}

impl LoadBalancers {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }

    async fn client(&self, target: &Target) -> Client {
        self.clients.of(&target.resource.key.region).await
    }
}

#[async_trait]
impl Provider for LoadBalancers {
    fn kinds(&self) -> &'static [Kind] {
        &[
            Kind::LoadBalancer,
            Kind::TargetGroup,
            Kind::Listener,
            Kind::ListenerRule,
            Kind::Target,
        ]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::LoadBalancer(wanted) => load_balancer::observe(&client, target, wanted).await,
                Properties::TargetGroup(wanted) => target_group::observe(&client, target, wanted).await,
                Properties::Listener(wanted) => listener::observe(&client, target, wanted).await,
                Properties::ListenerRule(wanted) => rule::observe(&client, target, wanted).await,
                Properties::Target(wanted) => target::observe(&client, target, wanted).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        in_time(SERVICE, "ensure", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::LoadBalancer(wanted) => load_balancer::ensure(&client, target, wanted, observed).await,
                Properties::TargetGroup(wanted) => target_group::ensure(&client, target, wanted, observed).await,
                Properties::Listener(wanted) => listener::ensure(&client, target, wanted, observed).await,
                Properties::ListenerRule(wanted) => rule::ensure(&client, target, wanted, observed).await,
                Properties::Target(wanted) => target::ensure(&client, wanted, observed).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::LoadBalancer(_) => load_balancer::delete(&client, &observed.id).await,
                Properties::TargetGroup(_) => target_group::delete(&client, &observed.id).await,
                Properties::Listener(_) => listener::delete(&client, &observed.id).await,
                Properties::ListenerRule(_) => rule::delete(&client, &observed.id).await,
                Properties::Target(_) => target::delete(&client, &observed.id).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }
}

fn not_asked(properties: &Properties) -> CallError {
    CallError::invalid(
        SERVICE,
        format!("the provider of load balancers was asked for a {}", properties.kind()),
    )
}
