//! Internet gateways, each attached to its VPC.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttachmentStatus, InternetGateway as Actual, InternetGatewayAttachment, ResourceType};
use outrigger_aws::{TAGS, TAGS_GONE, is_code};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::InternetGateway;

use crate::call::{NOT_FOUND, POLL_AFTER_SECONDS, blocked, changed, created, deleted, differs, refused, sent_once};
use crate::tags;

/// Attached to another VPC.
const VPC: &str = "vpc";
/// Not attached at all.
const ATTACHMENT: &str = "attachment";

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInternetGateways.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &InternetGateway,
) -> Result<Option<Observed>, CallError> {
    let found = find!(
        client,
        target,
        "ec2:DescribeInternetGateways",
        describe_internet_gateways,
        internet_gateway_ids,
        internet_gateways,
        internet_gateway_id
    );
    Ok(found.await?.map(|choice| {
        let condition = condition(&choice.object);
        let differences = differences(wanted, &choice.object);
        choice.observed(target, condition, differences)
    }))
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachInternetGateway.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &InternetGateway,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        ATTACHMENT => {
            let request = client.attach_internet_gateway().internet_gateway_id(&observed.id);
            changed(
                "ec2:AttachInternetGateway",
                request.vpc_id(wanted.vpc.text()).send().await,
            )
        }
        TAGS => tags::put(client, &observed.id, target).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        VPC => Ok(elsewhere(observed, difference)),
        _ => Ok(blocked(observed, difference)),
    }
}

/// Detaches it where it is attached, and deletes it where it is not. A duplicate may never have been attached, so its
/// state is read here.
///
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteInternetGateway.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let answer = client
        .describe_internet_gateways()
        .internet_gateway_ids(id)
        .send()
        .await;
    let gateways = match answer {
        Ok(answer) => answer.internet_gateways.unwrap_or_default(),
        Err(error) if is_code(&error, NOT_FOUND) => return Ok(Progress::Done),
        Err(error) => return Err(refused("ec2:DescribeInternetGateways", &error)),
    };
    let Some(gateway) = gateways.first() else {
        return Ok(Progress::Done);
    };
    match attachment(gateway) {
        Some(attachment) if is_moving(attachment) => Ok(Progress::changed(POLL_AFTER_SECONDS)),
        Some(attachment) => {
            let request = client.detach_internet_gateway().internet_gateway_id(id);
            match request.set_vpc_id(attachment.vpc_id.clone()).send().await {
                // Somebody else was faster: it can be deleted next.
                Err(error) if is_code(&error, &["Gateway.NotAttached"]) => Ok(Progress::changed(POLL_AFTER_SECONDS)),
                // Public addresses that are still mapped in the VPC are a `DependencyViolation`: they go first.
                other => changed("ec2:DetachInternetGateway", other),
            }
        }
        None => {
            let request = client.delete_internet_gateway().internet_gateway_id(id);
            deleted("ec2:DeleteInternetGateway", request.send().await)
        }
    }
}

/// A gateway has one VPC at a time, and what goes through it there is not ours to cut off.
fn elsewhere(observed: &Observed, difference: &Difference) -> Progress {
    Progress::Blocked {
        reason: format!(
            "the internet gateway {} is attached to the VPC {} instead of {}, and has one VPC at a time: detach it there, \
             and provision again",
            observed.id, difference.actual, difference.wanted
        ),
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html>.
async fn create(client: &Client, target: &Target) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:CreateInternetGateway";
    let answer = client
        .create_internet_gateway()
        .tag_specifications(tags::at_creation(ResourceType::InternetGateway, target))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    let gateway = answer.internet_gateway();
    created(CALL, gateway.and_then(|gateway| gateway.internet_gateway_id()))
}

/// Its attachment; a gateway has one at most. EC2 says `available` of one that is attached.
fn attachment(gateway: &Actual) -> Option<&InternetGatewayAttachment> {
    gateway
        .attachments()
        .iter()
        .find(|attachment| attachment.state() != Some(&AttachmentStatus::Detached))
}

fn is_moving(attachment: &InternetGatewayAttachment) -> bool {
    matches!(
        attachment.state(),
        Some(AttachmentStatus::Attaching | AttachmentStatus::Detaching)
    )
}

fn condition(actual: &Actual) -> Condition {
    match attachment(actual).filter(|attachment| is_moving(attachment)) {
        Some(attachment) => Condition::Changing {
            status: attachment
                .state()
                .map(AttachmentStatus::as_str)
                .unwrap_or_default()
                .to_owned(),
        },
        None => Condition::Ready,
    }
}

fn differences(wanted: &InternetGateway, actual: &Actual) -> Vec<Difference> {
    let wanted = wanted.vpc.text();
    let difference = match attachment(actual) {
        None => Some(Difference::new(ATTACHMENT, &wanted, &None::<&str>)),
        Some(attachment) => differs(VPC, wanted, attachment.vpc_id().unwrap_or_default()),
    };
    difference.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Input;

    #[track_caller]
    fn check(attachments: &[(&str, &str)], expected: &[&str], moving: bool) {
        let wanted = InternetGateway {
            vpc: Input::Text("vpc-1".to_owned()),
        };
        let attachments = attachments.iter().map(|(vpc, state)| {
            InternetGatewayAttachment::builder()
                .vpc_id(*vpc)
                .state(AttachmentStatus::from(*state))
                .build()
        });
        let actual = Actual::builder().set_attachments(Some(attachments.collect())).build();
        let differences = differences(&wanted, &actual);
        let properties: Vec<_> = differences.iter().map(|difference| difference.property).collect();
        assert_eq!(properties, expected);
        assert_eq!(matches!(condition(&actual), Condition::Changing { .. }), moving);
    }

    #[test]
    fn a_gateway_belongs_to_one_vpc() {
        check(&[], &[ATTACHMENT], false);
        check(&[("vpc-1", "available")], &[], false);
        check(&[("vpc-1", "attached")], &[], false);
        check(&[("vpc-1", "attaching")], &[], true);
        check(&[("vpc-1", "detaching")], &[], true);
        check(&[("vpc-1", "detached")], &[ATTACHMENT], false);
        check(&[("vpc-2", "available")], &[VPC], false);
    }
}
