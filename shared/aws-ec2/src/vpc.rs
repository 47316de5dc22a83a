//! VPCs, with DNS support and host names on.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcAttributeName, VpcState};
use outrigger_aws::{TAGS, TAGS_GONE};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::Vpc;

use crate::call::{blocked, changed, created, deleted, differs, refused, sent_once};
use crate::tags;

const CIDR: &str = "cidr";
const DNS_SUPPORT: &str = "dns_support";
const DNS_HOST_NAMES: &str = "dns_host_names";

/// The attributes that a VPC does not show with the rest.
#[derive(Clone, Copy, Debug)]
struct Dns {
    support: bool,
    host_names: bool,
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &Vpc) -> Result<Option<Observed>, CallError> {
    let found = find!(client, target, "ec2:DescribeVpcs", describe_vpcs, vpc_ids, vpcs, vpc_id);
    let Some(choice) = found.await? else {
        return Ok(None);
    };
    let condition = condition(choice.object.state());
    // Its attributes can be read once it is available, and are of interest only if we may change them.
    let dns = match condition {
        Condition::Ready if choice.ours => Some(dns(client, &choice.id).await?),
        _ => None,
    };
    let differences = differences(wanted, &choice.object, dns);
    Ok(Some(choice.observed(target, condition, differences)))
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Vpc,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let on = AttributeBooleanValue::builder().value(true).build();
    // The call takes one attribute at a time.
    let request = client.modify_vpc_attribute().vpc_id(&observed.id);
    match difference.property {
        DNS_SUPPORT => changed("ec2:ModifyVpcAttribute", request.enable_dns_support(on).send().await),
        DNS_HOST_NAMES => changed("ec2:ModifyVpcAttribute", request.enable_dns_hostnames(on).send().await),
        TAGS => tags::put(client, &observed.id, target).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(blocked(observed, difference)),
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    deleted("ec2:DeleteVpc", client.delete_vpc().vpc_id(id).send().await)
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>.
async fn create(client: &Client, target: &Target, wanted: &Vpc) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:CreateVpc";
    let answer = client
        .create_vpc()
        .cidr_block(wanted.cidr.trunc().to_string())
        .tag_specifications(tags::at_creation(ResourceType::Vpc, target))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.vpc().and_then(|vpc| vpc.vpc_id()))
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcAttribute.html>.
async fn dns(client: &Client, id: &str) -> Result<Dns, CallError> {
    const CALL: &str = "ec2:DescribeVpcAttribute";
    let request = |attribute| client.describe_vpc_attribute().vpc_id(id).attribute(attribute).send();
    let (support, host_names) = tokio::join!(
        request(VpcAttributeName::EnableDnsSupport),
        request(VpcAttributeName::EnableDnsHostnames)
    );
    let support = support.map_err(|error| refused(CALL, &error))?;
    let host_names = host_names.map_err(|error| refused(CALL, &error))?;
    let is_on =
        |attribute: Option<&AttributeBooleanValue>| attribute.and_then(|attribute| attribute.value()) == Some(true);
    Ok(Dns {
        support: is_on(support.enable_dns_support()),
        host_names: is_on(host_names.enable_dns_hostnames()),
    })
}

fn condition(state: Option<&VpcState>) -> Condition {
    match state {
        Some(VpcState::Pending) => Condition::Changing {
            status: VpcState::Pending.as_str().to_owned(),
        },
        Some(VpcState::Deleting) => Condition::Deleting,
        _ => Condition::Ready,
    }
}

/// Host names need DNS support, so that comes first. `dns` is `None` where it was not looked at.
fn differences(wanted: &Vpc, actual: &aws_sdk_ec2::types::Vpc, dns: Option<Dns>) -> Vec<Difference> {
    let switch = |property, is_on: bool| differs(property, "on", if is_on { "on" } else { "off" });
    [
        differs(
            CIDR,
            &wanted.cidr.trunc().to_string(),
            actual.cidr_block().unwrap_or_default(),
        ),
        dns.and_then(|dns| switch(DNS_SUPPORT, dns.support)),
        dns.and_then(|dns| switch(DNS_HOST_NAMES, dns.host_names)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cidr: &str, support: bool, host_names: bool, expected: &[(&'static str, &str, &str)]) {
        let wanted = Vpc {
            cidr: "10.0.0.0/16".parse().unwrap(),
        };
        let actual = aws_sdk_ec2::types::Vpc::builder().cidr_block(cidr).build();
        let seen = differences(&wanted, &actual, Some(Dns { support, host_names }));
        let expected: Vec<_> = expected
            .iter()
            .map(|(property, wanted, actual)| Difference::new(property, wanted, actual))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn differences_come_in_the_order_of_work() {
        check("10.0.0.0/16", true, true, &[]);
        check("10.0.0.0/16", true, false, &[(DNS_HOST_NAMES, "on", "off")]);
        check(
            "10.1.0.0/16",
            false,
            false,
            &[
                (CIDR, "10.0.0.0/16", "10.1.0.0/16"),
                (DNS_SUPPORT, "on", "off"),
                (DNS_HOST_NAMES, "on", "off"),
            ],
        );
    }

    #[test]
    fn only_an_available_vpc_is_ready() {
        assert_eq!(condition(Some(&VpcState::Available)), Condition::Ready);
        assert_eq!(condition(Some(&VpcState::Deleting)), Condition::Deleting);
        let pending = Condition::Changing {
            status: "pending".to_owned(),
        };
        assert_eq!(condition(Some(&VpcState::Pending)), pending);
    }
}
