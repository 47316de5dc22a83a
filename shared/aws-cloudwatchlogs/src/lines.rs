//! What is in a log group.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use outrigger_aws::{Aws, Clients, call_error, is_code};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::{Region, UnixMs};

/// Up to how many pages are read at once; a page has up to 10,000 events, or 1 MB.
const PAGES_MAX: usize = 50;

/// An event of a log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// What tells it from every other event of its group.
    pub id: String,
    /// When it happened.
    pub at_ms: UnixMs,
    /// The line.
    pub message: String,
}

/// Which events are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// That hold this text; all if it is empty.
    pub containing: String,
    /// Not before this moment.
    pub from_ms: UnixMs,
    /// Not after this one.
    pub until_ms: Option<UnixMs>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEvents {
    /// The oldest first.
    pub events: Vec<LogEvent>,
    /// Whether there are more, later ones than could be read at once.
    pub truncated: bool,
}

/// Reads log groups of one region, with
/// [FilterLogEvents](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html).
#[derive(Debug)]
pub struct LogReader {
    clients: Clients<Client>,
    region: Region,
}

impl LogReader {
    /// Makes no call yet.
    pub fn new(aws: &Aws, region: &Region) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
            region: region.clone(),
        }
    }

    /// The events of a group; none where there is no such group.
    ///
    /// # Caveats
    /// - Events show up some seconds after they have happened.
    ///
    /// # Errors
    /// When the call was refused, or not answered.
    pub async fn read(&self, group: &str, window: &Window) -> Result<LogEvents, CallError> {
        let client = self.clients.of(&self.region).await;
        let mut read = LogEvents::default();
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let request = client
                .filter_log_events()
                .log_group_name(group)
                .start_time(moment(window.from_ms))
                .set_end_time(window.until_ms.map(moment))
                .set_filter_pattern(pattern(&window.containing))
                .set_next_token(next.take());
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if is_code(&error, &["ResourceNotFoundException"]) => return Ok(read),
                Err(error) => return Err(call_error("logs:FilterLogEvents", &[], &error)),
            };
            read.events
                .extend(answer.events.unwrap_or_default().into_iter().filter_map(event));
            next = answer.next_token;
            // A page without events is not the last one.
            if next.is_none() {
                return Ok(read);
            }
        }
        read.truncated = true;
        Ok(read)
    }
}

fn moment(ms: UnixMs) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// In quotes it is one term, whatever characters it has; quotes themselves cannot be asked for.
fn pattern(containing: &str) -> Option<String> {
    (!containing.is_empty()).then(|| format!("\"{}\"", containing.replace('"', "")))
}

fn event(event: FilteredLogEvent) -> Option<LogEvent> {
    let at_ms = UnixMs::try_from(event.timestamp?).ok()?;
    let message = event.message?;
    let id = event
        .event_id
        .unwrap_or_else(|| format!("{}/{at_ms}/{message}", event.log_stream_name.unwrap_or_default()));
    Some(LogEvent { id, at_ms, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_term() {
        assert_eq!(pattern(""), None);
        assert_eq!(pattern("shop/production").as_deref(), Some("\"shop/production\""));
        assert_eq!(pattern("a \"b").as_deref(), Some("\"a b\""));
    }

    #[test]
    fn events_are_told_apart() {
        let builder = || {
            FilteredLogEvent::builder()
                .log_stream_name("2026/11/20/[$LATEST]1")
                .timestamp(1_700)
                .message("line")
        };
        let read = |id: &str| event(builder().event_id(id).build()).unwrap();
        assert_eq!(
            read("1"),
            LogEvent {
                id: "1".to_owned(),
                at_ms: 1_700,
                message: "line".to_owned()
            }
        );
        assert_ne!(read("1"), read("2"));
        let unnamed = event(builder().build()).unwrap();
        assert_eq!(unnamed.id, "2026/11/20/[$LATEST]1/1700/line");
        assert_eq!(event(FilteredLogEvent::builder().message("no time").build()), None);
    }
}
