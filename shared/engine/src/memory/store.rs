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

    /// Every item, as it stands.
    pub fn items(&self) -> BTreeMap<ItemKey, Item> {
        locked(&self.inner).items.clone()
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, StoreError> {
        Ok(locked(&self.inner).items.get(key).cloned())
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
        Ok(locked(&self.inner)
            .items
            .keys()
            .filter(|key| key.partition == partition && key.sort.starts_with(prefix))
            .map(|key| &key.sort)
            .filter(|sort| after.is_none_or(|after| sort.as_str() > after))
            .take(count_max)
            .cloned()
            .collect())
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
