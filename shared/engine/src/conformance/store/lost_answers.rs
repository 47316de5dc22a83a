//! A whole operation, with any of its writes or their answers lost.

use std::sync::Arc;

use outrigger_model::Lane;

use super::scene::{ATTEMPT_MS, Scene, names, record, with_step};
use super::{Checked, same, say};
use crate::memory::store::{Fault, Faults, Faulty};
use crate::ports::store::StateStore;
use crate::state::content::Outcome;
use crate::state::{State, StateError};

/// What an operation does, from beginning to end, as one invocation.
async fn story(scene: &Scene, state: &State, invocation: &str) -> Result<(), StateError> {
    let lease = state.take_lease(&scene.stack, "story", invocation).await?;
    let plan = state.put_blob(&scene.stack, &"plan").await?;
    let mut record = record(&scene.stack, "story", 1);
    record.plans.insert(Lane::Network, plan);
    state.put_operation(&lease, &record).await?;
    state.renew_lease(&lease).await?;
    let expires_at_ms = scene.now_ms() + ATTEMPT_MS;
    let mut claim = state
        .claim_lane(&lease, Lane::Network, invocation.to_owned(), expires_at_ms)
        .await?;
    let one = with_step(claim.lane_state(), "one");
    state.write_lane(&mut claim, &one).await?;
    let two = with_step(&one, "two");
    // What a careful executor does with an answer that is lost for good: the claim still stands.
    match state.write_lane(&mut claim, &two).await {
        Err(error) if error.is_retryable() => state.write_lane(&mut claim, &two).await?,
        other => other?,
    }
    state.finish_lane(claim, &with_step(&two, "three")).await?;
    let change = |stack: &mut crate::state::content::StackState| stack.operation = Some("story".to_owned());
    state.update_stack(&lease, change).await?;
    record.outcome = Some(Outcome::Succeeded);
    state.put_operation(&lease, &record).await?;
    state.prune(&lease, 5, 0).await?;
    state.release_lease(&lease).await
}

pub(super) async fn lost_answers_change_nothing(store: &Arc<dyn StateStore>, run: &str) -> Checked {
    for (fault, count, word) in [
        (Fault::Before, 1, "lost"),
        (Fault::AnswerLost, 1, "answer-lost"),
        (Fault::Before, 2, "lost-twice"),
        (Fault::AnswerLost, 2, "answer-lost-twice"),
    ] {
        let mut skip = 0;
        loop {
            let name = format!("{word}-{skip}");
            let mut scene = Scene::new(store.clone(), run, &name);
            let faults = Faults::new();
            faults.fail_writes("", skip, count, fault);
            scene.store = Arc::new(Faulty::new(store.clone(), faults.clone()));
            let exhausted = lost_answer(&scene, &faults, count)
                .await
                .map_err(|error| format!("{name}: {error}"))?;
            if exhausted {
                break;
            }
            skip += 1;
        }
        if skip < 12 {
            return Err(format!("{word}: the story has {skip} writes only"));
        }
    }
    Ok(())
}

/// One story with faults; whether it ended before they came.
async fn lost_answer(scene: &Scene, faults: &Faults, count: usize) -> Result<bool, String> {
    let state = scene.state();
    let told = story(scene, &state, "a").await;
    let exhausted = !faults.is_empty();
    faults.clear();
    match &told {
        Ok(()) => {}
        // One is made up for on the spot; two are reported.
        Err(error) if count > 1 && error.error_type() == "Unavailable" => {
            // The same operation goes on in its next invocation, once the dead one's attempt has expired.
            scene.expire(ATTEMPT_MS);
            story(scene, &state, "b").await.map_err(say)?;
        }
        Err(error) => return Err(say(error)),
    }
    let lane = state.lane(&scene.stack, Lane::Network).await.map_err(say)?;
    same("the lane", names(&lane), vec!["one", "three", "two"])?;
    let outcome = state.operation(&scene.stack, "story").await.map_err(say)?;
    same(
        "the outcome",
        outcome.and_then(|record| record.outcome),
        Some(Outcome::Succeeded),
    )?;
    same("the lease", state.lease(&scene.stack).await.map_err(say)?, None)?;
    Ok(exhausted)
}
