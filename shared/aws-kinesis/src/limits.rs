//! How many shards an account may have.

use aws_sdk_kinesis::Client;
use outrigger_aws::{Aws, call_error};
use outrigger_engine::ports::catalog::{Counted, Quota};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

use crate::stream::rate_or_quota;

/// How many shards the account may have open in a region, and how many it has: [DescribeLimits].
///
/// [DescribeLimits]: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeLimits.html
///
/// # Errors
/// When the call fails.
pub async fn shards(aws: &Aws, region: &Region) -> Result<Quota, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let limits = client
        .describe_limits()
        .send()
        .await
        .map_err(|error| rate_or_quota(call_error("kinesis:DescribeLimits", &[], &error)))?;
    Ok(Quota {
        name: "Shards per Region".to_owned(),
        counts: Counted::Shards,
        limit: u64::try_from(limits.shard_limit).unwrap_or_default(),
        used: u64::try_from(limits.open_shard_count).unwrap_or_default(),
        zone: None,
    })
}
