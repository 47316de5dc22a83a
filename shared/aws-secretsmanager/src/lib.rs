//! Secrets Manager: secrets with generated passwords, the hosts filled into them, and reading them for the one call
//! that needs them.
//!
//! A secret's value lives in [`secrecy::SecretString`] for the length of one call. It is in no error, no `Debug` form
//! and no log of this crate. The SDK's own traces are for the logs' filter to keep out: it must not let
//! `aws_smithy_runtime` go to `trace`, where requests are written with their bodies.

mod attachment;
mod calls;
mod replicas;
mod secret;
mod value;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_engine::ports::secrets::{Credentials, SecretReader};
use outrigger_model::{Kind, Properties, Region};

use crate::calls::{Current, GET_SECRET_VALUE};

const SERVICE: &str = "secretsmanager";

/// Everything is done at once, and shows soon.
const POLL_SECONDS: u32 = 1;

/// Secrets and what is attached to them, over the
/// [Secrets Manager API](https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html).
#[derive(Debug)]
pub struct Secrets {
    clients: Clients<Client>,
}

impl Secrets {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for Secrets {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Secret, Kind::SecretAttachment]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Secret(wanted) => secret::observe(&client, target, wanted).await,
                Properties::SecretAttachment(wanted) => attachment::observe(&client, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        if let Some(progress) = not_at_rest(observed, POLL_SECONDS) {
            return Ok(progress);
        }
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Secret(wanted) => secret::ensure(&client, &self.clients, target, wanted, observed).await,
                Properties::SecretAttachment(wanted) => attachment::ensure(&client, target, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Secret(_) => secret::delete(&client, observed).await,
                Properties::SecretAttachment(wanted) => attachment::delete(&client, target, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

#[async_trait]
impl SecretReader for Secrets {
    async fn credentials(&self, secret_arn: &str) -> Result<Credentials, CallError> {
        // arn:<partition>:secretsmanager:<region>:<account>:secret:<name>
        let mut parts = secret_arn.split(':').skip(2);
        let (Some("secretsmanager"), Some(region)) = (parts.next(), parts.next()) else {
            let message = format!("`{secret_arn}` is not the ARN of a secret");
            return Err(CallError::invalid(GET_SECRET_VALUE, message));
        };
        let client = self.clients.of(&Region::new(region)).await;
        match calls::current(&client, secret_arn).await? {
            Current::Value { text, .. } => value::credentials(&text).ok_or_else(|| {
                CallError::invalid(
                    GET_SECRET_VALUE,
                    format!("{secret_arn} holds no JSON with `username` and `password`"),
                )
            }),
            Current::Absent => Err(calls::absent(GET_SECRET_VALUE, secret_arn)),
            Current::Deleting => {
                let message = format!("{secret_arn} is scheduled for deletion");
                Err(CallError::invalid(GET_SECRET_VALUE, message))
            }
        }
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of secrets was asked for a {kind}"))
}
