//! How an operation ended, for people and programs.

use std::collections::BTreeMap;

use outrigger_aws_sfn::{Execution, ExecutionStatus};
use outrigger_engine::state::content::{OperationRecord, Outcome};
use outrigger_model::{ResourceKey, StepState};
use serde::Serialize;

use super::{Operation, execution};
use crate::context::Context;
use crate::failure::{Class, Failure};
use crate::progress::{Snapshot, word};

/// How an operation ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Ended {
    /// The stack's name.
    pub(crate) stack: String,
    /// The environment's name.
    pub(crate) environment: String,
    /// The operation's id.
    pub(crate) operation: String,
    /// Its execution.
    pub(crate) execution_arn: String,
    /// Whether it did all that it was to do.
    pub(crate) succeeded: bool,
    /// How it was closed; none when it never began.
    pub(crate) outcome: Option<Outcome>,
    /// How long its execution took.
    pub(crate) elapsed_ms: u64,
    /// How many resources stand where.
    pub(crate) resources: BTreeMap<&'static str, usize>,
    /// How many resources stand where after it went back; empty if it did not.
    pub(crate) rollback: BTreeMap<&'static str, usize>,
    /// What changes in the maintenance window: the properties of each resource.
    pub(crate) pending_window: BTreeMap<ResourceKey, Vec<String>>,
    /// The stack's outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// What deleted resources have left behind because the document asked for it: final snapshots.
    pub(crate) kept: Vec<String>,
    /// The name of the error it failed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// What failed, for people.
    pub(crate) failures: Vec<String>,
    /// The record that it left.
    #[serde(skip)]
    pub(crate) record: Option<OperationRecord>,
}

impl Ended {
    /// What an execution that has ended, and the record of its operation, say.
    pub(super) fn new(
        operation: &Operation,
        execution: &Execution,
        record: Option<OperationRecord>,
        outputs: BTreeMap<String, String>,
        [forward, back]: [&Snapshot; 2],
    ) -> Self {
        let outcome = record.as_ref().and_then(|record| record.outcome);
        let succeeded = execution.status == ExecutionStatus::Succeeded
            && outcome.is_none_or(|outcome| outcome == Outcome::Succeeded);
        Self {
            stack: operation.stack.stack.clone(),
            environment: operation.stack.environment.clone(),
            operation: operation.id.clone(),
            execution_arn: operation.execution_arn.clone(),
            succeeded,
            outcome,
            elapsed_ms: execution
                .stopped_at_ms
                .unwrap_or(execution.started_at_ms)
                .saturating_sub(execution.started_at_ms),
            resources: count(forward),
            rollback: count(back),
            pending_window: pending_window(forward),
            outputs,
            kept: record.as_ref().map(|record| record.kept.clone()).unwrap_or_default(),
            error: execution.error.clone(),
            failures: match succeeded {
                true => Vec::new(),
                false => failures_of(execution, record.as_ref()),
            },
            record,
        }
    }

    /// What its record alone says, for an execution that is not kept any more.
    pub(super) fn of_record(
        record: OperationRecord,
        outputs: BTreeMap<String, String>,
        [forward, back]: [&Snapshot; 2],
    ) -> Self {
        let succeeded = record.outcome == Some(Outcome::Succeeded);
        Self {
            stack: record.stack.stack.clone(),
            environment: record.stack.environment.clone(),
            operation: record.operation.clone(),
            execution_arn: record.execution_arn.clone(),
            succeeded,
            outcome: record.outcome,
            elapsed_ms: record
                .closed_at_ms
                .unwrap_or(record.started_at_ms)
                .saturating_sub(record.started_at_ms),
            resources: count(forward),
            rollback: count(back),
            pending_window: pending_window(forward),
            outputs,
            kept: record.kept.clone(),
            error: None,
            failures: record.failures.clone(),
            record: Some(record),
        }
    }

    /// The failure that the command ends with, if the operation failed.
    pub(crate) fn failure(&self, context: &Context, again: &str) -> Option<Failure> {
        if self.succeeded {
            return None;
        }
        let class = class_of(self.error.as_deref());
        let failures = self.failures.join("\n  ");
        let again = context.own_command(again);
        let message = match (class, self.error.as_deref()) {
            (Class::Operation, Some("PlanOutdated")) => format!("{failures}\nplan again: {again}"),
            // It never began.
            (Class::Operation, Some("Protected")) => failures,
            (Class::Operation, _) => {
                let what = match (self.outcome, self.rollback.is_empty()) {
                    (Some(Outcome::RolledBack), _) => "failed, and the stack went back to what it was before",
                    (_, false) => "failed, and so did going back",
                    (_, true) => "failed",
                };
                let show = context.own_command(&format!("show {}", self.operation));
                format!(
                    "the operation {} {what}:\n  {failures}\nfor the whole picture: {show}\nonce the cause is gone, go on \
                     from here: {again}",
                    self.operation,
                )
            }
            (Class::Locked, _) => {
                let lock = context.own_command(&format!("lock {}/{}", self.stack, self.environment));
                format!("{failures}\nwho holds it: {lock}")
            }
            (Class::Usage | Class::Environment | Class::Drifted | Class::Interrupted, _) => failures,
        };
        Some(Failure::new(class, message))
    }
}

fn count(snapshot: &Snapshot) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for step in snapshot.resources() {
        *counts.entry(word(step)).or_insert(0) += 1;
    }
    counts
}

