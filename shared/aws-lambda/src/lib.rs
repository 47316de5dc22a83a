//! Lambda: the functions of stacks, and who may invoke them.

mod call;
mod compare;
mod function;
mod permission;
mod source;

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use outrigger_aws::{Aws, Clients, in_time};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties, Region};

use source::Source;

const SERVICE: &str = "lambda";

/// Functions and their permissions, over the [Lambda API](https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html).
///
/// A function's code is that of one of the control plane's functions, which are there for nothing else: whatever is installed
/// runs in every stack, in whichever region, with the next operation.
#[derive(Debug)]
pub struct Functions {
    clients: Clients<Client>,
    control_plane: String,
    home: Region,
}

impl Functions {
    /// Makes no call, and no client yet. `control_plane` is the name of the control plane whose functions have the code, and
    /// `home` the region that it is installed in.
    pub fn new(aws: &Aws, control_plane: impl Into<String>, home: Region) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
            control_plane: control_plane.into(),
            home,
        }
    }

    async fn client(&self, target: &Target) -> Client {
        self.clients.of(&target.resource.key.region).await
    }

    /// Where a function's code comes from.
    async fn source(&self, code: &str) -> Source {
        Source {
            client: self.clients.of(&self.home).await,
            function: format!("{}-{code}", self.control_plane),
        }
    }
}

#[async_trait]
impl Provider for Functions {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Function, Kind::FunctionPermission]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::Function(wanted) => {
                    let source = self.source(&wanted.code).await;
                    function::observe(&client, &source, target, wanted).await
                }
                Properties::FunctionPermission(wanted) => permission::observe(&client, target, wanted).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        in_time(SERVICE, "ensure", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::Function(wanted) => {
                    let source = self.source(&wanted.code).await;
                    function::ensure(&client, &source, target, wanted, observed).await
                }
                Properties::FunctionPermission(wanted) => permission::ensure(&client, target, wanted, observed).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::Function(_) => function::delete(&client, &observed.id).await,
                Properties::FunctionPermission(wanted) => permission::remove(&client, target, wanted).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }
}

fn not_asked(properties: &Properties) -> CallError {
    CallError::invalid(
        SERVICE,
        format!("the provider of functions was asked for a {}", properties.kind()),
    )
}
