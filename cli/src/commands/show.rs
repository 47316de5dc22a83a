//! `outrigger show`: an operation, with every step and the requests that it made of AWS.

use clap::Args;
use outrigger_engine::ports::catalog::Tagged;
use outrigger_engine::state::content::{OperationRecord, Outcome, Workflow};
use outrigger_engine::state::{State, rfc3339};
use outrigger_model::{ResourceKey, StepState, UnixMs};
use serde::Serialize;

use crate::arguments::Format;
use crate::context::Context;
use crate::control_plane::connect;
use crate::drift_view::{self, Finding};
use crate::failure::{Class, Failure};
use crate::operation::{Picture, Way, snapshot_of};
use crate::output::{print_json, print_text, span, table, table_within, width_of_stdout};
use crate::plan_view::{self, Paint};
use crate::progress::{Purpose, elapsed_ms, remark, word};

const EXAMPLES: &str = "\
Examples:
  outrigger show shop-production-provision-20261120T103658Z-1a2b";

/// What `show` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Show {
    /// The operation's id, as `history` and `status` show it
    #[arg(value_name = "OPERATION")]
    pub operation: String,
}

/// An operation, as it is shown.
#[derive(Debug, Serialize)]
struct View {
    operation: String,
    stack: String,
    environment: String,
    workflow: Workflow,
    by: Option<String>,
    reason: Option<String>,
    started_at: String,
    /// None while it has not ended.
    closed_at: Option<String>,
    elapsed_ms: u64,
    execution_arn: String,
    outcome: Option<Outcome>,
    failures: Vec<String>,
    /// None when it is not kept any more, or was never made.
    plan: Option<plan_view::View>,
    steps: Vec<Step>,
    /// The steps back; none when it does not go back.
    rollback: Option<Vec<Step>>,
    drifted: Vec<Finding>,
    strays: Vec<Tagged>,
    kept: Vec<String>,
}

/// A step, as it is shown.
#[derive(Debug, Serialize)]
struct Step {
    key: ResourceKey,
    /// Where it stands, in a word.
    state: String,
    started_at: Option<String>,
    elapsed_ms: Option<u64>,
    remark: Option<String>,
    calls: Vec<Call>,
}

/// A call that changed something, or tried to.
#[derive(Debug, Serialize)]
struct Call {
    verb: String,
    at: String,
    /// AWS's request id, as its support knows it.
    request_id: Option<String>,
    error: Option<String>,
}

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Show) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let state = &control_plane.state;
    let operation = &options.operation;
    let view = find(state, operation).await?.ok_or_else(|| {
        let message = format!(
            "no operation {operation} is on record; list a stack's with `{}`",
            context.own_command("history STACK")
        );
        Failure::new(Class::Usage, message)
    })?;
    if context.options.output == Format::Json {
        return Ok(print_json(&view)?);
    }
    Ok(print_text(&render(&view, Paint::of_stdout(), width_of_stdout()))?)
}

/// An operation of whatever stack.
async fn find(state: &State, operation: &str) -> Result<Option<View>, Failure> {
    let Some(stack) = state.stack_of(operation).await? else {
        return Ok(None);
    };
    let picture = Picture::read(state, &stack, operation).await?;
    Ok(picture.map(|picture| view(picture, state.now_ms())))
}

fn view(picture: Picture, now_ms: UnixMs) -> View {
    let Picture { record, forward, back } = picture;
    let plan = (record.workflow != Workflow::Drift && !forward.plan.steps.is_empty())
        .then(|| plan_view::view(&record.stack, None, &forward.plan));
    let purpose = match record.workflow {
        Workflow::Drift => Purpose::Look,
        Workflow::Provision | Workflow::Destroy | Workflow::Plan | Workflow::Unlock => Purpose::Change,
    };
    let elapsed_ms = record
        .closed_at_ms
        .unwrap_or(now_ms)
        .saturating_sub(record.started_at_ms);
    View {
        plan,
        steps: steps(&forward, purpose, now_ms),
        rollback: back.map(|back| steps(&back, Purpose::GoBack, now_ms)),
        drifted: drift_view::findings(&forward.states),
        started_at: rfc3339(record.started_at_ms),
        closed_at: record.closed_at_ms.map(rfc3339),
        elapsed_ms,
        ..without_steps(record)
    }
}

