//! The ingress lane: REST APIs, with their keys, usage plans and domain names; load balancers; accelerators; functions, and who
//! may invoke them; rules of event buses.

use std::sync::Arc;

use outrigger_aws_apigateway::Apis;
use outrigger_aws_dynamodb::DynamoStore;
use outrigger_aws_elasticloadbalancingv2::LoadBalancers;
use outrigger_aws_eventbridge::Rules;
use outrigger_aws_globalaccelerator::Accelerators;
use outrigger_aws_lambda::Functions;
use outrigger_engine::executor::Providers;
use outrigger_engine::ports::provider::Provider;
use outrigger_model::Region;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_lane(DynamoStore::shared, |aws| {
        let said = |name: &str| std::env::var(name).unwrap_or_default();
        let (control_plane, home) = (said("OUTRIGGER_NAME"), Region::new(said("AWS_REGION")));
        Providers::new([
            Arc::new(Apis::new(aws)) as Arc<dyn Provider>,
            Arc::new(Functions::new(aws, control_plane, home)),
            Arc::new(LoadBalancers::new(aws)),
            Arc::new(Accelerators::new(aws)),
            Arc::new(Rules::new(aws)),
        ])
    })
    .await
}
