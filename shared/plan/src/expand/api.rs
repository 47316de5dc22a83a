//! APIs: what one answers, its deployment at a stage, and the key that requests bring, with its usage plan.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{Api, ApiDomain, Route};
use outrigger_model::name::content_hash;
use outrigger_model::properties::{self, Allows, ApiRoute, Input, RecordTo};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::Expansion;

/// What stands between an API's name and that of something it has. No component's name can hold it.
const WITHIN: char = '.';

/// The name of an API's stage within the stack. A stage with another name is another one, which comes before the old one
/// goes.
pub(super) fn stage_key(name: &str, api: &Api) -> String {
    format!("{name}{WITHIN}{}", api.stage)
}

/// The name of an API's domain name within the stack: another one comes before the old one goes.
pub(super) fn domain_key(name: &str, domain: &ApiDomain) -> String {
    format!("{name}{WITHIN}{}", domain.name)
}

/// The name of where an API answers below its domain name: another path comes before the old one goes.
pub(super) fn mapping_key(name: &str, domain: &ApiDomain) -> String {
    let base_path = domain.base_path.as_deref().unwrap_or_default();
    format!("{}/{base_path}", domain_key(name, domain))
}

impl Expansion<'_> {
    pub(super) fn api(&mut self, name: &str, api: &Api) {
        let routes: BTreeMap<String, ApiRoute> = api
            .routes
            .iter()
            .map(|(route, of)| (route.clone(), self.route(name, of)))
            .collect();
        // Plain data with text keys: it always serializes.
        let answers = serde_json::to_string(&routes).unwrap_or_default();
        let rest_api = self.add_tagged(
            Kind::RestApi,
            name,
            Properties::RestApi(properties::RestApi {
                description: format!("the API {name} of {}", self.document.id()),
                routes,
            }),
            &api.tags,
        );
        let deployment = self.add(
            Kind::ApiDeployment,
            &format!("{name}{WITHIN}{}", content_hash(&answers)),
            Properties::ApiDeployment(properties::ApiDeployment {
                api: Input::id_of(&rest_api),
            }),
        );
        let stage = self.add_tagged(
            Kind::ApiStage,
            &stage_key(name, api),
            Properties::ApiStage(properties::ApiStage {
                api: Input::id_of(&rest_api),
                stage: api.stage.clone(),
                deployment: Input::of(&deployment, "deployment_id"),
            }),
            &api.tags,
        );
        if let Some(plan) = &api.usage_plan {
            self.usage_plan(name, api, plan, &stage);
        }
        if let Some(domain) = &api.domain {
            self.domain((name, api), domain, &rest_api, &stage);
        }
    }

    /// The domain name, and where below it the stage answers.
    fn domain(&mut self, (name, api): (&str, &Api), domain: &ApiDomain, rest_api: &ResourceKey, stage: &ResourceKey) {
        let certificate = domain.certificates.of(self.region).cloned().unwrap_or_default();
        let key = self.add_tagged(
            Kind::ApiDomain,
            &domain_key(name, domain),
            Properties::ApiDomain(properties::ApiDomain {
                domain: domain.name.clone(),
                certificate,
            }),
            &api.tags,
        );
        let mapping = self.add(
            Kind::ApiMapping,
            &mapping_key(name, domain),
            Properties::ApiMapping(properties::ApiMapping {
                domain: Input::id_of(&key),
                base_path: domain.base_path.clone(),
                api: Input::id_of(rest_api),
                stage: api.stage.clone(),
            }),
        );
        self.after(&mapping, stage);
    }

    fn usage_plan(&mut self, name: &str, api: &Api, plan: &outrigger_model::document::UsagePlan, stage: &ResourceKey) {
        let plan = self.add_tagged(
            Kind::UsagePlan,
            name,
            Properties::UsagePlan(properties::UsagePlan {
                description: format!("the key of the API {name} of {}", self.document.id()),
                stage: Input::id_of(stage),
                rate_per_second: plan.rate_per_second,
                burst: plan.burst,
            }),
            &api.tags,
        );
        let key = self.add_tagged(
            Kind::ApiKey,
            name,
            Properties::ApiKey(properties::ApiKey {
                description: format!("for the API {name} of {}", self.document.id()),
            }),
            &api.tags,
        );
        self.add(
            Kind::UsagePlanKey,
            name,
            Properties::UsagePlanKey(properties::UsagePlanKey {
                plan: Input::id_of(&plan),
                key: Input::id_of(&key),
            }),
        );
    }

    fn route(&mut self, api: &str, route: &Route) -> ApiRoute {
        ApiRoute {
            api_key: route.api_key,
            response: serde_json::Value::from_iter(route.response.clone()).to_string(),
            record_to: route.stream.as_ref().map(|stream| self.record_to(api, stream)),
        }
    }

    /// The stream, and the role that lets API Gateway write to it and do nothing else:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/integrating-api-with-aws-services-kinesis.html>.
    fn record_to(&mut self, api: &str, stream: &str) -> RecordTo {
        let key = ResourceKey::new(self.region, Kind::Stream, stream);
        // Who writes to a stream that is encrypted with a key of the stack's own needs the key as well:
        // https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
        let encrypted = self.document.streams.get(stream).map(|stream| &stream.encryption_key);
        let encryption_key = self.encryption_key(encrypted.and_then(Option::as_ref));
        let mut actions = BTreeSet::from(["kinesis:PutRecord".to_owned()]);
        if encryption_key.is_some() {
            actions.insert("kms:GenerateDataKey".to_owned());
        }
        let resources = [Some(Input::of(&key, "arn")), encryption_key];
        let role = self.add(
            Kind::Role,
            &format!("{api}{WITHIN}{stream}"),
            Properties::Role(properties::Role {
                description: format!("the API {api} of {} writes to the stream {stream}", self.document.id()),
                service: "apigateway.amazonaws.com".to_owned(),
                managed_policies: BTreeSet::new(),
                allows: vec![Allows {
                    actions,
                    resources: resources.into_iter().flatten().collect(),
                    leading_keys: BTreeSet::new(),
                }],
            }),
        );
        RecordTo {
            stream: Input::of(&key, "name"),
            role: Input::of(&role, "arn"),
        }
    }
}
