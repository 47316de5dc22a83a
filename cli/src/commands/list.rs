//! `outrigger list`: the stacks there are.

use futures::future::try_join_all;
use outrigger_engine::state::content::{Blueprint, OperationRecord, Outcome, StackState, Workflow};
use outrigger_engine::state::{State, rfc3339};
use outrigger_model::{StackId, StepState, UnixMs};
use serde::Serialize;
use serde_json::Value;

use super::status::operation_words;
use crate::arguments::Format;
use crate::context::Context;
use crate::control_plane::connect;
use crate::failure::Failure;
use crate::output::{age, print_json, print_text, table_within, width_of_stdout};

pub(crate) const EXAMPLES: &str = "\
Examples:
  outrigger list
  outrigger list --output json";

/// How many stacks are read at once.
const READS_AT_ONCE: usize = 8;

/// A stack, as it is listed.
#[derive(Debug, PartialEq, Serialize)]
struct Entry {
    stack: String,
    environment: String,
    /// Of its document; none where it is down.
    region: Option<String>,
    /// What has become of it, in words.
    state: String,
    /// The operation under way, or the last one.
    operation: Option<String>,
    workflow: Option<Workflow>,
    outcome: Option<Outcome>,
    started_at: Option<String>,
    /// None while it has not ended.
    closed_at: Option<String>,
    /// Since the last operation ended, or else began.
    age_ms: Option<u64>,
    /// How many resources differ from what is recorded; none unless the last operation looked for that.
    drifted: Option<usize>,
}

/// Runs the command.
pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let entries = entries(&control_plane.state).await?;
    if context.options.output == Format::Json {
        return Ok(print_json(&serde_json::json!({"stacks": entries}))?);
    }
    if entries.is_empty() {
        return Ok(print_text(&format!("there is no stack in {}", control_plane.place))?);
    }
    Ok(print_text(&render(&entries, width_of_stdout()))?)
}

async fn entries(state: &State) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for some in state.stacks().await?.chunks(READS_AT_ONCE) {
        entries.extend(try_join_all(some.iter().map(|stack| read(state, stack))).await?);
    }
    Ok(entries)
}

async fn read(state: &State, stack: &StackId) -> Result<Entry, Failure> {
    let (known, _) = state.stack(stack).await?.unwrap_or_default();
    let record = match &known.operation {
        Some(operation) => state.operation(stack, operation).await?,
        None => None,
    };
    let blueprint: Option<Blueprint> = match &known.document {
        Some(hash) => state.blob(stack, hash).await?,
        None => None,
    };
    Ok(entry(stack, &known, record, blueprint.as_ref(), state.now_ms()))
}

fn entry(
    stack: &StackId,
    known: &StackState,
    record: Option<OperationRecord>,
    blueprint: Option<&Blueprint>,
    now_ms: UnixMs,
) -> Entry {
    let moment_ms = record
        .as_ref()
        .map(|record| record.closed_at_ms.unwrap_or(record.started_at_ms));
    Entry {
        stack: stack.stack.clone(),
        environment: stack.environment.clone(),
        region: blueprint.and_then(|blueprint| regions(&blueprint.document)),
        state: record
            .as_ref()
            .map_or_else(|| "nothing on record".to_owned(), |record| state_words(known, record)),
        drifted: record.as_ref().and_then(drifted),
        workflow: record.as_ref().map(|record| record.workflow),
        outcome: record.as_ref().and_then(|record| record.outcome),
        started_at: record.as_ref().map(|record| rfc3339(record.started_at_ms)),
        closed_at: record.as_ref().and_then(|record| record.closed_at_ms).map(rfc3339),
        age_ms: moment_ms.map(|moment_ms| now_ms.saturating_sub(moment_ms)),
        operation: record.map(|record| record.operation),
    }
}

/// A document's region, or its regions.
fn regions(document: &Value) -> Option<String> {
    if let Some(region) = document.get("region") {
        return region.as_str().map(str::to_owned);
    }
    let regions = document.get("regions")?.as_array()?.iter().filter_map(Value::as_str);
    Some(regions.collect::<Vec<_>>().join(", "))
}

