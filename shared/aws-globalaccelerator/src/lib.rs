//! Global Accelerator: accelerators, listeners, endpoint groups.

mod accelerator;
mod endpoint_group;
mod listener;

use async_trait::async_trait;
use aws_sdk_globalaccelerator::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties, Region};

const SERVICE: &str = "globalaccelerator";

/// The region in which the API is, wherever the endpoints are:
/// <https://docs.aws.amazon.com/general/latest/gr/global_accelerator.html>.
const API_REGION: &str = "us-west-2";

/// Calls are answered at once; what they change is then deployed for a minute or so.
const POLL_SECONDS: u32 = 2;

/// What is not there, or is in what is not there.
const NOT_FOUND: &[&str] = &[
    "AcceleratorNotFoundException",
    "ListenerNotFoundException",
    "EndpointGroupNotFoundException",
];

/// <https://docs.aws.amazon.com/global-accelerator/latest/api/CommonErrors.html>, and each call's own.
const CODES: &[(&str, CallErrorKind)] = &[
    // Created, but not shown everywhere yet.
    ("AcceleratorNotFoundException", CallErrorKind::NotYet),
    ("ListenerNotFoundException", CallErrorKind::NotYet),
    ("EndpointGroupNotFoundException", CallErrorKind::NotYet),
    // One change after the other; and what is in it goes first.
    ("TransactionInProgressException", CallErrorKind::NotYet),
    ("ConflictException", CallErrorKind::NotYet),
    ("AcceleratorNotDisabledException", CallErrorKind::NotYet),
    ("AssociatedListenerFoundException", CallErrorKind::NotYet),
    ("AssociatedEndpointGroupFoundException", CallErrorKind::NotYet),
    ("EndpointGroupAlreadyExistsException", CallErrorKind::Exists),
];

/// Accelerators and what is in them, over the
/// [Global Accelerator API](https://docs.aws.amazon.com/global-accelerator/latest/api/Welcome.html).
#[derive(Debug)]
pub struct Accelerators {
    clients: Clients<Client>,
}

impl Accelerators {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }

    async fn client(&self) -> Client {
        self.clients.of(&Region::new(API_REGION)).await
    }
}

#[async_trait]
impl Provider for Accelerators {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Accelerator, Kind::AcceleratorListener, Kind::EndpointGroup]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.client().await;
            match &target.resource.properties {
                Properties::Accelerator(wanted) => accelerator::observe(&client, target, wanted).await,
                Properties::AcceleratorListener(wanted) => listener::observe(&client, target, wanted).await,
                Properties::EndpointGroup(wanted) => endpoint_group::observe(&client, target, wanted).await,
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
            let client = self.client().await;
            match &target.resource.properties {
                Properties::Accelerator(wanted) => accelerator::ensure(&client, target, wanted, observed).await,
                Properties::AcceleratorListener(wanted) => listener::ensure(&client, target, wanted, observed).await,
                Properties::EndpointGroup(wanted) => endpoint_group::ensure(&client, target, wanted, observed).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.client().await;
            match &target.resource.properties {
                Properties::Accelerator(_) => accelerator::delete(&client, &observed.id).await,
                Properties::AcceleratorListener(_) => listener::delete(&client, &observed.id).await,
                Properties::EndpointGroup(_) => endpoint_group::delete(&client, &observed.id).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of accelerators was asked for a {kind}"))
}
