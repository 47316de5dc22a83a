//! How large the items of a plan become, told before anything is begun.

use std::collections::BTreeMap;

use outrigger_model::document::Code;
use outrigger_model::{CallOutcome, CallRecord, Intent, Lane, Problem, Record, ResourceKey, StepState};
use outrigger_plan::Plan;
use sha2::{Digest, Sha256};

use super::body;
use super::content::LaneState;
use crate::ports::store::{BODY_BYTES_MAX, StoreError};

/// How many calls a step makes, as a rule, that are kept on record.
const CALLS: usize = 4;

/// The problem of a lane whose resources are more than one item can hold, at their largest: every id known, every step
/// under way with something to say.
pub fn too_large(lane: Lane, plan: &Plan) -> Option<Problem> {
    match body::encode("lane", &largest(plan)) {
        Err(StoreError::TooLarge { bytes, .. }) => Some(Problem::at(
            Code::TooMany,
            format!("lanes.{lane}"),
            format!(
                "its {} resources take {} KB of state, of which an item holds {}; divide the stack into several",
                plan.steps.len(),
                bytes / 1000,
                BODY_BYTES_MAX / 1000
            ),
        )),
        Err(_) | Ok(_) => None,
    }
}

fn largest(plan: &Plan) -> LaneState {
    let mut lane = LaneState {
        operation: Some("o".repeat(80)),
        ..LaneState::default()
    };
    for (key, step) in &plan.steps {
        let attributes = key.kind.attributes().iter();
        let attributes = attributes.map(|name| ((*name).to_owned(), unlike_any_other(key, name)));
        lane.records.insert(
            key.clone(),
            Record {
                resource: step.resource.clone(),
                intent: Intent {
                    token: unlike_any_other(key, "token"),
                    outcome: CallOutcome::Answered { at_ms: u64::MAX },
                },
                id: Some(unlike_any_other(key, "id")),
                attributes: attributes.collect(),
                ready: true,
                seen: true,
                absences: 0,
                changed: BTreeMap::new(),
            },
        );
        let state = StepState::InProgress {
            since_ms: u64::MAX,
            poll_at_ms: u64::MAX,
            reason: Some(unlike_any_other(key, "reason").repeat(2)),
            refusals: 0,
            stable: 0,
        };
        lane.steps.insert(key.clone(), state);
        let call = |number: usize| CallRecord {
            verb: "change".to_owned(),
            at_ms: u64::MAX,
            request_id: Some(unlike_any_other(key, &number.to_string())),
            error: None,
        };
        lane.calls.insert(key.clone(), (0..CALLS).map(call).collect());
    }
    lane
}

/// A text as long as an ARN, half of it like no other: what cannot be compressed.
fn unlike_any_other(key: &ResourceKey, what: &str) -> String {
    let digest = Sha256::digest(format!("{key} {what}").as_bytes());
    let own: String = digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    format!("arn:aws:service:us-east-1:000000000000:kind:name/{own}")
}
