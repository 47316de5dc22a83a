//! The task of `event-recorder`: each event of a rule into a table, once.

use serde::Deserialize;
use serde_json::Value;

use super::TaskError;
use crate::ports::event_table::{EventTable, RecordedEvent};

/// The longest detail that is kept, in bytes: what EventBridge takes is 256 KiB in all, an item of DynamoDB 400 KB.
pub const DETAIL_BYTES_MAX: usize = 320 * 1024;
/// The longest of the other fields, in bytes; AWS's own are far shorter.
pub const FIELD_BYTES_MAX: usize = 1_024;

/// An event, as EventBridge hands it to a function:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>.
#[derive(Deserialize)]
struct Event {
    id: String,
    time: String,
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    region: String,
    detail: Value,
}

/// Keeps an event. Answers whether it is new.
///
/// # Guarantees
/// - May be repeated, as EventBridge may deliver an event more than once: what is kept stays as it is.
///
/// # Errors
/// `InvalidInput` of what is no event, or is too long; those of the table.
pub async fn record_event(table: &dyn EventTable, event: &Value) -> Result<bool, TaskError> {
    let event = recorded(event)
        .map_err(|reason| TaskError::InvalidInput(format!("it is no event of EventBridge: {reason}")))?;
    let is_new = table.keep(&event).await?;
    tracing::info!(id = event.id, source = event.source, is_new, "recorded");
    Ok(is_new)
}

/// What is kept of an event.
fn recorded(event: &Value) -> Result<RecordedEvent, String> {
    let event = Event::deserialize(event).map_err(|error| error.to_string())?;
    let fields = [
        ("id", &event.id),
        ("time", &event.time),
        ("source", &event.source),
        ("detail-type", &event.detail_type),
        ("region", &event.region),
    ];
    for (name, field) in fields {
        if field.is_empty() || field.len() > FIELD_BYTES_MAX {
            return Err(format!(
                "its `{name}` is {} bytes long, expected 1 to {FIELD_BYTES_MAX}",
                field.len()
            ));
        }
    }
    let detail = event.detail.to_string();
    if detail.len() > DETAIL_BYTES_MAX {
        return Err(format!(
            "its `detail` is {} bytes long, expected at most {DETAIL_BYTES_MAX}",
            detail.len()
        ));
    }
    Ok(RecordedEvent {
        id: event.id,
        time: event.time,
        source: event.source,
        detail_type: event.detail_type,
        region: event.region,
        detail,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use serde_json::json;

    use super::*;
    use crate::ports::provider::CallError;

    #[derive(Default)]
    struct Kept(Mutex<BTreeMap<String, RecordedEvent>>);

    #[async_trait]
    impl EventTable for Kept {
        async fn keep(&self, event: &RecordedEvent) -> Result<bool, CallError> {
            let mut kept = self.0.lock().unwrap();
            let is_new = !kept.contains_key(&event.id);
            kept.entry(event.id.clone()).or_insert_with(|| event.clone());
            Ok(is_new)
        }
    }

    fn event() -> Value {
        json!({
            "version": "0", "id": "6a7e8feb", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
            "account": "123456789012", "time": "2026-11-21T01:00:00Z", "region": "us-east-1", "resources": [],
            "detail": {"state": "stopped", "number": 1.50},
        })
    }

    #[tokio::test]
    async fn an_event_is_kept_once() {
        let table = Kept::default();
        assert!(record_event(&table, &event()).await.unwrap());
        let mut again = event();
        again["detail"] = json!({"state": "started"});
        assert!(!record_event(&table, &again).await.unwrap());
        let kept = table.0.lock().unwrap();
        let [kept] = kept.values().collect::<Vec<_>>()[..] else {
            panic!("{kept:?}");
        };
        let detail: Value = serde_json::from_str(&kept.detail).unwrap();
        assert_eq!(detail, event()["detail"]);
        assert_eq!((kept.id.as_str(), kept.source.as_str()), ("6a7e8feb", "aws.ec2"));
    }

    #[tokio::test]
    async fn what_is_no_event_is_refused_and_not_kept() {
        let long = "x".repeat(FIELD_BYTES_MAX + 1);
        let too_long = "x".repeat(DETAIL_BYTES_MAX);
        let changes: [(&str, Value, &str); 5] = [
            ("id", json!(""), "`id` is 0 bytes"),
            ("id", json!(7), "expected a string"),
            ("source", json!(long), "`source` is 1025 bytes"),
            ("region", Value::Null, "expected a string"),
            ("detail", json!({"text": too_long}), "`detail` is"),
        ];
        let table = Kept::default();
        for (field, value, wanted) in changes {
            let mut event = event();
            event[field] = value;
            let error = record_event(&table, &event).await.unwrap_err();
            assert_eq!(error.error_type(), "InvalidInput");
            assert!(error.to_string().contains(wanted), "{error}");
        }
        let error = record_event(&table, &json!({"Records": []})).await.unwrap_err();
        assert!(error.to_string().contains("missing field `id`"), "{error}");
        assert!(table.0.lock().unwrap().is_empty());
    }
}
