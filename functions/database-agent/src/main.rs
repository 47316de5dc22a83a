//! In a stack's own VPC: prepares a database for heartbeats, probes it, and tests that it takes a write.

use outrigger_aws_secretsmanager::Secrets;
use outrigger_postgres::Postgres;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    outrigger_lambda::run_database_agent(|aws, certificates| {
        let database = Postgres::new(certificates)?;
        Ok((Secrets::new(aws), database))
    })
    .await
}
