//! The last task of every workflow: outcome, outputs, record, release of the lease.

use outrigger_aws_dynamodb::DynamoStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_close_operation(DynamoStore::shared).await
}
