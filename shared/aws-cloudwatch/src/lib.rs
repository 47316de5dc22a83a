//! CloudWatch alarms and dashboards.

mod alarm;
mod dashboard;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties};

const SERVICE: &str = "cloudwatch";

/// Everything is done at once, and shows soon.
const POLL_SECONDS: u32 = 1;

/// Alarms and dashboards, over the
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
        &[Kind::Alarm, Kind::Dashboard]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Alarm(wanted) => alarm::observe(&client, target, wanted).await,
                Properties::Dashboard(wanted) => dashboard::observe(&client, target, wanted).await,
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
                Properties::Alarm(wanted) => alarm::ensure(&client, target, wanted, observed).await,
                Properties::Dashboard(wanted) => dashboard::ensure(&client, target, wanted, observed).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, _observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Alarm(_) => alarm::delete(&client, target).await,
                Properties::Dashboard(_) => dashboard::delete(&client, target).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of alarms was asked for a {kind}"))
}
