//! `outrigger drift`: look for what was changed behind Outrigger's back.

use std::collections::BTreeMap;

use anyhow::anyhow;
use clap::Args;
use outrigger_engine::ports::catalog::Tagged;
use outrigger_engine::state::content::{OperationRecord, Workflow};
use outrigger_model::{Drift as Found, ResourceKey, StackId};
use outrigger_plan::plan::Records;
use serde::Serialize;
use serde_json::json;

use crate::arguments::Format;
use crate::context::{Context, say};
use crate::control_plane::connect;
use crate::drift_view::{Finding, count, findings, render, why_not_acceptable};
use crate::failure::{Class, Failure};
use crate::operation::{About, Ended, follow, start};
use crate::output::{print_json, print_text};
use crate::stack::Stack;

const EXAMPLES: &str = "\
Examples:
  outrigger drift shop
  outrigger drift shop --accept --reason \"more shards for the sale\"";

/// What `drift` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Drift {
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,

    /// Take what is there into the record, so that it is no drift any more
    #[arg(long)]
    pub accept: bool,

    /// Why; it is kept with the operation's record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct View {
    stack: String,
    environment: String,
    operation: String,
    execution_arn: String,
    /// Whether everything is as it is recorded, or was taken into the record.
    clean: bool,
    /// Whether what was found was to be taken into the record.
    accept: bool,
    /// How many resources were looked at.
    resources: usize,
    drifted: Vec<Finding>,
    strays: Vec<Tagged>,
    /// Why what cannot be taken into the record cannot.
    not_acceptable: BTreeMap<ResourceKey, String>,
    failures: Vec<String>,
}

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Drift) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let stack = options.stack.stack.resolve(&control_plane).await?;
    let about = About::new(&control_plane, options.reason.as_deref()).await;
    // Before it runs: what is accepted changes them.
    let records = control_plane.state.records(&stack).await?;
    let input = about.input(json!({
        "stack": stack.stack,
        "environment": stack.environment,
        "accept": options.accept,
    }));
    let operation = start(&control_plane, &stack, Workflow::Drift, &input).await?;
    say(&format!(
        "operation {} on {stack}, {}",
        operation.id, control_plane.place
    ));
    let ended = follow(context, &control_plane, &operation).await?;
    conclude(context, &stack, &ended, &records, options.accept)
}

/// Says what was found, with what to do about it.
pub(super) fn conclude(
    context: &Context,
    stack: &StackId,
    ended: &Ended,
    records: &Records,
    accept: bool,
) -> Result<(), Failure> {
    let again = format!("drift {stack}");
    let Some(record) = &ended.record else {
        return Err(ended
            .failure(context, &again)
            .unwrap_or_else(|| anyhow!("the operation {} left no record", ended.operation).into()));
    };
    let view = view(record, records, accept);
    if context.options.output == Format::Json {
        print_json(&view)?;
    } else if ended.succeeded || !view.drifted.is_empty() {
        print_text(&text(&view))?;
        say(&advice(context, stack, &view));
    }
    if let Some(failure) = ended.failure(context, &again) {
        return Err(failure);
    }
    match count(record).filter(|_| !view.clean) {
        None => Ok(()),
        Some(count) => Err(Failure::new(Class::Drifted, format!("drift on {stack}: {count}"))),
    }
}

fn view(record: &OperationRecord, records: &Records, accept: bool) -> View {
    let drifted = findings(&record.steps);
    let not_acceptable: BTreeMap<ResourceKey, String> = drifted
        .iter()
        .filter_map(|Finding { key, drift }| {
            let why = why_not_acceptable(drift, records.get(key))?;
            Some((key.clone(), why))
        })
        .collect();
    let is_settled = match accept {
        true => not_acceptable.is_empty(),
        false => drifted.is_empty(),
    };
    View {
        stack: record.stack.stack.clone(),
        environment: record.stack.environment.clone(),
        operation: record.operation.clone(),
        execution_arn: record.execution_arn.clone(),
        clean: is_settled && record.strays.is_empty() && record.failures.is_empty(),
        accept,
        resources: record.steps.len(),
        drifted,
        strays: record.strays.clone(),
        not_acceptable,
        failures: record.failures.clone(),
    }
}

fn text(view: &View) -> String {
    if view.drifted.is_empty() && view.strays.is_empty() {
        return format!("no drift: {} resources are as they are recorded\n", view.resources);
    }
    render(&view.drifted, &view.strays)
}

