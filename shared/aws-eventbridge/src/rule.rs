//! `AWS::Events::Rule` of a custom event bus: enabled, with a pattern.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
use aws_sdk_eventbridge::types::{RuleState, Tag};
use outrigger_aws::{TAGS, TAGS_GONE, missing_tags, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::EventRule;
use outrigger_model::resource::is_ours;
use serde_json::Value;

use crate::call::{POLL_SECONDS, changed, deleted, found, joined, parted};
use crate::tags;

const DESCRIPTION: &str = "description";
const PATTERN: &str = "pattern";
/// Enabled, always.
const STATE: &str = "state";
const ARN: &str = "arn";

/// The rule with the name on its bus, whoever's it is.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &EventRule,
) -> Result<Option<Observed>, CallError> {
    let (bus, name) = (wanted.bus.text(), &target.resource.physical_name);
    let Some(there) = get(client, bus, name).await? else {
        return Ok(None);
    };
    let arn = there.arn().unwrap_or_default();
    let Some(actual_tags) = tags::read(client, arn).await? else {
        return Ok(None);
    };
    let of_tags = [
        missing_tags(&target.resource.tags, &actual_tags),
        surplus_tags(&target.tags_gone, &actual_tags),
    ];
    let attributes = [(ARN, arn), ("name", name.as_str())];
    Ok(Some(Observed {
        id: joined(&[bus, name]),
        attributes: attributes
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: settings(wanted, &there).into_iter().chain(of_tags).flatten().collect(),
        pending: Vec::new(),
        duplicates: Vec::new(),
    }))
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html>
async fn get(client: &Client, bus: &str, name: &str) -> Result<Option<DescribeRuleOutput>, CallError> {
    // Of a bus that is not there, nothing is either; without a name the default bus would be meant.
    if bus.is_empty() {
        return Ok(None);
    }
    let request = client.describe_rule().event_bus_name(bus).name(name);
    found("events:DescribeRule", request.send().await)
}

/// Where the rule differs; patterns that mean the same are the same, however they are written.
fn settings(wanted: &EventRule, there: &DescribeRuleOutput) -> [Option<Difference>; 3] {
    let actual = there.event_pattern().unwrap_or_default();
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    let is_same = json(actual).is_some_and(|actual| json(&wanted.pattern) == Some(actual));
    let state = there.state().map_or("", RuleState::as_str);
    [
        (!is_same).then(|| Difference::new(PATTERN, &wanted.pattern, &actual)),
        Difference::between(STATE, &RuleState::Enabled.as_str(), &state),
        Difference::between(
            DESCRIPTION,
            &wanted.description.as_str(),
            &there.description().unwrap_or_default(),
        ),
    ]
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &EventRule,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        put(client, target, wanted, Some(tags::to_sdk(&target.resource.tags)?)).await?;
        let id = joined(&[wanted.bus.text(), &target.resource.physical_name]);
        return Ok(Progress::created(id, POLL_SECONDS));
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = observed.attributes.get(ARN).map_or("", String::as_str);
    match difference.property {
        PATTERN | STATE | DESCRIPTION => put(client, target, wanted, None).await,
        TAGS => tags::put(client, target, arn).await,
        TAGS_GONE => tags::remove(client, arn, difference).await,
        _ => Ok(unchangeable("a rule", difference)),
    }
}

/// PutRule, which creates, or replaces everything but the tags:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html>.
async fn put(
    client: &Client,
    target: &Target,
    wanted: &EventRule,
    tags: Option<Vec<Tag>>,
) -> Result<Progress, CallError> {
    let request = client
        .put_rule()
        .event_bus_name(wanted.bus.text())
        .name(&target.resource.physical_name)
        .description(&wanted.description)
        .event_pattern(&wanted.pattern)
        .state(RuleState::Enabled)
        .set_tags(tags);
    changed("events:PutRule", request.send().await)
}

/// DeleteRule, once it has no targets: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html>.
/// It succeeds where there is no rule, so that is looked at first.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "events:DeleteRule";
    let [bus, name] = parted(CALL, id)?;
    if get(client, bus, name).await?.is_none() {
        return Ok(Progress::Done);
    }
    deleted(CALL, client.delete_rule().event_bus_name(bus).name(name).send().await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Input;

    #[test]
    fn what_a_rule_means_counts_and_not_how_it_is_written() {
        let wanted = EventRule {
            bus: Input::Text("bus".to_owned()),
            description: "a rule".to_owned(),
            pattern: r#"{"detail":{"a":[1]},"source":["shop"]}"#.to_owned(),
        };
        let check = |pattern: &str, state: RuleState, expected: &[&str]| {
            let there = DescribeRuleOutput::builder()
                .event_pattern(pattern)
                .state(state)
                .description("a rule")
                .build();
            let found = settings(&wanted, &there).into_iter().flatten();
            let found: Vec<&str> = found.map(|difference| difference.property).collect();
            assert_eq!(found, expected, "{pattern}");
        };
        let same = r#"{ "source": ["shop"], "detail": {"a": [1]} }"#;
        check(same, RuleState::Enabled, &[]);
        check(same, RuleState::Disabled, &[STATE]);
        check(r#"{"source":["shop"]}"#, RuleState::Enabled, &[PATTERN]);
        check("no JSON", RuleState::Enabled, &[PATTERN]);
    }
}
