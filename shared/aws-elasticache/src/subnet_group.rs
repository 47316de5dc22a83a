//! `AWS::ElastiCache::SubnetGroup`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::CacheSubnetGroup as SdkGroup;
use outrigger_aws::{TAGS, TAGS_GONE, call_error, gone_meanwhile, is_code, missing_tags, surplus_tags};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Input;
use outrigger_model::properties::CacheSubnetGroup;
use outrigger_model::resource::is_ours;

use crate::tags;

const POLL_SECONDS: u32 = 2;

const NOT_FOUND: &[&str] = &["CacheSubnetGroupNotFoundFault"];
const CODES: &[(&str, CallErrorKind)] = &[
    ("CacheSubnetGroupAlreadyExists", CallErrorKind::Exists),
    // EC2 shows a fresh subnet late.
    ("InvalidSubnet", CallErrorKind::NotYet),
    // A cache is still in it.
    ("CacheSubnetGroupInUse", CallErrorKind::NotYet),
];

/// DescribeCacheSubnetGroups and ListTagsForResource:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheSubnetGroups.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &CacheSubnetGroup,
) -> Result<Option<Observed>, CallError> {
    let Some(group) = describe(client, &target.resource.physical_name).await? else {
        return Ok(None);
    };
    let Some(actual_tags) = tags::list(client, group.arn().unwrap_or_default()).await? else {
        return Ok(None);
    };
    Ok(Some(Observed {
        id: group.cache_subnet_group_name().unwrap_or_default().to_owned(),
        attributes: BTreeMap::new(),
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: differences(wanted, &group, &target.resource.tags, &actual_tags)
            .into_iter()
            .chain(surplus_tags(&target.tags_gone, &actual_tags))
            .collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &CacheSubnetGroup,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        TAGS => {
            let Some(group) = describe(client, &target.resource.physical_name).await? else {
                return Err(gone_meanwhile("elasticache:AddTagsToResource", "the subnet group"));
            };
            tags::add(client, group.arn().unwrap_or_default(), &target.resource.tags).await?;
        }
        TAGS_GONE => {
            let Some(group) = describe(client, &target.resource.physical_name).await? else {
                return Err(gone_meanwhile("elasticache:RemoveTagsFromResource", "the subnet group"));
            };
            tags::remove(client, group.arn().unwrap_or_default(), first).await?;
        }
        // ModifyCacheSubnetGroup sets both at once, whichever of them differs:
        // https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyCacheSubnetGroup.html
        _ => {
            client
                .modify_cache_subnet_group()
                .cache_subnet_group_name(&target.resource.physical_name)
                .cache_subnet_group_description(&wanted.description)
                .set_subnet_ids(Some(ids(&wanted.subnets).into_iter().collect()))
                .send()
                .await
                .map_err(|error| call_error("elasticache:ModifyCacheSubnetGroup", CODES, &error))?;
        }
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateCacheSubnetGroup:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateCacheSubnetGroup.html>.
async fn create(client: &Client, target: &Target, wanted: &CacheSubnetGroup) -> Result<Progress, CallError> {
    let output = client
        .create_cache_subnet_group()
        .cache_subnet_group_name(&target.resource.physical_name)
        .cache_subnet_group_description(&wanted.description)
        .set_subnet_ids(Some(ids(&wanted.subnets).into_iter().collect()))
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| call_error("elasticache:CreateCacheSubnetGroup", CODES, &error))?;
    Ok(Progress::InProgress {
        id: output
            .cache_subnet_group
            .and_then(|group| group.cache_subnet_group_name),
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

/// DeleteCacheSubnetGroup:
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteCacheSubnetGroup.html>.
pub(crate) async fn delete(client: &Client, target: &Target) -> Result<Progress, CallError> {
    match client
        .delete_cache_subnet_group()
        .cache_subnet_group_name(&target.resource.physical_name)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("elasticache:DeleteCacheSubnetGroup", CODES, &error)),
    }
}

async fn describe(client: &Client, name: &str) -> Result<Option<SdkGroup>, CallError> {
    match client
        .describe_cache_subnet_groups()
        .cache_subnet_group_name(name)
        .send()
        .await
    {
        Ok(output) => Ok(output.cache_subnet_groups.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("elasticache:DescribeCacheSubnetGroups", CODES, &error)),
    }
}

fn ids(inputs: &[Input]) -> BTreeSet<String> {
    inputs.iter().map(|input| input.text().to_owned()).collect()
}

/// Where a subnet group differs from what is wanted.
fn differences(
    wanted: &CacheSubnetGroup,
    actual: &SdkGroup,
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let subnets: BTreeSet<_> = actual
        .subnets()
        .iter()
        .filter_map(|subnet| subnet.subnet_identifier.clone())
        .collect();
    let description = actual.cache_subnet_group_description().unwrap_or_default();
    [
        missing_tags(wanted_tags, actual_tags),
        Difference::between("description", &wanted.description.as_str(), &description),
        Difference::between("subnets", &ids(&wanted.subnets), &subnets),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticache::types::Subnet;

    use super::*;

    #[test]
    fn differences_are_told() {
        let wanted = CacheSubnetGroup {
            vpc: outrigger_model::Input::Text("vpc-0".to_owned()),
            description: "for a".to_owned(),
            subnets: vec![Input::Text("subnet-2".to_owned()), Input::Text("subnet-1".to_owned())],
        };
        let check = |description: &str, subnets: &[&str], expected: &[&str]| {
            let mut actual = SdkGroup::builder().cache_subnet_group_description(description);
            for subnet in subnets {
                actual = actual.subnets(Subnet::builder().subnet_identifier(*subnet).build());
            }
            let tags = BTreeMap::new();
            let found: Vec<_> = differences(&wanted, &actual.build(), &tags, &tags)
                .iter()
                .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
                .collect();
            assert_eq!(found, expected);
        };
        check("for a", &["subnet-1", "subnet-2"], &[]);
        check(
            "for b",
            &["subnet-1", "subnet-2"],
            &[r#"description: "for a" / "for b""#],
        );
        check(
            "for a",
            &["subnet-1"],
            &[r#"subnets: ["subnet-1","subnet-2"] / ["subnet-1"]"#],
        );
    }
}
