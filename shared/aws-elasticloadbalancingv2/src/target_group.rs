//! `AWS::ElasticLoadBalancingV2::TargetGroup`.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    ProtocolEnum, TargetGroup as Described, TargetGroupAttribute, TargetTypeEnum,
};
use outrigger_aws::{TAGS, TAGS_GONE, unchangeable};
use outrigger_engine::ports::provider::{CallError, Difference, Observed, Progress, Target};
use outrigger_model::properties::{Input, TargetGroup, TargetType};

use crate::call::{POLL_SECONDS, changed, created, deleted, found, refused};
use crate::health_check::{self, Settings};
use crate::observed::{candidate, observed};
use crate::tags;

const HEALTH_CHECK: &str = "health_check";
const DELAY: &str = "deregistration_delay_seconds";

/// What AWS calls the attribute of that.
const DELAY_ATTRIBUTE: &str = "deregistration_delay.timeout_seconds";

/// The recorded target group, or else the one that has the name.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &TargetGroup,
) -> Result<Option<Observed>, CallError> {
    const CALL: &str = "elasticloadbalancing:DescribeTargetGroups";
    let by_id = target
        .id
        .as_ref()
        .map(|arn| client.describe_target_groups().target_group_arns(arn));
    let by_name = client.describe_target_groups().names(&target.resource.physical_name);
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html
    for request in by_id.into_iter().chain([by_name]) {
        let described = found(CALL, request.send().await)?;
        let groups = described.and_then(|answer| answer.target_groups).unwrap_or_default();
        if let Some((arn, group)) = candidate(target, groups, Described::target_group_arn) {
            return told(client, target, wanted, &arn, &group).await;
        }
    }
    Ok(None)
}

async fn told(
    client: &Client,
    target: &Target,
    wanted: &TargetGroup,
    arn: &str,
    there: &Described,
) -> Result<Option<Observed>, CallError> {
    let Some(actual_tags) = tags::of(client, arn).await? else {
        return Ok(None);
    };
    let delay = match wanted.deregistration_delay_seconds {
        Some(_) => delay(client, arn).await?,
        None => None,
    };
    let port = there.port().and_then(|port| u16::try_from(port).ok());
    // Plain data: it always serializes.
    let wanted_check = serde_json::to_value(&wanted.health_check).unwrap_or_default();
    let differences = [
        Difference::between("targets", &Some(wanted.targets), &type_of(there)),
        Difference::between("vpc", &wanted.vpc.as_ref().map(Input::text), &there.vpc_id()),
        Difference::between("port", &wanted.port, &port),
        Difference::between(HEALTH_CHECK, &wanted_check, &health_check::actual(there)),
        Difference::between(DELAY, &wanted.deregistration_delay_seconds, &delay),
    ];
    Ok(Some(observed(
        target,
        arn,
        &actual_tags,
        [("full_name", arn.rsplit(':').next())],
        differences,
    )))
}

fn type_of(there: &Described) -> Option<TargetType> {
    match there.target_type() {
        Some(TargetTypeEnum::Alb) => Some(TargetType::ApplicationLoadBalancer),
        Some(TargetTypeEnum::Lambda) => Some(TargetType::Function),
        _ => None,
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroupAttributes.html>
async fn delay(client: &Client, arn: &str) -> Result<Option<u32>, CallError> {
    let request = client.describe_target_group_attributes().target_group_arn(arn);
    let answer = found(
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        request.send().await,
    )?;
    Ok(answer.and_then(|answer| {
        let mut attributes = answer.attributes().iter();
        let delay = attributes.find(|attribute| attribute.key() == Some(DELAY_ATTRIBUTE))?;
        delay.value()?.parse().ok()
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &TargetGroup,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        HEALTH_CHECK => modify(client, &observed.id, wanted).await,
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyTargetGroupAttributes.html
        DELAY => {
            let value = difference.wanted.as_u64().unwrap_or_default().to_string();
            let delay = TargetGroupAttribute::builder()
                .key(DELAY_ATTRIBUTE)
                .value(value)
                .build();
            let request = client.modify_target_group_attributes().target_group_arn(&observed.id);
            changed(
                "elasticloadbalancing:ModifyTargetGroupAttributes",
                request.attributes(delay).send().await,
            )
        }
        TAGS => tags::put(client, target, &observed.id).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(unchangeable("a target group", difference)),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyTargetGroup.html>
async fn modify(client: &Client, arn: &str, wanted: &TargetGroup) -> Result<Progress, CallError> {
    const CALL: &str = "elasticloadbalancing:ModifyTargetGroup";
    let request = client.modify_target_group().target_group_arn(arn);
    let request = match &wanted.health_check {
        None => request.health_check_enabled(false),
        Some(check) => {
            let settings = Settings::of(CALL, check)?;
            request
                .health_check_enabled(true)
                .health_check_protocol(health_check::protocol(check.protocol))
                .health_check_port(health_check::PORT)
                .health_check_path(&check.path)
                .health_check_interval_seconds(settings.interval_seconds)
                .health_check_timeout_seconds(settings.timeout_seconds)
                .healthy_threshold_count(settings.healthy_threshold)
                .unhealthy_threshold_count(settings.unhealthy_threshold)
                .matcher(health_check::matcher())
        }
    };
    changed(CALL, request.send().await)
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html>
async fn create(client: &Client, target: &Target, wanted: &TargetGroup) -> Result<Progress, CallError> {
    const CALL: &str = "elasticloadbalancing:CreateTargetGroup";
    let request = client
        .create_target_group()
        .name(&target.resource.physical_name)
        .set_vpc_id(wanted.vpc.as_ref().map(|vpc| vpc.text().to_owned()))
        .set_port(wanted.port.map(i32::from))
        .set_tags(Some(tags::to_sdk(&target.resource.tags)));
    let request = match wanted.targets {
        // Connections are passed on as they are.
        TargetType::ApplicationLoadBalancer => request.target_type(TargetTypeEnum::Alb).protocol(ProtocolEnum::Tcp),
        TargetType::Function => request.target_type(TargetTypeEnum::Lambda),
    };
    let request = match &wanted.health_check {
        None => request.health_check_enabled(false),
        Some(check) => {
            let settings = Settings::of(CALL, check)?;
            request
                .health_check_enabled(true)
                .health_check_protocol(health_check::protocol(check.protocol))
                .health_check_port(health_check::PORT)
                .health_check_path(&check.path)
                .health_check_interval_seconds(settings.interval_seconds)
                .health_check_timeout_seconds(settings.timeout_seconds)
                .healthy_threshold_count(settings.healthy_threshold)
                .unhealthy_threshold_count(settings.unhealthy_threshold)
                .matcher(health_check::matcher())
        }
    };
    let answer = request.send().await.map_err(|error| refused(CALL, &error))?;
    let made = answer.target_groups().first();
    created(CALL, made.and_then(Described::target_group_arn), POLL_SECONDS)
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html>. It succeeds where there is no
/// target group, so that is looked at first.
pub(crate) async fn delete(client: &Client, arn: &str) -> Result<Progress, CallError> {
    if tags::of(client, arn).await?.is_none() {
        return Ok(Progress::Done);
    }
    let request = client.delete_target_group().target_group_arn(arn);
    deleted("elasticloadbalancing:DeleteTargetGroup", request.send().await)
}
