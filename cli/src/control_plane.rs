//! Finding the control plane, and what a command talks to it with.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use outrigger_aws::Aws;
use outrigger_aws_cloudformation::{CloudFormation, StackDescription};
use outrigger_aws_dynamodb::DynamoStore;
use outrigger_aws_sfn::StepFunctions;
use outrigger_engine::ports::clock::SystemClock;
use outrigger_engine::state::State;
use outrigger_engine::state::content::Workflow;
use outrigger_model::Region;

use crate::arguments::Target;
use crate::context::{Context, blocking};
use crate::failure::{Class, Classify, Failure};
use crate::local::{LocalAws, Project};

/// An installed control plane.
pub(crate) struct ControlPlane {
    /// Its name: its CloudFormation stack.
    pub(crate) name: String,
    /// Where it is, for people.
    pub(crate) place: String,
    /// Whether it is in a local AWS.
    pub(crate) is_local: bool,
    /// The state of its stacks.
    pub(crate) state: State,
    /// Its workflows' executions.
    pub(crate) executions: StepFunctions,
    /// Where documents go that are too large for an execution's input.
    pub(crate) document_bucket: Option<String>,
    aws: Aws,
    region: Region,
    /// Its CloudFormation stack.
    stack: StackDescription,
}

impl ControlPlane {
    /// The state machine of a workflow.
    ///
    /// # Errors
    /// When the control plane has none: it is not whole, or older than this command line.
    pub(crate) fn machine(&self, workflow: Workflow) -> Result<&str, Failure> {
        let key = match workflow {
            Workflow::Provision => "ProvisionStackArn",
            Workflow::Destroy => "DestroyStackArn",
            Workflow::Plan => "PlanStackArn",
            Workflow::Drift => "DriftStackArn",
            Workflow::Unlock => return Err(anyhow!("no workflow breaks a lease").into()),
        };
        output_of(&self.stack, key, &self.name).class(Class::Environment)
    }

    /// Who uses this command line, as AWS knows them; `None` where it does not tell.
    pub(crate) async fn caller(&self) -> Option<String> {
        outrigger_aws_sts::caller(&self.aws, Some(&self.region)).await.ok()
    }
}

/// Finds the control plane that the options mean.
///
/// # Errors
/// When the AWS they mean is not there, or the control plane is not installed in it: what to do is in the error.
pub(crate) async fn connect(context: &Context) -> Result<ControlPlane, Failure> {
    match context.options.target {
        Target::Local => {
            let project = Project::find().class(Class::Environment)?;
            let running = blocking(|| LocalAws::running(&project)).class(Class::Environment)?;
            let local = running.ok_or_else(|| {
                let message = format!(
                    "the local AWS is not running; start it with `{}` and install the control plane with `{}`, or do it \
                     all with `{}`",
                    context.own_command("local up"),
                    context.own_command("bootstrap"),
                    context.own_command("demo"),
                );
                Failure::new(Class::Environment, message)
            })?;
            connect_local(context, &local).await
        }
        Target::Aws => {
            let aws = Aws::new();
            let region = region_of(&aws).await.class(Class::Environment)?;
            let place = format!("AWS, {region}");
            find(context, &aws, &region, place, false)
                .await
                .class(Class::Environment)
        }
    }
}

/// The control plane in a local AWS.
pub(crate) async fn connect_local(context: &Context, local: &LocalAws) -> Result<ControlPlane, Failure> {
    let place = format!("the local AWS at {}", local.endpoint());
    let region = Region::new(local.region());
    find(context, &local.aws(), &region, place, true)
        .await
        .class(Class::Environment)
}

/// The region that the environment means.
pub(crate) async fn region_of(aws: &Aws) -> Result<Region> {
    let config = aws.config(None).await;
    let region = config.region().ok_or_else(|| {
        anyhow!("no AWS region is set; set AWS_REGION, or `region` in the profile that AWS_PROFILE names")
    })?;
    Ok(Region::new(region.as_ref()))
}

async fn find(context: &Context, aws: &Aws, region: &Region, place: String, is_local: bool) -> Result<ControlPlane> {
    let name = &context.options.control_plane;
    let stack = CloudFormation::new(aws, region)
        .describe_stack(name)
        .await
        .with_context(|| format!("look for the control plane {name} in {place}"))?
        .ok_or_else(|| {
            anyhow!(
                "there is no control plane {name} in {place}; install it with `{}`",
                context.own_command("bootstrap")
            )
        })?;
    let table = output_of(&stack, "StateTable", name)?;
    let store = DynamoStore::new(aws, Some(region.clone()), table);
    Ok(ControlPlane {
        name: name.clone(),
        place,
        is_local,
        state: State::new(Arc::new(store), Arc::new(SystemClock)),
        executions: StepFunctions::new(aws, region),
        document_bucket: stack.outputs.get("DocumentBucket").cloned(),
        aws: aws.clone(),
        region: region.clone(),
        stack,
    })
}

fn output_of<'a>(stack: &'a StackDescription, key: &str, name: &str) -> Result<&'a str> {
    stack.outputs.get(key).map(String::as_str).ok_or_else(|| {
        anyhow!(
            "the CloudFormation stack {name} is no whole control plane of this version: it has no output {key} and is in \
             status {}; install it again",
            stack.status
        )
    })
}
