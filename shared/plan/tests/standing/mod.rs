//! What is recorded once a graph stands: for the planner's tests and its bench.

use std::collections::BTreeMap;

use outrigger_model::{CallOutcome, Intent, Record};
use outrigger_plan::Graph;
use outrigger_plan::plan::{Records, attribute_of};
use outrigger_plan::resolve::resolve;

/// What is recorded once a graph stands.
pub fn records_of(graph: &Graph) -> Records {
    let mut records = Records::new();
    for key in graph.order().unwrap() {
        let resource = resolve(&graph.resources[key], |reference| attribute_of(&records, reference)).unwrap();
        let attributes = key.kind.attributes().iter();
        let record = Record {
            resource,
            intent: Intent {
                token: "token".to_owned(),
                outcome: CallOutcome::Answered { at_ms: 0 },
            },
            id: Some(format!("id-of-{key}")),
            attributes: attributes
                .map(|name| ((*name).to_owned(), format!("{name}-of-{key}")))
                .collect(),
            ready: true,
            seen: true,
            absences: 0,
            changed: BTreeMap::new(),
        };
        records.insert(key.clone(), record);
    }
    records
}
