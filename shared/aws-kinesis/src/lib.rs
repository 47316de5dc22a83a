//! Kinesis data streams, and how many shards an account may have.

mod limits;
mod stream;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, Condition, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties};

pub use limits::shards;

const SERVICE: &str = "kinesis";

/// Streams are created, changed and deleted within seconds.
const POLL_SECONDS: u32 = 5;

/// Kinesis data streams, over the [Kinesis API](https://docs.aws.amazon.com/kinesis/latest/APIReference/Welcome.html).
#[derive(Debug)]
pub struct Streams {
    clients: Clients<Client>,
}

impl Streams {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for Streams {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Stream]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Stream(wanted) => stream::observe(&client, target, wanted).await,
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
                Properties::Stream(wanted) => stream::ensure(&client, target, wanted, observed).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        if observed.condition == Condition::Deleting {
            return Ok(Progress::changed(POLL_SECONDS));
        }
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Stream(_) => stream::delete(&client, target).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of streams was asked for a {kind}"))
}
