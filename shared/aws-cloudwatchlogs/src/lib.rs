//! CloudWatch Logs: log groups, and reading what is in them.

mod lines;
mod log_group;

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::Client;
use outrigger_aws::{Aws, Clients, in_time};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::properties::LogGroup;
use outrigger_model::{Kind, Properties};

pub use lines::{LogEvent, LogEvents, LogReader, Window};

const SERVICE: &str = "logs";

/// Log groups, over the
/// [CloudWatch Logs API](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html).
#[derive(Debug)]
pub struct LogGroups {
    clients: Clients<Client>,
}

impl LogGroups {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for LogGroups {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::LogGroup]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        let wanted = wanted(target)?;
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            log_group::observe(&client, target, wanted).await
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        let wanted = wanted(target)?;
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            log_group::ensure(&client, target, wanted, observed).await
        })
        .await
    }

    async fn delete(&self, target: &Target, _observed: &Observed) -> Result<Progress, CallError> {
        wanted(target)?;
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            log_group::delete(&client, &target.resource.physical_name).await
        })
        .await
    }
}

fn wanted(target: &Target) -> Result<&LogGroup, CallError> {
    match &target.resource.properties {
        Properties::LogGroup(wanted) => Ok(wanted),
        other => Err(CallError::invalid(
            SERVICE,
            format!("the provider of log groups was asked for a {}", other.kind()),
        )),
    }
}
