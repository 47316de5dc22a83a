//! `AWS::ElasticLoadBalancingV2::ListenerRule`: what a listener of an application load balancer does with some requests.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    HttpRequestMethodConditionConfig, PathPatternConditionConfig, Rule as Described, RuleCondition,
};
use outrigger_aws::{TAGS, TAGS_GONE, pages, unchangeable};
use outrigger_engine::ports::provider::{CallError, Difference, Observed, Progress, Target};
use outrigger_model::properties::ListenerRule;
use serde_json::Value;

use crate::action::{forward, forwards_to};
use crate::call::{POLL_SECONDS, changed, created, deleted, found, listed, refused};
use crate::observed::{candidate, observed};
use crate::tags;

const METHOD: &str = "method";
const PATH: &str = "path";
const TARGET_GROUP: &str = "target_group";

/// The fields of conditions.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html>
const METHOD_FIELD: &str = "http-request-method";
const PATH_FIELD: &str = "path-pattern";

/// The rule of the wanted priority; or else the recorded one, so that none is left behind where nobody looks.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &ListenerRule,
) -> Result<Option<Observed>, CallError> {
    let mut candidates = of_priority(client, wanted).await?;
    if candidates.is_empty()
        && let Some(recorded) = &target.id
    {
        candidates = by_arn(client, recorded).await?;
    }
    match candidate(target, candidates, Described::rule_arn) {
        Some((arn, rule)) => told(client, target, wanted, &arn, &rule).await,
        None => Ok(None),
    }
}

const DESCRIBE: &str = "elasticloadbalancing:DescribeRules";

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html>
async fn of_priority(client: &Client, wanted: &ListenerRule) -> Result<Vec<Described>, CallError> {
    let listener = wanted.listener.text();
    if listener.is_empty() {
        return Ok(Vec::new());
    }
    let list = client.describe_rules().listener_arn(listener);
    let list = list.into_paginator().send();
    let found = listed(pages(DESCRIBE, &[], list, |page| page.rules).await)?;
    let priority = wanted.priority.to_string();
    let has_priority = |rule: &Described| rule.priority() == Some(&priority);
    Ok(found.unwrap_or_default().into_iter().filter(has_priority).collect())
}

async fn by_arn(client: &Client, arn: &str) -> Result<Vec<Described>, CallError> {
    let answer = client.describe_rules().rule_arns(arn).send().await;
    let described = found(DESCRIBE, answer)?;
    Ok(described.and_then(|answer| answer.rules).unwrap_or_default())
}

async fn told(
    client: &Client,
    target: &Target,
    wanted: &ListenerRule,
    arn: &str,
    there: &Described,
) -> Result<Option<Observed>, CallError> {
    let Some(actual_tags) = tags::of(client, arn).await? else {
        return Ok(None);
    };
    let priority = wanted.priority.to_string();
    let conditions = there.conditions();
    let wanted_group = Value::from(wanted.target_group.text());
    let differences = [
        Difference::between("listener", &wanted.listener.text(), &listener_of(arn).as_str()),
        Difference::between("priority", &priority.as_str(), &there.priority().unwrap_or_default()),
        Difference::between(METHOD, &Value::from(wanted.method.as_str()), &methods(conditions)),
        Difference::between(PATH, &Value::from(wanted.path.as_str()), &paths(conditions)),
        Difference::between(TARGET_GROUP, &wanted_group, &forwards_to(there.actions())),
    ];
    Ok(Some(observed(target, arn, &actual_tags, [], differences)))
}

/// The ARN of a rule is that of its listener with an id more.
fn listener_of(arn: &str) -> String {
    let listener = arn.rsplit_once('/').map_or(arn, |(listener, _)| listener);
    listener.replacen(":listener-rule/", ":listener/", 1)
}

/// The method that requests have.
fn methods(conditions: &[RuleCondition]) -> Value {
    let of_method = conditions
        .iter()
        .filter(|condition| condition.field() == Some(METHOD_FIELD));
    alone(of_method.flat_map(|condition| values(condition).iter().cloned()))
}