fn pending_window(snapshot: &Snapshot) -> BTreeMap<ResourceKey, Vec<String>> {
    let pending = snapshot.steps.iter().filter_map(|(key, step)| match &step.state {
        StepState::PendingWindow { properties, .. } => Some((key.clone(), properties.clone())),
        _ => None,
    });
    pending.collect()
}

/// The record's own failures, or else what the execution says.
fn failures_of(execution: &Execution, record: Option<&OperationRecord>) -> Vec<String> {
    let recorded = record.map(|record| record.failures.clone()).unwrap_or_default();
    if !recorded.is_empty() {
        return recorded;
    }
    vec![execution::failure(execution)]
}

/// What the error that an execution ended with means for the exit code.
pub(crate) fn class_of(error: Option<&str>) -> Class {
    match error {
        Some("LeaseHeld") => Class::Locked,
        Some("InvalidDocument" | "InvalidInput" | "PlanRefused" | "UnknownStack") => Class::Usage,
        _ => Class::Operation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::tests::context;

    fn text_of(ended: &Ended) -> String {
        let failure = ended.failure(&context(), "up shop.yaml").unwrap();
        failure.to_string().replace("cargo run --", "outrigger")
    }

    #[test]
    fn a_failed_operation_says_what_failed_and_how_to_go_on() {
        let mut ended = Ended {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
            operation: "shop-production-provision-20251120T103658Z-1a2b".to_owned(),
            elapsed_ms: 66_000,
            error: Some("OperationFailed".to_owned()),
            failures: vec!["us-east-1/stream/events: kinesis:CreateStream failed: too many shards".to_owned()],
            ..Ended::default()
        };
        insta::assert_snapshot!(text_of(&ended), @r"
        the operation shop-production-provision-20251120T103658Z-1a2b failed:
          us-east-1/stream/events: kinesis:CreateStream failed: too many shards
        for the whole picture: outrigger show shop-production-provision-20251120T103658Z-1a2b --target aws --control-plane outrigger-dev
        once the cause is gone, go on from here: outrigger up shop.yaml --target aws --control-plane outrigger-dev
        ");

        ended.outcome = Some(Outcome::RolledBack);
        assert_eq!(
            text_of(&ended).lines().next(),
            Some(
                "the operation shop-production-provision-20251120T103658Z-1a2b failed, and the stack went back to what it \
                 was before:"
            )
        );

        ended.error = Some("LeaseHeld".to_owned());
        ended.failures = vec!["operation b holds the stack shop/production".to_owned()];
        let failure = ended.failure(&context(), "up shop.yaml").unwrap();
        assert_eq!(failure.class, Class::Locked);
        insta::assert_snapshot!(text_of(&ended), @r"
        operation b holds the stack shop/production
        who holds it: outrigger lock shop/production --target aws --control-plane outrigger-dev
        ");
    }

    #[tokio::test]
    async fn a_record_alone_tells_how_it_ended() {
        use crate::operation::Picture;
        use crate::plan_view::golden::{reference, standing};

        let document = reference("data-processing");
        let world = standing(&document).await;
        let stack = outrigger_model::document::parse(&document).unwrap().id();
        let picture = Picture::read(&world.state, &stack, "first").await.unwrap().unwrap();
        let mut record = picture.record.clone();
        let outputs = BTreeMap::from([("vpc_id".to_owned(), "vpc-1".to_owned())]);
        let snapshots = [&picture.forward(), &Snapshot::default()];
        let ended = Ended::of_record(record.clone(), outputs.clone(), snapshots);
        assert!(ended.succeeded && ended.elapsed_ms > 0);
        assert_eq!(ended.resources, BTreeMap::from([("created", 26)]));
        assert_eq!(ended.outputs, outputs);
        record.outcome = Some(Outcome::Aborted);
        record.failures = vec!["its execution was stopped".to_owned()];
        let ended = Ended::of_record(record, outputs, snapshots);
        assert_eq!(
            ended.failure(&context(), "up shop.yaml").map(|failure| failure.class),
            Some(Class::Operation)
        );
    }

    #[test]
    fn a_plan_that_is_outdated_is_to_be_made_again() {
        let ended = Ended {
            error: Some("PlanOutdated".to_owned()),
            failures: vec![
                "the plan no longer fits, nothing was changed; plan again; 1 problem:\n- us-east-1/vpc/vpc: was changed \
                 since the plan was made"
                    .to_owned(),
            ],
            ..Ended::default()
        };
        assert_eq!(
            ended.failure(&context(), "up shop.yaml").unwrap().class,
            Class::Operation
        );
        insta::assert_snapshot!(text_of(&ended), @r"
        the plan no longer fits, nothing was changed; plan again; 1 problem:
        - us-east-1/vpc/vpc: was changed since the plan was made
        plan again: outrigger up shop.yaml --target aws --control-plane outrigger-dev
        ");
    }

    #[test]
    fn errors_have_their_exit_codes() {
        let table = [
            (Some("LeaseHeld"), 3),
            (Some("InvalidDocument"), 2),
            (Some("PlanRefused"), 2),
            (Some("UnknownStack"), 2),
            (Some("PlanOutdated"), 1),
            (Some("OperationFailed"), 1),
            (Some("Protected"), 1),
            (None, 1),
        ];
        for (error, code) in table {
            assert_eq!(class_of(error).code(), code, "{error:?}");
        }
    }
}
