//! Parameter Store: parameters, with the same value in every region of a stack.
//!
//! The value of a SecureString lives in [`secrecy::SecretString`] for the length of one call, on its way from one region to
//! another. It is in no error, no `Debug` form and no log of this crate. The SDK's own traces are for the logs' filter to keep
//! out: it must not let `aws_smithy_runtime` go to `trace`, where requests are written with their bodies.

mod calls;
mod generated;
mod parameter;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use outrigger_aws::{Aws, Clients, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::properties::{Input, Parameter};
use outrigger_model::{Kind, Properties, Region};

use crate::parameter::Source;

const SERVICE: &str = "ssm";

/// Everything is done at once, and shows soon.
const POLL_SECONDS: u32 = 1;

/// Parameters, over the [Systems Manager API](https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html).
#[derive(Debug)]
pub struct Parameters {
    clients: Clients<Client>,
}

impl Parameters {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }

    /// Where the value comes from that a parameter has a copy of.
    async fn source(&self, target: &Target, wanted: &Parameter) -> Result<Option<Source>, CallError> {
        let Some(arn) = wanted.copy_of.as_ref().map(Input::text) else {
            return Ok(None);
        };
        // arn:<partition>:ssm:<region>:<account>:parameter/<name>
        let mut parts = arn.split(':').skip(2);
        let (Some("ssm"), Some(region)) = (parts.next(), parts.next()) else {
            let message = format!("`{arn}` is not the ARN of a parameter");
            return Err(CallError::invalid(calls::GET_PARAMETER, message));
        };
        let region = Region::new(region);
        Ok(Some(Source {
            client: self.clients.of(&region).await,
            // It is called the same in every region.
            name: target.resource.physical_name.clone(),
            region,
        }))
    }
}

#[async_trait]
impl Provider for Parameters {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Parameter]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            let wanted = wanted(target)?;
            let source = self.source(target, wanted).await?;
            parameter::observe(&client, target, wanted, source.as_ref()).await
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        if let Some(progress) = not_at_rest(observed, POLL_SECONDS) {
            return Ok(progress);
        }
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            let wanted = wanted(target)?;
            let source = self.source(target, wanted).await?;
            parameter::ensure(&client, target, wanted, source.as_ref(), observed).await
        })
        .await
    }

    async fn delete(&self, target: &Target, _observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            parameter::delete(&client, &target.resource.physical_name).await
        })
        .await
    }
}

fn wanted(target: &Target) -> Result<&Parameter, CallError> {
    match &target.resource.properties {
        Properties::Parameter(wanted) => Ok(wanted),
        other => Err(CallError::invalid(
            SERVICE,
            format!("the provider of parameters was asked for a {}", other.kind()),
        )),
    }
}
