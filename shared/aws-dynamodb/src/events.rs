//! The table that a stack records events in.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use outrigger_aws::{Aws, call_error, is_code};
use outrigger_engine::ports::event_table::{EventTable, RecordedEvent};
use outrigger_engine::ports::provider::CallError;
use tokio::sync::OnceCell;

/// The table's key.
const KEY: &str = "id";

/// A table of the environment's own region, whose key is `id`.
#[derive(Debug)]
pub struct EventsTable {
    aws: Aws,
    table: String,
    client: OnceCell<Client>,
}

impl EventsTable {
    /// Makes no call yet.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self {
            aws: aws.clone(),
            table: table.into(),
            client: OnceCell::new(),
        }
    }
}

#[async_trait]
impl EventTable for EventsTable {
    /// [PutItem], on the condition that there is none of its id.
    ///
    /// [PutItem]: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    async fn keep(&self, event: &RecordedEvent) -> Result<bool, CallError> {
        let client = self
            .client
            .get_or_init(async || Client::new(&self.aws.config(None).await))
            .await;
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let request = client
            .put_item()
            .table_name(&self.table)
            .item(KEY, text(&event.id))
            .item("time", text(&event.time))
            .item("source", text(&event.source))
            .item("detail-type", text(&event.detail_type))
            .item("region", text(&event.region))
            .item("detail", text(&event.detail))
            .condition_expression("attribute_not_exists(#id)")
            .expression_attribute_names("#id", KEY);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_code(&error, &["ConditionalCheckFailedException"]) => Ok(false),
            Err(error) => Err(call_error("dynamodb:PutItem", &[], &error)),
        }
    }
}
