//! How many cache nodes a region has.

use aws_sdk_elasticache::Client;
use outrigger_aws::{Aws, call_error};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

/// A page holds 100 clusters; an account may have 300 nodes, unless AWS has raised that.
const PAGES_MAX: usize = 50;

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
    let mut nodes = 0;
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let page = client
            .describe_cache_clusters()
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| call_error(call, &[], &error))?;
        let counts = page
            .cache_clusters()
            .iter()
            .filter_map(|cluster| cluster.num_cache_nodes());
        nodes += counts.filter_map(|count| u64::try_from(count).ok()).sum::<u64>();
        match page.marker {
            Some(next) if !next.is_empty() => marker = Some(next),
            _ => return Ok(nodes),
        }
    }
    Err(CallError::invalid(
        call,
        format!("there are more than {PAGES_MAX} pages of cache clusters"),
    ))
}
