//! The state store over DynamoDB: one table, every write one conditional `UpdateItem`.
//!
//! It uses nothing that a global table with multi-region strong consistency lacks: no transactions, no time to live, no
//! local index.

mod attributes;
mod expression;
mod store;

pub use store::DynamoStore;
