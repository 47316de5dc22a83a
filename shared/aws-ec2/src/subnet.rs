//! Subnets.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, SubnetState};
use outrigger_aws::{TAGS, TAGS_GONE};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::Subnet;

use crate::call::{blocked, changed, created, deleted, differs, refused, sent_once};
use crate::tags;

const VPC: &str = "vpc";
const CIDR: &str = "cidr";
const ZONE: &str = "zone";
const PUBLIC_ADDRESS_ON_LAUNCH: &str = "public_address_on_launch";

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &Subnet) -> Result<Option<Observed>, CallError> {
    let found = find!(
        client,
        target,
        "ec2:DescribeSubnets",
        describe_subnets,
        subnet_ids,
        subnets,
        subnet_id
    );
    Ok(found.await?.map(|choice| {
        let condition = condition(choice.object.state());
        let differences = differences(wanted, &choice.object);
        choice.observed(target, condition, differences)
    }))
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Subnet,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        PUBLIC_ADDRESS_ON_LAUNCH => {
            let value = AttributeBooleanValue::builder()
                .value(wanted.public_address_on_launch)
                .build();
            let request = client.modify_subnet_attribute().subnet_id(&observed.id);
            changed(
                "ec2:ModifySubnetAttribute",
                request.map_public_ip_on_launch(value).send().await,
            )
        }
        TAGS => tags::put(client, &observed.id, target).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(blocked(observed, difference)),
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    deleted("ec2:DeleteSubnet", client.delete_subnet().subnet_id(id).send().await)
}

/// A second subnet with the same range is refused, so a repeat doubles nothing; who has the range, tags tell.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>.
async fn create(client: &Client, target: &Target, wanted: &Subnet) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:CreateSubnet";
    let answer = client
        .create_subnet()
        .vpc_id(wanted.vpc.text())
        .cidr_block(wanted.cidr.trunc().to_string())
        .availability_zone(&wanted.zone)
        .tag_specifications(tags::at_creation(ResourceType::Subnet, target))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.subnet().and_then(|subnet| subnet.subnet_id()))
}

fn condition(state: Option<&SubnetState>) -> Condition {
    match state {
        Some(state @ (SubnetState::Pending | SubnetState::Unavailable)) => Condition::Changing {
            status: state.as_str().to_owned(),
        },
        Some(state @ (SubnetState::Failed | SubnetState::FailedInsufficientCapacity)) => Condition::Broken {
            reason: format!("{}: delete it, and provision again", state.as_str()),
        },
        _ => Condition::Ready,
    }
}

fn differences(wanted: &Subnet, actual: &aws_sdk_ec2::types::Subnet) -> Vec<Difference> {
    let public = actual.map_public_ip_on_launch().unwrap_or_default();
    [
        differs(VPC, wanted.vpc.text(), actual.vpc_id().unwrap_or_default()),
        differs(
            CIDR,
            &wanted.cidr.trunc().to_string(),
            actual.cidr_block().unwrap_or_default(),
        ),
        differs(ZONE, &wanted.zone, actual.availability_zone().unwrap_or_default()),
        Difference::between(PUBLIC_ADDRESS_ON_LAUNCH, &wanted.public_address_on_launch, &public),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Input;

    fn properties(actual: &aws_sdk_ec2::types::builders::SubnetBuilder, public: bool) -> Vec<&'static str> {
        let wanted = Subnet {
            vpc: Input::Text("vpc-1".to_owned()),
            cidr: "10.0.1.0/24".parse().unwrap(),
            zone: "us-east-1a".to_owned(),
            public_address_on_launch: public,
        };
        let differences = differences(&wanted, &actual.clone().build());
        differences.iter().map(|difference| difference.property).collect()
    }

    #[test]
    fn each_property_is_compared() {
        let same = aws_sdk_ec2::types::Subnet::builder()
            .vpc_id("vpc-1")
            .cidr_block("10.0.1.0/24")
            .availability_zone("us-east-1a");
        let public = same.clone().map_public_ip_on_launch(true);
        assert_eq!(properties(&same, false), [""; 0]);
        assert_eq!(properties(&public, true), [""; 0]);
        assert_eq!(properties(&same, true), [PUBLIC_ADDRESS_ON_LAUNCH]);
        assert_eq!(properties(&public, false), [PUBLIC_ADDRESS_ON_LAUNCH]);
        assert_eq!(properties(&same.clone().vpc_id("vpc-2"), false), [VPC]);
        assert_eq!(
            properties(&same.cidr_block("10.0.2.0/24").availability_zone("us-east-1b"), false),
            [CIDR, ZONE]
        );
    }

    #[test]
    fn what_has_failed_is_broken() {
        assert_eq!(condition(Some(&SubnetState::Available)), Condition::Ready);
        assert!(matches!(
            condition(Some(&SubnetState::Pending)),
            Condition::Changing { .. }
        ));
        assert!(matches!(
            condition(Some(&SubnetState::Failed)),
            Condition::Broken { .. }
        ));
    }
}
