//! Associations of subnets with route tables. An association carries no tags: it is known by its subnet, which has one at
//! most. Whoever moves it to another table gives it a new id, so that the recorded one says only that there was one.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, RouteTable, RouteTableAssociation as Actual, RouteTableAssociationStateCode as State,
};
use outrigger_aws::pages;
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::RouteTableAssociation;

use crate::call::{CODES, blocked, created, deleted, differs, refused};

const ROUTE_TABLE: &str = "route_table";
const SUBNET: &str = "subnet";

/// The subnet's association, with whichever table; or else the recorded one, of whichever subnet, so that none is left
/// behind where nobody looks. The main table's needs no call, and is never in this list.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &RouteTableAssociation,
) -> Result<Option<Observed>, CallError> {
    let of_subnet = ("association.subnet-id", Some(wanted.subnet.text()));
    let of_id = ("association.route-table-association-id", target.id.as_deref());
    for (name, value) in [of_subnet, of_id] {
        let Some(value) = value else { continue };
        let filter = Filter::builder().name(name).values(value).build();
        let request = client.describe_route_tables().filters(filter);
        let tables: Vec<RouteTable> = pages(
            "ec2:DescribeRouteTables",
            CODES,
            request.into_paginator().send(),
            |page| page.route_tables,
        )
        .await?;
        let observed = seen(target, wanted, &tables);
        if observed.is_some() {
            return Ok(observed);
        }
    }
    Ok(None)
}

