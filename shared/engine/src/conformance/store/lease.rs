//! The lease: who has it, until when, and that nobody else does anything.

use std::collections::BTreeSet;

use futures::future::join_all;
use outrigger_model::{FencingToken, Lane};

use super::scene::{Scene, kind, names, record, with_step};
use super::{Checked, same, say};
use crate::state::content::{OperationRecord, Outcome, StackState};
use crate::state::{CLOCK_SKEW_MS_MAX, LEASE_MS, Lease, StateError};

pub(super) async fn a_lease_is_taken_renewed_released(scene: Scene) -> Checked {
    let state = scene.state();
    same(
        "the lease of a new stack",
        state.lease(&scene.stack).await.map_err(say)?,
        None,
    )?;
    same("a new stack", state.stack(&scene.stack).await.map_err(say)?, None)?;
    let lease = scene.take("first", "a").await?;
    same("the first token", lease.token(), FencingToken(1))?;
    // A retry of the function that took it, under another request id and under the same one.
    for invocation in ["b", "a"] {
        scene.clock.advance(1_000);
        let retried = scene.take("first", invocation).await?;
        same("the token of a retry", retried.token(), lease.token())?;
    }
    let view = state.lease(&scene.stack).await.map_err(say)?.ok_or("no lease")?;
    same("who holds it", view.operation.as_str(), "first")?;
    same("until when", view.expires_at_ms, scene.now_ms() + LEASE_MS)?;
    same("whether it has expired", view.expired, false)?;
    for lane in Lane::ALL {
        let item = scene.items().await?.remove(&format!("lane#{lane}")).unwrap_or_default();
        same(format!("the token of {lane}"), item.header.token, lease.token())?;
    }
    scene.clock.advance(LEASE_MS / 2);
    let expires_at_ms = state.renew_lease(&lease).await.map_err(say)?;
    same("until when, renewed", expires_at_ms, scene.now_ms() + LEASE_MS)?;

    match state.take_lease(&scene.stack, "second", "c").await {
        Err(StateError::LeaseHeld {
            holder,
            expires_at_ms: until_ms,
            ..
        }) => same(
            "who is in the way",
            (holder.as_str(), until_ms),
            ("first", expires_at_ms),
        )?,
        other => return Err(format!("a second taker: {other:?}")),
    }
    // An own lease that has expired, but that nobody has taken, is renewed.
    scene.expire(LEASE_MS);
    state.renew_lease(&lease).await.map_err(say)?;
    state.release_lease(&lease).await.map_err(say)?;
    same(
        "the lease, released",
        state.lease(&scene.stack).await.map_err(say)?,
        None,
    )?;
    let second = scene.take("second", "d").await?;
    same("the second token", second.token(), FencingToken(2))
}

pub(super) async fn of_many_takers_one_wins(scene: Scene) -> Checked {
    for round in 1..=3_u64 {
        let takers = (0..6).map(|taker| {
            let (state, stack) = (scene.state(), &scene.stack);
            async move {
                state
                    .take_lease(stack, &format!("operation-{round}-{taker}"), "a")
                    .await
            }
        });
        let taken = join_all(takers).await;
        let kinds: BTreeSet<&str> = taken.iter().map(kind).collect();
        same("what takers get", kinds, BTreeSet::from(["LeaseHeld", "done"]))?;
        let tokens: Vec<FencingToken> = taken.iter().flatten().map(Lease::token).collect();
        same("the tokens of those who won", tokens, vec![FencingToken(round)])?;
        for lease in taken.iter().flatten() {
            scene.state().release_lease(lease).await.map_err(say)?;
        }
    }
    Ok(())
}

pub(super) async fn a_lease_is_taken_over_after_expiry(scene: Scene) -> Checked {
    let first = scene.take("first", "a").await?;
    let claim = scene.claim(&first, Lane::Network, "a").await.map_err(say)?;
    let written = with_step(claim.lane_state(), "one");
    scene.state().finish_lane(claim, &written).await.map_err(say)?;
    scene.clock.advance(LEASE_MS + CLOCK_SKEW_MS_MAX - 1);
    let early = scene.state().take_lease(&scene.stack, "second", "b").await;
    same("taking it too early", kind(&early), "LeaseHeld")?;
    scene.clock.advance(1);
    let second = scene.take("second", "b").await?;
    same("the next token", second.token(), FencingToken(2))?;
    let claim = scene.claim(&second, Lane::Network, "b").await.map_err(say)?;
    same("what the first left", names(claim.lane_state()), vec!["one"])?;
    match scene.state().renew_lease(&first).await {
        Err(StateError::LeaseLost {
            operation, holder_now, ..
        }) => same(
            "who has it now",
            (operation.as_str(), holder_now.as_deref()),
            ("first", Some("second")),
        ),
        other => Err(format!("renewing a lost lease: {other:?}")),
    }
}