/// What has become of the stack; an inspection changes nothing of that.
fn state_words(known: &StackState, record: &OperationRecord) -> String {
    let only_looked_at = record.workflow == Workflow::Drift && record.outcome.is_some();
    if only_looked_at && known.applied.is_some() {
        return "stands".to_owned();
    }
    operation_words(record)
}

/// How many resources an inspection found changed.
fn drifted(record: &OperationRecord) -> Option<usize> {
    let is_inspection = record.workflow == Workflow::Drift && record.outcome == Some(Outcome::Succeeded);
    is_inspection.then(|| {
        let states = record.steps.values();
        states
            .filter(|state| matches!(state, StepState::Drifted { .. }))
            .count()
    })
}

fn render(entries: &[Entry], width: Option<usize>) -> String {
    let mut rows = vec![["stack", "region", "state", "last operation", "when", "drift"].map(str::to_owned)];
    for entry in entries {
        let when = match (entry.age_ms, &entry.closed_at) {
            (None, _) => String::new(),
            (Some(age_ms), Some(_)) => format!("{} ago", age(age_ms)),
            (Some(age_ms), None) => format!("for {}", age(age_ms)),
        };
        rows.push([
            format!("{}/{}", entry.stack, entry.environment),
            entry.region.clone().unwrap_or_default(),
            entry.state.clone(),
            entry.workflow.map(Workflow::as_str).unwrap_or_default().to_owned(),
            when,
            match entry.drifted {
                None => String::new(),
                Some(0) => "none".to_owned(),
                Some(1) => "1 resource".to_owned(),
                Some(count) => format!("{count} resources"),
            },
        ]);
    }
    table_within(&rows, width)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan_view::golden::{reference, standing};

    #[tokio::test]
    async fn stacks_are_listed_with_what_became_of_them() {
        let mut other = reference("postgres-ha");
        other["databases"]["database"]["deletion_protection"] = json!(false);
        let world = standing(&other).await;
        let list = async || entries(&world.state).await.unwrap();
        let first = serde_json::to_value(&list().await[0]).unwrap();
        assert_eq!(
            first,
            json!({
                "stack": "postgres-ha", "environment": "production", "region": "us-west-2", "state": "stands",
                "operation": "first", "workflow": "provision", "outcome": "succeeded",
                "started_at": "2023-11-14T22:13:20Z", "closed_at": first["closed_at"], "age_ms": first["age_ms"],
                "drifted": null,
            })
        );

        world.destroy("second", "postgres-ha", "production").await;
        world.provision("third", &reference("data-processing")).await;
        world.clock.advance(3 * 3_600_000);
        world.cloud.remove(&"us-east-1/alarm/database-cpu".parse().unwrap());
        world.drift("fourth", "data-processing", "production", false).await;
        world.clock.advance(120_000);
        insta::assert_snapshot!(render(&list().await, None), @r"
        stack                       region     state    last operation  when       drift
        data-processing/production  us-east-1  stands   drift           2 min ago  1 resource
        postgres-ha/production                 is down  destroy         3 h ago
        ");
        insta::assert_snapshot!(render(&list().await, Some(70)), @r"
        stack                       region    state    last op…  when      drift
        data-processing/production  us-east…  stands   drift     2 min a…  1 resou…
        postgres-ha/production                is down  destroy   3 h ago
        ");
    }

    #[test]
    fn what_is_under_way_is_said() {
        let stack = StackId {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
        };
        let record = OperationRecord::begun("a", &stack, Workflow::Provision, "", 60_000);
        let known = StackState::default();
        let under_way = entry(&stack, &known, Some(record), None, 360_000);
        let never = entry(&stack, &known, None, None, 360_000);
        insta::assert_snapshot!(render(&[under_way, never], None), @r"
        stack            region  state              last operation  when       drift
        shop/production          being stood up     provision       for 5 min
        shop/production          nothing on record
        ");
    }
}
