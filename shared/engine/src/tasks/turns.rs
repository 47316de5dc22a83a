//! Which of some stacks this region looks after unasked: what scheduled work begins with, where the control plane runs in
//! several regions.

use futures::future::try_join_all;
use outrigger_model::{Region, Regions, StackId, Turn};
use serde::Serialize;

use super::TaskError;
use crate::state::State;
use crate::state::content::Blueprint;

/// How many stacks are asked about at once: the page of the schedule.
pub const STACKS_MAX: usize = 100;
/// How many stacks are read side by side.
const STACKS_AT_ONCE: usize = 16;

/// Whose turn it is, for some stacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// This region looks after these.
    pub mine: Vec<StackId>,
    /// Another region looks after these.
    pub not_mine: Vec<StackId>,
}

/// How scheduled work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Looked {
    /// It was this region's turn, or there was nothing to be done.
    Done,
    /// It was another region's turn.
    NotMine,
}

impl Turns {
    /// How work on these stacks ends: without any of its own, and with some of others, it was not this region's.
    pub fn outcome(&self) -> Looked {
        match self.mine.is_empty() && !self.not_mine.is_empty() {
            true => Looked::NotMine,
            false => Looked::Done,
        }
    }
}

/// The stacks of a page of the index, from their names there, `<stack>/<environment>`.
///
/// # Errors
/// `InvalidInput` when there are more than [`STACKS_MAX`], or one is no such name.
pub fn stacks_of(names: &[String]) -> Result<Vec<StackId>, TaskError> {
    if names.len() > STACKS_MAX {
        let message = format!("{} stacks at once; at most {STACKS_MAX} are asked about", names.len());
        return Err(TaskError::InvalidInput(message));
    }
    let stack = |name: &String| match name.split_once('/') {
        Some((stack, environment)) => Ok(StackId {
            stack: stack.to_owned(),
            environment: environment.to_owned(),
        }),
        None => Err(TaskError::InvalidInput(format!(
            "{name} is no stack's name with its environment"
        ))),
    };
    names.iter().map(stack).collect()
}

/// Whose turn it is, for each of these stacks: by the region that its document names, read consistently.
///
/// # Errors
/// `Unavailable` when the state store does not answer: then it is nobody's turn, and the schedule comes again.
pub async fn turns(state: &State, regions: &Regions, stacks: &[StackId]) -> Result<Turns, TaskError> {
    if regions.is_alone() {
        return Ok(Turns {
            mine: stacks.to_vec(),
            not_mine: Vec::new(),
        });
    }
    let mut turns = Turns::default();
    for some in stacks.chunks(STACKS_AT_ONCE) {
        let of = try_join_all(some.iter().map(|stack| region_of(state, stack))).await?;
        for (stack, region) in some.iter().zip(of) {
            match regions.turn(region.as_ref()) {
                Turn::Mine => turns.mine.push(stack.clone()),
                Turn::NotMine { .. } => turns.not_mine.push(stack.clone()),
            }
        }
    }
    Ok(turns)
}

/// The region that a stack's document names; `None` of a stack that never began, or whose document is not kept any more.
async fn region_of(state: &State, stack: &StackId) -> Result<Option<Region>, TaskError> {
    let Some((known, _)) = state.stack(stack).await? else {
        return Ok(None);
    };
    let Some(hash) = known.document.or(known.applied) else {
        return Ok(None);
    };
    let blueprint: Option<Blueprint> = state.blob(stack, &hash).await?;
    let region = blueprint.and_then(|blueprint| Some(Region::new(blueprint.document.get("region")?.as_str()?)));
    Ok(region)
}
