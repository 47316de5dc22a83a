//! Whether an account lets Backup do what is asked of it. These settings are the account's, for all of a region: Outrigger
//! looks at them, and changes none.

use std::collections::HashMap;

use aws_sdk_backup::Client;
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;
use outrigger_model::properties::{BackupSelection, Input};

use crate::failed;

/// DescribeRegionSettings: <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeRegionSettings.html>.
///
/// What is named by its ARN is backed up whatever the account has opted in to, but Aurora
/// (<https://docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources.html>); and backups of tables are copied to
/// another region only where Backup manages them in full
/// (<https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html>). Both are so by default, from the first
/// vault of an account on.
pub(crate) async fn check(client: &Client, region: &Region, wanted: &BackupSelection) -> Result<(), CallError> {
    let call = "backup:DescribeRegionSettings";
    let settings = client
        .describe_region_settings()
        .send()
        .await
        .map_err(|error| failed(call, &error))?;
    let opted_in = settings.resource_type_opt_in_preference.unwrap_or_default();
    let managed = settings.resource_type_management_preference.unwrap_or_default();
    match missing(region, wanted, &opted_in, &managed) {
        Some(message) => Err(CallError::invalid(call, message)),
        None => Ok(()),
    }
}

fn missing(
    region: &Region,
    wanted: &BackupSelection,
    opted_in: &HashMap<String, bool>,
    managed: &HashMap<String, bool>,
) -> Option<String> {
    let is_any = |service: &str, kind: &str| {
        wanted.resources.iter().map(Input::text).any(|arn| {
            let mut parts = arn.split(':').skip(2);
            parts.next() == Some(service) && parts.nth(2).is_some_and(|rest| rest.starts_with(kind))
        })
    };
    let is_off = |settings: &HashMap<String, bool>, name: &str| settings.get(name) == Some(&false);
    if is_any("rds", "cluster") && is_off(opted_in, "Aurora") {
        return Some(format!(
            "the account has Aurora switched off in the settings of AWS Backup in {region}, and no cluster is backed up: \
             switch it on (`aws backup update-region-settings --region {region} --resource-type-opt-in-preference \
             Aurora=true`), then try again"
        ));
    }
    if wanted.copied && is_any("dynamodb", "table") && is_off(managed, "DynamoDB") {
        return Some(format!(
            "the account has the advanced features for DynamoDB switched off in the settings of AWS Backup in {region}, and \
             no backup of a table is copied to another region: switch them on (`aws backup update-region-settings --region \
             {region} --resource-type-management-preference DynamoDB=true`), then try again"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_off_and_needed_is_told() {
        let check = |arn: &str, copied: bool, off: &str, told: Option<&str>| {
            let wanted = BackupSelection {
                plan: Input::Text("plan".to_owned()),
                role: Input::Text("role".to_owned()),
                resources: vec![Input::Text(format!("arn:aws:{arn}"))],
                copied,
            };
            let settings = HashMap::from([(off.to_owned(), false), ("S3".to_owned(), true)]);
            let found = missing(&Region::new("us-east-1"), &wanted, &settings, &settings);
            assert_eq!(found.is_some(), told.is_some(), "{arn} {off}: {found:?}");
            assert!(told.is_none_or(|told| found.is_some_and(|found| found.contains(told))));
        };
        let cluster = "rds:us-east-1:123456789012:cluster:a";
        check(cluster, false, "Aurora", Some("Aurora=true"));
        check(cluster, false, "RDS", None);
        check("rds:us-east-1:123456789012:db:a", false, "Aurora", None);
        let table = "dynamodb:us-east-1:123456789012:table/a";
        check(table, true, "DynamoDB", Some("DynamoDB=true"));
        check(table, false, "DynamoDB", None);
    }
}
