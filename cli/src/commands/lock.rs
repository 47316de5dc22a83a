//! `outrigger lock`: who holds a stack.

use outrigger_engine::state::content::{OperationRecord, Workflow};
use outrigger_engine::state::{LeaseView, State, rfc3339};
use outrigger_model::StackId;
use serde::Serialize;

use crate::arguments::Format;
use crate::context::Context;
use crate::control_plane::connect;
use crate::failure::Failure;
use crate::output::{print_json, print_text, table};
use crate::stack::StackName;

pub(crate) const EXAMPLES: &str = "\
Examples:
  outrigger lock shop
  outrigger lock shop/production --output json";

/// Who holds a stack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Holder {
    pub(super) operation: String,
    pub(super) token: u64,
    /// What for; unknown when it has only just taken the lease.
    workflow: Option<Workflow>,
    by: Option<String>,
    reason: Option<String>,
    /// Since when.
    started_at: Option<String>,
    pub(super) execution_arn: Option<String>,
    /// Until when, if it does not renew.
    pub(super) expires_at: String,
    /// Whether it has ended by itself by now: the next operation takes it over.
    pub(super) expired: bool,
}

/// Runs the command.
pub(super) async fn run(context: &Context, name: &StackName) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let stack = name.resolve(&control_plane).await?;
    let holder = holder_of(&control_plane.state, &stack).await?;
    if context.options.output == Format::Json {
        return Ok(print_json(&serde_json::json!({
            "stack": stack.stack,
            "environment": stack.environment,
            "held": holder.as_ref().is_some_and(|holder| !holder.expired),
            "holder": holder,
        }))?);
    }
    Ok(print_text(&render(holder.as_ref()))?)
}

/// Who holds a stack, as far as it is known.
pub(super) async fn holder_of(state: &State, stack: &StackId) -> Result<Option<Holder>, Failure> {
    let Some(lease) = state.lease(stack).await? else {
        return Ok(None);
    };
    let record = state.operation(stack, &lease.operation).await?;
    Ok(Some(holder(lease, record)))
}

fn holder(lease: LeaseView, record: Option<OperationRecord>) -> Holder {
    let mut holder = Holder {
        operation: lease.operation,
        token: lease.token.0,
        workflow: None,
        by: None,
        reason: None,
        started_at: None,
        execution_arn: None,
        expires_at: rfc3339(lease.expires_at_ms),
        expired: lease.expired,
    };
    if let Some(record) = record {
        holder.workflow = Some(record.workflow);
        (holder.by, holder.reason) = (record.by, record.reason);
        holder.started_at = Some(rfc3339(record.started_at_ms));
        holder.execution_arn = Some(record.execution_arn);
    }
    holder
}

/// Who holds it, or that it is free.
pub(super) fn render(holder: Option<&Holder>) -> String {
    let Some(holder) = holder else {
        return "free\n".to_owned();
    };
    let expires = match holder.expired {
        false => format!("{}, unless it renews", holder.expires_at),
        true => format!(
            "{}: it has ended, whoever comes next takes the stack over",
            holder.expires_at
        ),
    };
    let facts = [
        ("held by", Some(holder.operation.clone())),
        ("what for", holder.workflow.map(|workflow| workflow.as_str().to_owned())),
        ("who", holder.by.clone()),
        ("why", holder.reason.clone()),
        ("since", holder.started_at.clone()),
        ("until", Some(expires)),
        ("execution", holder.execution_arn.clone()),
    ];
    let rows: Vec<[String; 2]> = facts
        .into_iter()
        .filter_map(|(name, fact)| Some([name.to_owned(), fact?]))
        .collect();
    table(&rows)
}

#[cfg(test)]
pub(super) mod tests {
    use outrigger_model::FencingToken;

    use super::*;

    pub(in crate::commands) fn held(expired: bool) -> Holder {
        let stack = StackId {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
        };
        let id = "shop-production-provision-20251120T103658Z-1a2b";
        let arn = format!("arn:aws:states:us-east-1:123456789012:execution:outrigger-provision-stack:{id}");
        let mut record = OperationRecord::begun(id, &stack, Workflow::Provision, &arn, 1_763_635_018_000);
        record.by = Some("arn:aws:iam::123456789012:user/ada".to_owned());
        record.reason = Some("the new cache".to_owned());
        let lease = LeaseView {
            operation: id.to_owned(),
            token: FencingToken(7),
            expires_at_ms: 1_763_635_138_000,
            expired,
        };
        holder(lease, Some(record))
    }

    #[test]
    fn a_holder_is_named_with_what_it_does() {
        insta::assert_snapshot!(render(Some(&held(false))), @r"
        held by    shop-production-provision-20251120T103658Z-1a2b
        what for   provision
        who        arn:aws:iam::123456789012:user/ada
        why        the new cache
        since      2025-11-20T10:36:58Z
        until      2025-11-20T10:38:58Z, unless it renews
        execution  arn:aws:states:us-east-1:123456789012:execution:outrigger-provision-stack:shop-production-provision-20251120T103658Z-1a2b
        ");
        let text = render(Some(&held(true)));
        assert!(
            text.contains("it has ended, whoever comes next takes the stack over"),
            "{text}"
        );
        assert_eq!(render(None), "free\n");
    }

    #[test]
    fn a_holder_that_still_plans_is_known_by_its_id() {
        let lease = LeaseView {
            operation: "a".to_owned(),
            token: FencingToken(1),
            expires_at_ms: 1_763_635_138_000,
            expired: false,
        };
        insta::assert_snapshot!(render(Some(&holder(lease, None))), @r"
        held by  a
        until    2025-11-20T10:38:58Z, unless it renews
        ");
    }
}
