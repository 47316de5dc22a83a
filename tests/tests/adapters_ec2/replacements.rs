//! A resource that is replaced, and what replaces it: both carry the same tags, each is observed and deleted as itself.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use outrigger_engine::ports::provider::{Provider, Target};
use outrigger_model::Kind;
use serde_json::json;

use crate::harness::{Watched, observe_target, pause, remove, with_local_aws};
use crate::network::{Network, Standing, snapshot};

/// The target of what `new` replaces, as the planner and the executor make it.
fn former(old: &Standing, new: &Standing) -> Target {
    let mut target = old.target();
    target.resource.key = target.resource.key.former(1);
    target.not = [new.id.clone()].into();
    target
}

/// The target is observed as this object, and as no other.
async fn is_seen(provider: &Watched, target: &Target, id: &str) -> Result<()> {
    let observed = observe_target(provider, target).await?;
    let key = &target.resource.key;
    assert_eq!((observed.id.as_str(), observed.ours), (id, true), "{key}");
    assert!(observed.duplicates.is_empty(), "{key}: {observed:?}");
    Ok(())
}

/// Whatever is recorded by now, each of the two is told from the other.
async fn are_told_apart(provider: &Watched, old: &Standing, new: &Standing) -> Result<()> {
    let (current, former) = (new.target(), former(old, new));
    let unknown = |target: &Target| Target {
        id: None,
        ..target.clone()
    };
    // What took its place may not be made, or not be recorded, yet.
    let alone = |target: &Target| Target {
        not: BTreeSet::new(),
        tags_gone: BTreeSet::new(),
        ..target.clone()
    };
    for (target, id) in [
        (current.clone(), &new.id),
        (unknown(&current), &new.id),
        (former.clone(), &old.id),
        (unknown(&former), &old.id),
        (alone(&former), &old.id),
        (unknown(&alone(&former)), &old.id),
    ] {
        is_seen(provider, &target, id).await?;
    }
    let observed = observe_target(provider, &current).await?;
    assert_eq!(observed.differences, [], "{}", current.resource.key);
    // What carries tags is never guessed; the others are known by what they connect.
    let nothing_recorded = Target {
        token: String::new(),
        ..unknown(&former)
    };
    let guessed = provider.observe(&nothing_recorded).await?.is_some();
    let by_tags = !matches!(old.resource.key.kind, Kind::Route | Kind::RouteTableAssociation);
    assert_eq!(guessed, !by_tags, "{}", former.resource.key);
    Ok(())
}

async fn a_network_is_replaced(provider: &Watched) -> Result<()> {
    let old = Network::stand_up(provider, 0, None).await?;
    let new = Network::stand_up(provider, 1, Some(&old)).await?;
    // Whatever shows late.
    for _ in 0..20 {
        pause().await;
    }
    let pairs = old.in_order_of_deletion().into_iter().zip(new.in_order_of_deletion());
    for (old, new) in pairs.clone() {
        assert_eq!(old.resource.tags, new.resource.tags);
        are_told_apart(provider, old, new).await?;
    }
    for (old, new) in pairs {
        let former = former(old, new);
        remove(provider, &former)
            .await
            .with_context(|| format!("{} beside {}", old.id, new.id))?;
        // Gone is gone, whatever is recorded: never what took its place.
        for (id, not) in [
            (&former.id, &former.not),
            (&former.id, &BTreeSet::new()),
            (&None, &BTreeSet::new()),
        ] {
            let target = Target {
                id: id.clone(),
                not: not.clone(),
                ..former.clone()
            };
            assert_eq!(provider.observe(&target).await?, None, "{}", former.resource.key);
        }
        is_seen(provider, &new.target(), &new.id).await?;
    }
    // The new one is whole, and of the old one nothing is left.
    let there = snapshot(&provider.client).await?;
    for old in old.in_order_of_deletion() {
        assert_eq!(there.get(&old.id), None, "{}", old.resource.key);
    }
    for new in new.in_order_of_deletion() {
        let observed = observe_target(provider, &new.target()).await?;
        assert_eq!(observed.differences, [], "{}", new.resource.key);
    }
    let table = there.get(&new.table.id).context("the new route table")?;
    assert_eq!(table.get("subnets"), Some(&json!([new.public.id])));
    for new in new.in_order_of_deletion() {
        remove(provider, &new.target()).await?;
    }
    Ok(())
}

#[test]
fn former_objects_are_told_from_what_replaces_them() -> Result<()> {
    with_local_aws(a_network_is_replaced)
}

#[test]
fn former_objects_are_told_from_what_replaces_them_where_ec2_shows_late() -> Result<()> {
    with_local_aws(async |provider| {
        provider
            .aws
            .set_faults(&json!({"late_visibility": {"seconds": 0.4, "services": ["ec2"]}}))?;
        a_network_is_replaced(provider).await
    })
}