/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRouteTableAssociation.html>.
pub(crate) async fn ensure(
    client: &Client,
    _target: &Target,
    wanted: &RouteTableAssociation,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    const CREATE: &str = "ec2:AssociateRouteTable";
    const REPLACE: &str = "ec2:ReplaceRouteTableAssociation";
    match observed {
        None => {
            let request = client.associate_route_table().route_table_id(wanted.route_table.text());
            let answer = request.subnet_id(wanted.subnet.text()).send().await;
            let answer = answer.map_err(|error| refused(CREATE, &error))?;
            created(CREATE, answer.association_id())
        }
        Some(observed) => match observed.differences.first() {
            None => Ok(Progress::Done),
            // The subnet is never without a table this way; the association gets a new id.
            Some(difference) if difference.property == ROUTE_TABLE => {
                let request = client.replace_route_table_association().association_id(&observed.id);
                let answer = request.route_table_id(wanted.route_table.text()).send().await;
                let answer = answer.map_err(|error| refused(REPLACE, &error))?;
                created(REPLACE, answer.new_association_id())
            }
            Some(difference) => Ok(blocked(observed, difference)),
        },
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateRouteTable.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let request = client.disassociate_route_table().association_id(id);
    deleted("ec2:DisassociateRouteTable", request.send().await)
}

/// The subnet's association; where a change still shows two, the one that is as it is wanted, or else the recorded one.
///
/// It is ours where it is with our table, and where one of ours is recorded: what the subnet has instead took its place.
fn seen(target: &Target, wanted: &RouteTableAssociation, tables: &[RouteTable]) -> Option<Observed> {
    let found = tables
        .iter()
        .flat_map(|table| table.associations().iter().map(move |association| (table, association)))
        .filter_map(|(table, association)| {
            let condition = condition(association)?;
            let id = association.route_table_association_id()?.to_owned();
            if association.subnet_id() != Some(wanted.subnet.text()) && target.id.as_ref() != Some(&id) {
                return None;
            }
            let differences = differences(wanted, table, association);
            (!target.not.contains(&id)).then(|| Observed {
                ours: differences.is_empty() || target.id.is_some(),
                id,
                attributes: BTreeMap::new(),
                condition,
                differences,
                duplicates: Vec::new(),
                pending: Vec::new(),
            })
        });
    found.min_by_key(|observed| {
        (
            !observed.differences.is_empty(),
            target.id.as_ref() != Some(&observed.id),
        )
    })
}

/// `None` when it is gone.
fn condition(association: &Actual) -> Option<Condition> {
    let state = association.association_state();
    match state.and_then(|state| state.state()) {
        Some(state @ State::Associating) => Some(Condition::Changing {
            status: state.as_str().to_owned(),
        }),
        Some(State::Disassociating) => Some(Condition::Deleting),
        Some(State::Disassociated) => None,
        Some(State::Failed) => Some(Condition::Broken {
            reason: format!(
                "failed: {}",
                state
                    .and_then(|state| state.status_message())
                    .unwrap_or("EC2 says no more")
            ),
        }),
        _ => Some(Condition::Ready),
    }
}

fn differences(wanted: &RouteTableAssociation, table: &RouteTable, actual: &Actual) -> Vec<Difference> {
    [
        differs(SUBNET, wanted.subnet.text(), actual.subnet_id().unwrap_or_default()),
        differs(
            ROUTE_TABLE,
            wanted.route_table.text(),
            table.route_table_id().unwrap_or_default(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::RouteTableAssociationState;
    use outrigger_model::{Input, Properties};

    /// Tables, each with one association: its id, its subnet, its state.
    fn look(tables: &[(&str, &str, &str, State)], recorded: Option<&str>) -> Option<Observed> {
        let wanted = RouteTableAssociation {
            route_table: Input::Text("rtb-1".to_owned()),
            subnet: Input::Text("subnet-1".to_owned()),
        };
        let mut target = crate::find::tests::target(Properties::RouteTableAssociation(wanted.clone()), recorded);
        target.not = ["rtbassoc-not".to_owned()].into();
        let tables: Vec<RouteTable> = tables
            .iter()
            .map(|(table, id, subnet, state)| {
                let state = RouteTableAssociationState::builder().state(state.clone()).build();
                let association = Actual::builder()
                    .route_table_association_id(*id)
                    .subnet_id(*subnet)
                    .association_state(state);
                RouteTable::builder()
                    .route_table_id(*table)
                    .associations(association.build())
                    .build()
            })
            .collect();
        seen(&target, &wanted, &tables)
    }

    #[test]
    fn associations_of_others_are_not_looked_at() {
        assert_eq!(look(&[], None), None);
        assert_eq!(
            look(&[("rtb-1", "rtbassoc-1", "subnet-2", State::Associated)], None),
            None
        );
        assert_eq!(
            look(&[("rtb-1", "rtbassoc-1", "subnet-1", State::Disassociated)], None),
            None
        );
    }

    #[test]
    fn with_our_table_it_is_ours() {
        let observed = look(&[("rtb-1", "rtbassoc-1", "subnet-1", State::Associated)], None).unwrap();
        assert_eq!((observed.id.as_str(), observed.ours), ("rtbassoc-1", true));
        assert_eq!(
            (observed.condition, observed.differences),
            (Condition::Ready, Vec::new())
        );
    }

    #[test]
    fn with_another_table_it_is_ours_only_if_one_is_recorded() {
        let tables = [("rtb-2", "rtbassoc-2", "subnet-1", State::Associated)];
        // Moved by somebody else it has another id.
        for (recorded, ours) in [(None, false), (Some("rtbassoc-1"), true), (Some("rtbassoc-2"), true)] {
            let observed = look(&tables, recorded).unwrap();
            assert_eq!(
                (observed.ours, observed.id.as_str()),
                (ours, "rtbassoc-2"),
                "{recorded:?}"
            );
            assert_eq!(observed.differences, [Difference::new(ROUTE_TABLE, &"rtb-1", &"rtb-2")]);
        }
    }

    #[test]
    fn a_recorded_one_of_another_subnet_cannot_move() {
        let tables = [("rtb-1", "rtbassoc-1", "subnet-2", State::Associated)];
        let observed = look(&tables, Some("rtbassoc-1")).unwrap();
        assert!(observed.ours);
        assert_eq!(
            observed.differences,
            [Difference::new(SUBNET, &"subnet-1", &"subnet-2")]
        );
    }

    #[test]
    fn what_took_its_place_is_not_looked_at() {
        let tables = [("rtb-1", "rtbassoc-not", "subnet-1", State::Associated)];
        assert_eq!(look(&tables, None), None);
        assert_eq!(look(&tables, Some("rtbassoc-1")), None);
    }

    #[test]
    fn states_are_told_apart() {
        let of = |state| {
            look(&[("rtb-1", "rtbassoc-1", "subnet-1", state)], None)
                .unwrap()
                .condition
        };
        assert!(matches!(of(State::Associating), Condition::Changing { .. }));
        assert_eq!(of(State::Disassociating), Condition::Deleting);
        assert!(matches!(of(State::Failed), Condition::Broken { .. }));
    }

    #[test]
    fn of_two_the_wanted_or_else_the_recorded_is_chosen() {
        let tables = [
            ("rtb-2", "rtbassoc-2", "subnet-1", State::Disassociating),
            ("rtb-1", "rtbassoc-1", "subnet-1", State::Associated),
        ];
        assert_eq!(look(&tables, None).unwrap().id, "rtbassoc-1");
        assert_eq!(look(&tables, Some("rtbassoc-2")).unwrap().id, "rtbassoc-1");
        let tables = [
            ("rtb-2", "rtbassoc-2", "subnet-1", State::Associated),
            ("rtb-3", "rtbassoc-3", "subnet-1", State::Associated),
        ];
        assert_eq!(look(&tables, Some("rtbassoc-2")).unwrap().id, "rtbassoc-2");
        assert_eq!(look(&tables, Some("rtbassoc-3")).unwrap().id, "rtbassoc-3");
    }
}
