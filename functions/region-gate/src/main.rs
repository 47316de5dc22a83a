//! Answers a load balancer with 200 where its region is the stack's primary, and 503 elsewhere.

use outrigger_aws_dynamodb::DynamoStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_region_gate(DynamoStore::shared).await
}
