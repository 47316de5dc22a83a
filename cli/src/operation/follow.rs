//! Following an operation to its end.

use anyhow::Result;
use outrigger_aws_sfn::{Execution, ExecutionStatus};
use outrigger_model::UnixMs;
use outrigger_plan::Plan;

use super::execution::{describe, repeat, successor};
use super::{Ended, Operation, Picture};
use crate::context::{Context, say};
use crate::control_plane::ControlPlane;
use crate::failure::{Class, Failure};
use crate::progress::{Expected, Moment, Outlook, Purpose, Reporter, Snapshot, reporter};

/// Shows an operation's progress until it has ended, and how it ended.
///
/// # Errors
/// On Ctrl-C: the operation goes on, and the error says how to come back to it.
pub(crate) async fn follow(
    context: &Context,
    control_plane: &ControlPlane,
    operation: &Operation,
) -> Result<Ended, Failure> {
    let mut reporter = reporter();
    let mut follower = Follower {
        control_plane,
        operation,
        shown: Shown::default(),
        execution_arn: operation.execution_arn.clone(),
    };
    let followed = tokio::select! {
        ended = repeat(control_plane, async || follower.look(reporter.as_mut()).await) => Some(ended),
        _ = tokio::signal::ctrl_c() => None,
    };
    reporter.finish();
    let goes_on = || {
        format!(
            "the operation {} goes on without you; come back to it with `{}`",
            operation.id,
            context.own_command(&format!("watch {}", operation.id))
        )
    };
    match followed {
        Some(Ok(ended)) => Ok(ended),
        Some(Err(error)) => {
            say(&goes_on());
            Err(error.context(format!("follow the operation {}", operation.id)).into())
        }
        None => Err(Failure::new(Class::Interrupted, format!("interrupted; {}", goes_on()))),
    }
}

struct Follower<'a> {
    control_plane: &'a ControlPlane,
    operation: &'a Operation,
    shown: Shown,
    /// Of the workflow, or of the successor that it has handed over to.
    execution_arn: String,
}

impl Follower<'_> {
    /// Looks once, and shows what is new; how the operation ended, once it has.
    async fn look(&mut self, reporter: &mut dyn Reporter) -> Result<Option<Ended>> {
        let Operation { stack, id, .. } = self.operation;
        let state = &self.control_plane.state;
        // The execution first: what it has done by then is in the state that is read after.
        let execution = describe(self.control_plane, &self.execution_arn).await?;
        let picture = Picture::read(state, stack, id).await?;
        // A record with plans says that planning is complete.
        let picture = picture.filter(|picture| !picture.record.plans.is_empty());
        if let Some(picture) = &picture {
            self.shown.learn(self.control_plane, self.operation).await;
            self.shown.show(picture, reporter, state.now_ms());
        }
        if execution.status == ExecutionStatus::Running {
            return Ok(None);
        }
        if let Some(arn) = successor(&execution) {
            self.execution_arn = arn.to_owned();
            return Ok(None);
        }
        self.ended(&execution, picture).await.map(Some)
    }

    async fn ended(&self, execution: &Execution, picture: Option<Picture>) -> Result<Ended> {
        let stack = &self.operation.stack;
        let state = &self.control_plane.state;
        let outputs = state
            .stack(stack)
            .await?
            .map(|(known, _)| known.outputs)
            .unwrap_or_default();
        let (forward, back) = match &picture {
            None => (Snapshot::default(), Snapshot::default()),
            Some(picture) => (picture.forward(), picture.back().unwrap_or_default()),
        };
        let record = match picture {
            Some(picture) => Some(picture.record),
            None => state.operation(stack, &self.operation.id).await?,
        };
        Ok(Ended::new(
            self.operation,
            execution,
            record,
            outputs,
            [&forward, &back],
        ))
    }
}

/// What was shown of an operation so far.
#[derive(Debug, Default)]
struct Shown {
    /// The steps as they were shown last; nothing before planning is complete.
    last: Option<Snapshot>,
    /// How long steps are expected to take; nothing before that was found out.
    expected: Option<Expected>,
}

impl Shown {
    /// Finds out, once, how long steps are expected to take.
    async fn learn(&mut self, control_plane: &ControlPlane, operation: &Operation) {
        if self.expected.is_some() {
            return;
        }
        let is_aws = !control_plane.is_local;
        let read = Expected::read(&control_plane.state, &operation.stack, &operation.id, is_aws).await;
        // Earlier records that cannot be read are no reason not to follow this operation: it is less known, then.
        self.expected = Some(read.unwrap_or_else(|_| Expected::new(is_aws)));
    }

