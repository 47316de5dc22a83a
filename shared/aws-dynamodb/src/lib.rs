//! The state store over DynamoDB: one table, every write one conditional `UpdateItem`; how a global table stands; and the tables
//! of stacks.
//!
//! The state store uses nothing that a global table with multi-region strong consistency lacks: no transactions, no time to live, no
//! local index.

mod attributes;
mod events;
mod expression;
mod global_table;
mod store;
mod table;

pub use events::EventsTable;
pub use global_table::{GlobalTable, global_table};
pub use store::DynamoStore;
pub use table::Tables;
