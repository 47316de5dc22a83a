//! What an error of PostgreSQL means for whoever asked.

use std::error::Error as _;
use std::io;

use outrigger_engine::ports::database::DatabaseError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// What it means: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(crate) fn of(host: &str, error: &Error) -> DatabaseError {
    let host = host.to_owned();
    if let Some(said) = error.as_db_error() {
        return said_by_server(host, said);
    }
    let reason = chain(error);
    if is_of_tls(error) {
        DatabaseError::Untrusted { host, reason }
    } else {
        // It never came to a connection, or the connection broke.
        DatabaseError::Unreachable { host, reason }
    }
}

fn said_by_server(host: String, said: &DbError) -> DatabaseError {
    let code = said.code();
    let reason = format!("{} ({})", said.message(), code.code());
    let is_one_of = |codes: &[SqlState]| codes.contains(code);
    if is_one_of(&[
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    ]) {
        DatabaseError::LoginRefused { host, reason }
    } else if is_one_of(&[SqlState::READ_ONLY_SQL_TRANSACTION]) {
        DatabaseError::ReadOnly { host, reason }
    } else if is_one_of(&[SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE]) {
        DatabaseError::StatementTimeout { host, reason }
    } else if is_one_of(&[SqlState::INVALID_SCHEMA_NAME, SqlState::UNDEFINED_TABLE])
        // `SET ROLE` of a role that is not there.
        || is_one_of(&[SqlState::INVALID_PARAMETER_VALUE, SqlState::UNDEFINED_OBJECT])
    {
        DatabaseError::NotPrepared { host, reason }
    } else if is_passing(code) {
        DatabaseError::Unreachable { host, reason }
    } else {
        DatabaseError::Refused { host, reason }
    }
}

/// Whether the server is on its way up or down, has no room for another connection, or gave up for another's sake.
fn is_passing(code: &SqlState) -> bool {
    let codes = [
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    codes.contains(code) || code.code().starts_with("08")
}

/// Whether TLS failed for what the server is, and not for a connection that broke.
fn is_of_tls(error: &Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.is::<rustls::Error>() {
            return true;
        }
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            let inner = cause.get_ref();
            // A host that is no name of a server is refused before anything is sent.
            return inner.is_some_and(|inner| inner.is::<rustls::Error>())
                || cause.kind() == io::ErrorKind::InvalidInput && inner.is_some();
        }
        next = cause.source();
    }
    // A server that answers that it does not encrypt: an error without any of the causes above.
    error.to_string().starts_with("error performing TLS handshake")
}

/// The error with its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(&format!(": {words}"));
        }
        next = cause.source();
    }
    text
}
