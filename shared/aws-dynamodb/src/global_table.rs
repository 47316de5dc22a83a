//! How a global table stands.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{MultiRegionConsistency, ReplicaStatus, TableStatus};
use outrigger_aws::{Aws, call_error, is_code};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

/// A table, as far as its regions go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalTable {
    /// Whether it is active in the region that was asked.
    pub is_active: bool,
    /// Whether it is strongly consistent across its regions.
    pub is_strong: bool,
    /// The other regions in which its replicas are active.
    pub active_replicas: BTreeSet<Region>,
}

/// The table of a name as `region` sees it, or none.
///
/// # Errors
/// When it cannot be told: the call was refused, or not answered.
///
/// # Source
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html>
pub async fn global_table(aws: &Aws, region: &Region, name: &str) -> Result<Option<GlobalTable>, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let table = match client.describe_table().table_name(name).send().await {
        Ok(answer) => answer.table,
        Err(error) if is_code(&error, &["ResourceNotFoundException"]) => return Ok(None),
        Err(error) => return Err(call_error("dynamodb:DescribeTable", &[], &error)),
    };
    Ok(table.map(|table| GlobalTable {
        is_active: table.table_status == Some(TableStatus::Active),
        is_strong: table.multi_region_consistency == Some(MultiRegionConsistency::Strong),
        active_replicas: table
            .replicas
            .unwrap_or_default()
            .into_iter()
            .filter(|replica| replica.replica_status == Some(ReplicaStatus::Active))
            .filter_map(|replica| replica.region_name.map(Region::new))
            .collect(),
    }))
}
