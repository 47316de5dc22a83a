//! Operations and blobs: what is kept, and what is pruned.

use std::collections::BTreeSet;

use outrigger_model::Lane;

use super::scene::{START_MS, Scene, kind, record};
use super::{Checked, body, same, say};
use crate::ports::store::{ItemKey, Write};
use crate::state::content::{Outcome, StackState};
use crate::state::{BLOB_HOLD_MS, Pruned};

pub(super) async fn blobs_are_kept_by_content(scene: Scene) -> Checked {
    let state = scene.state();
    let content = vec!["a plan".to_owned(); 50];
    let hash = state.put_blob(&scene.stack, &content).await.map_err(say)?;
    same("how long a hash is", hash.len(), 64)?;
    for _ in 0..2 {
        let again = state.put_blob(&scene.stack, &content).await.map_err(say)?;
        same("the same content", &again, &hash)?;
    }
    let other = state.put_blob(&scene.stack, &vec!["another"]).await.map_err(say)?;
    if other == hash {
        return Err("other content has the same hash".to_owned());
    }
    same("the items", scene.items().await?.len(), 2)?;
    // A put that was made long ago and arrives only now does not shorten the hold.
    let late = scene.skewed(-60_000);
    late.put_blob(&scene.stack, &content).await.map_err(say)?;
    let held_until_ms = scene
        .items()
        .await?
        .get(&format!("blob#{hash}"))
        .map(|item| item.header.holder_expires_at_ms);
    same(
        "until when it is held",
        held_until_ms,
        Some(scene.now_ms() + BLOB_HOLD_MS),
    )?;
    let read = state.blob::<Vec<String>>(&scene.stack, &hash).await.map_err(say)?;
    same("what was put", read, Some(content))?;
    let read = state.blob::<Vec<String>>(&scene.stack, "absent").await.map_err(say)?;
    same("what was never put", read, None)?;
    let read = state.blob::<u64>(&scene.stack, &hash).await;
    same("what is something else", kind(&read), "Internal")?;
    let key = |hash: &str| ItemKey {
        partition: format!("stack#{}", scene.stack),
        sort: format!("blob#{hash}"),
    };
    let swapped = scene.store.read(&key(&other)).await.map_err(say)?.unwrap_or_default();
    let write = Write {
        key: key(&hash),
        conditions: vec![],
        change: body(&swapped.body),
        write_id: "swap".to_owned(),
    };
    scene.store.write(&write).await.map_err(say)?;
    let read = state.blob::<Vec<String>>(&scene.stack, &hash).await;
    same("what has another hash", kind(&read), "Internal")
}

pub(super) async fn operations_are_recorded_and_pruned(scene: Scene) -> Checked {
    const OPERATIONS: u64 = 12;
    const KEEP: usize = 4;
    let state = scene.state();
    let put = |content: String| {
        let (state, stack) = (scene.state(), &scene.stack);
        async move { state.put_blob(stack, &content).await.map_err(say) }
    };
    let lease = scene.take("operation-0", "a").await?;
    let mut blobs = Vec::new();
    for number in 0..OPERATIONS {
        let plan = put(format!("plan {number}")).await?;
        // Ids in an order that is not the order of time.
        let id = format!("operation-{}", (number * 5) % OPERATIONS);
        let mut record = record(&scene.stack, &id, START_MS + number);
        record.plans.insert(Lane::Network, plan.clone());
        state.put_operation(&lease, &record).await.map_err(say)?;
        record.outcome = Some(Outcome::Succeeded);
        state.put_operation(&lease, &record).await.map_err(say)?;
        let read = state.operation(&scene.stack, &id).await.map_err(say)?;
        same("the record", read, Some(record))?;
        blobs.push(plan);
    }
    let document = put("the document".to_owned()).await?;
    let unreferred = put("never referred to".to_owned()).await?;
    let change = |stack: &mut StackState| stack.document = Some(document.clone());
    state.update_stack(&lease, change).await.map_err(say)?;
    let listed = state.operations(&scene.stack, 5).await.map_err(say)?;
    let times: Vec<u64> = listed.iter().map(|record| record.started_at_ms - START_MS).collect();
    same("the newest", times, vec![11, 10, 9, 8, 7])?;

    // What was just put stays, referred to or not.
    let pruned = state.prune(&lease, KEEP, 0).await.map_err(say)?;
    same("blobs that were just put", pruned.blobs, 0)?;
    // The oldest is the lease's own: it stays.
    same("old operations", pruned.operations, OPERATIONS as usize - KEEP - 1)?;
    scene.expire(BLOB_HOLD_MS);
    let late = put("plan 1".to_owned()).await?;
    state.renew_lease(&lease).await.map_err(say)?;
    state.prune(&lease, KEEP, 0).await.map_err(say)?;
    let again = state.prune(&lease, KEEP, 0).await.map_err(say)?;
    same("pruning twice", again, Pruned::default())?;
    let mut kept: BTreeSet<String> = blobs.iter().rev().take(KEEP).cloned().collect();
    kept.extend(blobs.first().cloned());
    kept.extend([document.clone(), late]);
    let left: BTreeSet<String> = scene
        .items()
        .await?
        .keys()
        .filter_map(|sort| sort.strip_prefix("blob#"))
        .map(str::to_owned)
        .collect();
    same("the blobs that are left", left.contains(&unreferred), false)?;
    same("the blobs that are left", left, kept)?;
    let left = state.operations(&scene.stack, 100).await.map_err(say)?;
    let times: Vec<u64> = left.iter().map(|record| record.started_at_ms - START_MS).collect();
    same("the operations that are left", times, vec![11, 10, 9, 8, 0])?;

    // Those of them that are too old go too, however few there are.
    state.prune(&lease, KEEP, START_MS + 10).await.map_err(say)?;
    let left = state.operations(&scene.stack, 100).await.map_err(say)?;
    let times: Vec<u64> = left.iter().map(|record| record.started_at_ms - START_MS).collect();
    same("the young operations, and the lease's own", times, vec![11, 10, 0])
}
