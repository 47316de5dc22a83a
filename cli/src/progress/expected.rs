//! How long each step is expected to take: as long as it took this stack before, or else as AWS is known to.

use std::collections::BTreeMap;

use outrigger_engine::durations;
use outrigger_engine::state::content::{OperationRecord, Workflow};
use outrigger_engine::state::{State, StateError};
use outrigger_model::{Kind, Lane, ResourceKey, StackId, StepState, UnixMs};
use outrigger_plan::{Action, Plan};

/// How many earlier operations are looked at.
const OPERATIONS_MAX: usize = 10;
/// What a step takes of which AWS makes no one wait: the call, a look at what came of it, and the way there.
pub(crate) const LEAST_MS: UnixMs = 2_000;

/// What is done with a resource, as far as it says how long that takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Create,
    Change,
    Delete,
    Look,
}

impl Work {
    fn of(action: &Action) -> Self {
        match action {
            Action::Create | Action::Replace { .. } => Work::Create,
            Action::Update { .. } => Work::Change,
            Action::Delete { .. } => Work::Delete,
            Action::NoOp => Work::Look,
        }
    }

    fn on_aws_ms(self, kind: Kind) -> UnixMs {
        let durations = durations::of(kind);
        match self {
            Work::Create => durations.create_ms,
            Work::Change => durations.change_ms,
            Work::Delete => durations.delete_ms,
            Work::Look => 0,
        }
    }
}

/// How long a step is expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expectation {
    /// For comparing steps with each other.
    pub(crate) ms: UnixMs,
    /// Whether it is also true of where the operation runs.
    pub(crate) is_known: bool,
}

/// How long steps are expected to take.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Expected {
    /// The table is of AWS: elsewhere it compares, and says nothing in seconds.
    is_aws: bool,
    of_resources: BTreeMap<(ResourceKey, Work), Vec<UnixMs>>,
    of_kinds: BTreeMap<(Kind, Work), Vec<UnixMs>>,
}

impl Expected {
    /// With nothing learnt of the stack yet.
    pub(crate) fn new(is_aws: bool) -> Self {
        Self {
            is_aws,
            ..Self::default()
        }
    }

    /// Learns from the operations of a stack that were closed before this one.
    pub(crate) async fn read(
        state: &State,
        stack: &StackId,
        operation: &str,
        is_aws: bool,
    ) -> Result<Self, StateError> {
        let mut expected = Self::new(is_aws);
        for record in state.operations(stack, OPERATIONS_MAX).await? {
            let changes = matches!(record.workflow, Workflow::Provision | Workflow::Destroy);
            if changes && record.operation != operation && record.closed_at_ms.is_some() {
                expected.learn(state, &record).await?;
            }
        }
        Ok(expected)
    }

    async fn learn(&mut self, state: &State, record: &OperationRecord) -> Result<(), StateError> {
        let ways = [
            (&record.plans, &record.steps),
            (&record.rollback, &record.rollback_steps),
        ];
        for (plans, steps) in ways {
            for hash in Lane::ALL.iter().filter_map(|lane| plans.get(lane)) {
                if let Some(plan) = state.blob::<Plan>(&record.stack, hash).await? {
                    self.note(&plan, steps);
                }
            }
        }
        Ok(())
    }

    /// Notes how long the steps of a plan took that came through.
    fn note(&mut self, plan: &Plan, states: &BTreeMap<ResourceKey, StepState>) {
        for (key, step) in &plan.steps {
            if let Some(StepState::Done { since_ms, at_ms }) = states.get(key) {
                let (work, took_ms) = (Work::of(&step.action), at_ms.saturating_sub(*since_ms));
                let of_resource = self.of_resources.entry((key.current(), work)).or_default();
                of_resource.push(took_ms);
                self.of_kinds.entry((key.kind, work)).or_default().push(took_ms);
            }
        }
    }

