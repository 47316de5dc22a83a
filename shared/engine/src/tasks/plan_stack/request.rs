//! What the workflows take as their input, and what they are asked to reach.

use std::collections::BTreeMap;

use outrigger_model::StackId;
use outrigger_model::document::{self, Choice, Document};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Ports;
use crate::state::content::Workflow;
use crate::tasks::TaskError;

/// What the workflow asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Which workflow this is the first task of.
    pub workflow: Workflow,
    /// The operation's id: the execution's name.
    pub operation: String,
    /// The Step Functions execution.
    pub execution_arn: String,
    /// The execution's input.
    pub input: Value,
}

/// What `provision-stack` and `plan-stack` take as their input.
#[derive(Debug, Deserialize)]
struct DocumentInput {
    document: Option<Value>,
    document_s3: Option<String>,
    /// Which of the document's environments.
    #[serde(default)]
    environment: Option<String>,
    /// The values of the document's variables.
    #[serde(default)]
    set: BTreeMap<String, Value>,
    #[serde(default)]
    plan: Option<String>,
    #[serde(flatten)]
    about: About,
}

/// What `destroy-stack` takes as its input.
#[derive(Debug, Deserialize)]
struct StackInput {
    stack: String,
    environment: String,
    #[serde(flatten)]
    about: About,
}

/// What `drift-stack` takes as its input.
#[derive(Debug, Deserialize)]
struct DriftInput {
    stack: String,
    environment: String,
    #[serde(default)]
    accept: bool,
    #[serde(flatten)]
    about: About,
}

/// Why an operation is started, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct About {
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) by: Option<String>,
}

/// What is to be reached.
pub(super) enum Goal {
    /// The document. `value` is what it was resolved to, `plan` the proposal that it is to be reached by.
    Provision {
        document: Box<Document>,
        value: Value,
        plan: Option<String>,
    },
    /// Nothing is left.
    Destroy(StackId),
    /// Every resource was looked at, and with `accept` recorded as it is.
    Inspect { stack: StackId, accept: bool },
}

impl Goal {
    pub(super) fn stack(&self) -> StackId {
        match self {
            Goal::Provision { document, .. } => document.id(),
            Goal::Destroy(stack) | Goal::Inspect { stack, .. } => stack.clone(),
        }
    }
}

/// Reads a workflow's input.
pub(super) async fn goal(ports: &Ports<'_>, request: &Request) -> Result<(Goal, About), TaskError> {
    let (goal, about) = match request.workflow {
        Workflow::Provision | Workflow::Plan => {
            let input: DocumentInput = read(
                &request.input,
                &["document", "document_s3", "environment", "set", "plan"],
            )?;
            let value = match (input.document, input.document_s3) {
                (Some(document), None) => document,
                (None, Some(address)) => fetch(ports, &address).await?,
                (Some(_), Some(_)) | (None, None) => {
                    return Err(TaskError::InvalidInput(
                        "expected either `document`, the stack document itself, or `document_s3`, its s3://bucket/key"
                            .to_owned(),
                    ));
                }
            };
            let choice = Choice::new(input.environment, &input.set);
            let (value, document) = document::resolve(&value, &choice).map_err(TaskError::InvalidDocument)?;
            let (document, plan) = (Box::new(document), input.plan);
            return Ok((Goal::Provision { document, value, plan }, input.about));
        }
        Workflow::Destroy => {
            let input: StackInput = read(&request.input, &["stack", "environment"])?;
            (Goal::Destroy(id(input.stack, input.environment)), input.about)
        }
        Workflow::Drift => {
            let input: DriftInput = read(&request.input, &["stack", "environment", "accept"])?;
            let stack = id(input.stack, input.environment);
            let accept = input.accept;
            (Goal::Inspect { stack, accept }, input.about)
        }
        Workflow::Unlock => {
            return Err(TaskError::InvalidInput(
                "a lease is not broken by a workflow".to_owned(),
            ));
        }
    };
    // A lease would make an item for a stack that never was.
    if ports.state.stack(&goal.stack()).await?.is_none() {
        return Err(TaskError::UnknownStack(goal.stack().to_string()));
    }
    Ok((goal, about))
}

fn id(stack: String, environment: String) -> StackId {
    StackId { stack, environment }
}

/// What every input may hold beside its own keys.
const ABOUT: [&str; 2] = ["reason", "by"];

fn read<T: serde::de::DeserializeOwned>(input: &Value, keys: &[&str]) -> Result<T, TaskError> {
    // Serde cannot refuse unknown keys of what is flattened.
    let unknown = input.as_object().and_then(|entries| {
        let mut entries = entries.keys();
        entries.find(|key| !keys.contains(&key.as_str()) && !ABOUT.contains(&key.as_str()))
    });
    if let Some(unknown) = unknown {
        let known: Vec<&str> = keys.iter().chain(&ABOUT).copied().collect();
        return Err(TaskError::InvalidInput(format!(
            "`{unknown}` is unknown; expected some of {}",
            known.join(", ")
        )));
    }
    serde_json::from_value(input.clone()).map_err(|error| TaskError::InvalidInput(error.to_string()))
}

async fn fetch(ports: &Ports<'_>, address: &str) -> Result<Value, TaskError> {
    let (bucket, key) = address
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        .ok_or_else(|| {
            TaskError::InvalidInput(format!(
                "`{address}` is no address of a document; expected s3://bucket/key"
            ))
        })?;
    let text = ports.documents.read(bucket, key, document::BYTES_MAX).await?;
    document::from_text(&text).map_err(TaskError::InvalidDocument)
}
