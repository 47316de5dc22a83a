//! `outrigger doctor`: whether all that commands need is there.

mod finding;
mod tools;

use outrigger_engine::ports::clock::{Clock, SystemClock};
use outrigger_engine::state::content::Workflow;
use serde_json::json;

use self::finding::{Finding, Health, clock, failed, render, version};
use crate::arguments::{Format, Target};
use crate::context::{Context, blocking};
use crate::control_plane::{ControlPlane, Place, connect, place};
use crate::failure::{Class, Failure};
use crate::output::{print_json, print_text};
use crate::plan_view::Paint;

pub(crate) const EXAMPLES: &str = "\
Examples:
  outrigger doctor
  outrigger doctor --target aws --control-plane outrigger-dev
  outrigger doctor --output json";

/// Runs the command: it looks, and changes nothing.
pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let mut findings = blocking(|| tools::tools(context));
    if context.options.target == Target::Local {
        findings.push(blocking(|| tools::local_aws(context)));
    }
    if findings
        .iter()
        .all(|finding| finding.check != "local AWS" || finding.health == Health::Ok)
    {
        findings.extend(aws(context).await);
    }
    let failed = failed(&findings);
    match context.options.output {
        Format::Json => print_json(&json!({"healthy": failed.is_none(), "findings": findings}))?,
        Format::Text => print_text(&render(&findings, Paint::of_stdout()))?,
    }
    failed.map_or(Ok(()), |failed| Err(Failure::new(Class::Environment, failed)))
}

/// The AWS that the options mean, and the control plane in it.
async fn aws(context: &Context) -> Vec<Finding> {
    let Place { aws, region, .. } = match place(context).await {
        Ok(place) => place,
        Err(failure) => {
            let advice = "set AWS_REGION, or `region` in the profile that AWS_PROFILE names";
            return vec![Finding::fail("region", failure.to_string(), advice)];
        }
    };
    let mut findings = vec![Finding::ok("region", region.to_string())];
    let (caller, aws_ms) = outrigger_aws_sts::caller_and_time(&aws, Some(&region)).await;
    let has_credentials = caller.is_ok();
    findings.push(Finding::of(
        "credentials",
        caller,
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sts get-caller-identity` is to work",
    ));
    findings.push(clock(SystemClock.now_ms(), aws_ms));
    if !has_credentials {
        return findings;
    }
    match connect(context).await {
        Ok(control_plane) => findings.extend(control_plane_of(context, &control_plane).await),
        Err(failure) => {
            let advice = format!(
                "install it: {}; if the call was refused, ask for cloudformation:DescribeStacks",
                context.own_command("bootstrap")
            );
            findings.push(Finding::fail("control plane", failure.to_string(), advice));
        }
    }
    findings
}

/// The control plane, and what this user may do with it. Whether an execution may be started cannot be told without
/// starting one.
async fn control_plane_of(context: &Context, control_plane: &ControlPlane) -> Vec<Finding> {
    let install = context.own_command("bootstrap");
    let status = control_plane.status();
    let mut findings = vec![match is_settled(status) {
        true => Finding::ok("control plane", format!("{}, {status}", control_plane.name)),
        false => Finding::warn(
            "control plane",
            format!("{} is in status {status}", control_plane.name),
            format!("wait until it is complete, or install it again: {install}"),
        ),
    }];
    findings.push(version(control_plane.version(), env!("CARGO_PKG_VERSION"), &install));
    let stacks = control_plane.state.stacks().await;
    findings.push(Finding::of(
        "state table",
        stacks.map(|stacks| match stacks.len() {
            1 => "read: 1 stack is on record".to_owned(),
            count => format!("read: {count} stacks are on record"),
        }),
        "ask for dynamodb:GetItem and dynamodb:Query on the table of states",
    ));
    findings.push(Finding::of(
        "workflows",
        workflows(control_plane).await,
        format!(
            "ask for states:DescribeExecution and states:StartExecution on the control plane's state machines; where one is \
             missing, install it again: {install}"
        ),
    ));
    findings
}

/// Looks for an execution that is not there, of each workflow: AWS tells so only to who may look.
async fn workflows(control_plane: &ControlPlane) -> Result<String, Failure> {
    let workflows = [Workflow::Plan, Workflow::Provision, Workflow::Destroy, Workflow::Drift];
    for workflow in workflows {
        let arn = outrigger_aws_sfn::execution_arn(control_plane.machine(workflow)?, "doctor");
        control_plane.executions.describe_execution(&arn).await?;
    }
    let names = workflows.map(Workflow::as_str).join(", ");
    Ok(format!(
        "{names}: executions can be looked at; starting one was not tried"
    ))
}

fn is_settled(status: &str) -> bool {
    matches!(status, "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE")
}
