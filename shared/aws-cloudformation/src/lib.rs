//! CloudFormation: what a stack says about itself, and what would become of it.

mod change_set;

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use outrigger_aws::{Aws, Clients, call_error, is_code};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

pub use change_set::{Action, ResourceChange, ResourceFailure};

/// A CloudFormation stack, as far as anyone here asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackDescription {
    /// Its status, such as `CREATE_COMPLETE`.
    pub status: String,
    /// When it was last updated, in milliseconds since the epoch; `None` of one that was only created.
    pub updated_at_ms: Option<i64>,
    /// Its outputs by their keys; none before it is created.
    pub outputs: BTreeMap<String, String>,
}

/// CloudFormation in one region.
#[derive(Debug)]
pub struct CloudFormation {
    clients: Clients<Client>,
    region: Region,
}

impl CloudFormation {
    /// Makes no call yet.
    pub fn new(aws: &Aws, region: &Region) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
            region: region.clone(),
        }
    }

    /// The stack of a name, or none.
    ///
    /// # Errors
    /// When it cannot be told: the call was refused, or not answered.
    pub async fn describe_stack(&self, name: &str) -> Result<Option<StackDescription>, CallError> {
        let client = self.clients.of(&self.region).await;
        match client.describe_stacks().stack_name(name).send().await {
            Ok(answer) => Ok(answer.stacks.and_then(|stacks| stacks.into_iter().next()).map(describe)),
            // DescribeStacks has no error of its own for it: ValidationError, "Stack with id NAME does not exist".
            Err(error) if is_code(&error, &["ValidationError"]) && says_absent(&error) => Ok(None),
            Err(error) => Err(call_error("cloudformation:DescribeStacks", &[], &error)),
        }
    }
}

fn says_absent<E, R>(error: &aws_sdk_cloudformation::error::SdkError<E, R>) -> bool
where
    E: aws_sdk_cloudformation::error::ProvideErrorMetadata,
{
    use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
    error
        .message()
        .is_some_and(|message| message.contains("does not exist"))
}

fn describe(stack: aws_sdk_cloudformation::types::Stack) -> StackDescription {
    StackDescription {
        status: stack
            .stack_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        updated_at_ms: stack.last_updated_time.and_then(|time| time.to_millis().ok()),
        outputs: stack
            .outputs
            .unwrap_or_default()
            .into_iter()
            .filter_map(|output| output.output_key.zip(output.output_value))
            .collect(),
    }
}
