//! VPC peering connections to a VPC in another region: asked for here, accepted there, and tagged on both sides.
//!
//! One that is gone goes on showing for hours or days, as `deleted`, `rejected`, `expired` or `failed`: it counts as absent.
//! Source: <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html>.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    ResourceType, VpcPeeringConnection as Actual, VpcPeeringConnectionStateReasonCode as State,
    VpcPeeringConnectionVpcInfo,
};
use outrigger_aws::{TAGS, TAGS_GONE, is_code, missing_tags, pages, surplus_tags};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::VpcPeering;

use crate::call::{
    CODES, NOT_FOUND, POLL_AFTER_SECONDS, blocked, changed, created, deleted, differs, refused, sent_once,
};
use crate::find::{Candidate, choose};
use crate::tags;

const VPC: &str = "vpc";
const PEER_VPC: &str = "peer_vpc";
const PEER_REGION: &str = "peer_region";
/// Whether it was accepted.
const STATE: &str = "state";
/// The tags that it carries in the other region are its own there.
const PEER_TAGS: &str = "peer_tags";
const PEER_TAGS_GONE: &str = "peer_tags_gone";

const DESCRIBE: &str = "ec2:DescribeVpcPeeringConnections";

/// A client for each of the two regions.
pub(crate) struct Sides {
    /// Where it is asked for.
    pub(crate) own: Client,
    /// Where it is accepted.
    pub(crate) peer: Client,
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html>.
pub(crate) async fn observe(
    sides: &Sides,
    target: &Target,
    wanted: &VpcPeering,
) -> Result<Option<Observed>, CallError> {
    let there = shown(&sides.own, target).await?.into_iter().filter(is_there);
    let candidates = there.filter_map(|object| {
        Some(Candidate {
            id: object.vpc_peering_connection_id()?.to_owned(),
            tags: tags::read(object.tags()),
            object,
        })
    });
    let Some(choice) = choose(candidates.collect(), target) else {
        return Ok(None);
    };
    let mut condition = condition(state(&choice.object));
    let mut differences = differences(wanted, &choice.object);
    // The other side can be tagged once it is accepted, and is of interest only if we may change it.
    if choice.ours && state(&choice.object) == Some(&State::Active) {
        match by_id(&sides.peer, &choice.id).await? {
            Some(peer) => differences.extend(peer_tags(target, &peer)),
            None => {
                condition = Condition::Changing {
                    status: format!("not shown in {} yet", wanted.peer_region),
                };
            }
        }
    }
    Ok(Some(choice.observed(target, condition, differences)))
}

/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AcceptVpcPeeringConnection.html>: "For an inter-Region
/// VPC peering connection request, you must accept the VPC peering connection in the Region of the accepter VPC."
pub(crate) async fn ensure(
    sides: &Sides,
    target: &Target,
    wanted: &VpcPeering,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(&sides.own, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let id = &observed.id;
    match difference.property {
        STATE => {
            let request = sides.peer.accept_vpc_peering_connection();
            // The other region may not know of it yet.
            let accepted = request.vpc_peering_connection_id(id).send().await;
            changed("ec2:AcceptVpcPeeringConnection", accepted)
        }
        PEER_TAGS => tags::put(&sides.peer, id, target).await,
        PEER_TAGS_GONE => tags::remove(&sides.peer, id, difference).await,
        TAGS => tags::put(&sides.own, id, target).await,
        TAGS_GONE => tags::remove(&sides.own, id, difference).await,
        _ => Ok(blocked(observed, difference)),
    }
}

/// Deletes it, unless that is under way: what is gone goes on showing, and is not deleted again. Either side may do so.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpcPeeringConnection.html>.
pub(crate) async fn delete(sides: &Sides, id: &str) -> Result<Progress, CallError> {
    match by_id(&sides.own, id).await? {
        Some(peering) if state(&peering) == Some(&State::Deleting) => return Ok(Progress::changed(POLL_AFTER_SECONDS)),
        Some(peering) if is_there(&peering) => {}
        Some(_) | None => return Ok(Progress::Done),
    }
    let request = sides.own.delete_vpc_peering_connection().vpc_peering_connection_id(id);
    deleted("ec2:DeleteVpcPeeringConnection", request.send().await)
}

/// Asks for it, unless EC2 has refused the same before: it says so only afterwards, and goes on refusing.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcPeeringConnection.html>.
async fn create(client: &Client, target: &Target, wanted: &VpcPeering) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:CreateVpcPeeringConnection";
    let shown = shown(client, target).await?;
    if let Some(reason) = shown.iter().find_map(|peering| failure(wanted, peering)) {
        return Ok(Progress::Blocked { reason });
    }
    let answer = client
        .create_vpc_peering_connection()
        .vpc_id(wanted.vpc.text())
        .peer_vpc_id(wanted.peer_vpc.text())
        .peer_region(wanted.peer_region.as_str())
        .tag_specifications(tags::at_creation(ResourceType::VpcPeeringConnection, target))
        .customize()
        .config_override(sent_once())
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    let peering = answer.vpc_peering_connection();
    created(CALL, peering.and_then(|peering| peering.vpc_peering_connection_id()))
}

/// What the target's tags lead to, and what has the recorded id, whatever state it is in.
async fn shown(client: &Client, target: &Target) -> Result<Vec<Actual>, CallError> {
    let mut found = match tags::filters(target) {
        Some(filters) => {
            let request = client.describe_vpc_peering_connections().set_filters(Some(filters));
            pages(DESCRIBE, CODES, request.into_paginator().send(), |page| {
                page.vpc_peering_connections
            })
            .await?
        }
        None => Vec::new(),
    };
    if let Some(id) = &target.id
        && !found
            .iter()
            .any(|peering| peering.vpc_peering_connection_id() == Some(id))
    {
        found.extend(by_id(client, id).await?);
    }
    Ok(found)
}

async fn by_id(client: &Client, id: &str) -> Result<Option<Actual>, CallError> {
    let request = client.describe_vpc_peering_connections().vpc_peering_connection_ids(id);
    match request.send().await {
        Ok(answer) => Ok(answer.vpc_peering_connections.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(refused(DESCRIBE, &error)),
    }
}

fn state(peering: &Actual) -> Option<&State> {
    peering.status()?.code()
}

fn is_there(peering: &Actual) -> bool {
    !matches!(
        state(peering),
        Some(State::Deleted | State::Rejected | State::Expired | State::Failed)
    )
}

/// Why EC2 has refused the very peering that is wanted.
fn failure(wanted: &VpcPeering, peering: &Actual) -> Option<String> {
    let is_same = vpc_of(peering.requester_vpc_info()) == wanted.vpc.text()
        && vpc_of(peering.accepter_vpc_info()) == wanted.peer_vpc.text();
    if !is_same || state(peering) != Some(&State::Failed) {
        return None;
    }
    let message = peering.status().and_then(|status| status.message()).unwrap_or_default();
    Some(format!(
        "EC2 refused the peering {} of the VPCs {} and {}: {message}; put that right, and try again once EC2 does not show \
         it any more, after about 2 hours",
        peering.vpc_peering_connection_id().unwrap_or_default(),
        wanted.vpc.text(),
        wanted.peer_vpc.text(),
    ))
}

fn vpc_of(side: Option<&VpcPeeringConnectionVpcInfo>) -> &str {
    side.and_then(|side| side.vpc_id()).unwrap_or_default()
}

fn condition(state: Option<&State>) -> Condition {
    match state {
        Some(state @ (State::InitiatingRequest | State::Provisioning)) => Condition::Changing {
            status: state.as_str().to_owned(),
        },
        Some(State::Deleting) => Condition::Deleting,
        _ => Condition::Ready,
    }
}

fn differences(wanted: &VpcPeering, actual: &Actual) -> Vec<Difference> {
    let peer_region = actual.accepter_vpc_info().and_then(|side| side.region());
    let is_pending = state(actual) == Some(&State::PendingAcceptance);
    let (active, pending) = (State::Active.as_str(), State::PendingAcceptance.as_str());
    [
        differs(VPC, wanted.vpc.text(), vpc_of(actual.requester_vpc_info())),
        differs(PEER_VPC, wanted.peer_vpc.text(), vpc_of(actual.accepter_vpc_info())),
        differs(
            PEER_REGION,
            wanted.peer_region.as_str(),
            peer_region.unwrap_or_default(),
        ),
        is_pending.then(|| Difference::new(STATE, &active, &pending)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How its tags in the other region differ.
fn peer_tags(target: &Target, peer: &Actual) -> Vec<Difference> {
    let tags = tags::read(peer.tags());
    let of = |property: &'static str, difference: Option<Difference>| {
        difference.map(|difference| Difference { property, ..difference })
    };
    [
        of(PEER_TAGS, missing_tags(&target.resource.tags, &tags)),
        of(PEER_TAGS_GONE, surplus_tags(&target.tags_gone, &tags)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{Tag, VpcPeeringConnectionStateReason};
    use outrigger_model::{Input, Properties, Region};

    use super::*;

    fn wanted() -> VpcPeering {
        VpcPeering {
            vpc: Input::Text("vpc-1".to_owned()),
            peer_vpc: Input::Text("vpc-2".to_owned()),
            peer_region: Region::new("us-east-2"),
        }
    }

    fn peering(state: &str, vpc: &str, peer_vpc: &str) -> Actual {
        let side = |vpc: &str, region: &str| {
            VpcPeeringConnectionVpcInfo::builder()
                .vpc_id(vpc)
                .region(region)
                .build()
        };
        let status = VpcPeeringConnectionStateReason::builder().code(state.into());
        Actual::builder()
            .vpc_peering_connection_id("pcx-1")
            .requester_vpc_info(side(vpc, "us-east-1"))
            .accepter_vpc_info(side(peer_vpc, "us-east-2"))
            .status(status.message("overlapping CIDR range").build())
            .build()
    }

    /// By its state: whether it is there, whether it is on its way, and what differs.
    #[track_caller]
    fn check(state: &str, there: bool, moving: bool, expected: &[&str]) {
        let actual = peering(state, "vpc-1", "vpc-2");
        assert_eq!(is_there(&actual), there, "{state}");
        let is_moving = matches!(condition(super::state(&actual)), Condition::Changing { .. });
        assert_eq!(is_moving, moving, "{state}");
        let differences = differences(&wanted(), &actual);
        let properties: Vec<_> = differences.iter().map(|difference| difference.property).collect();
        assert_eq!(properties, expected, "{state}");
    }

    #[test]
    fn every_state_is_understood() {
        check("initiating-request", true, true, &[]);
        check("pending-acceptance", true, false, &[STATE]);
        check("provisioning", true, true, &[]);
        check("active", true, false, &[]);
        check("deleting", true, false, &[]);
        assert_eq!(condition(Some(&State::Deleting)), Condition::Deleting);
        for gone in ["deleted", "rejected", "expired", "failed"] {
            check(gone, false, false, &[]);
        }
    }

    #[test]
    fn what_it_connects_cannot_change() {
        let differences = differences(&wanted(), &peering("active", "vpc-3", "vpc-4"));
        let properties: Vec<_> = differences.iter().map(|difference| difference.property).collect();
        assert_eq!(properties, [VPC, PEER_VPC]);
    }

    #[test]
    fn only_the_same_peering_was_refused_before() {
        let reason = failure(&wanted(), &peering("failed", "vpc-1", "vpc-2")).unwrap();
        assert!(reason.contains("pcx-1") && reason.contains("overlapping"), "{reason}");
        for other in [
            peering("failed", "vpc-3", "vpc-2"),
            peering("failed", "vpc-1", "vpc-3"),
            peering("rejected", "vpc-1", "vpc-2"),
            peering("deleted", "vpc-1", "vpc-2"),
        ] {
            assert_eq!(failure(&wanted(), &other), None, "{other:?}");
        }
    }

    #[test]
    fn the_other_side_has_tags_of_its_own() {
        let mut target = crate::find::tests::target(Properties::VpcPeering(wanted()), Some("pcx-1"));
        target.tags_gone.insert("Owner".to_owned());
        let properties = |tags: Vec<Tag>| -> Vec<&str> {
            let peer = Actual::builder().set_tags(Some(tags)).build();
            let differences = peer_tags(&target, &peer);
            differences.iter().map(|difference| difference.property).collect()
        };
        let wanted = target.resource.tags.iter();
        let mut tags: Vec<Tag> = wanted
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect();
        assert_eq!(properties(tags.clone()), Vec::<&str>::new());
        tags.push(Tag::builder().key("Owner").value("one").build());
        assert_eq!(properties(tags), [PEER_TAGS_GONE]);
        assert_eq!(properties(Vec::new()), [PEER_TAGS]);
    }
}