    /// Shows what is new in a picture.
    fn show(&mut self, picture: &Picture, reporter: &mut dyn Reporter, now_ms: UnixMs) {
        let unknown = Expected::default();
        let expected = self.expected.as_ref().unwrap_or(&unknown);
        let outlook = |plan: &Plan, snapshot: &Snapshot| Outlook::new(plan.dependencies(), snapshot, expected, now_ms);
        let started_at_ms = picture.record.started_at_ms;
        let (forward, plan) = (picture.forward(), &picture.forward.plan);
        let shown = self.last.take().unwrap_or_else(|| {
            let planned = forward.waiting();
            reporter.planned(&Moment::new(&planned, &outlook(plan, &planned), started_at_ms, now_ms));
            planned
        });
        if shown.purpose != Purpose::GoBack {
            let outlook = outlook(plan, &forward);
            let moment = Moment::new(&forward, &outlook, started_at_ms, now_ms);
            reporter.moved(&forward.changes_since(&shown), &moment);
        }
        let (Some(back), Some(way)) = (picture.back(), &picture.back) else {
            self.last = Some(forward);
            return;
        };
        let shown = match shown.purpose {
            Purpose::GoBack => shown,
            Purpose::Change | Purpose::Look => {
                let planned = back.waiting();
                let outlook = outlook(&way.plan, &planned);
                let moment = Moment::new(&planned, &outlook, started_at_ms, now_ms);
                reporter.going_back(&picture.record.failures, &moment);
                planned
            }
        };
        let outlook = outlook(&way.plan, &back);
        let moment = Moment::new(&back, &outlook, started_at_ms, now_ms);
        reporter.moved(&back.changes_since(&shown), &moment);
        self.last = Some(back);
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::memory::cloud::Fault;
    use outrigger_model::{Kind, document};
    use serde_json::json;

    use super::*;
    use crate::plan_view::golden::{reference, standing};
    use crate::progress::{Change, word};

    /// Notes what it is told.
    #[derive(Default)]
    struct Notes(Vec<String>);

    impl Reporter for Notes {
        fn planned(&mut self, moment: &Moment<'_>) {
            self.0.push(moment.snapshot.summary());
        }

        fn moved(&mut self, changes: &[Change], _: &Moment<'_>) {
            let changes = changes.iter().filter(|change| word(&change.step) != "unchanged");
            self.0
                .extend(changes.map(|change| format!("{} {}", change.key, word(&change.step))));
        }

        fn going_back(&mut self, failures: &[String], moment: &Moment<'_>) {
            self.0
                .push(format!("{} of {} failures", moment.snapshot.summary(), failures.len()));
        }

        fn finish(&mut self) {}
    }

    #[tokio::test]
    async fn forward_and_back_are_shown_in_turn_and_once() {
        let mut document = reference("data-processing");
        document["on_failure"] = json!("rollback");
        let stack = document::parse(&document).unwrap().id();
        let world = standing(&document).await;
        document["streams"]["other"] = json!({"shards": 1});
        document["databases"]["database"]["class"] = json!("db.t3.medium");
        world
            .cloud
            .set_plot(|_, call| (call.key.kind == Kind::DbInstance).then_some(Fault::Refused));
        world.provision("second", &document).await;
        let whole = Picture::read(&world.state, &stack, "second").await.unwrap().unwrap();
        let mut before = whole.clone();
        before.back = None;
        let mut begun = before.clone();
        begun.forward.states.clear();

        let (mut shown, mut notes) = (Shown::default(), Notes::default());
        for picture in [&begun, &begun, &before, &whole, &whole] {
            shown.show(picture, &mut notes, 0);
        }
        insta::assert_snapshot!(notes.0.join("\n"), @r"
        the plan has 27 steps: 1 to create, 1 to update, 25 unchanged
        us-east-1/db-instance/database failed
        us-east-1/stream/other created
        us-east-1/secret-attachment/database skipped
        us-east-1/alarm/database-cpu skipped
        going back: 1 to delete, 26 unchanged of 3 failures
        us-east-1/stream/other deleted
        ");
        // Who comes late sees both ways.
        let (mut shown, mut late) = (Shown::default(), Notes::default());
        shown.show(&whole, &mut late, 0);
        assert_eq!(late.0, notes.0);
    }
}
