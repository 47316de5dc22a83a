//! CloudWatch alarms.

mod alarm;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use outrigger_aws::{Aws, Clients};
use outrigger_engine::ports::provider::{
    CALL_SECONDS_MAX, CallError, CallErrorKind, Condition, Observed, Progress, Provider, Target,
};
use outrigger_model::{Kind, Properties};

/// Everything is done at once, and shows soon.
const POLL_SECONDS: u32 = 1;

/// Alarms, over the
/// [CloudWatch API](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html).
#[derive(Debug)]
pub struct Alarms {
    clients: Clients<Client>,
}

impl Alarms {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for Alarms {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Alarm]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time("observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Alarm(wanted) => alarm::observe(&client, target, wanted).await,
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
                Properties::Alarm(wanted) => alarm::ensure(&client, target, wanted, observed).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, _observed: &Observed) -> Result<Progress, CallError> {
        in_time("delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Alarm(_) => alarm::delete(&client, target).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid("cloudwatch", format!("the provider of alarms was asked for a {kind}"))
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
                format!("cloudwatch: {verb} {}", target.resource.key),
                format!("no answer within {CALL_SECONDS_MAX} s"),
            )
        }),
    }
}
