//! The target of an EventBridge rule: writes each event to the stack's table, once.

use std::sync::Arc;

use outrigger_aws_dynamodb::EventsTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_event_recorder(|aws, table| Arc::new(EventsTable::new(aws, table))).await
}
