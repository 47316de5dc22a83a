//! What every AWS adapter shares: configuration, clients made lazily per region, and the mapping of errors.

mod clients;
mod error;

pub use clients::{Aws, Clients};
pub use error::{call_error, is_code};
