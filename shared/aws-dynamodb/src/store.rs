//! The store.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use outrigger_aws::{Aws, call_error};
use outrigger_engine::ports::provider::CallErrorKind;
use outrigger_engine::ports::store::{
    BODY_BYTES_MAX, Condition, Item, ItemKey, StateStore, StoreError, Write, Written,
};
use outrigger_model::Region;
use tokio::sync::OnceCell;

use crate::attributes::{Attributes, PARTITION, SORT, header, item, key};
use crate::expression::Expressions;

/// The error codes of DynamoDB that pass by themselves.
///
/// `ReplicatedWriteConflictException` comes from tables with multi-region strong consistency, when two regions write
/// one item at once; `TransactionConflictException` should not come, as there are no transactions. Neither write has
/// happened.
const PASSING: &[(&str, CallErrorKind)] = &[
    ("ReplicatedWriteConflictException", CallErrorKind::NotYet),
    ("TransactionConflictException", CallErrorKind::NotYet),
    ("InternalServerError", CallErrorKind::Unknown),
];

/// Keeps items in one DynamoDB table with the string keys `pk` and `sk`.
///
/// # Guarantees
/// - Those of [`StateStore`]: reads are consistent; each write is one `UpdateItem` with a condition.
///
/// # Caveats
/// - The SDK repeats calls whose answer is lost. A conditional write that is repeated may so be refused because of its
///   own first try: its write id shows that, and the answer is `Done`.
/// - Listing reads the bodies too (a projection saves the transfer, not the reading), so prefixes of large items are
///   for rare use.
#[derive(Debug)]
pub struct DynamoStore {
    aws: Aws,
    region: Option<Region>,
    table: String,
    client: OnceCell<Client>,
}

impl DynamoStore {
    /// The table's items, in `region` or else in the environment's own. Calls nothing yet.
    pub fn new(aws: &Aws, region: Option<Region>, table: impl Into<String>) -> Self {
        Self {
            aws: aws.clone(),
            region,
            table: table.into(),
            client: OnceCell::new(),
        }
    }

    /// The table's items in the environment's own region, as the port: what a function is wired with.
    pub fn shared(aws: &Aws, table: String) -> Arc<dyn StateStore> {
        Arc::new(Self::new(aws, None, table))
    }

    async fn client(&self) -> &Client {
        self.client
            .get_or_init(|| async { Client::new(&self.aws.config(self.region.as_ref()).await) })
            .await
    }
}

#[async_trait]
impl StateStore for DynamoStore {
    async fn read(&self, of: &ItemKey) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client()
            .await
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(of)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| store_error("dynamodb:GetItem", &error))?;
        answer.item.map(|attributes| item(&of.sort, attributes)).transpose()
    }

    async fn write(&self, write: &Write) -> Result<Written, StoreError> {
        if let Some(body) = &write.change.body
            && body.len() > BODY_BYTES_MAX
        {
            return Err(StoreError::TooLarge {
                sort: write.key.sort.clone(),
                bytes: body.len(),
            });
        }
        let mut expressions = Expressions::default();
        let conditions = expressions.conditions(&write.conditions);
        let update = expressions.update(&write.change, &write.write_id);
        let answer = self
            .client()
            .await
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&write.key)))
            .set_condition_expression(conditions)
            .update_expression(update)
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let sort = &write.key.sort;
        match answer {
            Ok(answer) => Ok(Written::Done(header(sort, &answer.attributes.unwrap_or_default())?)),
            Err(error) => match refused(&error) {
                Some(found) => Ok(write.refused(found.map(|attributes| item(sort, attributes)).transpose()?)),
                None => Err(store_error("dynamodb:UpdateItem", &error)),
            },
        }
    }

    async fn delete(&self, of: &ItemKey, conditions: &[Condition]) -> Result<bool, StoreError> {
        let mut expressions = Expressions::default();
        // What is absent is gone, whatever the conditions. AND binds tighter than OR, and DynamoDB refuses parentheses
        // that are not needed.
        let conditions = expressions
            .conditions(conditions)
            .map(|all| format!("{} OR {all}", expressions.absent()));
        let answer = self
            .client()
            .await
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(of)))
            .set_condition_expression(conditions)
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(service))
                if matches!(service.err(), DeleteItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(false)
            }
            Err(error) => Err(store_error("dynamodb:DeleteItem", &error)),
        }
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Vec<String>, StoreError> {
        let mut sorts: Vec<String> = Vec::new();
        let Some((first, last)) = range(prefix, after) else {
            return Ok(sorts);
        };
        let mut start: Option<Attributes> = None;
        // Ends: each page is the last, or has at least one item.
        while sorts.len() < count_max {
            let left = count_max - sorts.len();
            let page = self
                .client()
                .await
                .query()
                .table_name(&self.table)
                .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
                .projection_expression("#sk")
                .expression_attribute_names("#pk", PARTITION)
                .expression_attribute_names("#sk", SORT)
                .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
                .expression_attribute_values(":first", AttributeValue::S(first.clone()))
                .expression_attribute_values(":last", AttributeValue::S(last.clone()))
                .consistent_read(true)
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| store_error("dynamodb:Query", &error))?;
            let found = page.items.unwrap_or_default().into_iter();
            sorts.extend(found.filter_map(|mut attributes| match attributes.remove(SORT) {
                Some(AttributeValue::S(sort)) => Some(sort),
                Some(_) | None => None,
            }));
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(sorts)
    }
}

/// The first and the last sort key that start with `prefix` and come after `after`; `None` if there can be none.
///
/// A range instead of `begins_with`, because a key condition takes only one condition on the sort key.
fn range(prefix: &str, after: Option<&str>) -> Option<(String, String)> {
    let last = format!("{prefix}{}", char::MAX);
    // The shortest text that comes after another is it with the least character appended.
    let next = after.map(|after| format!("{after}\0")).unwrap_or_default();
    let first = next.max(prefix.to_owned());
    if first.is_empty() {
        // DynamoDB compares with no empty key; there is none either.
        return Some(("\0".to_owned(), last));
    }
    (first <= last).then_some((first, last))
}

/// The item that made DynamoDB refuse a write; `None` if that is not what happened.
fn refused<R>(error: &SdkError<UpdateItemError, R>) -> Option<Option<Attributes>> {
    match error {
        SdkError::ServiceError(service) => match service.err() {
            UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn store_error<E>(call: &str, error: &SdkError<E, aws_sdk_dynamodb::config::http::HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let error = call_error(call, PASSING, error);
    match error.kind {
        CallErrorKind::Throttled | CallErrorKind::NotYet | CallErrorKind::Unknown => {
            StoreError::Unavailable(error.to_string())
        }
        CallErrorKind::Exists | CallErrorKind::Invalid | CallErrorKind::Denied => {
            StoreError::Refused(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_starts_with_the_prefix_and_comes_after() {
        let table = [
            ("operation#", None, Some("operation#")),
            ("operation#", Some("lane#network"), Some("operation#")),
            ("operation#", Some("operation#a"), Some("operation#a\0")),
            ("operation#", Some("stack"), None),
            ("", None, Some("\0")),
            ("", Some("a"), Some("a\0")),
        ];
        for (prefix, after, first) in table {
            let range = range(prefix, after);
            assert_eq!(
                range.as_ref().map(|(first, _)| first.as_str()),
                first,
                "{prefix} {after:?}"
            );
            if let Some((first, last)) = range {
                assert!(first <= last && last.starts_with(prefix));
            }
        }
    }
}
