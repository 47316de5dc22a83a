//! `AWS::Events::Endpoint`: one address for the buses of two regions, with events copied to both.
//!
//! An endpoint has no tags. Its description tells whose it is, in place of them.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::BuildError;
use aws_sdk_eventbridge::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_eventbridge::types::{
    EndpointEventBus, EndpointState, FailoverConfig, Primary, ReplicationConfig, ReplicationState, RoutingConfig,
    Secondary,
};
use outrigger_aws::{call_error, not_at_rest};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Region;
use outrigger_model::properties::GlobalEndpoint;

use crate::call::{CODES, changed, deleted, found};

/// How long to leave an endpoint alone after a call: its rules are made in both regions.
const POLL_SECONDS: u32 = 5;

/// AWS's word for how it is, where that is not as it should be.
const STATE: &str = "state";
/// On, always.
const REPLICATION: &str = "replication";

/// The endpoint with the name, whoever's it is:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEndpoint.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &GlobalEndpoint,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let answer = client.describe_endpoint().name(name).send().await;
    let Some(there) = found("events:DescribeEndpoint", answer)? else {
        return Ok(None);
    };
    let attributes = [
        ("arn", there.arn()),
        ("endpoint_id", there.endpoint_id()),
        ("endpoint_url", there.endpoint_url()),
    ];
    let known = attributes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Ok(Some(Observed {
        id: name.clone(),
        attributes: known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        condition: condition(&there),
        ours: there.description() == Some(wanted.description.as_str()),
        differences: differences(wanted, &there, &target.resource.key.region),
        pending: Vec::new(),
        duplicates: Vec::new(),
    }))
}

fn condition(there: &DescribeEndpointOutput) -> Condition {
    let state = there.state().map_or("", EndpointState::as_str);
    match there.state() {
        Some(EndpointState::Creating | EndpointState::Updating) => Condition::Changing {
            status: state.to_owned(),
        },
        Some(EndpointState::Deleting) => Condition::Deleting,
        Some(EndpointState::CreateFailed) => Condition::Broken {
            reason: format!(
                "the endpoint could not be created: {}; delete it in the console of EventBridge, then try again",
                there.state_reason().unwrap_or(state)
            ),
        },
        // What could not be changed or deleted is as it was, and can be tried again.
        _ => Condition::Ready,
    }
}

