//! The state of a stack, and the protocol that keeps executors apart.
//!
//! There are no transactions: each item is written alone, and only conditionally. What keeps two executors from working
//! on one stack is a number that only grows, the fencing token:
//!
//! 1. [`State::take_lease`] raises the token on the stack's item, then on each lane's. From then on nobody with a lower
//!    token writes there.
//! 2. [`State::claim_lane`] puts an attempt on a lane, in one write that needs the token and that no attempt is live.
//! 3. [`State::write_lane`] and [`State::finish_lane`] need the token, the attempt and the version.
//!
//! So whoever has been overtaken is refused by the store, however late it wakes up, and whatever its clock says. Clocks
//! only decide how long one waits for another who does not answer: the taker treats a hold as ended
//! [`CLOCK_SKEW_MS_MAX`] late, the owner stops acting as much early (see [`Claim::may_start_call`]).

mod blobs;
mod body;
mod claim;
pub mod content;
mod error;
mod index;
#[cfg(test)]
mod interleavings;
mod lease;
mod operations;
mod size;
mod time;
mod topology;

use std::sync::Arc;

use outrigger_model::{Lane, StackId, UnixMs};

pub use self::blobs::BLOB_HOLD_MS;
pub use self::claim::Claim;
pub use self::error::StateError;
pub use self::lease::{LEASE_MS, Lease, LeaseView};
pub use self::operations::{OPERATIONS_MAX, Pruned};
pub use self::size::too_large;
pub use self::time::rfc3339;
use crate::ports::clock::Clock;
use crate::ports::store::{Header, Item, ItemKey, StateStore, StoreError, Write, Written};

/// How far a machine's clock may be from the right time. AWS keeps Lambda's clocks within milliseconds.
pub const CLOCK_SKEW_MS_MAX: u64 = 5_000;

/// How often a write is tried whose answer is lost; the SDK has by then tried several times, with backoff.
const TRIES_MAX: usize = 2;

/// How often a write is made anew that is refused only because someone else wrote in between.
const ROUNDS_MAX: usize = 8;

/// The state of every stack, over a store.
#[derive(Clone)]
pub struct State {
    store: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
}

impl State {
    /// The state that is in `store`.
    pub fn new(store: Arc<dyn StateStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// The time by this machine's clock.
    pub fn now_ms(&self) -> UnixMs {
        self.clock.now_ms()
    }

    /// The latest end of a hold that has ended by now, whoever's clock it was measured with.
    fn ended_by_ms(&self) -> UnixMs {
        self.now_ms().saturating_sub(CLOCK_SKEW_MS_MAX)
    }

    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, StateError> {
        self.store
            .read(key)
            .await
            .map_err(StateError::store(format!("read {} of {}", key.sort, key.partition)))
    }

    /// Makes a write, and makes it again with the same write id when its answer is lost.
    async fn write(&self, write: &Write) -> Result<Written, StateError> {
        let mut lost = StoreError::Unavailable("not tried".to_owned());
        for _ in 0..TRIES_MAX {
            match self.store.write(write).await {
                Ok(written) => return Ok(written),
                Err(error @ StoreError::Unavailable(_)) => lost = error,
                Err(error) => return Err(write_failed(&write.key, error)),
            }
        }
        Err(write_failed(&write.key, lost))
    }
}

fn write_failed(key: &ItemKey, error: StoreError) -> StateError {
    StateError::store(format!("write {} of {}", key.sort, key.partition))(error)
}

fn key_of_stack(stack: &StackId) -> ItemKey {
    key(stack, "stack".to_owned())
}

fn key_of_lane(stack: &StackId, lane: Lane) -> ItemKey {
    key(stack, format!("lane#{lane}"))
}

fn key_of_operation(stack: &StackId, operation: &str) -> ItemKey {
    key(stack, format!("{OPERATION_PREFIX}{operation}"))
}

fn key_of_blob(stack: &StackId, hash: &str) -> ItemKey {
    key(stack, format!("{BLOB_PREFIX}{hash}"))
}

const OPERATION_PREFIX: &str = "operation#";
const BLOB_PREFIX: &str = "blob#";

fn key(stack: &StackId, sort: String) -> ItemKey {
    ItemKey {
        partition: format!("stack#{stack}"),
        sort,
    }
}

/// What a refusal shows of an item; of an absent one, nothing.
fn header_of(item: Option<Item>) -> Header {
    item.map(|item| item.header).unwrap_or_default()
}
