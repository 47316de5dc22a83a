//! The state store in memory, and faults for any state store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::ports::store::{
    BODY_BYTES_MAX, Change, Condition, Header, Item, ItemKey, StateStore, StoreError, Write, Written,
};

/// What happens to a call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not reach the store.
    Before,
    /// It reaches the store, and its answer is lost.
    AnswerLost,
}

/// Which of the next calls that change something go wrong, and how. Its clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

#[derive(Debug)]
struct Rule {
    prefix: String,
    skip: usize,
    count: usize,
    fault: Fault,
}

impl Faults {
    /// No call goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of the next writes and deletes of items whose sort key starts with `prefix`, `skip` go well, and the `count`
    /// that follow go wrong. Where several such rules match a call, the oldest counts.
    pub fn fail_writes(&self, prefix: &str, skip: usize, count: usize, fault: Fault) {
        if count == 0 {
            return;
        }
        locked(&self.rules).push(Rule {
            prefix: prefix.to_owned(),
            skip,
            count,
            fault,
        });
    }

    /// Whether nothing is left to go wrong.
    pub fn is_empty(&self) -> bool {
        locked(&self.rules).is_empty()
    }

    /// From now on every call goes well.
    pub fn clear(&self) {
        locked(&self.rules).clear();
    }

    fn next(&self, sort: &str) -> Option<Fault> {
        let mut rules = locked(&self.rules);
        let rule = rules.iter_mut().find(|rule| sort.starts_with(&rule.prefix))?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        let fault = rule.fault;
        rule.count = rule.count.saturating_sub(1);
        rules.retain(|rule| rule.count > 0);
        Some(fault)
    }
}

/// Any state store, with faults.
pub struct Faulty {
    store: Arc<dyn StateStore>,
    faults: Faults,
}

impl Faulty {
    /// `store`, with these faults.
    pub fn new(store: Arc<dyn StateStore>, faults: Faults) -> Self {
        Self { store, faults }
    }
}

#[async_trait]
impl StateStore for Faulty {
    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, StoreError> {
        self.store.read(key).await
    }

    async fn write(&self, write: &Write) -> Result<Written, StoreError> {
        match self.faults.next(&write.key.sort) {
            None => self.store.write(write).await,
            Some(Fault::Before) => Err(unavailable("did not reach the store")),
            Some(Fault::AnswerLost) => {
                self.store.write(write).await?;
                Err(unavailable("the answer was lost"))
            }
        }
    }

    async fn delete(&self, key: &ItemKey, conditions: &[Condition]) -> Result<bool, StoreError> {
        match self.faults.next(&key.sort) {
            None => self.store.delete(key, conditions).await,
            Some(Fault::Before) => Err(unavailable("did not reach the store")),
            Some(Fault::AnswerLost) => {
                self.store.delete(key, conditions).await?;
                Err(unavailable("the answer was lost"))
            }
        }
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Vec<String>, StoreError> {
        self.store.list(partition, prefix, after, count_max).await
    }
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(format!("a fault of the test: {why}"))
}

/// Keeps items in memory. Its clones are the same store; one that shall fail is wrapped in [`Faulty`].
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    items: BTreeMap<ItemKey, Item>,
    writes: usize,
    usage: Usage,
}

/// What a DynamoDB table with on-demand capacity would bill, all reads strongly consistent
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-mode.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Reads and queries.
    pub reads: u64,
    /// Read request units: one for each 4 KB read.
    pub read_units: u64,
    /// Writes and deletes, the refused ones among them: they are billed too.
    pub writes: u64,
    /// Write request units: one for each KB of the item, before or after, whichever is larger.
    pub write_units: u64,
}

/// About what an item's attributes take besides its body and key: names, numbers, the write id.
const HEADER_BYTES: usize = 200;

fn bytes(key: &ItemKey, item: Option<&Item>) -> usize {
    let body = item.map_or(0, |item| item.body.len() + HEADER_BYTES);
    body + key.partition.len() + key.sort.len()
}

impl Usage {
    fn read(&mut self, bytes: usize) {
        self.reads += 1;
        self.read_units += (bytes.div_ceil(4096) as u64).max(1);
    }

    fn write(&mut self, bytes: usize) {
        self.writes += 1;
        self.write_units += (bytes.div_ceil(1024) as u64).max(1);
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many writes and deletes have reached the store, the refused ones among them.
    pub fn writes(&self) -> usize {
        locked(&self.inner).writes
    }

    /// What has been read and written so far.
    pub fn usage(&self) -> Usage {
        locked(&self.inner).usage
    }

    /// Every item, as it stands.
    pub fn items(&self) -> BTreeMap<ItemKey, Item> {
        locked(&self.inner).items.clone()
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, StoreError> {
        let mut inner = locked(&self.inner);
        let item = inner.items.get(key).cloned();
        inner.usage.read(bytes(key, item.as_ref()));
        Ok(item)
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
        let mut inner = locked(&self.inner);
        inner.writes += 1;
        let before = bytes(&write.key, inner.items.get(&write.key));
        let after = write.change.body.as_ref().map_or(0, |body| body.len() + HEADER_BYTES);
        inner.usage.write(before.max(after));
        let current = inner.items.get(&write.key);
        if !write.conditions.iter().all(|condition| condition.holds(current)) {
            return Ok(write.refused(current.cloned()));
        }
        let item = inner.items.entry(write.key.clone()).or_default();
        apply(item, &write.change);
        item.header.version += 1;
        item.header.write_id.clone_from(&write.write_id);
        Ok(Written::Done(item.header.clone()))
    }

    async fn delete(&self, key: &ItemKey, conditions: &[Condition]) -> Result<bool, StoreError> {
        let mut inner = locked(&self.inner);
        inner.writes += 1;
        let bytes = bytes(key, inner.items.get(key));
        inner.usage.write(bytes);
        let Some(item) = inner.items.get(key) else {
            return Ok(true);
        };
        let holds = conditions.iter().all(|condition| condition.holds(Some(item)));
        if holds {
            inner.items.remove(key);
        }
        Ok(holds)
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Vec<String>, StoreError> {
        let mut inner = locked(&self.inner);
        let found: Vec<(String, usize)> = inner
            .items
            .iter()
            .filter(|(key, _)| key.partition == partition && key.sort.starts_with(prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.sort.as_str() > after))
            .take(count_max)
            .map(|(key, item)| (key.sort.clone(), bytes(key, Some(item))))
            .collect();
        // A query is billed for whole items, whatever it projects.
        inner.usage.read(found.iter().map(|(_, bytes)| bytes).sum());
        Ok(found.into_iter().map(|(sort, _)| sort).collect())
    }
}

fn apply(item: &mut Item, change: &Change) {
    let Header {
        token,
        holder,
        holder_expires_at_ms,
        ..
    } = &mut item.header;
    if let Some(new) = change.token {
        *token = new;
    }
    match &change.holder {
        None => {}
        Some(None) => (*holder, *holder_expires_at_ms) = (None, 0),
        Some(Some(hold)) => (*holder, *holder_expires_at_ms) = (Some(hold.holder.clone()), hold.expires_at_ms),
    }
    if let Some(body) = &change.body {
        item.body.clone_from(body);
    }
}

/// A panic cannot leave what is locked here half changed, so a poisoned lock is as good as any.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
