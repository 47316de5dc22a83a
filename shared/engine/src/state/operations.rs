//! The records that operations leave, and how what is old goes.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use outrigger_model::{FencingToken, StackId, UnixMs};

use super::content::OperationRecord;
use super::lease::contended;
use super::{
    BLOB_PREFIX, Lease, OPERATION_PREFIX, ROUNDS_MAX, State, StateError, body, key_of_blob, key_of_operation,
    key_of_stack, write_failed,
};
use crate::ports::store::{Change, Condition, ItemKey, Write, Written};

/// How many operations a stack can have on record; far more than are kept.
pub const OPERATIONS_MAX: usize = 500;

/// How many items one call of [`State::prune`] deletes at most.
const DELETES_MAX: usize = 100;

/// How many blobs one call of [`State::prune`] looks at.
const BLOBS_MAX: usize = 500;

/// How many sort keys are asked for at once, and how many items are read at once.
const PAGE: usize = 100;
const READS_AT_ONCE: usize = 8;

/// What [`State::prune`] has deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many operations' records.
    pub operations: usize,
    /// How many documents and plans.
    pub blobs: usize,
}

impl State {
    /// Records an operation: this one, or an earlier one that could not be closed in its own time.
    ///
    /// # Guarantees
    /// - May be repeated: the record is replaced.
    /// - Once a lease with a higher token has written the record, no one with a lower one does.
    ///
    /// # Caveats
    /// - That the lease is held is checked just before: an operation that loses it in this very moment may still write
    ///   its own record, which no one else relies on.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] if the operation no longer holds the lease.
    pub async fn put_operation(&self, lease: &Lease, record: &OperationRecord) -> Result<(), StateError> {
        self.check_lease(lease).await?;
        let key = key_of_operation(lease.stack(), &record.operation);
        let body = body::encode(&key.sort, record).map_err(|error| write_failed(&key, error))?;
        let mut found = self.read(&key).await?;
        for _ in 0..ROUNDS_MAX {
            // The version, so that a write of ours that is still on its way does not undo this one when it arrives.
            let unchanged = match &found {
                None => Condition::Absent,
                Some(item) => Condition::VersionIs(item.header.version),
            };
            let write = Write {
                key: key.clone(),
                conditions: vec![unchanged, not_above(lease)],
                change: Change {
                    token: Some(lease.token()),
                    holder: None,
                    body: Some(body.clone()),
                },
                write_id: lease.next_write_id(),
            };
            match self.write(&write).await? {
                Written::Done(_) => return Ok(()),
                Written::Refused(Some(item)) if item.header.token > lease.token() => {
                    return Err(lease.lost(&item.header));
                }
                Written::Refused(current) => found = current,
            }
        }
        Err(contended(&key.sort, lease.stack()))
    }

    /// The record of an operation.
    pub async fn operation(&self, stack: &StackId, operation: &str) -> Result<Option<OperationRecord>, StateError> {
        let key = key_of_operation(stack, operation);
        let Some(item) = self.read(&key).await? else {
            return Ok(None);
        };
        body::decode(&key.sort, &item.body)
            .map(Some)
            .map_err(StateError::store(format!("read {} of {}", key.sort, key.partition)))
    }

    /// Records that the event of an operation's end was put. It needs no lease: it changes nothing else of the record, and
    /// gives way to whoever writes the record meanwhile.
    ///
    /// # Guarantees
    /// - May be repeated.
    pub(crate) async fn mark_told(&self, record: &OperationRecord) -> Result<(), StateError> {
        let key = key_of_operation(&record.stack, &record.operation);
        let Some(found) = self.read(&key).await? else {
            return Ok(());
        };
        let mut told: OperationRecord = body::decode(&key.sort, &found.body)
            .map_err(StateError::store(format!("read {} of {}", key.sort, key.partition)))?;
        told.told = true;
        let write = Write {
            conditions: vec![Condition::VersionIs(found.header.version)],
            change: Change {
                body: Some(body::encode(&key.sort, &told).map_err(|error| write_failed(&key, error))?),
                ..Change::default()
            },
            write_id: format!("{}/told/{}", record.operation, found.header.version),
            key,
        };
        self.write(&write).await.map(|_| ())
    }

