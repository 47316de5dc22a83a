//! Items as DynamoDB keeps them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use outrigger_engine::ports::store::{Header, Item, ItemKey, StoreError};
use outrigger_model::FencingToken;

pub const PARTITION: &str = "pk";
pub const SORT: &str = "sk";
pub const TOKEN: &str = "token";
pub const VERSION: &str = "version";
pub const WRITE_ID: &str = "write_id";
pub const HOLDER: &str = "holder";
pub const HOLDER_EXPIRES_AT_MS: &str = "holder_expires_at_ms";
pub const BODY: &str = "body";

/// The attributes of one item.
pub type Attributes = HashMap<String, AttributeValue>;

/// The primary key of an item.
pub fn key(key: &ItemKey) -> Attributes {
    HashMap::from([
        (PARTITION.to_owned(), AttributeValue::S(key.partition.clone())),
        (SORT.to_owned(), AttributeValue::S(key.sort.clone())),
    ])
}

/// A number: DynamoDB keeps 38 digits of it.
pub fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The item that these are the attributes of.
pub fn item(sort: &str, mut attributes: Attributes) -> Result<Item, StoreError> {
    let header = header(sort, &attributes)?;
    let body = match attributes.remove(BODY) {
        None => Vec::new(),
        Some(AttributeValue::B(bytes)) => bytes.into_inner(),
        Some(_) => return Err(corrupt(sort, BODY)),
    };
    Ok(Item { header, body })
}

/// The header of the item that these are the attributes of.
pub fn header(sort: &str, attributes: &Attributes) -> Result<Header, StoreError> {
    let number = |name: &str| match attributes.get(name) {
        None => Ok(0),
        Some(AttributeValue::N(digits)) => digits.parse().map_err(|_| corrupt(sort, name)),
        Some(_) => Err(corrupt(sort, name)),
    };
    let text = |name: &str| match attributes.get(name) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text.clone())),
        Some(_) => Err(corrupt(sort, name)),
    };
    Ok(Header {
        token: FencingToken(number(TOKEN)?),
        version: number(VERSION)?,
        write_id: text(WRITE_ID)?.unwrap_or_default(),
        holder: text(HOLDER)?,
        holder_expires_at_ms: number(HOLDER_EXPIRES_AT_MS)?,
    })
}

fn corrupt(sort: &str, attribute: &str) -> StoreError {
    StoreError::Corrupt {
        sort: sort.to_owned(),
        reason: format!("its attribute {attribute} is of another type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_the_default_and_what_is_wrong_an_error() {
        let read = |name: &str, value: AttributeValue| item("lane#network", HashMap::from([(name.to_owned(), value)]));
        assert_eq!(item("lane#network", HashMap::new()), Ok(Item::default()));
        assert_eq!(
            read(TOKEN, number(u64::MAX)).unwrap().header.token,
            FencingToken(u64::MAX)
        );
        for (name, value) in [
            (TOKEN, AttributeValue::S("1".to_owned())),
            (VERSION, AttributeValue::N("1.5".to_owned())),
            (HOLDER, number(1)),
            (BODY, AttributeValue::S("text".to_owned())),
        ] {
            let error = read(name, value).unwrap_err().to_string();
            assert!(error.contains("lane#network") && error.contains(name), "{error}");
        }
    }
}
