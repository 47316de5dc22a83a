//! Public NAT gateways, each in one subnet and with one address.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{ConnectivityType, Filter, NatGateway as Actual, NatGatewayState as State, ResourceType};
use outrigger_aws::{TAGS, TAGS_GONE, is_code, pages};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::NatGateway;

use crate::call::{CODES, NOT_FOUND, blocked, created, deleted, differs, refused};
use crate::find::{Candidate, choose};
use crate::route_table::client_token;
use crate::tags;

const DESCRIBE: &str = "ec2:DescribeNatGateways";
const SUBNET: &str = "subnet";
const ADDRESS: &str = "address";

/// One that is deleted goes on being shown for about an hour: it is not there.
const THERE: [State; 4] = [State::Pending, State::Available, State::Failed, State::Deleting];

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNatGateways.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &NatGateway,
) -> Result<Option<Observed>, CallError> {
    let mut found = match tags::filters(target) {
        Some(mut filters) => {
            let states = THERE.iter().map(|state| state.as_str().to_owned());
            filters.push(
                Filter::builder()
                    .name("state")
                    .set_values(Some(states.collect()))
                    .build(),
            );
            let request = client.describe_nat_gateways().set_filter(Some(filters));
            pages(DESCRIBE, CODES, request.into_paginator().send(), |page| {
                page.nat_gateways
            })
            .await?
        }
        None => Vec::new(),
    };
    if let Some(id) = &target.id
        && !found
            .iter()
            .any(|gateway| gateway.nat_gateway_id() == Some(id.as_str()))
    {
        match client.describe_nat_gateways().nat_gateway_ids(id).send().await {
            Ok(answer) => found.extend(answer.nat_gateways.unwrap_or_default()),
            Err(error) if is_code(&error, NOT_FOUND) => {}
            Err(error) => return Err(refused(DESCRIBE, &error)),
        }
    }
    Ok(seen(found, target, wanted))
}

fn seen(found: Vec<Actual>, target: &Target, wanted: &NatGateway) -> Option<Observed> {
    let there = found
        .into_iter()
        .filter(|gateway| gateway.state() != Some(&State::Deleted));
    let candidates = there.filter_map(|gateway| {
        Some(Candidate {
            id: gateway.nat_gateway_id()?.to_owned(),
            tags: tags::read(gateway.tags()),
            object: gateway,
        })
    });
    let choice = choose(candidates.collect(), target)?;
    let condition = condition(&choice.object);
    let differences = differences(wanted, &choice.object);
    Some(choice.observed(target, condition, differences))
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &NatGateway,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        TAGS => tags::put(client, &observed.id, target).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(blocked(observed, difference)),
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let request = client.delete_nat_gateway().nat_gateway_id(id);
    deleted("ec2:DeleteNatGateway", request.send().await)
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>.
async fn create(client: &Client, target: &Target, wanted: &NatGateway) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:CreateNatGateway";
    let answer = client
        .create_nat_gateway()
        .subnet_id(wanted.subnet.text())
        .allocation_id(wanted.address.text())
        .connectivity_type(ConnectivityType::Public)
        .client_token(client_token(&target.token))
        .tag_specifications(tags::at_creation(ResourceType::Natgateway, target))
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.nat_gateway().and_then(|gateway| gateway.nat_gateway_id()))
}

/// Why one has failed, EC2 says in a code and a message. It goes on showing it for about an hour, and then deletes it.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html>.
fn condition(actual: &Actual) -> Condition {
    match actual.state() {
        Some(state @ State::Pending) => Condition::Changing {
            status: state.as_str().to_owned(),
        },
        Some(State::Deleting) => Condition::Deleting,
        Some(State::Failed) => Condition::Broken {
            reason: format!(
                "failed: {} ({}): put that right, delete {}, and provision again",
                actual.failure_message().unwrap_or("EC2 says no more"),
                actual.failure_code().unwrap_or("no code"),
                actual.nat_gateway_id().unwrap_or_default()
            ),
        },
        _ => Condition::Ready,
    }
}

fn differences(wanted: &NatGateway, actual: &Actual) -> Vec<Difference> {
    // Of several addresses the first is the one that it was created with.
    let address = actual.nat_gateway_addresses().first();
    let address = address.and_then(|address| address.allocation_id()).unwrap_or_default();
    [
        differs(SUBNET, wanted.subnet.text(), actual.subnet_id().unwrap_or_default()),
        differs(ADDRESS, wanted.address.text(), address),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::builders::NatGatewayBuilder;
    use aws_sdk_ec2::types::{NatGatewayAddress, Tag};
    use outrigger_model::{Input, Properties};

    fn wanted() -> NatGateway {
        NatGateway {
            subnet: Input::Text("subnet-1".to_owned()),
            address: Input::Text("eipalloc-1".to_owned()),
        }
    }

    fn target() -> Target {
        crate::find::tests::target(Properties::NatGateway(wanted()), None)
    }

    fn gateway(id: &str, state: State) -> NatGatewayBuilder {
        let tags = target().resource.tags.into_iter();
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        Actual::builder()
            .nat_gateway_id(id)
            .state(state)
            .subnet_id("subnet-1")
            .nat_gateway_addresses(NatGatewayAddress::builder().allocation_id("eipalloc-1").build())
            .set_tags(Some(tags.collect()))
    }

    #[test]
    fn what_is_deleted_is_not_there() {
        let look = |found: &[NatGatewayBuilder]| {
            let found = found.iter().map(|gateway| gateway.clone().build());
            seen(found.collect(), &target(), &wanted())
        };
        let gone = gateway("nat-0", State::Deleted);
        assert_eq!(look(std::slice::from_ref(&gone)), None);
        let observed = look(&[gone, gateway("nat-1", State::Available)]).unwrap();
        assert_eq!((observed.id.as_str(), observed.ours), ("nat-1", true));
        assert_eq!((observed.duplicates, observed.differences), (Vec::new(), Vec::new()));
        assert_eq!(observed.condition, Condition::Ready);
    }

    #[test]
    fn states_mean_what_ec2_says() {
        let condition = |state: State| condition(&gateway("nat-1", state).build());
        assert!(matches!(condition(State::Pending), Condition::Changing { .. }));
        assert_eq!(condition(State::Available), Condition::Ready);
        assert_eq!(condition(State::Deleting), Condition::Deleting);
        let failed = gateway("nat-1", State::Failed)
            .failure_code("Gateway.NotAttached")
            .failure_message("Network vpc-1 has no Internet gateway attached");
        let reason = "failed: Network vpc-1 has no Internet gateway attached (Gateway.NotAttached): put that right, delete \
                      nat-1, and provision again";
        let broken = Condition::Broken {
            reason: reason.to_owned(),
        };
        assert_eq!(super::condition(&failed.build()), broken);
    }

    #[test]
    fn subnet_and_address_are_compared() {
        let other = gateway("nat-1", State::Available)
            .subnet_id("subnet-2")
            .set_nat_gateway_addresses(None);
        assert_eq!(
            differences(&wanted(), &other.build()),
            [
                Difference::new(SUBNET, &"subnet-1", &"subnet-2"),
                Difference::new(ADDRESS, &"eipalloc-1", &"")
            ]
        );
    }
}
