//! CloudWatch embedded metrics: a line of the log that CloudWatch makes metrics of
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! The template's dashboard and alarms name them, and docs/events.md lists them.

use outrigger_engine::events::Closed;
use outrigger_engine::executor::LaneReport;
use outrigger_engine::tasks::Ticket;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_model::{Lane, UnixMs};
use serde_json::{Value, json};

const NAMESPACE: &str = "Outrigger";

/// A metric's name and unit.
type Metric = (&'static str, &'static str);

/// Metrics that share their dimensions.
fn directive(dimensions: &[&str], metrics: &[Metric]) -> Value {
    let metrics: Vec<Value> = metrics
        .iter()
        .map(|(name, unit)| json!({"Name": name, "Unit": unit}))
        .collect();
    json!({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics})
}

/// The metrics of one invocation of a lane's function.
pub(crate) fn of_lane(
    control_plane: &str,
    ticket: &Ticket,
    lane: Lane,
    report: &LaneReport,
    took_ms: u64,
    now_ms: UnixMs,
) -> Value {
    let metrics = [
        ("steps_waiting", "Count"),
        ("steps_in_progress", "Count"),
        ("steps_done", "Count"),
        ("steps_failed", "Count"),
        ("steps_skipped", "Count"),
        ("invocation_ms", "Milliseconds"),
    ];
    json!({
        "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive(&["control_plane", "lane"], &metrics)]},
        "control_plane": control_plane,
        "lane": lane.as_str(),
        "stack": ticket.id().to_string(),
        "operation": ticket.operation,
        "steps_waiting": report.counts.waiting,
        "steps_in_progress": report.counts.in_progress,
        "steps_done": report.counts.done,
        "steps_failed": report.counts.failed,
        "steps_skipped": report.counts.skipped,
        "invocation_ms": took_ms,
    })
}

/// The metrics of an operation that has ended, or never began.
pub(crate) fn of_operation(closed: &Closed, now_ms: UnixMs) -> Value {
    let has_failed = match closed.outcome {
        Ending::Failed | Ending::Aborted | Ending::RolledBack | Ending::Superseded => 1,
        Ending::Succeeded | Ending::RollingBack | Ending::NotBegun => 0,
    };
    let mut directives = vec![
        directive(&["control_plane", "workflow", "outcome"], &[("operations", "Count")]),
        directive(
            &["control_plane"],
            &[("operations_failed", "Count"), ("resources_drifted", "Count")],
        ),
    ];
    let mut line = json!({
        "control_plane": closed.control_plane,
        "workflow": closed.workflow.map_or("unknown", |workflow| workflow.as_str()),
        "outcome": closed.outcome,
        "stack": closed.stack,
        "environment": closed.environment,
        "operation": closed.operation,
        "operations": 1,
        "operations_failed": has_failed,
        "resources_drifted": closed.drifted,
    });
    if let Some(seconds) = closed.duration_seconds {
        directives.push(directive(
            &["control_plane", "workflow"],
            &[("operation_seconds", "Seconds")],
        ));
        line["operation_seconds"] = json!(seconds);
    }
    line["_aws"] = json!({"Timestamp": now_ms, "CloudWatchMetrics": directives});
    line
}

/// How many leases ran out while their operation was open, as a check found.
pub(crate) fn of_stale_leases(control_plane: &str, count: usize, now_ms: UnixMs) -> Value {
    let directive = directive(&["control_plane"], &[("stale_leases", "Count")]);
    json!({
        "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive]},
        "control_plane": control_plane,
        "stale_leases": count,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use outrigger_engine::executor::Counts;
    use outrigger_engine::state::content::Workflow;
    use outrigger_engine::tasks::Phase;
    use outrigger_model::FencingToken;

    use super::*;

    /// Every metric and dimension that a line announces is in it, as CloudWatch wants it; their names.
    fn announced(line: &Value) -> Vec<String> {
        let mut names = Vec::new();
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for dimension in directive["Dimensions"][0].as_array().unwrap() {
                let name = dimension.as_str().unwrap();
                assert!(line[name].is_string(), "{name}: {line}");
            }
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                assert!(line[name].is_u64(), "{name}: {line}");
                names.push(name.to_owned());
            }
        }
        assert!(line["_aws"]["Timestamp"].is_u64());
        names
    }

    #[test]
    fn lanes_tell_their_steps() {
        let report = LaneReport {
            settled: false,
            wait_seconds: 1,
            counts: Counts::default(),
        };
        let ticket = Ticket {
            stack: "shop".to_owned(),
            environment: "staging".to_owned(),
            operation: "provision-1".to_owned(),
            token: FencingToken(1),
            phase: Phase::Converge,
            plans: BTreeMap::new(),
        };
        let line = of_lane("outrigger", &ticket, Lane::Network, &report, 12, 1_700_000_000_000);
        assert_eq!(announced(&line).len(), 6);
        assert_eq!(line["stack"], "shop/staging");
    }

    fn closed(outcome: Ending, duration_seconds: Option<u64>) -> Closed {
        Closed {
            version: "1".to_owned(),
            control_plane: "outrigger".to_owned(),
            stack: None,
            environment: None,
            workflow: Some(Workflow::Provision),
            operation: "provision-1".to_owned(),
            outcome,
            by: None,
            reason: None,
            started_at: None,
            closed_at: None,
            duration_seconds,
            failures: Vec::new(),
            failures_count: 0,
            kept: Vec::new(),
            drifted: 2,
            outputs: BTreeMap::new(),
            attention: false,
            summary: String::new(),
        }
    }

    #[test]
    fn operations_tell_how_they_ended() {
        let table = [
            (Ending::Succeeded, Some(12), "succeeded", 0),
            (Ending::Failed, Some(12), "failed", 1),
            (Ending::Aborted, Some(12), "aborted", 1),
            (Ending::RolledBack, Some(12), "rolled_back", 1),
            (Ending::Superseded, None, "superseded", 1),
            (Ending::NotBegun, None, "not_begun", 0),
        ];
        for (outcome, seconds, name, failed) in table {
            let line = of_operation(&closed(outcome, seconds), 1_700_000_000_000);
            let timed = announced(&line).contains(&"operation_seconds".to_owned());
            assert_eq!(timed, seconds.is_some(), "{line}");
            assert_eq!(
                (&line["outcome"], &line["operations_failed"], &line["resources_drifted"]),
                (&json!(name), &json!(failed), &json!(2))
            );
        }
    }

    #[test]
    fn no_stale_lease_is_a_figure_too() {
        let line = of_stale_leases("outrigger", 0, 1_700_000_000_000);
        assert_eq!(announced(&line), ["stale_leases"]);
    }
}
