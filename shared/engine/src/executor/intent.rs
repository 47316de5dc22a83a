//! Tokens of intents.

use outrigger_model::{ResourceKey, UnixMs};
use sha2::{Digest, Sha256};

/// A token for one create: sorts by time, differs between resources, operations and moments, and fits AWS's client tokens
/// (at most 64 ASCII characters).
pub(super) fn token(now_ms: UnixMs, operation: &str, key: &ResourceKey) -> String {
    let digest = Sha256::digest(format!("{operation}\n{key}\n{now_ms}").as_bytes());
    let suffix: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{now_ms:016}-{suffix}")
}
