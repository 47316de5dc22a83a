//! The ingress lane: REST APIs, with their keys and usage plans.

use std::sync::Arc;

use outrigger_aws_apigateway::Apis;
use outrigger_aws_dynamodb::DynamoStore;
use outrigger_engine::executor::Providers;
use outrigger_engine::ports::provider::Provider;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_lane(DynamoStore::shared, |aws| {
        Providers::new([Arc::new(Apis::new(aws)) as Arc<dyn Provider>])
    })
    .await
}
