//! SNS: topics, and who has subscribed to them.

mod subscription;
mod topic;

use async_trait::async_trait;
use aws_sdk_sns::Client;
use outrigger_aws::{Aws, Clients, in_time};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties};

const SERVICE: &str = "sns";

/// Everything is done at once, and shows soon.
const POLL_SECONDS: u32 = 1;

/// What the query protocol calls a topic or a subscription that is not there.
const NOT_FOUND: &[&str] = &[
    "NotFound",
    "NotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
];

/// <https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html>, and each call's own.
const CODES: &[(&str, CallErrorKind)] = &[
    // Created, but not shown everywhere yet.
    ("NotFound", CallErrorKind::NotYet),
    ("NotFoundException", CallErrorKind::NotYet),
    ("ResourceNotFound", CallErrorKind::NotYet),
    ("ResourceNotFoundException", CallErrorKind::NotYet),
    ("ConcurrentAccess", CallErrorKind::NotYet),
    ("ConcurrentAccessException", CallErrorKind::NotYet),
    ("StaleTag", CallErrorKind::NotYet),
    ("StaleTagException", CallErrorKind::NotYet),
];

/// Topics and subscriptions, over the [SNS API](https://docs.aws.amazon.com/sns/latest/api/welcome.html).
#[derive(Debug)]
pub struct Topics {
    clients: Clients<Client>,
}

impl Topics {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for Topics {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Topic, Kind::Subscription]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Topic(_) => topic::observe(&client, target).await,
                Properties::Subscription(wanted) => subscription::observe(&client, target, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Topic(_) => topic::ensure(&client, target, observed).await,
                Properties::Subscription(wanted) => subscription::ensure(&client, wanted, observed).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Topic(_) => topic::delete(&client, &observed.id).await,
                Properties::Subscription(wanted) => subscription::delete(&client, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of topics was asked for a {kind}"))
}
