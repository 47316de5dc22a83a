//! Content by its hash: documents and plans.

use outrigger_model::StackId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{State, StateError, body, key_of_blob, write_failed};
use crate::ports::store::{Change, Condition, Hold, StoreError, Write};

/// How long a blob is kept although nothing refers to it yet, in milliseconds: an hour, from when it was last put.
pub const BLOB_HOLD_MS: u64 = 3_600_000;

impl State {
    /// Keeps content, and answers its hash: the SHA-256 of its JSON, in hex.
    ///
    /// # Guarantees
    /// - May be repeated: the same content has the same hash, and is kept once.
    /// - It is kept for [`BLOB_HOLD_MS`] in any case, and as long as an operation's record or the stack's refers to it.
    ///
    /// # Caveats
    /// - Needs no lease, so that a plan can be made before one is held. Whoever is about to refer to content that may
    ///   be older than that puts it again first, so that [`State::prune`] does not take it away in between.
    ///
    /// # Errors
    /// `TooLarge` when it is too long even when compressed.
    pub async fn put_blob<T: Serialize + Sync>(&self, stack: &StackId, content: &T) -> Result<String, StateError> {
        let failed = |error| write_failed(&key_of_blob(stack, ""), error);
        let json = body::json("blob", content).map_err(failed)?;
        let hash = hash_of(&json);
        let key = key_of_blob(stack, &hash);
        let body = body::compress(&key.sort, &json).map_err(failed)?;
        let hold = Hold {
            holder: "put".to_owned(),
            expires_at_ms: self.now_ms().saturating_add(BLOB_HOLD_MS),
        };
        let write = Write {
            write_id: format!("put/{}", hold.expires_at_ms),
            key,
            // Whoever writes this key writes this content. If someone else holds it for longer, all is well: a late put
            // must not shorten that hold.
            conditions: vec![Condition::NotHeldAt(hold.expires_at_ms)],
            change: Change {
                token: None,
                holder: Some(Some(hold)),
                body: Some(body),
            },
        };
        self.write(&write).await?;
        Ok(hash)
    }

    /// The content with this hash; `None` if it is not kept, or no longer.
    ///
    /// # Errors
    /// `Internal` if what is kept has another hash, or is not a `T`.
    pub async fn blob<T: DeserializeOwned>(&self, stack: &StackId, hash: &str) -> Result<Option<T>, StateError> {
        let key = key_of_blob(stack, hash);
        let Some(item) = self.read(&key).await? else {
            return Ok(None);
        };
        let failed = StateError::store(format!("read {} of {}", key.sort, key.partition));
        content(&key.sort, hash, &item.body).map(Some).map_err(failed)
    }
}

fn content<T: DeserializeOwned>(sort: &str, hash: &str, body: &[u8]) -> Result<T, StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt {
        sort: sort.to_owned(),
        reason,
    };
    let json = body::decompress(sort, body)?;
    let actual = hash_of(&json);
    if actual != hash {
        return Err(corrupt(format!("the hash of its content is {actual}")));
    }
    serde_json::from_slice(&json).map_err(|error| corrupt(error.to_string()))
}

fn hash_of(json: &[u8]) -> String {
    Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect()
}
