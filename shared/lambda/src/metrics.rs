//! CloudWatch embedded metrics: a line of the log that CloudWatch makes metrics of
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).

use outrigger_engine::executor::LaneReport;
use outrigger_model::{Lane, UnixMs};
use serde_json::{Value, json};

/// The metrics of one invocation of a lane's function.
pub(crate) fn of_lane(
    lane: Lane,
    stack: &str,
    operation: &str,
    report: &LaneReport,
    took_ms: u64,
    now_ms: UnixMs,
) -> Value {
    let count = |name: &str| json!({"Name": name, "Unit": "Count"});
    json!({
        "_aws": {
            "Timestamp": now_ms,
            "CloudWatchMetrics": [{
                "Namespace": "Outrigger",
                "Dimensions": [["lane"]],
                "Metrics": [
                    count("steps_waiting"),
                    count("steps_in_progress"),
                    count("steps_done"),
                    count("steps_failed"),
                    count("steps_skipped"),
                    {"Name": "invocation_ms", "Unit": "Milliseconds"},
                ],
            }],
        },
        "lane": lane.as_str(),
        "stack": stack,
        "operation": operation,
        "steps_waiting": report.counts.waiting,
        "steps_in_progress": report.counts.in_progress,
        "steps_done": report.counts.done,
        "steps_failed": report.counts.failed,
        "steps_skipped": report.counts.skipped,
        "invocation_ms": took_ms,
    })
}

#[cfg(test)]
mod tests {
    use outrigger_engine::executor::Counts;

    use super::*;

    #[test]
    fn every_metric_that_is_announced_is_there() {
        let report = LaneReport {
            settled: false,
            wait_seconds: 1,
            counts: Counts::default(),
        };
        let line = of_lane(
            Lane::Network,
            "shop/staging",
            "provision-1",
            &report,
            12,
            1_700_000_000_000,
        );
        let announced = line
            .pointer("/_aws/CloudWatchMetrics/0/Metrics")
            .and_then(Value::as_array)
            .unwrap();
        assert_eq!(announced.len(), 6);
        for metric in announced {
            let name = metric.get("Name").and_then(Value::as_str).unwrap();
            assert!(line.get(name).is_some_and(Value::is_u64), "{name}");
        }
        assert!(line.get("lane").is_some());
    }
}
