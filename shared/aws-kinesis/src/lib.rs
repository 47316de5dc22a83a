//! Kinesis data streams.

mod stream;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use outrigger_aws::{Aws, Clients};
use outrigger_engine::ports::provider::{
    CALL_SECONDS_MAX, CallError, CallErrorKind, Condition, Observed, Progress, Provider, Target,
};
use outrigger_model::{Kind, Properties};

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
        in_time("observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Stream(wanted) => stream::observe(&client, target, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        if let Some(progress) = not_at_rest(observed) {
            return Ok(progress);
        }
        in_time("ensure", target, async {
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
        in_time("delete", target, async {
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
    CallError::invalid("kinesis", format!("the provider of streams was asked for a {kind}"))
}

/// What AWS is at work on is left alone, and what is broken is not worked on.
fn not_at_rest(observed: Option<&Observed>) -> Option<Progress> {
    match &observed?.condition {
        Condition::Ready => None,
        Condition::Changing { .. } | Condition::Deleting => Some(Progress::changed(POLL_SECONDS)),
        Condition::Broken { reason } => Some(Progress::Blocked { reason: reason.clone() }),
    }
}

/// Gives up after [`CALL_SECONDS_MAX`]: what became of the call under way is then unknown.
async fn in_time<T>(
    verb: &str,
    target: &Target,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(Duration::from_secs(CALL_SECONDS_MAX), work).await {
        Ok(result) => result,
        Err(_) => Err(CallError {
            kind: CallErrorKind::Unknown,
            ..CallError::invalid(
                format!("kinesis: {verb} {}", target.resource.key),
                format!("no answer within {CALL_SECONDS_MAX} s"),
            )
        }),
    }
}