pub(super) async fn an_own_expired_lease_is_taken_anew(scene: Scene) -> Checked {
    let first = scene.take("first", "a").await?;
    scene.clock.advance(LEASE_MS);
    let resumed = scene.take("first", "b").await?;
    same("the token", resumed.token(), FencingToken(2))?;
    let renewed = scene.state().renew_lease(&first).await;
    same("an invocation from before", kind(&renewed), "LeaseLost")
}

/// Has a lease and a claim in hand; meanwhile another operation has taken the lease over.
pub(super) async fn a_stale_executor_is_refused_everywhere(scene: Scene) -> Checked {
    let state = scene.state();
    let stale = scene.take("stale", "a").await?;
    let mut claim = scene.claim(&stale, Lane::Network, "a").await.map_err(say)?;
    let to_finish = scene.claim(&stale, Lane::Datastore, "a").await.map_err(say)?;
    let old = record(&scene.stack, "stale", 1);
    state.put_operation(&stale, &old).await.map_err(say)?;
    scene.expire(LEASE_MS);
    let fresh = scene.take("fresh", "b").await?;
    let aborted = OperationRecord {
        outcome: Some(Outcome::Aborted),
        ..old.clone()
    };
    state.put_operation(&fresh, &aborted).await.map_err(say)?;

    let before = scene.items().await?;
    let changed = with_step(claim.lane_state(), "stale");
    let answers = [
        ("write_lane", kind(&state.write_lane(&mut claim, &changed).await)),
        ("finish_lane", kind(&state.finish_lane(claim, &changed).await)),
        ("finish_lane", kind(&state.finish_lane(to_finish, &changed).await)),
        ("claim_lane", kind(&scene.claim(&stale, Lane::Observability, "a").await)),
        ("renew_lease", kind(&state.renew_lease(&stale).await)),
        ("check_lease", kind(&state.check_lease(&stale).await)),
        (
            "update_stack",
            kind(
                &state
                    .update_stack(&stale, |stack| stack.document = Some("stale".to_owned()))
                    .await,
            ),
        ),
        ("put_operation", kind(&state.put_operation(&stale, &old).await)),
        ("prune", kind(&state.prune(&stale, 0, 0).await)),
        ("release_lease", kind(&state.release_lease(&stale).await)),
    ];
    for (what, answer) in answers {
        same(what, answer, "LeaseLost")?;
    }
    same("what a stale executor left", scene.items().await?, before.clone())?;
    let again = state.take_lease(&scene.stack, "stale", "a").await;
    same("take_lease", kind(&again), "LeaseHeld")?;
    same("what a stale taker left", scene.items().await?, before)
}

pub(super) async fn a_released_lease_is_over(scene: Scene) -> Checked {
    let state = scene.state();
    let lease = scene.take("first", "a").await?;
    state.release_lease(&lease).await.map_err(say)?;
    state.release_lease(&scene.again(&lease, "b")).await.map_err(say)?;
    let answers = [
        ("renew_lease", kind(&state.renew_lease(&lease).await)),
        ("update_stack", kind(&state.update_stack(&lease, |_| {}).await)),
        (
            "put_operation",
            kind(&state.put_operation(&lease, &record(&scene.stack, "first", 1)).await),
        ),
        ("prune", kind(&state.prune(&lease, 0, 0).await)),
    ];
    for (what, answer) in answers {
        same(what, answer, "LeaseLost")?;
    }
    let next = scene.take("second", "c").await?;
    same("the token of the next", next.token(), FencingToken(2))?;
    let late = state.release_lease(&lease).await;
    same("a release that comes late", kind(&late), "LeaseLost")?;
    state.renew_lease(&next).await.map(drop).map_err(say)
}

pub(super) async fn updates_and_renewals_at_once_are_all_kept(scene: Scene) -> Checked {
    const EACH: usize = 3;
    let lease = scene.take("first", "a").await?;
    let updates = join_all((0..EACH).map(|number| {
        let (state, lease) = (scene.state(), scene.again(&lease, &format!("update-{number}")));
        async move {
            let change = move |stack: &mut StackState| {
                stack.outputs.insert(format!("output-{number}"), "x".to_owned());
            };
            state.update_stack(&lease, change).await
        }
    }));
    let renewals = join_all((0..EACH).map(|number| {
        let (state, lease) = (scene.state(), scene.again(&lease, &format!("renewal-{number}")));
        async move { state.renew_lease(&lease).await }
    }));
    let (updated, renewed) = futures::future::join(updates, renewals).await;
    for result in updated {
        result.map_err(say)?;
    }
    for result in renewed {
        result.map_err(say)?;
    }
    let (stack, header) = scene.state().stack(&scene.stack).await.map_err(say)?.ok_or("absent")?;
    same("how many updates were kept", stack.outputs.len(), EACH)?;
    same("who holds the lease", header.holder.as_deref(), Some("first"))
}
