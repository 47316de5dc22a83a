//! `AWS::ElasticLoadBalancingV2::LoadBalancer`.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer as Described, LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerStateEnum,
    LoadBalancerTypeEnum,
};
use outrigger_aws::{TAGS, TAGS_GONE, not_at_rest, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{Input, LoadBalancer, LoadBalancerType, Scheme};

use crate::call::{changed, created, deleted, found};
use crate::observed::{candidate, observed};
use crate::tags;

/// It takes minutes.
const PROVISIONING_SECONDS: u32 = 5;

const TYPE: &str = "type";
const SCHEME: &str = "scheme";
const VPC: &str = "vpc";
const SUBNETS: &str = "subnets";
const SECURITY_GROUPS: &str = "security_groups";
const DELETION_PROTECTION: &str = "deletion_protection";

/// What AWS calls the attribute of that.
const DELETION_PROTECTION_ATTRIBUTE: &str = "deletion_protection.enabled";

/// The recorded load balancer, or else the one that has the name.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &LoadBalancer,
) -> Result<Option<Observed>, CallError> {
    const CALL: &str = "elasticloadbalancing:DescribeLoadBalancers";
    let by_id = target
        .id
        .as_ref()
        .map(|arn| client.describe_load_balancers().load_balancer_arns(arn));
    let by_name = client.describe_load_balancers().names(&target.resource.physical_name);
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
    for request in by_id.into_iter().chain([by_name]) {
        let described = found(CALL, request.send().await)?;
        let balancers = described.and_then(|answer| answer.load_balancers).unwrap_or_default();
        if let Some((arn, balancer)) = candidate(target, balancers, Described::load_balancer_arn) {
            return told(client, target, wanted, &arn, &balancer).await;
        }
    }
    Ok(None)
}

async fn told(
    client: &Client,
    target: &Target,
    wanted: &LoadBalancer,
    arn: &str,
    there: &Described,
) -> Result<Option<Observed>, CallError> {
    let (Some(actual_tags), Some(is_protected)) = (tags::of(client, arn).await?, is_protected(client, arn).await?)
    else {
        return Ok(None);
    };
    let balancer_type = there.r#type().map_or("", LoadBalancerTypeEnum::as_str);
    let scheme = there.scheme().map_or("", LoadBalancerSchemeEnum::as_str);
    let zones = there.availability_zones().iter();
    let subnets: BTreeSet<&str> = zones.filter_map(|zone| zone.subnet_id()).collect();
    let groups: BTreeSet<&str> = there.security_groups().iter().map(String::as_str).collect();
    let differences = [
        Difference::between(TYPE, &wanted.load_balancer_type.as_str(), &balancer_type),
        Difference::between(SCHEME, &wanted.scheme.as_str(), &scheme),
        Difference::between(VPC, &wanted.vpc.text(), &there.vpc_id().unwrap_or_default()),
        Difference::between(SUBNETS, &ids(&wanted.subnets), &subnets),
        Difference::between(SECURITY_GROUPS, &ids(&wanted.security_groups), &groups),
        Difference::between(DELETION_PROTECTION, &false, &is_protected),
    ];
    let attributes = [
        ("dns_name", there.dns_name()),
        ("hosted_zone_id", there.canonical_hosted_zone_id()),
        ("full_name", arn.split_once(":loadbalancer/").map(|(_, name)| name)),
    ];
    Ok(Some(Observed {
        condition: condition(there),
        ..observed(target, arn, &actual_tags, attributes, differences)
    }))
}

fn ids(inputs: &[Input]) -> BTreeSet<&str> {
    inputs.iter().map(Input::text).collect()
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerState.html>
fn condition(there: &Described) -> Condition {
    let state = there.state();
    match state.and_then(|state| state.code()) {
        Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => Condition::Ready,
        Some(LoadBalancerStateEnum::Failed) => Condition::Broken {
            reason: format!(
                "it could not be set up ({}); delete it, then try again",
                state.and_then(|state| state.reason()).unwrap_or("no reason is told")
            ),
        },
        other => Condition::Changing {
            status: other.map_or("unknown", LoadBalancerStateEnum::as_str).to_owned(),
        },
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancerAttributes.html>; `None` where it
/// is gone meanwhile.
async fn is_protected(client: &Client, arn: &str) -> Result<Option<bool>, CallError> {
    let request = client.describe_load_balancer_attributes().load_balancer_arn(arn);
    let answer = found(
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        request.send().await,
    )?;
    Ok(answer.map(|answer| {
        let attributes = answer.attributes().iter();
        let mut named = attributes.filter(|attribute| attribute.key() == Some(DELETION_PROTECTION_ATTRIBUTE));
        named.any(|attribute| attribute.value() == Some("true"))
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &LoadBalancer,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    if let Some(progress) = not_at_rest(observed, PROVISIONING_SECONDS) {
        return Ok(progress);
    }
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = &observed.id;
    match difference.property {
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSubnets.html
        SUBNETS => {
            let request = client.set_subnets().load_balancer_arn(arn);
            let request = request.set_subnets(Some(texts(&wanted.subnets)));
            changed("elasticloadbalancing:SetSubnets", request.send().await)
        }
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSecurityGroups.html
        SECURITY_GROUPS => {
            let request = client.set_security_groups().load_balancer_arn(arn);
            let request = request.set_security_groups(Some(texts(&wanted.security_groups)));
            changed("elasticloadbalancing:SetSecurityGroups", request.send().await)
        }
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyLoadBalancerAttributes.html
        DELETION_PROTECTION => {
            let off = LoadBalancerAttribute::builder();
            let off = off.key(DELETION_PROTECTION_ATTRIBUTE).value("false").build();
            let request = client.modify_load_balancer_attributes().load_balancer_arn(arn);
            changed(
                "elasticloadbalancing:ModifyLoadBalancerAttributes",
                request.attributes(off).send().await,
            )
        }
        TAGS => tags::put(client, target, arn).await,
        TAGS_GONE => tags::remove(client, arn, difference).await,
        _ => Ok(unchangeable("a load balancer", difference)),
    }
}

fn texts(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(|input| input.text().to_owned()).collect()
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html>
async fn create(client: &Client, target: &Target, wanted: &LoadBalancer) -> Result<Progress, CallError> {
    const CALL: &str = "elasticloadbalancing:CreateLoadBalancer";
    let answer = client
        .create_load_balancer()
        .name(&target.resource.physical_name)
        .r#type(match wanted.load_balancer_type {
            LoadBalancerType::Network => LoadBalancerTypeEnum::Network,
            LoadBalancerType::Application => LoadBalancerTypeEnum::Application,
        })
        .scheme(match wanted.scheme {
            Scheme::InternetFacing => LoadBalancerSchemeEnum::InternetFacing,
            Scheme::Internal => LoadBalancerSchemeEnum::Internal,
        })
        .set_subnets(Some(texts(&wanted.subnets)))
        .set_security_groups(Some(texts(&wanted.security_groups)))
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| crate::call::refused(CALL, &error))?;
    let made = answer.load_balancers().first();
    created(CALL, made.and_then(Described::load_balancer_arn), PROVISIONING_SECONDS)
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html>, of its listeners too. It succeeds where
/// there is none, so that is looked at first.
pub(crate) async fn delete(client: &Client, arn: &str) -> Result<Progress, CallError> {
    if tags::of(client, arn).await?.is_none() {
        return Ok(Progress::Done);
    }
    let request = client.delete_load_balancer().load_balancer_arn(arn);
    deleted("elasticloadbalancing:DeleteLoadBalancer", request.send().await)
}
