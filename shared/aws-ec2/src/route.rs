//! Routes to an internet gateway. A route carries no tags: it is known by its table and destination.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::types::{Route as Actual, RouteState, RouteTable};
use outrigger_aws::is_code;
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::Route;

use crate::call::{Failure, NOT_FOUND, POLL_AFTER_SECONDS, changed, deleted, refused};

const GATEWAY: &str = "gateway";

/// What stands between the route table's id and the destination in a route's id.
const SEPARATOR: char = '|';

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &Route) -> Result<Option<Observed>, CallError> {
    let request = client
        .describe_route_tables()
        .route_table_ids(wanted.route_table.text());
    match request.send().await {
        Ok(answer) => Ok(answer
            .route_tables()
            .iter()
            .find_map(|table| seen(target, wanted, table))),
        // Without its table there is no route.
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(refused("ec2:DescribeRouteTables", &error)),
    }
}

/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRoute.html>.
pub(crate) async fn ensure(
    client: &Client,
    _target: &Target,
    wanted: &Route,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    const CREATE: &str = "ec2:CreateRoute";
    const REPLACE: &str = "ec2:ReplaceRoute";
    let destination = wanted.destination.trunc().to_string();
    match observed {
        None => {
            let request = client.create_route().route_table_id(wanted.route_table.text());
            let request = request.destination_cidr_block(destination);
            match request.gateway_id(wanted.gateway.text()).send().await {
                Ok(_) => Ok(Progress::created(id(wanted), POLL_AFTER_SECONDS)),
                Err(error) => Err(gateway_refused(CREATE, &error)),
            }
        }
        Some(observed) if observed.differences.is_empty() => Ok(Progress::Done),
        Some(_) => {
            let request = client.replace_route().route_table_id(wanted.route_table.text());
            let request = request.destination_cidr_block(destination);
            match request.gateway_id(wanted.gateway.text()).send().await {
                Err(error) => Err(gateway_refused(REPLACE, &error)),
                done => changed(REPLACE, done),
            }
        }
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRoute.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:DeleteRoute";
    let Some((route_table, destination)) = id.split_once(SEPARATOR) else {
        return Err(CallError::invalid(CALL, format!("`{id}` is not the id of a route")));
    };
    let request = client.delete_route().route_table_id(route_table);
    deleted(CALL, request.destination_cidr_block(destination).send().await)
}

/// EC2 has no ids for routes; the table and the destination name one.
fn id(wanted: &Route) -> String {
    format!("{}{SEPARATOR}{}", wanted.route_table.text(), wanted.destination.trunc())
}

/// What EC2 says, with the code it has for so much else, of what only does not show yet.
const NOT_YET: &[&str] = &[
    // The gateway's attachment.
    "belong to different networks",
    // The route that is to be replaced: it went meanwhile, and the next observation will not find it.
    "There is no route defined",
];

fn gateway_refused<E: Failure>(call: &str, error: &SdkError<E>) -> CallError {
    let mut refused = refused(call, error);
    if refused.code == "InvalidParameterValue" && NOT_YET.iter().any(|text| refused.message.contains(text)) {
        refused.kind = CallErrorKind::NotYet;
    }
    refused
}

/// The route to the destination, whoever made it.
fn seen(target: &Target, wanted: &Route, table: &RouteTable) -> Option<Observed> {
    let destination = wanted.destination.trunc().to_string();
    let route = table
        .routes()
        .iter()
        .find(|route| route.destination_cidr_block() == Some(destination.as_str()))?;
    let id = id(wanted);
    Some(Observed {
        ours: next_hop(route) == wanted.gateway.text() || target.id.as_ref() == Some(&id),
        id,
        attributes: BTreeMap::new(),
        condition: Condition::Ready,
        differences: differences(wanted, route),
        duplicates: Vec::new(),
    })
}

/// Where a route leads; one of its many kinds of targets is set.
fn next_hop(route: &Actual) -> &str {
    [
        route.gateway_id(),
        route.nat_gateway_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
        route.network_interface_id(),
        route.instance_id(),
        route.egress_only_internet_gateway_id(),
        route.local_gateway_id(),
        route.carrier_gateway_id(),
        route.core_network_arn(),
        route.odb_network_arn(),
    ]
    .into_iter()
    .flatten()
    .next()
    .unwrap_or_default()
}

/// A black hole is a difference: its gateway was detached, and the route may have to be set again to lead there.
fn differences(wanted: &Route, actual: &Actual) -> Vec<Difference> {
    let wanted = wanted.gateway.text();
    let next_hop = next_hop(actual);
    let is_blackhole = actual.state() == Some(&RouteState::Blackhole);
    if wanted == next_hop && !is_blackhole {
        return Vec::new();
    }
    let suffix = if is_blackhole { " (blackhole)" } else { "" };
    vec![Difference {
        property: GATEWAY,
        wanted: wanted.to_owned(),
        actual: format!("{next_hop}{suffix}"),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::builders::RouteBuilder;
    use outrigger_model::{Input, Properties};

    const ID: &str = "rtb-1|0.0.0.0/0";

    fn look(routes: Vec<RouteBuilder>, recorded: Option<&str>) -> Option<Observed> {
        let wanted = Route {
            route_table: Input::Text("rtb-1".to_owned()),
            destination: "0.0.0.0/0".parse().unwrap(),
            gateway: Input::Text("igw-1".to_owned()),
        };
        let target = crate::find::tests::target(Properties::Route(wanted.clone()), recorded);
        let routes = routes.into_iter().map(RouteBuilder::build).collect();
        seen(
            &target,
            &wanted,
            &RouteTable::builder().set_routes(Some(routes)).build(),
        )
    }

    fn to(destination: &str) -> RouteBuilder {
        Actual::builder()
            .destination_cidr_block(destination)
            .state(RouteState::Active)
    }

    #[test]
    fn other_destinations_are_not_looked_at() {
        assert_eq!(look(vec![to("10.0.0.0/16").gateway_id("local")], None), None);
    }

    #[test]
    fn a_route_via_our_gateway_is_ours() {
        let ours = to("0.0.0.0/0").gateway_id("igw-1");
        let observed = look(vec![to("10.0.0.0/16").gateway_id("local"), ours], None).unwrap();
        assert_eq!(observed.id, ID);
        assert!(observed.ours);
        assert_eq!(observed.differences, []);
    }

    #[test]
    fn a_blackhole_is_ours_and_differs() {
        let hole = to("0.0.0.0/0").gateway_id("igw-1").state(RouteState::Blackhole);
        let observed = look(vec![hole], None).unwrap();
        assert!(observed.ours);
        let actual: Vec<_> = observed
            .differences
            .iter()
            .map(|difference| difference.actual.as_str())
            .collect();
        assert_eq!(actual, ["igw-1 (blackhole)"]);
    }

    #[test]
    fn a_route_elsewhere_is_ours_only_if_recorded() {
        let elsewhere = to("0.0.0.0/0").nat_gateway_id("nat-1");
        for (recorded, ours) in [(None, false), (Some("rtb-2|0.0.0.0/0"), false), (Some(ID), true)] {
            let observed = look(vec![elsewhere.clone()], recorded).unwrap();
            assert_eq!(observed.ours, ours, "{recorded:?}");
            let differing = observed.differences.first().unwrap();
            assert_eq!(
                (differing.wanted.as_str(), differing.actual.as_str()),
                ("igw-1", "nat-1")
            );
        }
    }
}
