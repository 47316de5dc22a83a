//! How many cache nodes a region has.

use aws_sdk_elasticache::Client;
use outrigger_aws::{Aws, pages};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

/// How many cache nodes the account has in a region, of whatever engine and whoever made them, as
/// [DescribeCacheClusters] lists them.
///
/// [DescribeCacheClusters]:
///     https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheClusters.html
///
/// # Errors
/// When a call fails, or there is no end of pages.
pub async fn nodes(aws: &Aws, region: &Region) -> Result<u64, CallError> {
    let call = "elasticache:DescribeCacheClusters";
    let client = Client::new(&aws.config(Some(region)).await);
    let request = client.describe_cache_clusters();
    let clusters = pages(call, &[], request.into_paginator().send(), |page| page.cache_clusters).await?;
    Ok(clusters
        .iter()
        .filter_map(|cluster| u64::try_from(cluster.num_cache_nodes()?).ok())
        .sum())
}
