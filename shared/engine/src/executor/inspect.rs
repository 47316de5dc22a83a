//! Looking for drift: how a resource differs from what is recorded of it. Calls nothing that changes anything.

use outrigger_model::{Deviation, Drift, Record, ResourceKey, StepState, UnixMs};

use super::decide::{ABSENCES_MIN, poll_ms, step_ms_max};
use super::{Look, Mode, Run};
use crate::ports::provider::{Condition, Observed};

impl Run<'_> {
    /// Settles a step by what was seen; with [`Mode::Accept`] the record becomes what was seen.
    pub(super) fn inspect_one(&mut self, look: Look) {
        let Look { key, target: _, seen } = look;
        let observed = match seen {
            Ok((observed, _)) => observed,
            Err(error) => return self.refused(&key, &error),
        };
        let Some(record) = self.lane.records.get(&key).cloned() else {
            return self.settle(&key, Ok(()));
        };
        match finding(&record, observed.as_ref()) {
            Finding::AsRecorded => self.settle(&key, Ok(())),
            Finding::AtWork { status } => self.wait_for(&key, status),
            Finding::Unseen => {
                let looks = self.stable(&key) + 1;
                if looks >= ABSENCES_MIN {
                    self.drifted(&key, record, None, Drift::Missing);
                } else {
                    // AWS flickers: what one look does not find is looked for once more.
                    self.in_progress(&key, self.now_ms() + poll_ms(key.kind), None, 0, looks);
                }
            }
            Finding::Drifted(drift) => self.drifted(&key, record, observed, drift),
        }
    }

    fn wait_for(&mut self, key: &ResourceKey, status: String) {
        let now_ms = self.now_ms();
        if now_ms.saturating_sub(self.since_ms(key)) > step_ms_max(key.kind) {
            return self.settle(key, Err(format!("AWS is still at work on it: {status}")));
        }
        self.in_progress(key, now_ms + poll_ms(key.kind), Some(status), 0, 0);
    }

    fn drifted(&mut self, key: &ResourceKey, record: Record, observed: Option<Observed>, drift: Drift) {
        let at_ms: UnixMs = self.now_ms();
        let drift = match self.invocation.mode {
            Mode::Accept => self.accept(key, record, observed, drift),
            Mode::Converge | Mode::Inspect => drift,
        };
        tracing::warn!(resource = %key, ?drift, "drifted");
        self.lane.steps.insert(key.clone(), StepState::Drifted { at_ms, drift });
    }

    /// Takes what was seen into the record, as far as a record can hold it.
    fn accept(&mut self, key: &ResourceKey, record: Record, observed: Option<Observed>, drift: Drift) -> Drift {
        match (drift, observed) {
            (Drift::Missing, _) => {
                self.lane.records.remove(key);
                Drift::Missing
            }
            (Drift::Changed { deviations, .. }, Some(observed)) => {
                let (record, accepted) = accepted(record, &deviations);
                let record = Record {
                    id: Some(observed.id),
                    attributes: observed.attributes,
                    ..record
                };
                self.lane.records.insert(key.clone(), record);
                Drift::Changed { deviations, accepted }
            }
            (drift, _) => drift,
        }
    }
}

/// What a look at a resource says.
#[derive(Debug, PartialEq)]
enum Finding {
    AsRecorded,
    AtWork { status: String },
    Unseen,
    Drifted(Drift),
}

fn finding(record: &Record, observed: Option<&Observed>) -> Finding {
    let Some(observed) = observed else {
        // What was never seen is not missed.
        return if record.seen {
            Finding::Unseen
        } else {
            Finding::AsRecorded
        };
    };
    if !observed.ours {
        return Finding::Drifted(Drift::NotOurs {
            id: observed.id.clone(),
        });
    }
    match &observed.condition {
        Condition::Deleting => Finding::Drifted(Drift::Missing),
        Condition::Broken { reason } => Finding::Drifted(Drift::Broken { reason: reason.clone() }),
        Condition::Changing { status } => Finding::AtWork { status: status.clone() },
        // A creation that was not finished has its differences still to be closed.
        Condition::Ready if observed.differences.is_empty() || !record.ready => Finding::AsRecorded,
        Condition::Ready => Finding::Drifted(Drift::Changed {
            deviations: observed.differences.iter().map(Deviation::from).collect(),
            accepted: false,
        }),
    }
}

/// The record with what is there instead of what was wanted, and whether it can hold all of it.
fn accepted(record: Record, deviations: &[Deviation]) -> (Record, bool) {
    let mut record = record;
    let mut all = true;
    for deviation in deviations {
        let Deviation {
            property,
            wanted,
            actual,
        } = deviation;
        if property == "tags" {
            for tag in wanted.as_object().into_iter().flat_map(|tags| tags.keys()) {
                match actual.get(tag).and_then(|value| value.as_str()) {
                    Some(value) => record.resource.tags.insert(tag.clone(), value.to_owned()),
                    None => record.resource.tags.remove(tag),
                };
            }
            continue;
        }
        let mut properties = serde_json::to_value(&record.resource.properties).unwrap_or_default();
        // What a database runs with AWS does not show; it only says that a restart is due.
        let entry = properties.get_mut(property).filter(|_| property != "static_parameters");
        let read = match entry {
            Some(entry) => {
                *entry = actual.clone();
                serde_json::from_value(properties).ok()
            }
            None => None,
        };
        match read {
            Some(properties) => record.resource.properties = properties,
            None => all = false,
        }
    }
    (record, all)
}
