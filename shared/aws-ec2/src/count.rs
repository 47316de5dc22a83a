//! How many objects of a kind a region holds, for what its quotas leave.

use aws_sdk_ec2::Client;
use outrigger_aws::{Aws, pages};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::{Kind, Region};

use crate::SERVICE;
use crate::call::CODES;

/// The most that one page of these lists holds.
const PAGE_ENTRIES_MAX: i32 = 1_000;

/// How many VPCs, internet gateways or security groups there are in the region, whoever's they are.
///
/// What is made or deleted meanwhile may be counted or not: EC2 shows changes late.
///
/// # Errors
/// The call's; `Invalid` for any other kind, and where the list has more than 50 pages of 1000.
///
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInternetGateways.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>.
pub async fn count(aws: &Aws, region: &Region, kind: Kind) -> Result<u64, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let count = match kind {
        Kind::Vpc => {
            let request = client.describe_vpcs().max_results(PAGE_ENTRIES_MAX);
            pages("ec2:DescribeVpcs", CODES, request.into_paginator().send(), |page| {
                page.vpcs
            })
            .await?
            .len()
        }
        Kind::InternetGateway => {
            let request = client.describe_internet_gateways().max_results(PAGE_ENTRIES_MAX);
            pages(
                "ec2:DescribeInternetGateways",
                CODES,
                request.into_paginator().send(),
                |page| page.internet_gateways,
            )
            .await?
            .len()
        }
        Kind::SecurityGroup => {
            let request = client.describe_security_groups().max_results(PAGE_ENTRIES_MAX);
            pages(
                "ec2:DescribeSecurityGroups",
                CODES,
                request.into_paginator().send(),
                |page| page.security_groups,
            )
            .await?
            .len()
        }
        other => return Err(CallError::invalid(SERVICE, format!("no quota of EC2 counts a {other}"))),
    };
    Ok(count as u64)
}
