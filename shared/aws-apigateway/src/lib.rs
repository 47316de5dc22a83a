//! API Gateway: REST APIs with their deployments and stages, API keys and usage plans, and domain names.

mod api_key;
mod call;
mod count;
mod definition;
mod deployment;
mod domain;
mod mapping;
mod patch;
mod rest_api;
mod stage;
mod tags;
mod usage_plan;
mod usage_plan_key;

use async_trait::async_trait;
use aws_sdk_apigateway::Client;
use outrigger_aws::{Aws, Clients, in_time};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties};

pub use count::count;

const SERVICE: &str = "apigateway";

/// REST APIs, over the [API Gateway API](https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html).
///
/// # Caveats
/// - API Gateway takes few of the calls that change something: one CreateRestApi in 3 s, one DeleteRestApi in 30 s, one
///   UpdateUsagePlan in 20 s ([quotas]). What it refuses for that is throttled, and tried again later.
///
/// [quotas]: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
#[derive(Debug)]
pub struct Apis {
    clients: Clients<Client>,
}

impl Apis {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }

    async fn client(&self, target: &Target) -> Client {
        self.clients.of(&target.resource.key.region).await
    }
}

#[async_trait]
impl Provider for Apis {
    fn kinds(&self) -> &'static [Kind] {
        &[
            Kind::RestApi,
            Kind::ApiDeployment,
            Kind::ApiStage,
            Kind::UsagePlan,
            Kind::ApiKey,
            Kind::UsagePlanKey,
            Kind::ApiDomain,
            Kind::ApiMapping,
        ]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::RestApi(wanted) => rest_api::observe(&client, target, wanted).await,
                Properties::ApiDeployment(wanted) => deployment::observe(&client, target, wanted).await,
                Properties::ApiStage(wanted) => stage::observe(&client, target, wanted).await,
                Properties::UsagePlan(wanted) => usage_plan::observe(&client, target, wanted).await,
                Properties::ApiKey(wanted) => api_key::observe(&client, target, wanted).await,
                Properties::UsagePlanKey(wanted) => usage_plan_key::observe(&client, target, wanted).await,
                Properties::ApiDomain(wanted) => domain::observe(&client, target, wanted).await,
                Properties::ApiMapping(wanted) => mapping::observe(&client, target, wanted).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        in_time(SERVICE, "ensure", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::RestApi(wanted) => rest_api::ensure(&client, target, wanted, observed).await,
                Properties::ApiDeployment(wanted) => deployment::ensure(&client, target, wanted, observed).await,
                Properties::ApiStage(wanted) => stage::ensure(&client, target, wanted, observed).await,
                Properties::UsagePlan(wanted) => usage_plan::ensure(&client, target, wanted, observed).await,
                Properties::ApiKey(wanted) => api_key::ensure(&client, target, wanted, observed).await,
                Properties::UsagePlanKey(wanted) => usage_plan_key::ensure(&client, wanted, observed).await,
                Properties::ApiDomain(wanted) => domain::ensure(&client, target, wanted, observed).await,
                Properties::ApiMapping(wanted) => mapping::ensure(&client, wanted, observed).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.client(target).await;
            match &target.resource.properties {
                Properties::RestApi(_) => rest_api::delete(&client, &observed.id).await,
                Properties::ApiDeployment(_) => deployment::delete(&client, &observed.id).await,
                Properties::ApiStage(_) => stage::delete(&client, &observed.id).await,
                Properties::UsagePlan(_) => usage_plan::delete(&client, &observed.id).await,
                Properties::ApiKey(_) => api_key::delete(&client, &observed.id).await,
                Properties::UsagePlanKey(_) => usage_plan_key::delete(&client, &observed.id).await,
                Properties::ApiDomain(_) => domain::delete(&client, &observed.id).await,
                Properties::ApiMapping(_) => mapping::delete(&client, &observed.id).await,
                other => Err(not_asked(other)),
            }
        })
        .await
    }
}

fn not_asked(properties: &Properties) -> CallError {
    CallError::invalid(
        SERVICE,
        format!("the provider of APIs was asked for a {}", properties.kind()),
    )
}
