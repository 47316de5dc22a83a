//! Lanes: of all attempts at most one is live, and what a dead one sends changes nothing.

use std::sync::Arc;

use outrigger_model::{Lane, StackId};

use super::scene::{ATTEMPT_MS, START_MS, Scene, kind, with_step};
use super::{Checked, hold, same, say};
use crate::memory::clock::VirtualClock;
use crate::memory::store::{Fault, Faults, Faulty};
use crate::ports::store::{Condition, ItemKey, Write, Written};
use crate::state::content::LaneState;
use crate::state::{CLOCK_SKEW_MS_MAX, LEASE_MS, State, StateError};

pub(super) async fn of_two_invocations_one_is_busy(scene: Scene) -> Checked {
    let state = scene.state();
    let lease = scene.take("first", "a").await?;
    let other = scene.again(&lease, "b");
    for round in 0..3 {
        let (one, two) = futures::future::join(
            scene.claim(&lease, Lane::Network, &format!("a-{round}")),
            scene.claim(&other, Lane::Network, &format!("b-{round}")),
        )
        .await;
        let mut kinds = [kind(&one), kind(&two)];
        kinds.sort_unstable();
        same("two claims at once", kinds, ["Busy", "done"])?;
        for claim in [one, two].into_iter().flatten() {
            let written = with_step(claim.lane_state(), claim.attempt());
            state.finish_lane(claim, &written).await.map_err(say)?;
        }
    }
    // Lanes are claimed apart from each other.
    let mut first = scene.claim(&lease, Lane::Network, "a").await.map_err(say)?;
    scene.claim(&lease, Lane::Datastore, "a").await.map_err(say)?;
    let after_one = with_step(first.lane_state(), "one");
    state.write_lane(&mut first, &after_one).await.map_err(say)?;
    scene.clock.advance(1_000);
    match scene.claim(&other, Lane::Network, "b").await {
        Err(StateError::Busy { retry_after_ms, .. }) => same(
            "when to call again",
            retry_after_ms,
            ATTEMPT_MS + CLOCK_SKEW_MS_MAX - 1_000,
        )?,
        answer => return Err(format!("a claim while another is live: {answer:?}")),
    }
    // The first dies; when its attempt has expired, the next claims the lane and finds what was written.
    scene.expire(ATTEMPT_MS);
    let second = scene.claim(&other, Lane::Network, "b").await.map_err(say)?;
    same("how many steps the next finds", second.lane_state().steps.len(), 4)?;
    same("what the next finds", second.lane_state(), &after_one)?;
    let late = with_step(&after_one, "late");
    let answer = state.write_lane(&mut first, &late).await;
    same("a write of the attempt that expired", kind(&answer), "AttemptLost")?;
    let answer = state.finish_lane(first, &late).await;
    same("a finish of the attempt that expired", kind(&answer), "AttemptLost")?;
    let after_two = with_step(second.lane_state(), "two");
    state.finish_lane(second, &after_two).await.map_err(say)?;
    let found = state.lane(&scene.stack, Lane::Network).await.map_err(say)?;
    same("what is recorded in the end", found, after_two)
}

pub(super) async fn a_live_attempt_outlives_its_lease(scene: Scene) -> Checked {
    let first = scene.take("first", "a").await?;
    scene.clock.advance(LEASE_MS - 1_000);
    let mut claim = scene.claim(&first, Lane::Network, "a").await.map_err(say)?;
    let before = with_step(claim.lane_state(), "one");
    scene.state().write_lane(&mut claim, &before).await.map_err(say)?;
    scene.expire(1_000);
    let second = scene.take("second", "b").await?;
    let busy = scene.claim(&second, Lane::Network, "b").await;
    same("a claim under the next lease", kind(&busy), "Busy")?;
    scene.claim(&second, Lane::Datastore, "b").await.map_err(say)?;
    scene.expire(ATTEMPT_MS);
    scene.state().renew_lease(&second).await.map_err(say)?;
    let next = scene.claim(&second, Lane::Network, "c").await.map_err(say)?;
    same("what fencing left", next.lane_state(), &before)
}

