//! IAM: the roles that AWS services take on for a stack.

mod allows;
mod role;
mod trust;

use async_trait::async_trait;
use aws_sdk_iam::Client;
use outrigger_aws::{Aws, Clients, in_time};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::properties::Role;
use outrigger_model::{Kind, Properties};

const SERVICE: &str = "iam";

/// Roles, over the [IAM API](https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html).
///
/// IAM has no regions: a role's region is that of the resource that it is for, and names the client.
#[derive(Debug)]
pub struct Roles {
    clients: Clients<Client>,
    boundary: Option<String>,
}

impl Roles {
    /// Makes no call, and no client yet. `boundary` is the ARN of the [permissions boundary] that every role gets.
    ///
    /// [permissions boundary]: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    pub fn new(aws: &Aws, boundary: Option<String>) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
            boundary,
        }
    }
}

#[async_trait]
impl Provider for Roles {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Role]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            role::observe(&client, target, wanted(target)?, self.boundary.as_deref()).await
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            role::ensure(&client, target, wanted(target)?, self.boundary.as_deref(), observed).await
        })
        .await
    }

    async fn delete(&self, target: &Target, _observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            role::delete(&client, &target.resource.physical_name).await
        })
        .await
    }
}

fn wanted(target: &Target) -> Result<&Role, CallError> {
    match &target.resource.properties {
        Properties::Role(wanted) => Ok(wanted),
        other => Err(CallError::invalid(
            SERVICE,
            format!("the provider of roles was asked for a {}", other.kind()),
        )),
    }
}
