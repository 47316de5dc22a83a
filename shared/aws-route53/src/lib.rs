//! Route 53: health checks.

mod health_check;

use async_trait::async_trait;
use aws_sdk_route53::Client;
use outrigger_aws::{Aws, Clients, in_time};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_model::properties::HealthCheck;
use outrigger_model::{Kind, Properties, Region};

const SERVICE: &str = "route53";

/// Calls are answered at once. An account may make five of them a second:
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>.
const POLL_SECONDS: u32 = 2;

const NOT_FOUND: &[&str] = &["NoSuchHealthCheck"];

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/CommonErrors.html>, and each call's own.
const CODES: &[(&str, CallErrorKind)] = &[
    // Created, but not shown everywhere yet.
    ("NoSuchHealthCheck", CallErrorKind::NotYet),
    // The reference holds a token of ours, so it is one of our own that is gone since, or has got other settings: the next
    // one has another token.
    ("HealthCheckAlreadyExists", CallErrorKind::NotYet),
    ("HealthCheckInUse", CallErrorKind::NotYet),
    ("HealthCheckVersionMismatch", CallErrorKind::NotYet),
    ("ConcurrentModification", CallErrorKind::NotYet),
];

/// Health checks, over the [Route 53 API](https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html).
#[derive(Debug)]
pub struct HealthChecks {
    clients: Clients<Client>,
}

impl HealthChecks {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }

    /// Route 53 has one endpoint in each partition: <https://docs.aws.amazon.com/general/latest/gr/r53.html>.
    async fn client(&self, wanted: &HealthCheck) -> Client {
        let region = match wanted.region.partition() {
            "aws-cn" => "cn-northwest-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        };
        self.clients.of(&Region::new(region)).await
    }
}

#[async_trait]
impl Provider for HealthChecks {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::HealthCheck]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        let wanted = wanted(target)?;
        in_time(SERVICE, "observe", target, async {
            health_check::observe(&self.client(wanted).await, target, wanted).await
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        let wanted = wanted(target)?;
        in_time(SERVICE, "ensure", target, async {
            health_check::ensure(&self.client(wanted).await, target, wanted, observed).await
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        let wanted = wanted(target)?;
        in_time(SERVICE, "delete", target, async {
            health_check::delete(&self.client(wanted).await, &observed.id).await
        })
        .await
    }
}

fn wanted(target: &Target) -> Result<&HealthCheck, CallError> {
    match &target.resource.properties {
        Properties::HealthCheck(wanted) => Ok(wanted),
        other => Err(CallError::invalid(
            SERVICE,
            format!("the provider of health checks was asked for a {}", other.kind()),
        )),
    }
}
