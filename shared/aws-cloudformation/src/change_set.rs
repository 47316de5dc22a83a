//! Change sets: what CloudFormation would do to a stack, shown before it is done.

use aws_sdk_cloudformation::types;
use outrigger_aws::{call_error, is_code};
use outrigger_engine::ports::provider::CallError;

use crate::{CloudFormation, says_absent};

/// How many pages of changes are read at most: a template has 500 resources.
const PAGES_MAX: usize = 20;

/// What is done to one resource of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed in place.
    Update,
    /// Another takes its place, always or perhaps: CloudFormation does not know before.
    Replace {
        /// Whether that is sure.
        is_sure: bool,
    },
    /// It is deleted.
    Delete,
    /// It leaves the stack, and stays.
    Keep,
}

/// A resource that a change set changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceChange {
    /// Its name in the template.
    pub name: String,
    /// Its type, such as `AWS::Lambda::Function`.
    pub kind: String,
    /// What is done to it.
    pub action: Action,
}

/// A problem of a resource, as a stack's events tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceFailure {
    /// The resource's name in the template.
    pub name: String,
    /// Why, in AWS's words.
    pub reason: String,
}

impl CloudFormation {
    /// The resources that a change set changes, in the order of their names.
    ///
    /// # Errors
    /// When it cannot be told, or there are more than anyone would read.
    pub async fn changes(&self, change_set: &str) -> Result<Vec<ResourceChange>, CallError> {
        let call = "cloudformation:DescribeChangeSet";
        let client = self.clients.of(&self.region).await;
        let mut changes = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let page = client
                .describe_change_set()
                .change_set_name(change_set)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| call_error(call, &[], &error))?;
            let found = page.changes().iter().filter_map(types::Change::resource_change);
            changes.extend(found.filter_map(resource_change));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                changes.sort();
                return Ok(changes);
            }
        }
        Err(CallError::invalid(
            call,
            format!("{change_set} has more than {PAGES_MAX} pages"),
        ))
    }

    /// Begins to do what a change set says; [`CloudFormation::describe_stack`] tells how it goes.
    ///
    /// # Errors
    /// When it is not begun, as it is outdated or another operation works on the stack.
    pub async fn execute(&self, change_set: &str) -> Result<(), CallError> {
        let client = self.clients.of(&self.region).await;
        let answer = client.execute_change_set().change_set_name(change_set).send().await;
        answer
            .map(|_| ())
            .map_err(|error| call_error("cloudformation:ExecuteChangeSet", &[], &error))
    }

    /// Deletes a change set that nobody wants; one that is not there is fine.
    ///
    /// # Errors
    /// When it may still be there.
    pub async fn discard(&self, change_set: &str) -> Result<(), CallError> {
        let client = self.clients.of(&self.region).await;
        match client.delete_change_set().change_set_name(change_set).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_code(&error, &["ChangeSetNotFound"]) => Ok(()),
            Err(error) => Err(call_error("cloudformation:DeleteChangeSet", &[], &error)),
        }
    }

    /// Deletes a stack that was never more than a change set: it holds nothing.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn delete_empty_stack(&self, name: &str) -> Result<(), CallError> {
        let client = self.clients.of(&self.region).await;
        let answer = client.delete_stack().stack_name(name).send().await;
        answer
            .map(|_| ())
            .map_err(|error| call_error("cloudformation:DeleteStack", &[], &error))
    }

    /// What failed of a stack, of its latest hundred events: the cause first.
    ///
    /// # Errors
    /// When it cannot be told.
    pub async fn failures(&self, name: &str) -> Result<Vec<ResourceFailure>, CallError> {
        let client = self.clients.of(&self.region).await;
        let page = match client.describe_stack_events().stack_name(name).send().await {
            Ok(page) => page,
            Err(error) if is_code(&error, &["ValidationError"]) && says_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(call_error("cloudformation:DescribeStackEvents", &[], &error)),
        };
        // The newest comes first. Those of an earlier update follow the one that says that this one began.
        let of_this_update = page
            .stack_events()
            .iter()
            .take_while(|event| !is_beginning(event, name));
        let mut failures: Vec<ResourceFailure> = of_this_update.filter_map(failure).collect();
        failures.reverse();
        Ok(failures)
    }
}