/// What the record says of itself.
fn without_steps(record: OperationRecord) -> View {
    View {
        operation: record.operation,
        stack: record.stack.stack,
        environment: record.stack.environment,
        workflow: record.workflow,
        by: record.by,
        reason: record.reason,
        started_at: String::new(),
        closed_at: None,
        elapsed_ms: 0,
        execution_arn: record.execution_arn,
        outcome: record.outcome,
        failures: record.failures,
        plan: None,
        steps: Vec::new(),
        rollback: None,
        drifted: Vec::new(),
        strays: record.strays,
        kept: record.kept,
    }
}

/// Every step that is planned or has a state, in the order in which they began.
fn steps(way: &Way, purpose: Purpose, now_ms: UnixMs) -> Vec<Step> {
    let snapshot = snapshot_of(way, purpose);
    let mut keys: Vec<&ResourceKey> = snapshot.steps.keys().chain(way.states.keys()).collect();
    keys.sort_by_key(|key| {
        let since_ms = way.states.get(*key).and_then(since_ms);
        (since_ms.unwrap_or(UnixMs::MAX), *key)
    });
    keys.dedup();
    let step = |key: &ResourceKey| {
        let state = way.states.get(key).cloned().unwrap_or_default();
        let known = snapshot.steps.get(key);
        let calls = way.calls.get(key).into_iter().flatten();
        Step {
            key: key.clone(),
            state: known.map_or(state.as_str(), word).to_owned(),
            started_at: since_ms(&state).map(rfc3339),
            elapsed_ms: elapsed_ms(&state, now_ms),
            remark: remark(&state),
            calls: calls
                .map(|call| Call {
                    verb: call.verb.clone(),
                    at: rfc3339(call.at_ms),
                    request_id: call.request_id.clone(),
                    error: call.error.clone(),
                })
                .collect(),
        }
    };
    keys.into_iter().map(step).collect()
}

/// When a step began.
fn since_ms(state: &StepState) -> Option<UnixMs> {
    match state {
        StepState::Waiting | StepState::Skipped { .. } => None,
        StepState::InProgress { since_ms, .. }
        | StepState::Done { since_ms, .. }
        | StepState::PendingWindow { since_ms, .. }
        | StepState::Failed { since_ms, .. } => Some(*since_ms),
        StepState::Drifted { at_ms, .. } => Some(*at_ms),
    }
}

fn render(view: &View, paint: Paint, width: Option<usize>) -> String {
    let verb = if view.closed_at.is_some() {
        "took"
    } else {
        "running for"
    };
    let facts = [
        ("operation", Some(view.operation.clone())),
        ("stack", Some(format!("{}/{}", view.stack, view.environment))),
        ("what", Some(view.workflow.as_str().to_owned())),
        ("who", view.by.clone()),
        ("why", view.reason.clone()),
        (
            "started",
            Some(format!("{}, {verb} {}", view.started_at, span(view.elapsed_ms))),
        ),
        (
            "outcome",
            Some(view.outcome.map_or("under way", Outcome::as_str).to_owned()),
        ),
        (
            "execution",
            Some(view.execution_arn.clone()).filter(|arn| !arn.is_empty()),
        ),
    ];
    let facts: Vec<[String; 2]> = facts
        .into_iter()
        .filter_map(|(name, fact)| Some([name.to_owned(), fact?]))
        .collect();
    let mut text = table(&facts);
    let mut section = |title: &str, body: &str| {
        if !body.is_empty() {
            text.push_str(&format!("\n{title}\n{body}"));
        }
    };
    let lines = |lines: &[String]| lines.iter().map(|line| format!("  {line}\n")).collect::<String>();
    section("failures", &lines(&view.failures));
    if let Some(plan) = &view.plan {
        section("plan", &plan_view::render(plan, paint));
    }
    section("steps", &steps_text(&view.steps, width));
    section(
        "steps back",
        &steps_text(view.rollback.as_deref().unwrap_or_default(), width),
    );
    section("drift", &drift_view::render(&view.drifted, &view.strays));
    section("kept", &lines(&view.kept));
    text
}

