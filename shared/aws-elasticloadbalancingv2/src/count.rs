//! How much of its quotas an account uses.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;
use outrigger_aws::{Aws, pages};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;
use outrigger_model::properties::LoadBalancerType;

/// How many load balancers of a type the account has in a region, whoever made them, as [DescribeLoadBalancers] lists them.
///
/// [DescribeLoadBalancers]:
///     https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
///
/// # Errors
/// When a call fails, or there is no end of pages.
pub async fn load_balancers(aws: &Aws, region: &Region, of: LoadBalancerType) -> Result<u64, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let list = client.describe_load_balancers().into_paginator().send();
    let all = pages("elasticloadbalancing:DescribeLoadBalancers", &[], list, |page| {
        page.load_balancers
    });
    let balancers = all.await?.into_iter();
    let of_type = balancers.filter(|found| found.r#type().map(LoadBalancerTypeEnum::as_str) == Some(of.as_str()));
    Ok(of_type.count() as u64)
}

/// How many target groups the account has in a region, whoever made them, as [DescribeTargetGroups] lists them.
///
/// [DescribeTargetGroups]:
///     https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html
///
/// # Errors
/// When a call fails, or there is no end of pages.
pub async fn target_groups(aws: &Aws, region: &Region) -> Result<u64, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let list = client.describe_target_groups().into_paginator().send();
    let all = pages("elasticloadbalancing:DescribeTargetGroups", &[], list, |page| {
        page.target_groups
    });
    Ok(all.await?.len() as u64)
}
