//! Finding the control plane, and what a command talks to it with.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use outrigger_aws::Aws;
use outrigger_aws_cloudformation::{CloudFormation, StackDescription};
use outrigger_aws_cloudwatchlogs::LogReader;
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

    /// The status of its CloudFormation stack.
    pub(crate) fn status(&self) -> &str {
        &self.stack.status
    }

    /// Its version, as far as it tells one.
    pub(crate) fn version(&self) -> Option<&str> {
        self.stack.outputs.get("Version").map(String::as_str)
    }

    /// Whether an execution is in the region that this is talked to in.
    pub(crate) fn runs_here(&self, execution_arn: &str) -> bool {
        execution_arn.split(':').nth(3) == Some(self.region.as_str())
    }

    /// The names of its functions.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &str> {
        let outputs = self.stack.outputs.iter();
        outputs
            .filter(|(key, _)| key.ends_with("Function"))
            .map(|(_, name)| name.as_str())
    }

    /// A function's name without the control plane's, which every one begins with.
    pub(crate) fn short(&self, function: &str) -> String {
        let rest = function
            .strip_prefix(&self.name)
            .and_then(|rest| rest.strip_prefix('-'));
        rest.unwrap_or(function).to_owned()
    }

    /// Reads its functions' logs.
    pub(crate) fn log_reader(&self) -> LogReader {
        LogReader::new(&self.aws, &self.region)
    }

    /// The configuration that it is reached with.
    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Who uses this command line, as AWS knows them; `None` where it does not tell.
    pub(crate) async fn caller(&self) -> Option<String> {
        outrigger_aws_sts::caller(&self.aws, Some(&self.region)).await.ok()
    }
}

/// The AWS that the options mean.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its configuration.
    pub(crate) aws: Aws,
    /// Its region.
    pub(crate) region: Region,
    /// Where it is, for people.
    name: String,
    is_local: bool,
}

impl Place {
    fn local(local: &LocalAws) -> Self {
        Self {
            aws: local.aws(),
            region: Region::new(local.region()),
            name: format!("the local AWS at {}", local.endpoint()),
            is_local: true,
        }
    }
}

/// Finds the AWS that the options mean.
///
/// # Errors
/// When it is not there: what to do is in the error.
pub(crate) async fn place(context: &Context) -> Result<Place, Failure> {
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
            Ok(Place::local(&local))
        }
        Target::Aws => {
            let aws = Aws::new();
            let region = region_of(&aws).await.class(Class::Environment)?;
            Ok(Place {
                aws,
                name: format!("AWS, {region}"),
                region,
                is_local: false,
            })
        }
    }
}

/// Finds the control plane that the options mean.
///
/// # Errors
/// When the AWS they mean is not there, or the control plane is not installed in it: what to do is in the error.
pub(crate) async fn connect(context: &Context) -> Result<ControlPlane, Failure> {
    find(context, place(context).await?).await.class(Class::Environment)
}

/// The control plane in a local AWS.
pub(crate) async fn connect_local(context: &Context, local: &LocalAws) -> Result<ControlPlane, Failure> {
    find(context, Place::local(local)).await.class(Class::Environment)
}

/// The region that the environment means.
pub(crate) async fn region_of(aws: &Aws) -> Result<Region> {
    let config = aws.config(None).await;
    let region = config.region().ok_or_else(|| {
        anyhow!("no AWS region is set; set AWS_REGION, or `region` in the profile that AWS_PROFILE names")
    })?;
    Ok(Region::new(region.as_ref()))
}

async fn find(context: &Context, place: Place) -> Result<ControlPlane> {
    let Place {
        aws,
        region,
        name: place,
        is_local,
    } = place;
    let name = &context.options.control_plane;
    let stack = CloudFormation::new(&aws, &region)
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
    let store = DynamoStore::new(&aws, Some(region.clone()), table);
    Ok(ControlPlane {
        name: name.clone(),
        place,
        is_local,
        state: State::new(Arc::new(store), Arc::new(SystemClock)),
        executions: StepFunctions::new(&aws, &region),
        document_bucket: stack.outputs.get("DocumentBucket").cloned(),
        aws,
        region,
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