fn differences(wanted: &GlobalEndpoint, there: &DescribeEndpointOutput, region: &Region) -> Vec<Difference> {
    let failover = there.routing_config().and_then(RoutingConfig::failover_config);
    let primary = failover.and_then(FailoverConfig::primary);
    let secondary = failover.and_then(FailoverConfig::secondary);
    let health_check = primary.map_or("", Primary::health_check);
    let health_check = health_check
        .strip_prefix(&health_check_prefix(region))
        .unwrap_or(health_check);
    let secondary_region = secondary.map_or("", Secondary::route);
    let bus = |number: usize| {
        there
            .event_buses()
            .get(number)
            .map_or("", EndpointEventBus::event_bus_arn)
    };
    let replication = there.replication_config().and_then(ReplicationConfig::state);
    let state = there.state().map_or("", EndpointState::as_str);
    let is_failed = there.state() == Some(&EndpointState::UpdateFailed);
    [
        Difference::between("health_check", &wanted.health_check.text(), &health_check),
        Difference::between("primary_bus", &wanted.primary_bus.text(), &bus(0)),
        Difference::between("secondary_bus", &wanted.secondary_bus.text(), &bus(1)),
        Difference::between("secondary_region", &wanted.secondary_region.as_str(), &secondary_region),
        Difference::between("role", &wanted.role.text(), &there.role_arn().unwrap_or_default()),
        Difference::between(
            REPLICATION,
            &ReplicationState::Enabled.as_str(),
            &replication.map_or("", ReplicationState::as_str),
        ),
        is_failed.then(|| Difference::new(STATE, &EndpointState::Active.as_str(), &state)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What comes before a health check's id in its ARN:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html>.
fn health_check_prefix(region: &Region) -> String {
    format!("arn:{}:route53:::healthcheck/", region.partition())
}

/// How events find their way, as the calls take it.
struct Routes {
    routing: RoutingConfig,
    replication: ReplicationConfig,
    buses: Vec<EndpointEventBus>,
}

impl Routes {
    fn of(wanted: &GlobalEndpoint, region: &Region) -> Result<Self, BuildError> {
        let health_check = format!("{}{}", health_check_prefix(region), wanted.health_check.text());
        let failover = FailoverConfig::builder()
            .primary(Primary::builder().health_check(health_check).build()?)
            .secondary(Secondary::builder().route(wanted.secondary_region.as_str()).build()?);
        let bus = |arn: &str| EndpointEventBus::builder().event_bus_arn(arn).build();
        Ok(Self {
            routing: RoutingConfig::builder().failover_config(failover.build()).build(),
            replication: ReplicationConfig::builder().state(ReplicationState::Enabled).build(),
            buses: vec![bus(wanted.primary_bus.text())?, bus(wanted.secondary_bus.text())?],
        })
    }
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &GlobalEndpoint,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    if let Some(progress) = not_at_rest(observed, POLL_SECONDS) {
        return Ok(progress);
    }
    let name = &target.resource.physical_name;
    let routes = Routes::of(wanted, &target.resource.key.region)
        .map_err(|error| CallError::invalid("events:CreateEndpoint", error.to_string()))?;
    let Some(observed) = observed else {
        // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEndpoint.html
        client
            .create_endpoint()
            .name(name)
            .description(&wanted.description)
            .routing_config(routes.routing)
            .replication_config(routes.replication)
            .set_event_buses(Some(routes.buses))
            .role_arn(wanted.role.text())
            .send()
            .await
            .map_err(|error| call_error("events:CreateEndpoint", CODES, &error))?;
        return Ok(Progress::created(name, POLL_SECONDS));
    };
    if observed.differences.is_empty() {
        return Ok(Progress::Done);
    }
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateEndpoint.html
    let request = client
        .update_endpoint()
        .name(name)
        .description(&wanted.description)
        .routing_config(routes.routing)
        .replication_config(routes.replication)
        .set_event_buses(Some(routes.buses))
        .role_arn(wanted.role.text());
    changed("events:UpdateEndpoint", request.send().await)
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteEndpoint.html>
pub(crate) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    deleted(
        "events:DeleteEndpoint",
        client.delete_endpoint().name(name).send().await,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Input;

    fn wanted() -> GlobalEndpoint {
        let text = |text: &str| Input::Text(text.to_owned());
        GlobalEndpoint {
            description: "events of shop/test".to_owned(),
            health_check: text("abc"),
            primary_bus: text("arn:one"),
            secondary_bus: text("arn:two"),
            secondary_region: Region::new("us-east-2"),
            role: text("arn:role"),
        }
    }

    fn there(wanted: &GlobalEndpoint, state: EndpointState) -> DescribeEndpointOutput {
        let routes = Routes::of(wanted, &Region::new("us-east-1")).unwrap();
        DescribeEndpointOutput::builder()
            .routing_config(routes.routing)
            .replication_config(routes.replication)
            .set_event_buses(Some(routes.buses))
            .role_arn(wanted.role.text())
            .state(state)
            .build()
    }

    #[test]
    fn what_is_sent_is_what_is_compared() {
        let region = Region::new("us-east-1");
        let of = |actual: &GlobalEndpoint, state: EndpointState| -> Vec<String> {
            let found = differences(&wanted(), &there(actual, state), &region);
            found
                .iter()
                .map(|of| format!("{}: {}", of.property, of.actual))
                .collect()
        };
        assert_eq!(of(&wanted(), EndpointState::Active), [""; 0]);
        let mut other = wanted();
        other.health_check = Input::Text("xyz".to_owned());
        assert_eq!(of(&other, EndpointState::Active), [r#"health_check: "xyz""#]);
        assert_eq!(
            of(&wanted(), EndpointState::UpdateFailed),
            [r#"state: "UPDATE_FAILED""#]
        );
    }

    #[test]
    fn only_a_failed_creation_is_broken() {
        let of = |state| condition(&there(&wanted(), state));
        assert_eq!(of(EndpointState::Active), Condition::Ready);
        assert_eq!(of(EndpointState::UpdateFailed), Condition::Ready);
        assert_eq!(of(EndpointState::DeleteFailed), Condition::Ready);
        assert_eq!(of(EndpointState::Deleting), Condition::Deleting);
        assert!(matches!(of(EndpointState::Creating), Condition::Changing { .. }));
        assert!(matches!(of(EndpointState::CreateFailed), Condition::Broken { .. }));
    }
}
