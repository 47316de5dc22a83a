//! SQL in a stack's database: what the database agent asks of it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::secrets::Credentials;

/// Where a database answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The host, which the server's certificate must name.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database's name.
    pub database: String,
}

/// One numbered row, the last one of whoever observes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Who wrote it: a region.
    pub observer: String,
    /// Its number, which only grows.
    pub number: i64,
    /// How long ago it was written, in milliseconds, by the database's own clock.
    pub age_ms: i64,
}

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Whether it replays what another wrote, and so takes no writes.
    pub in_recovery: bool,
    /// Its version, such as `15.4`.
    pub server_version: String,
    /// Whether the table of heartbeats is there.
    pub prepared: bool,
    /// The heartbeats that are there, by observer.
    pub heartbeats: Vec<Heartbeat>,
}

/// Runs the few statements that Outrigger needs in a database. Every connection is encrypted, and the server's certificate
/// verified; every call is bounded in time.
#[async_trait]
pub trait Database: Send + Sync {
    /// Makes the schema, the roles and the table of heartbeats; what is there stays.
    ///
    /// # Errors
    /// See [`DatabaseError`]; nothing is changed then.
    async fn prepare(&self, at: &Endpoint, credentials: &Credentials) -> Result<(), DatabaseError>;

    /// Looks, and changes nothing.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    async fn probe(&self, at: &Endpoint, credentials: &Credentials) -> Result<Probe, DatabaseError>;

    /// Writes the observer's heartbeat, and reads it back. The same number may be written again; a lower one is refused.
    ///
    /// # Errors
    /// See [`DatabaseError`]; after an error the row may have been written or not.
    async fn test_write(
        &self,
        at: &Endpoint,
        credentials: &Credentials,
        observer: &str,
        number: i64,
    ) -> Result<Heartbeat, DatabaseError>;
}

/// Why a database did not do what it was asked. No text holds a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// There was no connection in time, it broke, or the server takes none now.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Which server.
        host: String,
        /// Why.
        reason: String,
    },
    /// The server does not encrypt, or its certificate is not one to trust.
    #[error("{host} is not to be trusted: {reason}")]
    Untrusted {
        /// Which server.
        host: String,
        /// Why.
        reason: String,
    },
    /// The server does not let the secret's user in.
    #[error("{host} refuses the log-in of the secret's user: {reason}")]
    LoginRefused {
        /// Which server.
        host: String,
        /// The server's words.
        reason: String,
    },
    /// The server takes no writes: it is in recovery, or read-only.
    #[error("{host} takes no writes: {reason}")]
    ReadOnly {
        /// Which server.
        host: String,
        /// The server's words.
        reason: String,
    },
    /// A statement took longer than it may.
    #[error("{host} did not answer a statement in time: {reason}")]
    StatementTimeout {
        /// Which server.
        host: String,
        /// The server's words, or ours.
        reason: String,
    },
    /// The schema of heartbeats is not there.
    #[error("{host} is not prepared: {reason}; ask it to prepare first")]
    NotPrepared {
        /// Which server.
        host: String,
        /// The server's words.
        reason: String,
    },
    /// A later heartbeat of the same observer is there.
    #[error("{host} has heartbeat {found} of {observer} already, which is later than {number}")]
    Outdated {
        /// Which server.
        host: String,
        /// Whose heartbeat.
        observer: String,
        /// The number that was to be written.
        number: i64,
        /// The number that is there.
        found: i64,
    },
    /// The server refuses a statement for another reason.
    #[error("{host} refuses a statement: {reason}")]
    Refused {
        /// Which server.
        host: String,
        /// The server's words, with its code.
        reason: String,
    },
}

impl DatabaseError {
    /// The name that `Retry` and `Catch` of a state machine know it by.
    pub fn error_type(&self) -> &'static str {
        match self {
            DatabaseError::Unreachable { .. } => "DatabaseUnreachable",
            DatabaseError::Untrusted { .. } => "DatabaseUntrusted",
            DatabaseError::LoginRefused { .. } => "DatabaseLoginRefused",
            DatabaseError::ReadOnly { .. } => "DatabaseReadOnly",
            DatabaseError::StatementTimeout { .. } => "DatabaseStatementTimeout",
            DatabaseError::NotPrepared { .. } => "DatabaseNotPrepared",
            DatabaseError::Outdated { .. } => "DatabaseHeartbeatOutdated",
            DatabaseError::Refused { .. } => "DatabaseRefused",
        }
    }

    /// Whether the same may succeed later, by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            DatabaseError::Unreachable { .. } | DatabaseError::StatementTimeout { .. } => true,
            DatabaseError::Untrusted { .. }
            | DatabaseError::LoginRefused { .. }
            | DatabaseError::ReadOnly { .. }
            | DatabaseError::NotPrepared { .. }
            | DatabaseError::Outdated { .. }
            | DatabaseError::Refused { .. } => false,
        }
    }
}
