//! KMS: customer-managed keys with their policies, and the aliases that they are known by.
//!
//! # Caveats
//! - What is created or changed may not show at once, and not everywhere at the same time:
//!   <https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency>.

mod alias;
mod calls;
mod key;
mod policy;

use async_trait::async_trait;
use aws_sdk_kms::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties};

pub use key::count;

const SERVICE: &str = "kms";

/// Everything is done at once, and shows soon.
const POLL_SECONDS: u32 = 1;

/// Keys and aliases, over the [KMS API](https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html).
#[derive(Debug)]
pub struct Keys {
    clients: Clients<Client>,
}

impl Keys {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for Keys {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::KmsKey, Kind::KmsAlias]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::KmsKey(wanted) => key::observe(&client, target, wanted).await,
                Properties::KmsAlias(wanted) => alias::observe(&client, target, wanted).await,
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
                Properties::KmsKey(wanted) => {
                    let done = key::ensure(&client, target, wanted, observed).await;
                    let id = observed.map(|observed| observed.id.as_str());
                    calls::fresh_keys_wait(&client, id.unwrap_or_default(), done).await
                }
                Properties::KmsAlias(wanted) => {
                    let done = alias::ensure(&client, target, wanted, observed).await;
                    calls::fresh_keys_wait(&client, wanted.key.text(), done).await
                }
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::KmsKey(wanted) => {
                    let done = key::delete(&client, target, wanted, observed).await;
                    calls::fresh_keys_wait(&client, &observed.id, done).await
                }
                Properties::KmsAlias(_) => alias::delete(&client, target).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn kept(&self, target: &Target) -> Result<Vec<String>, CallError> {
        match &target.resource.properties {
            Properties::KmsKey(_) => {
                in_time(SERVICE, "kept", target, async {
                    let client = self.clients.of(&target.resource.key.region).await;
                    key::kept(&client, target).await
                })
                .await
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of keys was asked for a {kind}"))
}