/// The wire may deliver a claim once more when its attempt has long expired and another has written meanwhile.
pub(super) async fn a_claim_that_arrives_late_revives_nothing(scene: Scene) -> Checked {
    let faults = Faults::new();
    let faulty = Arc::new(Faulty::new(scene.store.clone(), faults.clone()));
    let first_state = State::new(faulty, Arc::new(scene.clock.clone()));
    let lease = scene.take("first", "a").await?;
    let expires_at_ms = scene.now_ms() + ATTEMPT_MS;
    let mut first = first_state
        .claim_lane(&lease, Lane::Network, "a".to_owned(), expires_at_ms)
        .await
        .map_err(say)?;
    let late_claim = Write {
        key: ItemKey {
            partition: format!("stack#{}", scene.stack),
            sort: format!("lane#{}", Lane::Network),
        },
        conditions: vec![
            Condition::TokenIs(lease.token()),
            Condition::NotHeldAt(scene.now_ms() - CLOCK_SKEW_MS_MAX),
        ],
        change: hold("a", expires_at_ms),
        write_id: "late".to_owned(),
    };
    faults.fail_writes("lane#", 0, usize::MAX, Fault::Before);
    let stale = with_step(first.lane_state(), "one");
    let answer = first_state.write_lane(&mut first, &stale).await;
    same("a write that does not arrive", kind(&answer), "Unavailable")?;
    faults.clear();

    scene.expire(ATTEMPT_MS);
    let second = scene.claim(&lease, Lane::Network, "b").await.map_err(say)?;
    let written = with_step(second.lane_state(), "two");
    scene.state().finish_lane(second, &written).await.map_err(say)?;
    let arrived = scene.store.write(&late_claim).await.map_err(say)?;
    if !matches!(arrived, Written::Done(_)) {
        return Err(format!("the late claim did not arrive: {arrived:?}"));
    }
    let answer = first_state.write_lane(&mut first, &stale).await;
    same("a write of the attempt that expired", kind(&answer), "AttemptLost")?;
    let answer = first_state.finish_lane(first, &stale).await;
    same("a finish of the attempt that expired", kind(&answer), "AttemptLost")?;
    let found = scene.state().lane(&scene.stack, Lane::Network).await.map_err(say)?;
    same("what is recorded", found, written)
}

pub(super) async fn a_lane_nobody_fenced_is_fenced_when_claimed(scene: Scene) -> Checked {
    let lease = scene.take("first", "a").await?;
    let key = ItemKey {
        partition: format!("stack#{}", scene.stack),
        sort: format!("lane#{}", Lane::Network),
    };
    scene.store.delete(&key, &[]).await.map_err(say)?;
    let claim = scene.claim(&lease, Lane::Network, "a").await.map_err(say)?;
    same("a lane that was not there", claim.lane_state(), &LaneState::default())?;
    let written = with_step(claim.lane_state(), "one");
    scene.state().finish_lane(claim, &written).await.map_err(say)
}

/// However wrong both clocks are: as long as the owner may still start a call, no one else can take what it holds.
pub(super) async fn skewed_clocks_never_overlap(scene: Scene) -> Checked {
    const CALL_MS: u64 = 20_000;
    const TICK_MS: u64 = 500;
    for (number, (owners, takers)) in [(-4_000, 4_000), (4_000, -4_000), (4_000, 4_000), (-4_000, -4_000)]
        .into_iter()
        .enumerate()
    {
        let what = format!("owner {owners} ms, taker {takers} ms");
        let scene = Scene {
            store: scene.store.clone(),
            clock: VirtualClock::new(START_MS),
            stack: StackId {
                stack: scene.stack.stack.clone(),
                environment: format!("{}-{number}", scene.stack.environment),
            },
        };
        let (owner, taker) = (scene.skewed(owners), scene.skewed(takers));
        let lease = owner.take_lease(&scene.stack, "first", "a").await.map_err(say)?;
        let expires_at_ms = owner.now_ms() + ATTEMPT_MS;
        let claim = owner
            .claim_lane(&lease, Lane::Network, "a".to_owned(), expires_at_ms)
            .await
            .map_err(say)?;
        let mut calls_end_ms = 0;
        let taken_at_ms = loop {
            if claim.may_start_call(owner.now_ms(), CALL_MS) {
                calls_end_ms = scene.now_ms() + CALL_MS;
            }
            let attempt = taker
                .claim_lane(&lease, Lane::Network, "b".to_owned(), taker.now_ms() + ATTEMPT_MS)
                .await;
            match attempt {
                Ok(_) => break scene.now_ms(),
                Err(StateError::Busy { retry_after_ms, .. }) if retry_after_ms > 0 => {}
                Err(error) => return Err(format!("{what}: {}", say(error))),
            }
            if scene.now_ms() > START_MS + 2 * ATTEMPT_MS {
                return Err(format!("{what}: the lane is never free"));
            }
            scene.clock.advance(TICK_MS);
        };
        if calls_end_ms == 0 || calls_end_ms > taken_at_ms {
            return Err(format!(
                "{what}: calls until {calls_end_ms}, the lane taken at {taken_at_ms}"
            ));
        }
    }
    Ok(())
}