/// The path that requests are for; and whatever else they must have, each with the name of its field.
fn paths(conditions: &[RuleCondition]) -> Value {
    let others = conditions
        .iter()
        .filter(|condition| condition.field() != Some(METHOD_FIELD));
    alone(others.flat_map(|condition| match condition.field() {
        Some(PATH_FIELD) => values(condition).to_vec(),
        other => vec![other.unwrap_or("another condition").to_owned()],
    }))
}

fn alone(values: impl Iterator<Item = String>) -> Value {
    match values.collect::<Vec<_>>().as_slice() {
        [value] => Value::from(value.as_str()),
        values => Value::from(values),
    }
}

/// Of what matches paths or methods, which AWS tells in the field's own configuration.
fn values(condition: &RuleCondition) -> &[String] {
    let path = condition.path_pattern_config().map(PathPatternConditionConfig::values);
    let method = || {
        condition
            .http_request_method_config()
            .map(HttpRequestMethodConditionConfig::values)
    };
    path.or_else(method).unwrap_or_default()
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &ListenerRule,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyRule.html
        METHOD | PATH | TARGET_GROUP => {
            let request = client
                .modify_rule()
                .rule_arn(&observed.id)
                .set_conditions(Some(conditions(wanted)))
                .actions(forward(wanted.target_group.text()));
            changed("elasticloadbalancing:ModifyRule", request.send().await)
        }
        TAGS => tags::put(client, target, &observed.id).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(unchangeable("a listener's rule", difference)),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html>
async fn create(client: &Client, target: &Target, wanted: &ListenerRule) -> Result<Progress, CallError> {
    const CALL: &str = "elasticloadbalancing:CreateRule";
    let answer = client
        .create_rule()
        .listener_arn(wanted.listener.text())
        .priority(i32::from(wanted.priority))
        .set_conditions(Some(conditions(wanted)))
        .actions(forward(wanted.target_group.text()))
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    let made = answer.rules().first();
    created(CALL, made.and_then(Described::rule_arn), POLL_SECONDS)
}

fn conditions(wanted: &ListenerRule) -> Vec<RuleCondition> {
    let method = HttpRequestMethodConditionConfig::builder().values(&wanted.method);
    let path = PathPatternConditionConfig::builder().values(&wanted.path);
    vec![
        RuleCondition::builder()
            .field(METHOD_FIELD)
            .http_request_method_config(method.build())
            .build(),
        RuleCondition::builder()
            .field(PATH_FIELD)
            .path_pattern_config(path.build())
            .build(),
    ]
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteRule.html>
pub(crate) async fn delete(client: &Client, arn: &str) -> Result<Progress, CallError> {
    let request = client.delete_rule().rule_arn(arn);
    deleted("elasticloadbalancing:DeleteRule", request.send().await)
}

#[cfg(test)]
mod tests {
    use outrigger_model::properties::Input;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_rule_names_is_told_with_all_its_conditions() {
        let rule = |method: &str, path: &str| {
            conditions(&ListenerRule {
                listener: Input::Text(String::new()),
                priority: 1,
                method: method.to_owned(),
                path: path.to_owned(),
                target_group: Input::Text(String::new()),
            })
        };
        let host = RuleCondition::builder().field("host-header").build();
        for (conditions, method, path) in [
            (rule("GET", "/active"), json!("GET"), json!("/active")),
            (vec![], json!([]), json!([])),
            (
                [rule("GET", "/active"), vec![host]].concat(),
                json!("GET"),
                json!(["/active", "host-header"]),
            ),
            (
                [rule("GET", "/a"), rule("HEAD", "/b")].concat(),
                json!(["GET", "HEAD"]),
                json!(["/a", "/b"]),
            ),
        ] {
            assert_eq!((methods(&conditions), paths(&conditions)), (method, path));
        }
    }

    #[test]
    fn a_rule_is_told_by_its_listener() {
        let prefix = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener";
        let of = |rest: &str| listener_of(&format!("{prefix}{rest}"));
        assert_eq!(of("-rule/app/name/1/2/3"), format!("{prefix}/app/name/1/2"));
    }
}
