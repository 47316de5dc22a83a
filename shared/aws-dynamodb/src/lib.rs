//! The state store over DynamoDB: one table, every write one conditional `UpdateItem`; and how a global table stands.
//!
//! It uses nothing that a global table with multi-region strong consistency lacks: no transactions, no time to live, no
//! local index.

mod attributes;
mod expression;
mod global_table;
mod store;

pub use global_table::{GlobalTable, global_table};
pub use store::DynamoStore;
