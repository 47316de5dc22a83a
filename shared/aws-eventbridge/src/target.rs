//! The target of a rule: a function that gets each event that the rule matches, as it is. It has no tags: it belongs to its
//! rule.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::Target as SdkTarget;
use outrigger_aws::call_error;
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::EventTarget;

use crate::call::{CODES, POLL_SECONDS, failed_entry, found, joined, parted};
use crate::{PAGE, PAGES_MAX};

const FUNCTION: &str = "function";
/// The event as it is, always.
const INPUT: &str = "input";

/// The target with the name among those of its rule.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &EventTarget,
) -> Result<Option<Observed>, CallError> {
    let (bus, rule, name) = (wanted.bus.text(), wanted.rule.text(), &target.resource.physical_name);
    let Some(there) = get(client, bus, rule, name).await? else {
        return Ok(None);
    };
    Ok(Some(Observed {
        id: joined(&[bus, rule, name]),
        condition: Condition::Ready,
        ours: true,
        differences: differences(wanted, &there),
        ..Observed::default()
    }))
}

fn differences(wanted: &EventTarget, there: &SdkTarget) -> Vec<Difference> {
    let transformed = there.input_transformer().map(|of| of.input_template());
    let input = there.input().or(there.input_path()).or(transformed);
    [
        Difference::between(FUNCTION, &wanted.function.text(), &there.arn()),
        Difference::between(INPUT, &None, &input),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// ListTargetsByRule, which has no paginator:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html>.
async fn get(client: &Client, bus: &str, rule: &str, name: &str) -> Result<Option<SdkTarget>, CallError> {
    if bus.is_empty() || rule.is_empty() {
        return Ok(None);
    }
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let request = client.list_targets_by_rule().event_bus_name(bus).rule(rule).limit(PAGE);
        let answer = request.set_next_token(next).send().await;
        let Some(page) = found("events:ListTargetsByRule", answer)? else {
            return Ok(None);
        };
        let there = page.targets.into_iter().flatten().find(|there| there.id() == name);
        if there.is_some() || page.next_token.is_none() {
            return Ok(there);
        }
        next = page.next_token;
    }
    Ok(None)
}

/// PutTargets, which adds, or replaces everything of the target:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &EventTarget,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    const CALL: &str = "events:PutTargets";
    if observed.is_some_and(|observed| observed.differences.is_empty()) {
        return Ok(Progress::Done);
    }
    let (bus, rule, name) = (wanted.bus.text(), wanted.rule.text(), &target.resource.physical_name);
    let entry = SdkTarget::builder().id(name).arn(wanted.function.text()).build();
    let entry = entry.map_err(|error| CallError::invalid(CALL, error.to_string()))?;
    let request = client.put_targets().event_bus_name(bus).rule(rule).targets(entry);
    let answer = request.send().await.map_err(|error| call_error(CALL, CODES, &error))?;
    match answer.failed_entries().first() {
        Some(failed) => Err(failed_entry(CALL, failed.error_code(), failed.error_message())),
        None => Ok(Progress::created(joined(&[bus, rule, name]), POLL_SECONDS)),
    }
}

/// RemoveTargets: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html>. What is not there is
/// looked at first.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "events:RemoveTargets";
    let [bus, rule, name] = parted(CALL, id)?;
    if get(client, bus, rule, name).await?.is_none() {
        return Ok(Progress::Done);
    }
    let request = client.remove_targets().event_bus_name(bus).rule(rule).ids(name);
    let answer = match found(CALL, request.send().await)? {
        Some(answer) => answer,
        None => return Ok(Progress::Done),
    };
    match answer.failed_entries().first() {
        Some(failed) => Err(failed_entry(CALL, failed.error_code(), failed.error_message())),
        None => Ok(Progress::changed(POLL_SECONDS)),
    }
}