/// Each step with its calls below it; what was found as it should be is a count.
fn steps_text(steps: &[Step], width: Option<usize>) -> String {
    let is_quiet = |step: &&Step| step.state == "unchanged" && step.calls.is_empty();
    let loud: Vec<&Step> = steps.iter().filter(|step| !is_quiet(step)).collect();
    let mut rows = Vec::new();
    for step in &loud {
        let started = step.started_at.clone().unwrap_or_default();
        rows.push([
            format!("  {}", step.key),
            step.state.clone(),
            started,
            step.elapsed_ms.map(span).unwrap_or_default(),
            step.remark.clone().unwrap_or_default(),
        ]);
    }
    let aligned = table_within(&rows, width);
    let mut text = String::new();
    for (line, step) in aligned.lines().zip(&loud) {
        text.push_str(&format!("{line}\n"));
        for call in &step.calls {
            let parts = [
                Some(format!("{} {}", call.at, call.verb)),
                call.request_id.as_ref().map(|id| format!("request {id}")),
                call.error.as_ref().map(|error| format!("failed: {error}")),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            text.push_str(&format!("      {}\n", parts.join("  ")));
        }
    }
    let quiet = steps.len() - loud.len();
    if quiet > 0 {
        text.push_str(&format!("  {quiet} unchanged\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use outrigger_engine::memory::cloud::Fault;
    use outrigger_model::Kind;
    use serde_json::json;

    use super::*;
    use crate::plan_view::golden::{reference, standing};

    #[tokio::test]
    async fn an_operation_that_went_back_is_shown_whole() {
        let mut document = reference("data-processing");
        document["on_failure"] = json!("rollback");
        let world = standing(&document).await;
        document["streams"]["stream"]["shards"] = json!(4);
        document["streams"]["other"] = json!({"shards": 1});
        document["databases"]["database"]["class"] = json!("db.t3.medium");
        world.cloud.set_plot(|_, call| {
            let is_database = call.key.kind == Kind::DbInstance && call.verb == "change";
            is_database.then_some(Fault::Refused)
        });
        world.provision("second", &document).await;
        let mut view = find(&world.state, "second").await.unwrap().unwrap();
        view.by = Some("arn:aws:iam::123456789012:user/ada".to_owned());
        view.reason = Some("more room".to_owned());
        assert_eq!(view.outcome, Some(Outcome::RolledBack));
        insta::assert_snapshot!(render(&view, Paint::Plain, None));
        let json = serde_json::to_value(&view).unwrap();
        assert_eq!(json["outcome"], "rolled_back");
        assert!(json["rollback"].is_array());
    }

    #[tokio::test]
    async fn an_inspection_is_shown_with_what_it_found() {
        let world = standing(&reference("data-processing")).await;
        world.cloud.remove(&"us-east-1/alarm/database-cpu".parse().unwrap());
        world.drift("drift", "data-processing", "production", false).await;
        let view = find(&world.state, "drift").await.unwrap().unwrap();
        insta::assert_snapshot!(render(&view, Paint::Plain, None), @r"
        operation  drift
        stack      data-processing/production
        what       drift
        started    2023-11-14T22:18:39Z, took 2.0 s
        outcome    succeeded
        execution  arn:aws:states:us-east-1:000000000000:execution:memory:drift

        steps
          us-east-1/alarm/database-cpu  drifted  2023-11-14T22:18:41Z    it is gone
          25 unchanged

        drift
        us-east-1/alarm/database-cpu is gone
        ");
    }

    #[tokio::test]
    async fn what_is_not_on_record_is_not_found() {
        let world = standing(&reference("postgres-ha")).await;
        assert!(find(&world.state, "never").await.unwrap().is_none());
    }
}
