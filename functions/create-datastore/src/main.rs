//! The datastore lane: keys, secrets, databases with their roles, caches, streams.

use std::sync::Arc;

use outrigger_aws_dynamodb::DynamoStore;
use outrigger_aws_elasticache::Caches;
use outrigger_aws_iam::Roles;
use outrigger_aws_kinesis::Streams;
use outrigger_aws_kms::Keys;
use outrigger_aws_rds::Databases;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::executor::Providers;
use outrigger_engine::ports::provider::Provider;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_lane(DynamoStore::shared, |aws| {
        let secrets = Arc::new(Secrets::new(aws));
        let boundary = std::env::var("OUTRIGGER_ROLE_BOUNDARY").ok();
        Providers::new([
            Arc::new(Databases::new(aws, secrets.clone())) as Arc<dyn Provider>,
            Arc::new(Roles::new(aws, boundary)),
            Arc::new(Keys::new(aws)),
            Arc::new(Caches::new(aws, secrets.clone())),
            Arc::new(Streams::new(aws)),
            secrets,
        ])
    })
    .await
}
