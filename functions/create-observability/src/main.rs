//! The observability lane: alarms, dashboards, log groups, topics, health checks.

use std::sync::Arc;

use outrigger_aws_cloudwatch::Alarms;
use outrigger_aws_cloudwatchlogs::LogGroups;
use outrigger_aws_dynamodb::DynamoStore;
use outrigger_aws_route53::HealthChecks;
use outrigger_aws_sns::Topics;
use outrigger_engine::executor::Providers;
use outrigger_engine::ports::provider::Provider;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_lane(DynamoStore::shared, |aws| {
        Providers::new([
            Arc::new(Alarms::new(aws)) as Arc<dyn Provider>,
            Arc::new(LogGroups::new(aws)),
            Arc::new(Topics::new(aws)),
            Arc::new(HealthChecks::new(aws)),
        ])
    })
    .await
}