    /// The records of a stack's operations, the newest first, at most `count_max` of them.
    ///
    /// # Caveats
    /// - Reads all that are kept, since ids do not tell their age.
    pub async fn operations(&self, stack: &StackId, count_max: usize) -> Result<Vec<OperationRecord>, StateError> {
        let ids = self.sorts(stack, OPERATION_PREFIX, OPERATIONS_MAX).await?;
        let mut records = Vec::new();
        for some in ids.chunks(READS_AT_ONCE) {
            // One may have been pruned since it was listed.
            records.extend(
                try_join_all(some.iter().map(|id| self.operation(stack, id)))
                    .await?
                    .into_iter()
                    .flatten(),
            );
        }
        records.sort_by(|one, other| {
            let age = |record: &OperationRecord| std::cmp::Reverse(record.started_at_ms);
            (age(one), &one.operation).cmp(&(age(other), &other.operation))
        });
        records.truncate(count_max);
        Ok(records)
    }

    /// Deletes the records of operations beyond the newest `keep`, those that began before `begun_ms_min`, and the
    /// documents and plans that nothing refers to any more. The stack's current operation and the lease's own are kept in
    /// any case.
    ///
    /// # Guarantees
    /// - May be repeated, and given up at any point: a later call goes on. One call deletes a bounded number.
    /// - Nothing that was put within [`super::BLOB_HOLD_MS`] is deleted, so what another function is about to refer to
    ///   stays, even if this call is so late that its lease has ended.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] if the operation no longer holds the lease.
    pub async fn prune(&self, lease: &Lease, keep: usize, begun_ms_min: UnixMs) -> Result<Pruned, StateError> {
        // Taken before anything is read: what is put from now on has a hold that ends later than this.
        let ended_by_ms = self.ended_by_ms();
        self.check_lease(lease).await?;
        let records = self.operations(lease.stack(), OPERATIONS_MAX).await?;
        let (state, _) = self.stack(lease.stack()).await?.unwrap_or_default();
        let in_use = |record: &OperationRecord| {
            record.operation == lease.operation() || Some(&record.operation) == state.operation.as_ref()
        };
        let (old, kept): (Vec<_>, Vec<_>) = records
            .into_iter()
            .enumerate()
            .partition(|(index, record)| (*index >= keep || record.started_at_ms < begun_ms_min) && !in_use(record));

        let mut pruned = Pruned::default();
        for (_, record) in old.iter().take(DELETES_MAX) {
            let key = key_of_operation(lease.stack(), &record.operation);
            // Before the record: given up in between, the next call finds the record, and so the rest.
            self.forget(&record.operation).await?;
            pruned.operations += usize::from(self.delete(&key, &[not_above(lease)]).await?);
        }
        // What is not known to be unreferred stays for a later call.
        if old.len() > DELETES_MAX || old.len() + kept.len() >= OPERATIONS_MAX {
            return Ok(pruned);
        }
        let referred: BTreeSet<&str> = kept
            .iter()
            .flat_map(|(_, record)| record.plans.values().chain(record.rollback.values()))
            .chain(&state.document)
            .chain(&state.applied)
            .map(String::as_str)
            .collect();
        let hashes = self.sorts(lease.stack(), BLOB_PREFIX, BLOBS_MAX).await?;
        let deletes_max = DELETES_MAX.saturating_sub(pruned.operations);
        let unreferred = hashes.iter().filter(|hash| !referred.contains(hash.as_str()));
        for hash in unreferred.take(deletes_max) {
            let key = key_of_blob(lease.stack(), hash);
            pruned.blobs += usize::from(self.delete(&key, &[Condition::NotHeldAt(ended_by_ms)]).await?);
        }
        Ok(pruned)
    }

    async fn delete(&self, key: &ItemKey, conditions: &[Condition]) -> Result<bool, StateError> {
        self.store
            .delete(key, conditions)
            .await
            .map_err(StateError::store(format!("delete {} of {}", key.sort, key.partition)))
    }

    /// What follows `prefix` in a stack's sort keys, at most `count_max` of them.
    async fn sorts(&self, stack: &StackId, prefix: &str, count_max: usize) -> Result<Vec<String>, StateError> {
        let partition = key_of_stack(stack).partition;
        let mut sorts: Vec<String> = Vec::new();
        while sorts.len() < count_max {
            let count = PAGE.min(count_max - sorts.len());
            let page = self
                .store
                .list(&partition, prefix, sorts.last().map(String::as_str), count)
                .await
                .map_err(StateError::store(format!("list {prefix} of {partition}")))?;
            if page.is_empty() {
                break;
            }
            sorts.extend(page);
        }
        Ok(sorts
            .iter()
            .filter_map(|sort| sort.strip_prefix(prefix))
            .map(str::to_owned)
            .collect())
    }
}

/// Whoever has a higher token has overtaken us.
fn not_above(lease: &Lease) -> Condition {
    Condition::TokenBelow(FencingToken(lease.token().0.saturating_add(1)))
}
