//! The first task of every workflow: validates the input, takes the lease, makes the plan.

mod catalog;

use outrigger_aws_dynamodb::DynamoStore;
use outrigger_aws_eventbridge::EventBus;
use outrigger_aws_s3::S3Documents;

use crate::catalog::AwsCatalog;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_plan_stack(DynamoStore::shared, |aws| {
        (AwsCatalog::new(aws), S3Documents::new(aws), EventBus::new(aws))
    })
    .await
}
