//! The default bus: telling whoever listens.

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use outrigger_aws::{Aws, call_error};
use outrigger_engine::events::Event;
use outrigger_engine::ports::events::Events;
use outrigger_engine::ports::provider::{CallError, CallErrorKind};
use tokio::sync::OnceCell;

const PUT: &str = "events:PutEvents";

/// What the events' `source` is.
pub const SOURCE: &str = "outrigger";

/// The default event bus of the function's region.
#[derive(Debug)]
pub struct EventBus {
    aws: Aws,
    client: OnceCell<Client>,
}

impl EventBus {
    /// Makes no call yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            aws: aws.clone(),
            client: OnceCell::new(),
        }
    }
}

#[async_trait]
impl Events for EventBus {
    /// [PutEvents] answers with success also when it kept nothing: what became of the entry is in the answer.
    ///
    /// [PutEvents]: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
    async fn put(&self, event: &Event) -> Result<(), CallError> {
        let detail = serde_json::to_string(event)
            .map_err(|error| CallError::invalid(PUT, format!("the event cannot be written as JSON: {error}")))?;
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(event.detail_type())
            .detail(detail)
            .build();
        let client = self
            .client
            .get_or_init(async || Client::new(&self.aws.config(None).await))
            .await;
        let answer = client
            .put_events()
            .entries(entry)
            .send()
            .await
            .map_err(|error| call_error(PUT, &[], &error))?;
        refusal(answer.entries()).map_or(Ok(()), Err)
    }
}

/// Why an entry was not kept, if one was not.
fn refusal(entries: &[PutEventsResultEntry]) -> Option<CallError> {
    let (code, message) = entries
        .iter()
        .find_map(|entry| Some((entry.error_code()?, entry.error_message())))?;
    Some(CallError {
        call: PUT.to_owned(),
        kind: CallErrorKind::Unknown,
        code: code.to_owned(),
        message: message.unwrap_or("no message").to_owned(),
        request_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_was_not_kept_is_an_error_though_the_call_succeeded() {
        let kept = PutEventsResultEntry::builder().event_id("1").build();
        let refused = PutEventsResultEntry::builder()
            .error_code("ThrottlingException")
            .error_message("slow down")
            .build();
        assert_eq!(refusal(&[]).map(|error| error.code), None);
        assert_eq!(refusal(std::slice::from_ref(&kept)).map(|error| error.code), None);
        let error = refusal(&[kept, refused]).unwrap();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("ThrottlingException", "slow down")
        );
    }
}
