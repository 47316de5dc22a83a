//! Routes to an internet gateway, a NAT gateway or a VPC peering connection. A route carries no tags: it is known by its
//! table and destination.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::types::{Route as Actual, RouteState, RouteTable};
use outrigger_aws::{Failure, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{Route, RouteTarget};

use crate::call::{NOT_FOUND, POLL_AFTER_SECONDS, blocked, changed, deleted, differs, refused};

const ROUTE_TABLE: &str = "route_table";
const DESTINATION: &str = "destination";
/// Whether EC2 finds what the route leads to.
const STATE: &str = "state";

/// What stands between the route table's id and the destination in a route's id.
const SEPARATOR: char = '|';

/// The route to the wanted destination in the wanted table; or else the recorded one, wherever that is, so that none is
/// left behind where nobody looks.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &Route) -> Result<Option<Observed>, CallError> {
    for place in places(target, wanted) {
        let request = client.describe_route_tables().route_table_ids(&place.route_table);
        let tables = match request.send().await {
            Ok(answer) => answer.route_tables.unwrap_or_default(),
            // Without its table there is no route.
            Err(error) if is_code(&error, NOT_FOUND) => Vec::new(),
            Err(error) => return Err(refused("ec2:DescribeRouteTables", &error)),
        };
        let observed = tables.iter().find_map(|table| seen(target, wanted, &place, table));
        if observed.is_some() {
            return Ok(observed);
        }
    }
    Ok(None)
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
    let place = Place::of(wanted);
    let Some(observed) = observed else {
        let request = client.create_route().route_table_id(&place.route_table);
        let request = request.destination_cidr_block(&place.destination);
        let request = match &wanted.target {
            RouteTarget::Gateway(id) => request.gateway_id(id.text()),
            RouteTarget::NatGateway(id) => request.nat_gateway_id(id.text()),
            RouteTarget::VpcPeering(id) => request.vpc_peering_connection_id(id.text()),
        };
        return match request.send().await {
            Ok(_) => Ok(Progress::created(place.to_string(), POLL_AFTER_SECONDS)),
            Err(error) => Err(target_refused(CREATE, &error)),
        };
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        property if property == STATE || property == wanted.target.property() => {
            let request = client.replace_route().route_table_id(&place.route_table);
            let request = request.destination_cidr_block(&place.destination);
            let request = match &wanted.target {
                RouteTarget::Gateway(id) => request.gateway_id(id.text()),
                RouteTarget::NatGateway(id) => request.nat_gateway_id(id.text()),
                RouteTarget::VpcPeering(id) => request.vpc_peering_connection_id(id.text()),
            };
            match request.send().await {
                Err(error) => Err(target_refused(REPLACE, &error)),
                done => changed(REPLACE, done),
            }
        }
        _ => Ok(blocked(observed, difference)),
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRoute.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:DeleteRoute";
    let Some(place) = Place::from_id(id) else {
        return Err(CallError::invalid(CALL, format!("`{id}` is not the id of a route")));
    };
    let request = client.delete_route().route_table_id(place.route_table);
    deleted(CALL, request.destination_cidr_block(place.destination).send().await)
}

/// Where a route is. EC2 has no ids for routes; this names one, and its text is the id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    route_table: String,
    destination: String,
}

impl Place {
    fn of(wanted: &Route) -> Self {
        Self {
            route_table: wanted.route_table.text().to_owned(),
            // EC2 clears the host's bits too.
            destination: wanted.destination.trunc().to_string(),
        }
    }

