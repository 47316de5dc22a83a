//! What every AWS adapter shares: configuration, clients made lazily per region, the mapping of errors, the time that a
//! call may take, what becomes of what is not at rest or cannot be changed, lists of many pages, the comparison of tags, the
//! choice of what is ours, and AWS's request ids.

mod candidate;
mod clients;
mod encryption;
mod error;
mod fetch;
mod number;
mod pages;
mod rest;
mod tags;
mod time;
mod traced;

pub use candidate::{Candidate, Choice, choose};
pub use clients::{Aws, Clients};
pub use encryption::{encryption_key, key_id};
pub use error::{Failure, call_error, chain, is_code};
pub use fetch::fetch;
pub use number::number;
pub use pages::pages;
pub use rest::{gone_meanwhile, not_at_rest, unchangeable};
pub use tags::{TAGS, TAGS_GONE, missing_tags, surplus_keys, surplus_tags};
pub use time::in_time;
pub use traced::Traced;