    /// How long a step is expected to take.
    pub(crate) fn of(&self, key: &ResourceKey, action: &Action) -> Expectation {
        let work = Work::of(action);
        let of_resource = self.of_resources.get(&(key.current(), work));
        let learnt = of_resource.or_else(|| self.of_kinds.get(&(key.kind, work)));
        match learnt.and_then(|times| median(times)) {
            Some(ms) => Expectation {
                ms: ms.max(LEAST_MS),
                is_known: true,
            },
            None => {
                let ms = work.on_aws_ms(key.kind).max(LEAST_MS);
                Expectation {
                    ms,
                    is_known: self.is_aws || ms == LEAST_MS,
                }
            }
        }
    }
}

/// The middle one; of two in the middle what is between them.
fn median(times: &[UnixMs]) -> Option<UnixMs> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(lower.midpoint(*upper))
}

#[cfg(test)]
mod tests {
    use outrigger_model::document;
    use serde_json::json;

    use super::*;
    use crate::plan_view::golden::{reference, standing};

    #[test]
    fn medians_are_between_the_two_in_the_middle() {
        for (times, expected) in [
            (&[][..], None),
            (&[7], Some(7)),
            (&[9, 1], Some(5)),
            (&[9, 1, 2], Some(2)),
            (&[4, 100, 1, 2], Some(3)),
        ] {
            assert_eq!(median(times), expected, "{times:?}");
        }
    }

    /// What is known at first is AWS's; then what the stack's earlier operations took, of the resource or else of its kind.
    #[tokio::test]
    async fn what_was_done_before_says_how_long_it_takes() {
        let mut document = reference("data-processing");
        let stack = document::parse(&document).unwrap().id();
        let world = standing(&document).await;
        document["streams"]["other"] = json!({"shards": 1});
        world.provision("second", &document).await;
        let seen = |ms, is_known| Expectation { ms, is_known };
        let create = Action::Create;
        let update = Action::Update { changes: Vec::new() };
        let delete = Action::Delete { unprotect: false };
        let took_ms = async |operation: &str, key: &str| {
            let record = world.state.operation(&stack, operation).await.unwrap().unwrap();
            match &record.steps[&key.parse().unwrap()] {
                StepState::Done { since_ms, at_ms } => at_ms - since_ms,
                other => panic!("{other:?}"),
            }
        };
        let [stream, other, third, database, vpc] = [
            "us-east-1/stream/stream",
            "us-east-1/stream/other",
            "us-east-1/stream/third",
            "us-east-1/db-instance/database",
            "us-east-1/vpc/vpc",
        ];
        let stream_ms = took_ms("first", stream).await;
        let other_ms = took_ms("second", other).await;
        let database_ms = took_ms("first", database).await;
        for is_aws in [true, false] {
            let empty = Expected::new(is_aws);
            let learnt = Expected::read(&world.state, &stack, "third", is_aws).await.unwrap();
            let before = Expected::read(&world.state, &stack, "second", is_aws).await.unwrap();
            for (expected, key, action, wanted) in [
                (&empty, database, &create, seen(900_000, is_aws)),
                (&empty, database, &update, seen(600_000, is_aws)),
                (&empty, stream, &delete, seen(40_000, is_aws)),
                (&empty, vpc, &create, seen(LEAST_MS, true)),
                (&empty, database, &Action::NoOp, seen(LEAST_MS, true)),
                (&learnt, database, &create, seen(database_ms.max(LEAST_MS), true)),
                (&learnt, database, &update, seen(600_000, is_aws)),
                (&learnt, stream, &create, seen(stream_ms, true)),
                (&learnt, other, &create, seen(other_ms, true)),
                (&learnt, third, &create, seen(stream_ms.midpoint(other_ms), true)),
                (&before, other, &create, seen(stream_ms, true)),
            ] {
                assert_eq!(expected.of(&key.parse().unwrap(), action), wanted, "{key} {action:?}");
            }
        }
    }
}
