//! The replication lane: what is in every region of a stack, or copied to the others: tables, buckets, parameters, backups,
//! event buses.

use std::sync::Arc;

use outrigger_aws_backup::Backups;
use outrigger_aws_dynamodb::{DynamoStore, Tables};
use outrigger_aws_eventbridge::Buses;
use outrigger_aws_s3::Buckets;
use outrigger_aws_ssm::Parameters;
use outrigger_engine::executor::Providers;
use outrigger_engine::ports::provider::Provider;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_lane(DynamoStore::shared, |aws| {
        let account = std::env::var("OUTRIGGER_ACCOUNT").unwrap_or_default();
        Providers::new([
            Arc::new(Tables::new(aws)) as Arc<dyn Provider>,
            Arc::new(Buckets::new(aws, account)),
            Arc::new(Parameters::new(aws)),
            Arc::new(Backups::new(aws)),
            Arc::new(Buses::new(aws)),
        ])
    })
    .await
}
