//! Associations of subnets with route tables. An association carries no tags: it is known by its subnet.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, RouteTable, RouteTableAssociation as Actual, RouteTableAssociationStateCode as State,
};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::RouteTableAssociation;

use crate::call::{created, deleted, differs, refused};

const ROUTE_TABLE: &str = "route_table";

/// A subnet has one association at most, with whichever table; the main table's needs none, and is never in this list.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &RouteTableAssociation,
) -> Result<Option<Observed>, CallError> {
    let filter = Filter::builder()
        .name("association.subnet-id")
        .values(wanted.subnet.text());
    let request = client.describe_route_tables().filters(filter.build());
    let tables: Vec<RouteTable> = pages!("ec2:DescribeRouteTables", request, route_tables)?;
    Ok(seen(target, wanted, &tables))
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
        Some(observed) if observed.differences.is_empty() => Ok(Progress::Done),
        // The subnet is never without a table this way; the association gets a new id.
        Some(observed) => {
            let request = client.replace_route_table_association().association_id(&observed.id);
            let answer = request.route_table_id(wanted.route_table.text()).send().await;
            let answer = answer.map_err(|error| refused(REPLACE, &error))?;
            created(REPLACE, answer.new_association_id())
        }
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateRouteTable.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let request = client.disassociate_route_table().association_id(id);
    deleted("ec2:DisassociateRouteTable", request.send().await)
}

/// The subnet's association; the recorded one or ours, where a change still shows two.
fn seen(target: &Target, wanted: &RouteTableAssociation, tables: &[RouteTable]) -> Option<Observed> {
    let found = tables
        .iter()
        .flat_map(|table| table.associations().iter().map(move |association| (table, association)))
        .filter(|(_, association)| association.subnet_id() == Some(wanted.subnet.text()))
        .filter_map(|(table, association)| {
            let condition = condition(association)?;
            let id = association.route_table_association_id()?.to_owned();
            let differences = differences(wanted, table);
            Some(Observed {
                ours: differences.is_empty() || target.id.as_ref() == Some(&id),
                id,
                attributes: BTreeMap::new(),
                condition,
                differences,
                duplicates: Vec::new(),
            })
        });
    found.min_by_key(|observed| (target.id.as_ref() != Some(&observed.id), !observed.ours))
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

fn differences(wanted: &RouteTableAssociation, table: &RouteTable) -> Vec<Difference> {
    let actual = table.route_table_id().unwrap_or_default();
    differs(ROUTE_TABLE, wanted.route_table.text(), actual)
        .into_iter()
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
        let target = crate::find::tests::target(Properties::RouteTableAssociation(wanted.clone()), recorded);
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
    fn with_another_table_it_is_ours_only_if_recorded() {
        let tables = [("rtb-2", "rtbassoc-2", "subnet-1", State::Associated)];
        for (recorded, ours) in [(None, false), (Some("rtbassoc-1"), false), (Some("rtbassoc-2"), true)] {
            let observed = look(&tables, recorded).unwrap();
            assert_eq!((observed.ours, observed.differences.len()), (ours, 1), "{recorded:?}");
        }
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
    fn of_two_the_recorded_or_ours_is_chosen() {
        let tables = [
            ("rtb-2", "rtbassoc-2", "subnet-1", State::Disassociating),
            ("rtb-1", "rtbassoc-1", "subnet-1", State::Associated),
        ];
        assert_eq!(look(&tables, None).unwrap().id, "rtbassoc-1");
        assert_eq!(look(&tables, Some("rtbassoc-2")).unwrap().id, "rtbassoc-2");
    }
}