fn is_beginning(event: &types::StackEvent, name: &str) -> bool {
    let status = event.resource_status().map(types::ResourceStatus::as_str);
    event.logical_resource_id() == Some(name)
        && event.resource_type() == Some("AWS::CloudFormation::Stack")
        && matches!(status, Some("CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS"))
}

fn failure(event: &types::StackEvent) -> Option<ResourceFailure> {
    let status = event.resource_status()?.as_str();
    let reason = event.resource_status_reason().unwrap_or_default();
    // What was under way when another failed is cancelled: no cause.
    if !status.ends_with("_FAILED") || reason.contains("cancelled") {
        return None;
    }
    Some(ResourceFailure {
        name: event.logical_resource_id()?.to_owned(),
        reason: reason.to_owned(),
    })
}

fn resource_change(change: &types::ResourceChange) -> Option<ResourceChange> {
    use types::{ChangeAction, PolicyAction, Replacement};
    let action = match (change.action()?, change.replacement()) {
        (ChangeAction::Add, _) => Action::Create,
        (ChangeAction::Remove, _) if change.policy_action() == Some(&PolicyAction::Retain) => Action::Keep,
        (ChangeAction::Remove, _) => Action::Delete,
        (_, Some(Replacement::True)) => Action::Replace { is_sure: true },
        (_, Some(Replacement::Conditional)) => Action::Replace { is_sure: false },
        _ => Action::Update,
    };
    Some(ResourceChange {
        name: change.logical_resource_id()?.to_owned(),
        kind: change.resource_type().unwrap_or_default().to_owned(),
        action,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{ChangeAction, PolicyAction, Replacement, ResourceStatus, StackEvent};

    use super::*;

    #[test]
    fn changes_are_told_as_what_becomes_of_the_resource() {
        let table = [
            (ChangeAction::Add, None, None, Action::Create),
            (ChangeAction::Modify, Some(Replacement::False), None, Action::Update),
            (
                ChangeAction::Modify,
                Some(Replacement::True),
                None,
                Action::Replace { is_sure: true },
            ),
            (
                ChangeAction::Modify,
                Some(Replacement::Conditional),
                None,
                Action::Replace { is_sure: false },
            ),
            (ChangeAction::Remove, None, None, Action::Delete),
            (ChangeAction::Remove, None, Some(PolicyAction::Delete), Action::Delete),
            (ChangeAction::Remove, None, Some(PolicyAction::Retain), Action::Keep),
        ];
        for (action, replacement, policy, wanted) in table {
            let change = types::ResourceChange::builder()
                .action(action)
                .logical_resource_id("StateTable")
                .resource_type("AWS::DynamoDB::Table")
                .set_replacement(replacement)
                .set_policy_action(policy)
                .build();
            assert_eq!(resource_change(&change).map(|change| change.action), Some(wanted));
        }
    }

    #[test]
    fn a_cancelled_resource_is_no_cause() {
        let event = |status: ResourceStatus, reason: &str| {
            StackEvent::builder()
                .stack_id("id")
                .event_id("event")
                .stack_name("outrigger")
                .logical_resource_id("Topic")
                .resource_status(status)
                .resource_status_reason(reason)
                .build()
        };
        assert_eq!(
            failure(&event(ResourceStatus::CreateFailed, "Resource creation cancelled")),
            None
        );
        assert_eq!(failure(&event(ResourceStatus::CreateComplete, "")), None);
        let told = failure(&event(ResourceStatus::UpdateFailed, "no such key")).unwrap();
        assert_eq!((told.name.as_str(), told.reason.as_str()), ("Topic", "no such key"));
    }
}