    fn from_id(id: &str) -> Option<Self> {
        let (route_table, destination) = id.split_once(SEPARATOR)?;
        Some(Self {
            route_table: route_table.to_owned(),
            destination: destination.to_owned(),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{SEPARATOR}{}", self.route_table, self.destination)
    }
}

/// Where the route can be, the wanted place first.
fn places(target: &Target, wanted: &Route) -> Vec<Place> {
    let wanted = Place::of(wanted);
    let recorded = target.id.as_deref().and_then(Place::from_id);
    let recorded = recorded.filter(|recorded| *recorded != wanted);
    let places = [Some(wanted), recorded].into_iter().flatten();
    places
        .filter(|place| !target.not.contains(&place.to_string()))
        .collect()
}

/// What EC2 says, with the code it has for so much else, of what only does not show yet.
const NOT_YET: &[&str] = &[
    // The gateway's attachment.
    "belong to different networks",
    // The route that is to be replaced: it went meanwhile, and the next observation will not find it.
    "There is no route defined",
];

fn target_refused<E: Failure>(call: &str, error: &SdkError<E>) -> CallError {
    let mut refused = refused(call, error);
    if refused.code == "InvalidParameterValue" && NOT_YET.iter().any(|text| refused.message.contains(text)) {
        refused.kind = CallErrorKind::NotYet;
    }
    refused
}

/// The table's route to the place's destination, whoever made it: ours where it leads where we want it, or is recorded.
fn seen(target: &Target, wanted: &Route, place: &Place, table: &RouteTable) -> Option<Observed> {
    let route = table
        .routes()
        .iter()
        .find(|route| route.destination_cidr_block() == Some(place.destination.as_str()))?;
    let id = place.to_string();
    Some(Observed {
        ours: next_hop(route) == wanted.target.id().text() || target.id.as_ref() == Some(&id),
        id,
        attributes: BTreeMap::new(),
        condition: Condition::Ready,
        differences: differences(wanted, place, route),
        duplicates: Vec::new(),
        pending: Vec::new(),
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

/// A black hole is a difference of its own: what it leads to was detached or deleted, and the route may have to be set again to lead
/// there. Of one that leads elsewhere, where it leads says enough.
fn differences(wanted: &Route, place: &Place, actual: &Actual) -> Vec<Difference> {
    let to = Place::of(wanted);
    let target = differs(wanted.target.property(), wanted.target.id().text(), next_hop(actual));
    let is_blackhole = target.is_none() && actual.state() == Some(&RouteState::Blackhole);
    let state = is_blackhole.then_some(RouteState::Blackhole.as_str());
    [
        differs(ROUTE_TABLE, &to.route_table, &place.route_table),
        differs(DESTINATION, &to.destination, &place.destination),
        target,
        state.and_then(|state| differs(STATE, RouteState::Active.as_str(), state)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::builders::RouteBuilder;
    use outrigger_model::{Input, Properties};

    const ID: &str = "rtb-1|0.0.0.0/0";

    fn wanted() -> Route {
        Route {
            route_table: Input::Text("rtb-1".to_owned()),
            destination: "0.0.0.0/0".parse().unwrap(),
            target: RouteTarget::Gateway(Input::Text("igw-1".to_owned())),
        }
    }

    fn target(recorded: Option<&str>) -> Target {
        crate::find::tests::target(Properties::Route(wanted()), recorded)
    }

    fn look_at(place: &Place, routes: Vec<RouteBuilder>, recorded: Option<&str>) -> Option<Observed> {
        let routes = routes.into_iter().map(RouteBuilder::build).collect();
        let table = RouteTable::builder().set_routes(Some(routes)).build();
        seen(&target(recorded), &wanted(), place, &table)
    }

    fn look(routes: Vec<RouteBuilder>, recorded: Option<&str>) -> Option<Observed> {
        look_at(&Place::of(&wanted()), routes, recorded)
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
        let hole = |gateway: &str| to("0.0.0.0/0").gateway_id(gateway).state(RouteState::Blackhole);
        let observed = look(vec![hole("igw-1")], None).unwrap();
        assert!(observed.ours);
        assert_eq!(observed.differences, [Difference::new(STATE, &"active", &"blackhole")]);
        let elsewhere = look(vec![hole("igw-2")], Some(ID)).unwrap();
        assert_eq!(elsewhere.differences, [Difference::new("gateway", &"igw-1", &"igw-2")]);
    }

    #[test]
    fn a_route_elsewhere_is_ours_only_if_recorded() {
        let elsewhere = to("0.0.0.0/0").nat_gateway_id("nat-1");
        for (recorded, ours) in [(None, false), (Some("rtb-2|0.0.0.0/0"), false), (Some(ID), true)] {
            let observed = look(vec![elsewhere.clone()], recorded).unwrap();
            assert_eq!(observed.ours, ours, "{recorded:?}");
            assert_eq!(observed.differences, [Difference::new("gateway", &"igw-1", &"nat-1")]);
        }
    }

    #[test]
    fn what_leads_elsewhere_than_to_the_peering_differs_in_that() {
        let wanted = Route {
            destination: "10.1.0.0/16".parse().unwrap(),
            target: RouteTarget::VpcPeering(Input::Text("pcx-1".to_owned())),
            ..wanted()
        };
        let place = Place::of(&wanted);
        let check = |route: RouteBuilder, expected: &[Difference]| {
            assert_eq!(differences(&wanted, &place, &route.build()), expected);
        };
        let to = || to("10.1.0.0/16");
        check(to().vpc_peering_connection_id("pcx-1"), &[]);
        let other = Difference::new("vpc_peering", &"pcx-1", &"pcx-2");
        check(to().vpc_peering_connection_id("pcx-2"), &[other]);
        let gateway = Difference::new("vpc_peering", &"pcx-1", &"igw-1");
        check(to().gateway_id("igw-1"), &[gateway]);
        let hole = to().vpc_peering_connection_id("pcx-1").state(RouteState::Blackhole);
        check(hole, &[Difference::new(STATE, &"active", &"blackhole")]);
    }

    #[test]
    fn the_wanted_place_and_the_recorded_one_are_looked_at() {
        let check = |recorded: Option<&str>, not: &[&str], expected: &[&str]| {
            let mut target = target(recorded);
            target.not = not.iter().map(|id| (*id).to_owned()).collect();
            let places: Vec<String> = places(&target, &wanted()).iter().map(Place::to_string).collect();
            assert_eq!(places, expected, "{recorded:?} {not:?}");
        };
        check(None, &[], &[ID]);
        check(Some(ID), &[], &[ID]);
        check(Some("rtb-2|0.0.0.0/0"), &[], &[ID, "rtb-2|0.0.0.0/0"]);
        // What was replaced, or took its place, is not looked at.
        check(None, &["rtb-0|0.0.0.0/0"], &[ID]);
        check(Some(ID), &["rtb-2|0.0.0.0/0"], &[ID]);
        check(None, &[ID], &[]);
        check(Some("rtb-2|0.0.0.0/0"), &["rtb-2|0.0.0.0/0"], &[ID]);
    }

    #[test]
    fn a_recorded_route_in_another_place_is_ours_and_cannot_move() {
        let recorded = "rtb-2|10.9.0.0/16";
        let place = Place::from_id(recorded).unwrap();
        let route = to("10.9.0.0/16").gateway_id("igw-1");
        let observed = look_at(&place, vec![route], Some(recorded)).unwrap();
        assert!(observed.ours);
        assert_eq!(
            observed.differences,
            [
                Difference::new(ROUTE_TABLE, &"rtb-1", &"rtb-2"),
                Difference::new(DESTINATION, &"0.0.0.0/0", &"10.9.0.0/16"),
            ]
        );
    }
}
