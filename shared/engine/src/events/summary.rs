//! An operation's end in a sentence or two, for a phone.

use super::{Closed, cut};
use crate::tasks::close_operation::Ending;

/// How long the first failure is at most, in characters.
const FAILURE_CHARS_MAX: usize = 200;

/// How an operation ended, on which stack, after how long, what failed first, and where to read on.
///
/// One line without quotation marks: EventBridge puts it into a text as it is.
pub(super) fn summary(closed: &Closed) -> String {
    let stack = match (&closed.stack, &closed.environment) {
        (Some(stack), Some(environment)) => format!("{stack}/{environment}"),
        _ => "a stack that its input does not name".to_owned(),
    };
    let workflow = closed.workflow.map_or("an operation", |workflow| workflow.as_str());
    let after = closed
        .duration_seconds
        .map_or(String::new(), |seconds| format!(" after {}", span(seconds)));
    let ended = match closed.outcome {
        Ending::Succeeded if closed.drifted == 1 => "1 resource is not as it is recorded".to_owned(),
        Ending::Succeeded if closed.drifted > 1 => format!("{} resources are not as they are recorded", closed.drifted),
        Ending::Succeeded => format!("{workflow} succeeded{after}"),
        Ending::Failed => format!("{workflow} failed{after}"),
        Ending::Aborted => format!("{workflow} was stopped{after}"),
        Ending::RolledBack => format!("{workflow} failed, and was rolled back{after}"),
        Ending::RollingBack => format!("{workflow} failed, and is rolled back"),
        Ending::Superseded => format!("{workflow} was overtaken"),
        Ending::NotBegun => format!("{workflow} was not begun"),
    };
    let mut text = format!("{stack}: {ended}.");
    if let Some(failure) = closed.failures.first() {
        text.push_str(&format!(" {}", cut(&one_line(failure), FAILURE_CHARS_MAX)));
        match closed.failures_count.saturating_sub(1) {
            0 => {}
            1 => text.push_str(" (and 1 more failure)"),
            more => text.push_str(&format!(" (and {more} more failures)")),
        }
        if !text.ends_with("...") {
            text.push('.');
        }
    }
    // An operation that never began is not on record.
    if closed.outcome != Ending::NotBegun {
        text.push_str(&format!(" outrigger show {}", closed.operation));
    }
    text
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('"', "'").trim_end_matches('.').to_owned()
}

/// A span of time, in its largest unit or two: `42 s`, `12 min`, `1 h 5 min`.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use outrigger_model::StackId;

    use super::*;
    use crate::state::content::{OperationRecord, Workflow};
    use crate::tasks::close_operation::Response;

    const STARTED_MS: u64 = 1_763_635_018_000;

    /// What is told of an operation that took so many seconds.
    fn closed(workflow: Workflow, outcome: Ending, seconds: u64, failures: &[&str], drifted: usize) -> Closed {
        let stack = StackId {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
        };
        let operation = format!("shop-production-{}-1", workflow.as_str());
        let mut record = OperationRecord::begun(&operation, &stack, workflow, "", STARTED_MS);
        record.closed_at_ms = Some(STARTED_MS + seconds * 1000);
        let response = Response {
            outcome,
            stack: stack.stack,
            environment: stack.environment,
            operation,
            outputs: BTreeMap::new(),
            failures: failures.iter().map(|failure| (*failure).to_owned()).collect(),
            kept: Vec::new(),
            drifted,
            workflow: Some(workflow),
            rollback: None,
        };
        Closed::new("outrigger", &response, Some(&record))
    }

    #[test]
    fn summaries_fit_on_a_phone() {
        use Workflow::{Destroy, Drift, Provision};
        let quota =
            "us-east-1/db-instance/database: InstanceQuotaExceeded: you have 40 \"instances\"\n and may have 40.";
        let skipped = "us-east-1/alarm/database-cpu: skipped, because us-east-1/db-instance/database failed";
        let stopped = "the execution shop-production-provision-1 ended as ABORTED";
        let taken = "another operation has taken the stack over";
        let refused =
            "PlanOutdated: the plan no longer fits, nothing was changed; plan again; 1 problem:\n- plan: older";
        let long = "a resource: ".to_owned() + &"very long ".repeat(60);
        let table = [
            (Provision, Ending::Succeeded, 754, vec![], 0),
            (Destroy, Ending::Succeeded, 3_912, vec![], 0),
            (Provision, Ending::Failed, 754, vec![quota], 0),
            (Provision, Ending::Failed, 754, vec![quota, skipped], 0),
            (Destroy, Ending::Failed, 61, vec![quota, skipped, skipped], 0),
            (Provision, Ending::RolledBack, 1_100, vec![quota], 0),
            (Provision, Ending::Aborted, 42, vec![stopped], 0),
            (Provision, Ending::Superseded, 42, vec![taken], 0),
            (Drift, Ending::Succeeded, 5, vec![], 0),
            (Drift, Ending::Succeeded, 5, vec![], 1),
            (Drift, Ending::Succeeded, 5, vec![], 3),
            (Provision, Ending::NotBegun, 0, vec![refused], 0),
            (Provision, Ending::Failed, 0, vec![long.as_str()], 0),
        ];
        let texts: Vec<String> = table
            .iter()
            .map(|(workflow, outcome, seconds, failures, drifted)| {
                let closed = closed(*workflow, *outcome, *seconds, failures, *drifted);
                assert!(closed.summary.chars().count() < 400, "{}", closed.summary);
                assert!(!closed.summary.contains(['"', '\n']), "{}", closed.summary);
                let mark = if closed.attention { "!" } else { " " };
                format!("{mark} {}", closed.summary)
            })
            .collect();
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn an_event_stays_small_whatever_failed() {
        let failures: Vec<String> = (0..10_000)
            .map(|number| format!("resource {number}: {}", "é".repeat(5_000)))
            .collect();
        let failures: Vec<&str> = failures.iter().map(String::as_str).collect();
        let closed = closed(Workflow::Provision, Ending::Failed, 1, &failures, 0);
        assert_eq!(closed.failures_count, 10_000);
        // The most that EventBridge takes of an entry (PutEvents, "Entries").
        assert!(serde_json::to_vec(&closed).unwrap().len() < 256 * 1024);
    }
}