/// What to do about it, or what was done.
fn advice(context: &Context, stack: &StackId, view: &View) -> String {
    let mut lines = Vec::new();
    if view.accept {
        let accepted = view
            .drifted
            .iter()
            .filter(|finding| !view.not_acceptable.contains_key(&finding.key));
        for Finding { key, drift } in accepted {
            lines.push(match drift {
                Found::Missing => format!("forgotten: {key}; `{}` creates it anew", context.own_command("up FILE")),
                Found::NotOurs { .. } | Found::Broken { .. } | Found::Changed { .. } => {
                    format!("accepted: {key}; say it in the document too, or the next `up` changes it back")
                }
            });
        }
    } else if !view.drifted.is_empty() {
        lines.push(format!("to put it back: {}", context.own_command("up FILE")));
        if view.not_acceptable.len() < view.drifted.len() {
            lines.push(format!(
                "to take it into the record: {}",
                context.own_command(&format!("drift {stack} --accept"))
            ));
        }
    }
    let word = if view.accept {
        "not accepted"
    } else {
        "cannot be accepted"
    };
    for (key, why) in &view.not_acceptable {
        lines.push(format!("{word}: {key}: {why}"));
    }
    if !view.strays.is_empty() {
        lines.push("what is new under the stack's tags: delete it, or take the tags off; `up` deletes a second object of a recorded resource".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use outrigger_model::document;

    use super::*;
    use crate::context::tests::context;
    use crate::plan_view::golden::{reference, standing};

    /// What is shown of a stack after these changes behind our back, with and without `--accept`.
    async fn check(tamper: bool, accept: bool) -> (bool, String) {
        let document = reference("data-processing");
        let stack = document::parse(&document).unwrap().id();
        let mut world = standing(&document).await;
        if tamper {
            let key = |text: &str| text.parse::<ResourceKey>().unwrap();
            world.cloud.tamper(&key("us-east-1/stream/stream"), |resource| {
                if let outrigger_model::Properties::Stream(stream) = &mut resource.properties {
                    stream.shards = 4;
                }
            });
            world.cloud.remove(&key("us-east-1/alarm/database-cpu"));
            world.catalog.tagged = vec![Tagged {
                arn: "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-2".to_owned(),
                kind: outrigger_model::Kind::Vpc,
                id: "vpc-2".to_owned(),
            }];
        }
        let records = world.state.records(&stack).await.unwrap();
        world.drift("drift", &stack.stack, &stack.environment, accept).await;
        let record = world.state.operation(&stack, "drift").await.unwrap().unwrap();
        let view = view(&record, &records, accept);
        let advice = advice(&context(), &stack, &view).replace("cargo run --", "outrigger");
        (view.clean, format!("{}---\n{advice}", text(&view)))
    }

    #[tokio::test]
    async fn no_drift_is_said() {
        let (clean, text) = check(false, false).await;
        assert!(clean);
        assert_eq!(text, "no drift: 26 resources are as they are recorded\n---\n");
    }

    #[tokio::test]
    async fn drift_is_shown_with_what_to_do() {
        let (clean, text) = check(true, false).await;
        assert!(!clean);
        insta::assert_snapshot!(text, @r"
        us-east-1/stream/stream was changed
          shards: 2 → 4
        us-east-1/alarm/database-cpu is gone
        new, with the stack's tags, and nothing is recorded of it
          vpc vpc-2 (arn:aws:ec2:us-east-1:123456789012:vpc/vpc-2)
        ---
        to put it back: outrigger up FILE --target aws --control-plane outrigger-dev
        to take it into the record: outrigger drift data-processing/production --accept --target aws --control-plane outrigger-dev
        what is new under the stack's tags: delete it, or take the tags off; `up` deletes a second object of a recorded resource
        ");
        let (clean, text) = check(true, true).await;
        // What is new under the tags cannot be accepted.
        assert!(!clean);
        insta::assert_snapshot!(text, @r"
        us-east-1/stream/stream was changed
          shards: 2 → 4
        us-east-1/alarm/database-cpu is gone
        new, with the stack's tags, and nothing is recorded of it
          vpc vpc-2 (arn:aws:ec2:us-east-1:123456789012:vpc/vpc-2)
        ---
        accepted: us-east-1/stream/stream; say it in the document too, or the next `up` changes it back
        forgotten: us-east-1/alarm/database-cpu; `outrigger up FILE --target aws --control-plane outrigger-dev` creates it anew
        what is new under the stack's tags: delete it, or take the tags off; `up` deletes a second object of a recorded resource
        ");
    }
}
