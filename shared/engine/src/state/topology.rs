//! Which of a stack's regions is primary: an item in a partition of its own, so that what may read it may read nothing else.

use outrigger_model::name::topology_partition;
use outrigger_model::{FencingToken, StackId, Topology};

use super::{Lease, State, StateError, body, write_failed};
use crate::ports::store::{Change, Condition, ItemKey, Write, Written};

const SORT: &str = "topology";

impl State {
    /// A stack's topology; `None` of one that never stood, or that has one region only.
    pub async fn topology(&self, stack: &StackId) -> Result<Option<Topology>, StateError> {
        let key = key(stack);
        let Some(item) = self.read(&key).await? else {
            return Ok(None);
        };
        body::decode(&key.sort, &item.body)
            .map(Some)
            .map_err(StateError::store(format!("read {} of {}", key.sort, key.partition)))
    }

    /// Records the topology that a stack begins with, unless it has one.
    ///
    /// # Guarantees
    /// - May be repeated: what is there stays as it is, whatever it is.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] if the operation no longer holds the lease.
    pub async fn begin_topology(&self, lease: &Lease, topology: &Topology) -> Result<(), StateError> {
        self.check_lease(lease).await?;
        let key = key(lease.stack());
        let write = Write {
            conditions: vec![Condition::Absent],
            change: Change {
                token: Some(lease.token()),
                holder: None,
                body: Some(body::encode(&key.sort, topology).map_err(|error| write_failed(&key, error))?),
            },
            write_id: lease.next_write_id(),
            key,
        };
        match self.write(&write).await? {
            Written::Done(_) | Written::Refused(Some(_)) => Ok(()),
            // Removed by somebody who has overtaken us, or this would have been written.
            Written::Refused(None) => self.check_lease(lease).await,
        }
    }

    /// Removes a stack's topology: absent is done.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] if the operation no longer holds the lease.
    pub async fn remove_topology(&self, lease: &Lease) -> Result<(), StateError> {
        self.check_lease(lease).await?;
        let key = key(lease.stack());
        // Who has overtaken us may have begun the next one.
        let not_above = Condition::TokenBelow(FencingToken(lease.token().0.saturating_add(1)));
        let removed = self.store.delete(&key, &[not_above]).await;
        let is_gone = removed.map_err(StateError::store(format!("delete {} of {}", key.sort, key.partition)))?;
        match is_gone {
            true => Ok(()),
            false => self.check_lease(lease).await,
        }
    }
}

fn key(stack: &StackId) -> ItemKey {
    ItemKey {
        partition: topology_partition(stack),
        sort: SORT.to_owned(),
    }
}
