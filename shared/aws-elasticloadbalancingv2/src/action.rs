//! What listeners and rules do with what comes in.

use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum, FixedResponseActionConfig};
use serde_json::Value;

/// The action that forwards everything to a target group.
pub(crate) fn forward(target_group: &str) -> Action {
    let action = Action::builder().r#type(ActionTypeEnum::Forward);
    action.target_group_arn(target_group).build()
}

/// The action that answers with status 503.
pub(crate) fn refuse() -> Action {
    let action = Action::builder().r#type(ActionTypeEnum::FixedResponse);
    action.fixed_response_config(refusal()).build()
}

fn refusal() -> FixedResponseActionConfig {
    FixedResponseActionConfig::builder()
        .status_code("503")
        .content_type("text/plain")
        .message_body("nothing answers here")
        .build()
}

/// The ARN of the target group that everything is forwarded to, null where everything is refused; what else is done by its
/// name, such as `redirect`.
pub(crate) fn forwards_to(actions: &[Action]) -> Value {
    let of = |action: &Action| {
        if action.fixed_response_config() == Some(&refusal()) {
            return None;
        }
        let alone = || match action.forward_config()?.target_groups() {
            [group] => group.target_group_arn(),
            _ => None,
        };
        let group = action.target_group_arn().or_else(alone);
        group.or(action.r#type().map(ActionTypeEnum::as_str)).map(str::to_owned)
    };
    match actions {
        [action] => Value::from(of(action)),
        actions => actions.iter().map(of).collect(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{ForwardActionConfig, TargetGroupTuple};

    use super::*;

    #[test]
    fn what_is_done_is_told_by_the_only_action() {
        let tuple = |arn: &str| TargetGroupTuple::builder().target_group_arn(arn).build();
        let config = |groups: &[&str]| {
            let groups = groups.iter().map(|arn| tuple(arn)).collect();
            ForwardActionConfig::builder().set_target_groups(Some(groups)).build()
        };
        let split = |groups: &[&str]| {
            let action = Action::builder().r#type(ActionTypeEnum::Forward);
            action.forward_config(config(groups)).build()
        };
        let redirect = Action::builder().r#type(ActionTypeEnum::Redirect).build();
        let answer = Action::builder().r#type(ActionTypeEnum::FixedResponse);
        let welcome = FixedResponseActionConfig::builder().status_code("200").build();
        for (actions, expected) in [
            (vec![forward("a")], Value::from("a")),
            (vec![split(&["a"])], Value::from("a")),
            (vec![split(&["a", "b"])], Value::from("forward")),
            (vec![redirect.clone()], Value::from("redirect")),
            (vec![redirect, forward("a")], Value::from(vec!["redirect", "a"])),
            (vec![refuse()], Value::Null),
            (
                vec![answer.fixed_response_config(welcome).build()],
                Value::from("fixed-response"),
            ),
            (vec![], Value::Array(Vec::new())),
        ] {
            assert_eq!(forwards_to(&actions), expected);
        }
    }
}
