//! A stack's topology: written once, never overwritten, removed by who holds the lease alone.

use outrigger_model::{Region, Topology};

use super::scene::Scene;
use super::{Checked, same, say};
use crate::state::{LEASE_MS, StateError};

pub(super) async fn a_topology_is_begun_once_and_removed(scene: Scene) -> Checked {
    let (state, stack) = (scene.state(), scene.stack.clone());
    let of = |regions: [&str; 2]| Topology::first(&regions.map(Region::new)).ok_or("no topology");
    let (one, other) = (of(["us-east-1", "us-east-2"])?, of(["us-east-2", "us-east-1"])?);
    same(
        "the topology of a new stack",
        state.topology(&stack).await.map_err(say)?,
        None,
    )?;
    let first = scene.take("first", "a").await?;
    for topology in [&one, &one, &other] {
        state.begin_topology(&first, topology).await.map_err(say)?;
        same(
            "the topology",
            state.topology(&stack).await.map_err(say)?,
            Some(one.clone()),
        )?;
    }
    scene.expire(LEASE_MS);
    let second = scene.take("second", "b").await?;
    for what in ["remove", "begin"] {
        let refused = match what {
            "remove" => state.remove_topology(&first).await,
            _ => state.begin_topology(&first, &other).await,
        };
        if !matches!(refused, Err(StateError::LeaseLost { .. })) {
            return Err(format!("{what} by who was overtaken: {refused:?}"));
        }
    }
    same("the topology", state.topology(&stack).await.map_err(say)?, Some(one))?;
    for _ in 0..2 {
        state.remove_topology(&second).await.map_err(say)?;
        same(
            "the topology, removed",
            state.topology(&stack).await.map_err(say)?,
            None,
        )?;
    }
    state.begin_topology(&second, &other).await.map_err(say)?;
    same(
        "the next topology",
        state.topology(&stack).await.map_err(say)?,
        Some(other),
    )
}
