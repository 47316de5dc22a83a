//! What PostgreSQL a region offers.

use aws_sdk_rds::Client;
use outrigger_aws::{Aws, call_error};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

/// A page holds 100 versions; RDS offers less than 100 of PostgreSQL.
const PAGES_MAX: usize = 20;

/// The versions of RDS for PostgreSQL that can be created in a region, as [DescribeDBEngineVersions] lists them: what
/// AWS has retired is not among them.
///
/// [DescribeDBEngineVersions]:
///     https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBEngineVersions.html
///
/// # Errors
/// When a call fails, or there is no end of pages.
pub async fn postgres_versions(aws: &Aws, region: &Region) -> Result<Vec<String>, CallError> {
    let call = "rds:DescribeDBEngineVersions";
    let client = Client::new(&aws.config(Some(region)).await);
    let mut versions = Vec::new();
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let page = client
            .describe_db_engine_versions()
            .engine("postgres")
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| call_error(call, &[], &error))?;
        versions.extend(
            page.db_engine_versions()
                .iter()
                .filter_map(|version| version.engine_version.clone()),
        );
        match page.marker {
            Some(next) if !next.is_empty() => marker = Some(next),
            _ => return Ok(versions),
        }
    }
    Err(CallError::invalid(
        call,
        format!("there are more than {PAGES_MAX} pages of versions"),
    ))
}
