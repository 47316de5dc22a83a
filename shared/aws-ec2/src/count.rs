//! How many objects of a kind a region holds, for what its quotas leave.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, NatGatewayState};
use outrigger_aws::{Aws, pages};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::{Kind, Region};

use crate::SERVICE;
use crate::call::{CODES, refused};

/// The most that one page of these lists holds.
const PAGE_ENTRIES_MAX: i32 = 1_000;

/// How many VPCs, internet gateways, Elastic IP addresses, security groups or gateway endpoints there are in the region,
/// whoever's they are.
///
/// What is made or deleted meanwhile may be counted or not: EC2 shows changes late.
///
/// # Errors
/// The call's; `Invalid` for any other kind, and where the list has more than 50 pages of 1000.
///
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInternetGateways.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddresses.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html>.
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
        // The list has no pages.
        Kind::ElasticIp => {
            let answer = client.describe_addresses().send().await;
            let answer = answer.map_err(|error| refused("ec2:DescribeAddresses", &error))?;
            answer.addresses().len()
        }
        Kind::VpcEndpoint => {
            let gateways = Filter::builder().name("vpc-endpoint-type").values("Gateway").build();
            let request = client.describe_vpc_endpoints().filters(gateways);
            let request = request.max_results(PAGE_ENTRIES_MAX);
            pages(
                "ec2:DescribeVpcEndpoints",
                CODES,
                request.into_paginator().send(),
                |page| page.vpc_endpoints,
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

/// How many NAT gateways there are in each zone of the region that has any, whoever's they are. Those that are being
/// deleted, or have failed, count as long as they are not gone.
///
/// # Errors
/// The calls'; `Invalid` where a list has more than 50 pages.
///
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNatGateways.html>,
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-gateways>.
pub async fn nat_gateways(aws: &Aws, region: &Region) -> Result<BTreeMap<String, u64>, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let request = client.describe_nat_gateways().max_results(PAGE_ENTRIES_MAX);
    let gateways = pages(
        "ec2:DescribeNatGateways",
        CODES,
        request.into_paginator().send(),
        |page| page.nat_gateways,
    )
    .await?;
    let there = gateways
        .iter()
        .filter(|gateway| gateway.state() != Some(&NatGatewayState::Deleted));
    let subnets_of_gateways: Vec<&str> = there.filter_map(|gateway| gateway.subnet_id()).collect();
    let mut counts = BTreeMap::new();
    if subnets_of_gateways.is_empty() {
        return Ok(counts);
    }
    // A gateway does not tell its zone.
    let request = client.describe_subnets().max_results(PAGE_ENTRIES_MAX);
    let subnets = pages("ec2:DescribeSubnets", CODES, request.into_paginator().send(), |page| {
        page.subnets
    })
    .await?;
    for subnet in &subnets {
        let gateways = subnets_of_gateways.iter().filter(|id| subnet.subnet_id() == Some(**id));
        let count = gateways.count() as u64;
        if let Some(zone) = subnet.availability_zone().filter(|_| count > 0) {
            *counts.entry(zone.to_owned()).or_default() += count;
        }
    }
    Ok(counts)
}
