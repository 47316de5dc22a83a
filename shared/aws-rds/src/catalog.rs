//! What PostgreSQL a region offers, what its parameters are, and how much of RDS the account may have there.

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{AccountQuota, Parameter as SdkParameter};
use outrigger_aws::{Aws, call_error, pages};
use outrigger_engine::ports::catalog::{Counted, Parameter, Quota};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::{Kind, Region};

/// The versions of RDS for PostgreSQL that can be created in a region, as [DescribeDBEngineVersions] lists them: what
/// AWS has retired is not among them.
///
/// [DescribeDBEngineVersions]:
///     https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBEngineVersions.html
///
/// # Errors
/// When a call fails, or there is no end of pages.
pub async fn postgres_versions(aws: &Aws, region: &Region) -> Result<Vec<String>, CallError> {
    versions(aws, region, "postgres").await
}

/// The versions of Aurora PostgreSQL that can be created in a region, as [DescribeDBEngineVersions] lists them; those of
/// Aurora PostgreSQL Limitless Database, which is something else, are left out.
///
/// [DescribeDBEngineVersions]:
///     https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBEngineVersions.html
///
/// # Errors
/// When a call fails, or there is no end of pages.
pub async fn aurora_postgresql_versions(aws: &Aws, region: &Region) -> Result<Vec<String>, CallError> {
    let mut versions = versions(aws, region, "aurora-postgresql").await?;
    versions.retain(|version| !version.ends_with("-limitless"));
    Ok(versions)
}

async fn versions(aws: &Aws, region: &Region, engine: &str) -> Result<Vec<String>, CallError> {
    let call = "rds:DescribeDBEngineVersions";
    let client = Client::new(&aws.config(Some(region)).await);
    let request = client.describe_db_engine_versions().engine(engine);
    let versions = pages(call, &[], request.into_paginator().send(), |page| {
        page.db_engine_versions
    });
    Ok(versions
        .await?
        .into_iter()
        .filter_map(|version| version.engine_version)
        .collect())
}

/// The parameters of a parameter group family, such as `postgres15`, as [DescribeEngineDefaultParameters] lists them.
///
/// [DescribeEngineDefaultParameters]:
///     https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEngineDefaultParameters.html
///
/// # Errors
/// When a call fails (`InvalidParameterValue` where there is no such family), or there is no end of pages.
pub async fn parameters(aws: &Aws, region: &Region, family: &str) -> Result<BTreeMap<String, Parameter>, CallError> {
    let call = "rds:DescribeEngineDefaultParameters";
    let client = Client::new(&aws.config(Some(region)).await);
    let request = client
        .describe_engine_default_parameters()
        .db_parameter_group_family(family);
    let parameters = pages(call, &[], request.into_paginator().send(), |page| {
        page.engine_defaults?.parameters
    });
    Ok(parameters.await?.iter().filter_map(parameter).collect())
}

fn parameter(parameter: &SdkParameter) -> Option<(String, Parameter)> {
    Some((
        parameter.parameter_name.clone()?,
        Parameter {
            is_modifiable: parameter.is_modifiable().unwrap_or_default(),
            is_static: parameter.apply_type() == Some("static"),
            allowed_values: parameter.allowed_values.clone().filter(|values| !values.is_empty()),
            data_type: parameter.data_type.clone().unwrap_or_default(),
        },
    ))
}

/// How much of RDS the account may have in a region, and has, as [DescribeAccountAttributes] tells.
///
/// [DescribeAccountAttributes]:
///     https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeAccountAttributes.html
///
/// # Errors
/// When the call fails.
pub async fn quotas(aws: &Aws, region: &Region) -> Result<Vec<Quota>, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let output = client
        .describe_account_attributes()
        .send()
        .await
        .map_err(|error| call_error("rds:DescribeAccountAttributes", &[], &error))?;
    Ok(output.account_quotas().iter().filter_map(quota).collect())
}

/// One of the quotas that bind what Outrigger creates: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AccountQuota.html>.
fn quota(quota: &AccountQuota) -> Option<Quota> {
    let name = quota.account_quota_name.clone()?;
    let counts = match name.as_str() {
        "DBInstances" => Counted::DbInstances,
        "DBClusters" => Counted::Objects(Kind::DbCluster),
        "AllocatedStorage" => Counted::StorageGib,
        "DBParameterGroups" => Counted::Objects(Kind::DbParameterGroup),
        "DBSubnetGroups" => Counted::Objects(Kind::DbSubnetGroup),
        _ => return None,
    };
    Some(Quota {
        name,
        counts,
        limit: u64::try_from(quota.max?).ok()?,
        used: u64::try_from(quota.used?).ok()?,
        zone: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_that_bind_are_told() {
        let of = |name: &str| {
            let quota_of = AccountQuota::builder().account_quota_name(name).max(40).used(3);
            quota(&quota_of.build()).map(|quota| (quota.counts, quota.limit, quota.used))
        };
        let table = [
            ("DBInstances", Some(Counted::DbInstances)),
            ("DBClusters", Some(Counted::Objects(Kind::DbCluster))),
            ("AllocatedStorage", Some(Counted::StorageGib)),
            ("DBParameterGroups", Some(Counted::Objects(Kind::DbParameterGroup))),
            ("DBSubnetGroups", Some(Counted::Objects(Kind::DbSubnetGroup))),
            ("OptionGroups", None),
        ];
        for (name, counts) in table {
            assert_eq!(of(name), counts.map(|counts| (counts, 40, 3)), "{name}");
        }
    }

    #[test]
    fn parameters_say_what_they_allow() {
        let of = |apply_type: &str, allowed: Option<&str>| {
            let described = SdkParameter::builder()
                .parameter_name("max_connections")
                .apply_type(apply_type)
                .data_type("integer")
                .is_modifiable(true)
                .set_allowed_values(allowed.map(str::to_owned));
            parameter(&described.build()).map(|(_, parameter)| (parameter.is_static, parameter.allowed_values))
        };
        assert_eq!(
            of("static", Some("6-8388607")),
            Some((true, Some("6-8388607".to_owned())))
        );
        assert_eq!(of("dynamic", Some("")), Some((false, None)));
        assert_eq!(of("dynamic", None), Some((false, None)));
    }
}
