//! The state store: items with a fencing header, written one at a time and only conditionally.
//!
//! There are no transactions and no time to live, so that a DynamoDB global table with multi-region strong consistency
//! can carry it.

use async_trait::async_trait;
use outrigger_model::{FencingToken, UnixMs};

/// Names one item: the stack it belongs to, and what it is of that stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The stack: `stack#<stack>/<environment>`. The partition key.
    pub partition: String,
    /// What it is: `stack`, `lane#network`, `operation#<id>`, ... The sort key.
    pub sort: String,
}

/// One item: a header that conditions speak of, and a body that they do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// What conditions speak of.
    pub header: Header,
    /// The rest, opaque to the store. At most [`BODY_BYTES_MAX`].
    pub body: Vec<u8>,
}

/// What conditions speak of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The highest fencing token that has reached this item.
    pub token: FencingToken,
    /// Grows by one with every write.
    pub version: u64,
    /// Who wrote last: tells a write that succeeded, but whose answer was lost, from one that was refused.
    pub write_id: String,
    /// Who holds the item (an operation for the lease, an attempt for a lane), if anyone does.
    pub holder: Option<String>,
    /// When the hold ends by itself, by the holder's clock.
    pub holder_expires_at_ms: UnixMs,
}

/// One condition on the item as it stands. All of a write's conditions must hold. On an absent item every condition but
/// [`Condition::Absent`], [`Condition::TokenBelow`] and [`Condition::NotHeldAt`] fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is no such item.
    Absent,
    /// There is such an item.
    Present,
    /// Its token is lower than this.
    TokenBelow(FencingToken),
    /// Its token is this.
    TokenIs(FencingToken),
    /// Its version is this.
    VersionIs(u64),
    /// Its holder is this.
    HolderIs(String),
    /// It has no holder, or its hold ended at this moment or before.
    NotHeldAt(UnixMs),
}

impl Condition {
    /// Whether it holds on an item as it stands.
    pub fn holds(&self, item: Option<&Item>) -> bool {
        match (self, item.map(|item| &item.header)) {
            (Self::Absent | Self::TokenBelow(_) | Self::NotHeldAt(_), None) => true,
            (Self::Present | Self::TokenIs(_) | Self::VersionIs(_) | Self::HolderIs(_), None) => false,
            (Self::Absent, Some(_)) => false,
            (Self::Present, Some(_)) => true,
            (Self::TokenBelow(token), Some(header)) => header.token < *token,
            (Self::TokenIs(token), Some(header)) => header.token == *token,
            (Self::VersionIs(version), Some(header)) => header.version == *version,
            (Self::HolderIs(holder), Some(header)) => header.holder.as_ref() == Some(holder),
            (Self::NotHeldAt(at_ms), Some(header)) => header.holder.is_none() || header.holder_expires_at_ms <= *at_ms,
        }
    }
}

/// One conditional write of a whole item. The version is set by the store: the old one and one, or 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which item.
    pub key: ItemKey,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// What to change.
    pub change: Change,
    /// Names this write; a repeat of the same write carries the same.
    pub write_id: String,
}

/// What a write changes; what is `None` stays as it is (on an absent item: the default).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The new token.
    pub token: Option<FencingToken>,
    /// The new holder and when its hold ends, or that there is none.
    pub holder: Option<Option<Hold>>,
    /// The new body.
    pub body: Option<Vec<u8>>,
}

/// A hold on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub holder: String,
    /// Until when, by the holder's clock.
    pub expires_at_ms: UnixMs,
}

/// What became of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was written, now or by an earlier try of the same write; the item's new header.
    Done(Header),
    /// A condition did not hold; the item as it stands.
    Refused(Option<Item>),
}

impl Write {
    /// What a write that was refused has come to: done after all, if the item as it stands is what this very write made
    /// of it, by an earlier try whose answer was lost.
    ///
    /// The write id alone would do, were it never used for two writes. A function that AWS invokes again gets the same
    /// request id again, so what the write wanted is compared as well.
    pub fn refused(&self, current: Option<Item>) -> Written {
        match current {
            Some(item) if item.header.write_id == self.write_id && self.is_made(&item) => Written::Done(item.header),
            current => Written::Refused(current),
        }
    }

    fn is_made(&self, item: &Item) -> bool {
        let Header {
            token,
            holder,
            holder_expires_at_ms,
            ..
        } = &item.header;
        let token_is = self.change.token.is_none_or(|wanted| wanted == *token);
        let holder_is = match &self.change.holder {
            None => true,
            Some(None) => holder.is_none(),
            Some(Some(hold)) => holder.as_ref() == Some(&hold.holder) && *holder_expires_at_ms == hold.expires_at_ms,
        };
        let body_is = self.change.body.as_ref().is_none_or(|wanted| *wanted == item.body);
        token_is && holder_is && body_is
    }
}

/// The store could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No answer, or too many calls: whether a write happened is unknown; repeat it with the same write id.
    #[error("the state store did not answer: {0}")]
    Unavailable(String),
    /// The body is longer than [`BODY_BYTES_MAX`].
    #[error("the item {sort} would be {bytes} bytes long, at most {BODY_BYTES_MAX} are possible")]
    TooLarge {
        /// Which item.
        sort: String,
        /// How long its body is.
        bytes: usize,
    },
    /// The function's role may not do this, or the table is not there.
    #[error("the state store refused: {0}")]
    Refused(String),
    /// What is stored is not what this version writes.
    #[error("the item {sort} cannot be read: {reason}")]
    Corrupt {
        /// Which item.
        sort: String,
        /// What is wrong.
        reason: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            StoreError::Unavailable(_) => true,
            StoreError::TooLarge { .. } | StoreError::Refused(_) | StoreError::Corrupt { .. } => false,
        }
    }
}

/// The longest body: DynamoDB's limit for an item is 400 KB, names and header included.
pub const BODY_BYTES_MAX: usize = 390 * 1024;

/// Keeps items. Reads are strongly consistent.
///
/// # Guarantees
/// - A write happens wholly or not at all, and only if all its conditions hold.
/// - A write that is repeated with the same write id answers `Done` if nobody has written since.
///
/// # Caveats
/// - After `Unavailable` a write may have happened. Repeat it: if someone else has written in between, the answer is
///   `Refused`, although it had happened; the conditions then decide what that means.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The item as it stands.
    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, StoreError>;

    /// Writes one item if the conditions hold.
    async fn write(&self, write: &Write) -> Result<Written, StoreError>;

    /// Deletes one item if the conditions hold; absent is done. Answers whether it is gone.
    async fn delete(&self, key: &ItemKey, conditions: &[Condition]) -> Result<bool, StoreError>;

    /// The sort keys in a partition that start with `prefix`, sorted, at most `count_max` of them after `after`.
    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Vec<String>, StoreError>;
}
