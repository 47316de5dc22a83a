//! EventBridge: custom event buses with their rules and targets, endpoints over the buses of two regions, and the default bus,
//! on which operations are told.

mod bus;
mod call;
mod default_bus;
mod endpoint;
mod rule;
mod tags;
mod target;

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use outrigger_aws::{Aws, Clients, call_error, in_time};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties, Region};

pub use default_bus::{EventBus, SOURCE};

const SERVICE: &str = "events";

/// Event buses and endpoints over them, over the
/// [EventBridge API](https://docs.aws.amazon.com/eventbridge/latest/APIReference/Welcome.html).
#[derive(Debug)]
pub struct Buses {
    clients: Clients<Client>,
}

impl Buses {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for Buses {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::EventBus, Kind::GlobalEndpoint]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::EventBus(wanted) => bus::observe(&client, target, wanted).await,
                Properties::GlobalEndpoint(wanted) => endpoint::observe(&client, target, wanted).await,
                other => Err(not_asked("buses", other)),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::EventBus(wanted) => bus::ensure(&client, target, wanted, observed).await,
                Properties::GlobalEndpoint(wanted) => endpoint::ensure(&client, target, wanted, observed).await,
                other => Err(not_asked("buses", other)),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::EventBus(_) => bus::delete(&client, &observed.id).await,
                Properties::GlobalEndpoint(_) => endpoint::delete(&client, &observed.id).await,
                other => Err(not_asked("buses", other)),
            }
        })
        .await
    }
}

/// Rules of custom event buses and their targets, over the same API.
#[derive(Debug)]
pub struct Rules {
    clients: Clients<Client>,
}

impl Rules {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for Rules {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::EventRule, Kind::EventTarget]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::EventRule(wanted) => rule::observe(&client, target, wanted).await,
                Properties::EventTarget(wanted) => target::observe(&client, target, wanted).await,
                other => Err(not_asked("rules", other)),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::EventRule(wanted) => rule::ensure(&client, target, wanted, observed).await,
                Properties::EventTarget(wanted) => target::ensure(&client, target, wanted, observed).await,
                other => Err(not_asked("rules", other)),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::EventRule(_) => rule::delete(&client, &observed.id).await,
                Properties::EventTarget(_) => target::delete(&client, &observed.id).await,
                other => Err(not_asked("rules", other)),
            }
        })
        .await
    }
}

fn not_asked(of: &str, properties: &Properties) -> CallError {
    CallError::invalid(
        SERVICE,
        format!("the provider of {of} was asked for a {}", properties.kind()),
    )
}

/// How many pages of a list are read.
const PAGES_MAX: usize = 50;
/// How many objects a page has at most.
const PAGE: i32 = 100;

/// How many event buses a region has, the default one among them: [ListEventBuses], which has no paginator.
///
/// [ListEventBuses]: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListEventBuses.html
///
/// # Errors
/// When a call fails.
pub async fn count(aws: &Aws, region: &Region) -> Result<u64, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let mut count = 0;
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let request = client.list_event_buses().limit(PAGE).set_next_token(next);
        let page = request
            .send()
            .await
            .map_err(|error| call_error("events:ListEventBuses", call::CODES, &error))?;
        count += page.event_buses().len() as u64;
        next = page.next_token;
        if next.is_none() {
            break;
        }
    }
    Ok(count)
}
