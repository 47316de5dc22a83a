//! What every [`StateStore`] must do, and what [`State`](crate::state::State) makes of it.
//!
//! Each check answers with what is wrong, so that a test says `check(store, "run-1").await.unwrap()`. Time comes from a
//! virtual clock, for a store over the wire as well: no store knows a time of its own.

mod lanes;
mod lease;
mod lost_answers;
mod operations;
mod port;
mod scene;
mod topology;

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use outrigger_model::UnixMs;

use self::lanes::{
    a_claim_that_arrives_late_revives_nothing, a_lane_nobody_fenced_is_fenced_when_claimed,
    a_live_attempt_outlives_its_lease, of_two_invocations_one_is_busy, skewed_clocks_never_overlap,
};
use self::lease::{
    a_lease_is_taken_over_after_expiry, a_lease_is_taken_renewed_released, a_released_lease_is_over,
    a_stale_executor_is_refused_everywhere, an_own_expired_lease_is_taken_anew, of_many_takers_one_wins,
    updates_and_renewals_at_once_are_all_kept,
};
use self::lost_answers::lost_answers_change_nothing;
use self::operations::{blobs_are_kept_by_content, operations_are_recorded_and_pruned};
use self::port::{
    Bare, absent_is_none, conditions_hold_or_not, deletes_have_conditions, every_value_reads_back,
    large_items_fit_and_larger_do_not, lists_are_sorted_pages, of_two_writes_at_once_one_wins, repeats_are_recognised,
    what_is_not_changed_stays,
};
use self::scene::Scene;
use self::topology::a_topology_is_begun_once_and_removed;
use crate::ports::store::{Change, Hold, StateStore};

type Checked = Result<(), String>;

/// Runs every check on one store, one after the other. `run` names this run: whatever else is in the store stays out of
/// its way, and what it leaves is in partitions of that name.
///
/// # Errors
/// The first thing that is wrong.
pub async fn check(store: Arc<dyn StateStore>, run: &str) -> Checked {
    check_store(&store, run).await?;
    check_protocol(&store, run).await
}

/// Checks what [`StateStore`] promises.
///
/// # Errors
/// The first thing that is wrong.
pub async fn check_store(store: &Arc<dyn StateStore>, run: &str) -> Checked {
    let bare = |name: &'static str| Bare {
        store: store.clone(),
        partition: format!("stack#{run}/{name}"),
    };
    named("absent", absent_is_none(bare("absent"))).await?;
    named("conditions", conditions_hold_or_not(bare("conditions"))).await?;
    named("conditions-delete", deletes_have_conditions(bare("conditions-delete"))).await?;
    named("headers", what_is_not_changed_stays(bare("headers"))).await?;
    named("values", every_value_reads_back(bare("values"))).await?;
    named("write-ids", repeats_are_recognised(bare("write-ids"))).await?;
    named("lists", lists_are_sorted_pages(bare("lists"))).await?;
    named("large", large_items_fit_and_larger_do_not(bare("large"))).await?;
    named("races", of_two_writes_at_once_one_wins(bare("races"))).await
}

/// Checks what [`State`](crate::state::State) promises, on this store.
///
/// # Errors
/// The first thing that is wrong.
pub async fn check_protocol(store: &Arc<dyn StateStore>, run: &str) -> Checked {
    let scene = |name: &'static str| Scene::new(store.clone(), run, name);
    named("lease", a_lease_is_taken_renewed_released(scene("lease"))).await?;
    named("lease-race", of_many_takers_one_wins(scene("lease-race"))).await?;
    named("takeover", a_lease_is_taken_over_after_expiry(scene("takeover"))).await?;
    named("own-expired", an_own_expired_lease_is_taken_anew(scene("own-expired"))).await?;
    named("stale", a_stale_executor_is_refused_everywhere(scene("stale"))).await?;
    named("released", a_released_lease_is_over(scene("released"))).await?;
    named("attempts", of_two_invocations_one_is_busy(scene("attempts"))).await?;
    named("live-attempt", a_live_attempt_outlives_its_lease(scene("live-attempt"))).await?;
    named(
        "late-claim",
        a_claim_that_arrives_late_revives_nothing(scene("late-claim")),
    )
    .await?;
    named(
        "new-lane",
        a_lane_nobody_fenced_is_fenced_when_claimed(scene("new-lane")),
    )
    .await?;
    named("skew", skewed_clocks_never_overlap(scene("skew"))).await?;
    named("updates", updates_and_renewals_at_once_are_all_kept(scene("updates"))).await?;
    named("blobs", blobs_are_kept_by_content(scene("blobs"))).await?;
    named("operations", operations_are_recorded_and_pruned(scene("operations"))).await?;
    named("topology", a_topology_is_begun_once_and_removed(scene("topology"))).await?;
    lost_answers_change_nothing(store, run).await
}

async fn named(name: &str, check: impl Future<Output = Checked>) -> Checked {
    check.await.map_err(|error| format!("{name}: {error}"))
}

fn same<T: PartialEq + Debug>(what: impl std::fmt::Display, actual: T, wanted: T) -> Checked {
    if actual == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {actual:?} instead of {wanted:?}"))
    }
}

fn say(error: impl std::error::Error) -> String {
    match error.source() {
        None => error.to_string(),
        Some(source) => format!("{error}: {source}"),
    }
}

fn hold(holder: &str, expires_at_ms: UnixMs) -> Change {
    Change {
        holder: Some(Some(Hold {
            holder: holder.to_owned(),
            expires_at_ms,
        })),
        ..Change::default()
    }
}

fn body(bytes: &[u8]) -> Change {
    Change {
        body: Some(bytes.to_vec()),
        ..Change::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::store::MemoryStore;

    #[tokio::test]
    async fn memory_does_what_a_store_must() {
        check(Arc::new(MemoryStore::new()), "memory").await.unwrap();
    }
}
