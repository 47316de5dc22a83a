//! Having a plan made, to look at.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use outrigger_aws_sfn::ExecutionStatus;
use outrigger_engine::state::State;
use outrigger_engine::state::content::{Proposal, Workflow};
use outrigger_engine::tasks::plan_stack;
use outrigger_model::{Lane, StackId};
use outrigger_plan::Plan;

use super::ended::class_of;
use super::execution::{describe, failure, repeat, successor};
use super::{About, HandedOver, start};
use crate::control_plane::ControlPlane;
use crate::document::Source;
use crate::failure::{Class, Failure};
use crate::plan_view::whole;
use crate::progress::Spinner;

/// A plan that was made to look at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Proposed {
    /// Which stack.
    pub(crate) stack: StackId,
    /// What `provision-stack` takes as `plan`.
    pub(crate) id: String,
    /// The plan.
    pub(crate) plan: Plan,
}

/// Has `plan-stack` make the plan of a document; it changes nothing.
///
/// # Errors
/// Every reason why there is none, at once; on Ctrl-C.
pub(crate) async fn propose(
    control_plane: &ControlPlane,
    source: &Source,
    handed_over: &HandedOver,
    about: &About,
) -> Result<Proposed, Failure> {
    let stack = source.document.id();
    let input = about.input(handed_over.input.clone());
    let execution = start(control_plane, &stack, Workflow::Plan, &input).await?;
    let spinner = Spinner::new(&format!("planning {stack}, {}", control_plane.place));
    let mut arn = execution.execution_arn;
    let ended = repeat(control_plane, async || {
        let execution = describe(control_plane, &arn).await?;
        if let Some(next) = successor(&execution) {
            arn = next.to_owned();
            return Ok(None);
        }
        Ok((execution.status != ExecutionStatus::Running).then_some(execution))
    });
    let execution = tokio::select! {
        ended = ended => ended.with_context(|| format!("follow the planning of {stack}"))?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::new(Class::Interrupted, "interrupted; nothing was changed")),
    };
    drop(spinner);
    if execution.status != ExecutionStatus::Succeeded {
        let failure = Failure::new(class_of(execution.error.as_deref()), failure(&execution));
        return Err(source.explain(failure));
    }
    let answer: plan_stack::Proposed = execution
        .output
        .ok_or_else(|| anyhow!("the planning of {stack} answered nothing"))
        .and_then(|output| serde_json::from_value(output).context("read what the planning answered"))?;
    let plan = kept(&control_plane.state, &stack, &answer.plan).await?;
    Ok(Proposed {
        stack,
        id: answer.plan,
        plan,
    })
}

/// The plan of a proposal.
async fn kept(state: &State, stack: &StackId, id: &str) -> anyhow::Result<Plan> {
    let missing = |what: &str| anyhow!("{what} of the plan {id} of {stack} is not kept any more; plan again");
    let proposal: Proposal = state.blob(stack, id).await?.ok_or_else(|| missing("the proposal"))?;
    let mut plans: BTreeMap<Lane, Plan> = BTreeMap::new();
    for (lane, hash) in &proposal.plans {
        let plan = state.blob(stack, hash).await?;
        plans.insert(*lane, plan.ok_or_else(|| missing(&format!("the lane {lane}")))?);
    }
    Ok(whole(&plans))
}
