//! The last task of every workflow: outcome, outputs, record, release of the lease, the event. On a schedule it counts stale
//! leases.

use outrigger_aws_dynamodb::DynamoStore;
use outrigger_aws_eventbridge::EventBus;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_close_operation(DynamoStore::shared, EventBus::new).await
}
