//! What Redis a region offers.

use aws_sdk_elasticache::Client;
use outrigger_aws::{Aws, pages};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

use crate::ENGINE;

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
    let request = client.describe_cache_engine_versions().engine(ENGINE);
    let versions = pages(call, &[], request.into_paginator().send(), |page| {
        page.cache_engine_versions
    });
    Ok(versions
        .await?
        .into_iter()
        .filter_map(|version| version.engine_version)
        .collect())
}
