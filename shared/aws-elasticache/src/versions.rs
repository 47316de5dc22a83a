//! What Redis a region offers.

use aws_sdk_elasticache::Client;
use outrigger_aws::{Aws, call_error};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

use crate::ENGINE;

/// A page holds 100 versions; ElastiCache offers about twenty of Redis.
const PAGES_MAX: usize = 10;

/// The versions of Redis that ElastiCache can create in a region, as [DescribeCacheEngineVersions] lists them.
///
/// [DescribeCacheEngineVersions]:
///     https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheEngineVersions.html
///
/// # Errors
/// When a call fails, or there is no end of pages.
pub async fn redis_versions(aws: &Aws, region: &Region) -> Result<Vec<String>, CallError> {
    let call = "elasticache:DescribeCacheEngineVersions";
    let client = Client::new(&aws.config(Some(region)).await);
    let mut versions = Vec::new();
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let page = client
            .describe_cache_engine_versions()
            .engine(ENGINE)
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| call_error(call, &[], &error))?;
        versions.extend(
            page.cache_engine_versions()
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
