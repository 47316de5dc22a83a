//! One operation on a stack: starting its execution, and following it to its end.

mod ended;
mod execution;
mod follow;
mod hand_over;
mod past;
mod picture;
mod propose;

use anyhow::Context as _;
use outrigger_engine::state::content::Workflow;
use outrigger_model::{StackId, UnixMs};
use serde_json::{Value, json};

pub(crate) use ended::{Ended, class_of};
pub(crate) use execution::{failure, repeat};
pub(crate) use follow::follow;
pub(crate) use hand_over::HandedOver;
pub(crate) use past::past;
pub(crate) use picture::{Picture, Way, snapshot_of};
pub(crate) use propose::propose;

use crate::control_plane::ControlPlane;
use crate::failure::Failure;

/// Step Functions allows 80; the workflow appends up to 10 where it hands over to a successor.
const ID_LENGTH_MAX: usize = 70;

/// An operation whose execution was started.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// On which stack.
    pub(crate) stack: StackId,
    /// Its id: its execution's name.
    pub(crate) id: String,
    /// Its execution.
    pub(crate) execution_arn: String,
}

/// Why an operation is started, and by whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// Why, in the user's words.
    pub(crate) reason: Option<String>,
    /// Who, as AWS knows them; none where that could not be told.
    pub(crate) by: Option<String>,
}

impl About {
    /// The reason, and who the caller is.
    pub(crate) async fn new(control_plane: &ControlPlane, reason: Option<&str>) -> Self {
        Self {
            reason: reason.map(str::to_owned),
            by: control_plane.caller().await,
        }
    }

    /// An execution's input, with what is known of who and why.
    pub(crate) fn input(&self, mut input: Value) -> Value {
        if let Some(entries) = input.as_object_mut() {
            let known = [("reason", &self.reason), ("by", &self.by)];
            for (name, text) in known {
                entries.extend(text.iter().map(|text| (name.to_owned(), json!(text))));
            }
        }
        input
    }
}

/// `shop-production-provision-20261120T103658Z-1a2b`; the stack's name is cut where that would be too long.
fn id_of(stack: &StackId, workflow: Workflow, now_ms: UnixMs, random: &str) -> String {
    let moment: String = outrigger_engine::state::rfc3339(now_ms)
        .chars()
        .filter(|character| !matches!(character, '-' | ':'))
        .collect();
    let end = format!("-{}-{moment}-{random}", workflow.as_str());
    let name: String = format!("{}-{}", stack.stack, stack.environment)
        .chars()
        .take(ID_LENGTH_MAX.saturating_sub(end.len()))
        .collect();
    format!("{name}{end}")
}

/// A new id for an operation on a stack.
pub(crate) fn new_id(stack: &StackId, workflow: Workflow, now_ms: UnixMs) -> String {
    let random: String = uuid::Uuid::new_v4().simple().to_string().chars().take(4).collect();
    id_of(stack, workflow, now_ms, &random)
}

/// Starts a workflow on a stack.
///
/// # Errors
/// When it cannot be started.
pub(crate) async fn start(
    control_plane: &ControlPlane,
    stack: &StackId,
    workflow: Workflow,
    input: &Value,
) -> Result<Operation, Failure> {
    let machine = control_plane.machine(workflow)?;
    let id = new_id(stack, workflow, control_plane.state.now_ms());
    let execution_arn = control_plane
        .executions
        .start_execution(machine, &id, input)
        .await
        .with_context(|| format!("start the operation {id} on {stack}"))?;
    Ok(Operation {
        stack: stack.clone(),
        id,
        execution_arn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(name: &str) -> StackId {
        StackId {
            stack: name.to_owned(),
            environment: "production".to_owned(),
        }
    }

    #[test]
    fn an_id_says_what_when_and_fits() {
        let now_ms = 1_763_635_018_000;
        let id = id_of(&stack("shop"), Workflow::Provision, now_ms, "1a2b");
        assert_eq!(id, "shop-production-provision-20251120T103658Z-1a2b");
        let id = id_of(&stack(&"long".repeat(20)), Workflow::Destroy, now_ms, "1a2b");
        assert_eq!(id.len(), ID_LENGTH_MAX);
        assert!(id.ends_with("-destroy-20251120T103658Z-1a2b"), "{id}");
    }

    #[test]
    fn what_is_not_known_is_left_out_of_the_input() {
        let about = About::default();
        assert_eq!(about.input(json!({"stack": "shop"})), json!({"stack": "shop"}));
        let about = About {
            reason: Some("more room".to_owned()),
            by: Some("arn:aws:iam::123456789012:user/ada".to_owned()),
        };
        assert_eq!(
            about.input(json!({"stack": "shop"})),
            json!({"stack": "shop", "reason": "more room", "by": "arn:aws:iam::123456789012:user/ada"})
        );
    }
}
